//! A tokenizer that is a pair of OpenVINO graphs, as `convert_tokenizer` writes them: one from a text to ids, one back.
//!
//! Their operations are in an extension of OpenVINO, and change with it: a graph is for the release that wrote it. What is
//! wrong with a file in other ways is found only where it is used, and may crash OpenVINO: use it in a process of its own.

use std::path::{Path, PathBuf};

use openvino::{DeviceType, ElementType, InferRequest, Shape, Tensor};
use roxmltree::{Document, Node};

use crate::engine::ModelFolder;
use crate::engine::openvino::graph::{Edges, attribute, descendants, dims, number};
use crate::engine::openvino::string_tensor::{add_extension, string_tensor, text_of};
use crate::engine::openvino::tensor::Row;
use crate::engine::openvino::{FoundBy, Property, Releases, Runtime, RuntimeLocation, failed};
use crate::error::{Error, Result};
use crate::files::text::NoText;
use crate::files::{self, FileKind};
use crate::places;
use crate::workload::TokenId;

/// The extension's library, wherever it lies.
const LIBRARY: &str = "libopenvino_tokenizers.so";
/// From the folder of an installation's C library to where its extension may be: the archives of `openvino_genai` have it
/// beside, pip beside the package.
const BESIDE: [&str; 2] = ["", "../../openvino_tokenizers/lib"];
/// What the notes of a graph call the release that wrote it, the most exact first.
const WRITERS: [&str; 2] = ["openvino_tokenizers_version", "openvino_version"];

/// A limit of ids that no text reaches; to the largest number a converter leaves room for special tokens.
const NO_LIMIT: i32 = i32::MAX - 64;

/// The graphs of a tokenizer, read and not loaded.
#[derive(Debug)]
pub struct TokenizerIr {
    folder: PathBuf,
    tokenizer: IrGraph,
    detokenizer: IrGraph,
    /// The release of OpenVINO that wrote it, as in "2026.4.1".
    release: String,
    switched_off: Vec<String>,
    vocabulary_size: Option<usize>,
}

/// One graph, as OpenVINO will read it.
#[derive(Debug)]
struct IrGraph {
    xml: String,
    weights: Vec<u8>,
}

impl TokenizerIr {
    /// Reads the two graphs of a model folder.
    ///
    /// # Errors
    /// A file that is missing, no graph, or cut off; graphs that do not say which release wrote them.
    pub fn read(folder: &ModelFolder) -> Result<Self> {
        let graph = |name| IrGraph::read(folder.path(), name);
        let (mut tokenizer, mut detokenizer) = (graph("openvino_tokenizer")?, graph("openvino_detokenizer")?);
        let notes = tokenizer.notes()?;
        let (release, other) = (notes.release, detokenizer.notes()?.release);
        let no_graph = |what: String| {
            Error::input(format!("the tokenizer IR in `{}` {what}", folder.path().display()))
                .hint(convert_again(None))
        };
        let release = release.ok_or_else(|| no_graph("does not say which OpenVINO wrote it".to_owned()))?;
        if other.as_ref() != Some(&release) {
            let other = other.unwrap_or_default();
            return Err(no_graph(format!(
                "was written by OpenVINO `{release}`, and its detokenizer by `{other}`"
            )));
        }
        if tokenizer.has_one_length()? {
            return Err(no_graph(
                "gives a row of one length for every text, and cuts off longer ones: convert it without padding"
                    .to_owned(),
            ));
        }
        tokenizer.without_truncation()?;
        let vocabulary_size = detokenizer.with_special_tokens()?;
        let switched_off = notes.switched_off;
        Ok(Self {
            folder: folder.path().to_owned(),
            tokenizer,
            detokenizer,
            release,
            switched_off,
            vocabulary_size,
        })
    }

    /// The release of OpenVINO that wrote it, as in "2026.4.1".
    pub fn release(&self) -> &str {
        &self.release
    }

    /// What it was converted with and is not done, for it would change every prompt.
    pub fn switched_off(&self) -> &[String] {
        &self.switched_off
    }

    /// How many ids it knows, where its graph says so.
    pub fn vocabulary_size(&self) -> Option<usize> {
        self.vocabulary_size
    }

    /// Loads it into this process.
    ///
    /// # Errors
    /// No extension, one of another release than the graphs, graphs that OpenVINO refuses.
    pub fn load(self, location: RuntimeLocation) -> Result<LoadedTokenizer> {
        let mut runtime = Runtime::load(location)?;
        self.check_release(runtime.version())?;
        add_extension(&runtime.core, &extension_of(runtime.location())?)?;
        // A text of one row: more threads would only be started.
        runtime.set_property("CPU", &Property::new("INFERENCE_NUM_THREADS", "1"))?;
        let refused = |name: &str, cause| {
            failed(&format!("load `{name}` of `{}`", self.folder.display()), &cause)
                .as_input()
                .hint(convert_again(Some(&self.release)))
        };
        let mut request = |name: &str, graph: &IrGraph| {
            let weights = graph.weights_tensor()?;
            let model = runtime.core.read_model_from_buffer(graph.xml.as_bytes(), Some(&weights));
            let model = model.map_err(|cause| refused(name, cause))?;
            let compiled = runtime.core.compile_model(&model, DeviceType::CPU);
            let request = compiled.and_then(|mut compiled| compiled.create_infer_request());
            request
                .map(|request| Request { request, _weights: weights })
                .map_err(|cause| refused(name, cause))
        };
        Ok(LoadedTokenizer {
            tokenizer: request("openvino_tokenizer.xml", &self.tokenizer)?,
            detokenizer: request("openvino_detokenizer.xml", &self.detokenizer)?,
            _runtime: runtime,
        })
    }

    /// Refuses an OpenVINO that did not write it.
    fn check_release(&self, version: &str) -> Result<()> {
        if self.release == version {
            return Ok(());
        }
        let release = &self.release;
        let what = format!(
            "the tokenizer IR in `{}` is of OpenVINO `{release}`, and `{version}` runs: one loads only in the release that wrote it",
            self.folder.display()
        );
        let use_it = Releases::pinned()
            .get(release)
            .map(|_| format!("run on that release: `--openvino {release}`; or "));
        Err(Error::input(what).hint(use_it.unwrap_or_default() + &convert_again(Some(version))))
    }
}

/// The command that makes a tokenizer IR, and what does without one.
fn convert_again(version: Option<&str>) -> String {
    let version = version.map(|version| format!("=={version}.0")).unwrap_or_default();
    format!(
        "convert the original's tokenizer again: `pip install openvino-tokenizers[transformers]{version}`, `convert_tokenizer \
         ORGANISATION/MODEL --with-detokenizer -o DIR`; or name a `tokenizer.json` with `--tokenizer FILE`"
    )
}

/// The file of the extension that belongs to an OpenVINO.
fn extension_of(location: &RuntimeLocation) -> Result<PathBuf> {
    if let FoundBy::Release(version) = &location.found_by {
        let releases = Releases::pinned();
        let extension = releases.get(version).map(|release| release.tokenizers_version.as_str());
        let folder = extension.and_then(places::openvino_tokenizers_dir);
        let file = folder.map(|folder| folder.join(&releases.tokenizers.library)).unwrap_or_default();
        let what = || {
            format!("the tokenizers extension of OpenVINO `{version}` is not set up: no `{}`", file.display())
        };
        return if file.is_file() {
            Ok(file)
        } else {
            Err(Error::harness(what())
                .hint(format!("run `cargo xtask setup --tokenizers --openvino {version}` (4 MB)")))
        };
    }
    let libraries = location.c_library.parent().unwrap_or(Path::new("/"));
    let found = BESIDE.iter().map(|beside| libraries.join(beside).join(LIBRARY)).find(|file| file.is_file());
    found.ok_or_else(|| {
        Error::input(format!("the OpenVINO in `{}` has no `{LIBRARY}`, which a tokenizer IR needs", libraries.display()))
            .hint("install `openvino-tokenizers` of the same release beside it, or leave it out to use the pinned release")
    })
}

/// What a graph's notes say.
struct Notes {
    release: Option<String>,
    switched_off: Vec<String>,
}

impl IrGraph {
    fn read(folder: &Path, name: &str) -> Result<Self> {
        let path = |extension: &str| folder.join(format!("{name}.{extension}"));
        let bytes = |path: &Path| {
            if files::is_pointer(path) {
                return Err(NoText::LfsPointer.of_file(path));
            }
            files::read(path, FileKind::Graph).map_err(|error| error.or_hint(&convert_again(None)))
        };
        let (xml_file, weights_file) = (path("xml"), path("bin"));
        let (xml, weights) = (bytes(&xml_file)?, bytes(&weights_file)?);
        let fault = |file: &Path, what: String| {
            Error::input(format!("`{}` {what}", file.display()))
                .hint(format!("fetch the model again; or {}", convert_again(None)))
        };
        let xml =
            String::from_utf8(xml).map_err(|cause| fault(&xml_file, format!("is no text ({cause})")))?;
        let document =
            Document::parse(&xml).map_err(|cause| fault(&xml_file, format!("is no XML ({cause})")))?;
        let network = Network::of(&document);
        let network =
            network.ok_or_else(|| fault(&xml_file, "has no layers and edges, so it is no graph".into()))?;
        let extent = |layer: Node| number(layer, "offset")?.checked_add(number(layer, "size")?);
        let needed = network.of_type("Const").filter_map(extent).max().unwrap_or(0);
        if (weights.len() as u64) < needed {
            let what = format!("is truncated: it has {} bytes, its graph needs {needed}", weights.len());
            return Err(fault(&weights_file, what));
        }
        Ok(Self { xml, weights })
    }

    fn weights_tensor(&self) -> Result<Tensor> {
        let doing = |cause| failed("allocate the constants of a graph", &cause);
        let length = i64::try_from(self.weights.len()).unwrap_or(i64::MAX);
        let shape = Shape::new(&[length]).map_err(doing)?;
        let mut tensor = Tensor::new(ElementType::U8, &shape).map_err(doing)?;
        tensor.get_raw_data_mut().map_err(doing)?.copy_from_slice(&self.weights);
        Ok(tensor)
    }

    fn notes(&self) -> Result<Notes> {
        let document = parse(&self.xml)?;
        let notes = document.root_element().children().rfind(|node| node.has_tag_name("rt_info"));
        let value = |name: &str| {
            let note = notes?.children().find(|note| note.has_tag_name(name))?;
            note.attribute("value").filter(|value| !value.is_empty())
        };
        let is_on = |name: &str| value(name).is_some_and(|value| value == "True");
        let version = WRITERS.iter().find_map(|name| value(name));
        let switched_off = [("use_max_padding", "padding"), ("truncation", "truncation")];
        Ok(Notes {
            release: version.map(release_of),
            switched_off: switched_off
                .iter()
                .filter(|(name, _)| is_on(name))
                .map(|(_, what)| (*what).to_owned())
                .collect(),
        })
    }

    /// Whether rows have a fixed length, as OpenVINO 2026.1 makes them for `use_max_padding`.
    fn has_one_length(&self) -> Result<bool> {
        let document = parse(&self.xml)?;
        let Some(network) = Network::of(&document) else { return Ok(false) };
        // The length is the input before the last, which is what pads a row.
        let is_fixed = network.of_type("RaggedToDense").any(|layer| {
            let ports: Vec<&str> = descendants(layer, "input").map(|port| attribute(port, "id")).collect();
            let length = ports.iter().rev().nth(1).and_then(|port| network.source(layer, port));
            length.is_some_and(|length| length.attribute("type") == Some("Const"))
        });
        Ok(is_fixed)
    }

    /// Lets the operation that cuts off ids cut off none: its limit becomes one that no text reaches.
    fn without_truncation(&mut self) -> Result<()> {
        let document = parse(&self.xml)?;
        let Some(network) = Network::of(&document) else { return Ok(()) };
        let limits = network.of_type("Truncate").filter_map(|layer| {
            // Three inputs a text, then the limit, the side and the strategy.
            let ports: Vec<&str> = descendants(layer, "input").map(|port| attribute(port, "id")).collect();
            let limit = network.source(layer, ports.iter().rev().nth(2)?)?;
            let limit =
                if limit.attribute("type") == Some("Select") { network.source(limit, "1")? } else { limit };
            limit
                .children()
                .find(|node| node.has_tag_name("data"))
                .filter(|_| limit.attribute("type") == Some("Const"))
        });
        let offset = self.weights.len();
        let none = format!("<data element_type=\"i32\" shape=\"\" offset=\"{offset}\" size=\"4\" />");
        let edits = limits.map(|data| (data.range(), none.clone())).collect();
        self.xml = replaced(&self.xml, edits);
        self.weights.extend(NO_LIMIT.to_le_bytes());
        Ok(())
    }

    /// Lets the decoder skip no token, so that nothing is hidden. Gives how many ids it knows.
    fn with_special_tokens(&mut self) -> Result<Option<usize>> {
        let mut edits = Vec::new();
        let document = parse(&self.xml)?;
        let decoder = Network::of(&document).and_then(|network| {
            let decoder = network.of_type("VocabDecoder").next()?;
            let skipped =
                network.source(decoder, "4").filter(|layer| layer.attribute("type") == Some("Const"));
            for data in skipped.iter().flat_map(Node::descendants).filter(|node| node.has_tag_name("data")) {
                let (element_type, offset) = (attribute(data, "element_type"), attribute(data, "offset"));
                let none = format!(
                    "<data element_type=\"{element_type}\" shape=\"0\" offset=\"{offset}\" size=\"0\" />"
                );
                edits.push((data.range(), none));
            }
            let ports = skipped.into_iter().flat_map(|layer| descendants(layer, "output"));
            let ports =
                ports.chain(descendants(decoder, "input").filter(|port| attribute(*port, "id") == "4"));
            for dimension in ports.flat_map(|port| port.children()).filter(|node| node.has_tag_name("dim")) {
                edits.push((dimension.range(), "<dim>0</dim>".to_owned()));
            }
            Some(decoder)
        });
        let vocabulary = decoder.and_then(|decoder| {
            let port = descendants(decoder, "input").find(|port| attribute(*port, "id") == "1")?;
            dims(port).next()?.parse().ok()
        });
        self.xml = replaced(&self.xml, edits);
        Ok(vocabulary)
    }
}

/// A tokenizer that OpenVINO has loaded.
pub struct LoadedTokenizer {
    tokenizer: Request,
    detokenizer: Request,
    /// Has the extension whose code runs.
    _runtime: Runtime,
}

struct Request {
    request: InferRequest,
    /// The constants of its graph point into it.
    _weights: Tensor,
}

impl LoadedTokenizer {
    /// The ids of a text, with the special tokens that it was converted to put around it.
    ///
    /// # Errors
    /// When OpenVINO refuses.
    pub fn encode(&mut self, text: &str) -> Result<Vec<TokenId>> {
        let doing = |cause| failed("tokenize a text", &cause);
        let request = &mut self.tokenizer.request;
        request.set_input_tensor(&string_tensor(text)?).and_then(|()| request.infer()).map_err(doing)?;
        let row = |name| {
            let tensor = request.get_tensor(name).map_err(doing)?;
            i64_elements(&tensor)
        };
        // What pads the row to some length is not of the text.
        let (ids, mask) = (row("input_ids")?, row("attention_mask")?);
        let of_text = ids.iter().zip(mask).filter(|(_, mask)| *mask != 0);
        let no_id = |id: i64| Error::input(format!("the tokenizer IR gives `{id}`, which is no token id"));
        of_text.map(|(id, _)| TokenId::try_from(*id).map_err(|_| no_id(*id))).collect()
    }

    /// The text of ids, special tokens included.
    ///
    /// # Errors
    /// When OpenVINO refuses.
    pub fn decode(&mut self, ids: &[TokenId]) -> Result<String> {
        let doing = |cause| failed("detokenize", &cause);
        // A row of none has no memory to be written.
        if ids.is_empty() {
            return Ok(String::new());
        }
        let mut row = Row::<i64>::with_capacity(ids.len())?;
        row.write(&ids.iter().map(|id| i64::from(*id)).collect::<Vec<_>>())?;
        let request = &mut self.detokenizer.request;
        request.set_input_tensor(row.tensor()).and_then(|()| request.infer()).map_err(doing)?;
        text_of(&request.get_output_tensor_by_index(0).map_err(doing)?)
    }
}

fn i64_elements(tensor: &Tensor) -> Result<Vec<i64>> {
    let doing = |cause| failed("read the ids of a text", &cause);
    let element_type = tensor.get_element_type().map_err(doing)?;
    if element_type != ElementType::I64 {
        let what = format!("the tokenizer IR gives ids of `{element_type:?}`, and `i64` are read");
        return Err(Error::input(what).hint(convert_again(None)));
    }
    // An empty tensor may have no memory at all, of which no slice can be made.
    if tensor.get_size().map_err(doing)? == 0 {
        return Ok(Vec::new());
    }
    tensor.get_data::<i64>().map(<[i64]>::to_vec).map_err(doing)
}

/// The layers and edges of a graph.
struct Network<'a> {
    layers: Vec<Node<'a, 'a>>,
    edges: Edges<'a>,
}

impl<'a> Network<'a> {
    fn of(document: &'a Document<'a>) -> Option<Self> {
        let list = |list: &str, name: &'static str| {
            let node = document.root_element().children().find(|node| node.has_tag_name(list))?;
            Some(node.children().filter(|node| node.has_tag_name(name)).collect())
        };
        Some(Self { layers: list("layers", "layer")?, edges: Edges(list("edges", "edge")?) })
    }

    fn of_type(&self, kind: &'static str) -> impl Iterator<Item = Node<'a, 'a>> {
        self.layers.iter().copied().filter(move |layer| layer.attribute("type") == Some(kind))
    }

    fn source(&self, layer: Node<'a, 'a>, port: &str) -> Option<Node<'a, 'a>> {
        let from = attribute(self.edges.ending_at(attribute(layer, "id"), port)?, "from-layer");
        self.layers.iter().copied().find(|layer| attribute(*layer, "id") == from)
    }
}

fn parse(xml: &str) -> Result<Document<'_>> {
    Document::parse(xml).map_err(|cause| Error::input(format!("the tokenizer IR is no XML ({cause})")))
}

/// "2026.4.1" of "2026.4.1.0-738-9bfda529607".
fn release_of(version: &str) -> String {
    let numbers = version.split('-').next().unwrap_or_default();
    numbers.split('.').take(3).collect::<Vec<_>>().join(".")
}

/// The text with these parts replaced.
fn replaced(text: &str, mut edits: Vec<(std::ops::Range<usize>, String)>) -> String {
    edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut text = text.to_owned();
    for (range, part) in edits {
        text.replace_range(range, &part);
    }
    text
}

//! Models on this machine: which there are, whether one is whole, and what it is made of.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::engine::ModelShape;
use crate::engine::openvino::KindOfWeight;
use crate::error::{Error, Result};
use crate::record::hub::FetchedFrom;
use crate::record::{FaultyFile, HashesFrom, Manifest, ModelDescription};
use crate::report::document::{Cell, Document, Table, number};
use crate::report::number::{counted, file_size, percent};
use crate::visible;
use crate::visible::one_line;

/// Hexadecimal digits of a file's hash that are printed; JSON has all.
const SHOWN_DIGITS: usize = 12;

/// The description as JSON.
///
/// # Errors
/// Never, but for a fault of the writer.
pub fn model_description_json(description: &ModelDescription) -> Result<String> {
    let text = serde_json::to_string_pretty(description);
    text.map(|text| visible::json(&text) + "\n")
        .map_err(|cause| Error::harness(format!("cannot write a description: {cause}")))
}

/// The description as facts and tables.
pub fn model_description(description: &ModelDescription) -> Document {
    let ModelDescription { name, folder, sha256, shape, .. } = description;
    let mut document = Document::default();
    document.title(name);
    document.fact("folder", folder);
    let by = match description.hashes_from {
        HashesFrom::Manifest => "by its manifest; `model verify` compares the files with it",
        HashesFrom::Files => "by its files; it has no manifest",
    };
    document.fact("identity", format!("sha256 {sha256} ({by})"));
    if let Some(from) = &description.fetched_from {
        document.fact("fetched from", format!("{} at {}", from.repository, from.commit));
    }
    add_shape(&mut document, shape);
    add_weights(&mut document, description);
    add_makers(&mut document, &description.made_by);
    let files = description.files.iter().map(|file| {
        let digits = file.sha256.get(..SHOWN_DIGITS).unwrap_or(&file.sha256);
        [file.path.as_str().into(), number(Some(file_size(file.size_bytes))), digits.into()]
    });
    document.table(Table::new(["file", "size", "sha256 begins"]).with_rows(files));
    document
}

fn add_shape(document: &mut Document, shape: &ModelShape) {
    let number = |number: Option<u64>| number.map_or_else(|| "?".to_owned(), |number| number.to_string());
    let names: Vec<&str> = shape.model_type.iter().chain(&shape.architectures).map(String::as_str).collect();
    let window =
        shape.sliding_window_tokens.map_or_else(String::new, |tokens| format!(" (window of {tokens})"));
    let kinds: Vec<String> = shape
        .layers_by_attention
        .iter()
        .map(|(kind, count)| {
            let window = if kind.contains("sliding") { window.as_str() } else { "" };
            format!("{count} with {}{window}", kind.replace('_', " "))
        })
        .collect();
    let kinds = if kinds.is_empty() { String::new() } else { format!(": {}", kinds.join(", ")) };
    document.fact("architecture", names.join(", "));
    document.fact("layers", format!("{}{kinds}", number(shape.layers)));
    document.fact(
        "attention",
        format!(
            "{} heads, {} of keys and values, {} wide; the hidden state {}",
            number(shape.attention_heads),
            number(shape.kv_heads),
            number(shape.head_size),
            number(shape.hidden_size)
        ),
    );
    let width = shape.intermediate_size.map_or_else(String::new, |width| format!("; {width} wide"));
    let experts = match (shape.experts, shape.experts_per_token) {
        (Some(all), Some(active)) => format!("{all} a layer, {active} of them for a token{width}"),
        _ => "none".to_owned(),
    };
    document.fact("experts", experts);
    let (vocabulary, context) = (number(shape.vocabulary_tokens), number(shape.context_tokens));
    document.fact("vocabulary", format!("{vocabulary} tokens; the context {context}"));
}

fn add_weights(document: &mut Document, description: &ModelDescription) {
    let weights = match (&description.weights, &description.weights_not_counted_reason) {
        (Some(weights), _) => format!(
            "{}; a token reads {} at least (active_bytes_per_token {})",
            file_size(weights.total_bytes),
            file_size(weights.active_bytes_per_token),
            weights.active_bytes_per_token
        ),
        (None, reason) => reason.as_deref().unwrap_or("not counted").to_owned(),
    };
    document.fact("weights", weights);
    let kv_cache = description.kv_cache.as_ref().map_or_else(
        || "its states do not say their shape".to_owned(),
        |kv| {
            format!(
                "a token adds {} in f32, {} in f16, {} in u8 without its scales",
                counted_bytes(kv.f32_bytes_per_token),
                counted_bytes(kv.f16_bytes_per_token),
                counted_bytes(kv.u8_bytes_per_token)
            )
        },
    );
    document.fact("KV cache", kv_cache);
    let total: f64 = description.weights_by_kind.iter().map(|kind| kind.size_bytes as f64).sum();
    let rows = description.weights_by_kind.iter().map(|kind| -> [Cell; 5] {
        let share = percent(kind.size_bytes as f64 / total.max(1.0) * 100.0);
        [
            kind.kind.as_str().into(),
            kind.precision.as_str().into(),
            number(Some(file_size(kind.size_bytes))),
            number(Some(share)),
            parts(kind).into(),
        ]
    });
    if total > 0.0 {
        document.table(Table::new(["weights", "precision", "size", "share", "of which"]).with_rows(rows));
    }
}

/// What else than the weights themselves is in a kind.
fn parts(kind: &KindOfWeight) -> String {
    let parts = kind.bytes_by_element_type.iter().filter(|_| kind.bytes_by_element_type.len() > 1);
    parts.map(|(name, bytes)| format!("{name} {}", file_size(*bytes))).collect::<Vec<_>>().join(", ")
}

fn counted_bytes(bytes: u64) -> String {
    counted(usize::try_from(bytes).unwrap_or(usize::MAX), "byte")
}

/// How the weights were compressed, as NNCF notes it.
const COMPRESSION: &str = "nncf.weight_compression.";
/// What of it says most; the rest is in the JSON.
const SETTINGS: [&str; 9] = [
    "mode",
    "group_size",
    "ratio",
    "backup_mode",
    "all_layers",
    "awq",
    "gptq",
    "scale_estimation",
    "lora_correction",
];
/// What made the model, with the notes that have its version.
const MAKERS: [(&str, &str); 5] = [
    ("OpenVINO", "Runtime_version"),
    ("NNCF", "nncf.version"),
    ("optimum-intel", "optimum.optimum_intel_version"),
    ("transformers", "optimum.transformers_version"),
    ("PyTorch", "optimum.pytorch_version"),
];

/// How the weights were compressed and what made the model, as far as it says so.
fn add_makers(document: &mut Document, made_by: &BTreeMap<String, String>) {
    let settings = SETTINGS.iter().filter_map(|name| {
        let value = made_by.get(&format!("{COMPRESSION}{name}")).filter(|value| *value != "False")?;
        Some(format!("{name} {value}"))
    });
    let settings: Vec<String> = settings.collect();
    let makers = MAKERS.iter().filter_map(|(maker, note)| Some(format!("{maker} {}", made_by.get(*note)?)));
    let makers: Vec<String> = makers.collect();
    if !settings.is_empty() {
        let settings = settings.join(", ");
        document.fact("compression", format!("{settings} (as noted last, in the graph's rt_info)"));
    }
    if !makers.is_empty() {
        document.fact("made by", makers.join(", "));
    }
}

/// How far a model is known to be whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelState {
    /// Its files were what its manifest says, then, and have not changed since.
    Verified {
        /// When.
        when_utc: String,
    },
    /// It has a manifest that it was not compared with since it last changed.
    NotVerified,
    /// It has no manifest.
    NoManifest,
    /// A fetch of it was interrupted.
    Unfinished,
    /// There is no model in the folder.
    Gone,
}

/// A model of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedModel {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Bytes of its files.
    pub size_bytes: u64,
    /// Where it was fetched from.
    pub fetched_from: Option<FetchedFrom>,
    /// Whether it is whole.
    pub state: ModelState,
    /// Whether bare verbs use it.
    pub is_used: bool,
}

/// A table of models; `*` marks the one that bare verbs use.
pub fn model_list(models: &[ListedModel]) -> Document {
    let rows = models.iter().map(|model| -> [Cell; 6] {
        let revision = model.fetched_from.as_ref().map_or("-", |from| from.commit.get(..12).unwrap_or("-"));
        let verified = match &model.state {
            ModelState::Verified { when_utc } => when_utc.as_str(),
            ModelState::NotVerified => "not since it changed",
            ModelState::NoManifest => "no manifest",
            ModelState::Unfinished => "unfinished",
            ModelState::Gone => "not there",
        };
        [
            if model.is_used { "*" } else { "" }.into(),
            model.name.as_str().into(),
            number(Some(file_size(model.size_bytes))),
            revision.into(),
            verified.into(),
            model.folder.display().to_string().into(),
        ]
    });
    let mut document = Document::default();
    document.table(
        Table::new(["", "model", "size", "revision", "verified", "folder"]).with_keys(2).with_rows(rows),
    );
    document
}

/// A line a faulty file, by what is wrong; of a model that is whole one line in all.
pub fn verification(manifest: &Manifest, faulty: &[FaultyFile]) -> String {
    if faulty.is_empty() {
        let (files, identity) = (counted(manifest.files.len(), "file"), manifest.identity());
        let size = file_size(manifest.size_bytes());
        return format!("`{}` is whole: {files}, {size}, sha256 {identity}\n", manifest.name);
    }
    let lines = faulty
        .iter()
        .map(|FaultyFile { name, fault }| format!("{:<8} {} {fault}\n", fault.as_str(), one_line(name)));
    lines.collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use insta::assert_snapshot;

    use super::*;
    use crate::engine::ModelFolder;
    use crate::record::{FileFault, HashCache, ModelFile};

    #[test]
    fn the_shipped_model_is_described_whole() {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/models/tiny-gpt-oss");
        let folder = ModelFolder::open(&shipped).unwrap();
        let mut description =
            ModelDescription::of(&folder, &mut HashCache::default(), |name, _| panic!("{name} was read"))
                .unwrap();
        description.folder = "/models/tiny".to_owned();
        assert_snapshot!(model_description(&description).to_text(None), @r"
        tiny-gpt-oss
        folder        /models/tiny
        identity      sha256 62ea3becaa660793322b13ce5f5d12ce58d89fdedb095bdb8765ecd0f9cb7a43 (by its manifest; `model verify` compares the files with it)
        architecture  gpt_oss, GptOssForCausalLM
        layers        24: 12 with full attention, 12 with sliding attention (window of 128)
        attention     16 heads, 8 of keys and values, 64 wide; the hidden state 64
        experts       32 a layer, 4 of them for a token; 32 wide
        vocabulary    672 tokens; the context 131072
        weights       8.3 MB; a token reads 5.6 MB at least (active_bytes_per_token 5568576)
        KV cache      a token adds 98304 bytes in f32, 49152 bytes in f16, 24576 bytes in u8 without its scales

        weights     precision         size   share  of which
        experts     i4              3.0 MB  36.8 %  f16 0.3 MB, f32 0.4 MB, i4 2.4 MB
        router      u8         54528 bytes   0.7 %  f16 1536 bytes, f32 3072 bytes, u8
                                                    49920 bytes
        attention   u8              5.1 MB  61.3 %  f16 0.1 MB, f32 0.2 MB, u8 4.8 MB
        embeddings  u8         45024 bytes   0.5 %  f16 1344 bytes, u8 43680 bytes
        head        u8         45024 bytes   0.5 %  f16 1344 bytes, u8 43680 bytes
        norms       f32        12544 bytes   0.2 %
        other       i64          541 bytes   0.0 %  boolean 1 byte, f32 164 bytes, i32
                                                    48 bytes, i64 328 bytes

        compression  mode int8_asym, group_size -1, ratio 1.0, backup_mode int8_asym (as noted last, in the graph's rt_info)
        made by      OpenVINO 2026.4.1-22982-e213a147257-releases/2026/4, NNCF 3.4.0, optimum-intel 1.27.0, transformers 4.57.6, PyTorch 2.15.0

        file                       size  sha256 begins
        config.json          1534 bytes  9949b30ffdbd
        openvino_model.bin       8.3 MB  8fe2ad78543d
        openvino_model.xml       3.0 MB  44a54fcdaf60
        tokenizer.json      32896 bytes  ad713af889b8
        ");
    }

    #[test]
    fn what_a_model_does_not_say_is_not_made_up() {
        let description = ModelDescription {
            kind: "model-description".into(),
            schema: 1,
            name: "m\u{1b}[2J".into(),
            folder: "/m".into(),
            sha256: "ab".into(),
            hashes_from: HashesFrom::Files,
            fetched_from: None,
            shape: ModelShape::default(),
            weights_by_kind: Vec::new(),
            weights: None,
            weights_not_counted_reason: Some("the graph is strange".into()),
            kv_cache: None,
            made_by: std::collections::BTreeMap::new(),
            files: Vec::new(),
        };
        let text = model_description(&description).to_text(None);
        assert!(
            text.starts_with("m\\u{1b}[2J\n") && text.contains("weights       the graph is strange\n"),
            "{text}"
        );
        assert!(text.contains("layers        ?\n") && !text.contains("compression"), "{text}");
    }

    #[test]
    fn a_model_is_listed_with_its_revision_and_whether_it_is_whole() {
        let shipped = ListedModel {
            name: "tiny-gpt-oss".into(),
            folder: "/repository/fixtures/models/tiny-gpt-oss".into(),
            size_bytes: 11_268_322,
            fetched_from: None,
            state: ModelState::NotVerified,
            is_used: false,
        };
        let fetched = ListedModel {
            name: "gpt-oss-20b-int4-ov".into(),
            folder: "/models/OpenVINO--gpt-oss-20b-int4-ov/0123".into(),
            size_bytes: 12_840_000_000,
            fetched_from: Some(FetchedFrom {
                schema: 1,
                repository: "OpenVINO/gpt-oss-20b-int4-ov".into(),
                commit: "0123456789abcdef0123456789abcdef01234567".into(),
            }),
            state: ModelState::Verified { when_utc: "2026-11-25T02:00:00Z".into() },
            is_used: true,
        };
        let cut = ListedModel { state: ModelState::Unfinished, is_used: false, ..fetched.clone() };
        assert_snapshot!(model_list(&[fetched, cut, shipped]).to_text(Some(100)), @r"
           model                   size  revision      verified
        *  gpt-oss-20b-int4-ov  12.8 GB  0123456789ab  2026-11-25T02:00:00Z
           gpt-oss-20b-int4-ov  12.8 GB  0123456789ab  unfinished
           tiny-gpt-oss         11.3 MB  -             not since it changed

           model                folder
        *  gpt-oss-20b-int4-ov  /models/OpenVINO--gpt-oss-20b-int4-ov/0123
           gpt-oss-20b-int4-ov  /models/OpenVINO--gpt-oss-20b-int4-ov/0123
           tiny-gpt-oss         /repository/fixtures/models/tiny-gpt-oss
        ");
    }

    #[test]
    fn each_faulty_file_has_a_line_and_a_whole_model_has_one() {
        let file = ModelFile { path: "config.json".into(), size_bytes: 1534, sha256: "ab".into() };
        let manifest = Manifest { schema: 1, name: "m".into(), files: vec![file] };
        assert!(verification(&manifest, &[]).starts_with("`m` is whole: 1 file, 1534 bytes, sha256 "));
        let faulty = [
            FaultyFile { name: "a.json".into(), fault: FileFault::Size { found: 1, stated: 2 } },
            FaultyFile { name: "b\n.json".into(), fault: FileFault::Extra },
            FaultyFile { name: "c.json".into(), fault: FileFault::Missing },
        ];
        let expected = "damaged  a.json has 1 bytes, the manifest says 2\n\
                        extra    b\\n.json is not in the model's manifest\n\
                        missing  c.json is missing, the manifest lists it\n";
        assert_eq!(verification(&manifest, &faulty), expected);
    }
}

//! Golden fixtures on disk: `fixtures/golden/<model>/<prompt>.json`, and `near-tie.json` beside them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::ser::Formatter;

use crate::error::{Error, Result};
use crate::workload::TokenId;

/// The answer that a model must give to a prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// Version of this form: 1.
    pub schema: u32,
    /// The prompt's id.
    pub prompt_id: String,
    /// The prompt's tokens, which pins the input for this model.
    pub prompt_token_ids: Vec<TokenId>,
    /// The model's name.
    pub model: String,
    /// The model's identity: the sha256 of `sha256sum openvino_model.bin openvino_model.xml`.
    pub model_sha256: String,
    /// The answer, greedy, end-of-sequence ignored.
    pub token_ids: Vec<TokenId>,
    /// At each step, the token with the second largest logit.
    pub runner_up_ids: Vec<TokenId>,
    /// At each step, largest minus second largest logit.
    pub gaps_logit: Vec<f32>,
    /// The answer in words, where a tokenizer was at hand.
    pub text: Option<String>,
    /// How it was made.
    pub made: GoldenOrigin,
}

/// Where a golden comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoldenOrigin {
    /// When it was blessed, UTC.
    pub when_utc: String,
    /// Who blessed it, as git names them.
    pub who: String,
    /// Why.
    pub because: String,
    /// The record that it was blessed from.
    pub run_id: String,
    /// The commit that was measured, where there was one.
    pub commit: Option<String>,
    /// OpenVINO's version.
    pub openvino: String,
    /// The device that ran.
    pub device: String,
    /// Properties in force.
    pub properties: BTreeMap<String, String>,
    /// The first step at which it differs from the golden that it replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_change: Option<usize>,
}

/// From which gap on a different token is no longer a near-tie, on one kind of device at one
/// precision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tolerance {
    /// "CPU" or "GPU".
    pub device: String,
    /// `INFERENCE_PRECISION_HINT`, as read back.
    pub inference_precision: String,
    /// `KV_CACHE_PRECISION`, as read back.
    pub kv_cache_precision: String,
    /// Gaps below this are near-ties, logits.
    pub epsilon_logit: f32,
    /// What it was calibrated from.
    pub because: String,
}

/// The goldens of one model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GoldenSet {
    /// By prompt id.
    pub goldens: BTreeMap<String, Golden>,
    /// What counts as a near-tie.
    pub tolerances: Vec<Tolerance>,
}

/// The file of tolerances, beside the goldens.
const TOLERANCES: &str = "near-tie.json";

impl GoldenSet {
    /// Reads the goldens of a model; a folder that is not there has none.
    ///
    /// # Errors
    /// A file that is not of this form, or whose lists differ in length.
    pub fn load(folder: &Path) -> Result<Self> {
        let mut set = Self::default();
        let Ok(entries) = fs::read_dir(folder) else { return Ok(set) };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            if path.file_name().is_some_and(|name| name == TOLERANCES) {
                set.tolerances = read(&path)?;
            } else if path.extension().is_some_and(|extension| extension == "json") {
                let golden: Golden = read(&path)?;
                let steps = golden.token_ids.len();
                if steps == 0 || golden.runner_up_ids.len() != steps || golden.gaps_logit.len() != steps {
                    return Err(Error::input(format!(
                        "golden `{}` has lists of unlike length",
                        path.display()
                    ))
                    .hint("restore it: `git checkout -- fixtures/golden`"));
                }
                set.goldens.insert(golden.prompt_id.clone(), golden);
            }
        }
        Ok(set)
    }

    /// The gap below which a flip is a near-tie; 0, which nothing is below, where none was calibrated.
    #[must_use]
    pub fn epsilon_logit(&self, device: &str, inference_precision: &str, kv_cache_precision: &str) -> f32 {
        let calibrated = self.tolerances.iter().find(|tolerance| {
            tolerance.device == device
                && tolerance.inference_precision == inference_precision
                && tolerance.kv_cache_precision == kv_cache_precision
        });
        calibrated.map_or(0.0, |tolerance| tolerance.epsilon_logit)
    }

    /// Writes a tolerance into the folder, over an earlier one of the same device and precisions.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn calibrate(&mut self, folder: &Path, tolerance: Tolerance) -> Result<PathBuf> {
        self.tolerances.retain(|old| {
            old.device != tolerance.device
                || old.inference_precision != tolerance.inference_precision
                || old.kv_cache_precision != tolerance.kv_cache_precision
        });
        self.tolerances.push(tolerance);
        write(&folder.join(TOLERANCES), &self.tolerances)
    }
}

impl Golden {
    /// Writes the golden into its model's folder.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<PathBuf> {
        write(&folder.join(format!("{}.json", self.prompt_id)), self)
    }
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).map_err(|cause| Error::io("read", path, &cause).as_input())?;
    serde_json::from_str(&text).map_err(|cause| {
        Error::input(format!("golden `{}` is not of the expected form: {cause}", path.display()))
            .hint("restore it: `git checkout -- fixtures/golden`")
    })
}

fn write<T: Serialize>(path: &Path, value: &T) -> Result<PathBuf> {
    let failed = |cause: &io::Error| Error::io("write", path, cause);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|cause| failed(&cause))?;
    }
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, OneLineAField::default());
    value
        .serialize(&mut serializer)
        .map_err(|cause| Error::harness(format!("cannot write `{}`: {cause}", path.display())))?;
    text.push(b'\n');
    fs::write(path, text).map_err(|cause| failed(&cause))?;
    Ok(path.to_owned())
}

/// JSON with a line for each field of the outermost value: short enough for git, readable in a
/// review, where a token a line would be neither.
#[derive(Default)]
struct OneLineAField {
    depth: usize,
}

impl OneLineAField {
    fn open<W: ?Sized + Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        writer.write_all(bracket)
    }

    fn close<W: ?Sized + Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth -= 1;
        writer.write_all(if self.depth == 0 { b"\n" } else { b"" })?;
        writer.write_all(bracket)
    }

    fn separate<W: ?Sized + Write>(&self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(match (self.depth, first) {
            (1, true) => b"\n  ",
            (1, false) => b",\n  ",
            (_, true) => b"",
            (_, false) => b", ",
        })
    }
}

impl Formatter for OneLineAField {
    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open(writer, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close(writer, b"}")
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open(writer, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close(writer, b"]")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.separate(writer, first)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.separate(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

//! The probe on disk, `fixtures/golden/<model>/probe.json`: a text that the model was not trained on,
//! and how sure of itself the model is at each of its tokens at f32.
//!
//! The goldens' answers have wide margins on purpose, so that they hold on every machine, and so do
//! not see small numeric damage. Here the margins are narrow and their sizes are stored, so that a
//! change of the logits shows long before a token of a golden does.

#[cfg(test)]
pub(super) mod fixture;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::engine::Choice;
use crate::error::{Error, Result};
use crate::golden::fixture::{Conditions, RESTORE};
use crate::workload::TokenId;
use crate::workload::fixture_file::{read_where_there, write};

/// The file's name, beside the goldens.
pub(super) const FILE: &str = "probe.json";

/// Tokens of the text that are prefilled, so that a prefill of several tokens is watched too.
const PROMPT_TOKENS: usize = 16;

/// A text that the model was not trained on, and its logit margins at f32.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Version of this form: 1.
    pub schema: u32,
    /// The model's name.
    pub model: String,
    /// The model's identity: the sha256 of `sha256sum openvino_model.bin openvino_model.xml`.
    pub model_sha256: String,
    /// The whole text.
    pub text: String,
    /// Its tokens.
    pub tokens: ProbeTokens,
    /// At each step, the token with the largest logit.
    pub preferred_ids: Vec<TokenId>,
    /// At each step, the token with the second largest logit.
    pub runner_up_ids: Vec<TokenId>,
    /// At each step, largest minus second largest logit.
    #[serde(alias = "gaps_logit")]
    pub logit_margins: Vec<f32>,
    /// How it was made.
    pub made: ProbeOrigin,
    /// Which drift is normal, by device and precisions.
    pub limits: Vec<DriftLimit>,
}

/// The tokens of a probe's text, cut in two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeTokens {
    /// The first ones, which are prefilled.
    pub prompt_ids: Vec<TokenId>,
    /// All others, which are fed one a step.
    pub forced_ids: Vec<TokenId>,
}

/// Where a probe comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeOrigin {
    /// When it was made, UTC.
    pub when_utc: String,
    /// Who made it, as git names them.
    pub who: String,
    /// Why.
    #[serde(alias = "because")]
    pub reason: String,
    /// OpenVINO's version.
    pub openvino: String,
    /// The device that ran.
    pub device: String,
    /// Properties in force.
    pub properties: BTreeMap<String, String>,
}

/// The drift that is normal on one kind of device at one pair of precisions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriftLimit {
    /// "CPU" or "GPU".
    pub device: String,
    /// `INFERENCE_PRECISION_HINT`, as read back.
    pub inference_precision: String,
    /// `KV_CACHE_PRECISION`, as read back.
    pub kv_cache_precision: String,
    /// A largest drift of a step above this is not normal, logits.
    pub largest_logit: f32,
    /// A mean drift above this is not normal, logits.
    pub mean_logit: f32,
    /// What it was calibrated from.
    #[serde(alias = "because")]
    pub reason: String,
}

impl ProbeTokens {
    /// Cuts the tokens of a text.
    ///
    /// # Errors
    /// A text that has nothing left after its prompt.
    pub fn cut(token_ids: &[TokenId]) -> Result<Self> {
        match token_ids.split_at_checked(PROMPT_TOKENS) {
            Some((prompt, forced)) if !forced.is_empty() => {
                Ok(Self { prompt_ids: prompt.to_vec(), forced_ids: forced.to_vec() })
            }
            _ => Err(Error::input(format!(
                "the probe's text has `{}` tokens, and {PROMPT_TOKENS} of them are its prompt",
                token_ids.len()
            ))
            .hint("give it a longer text in `fixtures/prompts/probe.txt`")),
        }
    }
}

impl Probe {
    /// The version of the form that is read and written.
    pub const SCHEMA: u32 = 1;

    /// Reads the probe of a model from the folder of its goldens; None where there is none.
    ///
    /// # Errors
    /// A file that is not of this form, or whose lists do not belong together.
    pub fn load(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(FILE);
        let Some(probe) = read_where_there::<Self>(&path, RESTORE)? else { return Ok(None) };
        let refuse =
            |fault: String| Err(Error::input(format!("probe `{}` {fault}", path.display())).hint(RESTORE));
        if probe.schema != Self::SCHEMA {
            return refuse(format!(
                "has schema `{}`, and this arcgauge reads {}",
                probe.schema,
                Self::SCHEMA
            ));
        }
        let steps = probe.logit_margins.len();
        let lists = [&probe.tokens.forced_ids, &probe.preferred_ids, &probe.runner_up_ids];
        if steps == 0 || lists.iter().any(|list| list.len() != steps) {
            return refuse("has lists of different lengths".to_owned());
        }
        if probe.tokens.prompt_ids.is_empty() {
            return refuse("has no prompt".to_owned());
        }
        Ok(Some(probe))
    }

    /// Writes the probe into its model's folder.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<PathBuf> {
        write(&folder.join(FILE), self)
    }

    /// Refuses a model of other files than those that the probe was made from.
    ///
    /// # Errors
    /// When the model's identity is another.
    pub fn check_belongs(&self, model_sha256: &str) -> Result<()> {
        if self.model_sha256 == model_sha256 {
            return Ok(());
        }
        Err(Error::input(format!(
            "the probe of model `{}` was made from other files: from `{}`, and this model is `{model_sha256}`",
            self.model, self.model_sha256
        ))
        .hint("restore the model's files; or make a probe of these: `cargo xtask golden probe --reason \"...\"`"))
    }

    /// What is prefilled.
    pub fn prompt(&self) -> &[TokenId] {
        &self.tokens.prompt_ids
    }

    /// What is fed after it, a token a step, whatever the model prefers.
    pub fn forced(&self) -> &[TokenId] {
        &self.tokens.forced_ids
    }

    /// The drift that is normal; None where it was not calibrated.
    pub fn limit(&self, conditions: Conditions<'_>) -> Option<&DriftLimit> {
        self.limits.iter().find(|limit| limit.conditions() == conditions)
    }

    /// Takes a limit, over an earlier one of the same device and precisions.
    pub fn calibrate(&mut self, limit: DriftLimit) {
        self.limits.retain(|old| old.conditions() != limit.conditions());
        self.limits.push(limit);
    }
}

/// How far above the drift seen its limit lies: the next pass may round worse.
const LIMIT_FACTOR: f32 = 2.0;

/// The least limit of the largest drift, logits. Another release, or a processor with other
/// instructions, adds up the same floats in another order: twice the zero that a machine sees of
/// itself would call that damage.
const LEAST_LARGEST_LOGIT: f32 = 0.01;

/// The least limit of the mean drift, logits, for the same reason; a mean evens out.
const LEAST_MEAN_LOGIT: f32 = 0.001;

/// How far the logit margins of a pass over the probe's text lie from those of the fixture.
///
/// At each step the logit margin is that between the two largest logits, counted for the token that the
/// fixture prefers: as it is where the pass prefers that token too, and negative where it prefers
/// another. The drift of a step is `|logit margin of the pass - logit margin of the fixture|`; at a flip this is the
/// sum of both logit margins.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LogitDrift {
    /// The largest drift of a step, logits.
    pub largest_logit: f32,
    /// The mean over all steps, logits.
    pub mean_logit: f32,
    /// Steps at which the pass prefers another token than the fixture.
    pub flips: usize,
    /// All steps.
    pub steps: usize,
}

impl LogitDrift {
    /// The definition id: values of different ids are never compared.
    pub const ID: &'static str = "logit_drift@1";

    /// The limit of the largest drift that follows from this one of a model that is right, logits.
    pub fn largest_limit_logit(&self) -> f32 {
        (self.largest_logit * LIMIT_FACTOR).max(LEAST_LARGEST_LOGIT)
    }

    /// The limit of the mean drift, likewise.
    pub fn mean_limit_logit(&self) -> f32 {
        (self.mean_logit * LIMIT_FACTOR).max(LEAST_MEAN_LOGIT)
    }

    /// What both limits were calibrated from, for whoever reads them in a fixture.
    pub fn limits_reason(&self, openvino: &str) -> String {
        format!(
            "{LIMIT_FACTOR} x the drift seen (largest {}, mean {} logit over {} teacher-forced steps), \
             at least {LEAST_LARGEST_LOGIT} and {LEAST_MEAN_LOGIT}, OpenVINO {openvino}",
            self.largest_logit, self.mean_logit, self.steps
        )
    }
}

impl DriftLimit {
    fn conditions(&self) -> Conditions<'_> {
        [&self.device, &self.inference_precision, &self.kv_cache_precision]
    }

    /// Whether a drift is more than is normal. Where precision is low, a near-tie between two experts
    /// can fall the other way and move a single step by several logits: there the largest drift says
    /// little, and the mean says it.
    pub fn is_exceeded_by(&self, drift: &LogitDrift) -> bool {
        drift.largest_logit > self.largest_logit || drift.mean_logit > self.mean_logit
    }
}

impl Probe {
    /// Holds a teacher-forced pass over the text against the fixture.
    ///
    /// # Errors
    /// A pass of another length; and, as wrong output, a logit margin that is no number.
    pub fn drift(&self, pass: &[Choice]) -> Result<LogitDrift> {
        let steps = self.logit_margins.len();
        if pass.len() != steps {
            return Err(Error::harness(format!(
                "the probe has {steps} steps, and the pass over it `{}`",
                pass.len()
            )));
        }
        let mut drift = LogitDrift { largest_logit: 0.0, mean_logit: 0.0, flips: 0, steps };
        let fixture = self.preferred_ids.iter().zip(&self.logit_margins);
        for (step, (choice, (preferred, margin))) in pass.iter().zip(fixture).enumerate() {
            let is_flip = choice.token != *preferred;
            let moved = (if is_flip { -choice.margin } else { choice.margin } - margin).abs();
            if !moved.is_finite() {
                return Err(Error::wrong_output(format!(
                    "the logit margin of the first two logits at step {} of the probe is `{}`",
                    step + 1,
                    choice.margin
                ))
                .hint("run `cargo xtask doctor`: it checks the model's files"));
            }
            drift.largest_logit = drift.largest_logit.max(moved);
            drift.mean_logit += moved / steps as f32;
            drift.flips += usize::from(is_flip);
        }
        Ok(drift)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::fixture::probe;
    use super::*;
    use crate::error::ErrorKind;
    use crate::golden::GoldenSet;

    fn choice(token: u32, margin: f32) -> Choice {
        Choice { token, runner_up: 0, margin }
    }

    fn limit(seen: LogitDrift) -> DriftLimit {
        DriftLimit {
            device: "CPU".into(),
            inference_precision: "f32".into(),
            kv_cache_precision: "f32".into(),
            largest_logit: seen.largest_limit_logit(),
            mean_logit: seen.mean_limit_logit(),
            reason: String::new(),
        }
    }

    #[test]
    fn a_pass_that_is_the_fixture_s_has_no_drift() {
        let pass = [choice(5, 1.0), choice(6, 0.5), choice(7, 2.0), choice(8, 0.25)];
        let drift = probe().drift(&pass).unwrap();
        assert_eq!(drift, LogitDrift { largest_logit: 0.0, mean_logit: 0.0, flips: 0, steps: 4 });
        let rounding = LogitDrift { largest_logit: 0.001, mean_logit: 0.0001, ..drift };
        assert!(!limit(drift).is_exceeded_by(&rounding));
    }

    #[test]
    fn a_gap_that_grew_has_drifted_as_far_as_one_that_shrank() {
        let pass = [choice(5, 1.25), choice(6, 0.5), choice(7, 1.5), choice(8, 0.25)];
        let drift = probe().drift(&pass).unwrap();
        assert_eq!(drift, LogitDrift { largest_logit: 0.5, mean_logit: 0.1875, flips: 0, steps: 4 });
    }

    #[test]
    fn what_lies_within_twice_the_drift_seen_is_normal_and_what_lies_above_is_not() {
        let seen = LogitDrift { largest_logit: 0.5, mean_logit: 0.125, flips: 0, steps: 4 };
        let limit = limit(seen);
        assert!(!limit.is_exceeded_by(&LogitDrift { largest_logit: 1.0, mean_logit: 0.25, ..seen }));
        assert!(limit.is_exceeded_by(&LogitDrift { largest_logit: 1.01, ..seen }));
        assert!(limit.is_exceeded_by(&LogitDrift { mean_logit: 0.26, ..seen }));
    }

    #[test]
    fn at_a_flip_the_gap_counts_as_negative() {
        let pass = [choice(5, 1.0), choice(9, 0.5), choice(7, 2.0), choice(8, 0.25)];
        let drift = probe().drift(&pass).unwrap();
        assert_eq!(drift, LogitDrift { largest_logit: 1.0, mean_logit: 0.25, flips: 1, steps: 4 });
    }

    #[test]
    fn a_gap_that_is_no_number_is_wrong_output_and_not_no_drift() {
        for margin in [f32::NAN, f32::INFINITY] {
            let pass = [choice(5, 1.0), choice(6, margin), choice(7, 2.0), choice(8, 0.25)];
            assert_eq!(probe().drift(&pass).unwrap_err().kind(), ErrorKind::WrongOutput);
        }
    }

    #[test]
    fn a_pass_over_a_part_of_the_text_is_refused() {
        let error = probe().drift(&[choice(5, 1.0)]).unwrap_err();
        assert_eq!(error.to_string(), "the probe has 4 steps, and the pass over it `1`");
    }

    /// A folder with this as its probe.
    fn folder_with(text: &str) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), text).unwrap();
        folder
    }

    fn fault(change: impl FnOnce(&mut Probe)) -> Error {
        let mut probe = probe();
        change(&mut probe);
        let folder = folder_with(&serde_json::to_string(&probe).unwrap());
        Probe::load(folder.path()).unwrap_err()
    }

    #[test]
    fn a_model_without_a_probe_has_none_and_no_error() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Probe::load(folder.path()).unwrap(), None);
        assert_eq!(Probe::load(&folder.path().join("no-such-model")).unwrap(), None);
    }

    #[test]
    fn a_probe_comes_back_as_it_was_saved_and_is_no_golden() {
        let folder = tempfile::tempdir().unwrap();
        probe().save(folder.path()).unwrap();
        assert_eq!(Probe::load(folder.path()).unwrap(), Some(probe()));
        assert_eq!(GoldenSet::load(folder.path()).unwrap(), GoldenSet::default());
    }

    #[test]
    fn a_damaged_probe_is_refused_with_its_path_and_the_way_to_restore_it() {
        for text in ["{", "[]", "{\"schema\": 1}"] {
            let folder = folder_with(text);
            let error = Probe::load(folder.path()).unwrap_err();
            assert!(error.to_string().contains("probe.json"), "{error}");
            assert!(error.hint_text().unwrap().contains("git checkout -- fixtures/golden"));
        }
        let misspelt = serde_json::to_string(&probe()).unwrap().replace("\"limits\"", "\"limit\"");
        assert!(Probe::load(folder_with(&misspelt).path()).is_err());
    }

    #[test]
    fn a_probe_whose_lists_do_not_belong_together_is_refused() {
        let unlike = "has lists of different lengths";
        assert!(fault(|probe| probe.logit_margins.truncate(3)).to_string().contains(unlike));
        assert!(fault(|probe| probe.preferred_ids.truncate(3)).to_string().contains(unlike));
        assert!(fault(|probe| probe.runner_up_ids.truncate(3)).to_string().contains(unlike));
        assert!(fault(|probe| probe.tokens.forced_ids.truncate(3)).to_string().contains(unlike));
        assert!(fault(|probe| probe.tokens.prompt_ids.clear()).to_string().contains("has no prompt"));
        assert!(fault(|probe| probe.schema = 2).to_string().contains("has schema `2`"));
    }

    #[test]
    fn a_model_of_other_files_is_refused() {
        assert!(probe().check_belongs("a sha").is_ok());
        let error = probe().check_belongs("another").unwrap_err();
        assert!(error.to_string().contains("`another`"), "{error}");
    }

    #[test]
    fn a_text_is_cut_after_its_prompt() {
        let tokens: Vec<TokenId> = (0..20).collect();
        let cut = ProbeTokens::cut(&tokens).unwrap();
        assert_eq!([cut.prompt_ids, cut.forced_ids.clone()].concat(), tokens);
        assert_eq!(cut.forced_ids, [16, 17, 18, 19]);
        assert!(ProbeTokens::cut(&tokens[..16]).unwrap_err().to_string().contains("has `16` tokens"));
    }

    #[test]
    fn a_limit_belongs_to_one_device_and_one_pair_of_precisions() {
        let mut probe = probe();
        let limit = |precision: &str, largest_logit| DriftLimit {
            device: "CPU".into(),
            inference_precision: precision.into(),
            kv_cache_precision: "u8".into(),
            largest_logit,
            mean_logit: 0.001,
            reason: String::new(),
        };
        probe.calibrate(limit("bf16", 0.5));
        probe.calibrate(limit("f32", 0.125));
        assert_eq!(probe.limit(["CPU", "bf16", "u8"]), Some(&limit("bf16", 0.5)));
        for other in [["GPU", "bf16", "u8"], ["CPU", "f16", "u8"], ["CPU", "bf16", "f32"]] {
            assert_eq!(probe.limit(other), None);
        }
        probe.calibrate(limit("bf16", 0.75));
        assert_eq!(probe.limit(["CPU", "bf16", "u8"]), Some(&limit("bf16", 0.75)));
        assert_eq!(probe.limits.len(), 2);
    }
}

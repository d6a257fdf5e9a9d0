//! The fixture on disk, and a small one for other tests.

use std::fs;

use tempfile::TempDir;

use super::fixture::probe;
use super::*;
use crate::golden::GoldenSet;

/// A folder with this as its probe.
fn folder_with(text: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(FILE), text).unwrap();
    folder
}

/// What is said of a probe after this change.
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
    let unlike = "has lists of unlike length";
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
    assert_eq!(probe.limit("CPU", "bf16", "u8"), Some(&limit("bf16", 0.5)));
    for other in [("GPU", "bf16", "u8"), ("CPU", "f16", "u8"), ("CPU", "bf16", "f32")] {
        assert_eq!(probe.limit(other.0, other.1, other.2), None);
    }
    probe.calibrate(limit("bf16", 0.75));
    assert_eq!(probe.limit("CPU", "bf16", "u8"), Some(&limit("bf16", 0.75)));
    assert_eq!(probe.limits.len(), 2);
}

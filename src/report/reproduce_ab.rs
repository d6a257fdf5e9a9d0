//! The one command that measures the two sides of an A/B again.

use crate::record::{ArmView, Commit, Experiment};
use crate::report::reproduce::{
    device_flag, model_flag, openvino_flag, properties, property_flag, word, workload_flags,
};

/// Of both sides, where it was requested.
const ALL_LOGITS: &str = "--all-logits";

/// The label of a side that names nothing.
const THIS_PROGRAM: &str = "this program";

/// The command for an A/B.
pub(super) fn ab_command(record: &Experiment) -> String {
    let (base, head) = (record.base(), record.head());
    let (of_base, of_head) = (own(base, head), own(head, base));
    let mut words = vec!["cargo xtask ab".to_owned()];
    words.extend(side("--base", base, &of_base));
    words.extend(side("--head", head, &of_head));
    if record.is_against_itself() {
        words.push("--measure-identical".to_owned());
    }
    words.push(device_flag(head));
    words.extend(workload_flags(head));
    // A flag of both sides is of one that says nothing else for itself.
    let without = |key: &str| -> Option<ArmView<'_>> {
        let says_nothing = |own: &[&str]| !own.iter().any(|reported| reported.starts_with(key));
        let sides = [(head, &of_head), (base, &of_base)];
        sides.into_iter().find(|(_, own)| says_nothing(own)).map(|(side, _)| side)
    };
    words.extend(without("model=").and_then(model_flag));
    words.extend(without("openvino=").and_then(openvino_flag));
    let of_both = properties(head).into_iter().filter(|reported| !of_head.contains(&reported.as_str()));
    words.extend(of_both.map(|reported| property_flag(&reported)));
    if head.differences.iter().any(|reported| reported == ALL_LOGITS) {
        words.push(ALL_LOGITS.to_owned());
    }
    words.join(" ")
}

/// In what a side differs from the other one. What both have was requested by flags of both.
fn own<'a>(side: ArmView<'a>, other: ArmView<'_>) -> Vec<&'a str> {
    let differences = side.arm.differences.iter().filter(|reported| !other.differences.contains(reported));
    differences.map(String::as_str).collect()
}

/// A side by its commit, for a name moves, and by what it differs in; one that names no commit, as it was named.
fn side(flag: &str, side: ArmView<'_>, own: &[&str]) -> Vec<String> {
    let named = side.label.split(' ').find(|word| !word.contains('='));
    let commit = side.commit.as_ref().filter(|commit| !commit.dirty);
    let revision = named.map(|named| commit.map_or(named, Commit::short));
    let all: Vec<&str> = match revision {
        _ if side.label == THIS_PROGRAM => own.to_vec(),
        Some(revision) => [revision].into_iter().chain(own.iter().copied()).collect(),
        None => side.label.split(' ').collect(),
    };
    let mut reported: Vec<String> =
        all.into_iter().map(|reported| format!("{flag} {}", word(reported, "SIDE"))).collect();
    reported.dedup();
    reported
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::GoldenResult;
    use crate::record::{Arm, open};

    fn ab() -> Experiment {
        open(include_bytes!("../../fixtures/records/ab-3.0.json"), "a record").unwrap()
    }

    fn both(record: &mut Experiment, edit: impl Fn(&mut Arm)) {
        record.arms.iter_mut().for_each(edit);
    }

    #[test]
    fn what_both_sides_were_asked_is_said_once_and_what_one_was_asked_is_said_of_it() {
        let mut record = ab();
        both(&mut record, |side| {
            side.model.name = "gpt-oss-20b-int4".into();
            side.prompts.iter_mut().for_each(|prompt| prompt.golden = GoldenResult::None);
            let requested = &mut side.runtime.as_mut().unwrap().properties_requested;
            requested.insert("NUM_STREAMS".into(), "2".into());
            side.differences.extend(["NUM_STREAMS=2".to_owned(), ALL_LOGITS.to_owned()]);
        });
        let requested = &mut record.arms[1].runtime.as_mut().unwrap().properties_requested;
        requested.insert("KV_CACHE_PRECISION".into(), "u8".into());
        record.arms[1].differences.push("KV_CACHE_PRECISION=u8".to_owned());
        let command = ab_command(&record);
        for part in ["--model-dir MODEL", "--unverified", "--all-logits", "--property NUM_STREAMS=2"] {
            assert_eq!(command.matches(part).count(), 1, "{part}: {command}");
        }
        assert!(command.contains("--head KV_CACHE_PRECISION=u8"), "{command}");
        assert_eq!(command.matches("KV_CACHE_PRECISION").count(), 1, "{command}");
        assert_eq!(command.matches("NUM_STREAMS").count(), 1, "{command}");
        assert!(!command.contains("SIDE"), "{command}");
    }

    #[test]
    fn sides_that_name_no_commit_are_named_as_they_were() {
        let mut record = ab();
        record.arms[0].label = "device=CPU".into();
        record.arms[1].label = "device=CPU KV_CACHE_PRECISION=u8".into();
        record.arms[1].differences = vec!["device=CPU".to_owned(), "KV_CACHE_PRECISION=u8".to_owned()];
        let command = ab_command(&record);
        let sides =
            "cargo xtask ab --base device=CPU --head device=CPU --head KV_CACHE_PRECISION=u8 --device CPU";
        assert!(command.starts_with(sides), "{command}");
    }

    #[test]
    fn sides_of_two_models_or_runtimes_have_no_flag_for_both() {
        let mut record = ab();
        record.arms[1].model.name = "another".into();
        record.arms[1].differences = vec!["model=another".to_owned(), "openvino=2026.1.0".to_owned()];
        record.arms[0].differences = vec!["openvino=2026.4.1".to_owned()];
        let command = ab_command(&record);
        assert!(!command.contains("--openvino") && !command.contains("--model-dir"), "{command}");
        assert!(command.contains("--base openvino=2026.4.1"), "{command}");
        assert!(command.contains("--head model=another --head openvino=2026.1.0"), "{command}");
    }
}

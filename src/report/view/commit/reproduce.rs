//! The one command that measures the two sides of an A/B again.

use crate::record::{AbRecord, RunRecord, SideRecord};
use crate::report::reproduce::{
    device_flag, model_flag, openvino_flag, properties, property_flag, word, workload_flags,
};

/// Of both sides, where it was asked for.
const ALL_LOGITS: &str = "--all-logits";

/// The command for an A/B.
pub(super) fn ab_command(record: &AbRecord) -> String {
    let (base, head) = (&record.base, &record.head);
    let (of_base, of_head) = (own(base, head), own(head, base));
    let mut words = vec!["cargo xtask ab".to_owned()];
    words.extend(side("--base", base, &of_base));
    words.extend(side("--head", head, &of_head));
    if record.is_against_itself() {
        words.push("--measure-identical".to_owned());
    }
    words.push(device_flag(&head.run));
    words.extend(workload_flags(&head.run));
    // A flag of both sides is of one that says nothing else for itself.
    let without = |key: &str| -> Option<&RunRecord> {
        let says_nothing = |own: &[&str]| !own.iter().any(|told| told.starts_with(key));
        let sides = [(head, &of_head), (base, &of_base)];
        sides.into_iter().find(|(_, own)| says_nothing(own)).map(|(side, _)| &side.run)
    };
    words.extend(without("model=").and_then(model_flag));
    words.extend(without("openvino=").and_then(openvino_flag));
    let of_both = properties(&head.run).into_iter().filter(|told| !of_head.contains(&told.as_str()));
    words.extend(of_both.map(|told| property_flag(&told)));
    if head.differences.iter().any(|told| told == ALL_LOGITS) {
        words.push(ALL_LOGITS.to_owned());
    }
    words.join(" ")
}

/// In what a side differs from the other one. What both have was asked for by flags of both.
fn own<'a>(side: &'a SideRecord, other: &SideRecord) -> Vec<&'a str> {
    let differences = side.differences.iter().filter(|told| !other.differences.contains(told));
    differences.map(String::as_str).collect()
}

/// A side by its commit, for a name moves; and by what it differs in.
fn side(flag: &str, side: &SideRecord, own: &[&str]) -> Vec<String> {
    let commit = side.run.commit.as_ref().filter(|commit| !commit.dirty);
    let revision = commit.map_or(side.asked.as_str(), |commit| commit.sha.as_str());
    let all = [revision].into_iter().chain(own.iter().copied());
    let mut told: Vec<String> = all.map(|told| format!("{flag} {}", word(told, "SIDE"))).collect();
    told.dedup();
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::GoldenResult;
    use crate::record::open;

    fn ab() -> AbRecord {
        open(include_bytes!("../../../../fixtures/records/ab-schema-1.0.json"), "a record").unwrap()
    }

    fn both(record: &mut AbRecord, edit: impl Fn(&mut SideRecord)) {
        edit(&mut record.base);
        edit(&mut record.head);
    }

    #[test]
    fn what_both_sides_were_asked_is_said_once_and_what_one_was_asked_is_said_of_it() {
        let mut record = ab();
        both(&mut record, |side| {
            side.run.model.name = "gpt-oss-20b-int4".into();
            side.run.prompts.iter_mut().for_each(|prompt| prompt.golden = GoldenResult::None);
            let asked = &mut side.run.runtime.as_mut().unwrap().properties_asked;
            asked.insert("NUM_STREAMS".into(), "2".into());
            side.differences.extend(["NUM_STREAMS=2".to_owned(), ALL_LOGITS.to_owned()]);
        });
        let asked = &mut record.head.run.runtime.as_mut().unwrap().properties_asked;
        asked.insert("KV_CACHE_PRECISION".into(), "u8".into());
        record.head.differences.push("KV_CACHE_PRECISION=u8".to_owned());
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
    fn sides_of_two_models_or_runtimes_have_no_flag_for_both() {
        let mut record = ab();
        record.head.run.model.name = "another".into();
        record.head.differences = vec!["model=another".to_owned(), "openvino=2026.1.0".to_owned()];
        record.base.differences = vec!["openvino=2026.4.1".to_owned()];
        let command = ab_command(&record);
        assert!(!command.contains("--openvino") && !command.contains("--model-dir"), "{command}");
        assert!(command.contains("--base openvino=2026.4.1"), "{command}");
        assert!(command.contains("--head model=another --head openvino=2026.1.0"), "{command}");
    }
}

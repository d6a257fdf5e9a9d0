//! The one command that measures the two sides of an A/B again.

use crate::record::{AbRecord, RunRecord, SideRecord};
use crate::report::reproduce::word;

/// The command for an A/B.
pub(super) fn ab_command(record: &AbRecord) -> String {
    let mut words = vec!["cargo xtask ab".to_owned()];
    words.extend(side("--base", &record.base));
    words.extend(side("--head", &record.head));
    if record.is_against_itself() {
        words.push("--measure-identical".to_owned());
    }
    words.extend(workload(&record.head.run));
    words.join(" ")
}

/// A side by its commit, for a name moves; and by what it differs in.
fn side(flag: &str, side: &SideRecord) -> Vec<String> {
    let commit = side.run.commit.as_ref().filter(|commit| !commit.dirty);
    let revision = commit.map_or(side.asked.as_str(), |commit| commit.sha.as_str());
    let all = [revision].into_iter().chain(side.differences.iter().map(String::as_str));
    let mut told: Vec<String> = all.map(|told| format!("{flag} {}", word(told, "SIDE"))).collect();
    told.dedup();
    told
}

/// What was asked for, by flags.
fn workload(record: &RunRecord) -> Vec<String> {
    let version = record.runtime.as_ref().map(|runtime| runtime.openvino_version.as_str());
    let flags = [
        Some(format!("--device {}", word(&record.device.requested, "DEVICE"))),
        version.map(|version| format!("--openvino {}", word(version, "VERSION"))),
        Some(format!("--max-new-tokens {}", record.workload.new_tokens)),
    ];
    let prompts =
        record.workload.prompts.iter().map(|prompt| format!("--prompt {}", word(&prompt.id, "PROMPT")));
    flags.into_iter().flatten().chain(prompts).collect()
}

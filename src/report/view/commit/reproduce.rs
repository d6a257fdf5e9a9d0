//! The one command that measures the same again.

use crate::record::{AbRecord, RunRecord, SideRecord};

/// The command for a run. What a shell would not take as it is stands in single quotes.
pub(super) fn run_command(record: &RunRecord) -> String {
    let mut words = vec!["cargo xtask bench".to_owned()];
    words.extend(workload(record));
    words.push(format!("--runs {}", record.workload.runs));
    at_commit(record, &words.join(" "))
}

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
    let mut told: Vec<String> = all.map(|word| format!("{flag} {}", quoted(word))).collect();
    told.dedup();
    told
}

/// What was asked for, by flags.
fn workload(record: &RunRecord) -> Vec<String> {
    let version = record.runtime.as_ref().map(|runtime| runtime.openvino_version.as_str());
    let flags = [
        Some(format!("--device {}", quoted(&record.device.requested))),
        version.map(|version| format!("--openvino {}", quoted(version))),
        Some(format!("--max-new-tokens {}", record.workload.new_tokens)),
    ];
    let prompts = record.workload.prompts.iter().map(|prompt| format!("--prompt {}", quoted(&prompt.id)));
    flags.into_iter().flatten().chain(prompts).collect()
}

fn at_commit(record: &RunRecord, command: &str) -> String {
    match record.commit.as_ref().filter(|commit| !commit.dirty) {
        Some(commit) => format!("git checkout {} && {command}", quoted(&commit.sha)),
        None => command.to_owned(),
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'/' | b'=' | b'-');
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    // What cannot be seen could end the line; nobody should run that.
    let seen: String = word.chars().filter(|letter| !letter.is_control()).collect();
    format!("'{}'", seen.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_others_cannot_become_a_command() {
        assert_eq!(quoted("moe-vs-dense"), "moe-vs-dense");
        assert_eq!(quoted("a; rm -rf /"), "'a; rm -rf /'");
        assert_eq!(quoted("it's $(x)\n`y`"), r"'it'\''s $(x)`y`'");
        assert_eq!(quoted(""), "''");
    }
}

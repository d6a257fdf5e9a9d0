//! The commands that measure again what a record is of. A name that a shell would not take as it is stands
//! in none of them.

use crate::engine::openvino::{Property, default_properties};
use crate::record::{ProvenDevice, PublishedReference, RunRecord};

/// The model that bare verbs take, where no other was chosen.
const SHIPPED_MODEL: &str = "tiny-gpt-oss";
/// Longer words are not of a command line.
const LONGEST: usize = 100;

/// The `bench` that measures the same again, with the commit checked out.
pub(super) fn bench_command(record: &RunRecord) -> String {
    let workload = &record.workload;
    let device = record.device.ran.as_ref().map_or(record.device.requested.as_str(), |ran| ran.kind().name());
    let mut words = vec![
        "cargo xtask bench".to_owned(),
        format!("--device {}", word(device, "DEVICE")),
        format!("--runs {}", workload.runs),
        format!("--max-new-tokens {}", workload.new_tokens),
    ];
    let is_reference = |published: &PublishedReference| {
        published.prompts.iter().eq(workload.prompts.iter().map(|prompt| &prompt.id))
    };
    if !record.published.as_ref().is_some_and(is_reference) {
        words
            .extend(workload.prompts.iter().map(|prompt| format!("--prompt {}", word(&prompt.id, "PROMPT"))));
    }
    if record.model.name != SHIPPED_MODEL {
        words.push("--model-dir MODEL".to_owned());
    }
    if let Some(runtime) = &record.runtime {
        words.push(format!("--openvino {}", word(&runtime.openvino_version, "VERSION")));
    }
    words.extend(properties(record));
    words.join(" ")
}

/// The same, at the commit that was measured.
pub(super) fn reproduce_command(record: &RunRecord) -> String {
    let measure = bench_command(record);
    match &record.commit {
        Some(commit) => format!("git checkout {} && {measure}", word(commit.short(), "COMMIT")),
        None => measure,
    }
}

/// What was asked for beside the defaults of the device.
fn properties(record: &RunRecord) -> Vec<String> {
    let (Some(runtime), Some(ran)) = (&record.runtime, &record.device.ran) else { return Vec::new() };
    let usual = default_properties(ProvenDevice::kind(ran), &[]);
    let asked = runtime.properties_asked.iter().map(|(key, value)| Property::new(key, value));
    // The folder of compiled models is the machine's own.
    let asked = asked.filter(|property| !usual.contains(property) && property.key != "CACHE_DIR");
    let told = asked.map(|property| format!("{}={}", property.key, property.value));
    told.map(|told| format!("--property {}", word(&told, "KEY=VALUE"))).collect()
}

/// A text as one word of a command line, or what stands for it.
pub(super) fn word<'a>(text: &'a str, instead: &'a str) -> &'a str {
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'/' | b'=' | b'-' | b':');
    let is_word = !text.is_empty() && text.len() <= LONGEST && !text.starts_with('-');
    if is_word && text.bytes().all(is_plain) { text } else { instead }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::open;

    fn run() -> RunRecord {
        open(include_bytes!("../../fixtures/records/schema-2.0.json"), "a record").unwrap()
    }

    #[test]
    fn a_usual_run_is_measured_again_by_a_short_command() {
        assert_eq!(
            reproduce_command(&run()),
            "git checkout 9d9d614e920d && cargo xtask bench --device CPU --runs 3 --max-new-tokens 200 --openvino 2026.4.1"
        );
    }

    #[test]
    fn what_was_asked_for_beside_the_defaults_is_in_the_command() {
        let mut record = run();
        record.workload.prompts.truncate(1);
        record.model.name = "gpt-oss-20b-int4".into();
        let asked = &mut record.runtime.as_mut().unwrap().properties_asked;
        asked.insert("KV_CACHE_PRECISION".into(), "u8".into());
        asked.insert("CACHE_DIR".into(), "/somewhere".into());
        let command = bench_command(&record);
        for part in ["--prompt moe-vs-dense", "--model-dir MODEL", "--property KV_CACHE_PRECISION=u8"] {
            assert!(command.contains(part), "{command}");
        }
        assert!(!command.contains("CACHE_DIR="), "{command}");
    }

    #[test]
    fn no_text_of_a_record_reaches_a_shell() {
        let mut record = run();
        record.workload.prompts[0].id = "$(touch x)".into();
        record.commit.as_mut().unwrap().sha = "; rm -r".into();
        let runtime = record.runtime.as_mut().unwrap();
        runtime.openvino_version = "--help".into();
        runtime.properties_asked.insert("A\nB".into(), "`x`".into());
        let command = reproduce_command(&record);
        assert!(command.starts_with("git checkout COMMIT && "), "{command}");
        for part in ["--prompt PROMPT", "--openvino VERSION", "--property KEY=VALUE"] {
            assert!(command.contains(part), "{command}");
        }
    }
}

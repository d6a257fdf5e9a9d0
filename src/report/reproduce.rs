//! The commands that measure again what a record is of. A name that a shell would not take as it is stands
//! in none of them.

use crate::engine::openvino::{Property, default_properties};
use crate::golden::GoldenResult;
use crate::record::{ArmView, PromptRecord, ProvenDevice, PublishedReference, RequestedPrompt};

/// The model that bare verbs take, where no other was chosen.
const SHIPPED_MODEL: &str = "tiny-gpt-oss";
/// Longer words are not of a command line.
const LONGEST: usize = 100;

/// The `bench` that measures the same again, with the commit checked out.
pub(super) fn bench_command(record: ArmView<'_>) -> String {
    let mut words =
        vec!["cargo xtask bench".to_owned(), device_flag(record), format!("--runs {}", record.workload.runs)];
    words.extend(requested_flags(record));
    words.join(" ")
}

/// All that was requested beside the device, by the flags that `bench` and `ab` share.
pub(super) fn requested_flags(record: ArmView<'_>) -> Vec<String> {
    let named = [model_flag(record), openvino_flag(record)].into_iter().flatten();
    workload_flags(record).into_iter().chain(named).chain(property_flags(record)).collect()
}

/// Where it ran.
pub(super) fn device_flag(record: ArmView<'_>) -> String {
    let ran = record.device.ran.as_ref();
    let device = ran.map_or(record.device.requested.as_str(), |ran| ran.kind().name());
    format!("--device {}", word(device, "DEVICE"))
}

/// What was asked, and that it was compared with no golden.
pub(super) fn workload_flags(record: ArmView<'_>) -> Vec<String> {
    let workload = &record.workload;
    let mut words = vec![format!("--max-new-tokens {}", workload.new_tokens)];
    let is_reference = |published: &PublishedReference| {
        published.prompts.iter().eq(workload.prompts.iter().map(|prompt| &prompt.id))
    };
    if !record.experiment.published.as_ref().is_some_and(is_reference) {
        // Of a text of the user's own, a record keeps no more than its beginning.
        let named = |prompt: &RequestedPrompt| {
            format!("--prompt {}", if prompt.is_own() { "TEXT" } else { word(&prompt.id, "PROMPT") })
        };
        words.extend(workload.prompts.iter().map(named));
    }
    let is_unverified = |prompt: &PromptRecord| prompt.golden == GoldenResult::None;
    if !record.prompts.is_empty() && record.prompts.iter().all(is_unverified) {
        words.push("--unverified".to_owned());
    }
    words
}

/// That another model than the shipped one is meant.
pub(super) fn model_flag(record: ArmView<'_>) -> Option<String> {
    (record.model.name != SHIPPED_MODEL).then(|| "--model-dir MODEL".to_owned())
}

/// Which OpenVINO ran it.
pub(super) fn openvino_flag(record: ArmView<'_>) -> Option<String> {
    let runtime = record.runtime.as_ref()?;
    Some(format!("--openvino {}", word(&runtime.openvino_version, "VERSION")))
}

/// The same, at the commit that was measured.
pub(super) fn reproduce_command(record: ArmView<'_>) -> String {
    let measure = bench_command(record);
    match &record.commit {
        Some(commit) => format!("git checkout {} && {measure}", word(commit.short(), "COMMIT")),
        None => measure,
    }
}

/// Its properties as flags.
pub(super) fn property_flags(record: ArmView<'_>) -> Vec<String> {
    properties(record).iter().map(|reported| property_flag(reported)).collect()
}

/// A property, as in `KEY=VALUE`, for both sides of an A/B or for a run.
pub(super) fn property_flag(reported: &str) -> String {
    format!("--property {}", word(reported, "KEY=VALUE"))
}

/// What was requested beside the defaults of the device.
pub(super) fn properties(record: ArmView<'_>) -> Vec<String> {
    let (Some(runtime), Some(ran)) = (&record.runtime, &record.device.ran) else { return Vec::new() };
    let usual = default_properties(ProvenDevice::kind(ran), &[]);
    let requested = runtime.properties_requested.iter().map(|(key, value)| Property::new(key, value));
    // The folder of compiled models is the machine's own.
    let requested = requested.filter(|property| !usual.contains(property) && property.key != "CACHE_DIR");
    requested.map(|property| format!("{}={}", property.key, property.value)).collect()
}

/// A text as one word of a command line, or what stands for it.
pub(super) fn word<'a>(text: &'a str, instead: &'a str) -> &'a str {
    let is_plain = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'/' | b'=' | b'-' | b':' | b'+')
    };
    let is_word = !text.is_empty() && text.len() <= LONGEST && !text.starts_with('-');
    if is_word && text.bytes().all(is_plain) { text } else { instead }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Experiment, open};

    fn run() -> Experiment {
        open(include_bytes!("../../fixtures/records/bench-3.0.json"), "a record").unwrap()
    }

    #[test]
    fn a_usual_run_is_measured_again_by_a_short_command() {
        assert_eq!(
            reproduce_command(run().subject()),
            "git checkout 9d9d614e920d && cargo xtask bench --device CPU --runs 3 --max-new-tokens 200 --openvino 2026.4.1"
        );
    }

    #[test]
    fn what_was_requested_beside_the_defaults_is_in_the_command() {
        let mut record = run();
        record.arms[0].workload.prompts.truncate(1);
        record.arms[0].model.name = "gpt-oss-20b-int4".into();
        let requested = &mut record.arms[0].runtime.as_mut().unwrap().properties_requested;
        requested.insert("KV_CACHE_PRECISION".into(), "u8".into());
        requested.insert("CACHE_DIR".into(), "/somewhere".into());
        let command = bench_command(record.subject());
        for part in ["--prompt moe-vs-dense", "--model-dir MODEL", "--property KV_CACHE_PRECISION=u8"] {
            assert!(command.contains(part), "{command}");
        }
        assert!(!command.contains("CACHE_DIR="), "{command}");
    }

    #[test]
    fn a_text_of_ones_own_is_left_to_the_reader_and_an_unverified_run_stays_one() {
        let mut record = run();
        let prompts = &mut record.arms[0].workload.prompts;
        prompts[1].id = RequestedPrompt::own_id(1);
        record.arms[0].prompts.iter_mut().for_each(|prompt| prompt.golden = GoldenResult::Match);
        let command = bench_command(record.subject());
        assert!(command.contains("--prompt moe-vs-dense --prompt TEXT --prompt"), "{command}");
        assert!(!command.contains("--unverified"), "{command}");
        record.arms[0].prompts.iter_mut().for_each(|prompt| prompt.golden = GoldenResult::None);
        let command = bench_command(record.subject());
        assert!(command.contains("--unverified"), "{command}");
    }

    #[test]
    fn no_text_of_a_record_reaches_a_shell() {
        let mut record = run();
        record.arms[0].workload.prompts[0].id = "$(touch x)".into();
        record.arms[0].commit.as_mut().unwrap().sha = "; rm -r".into();
        let runtime = record.arms[0].runtime.as_mut().unwrap();
        runtime.openvino_version = "--help".into();
        runtime.properties_requested.insert("A\nB".into(), "`x`".into());
        let command = reproduce_command(record.subject());
        assert!(command.starts_with("git checkout COMMIT && "), "{command}");
        for part in ["--prompt PROMPT", "--openvino VERSION", "--property KEY=VALUE"] {
            assert!(command.contains(part), "{command}");
        }
    }
}

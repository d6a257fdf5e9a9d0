//! The commands that measure again what a record is of. A name that a shell would not take as it is stands
//! in none of them.

use crate::engine::openvino::{Property, default_properties};
use crate::golden::GoldenResult;
use crate::record::{
    ArmView, Commit, Experiment, PromptRecord, ProvenDevice, PublishedReference, RequestedPrompt,
};

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

/// `--device` with what ran; with what was requested, where nothing did.
pub fn device_flag(record: ArmView<'_>) -> String {
    let ran = record.device.ran.as_ref();
    let device = ran.map_or(record.device.requested.as_str(), |ran| ran.kind().name());
    format!("--device {}", word(device, "DEVICE"))
}

/// The workload, and that it was compared with no golden.
pub(super) fn workload_flags(record: ArmView<'_>) -> Vec<String> {
    let workload = &record.workload;
    let mut words = vec![format!("--max-new-tokens {}", workload.new_tokens)];
    let is_reference = |published: &PublishedReference| {
        published.prompts.iter().eq(workload.prompts.iter().map(|prompt| &prompt.id))
    };
    if !record.experiment.published.as_ref().is_some_and(is_reference) {
        // Of a text of the user's own, a record stores no more than its beginning.
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

pub(super) fn openvino_flag(record: ArmView<'_>) -> Option<String> {
    let runtime = record.runtime.as_ref()?;
    Some(format!("--openvino {}", word(&runtime.openvino_version, "VERSION")))
}

/// The same, at the commit that was measured.
pub(super) fn reproduce_command(record: ArmView<'_>) -> String {
    format!("{}{}", checkout(record), bench_command(record))
}

/// What comes before a command that measures the commit again.
fn checkout(record: ArmView<'_>) -> String {
    let commit = record.commit.as_ref();
    commit.map_or(String::new(), |commit| format!("git checkout {} && ", word(commit.short(), "COMMIT")))
}

/// The `peers` that measures the same again, with the commit checked out.
pub(super) fn peers_command(record: &Experiment) -> String {
    let run = record.subject();
    let engines: Vec<&str> = record.arms.iter().map(|engine| word(&engine.label, "ENGINE")).collect();
    let mut words = vec![
        format!("{}cargo xtask peers --engines {}", checkout(run), engines.join(",")),
        rounds_flag(record),
        device_flag(run),
    ];
    // What the reference has for itself stands with its name.
    let own = |flag: &String| record.arms[0].differences.iter().any(|own| flag.ends_with(own.as_str()));
    words.extend(requested_flags(run).into_iter().filter(|flag| !own(flag)));
    let other = record.arms.iter().filter(|engine| engine.is_other_program());
    words.extend(other.map(|engine| format!("--program {}=FILE", word(&engine.host_loop, "NAME"))));
    words.extend(sampling_flags(record));
    words.join(" ")
}

fn rounds_flag(record: &Experiment) -> String {
    format!("--rounds {}", record.sampling.rounds_requested.unwrap_or_default())
}

/// The `kv` that measures the same again, with the commit checked out.
pub(super) fn kv_command(record: &Experiment) -> String {
    let run = record.subject();
    let mut words = vec![format!("{}cargo xtask kv", checkout(run))];
    words.extend(record.arms.iter().map(|arm| format!("--arm {}", word(&arm.label, "ARM"))));
    words.push(rounds_flag(record));
    words.extend(agreement_flags(record));
    words.push(device_flag(run));
    words.extend(requested_flags(run).into_iter().chain(sampling_flags(record)));
    words.join(" ")
}

/// Over which seeds and which texts of the user's own distributions were compared.
fn agreement_flags(record: &Experiment) -> Vec<String> {
    let all = record.arms.iter().filter_map(|arm| arm.kv.as_ref()).flat_map(|kv| &kv.agreements);
    let (mut seeds, mut texts): (Vec<String>, Vec<&str>) = (Vec::new(), Vec::new());
    for agreement in all {
        let seed = agreement.seed.map(|seed| seed.to_string());
        seeds.extend(seed.filter(|seed| !seeds.contains(seed)));
        let text = agreement.text.as_str();
        let is_of_prompt = record.subject().workload.prompts.iter().any(|prompt| prompt.id == text);
        // Of a file, a record stores its name alone.
        if !is_of_prompt && text != PROBE && !texts.contains(&text) {
            texts.push(text);
        }
    }
    let seeds = (!seeds.is_empty()).then(|| format!("--seeds {}", seeds.join(",")));
    let texts = texts.into_iter().map(|text| format!("--text {}", word(text, "FILE")));
    seeds.into_iter().chain(texts).collect()
}

/// What the probe text is called among the texts of `kv`.
const PROBE: &str = "probe";

/// The `soak` that measures the same again, with the commit checked out.
pub(super) fn soak_command(record: &Experiment) -> String {
    let run = record.subject();
    let mut words = vec![format!("{}cargo xtask soak", checkout(run))];
    words.extend(record.sampling.soak.map(|soak| {
        let time_s = soak.process_s.saturating_mul(run.workload.runs as u64);
        format!("--time {time_s}s --pause {}s", soak.pause_s)
    }));
    words.push(device_flag(run));
    words.extend(requested_flags(run));
    words.join(" ")
}

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
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'/' | b'=' | b'-' | b':' | b'+' | b',')
    };
    let is_word = !text.is_empty() && text.len() <= LONGEST && !text.starts_with('-');
    if is_word && text.bytes().all(is_plain) { text } else { instead }
}

/// Of both sides, where it was requested.
const ALL_LOGITS: &str = "--all-logits";

/// The label of a side that names nothing.
const THIS_PROGRAM: &str = "this program";

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
    words.extend(sampling_flags(record));
    words.join(" ")
}

/// For how long rounds are measured, and which of them count.
fn sampling_flags(record: &Experiment) -> Vec<String> {
    let budget = record.sampling.budget_s.map(|seconds| format!("--budget {seconds}s"));
    let ignored = record.sampling.ignore_guards.then(|| "--ignore-guards".to_owned());
    budget.into_iter().chain(ignored).collect()
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
    use crate::record::{Arm, open};

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

    fn ab() -> Experiment {
        open(include_bytes!("../../fixtures/records/ab-3.0.json"), "a record").unwrap()
    }

    #[test]
    fn a_limit_and_what_counts_are_in_the_command() {
        let mut record = ab();
        record.sampling.budget_s = Some(90);
        record.sampling.ignore_guards = true;
        for command in [ab_command(&record), peers_command(&record), kv_command(&record)] {
            for part in [" --budget 90s", " --ignore-guards"] {
                assert_eq!(command.matches(part).count(), 1, "{part}: {command}");
            }
        }
    }

    #[test]
    fn the_command_of_a_kv_has_its_arms_seeds_and_texts() {
        use crate::measure::kv::{KvAgreement, KvMethod};
        use crate::record::KvRecord;
        let mut record = ab();
        record.arms[1].label = "turboquant:k6v4,in-graph".into();
        let agreement =
            |text: &str, seed: Option<u64>| KvAgreement { seed, ..KvAgreement::of(text, None, &[]) };
        let prompt = record.arms[1].workload.prompts[0].id.clone();
        let agreements = [(prompt.as_str(), 4), ("probe", 4), ("probe", 7), ("short.txt", 7)]
            .map(|(text, seed)| agreement(text, Some(seed)))
            .into_iter()
            .chain([agreement("$(x)", None)])
            .collect();
        let transform = record.arms[1].label.clone();
        record.arms[1].kv =
            Some(KvRecord { transform, method: KvMethod::Graph, uses: Vec::new(), agreements });
        let command = kv_command(&record);
        for part in [" --arm turboquant:k6v4,in-graph ", " --seeds 4,7 --text short.txt --text FILE "] {
            assert!(command.contains(part), "{part}: {command}");
        }
    }

    fn both(record: &mut Experiment, edit: impl Fn(&mut Arm)) {
        record.arms.iter_mut().for_each(edit);
    }

    #[test]
    fn a_flag_of_both_sides_is_there_once_and_a_flag_of_one_is_of_that_side() {
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

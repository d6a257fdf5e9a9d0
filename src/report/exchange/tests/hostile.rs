//! Text of others, wherever a record has some: every format is still read, and reads as with a word.

use super::forged::{ab, entry, judged, named};
use super::{FORMATS, cells, elements, json_of, text_of};
use crate::golden::GoldenResult;
use crate::measure::Direction;
use crate::record::{Experiment, Outcome};
use crate::report::exchange::{ExchangeFormat, otava_config, otava_csv};

const HOSTILE: [&str; 18] = [
    "=HYPERLINK(\"https://example.org\")",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1+1",
    "a,b;c\"d'e",
    "two\nlines\r\n::error::all is well",
    "::error::all is well",
    "##[error]all is well",
    "a | b \\| c",
    "<img src=x onerror=alert(1)> ]]> &amp;",
    "\"/><failure message=\"",
    "Benchmark 1 2 ns/op",
    "key: value",
    "nul\0 esc\x1b[31m \u{202e}gpj \u{2028}x\u{85}",
    "{\"value\": null} \\u0000 \\",
    "../../etc/passwd",
    "",
];

/// Every text of a run that others could have chosen.
fn hostile_run(text: &str) -> Experiment {
    let mut run = named([&format!("{text} one"), &format!("{text} two")]);
    text.clone_into(&mut run.run_id);
    text.clone_into(&mut run.when_utc);
    text.clone_into(&mut run.machine.slug);
    text.clone_into(&mut run.machine.cpu);
    text.clone_into(&mut run.arms[0].model.name);
    let commit = run.arms[0].commit.as_mut().unwrap();
    text.clone_into(&mut commit.sha);
    text.clone_into(&mut commit.subject);
    commit.branch = Some(text.to_owned());
    let runtime = run.arms[0].runtime.as_mut().unwrap();
    text.clone_into(&mut runtime.openvino_version);
    for value in runtime.properties_effective.values_mut() {
        text.clone_into(value);
    }
    run
}

fn hostile_ab(text: &str) -> Experiment {
    let mut ab = ab();
    ab.arms = [hostile_run(text), hostile_run(text)].into_iter().flat_map(|run| run.arms).collect();
    text.clone_into(&mut ab.run_id);
    ab.machine = hostile_run(text).machine;
    text.clone_into(&mut ab.arms[0].label);
    text.clone_into(&mut ab.arms[1].label);
    let decision = ab.decision.as_mut().unwrap();
    text.clone_into(&mut decision.reason);
    text.clone_into(&mut decision.judged_utc);
    text.clone_into(&mut decision.checks[0].id);
    ab
}

/// A run, an A/B, and runs that came to nothing.
fn records(text: &str) -> Vec<Experiment> {
    let mut failed = hostile_run(text);
    (failed.outcome, failed.failure) = (Outcome::Failed, Some(text.to_owned()));
    (failed.arms[0].outcome, failed.arms[0].failure) = (failed.outcome, failed.failure.clone());
    let mut wrong = hostile_run(text);
    wrong.arms[0].outcome = Outcome::WrongOutput;
    let prompt = wrong.arms[0].prompts[0].id.clone();
    wrong.arms[0].prompts[0] = judged(&prompt, GoldenResult::Break);
    let mut undecided = hostile_ab(text);
    undecided.decision = None;
    let abs = [hostile_ab(text), undecided];
    [hostile_run(text), failed, wrong].into_iter().chain(abs).collect()
}

#[test]
fn every_format_is_read_back_whatever_the_names_are() {
    for text in HOSTILE {
        let (records, harmless) = (records(text), records("word"));
        for format in FORMATS {
            let (reported, expected) = (text_of(format, &records), text_of(format, &harmless));
            let is_seen = |letter: char| letter == '\n' || letter == '\t' || !letter.is_control();
            assert!(reported.chars().all(is_seen), "{text:?} in {format:?}: {reported:?}");
            assert!(
                !reported.contains(['\u{202e}', '\u{2028}', '\u{85}']) && !reported.contains("##["),
                "{reported:?}"
            );
            assert!(!reported.lines().any(|line| line.starts_with("::")), "{text:?} in {format:?}");
            assert_eq!(
                reported.lines().count(),
                expected.lines().count(),
                "{text:?} in {format:?}: {reported}"
            );
        }
    }
}

#[test]
fn no_cell_of_a_table_begins_a_formula_and_every_row_has_all_cells() {
    for text in HOSTILE {
        let reported = cells(&text_of(ExchangeFormat::SampleCsv, &records(text)));
        assert_eq!(reported.len(), 1 + 5 * 4, "a header, and four generations of each run that has a speed");
        let starts_formula = |cell: &String| cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
        assert!(!reported.iter().flatten().any(starts_formula), "{text:?}: {reported:?}");
    }
}

#[test]
fn json_has_the_same_fields_and_xml_the_same_elements() {
    let keys = |format, text: &str| -> Vec<Vec<String>> {
        let reported = json_of(format, &records(text));
        let entries = reported.as_array().unwrap().iter();
        entries.map(|entry| entry.as_object().unwrap().keys().cloned().collect()).collect()
    };
    for text in HOSTILE {
        for format in [ExchangeFormat::LlamaBench, ExchangeFormat::BenchmarkAction(Direction::Lower)] {
            assert_eq!(keys(format, text), keys(format, "word"), "{text:?} in {format:?}");
        }
        let measures = json_of(ExchangeFormat::MetricFormat, &records(text));
        assert_eq!(measures.as_object().unwrap().len(), 2, "{text:?}: {measures}");
        let of = |text: &str| elements(&text_of(ExchangeFormat::Junit, &records(text)));
        assert_eq!(of(text), of("word"), "{text:?}");
    }
}

#[test]
fn no_line_of_a_name_s_is_a_benchmark_or_a_key() {
    for text in HOSTILE {
        let reported = text_of(ExchangeFormat::Benchstat, &records(text));
        let begins: Vec<&str> =
            reported.lines().map(|line| line.split([':', '\t', ' ']).next().unwrap()).collect();
        for begin in begins {
            let name = begin.strip_prefix("BenchmarkDecode/prompt=");
            let known = ["", "#", "Unit", "machine", "model", "device", "workload", "new-tokens", "side"];
            let is_known = known.contains(&begin) || begin.starts_with("definition-of-");
            let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
            assert!(is_known || name.is_some_and(|name| name.chars().all(is_plain)), "{text:?}: {begin:?}");
        }
    }
}

#[test]
fn otava_s_configuration_has_the_same_lines_whatever_the_file_is_called() {
    for text in HOSTILE {
        let mut run = hostile_run(text);
        run.arms[0].commit.as_mut().unwrap().author_date_utc = "2026-01-01T00:00:00Z".to_owned();
        let entries = [entry(&run)];
        let entries: Vec<_> = entries.iter().collect();
        let series = otava_csv(&entries).unwrap();
        assert_eq!(cells(&series.csv).len(), 2, "{text:?}");
        let config = otava_config(&entries, text, &series.since_utc).unwrap();
        assert_eq!(config.lines().count(), 13, "{text:?}: {config}");
        let file = config.lines().find_map(|line| line.trim().strip_prefix("file: ")).unwrap();
        assert_eq!(serde_json::from_str::<String>(file).unwrap(), text);
    }
}

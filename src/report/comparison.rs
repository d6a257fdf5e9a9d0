//! Two runs that were measured apart: what differs in their environments first. No form of it is a verdict.

use serde::Serialize;
use serde_json::{Value, json};

use crate::judge::Validity;
use crate::judge::comparability::{Breaks, Comparability, ComparedSide, Interval, TwoRuns, ValuePair};
use crate::measure::Metric;
use crate::record::{ArmView, Commit, ProvenDevice};
use crate::report::chart::Chart;
use crate::report::document::{Cell, Document, Line, Table, metric, number};
use crate::report::mark::{Mark, output_status};
use crate::report::number::{change_percent, counted, four_digits, signed_percent};
use crate::report::profile::{add_profile_change, profile_change_json};
use crate::report::reproduce::{
    bench_command, device_flag, model_flag, property_flags, reproduce_command, requested_flags, word,
    workload_flags,
};
use crate::report::view::CommitLink;
use crate::visible;

/// Of memory nobody reads bytes.
const BYTES_PER_MEBIBYTE: f64 = 1_048_576.0;

/// A record that is compared.
#[derive(Debug, Clone, Copy)]
pub struct ComparedRecord<'a> {
    /// Its content.
    pub run: ArmView<'a>,
    /// Its file, as it is named.
    pub file: &'a str,
}

/// What a page has beside the text: the charts, and links to what else the site has of both runs.
#[derive(Debug, Clone, Default)]
pub struct OfPage {
    /// The steps of both; None where their speeds are not compared.
    pub(in crate::report) chart: Option<Chart>,
    /// The pages of their commits, where they are there.
    pub(in crate::report) commits: [Option<CommitLink>; 2],
    /// The copies of their records, below the site's folder, where they are there.
    pub(in crate::report) records: [Option<String>; 2],
}

/// The report on two records.
pub fn comparison_document(
    a: ComparedRecord<'_>,
    b: ComparedRecord<'_>,
    two: &TwoRuns,
    of_page: OfPage,
) -> Document {
    let mut document = Document::default();
    for (letter, run) in [("A", a.run), ("B", b.run)] {
        if let Validity::Invalid(reasons) = Validity::of_run(&run) {
            document.status(Mark::Warns, "invalid", format!("{letter}, {}", reasons.join("; ")));
        }
    }
    document.title(format!("{} compared with {}", b.run.experiment.run_id, a.run.experiment.run_id));
    let (one, other) = (side(a, &two.a, &of_page, 0), side(b, &two.b, &of_page, 1));
    let rows = one.into_iter().zip(other).map(|((what, a), (_, b))| [what.into(), a.into(), b.into()]);
    document.table(Table::new(["run", "A", "B"]).with_rows(rows));
    for ((letter, record), copy) in [("A", a), ("B", b)].into_iter().zip(&of_page.records) {
        document.fact(format!("record {letter}"), Line::link(record.file, copy.as_deref()));
    }
    differences(&mut document, two);
    let (mark, word, sentence) = comparability(two);
    document.status(mark, word, sentence);
    for (letter, side) in [("A", &two.a), ("B", &two.b)] {
        if let Some(reason) = &side.no_speed_reason {
            document.text(format!("{letter} has no speed: {reason}"));
        }
        if let Some(reason) = &side.doubted_reason {
            document.text(format!("The times of {letter} are not compared: {reason}"));
        }
    }
    metric_values(&mut document, two);
    document.chart(of_page.chart);
    add_profile_change(&mut document, ["A", "B"], [a.run, b.run]);
    let rows =
        two.goldens.iter().map(|pair| [(&pair.prompt).into(), output_status(pair.a), output_status(pair.b)]);
    document.titled_table("Output", Table::new(["prompt", "A", "B"]).with_rows(rows));
    for NextCommand { purpose, command } in commands(a.run, b.run, two) {
        document.command(purpose, command);
    }
    for warning in &a.run.warnings {
        document.warning(if b.run.warnings.contains(warning) { "A and B" } else { "A" }, warning);
    }
    for warning in b.run.warnings.iter().filter(|warning| !a.run.warnings.contains(warning)) {
        document.warning("B", warning);
    }
    document
}

/// One run, each of its facts with its label.
fn side(
    record: ComparedRecord<'_>,
    side: &ComparedSide,
    of_page: &OfPage,
    at: usize,
) -> Vec<(&'static str, Line)> {
    let run = record.run;
    let speed =
        side.summary.average.as_ref().and_then(|average| average.mean.get(Metric::TimePerOutputToken));
    let metric = Metric::TimePerOutputToken;
    let openvino = run.runtime.as_ref().map_or("?", |runtime| runtime.openvino_version.as_str());
    let workload = &run.workload;
    let commit = run.commit.as_ref().map_or("no commit".into(), |commit| {
        let dirty = if commit.dirty { " (dirty) " } else { " " };
        let href = of_page.commits[at].as_ref().map(|link| link.href.as_str());
        Line::link(commit.short(), href).and(dirty).and(&commit.subject)
    });
    let processes = counted(workload.runs, "process");
    let (prompts, tokens) =
        (counted(workload.prompts.len(), "prompt"), counted(workload.new_tokens, "token"));
    vec![
        ("id", run.experiment.run_id.as_str().into()),
        (
            "speed",
            speed.map_or("no speed".into(), |ms| {
                Line::from(format!("{} {} (", four_digits(ms), metric.unit()))
                    .and(Line::metric(metric))
                    .and(")")
            }),
        ),
        ("commit", commit),
        ("model", run.model.name.as_str().into()),
        ("device", run.device.in_words(&run.experiment.machine.cpu).into()),
        ("OpenVINO", openvino.into()),
        ("workload", format!("{prompts} x {tokens}, {processes}").into()),
        ("machine", run.experiment.machine.slug.as_str().into()),
        ("measured", Line::moment(&run.experiment.when_utc)),
    ]
}

fn differences(document: &mut Document, two: &TwoRuns) {
    document.section("Environment differences");
    if two.differences.is_empty() {
        document.text("Nothing that is recorded differs in their environments.");
        return;
    }
    let rows = two.differences.iter().map(|it| -> [Cell; 4] {
        let value = |value: &Option<String>| value.as_deref().unwrap_or(it.absent).into();
        [(&it.what).into(), value(&it.a), value(&it.b), it.breaks.as_str().into()]
    });
    document.table(Table::new(["difference", "A", "B", "affects"]).with_rows(rows));
    for sentence in BREAKS {
        document.text(sentence);
    }
}

fn metric_values(document: &mut Document, two: &TwoRuns) {
    let has_changes = two.metric_values.iter().any(|pair| pair.change.is_some());
    let mut headings = vec!["metric", "prompt", "unit", "better", "A", "B"];
    headings.extend(if has_changes { &["change", "interval, %"][..] } else { &[] });
    headings.push("result");
    let rows = two.metric_values.iter().map(|pair| metric_value(pair, has_changes));
    let table = Table::new(headings).with_keys(2).with_optional(&["better", "unit", "result"]);
    document.titled_table("Metrics", table.with_rows(rows));
    for sentence in caption(two) {
        document.text(Line::prose(&sentence));
    }
}

fn metric_value(pair: &ValuePair, has_changes: bool) -> Vec<Cell> {
    let is_memory = matches!(pair.metric, Metric::PeakRss | Metric::PeakDeviceMemory);
    let value = |value: Option<f64>| {
        number(value.map(|value| match if is_memory { value / BYTES_PER_MEBIBYTE } else { value } {
            tiny if tiny != 0.0 && tiny.abs() < 1e-3 => format!("{tiny:.2e}"),
            value => four_digits(value),
        }))
    };
    let of_process =
        matches!(pair.metric, Metric::Load | Metric::PeakRss | Metric::PeakDeviceMemory | Metric::LogitDrift);
    let all = if of_process { "" } else { "mean" };
    let percent = |ratio: f64| signed_percent(change_percent(ratio));
    let bound = |ratio: f64| percent(ratio).replace(" %", "");
    let interval = |Interval { lower, upper }: Interval| format!("[{}, {}]", bound(lower), bound(upper));
    let mut cells = vec![
        metric(pair.metric),
        pair.prompt.as_deref().unwrap_or(all).into(),
        if is_memory { "MiB" } else { pair.metric.unit() }.into(),
        pair.metric.direction().as_str().into(),
        value(pair.a),
        value(pair.b),
    ];
    if has_changes {
        cells.push(number(pair.change.map(|change| percent(change.ratio))));
        cells.push(number(pair.interval().map(interval)));
    }
    cells.push(result(pair).into());
    cells
}

/// A command to run next.
#[derive(Serialize)]
struct NextCommand {
    purpose: String,
    command: String,
}

/// The commands, the most useful first.
fn commands(a: ArmView<'_>, b: ArmView<'_>, two: &TwoRuns) -> Vec<NextCommand> {
    let mut rows: Vec<NextCommand> = decide(a, b, two).into_iter().collect();
    let (again_a, again_b) = (again("A", a), again("B", b));
    if again_a.command == again_b.command && is_clean(a) && is_clean(b) {
        rows.push(NextCommand { purpose: "measure either again".to_owned(), ..again_a });
    } else {
        rows.extend([again_a, again_b]);
    }
    rows
}

/// What decides more than these two records do.
fn decide(a: ArmView<'_>, b: ArmView<'_>, two: &TwoRuns) -> Option<NextCommand> {
    let breaks = |wanted: Breaks| two.differences.iter().any(|difference| difference.breaks == wanted);
    if let (Some(one), Some(other)) = (clean(a), clean(b))
        && one.sha != other.sha
    {
        let (base, head) = (word(one.short(), "COMMIT"), word(other.short(), "COMMIT"));
        let purpose = match two.comparability {
            Comparability::Same => "decide, in pairs",
            _ if breaks(Breaks::Machine) => "compare both commits in pairs, on one machine",
            _ => "compare both commits in pairs, all else equal",
        };
        let flags = flags(b, requested_flags(b));
        return Some(next(purpose, format!("cargo xtask ab --base {base} --head {head} {flags}")));
    }
    if two.comparability == Comparability::Unlike {
        let purpose = if breaks(Breaks::Machine) {
            "measure on B's machine as A was measured"
        } else {
            "measure B as A was measured"
        };
        return Some(next(purpose, bench_command(a)));
    }
    let [one, other] =
        [a, b].map(|run| run.arm.runtime.as_ref().map(|runtime| runtime.openvino_version.as_str()));
    let (one, other) = one.zip(other).filter(|(one, other)| one != other)?;
    let (one, other) = (word(one, "VERSION"), word(other, "VERSION"));
    let requested = workload_flags(b).into_iter().chain(model_flag(b)).chain(property_flags(b)).collect();
    let flags = flags(b, requested);
    let command = format!("cargo xtask ab --base openvino={one} --head openvino={other} {flags}");
    Some(next("compare both versions of OpenVINO in pairs", command))
}

fn next(purpose: &str, command: String) -> NextCommand {
    NextCommand { purpose: purpose.to_owned(), command }
}

/// Where the second run ran, and its workload.
fn flags(run: ArmView<'_>, requested: Vec<String>) -> String {
    [device_flag(run)].into_iter().chain(requested).collect::<Vec<_>>().join(" ")
}

/// A run once more. What was changed over the commit is stored nowhere.
fn again(letter: &str, run: ArmView<'_>) -> NextCommand {
    let changes = if is_clean(run) { "" } else { ", with the changes that its tree had over the commit" };
    next(&format!("measure {letter} again{changes}"), reproduce_command(run))
}

fn is_clean(run: ArmView<'_>) -> bool {
    run.commit.as_ref().is_none_or(|commit| !commit.dirty)
}

fn clean(run: ArmView<'_>) -> Option<&Commit> {
    run.arm.commit.as_ref().filter(|commit| !commit.dirty)
}

/// What the classes of differences mean.
const BREAKS: [&str; 2] = [
    "Runs that differ in machine, model, workload or device are not comparable. Where series, epoch or \
     environment differ, the comparison is an observation.",
    "\"nothing\" is what comparable runs may differ in.",
];

/// How far they are of one thing: a mark, a word and what it means. It is of their environments, not of their results: even
/// `Same` has no mark of success, and is called "comparable", for "same" would be read as said of their values.
pub(in crate::report) fn in_words(comparability: Comparability) -> (Mark, &'static str, &'static str) {
    match comparability {
        Comparability::Same => {
            (Mark::NotJudged, "comparable", "same series and same epoch: two runs of one thing")
        }
        Comparability::EnvironmentDiffers => (
            Mark::Warns,
            "environment differs",
            "same machine, model, workload and device, but the environment of the measurement differs",
        ),
        Comparability::Unlike => {
            (Mark::NotJudged, "not comparable", "not the same thing, so nothing is compared")
        }
    }
}

fn comparability(two: &TwoRuns) -> (Mark, &'static str, String) {
    let (mark, word, sentence) = in_words(two.comparability);
    let sentence = match two.unlike_reason().as_slice() {
        [] => sentence.to_owned(),
        [one] => format!("not the same {one}, so nothing is compared"),
        [first @ .., last] => format!("not the same {} and {last}, so nothing is compared", first.join(", ")),
    };
    (mark, word, sentence)
}

/// How the changes are to be read; nothing where there is none.
fn caption(two: &TwoRuns) -> Vec<String> {
    if !two.metric_values.iter().any(|pair| pair.change.is_some()) {
        return Vec::new();
    }
    let change = "Change: from A to B.";
    if two.comparability != Comparability::Same {
        return vec![format!(
            "{change} An observation, not a test: what differs above may be all of it. `cargo xtask ab` decides."
        )];
    }
    let interval = if two.metric_values.iter().any(|pair| pair.interval().is_some()) {
        format!(
            "Interval: {:.0} %, by Welch's t on the means of each run's processes, each row by itself; the \
             machine's variation from run to run is not in that interval.",
            Interval::CONFIDENCE_PERCENT
        )
    } else {
        "No interval: that takes two processes or more in each run.".to_owned()
    };
    vec![
        format!("{change} {interval}"),
        "Two separate runs, not interleaved pairs: an observation, not a verdict. `cargo xtask ab` decides."
            .to_owned(),
    ]
}

fn result(pair: &ValuePair) -> String {
    let Some(change) = pair.change else {
        if let Some(reason) = &pair.uncompared_reason {
            return reason.clone();
        }
        return match (pair.a, pair.b) {
            (Some(_), None) => "only A has it",
            (None, Some(_)) => "only B has it",
            _ => "not compared",
        }
        .to_owned();
    };
    match change.interval {
        Some(interval) if interval.holds_no_change() => "interval includes 0",
        Some(_) => "interval excludes 0",
        None => "observed",
    }
    .to_owned()
}

const SCHEMA: &str = "arcgauge-comparison@2";

/// A comparison as JSON, with the exit code that the verb ends with.
pub fn comparison_json(a: ComparedRecord<'_>, b: ComparedRecord<'_>, two: &TwoRuns, exit_code: u8) -> String {
    let value = json!({
        "schema": SCHEMA,
        "exit_code": exit_code,
        "comparability": two.comparability,
        "sides": { "a": side_json(a, &two.a), "b": side_json(b, &two.b) },
        "differences": two.differences,
        "figures": two.metric_values.iter().map(value_json).collect::<Value>(),
        "profile": profile_change_json([a.run, b.run]),
        "goldens": two.goldens,
        "commands": commands(a.run, b.run, two),
        "warnings": { "a": a.run.warnings, "b": b.run.warnings },
    });
    // To a runner of GitHub's this would be a command, wherever in the log it stands.
    visible::json(&format!("{value:#}\n"))
}

fn side_json(record: ComparedRecord<'_>, side: &ComparedSide) -> Value {
    let run = record.run;
    let runtime = run.runtime.as_ref();
    json!({
        "file": record.file,
        "run_id": run.experiment.run_id,
        "when_utc": run.experiment.when_utc,
        "outcome": run.outcome,
        "commit": run.commit,
        "machine": { "slug": run.experiment.machine.slug, "sha256": run.experiment.machine.sha256 },
        "device": {
            "actual": run.device.actual(),
            "proof": run.device.ran.as_ref().map(ProvenDevice::grade),
            "gpu": run.device.gpu_identity(),
            "emulated_reason": run.device.emulated_reason(),
        },
        "openvino_version": runtime.map(|runtime| &runtime.openvino_version),
        "model": { "name": run.model.name, "sha256": run.model.sha256 },
        "workload_sha256": run.workload.sha256,
        "no_speed_reason": side.no_speed_reason,
        "doubted_reason": side.doubted_reason,
    })
}

fn value_json(pair: &ValuePair) -> Value {
    let interval = pair.interval();
    json!({
        "metric": pair.metric,
        "prompt": pair.prompt,
        "unit": pair.metric.unit(),
        "better": pair.metric.direction().as_str(),
        "a": pair.a,
        "b": pair.b,
        "ratio": pair.change.map(|change| change.ratio),
        "lower": interval.map(|interval| interval.lower),
        "upper": interval.map(|interval| interval.upper),
        "uncompared_reason": pair.uncompared_reason,
    })
}

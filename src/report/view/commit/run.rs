//! One run on the page of its commit.

use crate::golden::GoldenResult;
use crate::judge::comparability::ComparedSide;
use crate::judge::{MeanValues, Validity, invalidating_findings, summarise};
use crate::measure::Metric;
use crate::record::{ArmView, Entry, Epoch, Outcome};
use crate::report::bench::{add_growth, depth_table, is_of_depth, title};
use crate::report::decision::divergence;
use crate::report::document::{Cell, Document, Line, Table, number};
use crate::report::facts::facts_of;
use crate::report::mark::{Mark, is_invalid, of_outcome, output_status};
use crate::report::number::{change_percent, counted, four_digits, mebibytes, signed_percent};
use crate::report::profile::add_profile;
use crate::report::reproduce::reproduce_command;
use crate::report::view::commit::{RecordOfCommit, charts};
use crate::report::view::peers::add_command_and_file;
use crate::report::view::{CommitLink, changed};
use crate::visible::one_line;

/// How far the times of a run are a speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Every token was checked and is right.
    Verified,
    /// It ended, but not every token was checked: its times are shown, and called unverified.
    Unverified,
    /// Its output is wrong, or it did not end.
    WithoutSpeed,
}

impl Standing {
    fn of(record: ArmView<'_>, side: &ComparedSide) -> Self {
        match (side.no_speed_reason.is_some(), record.outcome) {
            (false, _) => Self::Verified,
            (true, Outcome::Complete) => Self::Unverified,
            (true, _) => Self::WithoutSpeed,
        }
    }

    fn status(self, record: ArmView<'_>) -> (Mark, String) {
        match (self, Validity::of_run(&record)) {
            (Self::WithoutSpeed, _) => {
                let (mark, word) = of_outcome(record.outcome);
                (mark, word.to_owned())
            }
            (_, Validity::Invalid(reasons)) => {
                let findings = invalidating_findings(&record);
                let found: Vec<String> = findings.iter().map(|finding| finding.reason.clone()).collect();
                let reasons = if found.is_empty() { reasons } else { found };
                (Mark::Warns, format!("INVALID: {}", reasons.join("; ")))
            }
            (Self::Unverified, _) => (Mark::Unknown, "unverified".to_owned()),
            (Self::Verified, _) => (Mark::Holds, "valid".to_owned()),
        }
    }

    /// At the end of a title of times.
    pub(super) fn suffix(self) -> &'static str {
        if self == Self::Unverified { " (unverified)" } else { "" }
    }

    /// Whether the times of a prompt with this result on its output are shown.
    fn shows_times_of(self, golden: Option<GoldenResult>) -> bool {
        self != Self::WithoutSpeed || golden.is_some_and(GoldenResult::is_verified)
    }
}

/// The report on a run, with its charts, and what changed since the commit before.
pub(super) fn run_document(record: ArmView<'_>, of_commit: &RecordOfCommit<'_>) -> Document {
    let side = ComparedSide::of(&record);
    let standing = Standing::of(record, &side);
    let mut document = Document::default();
    let (mark, status) = standing.status(record);
    let no_speed = side.no_speed_reason.as_ref().map(|reason| format!("No verified speed: {reason}."));
    let dirty = record.commit.as_ref().filter(|commit| commit.dirty).map(|commit| {
        let difference = commit.difference_sha256.as_deref().and_then(|it| it.get(..12)).unwrap_or("unknown");
        format!("The tree was changed over the commit (difference {difference}).")
    });
    document.status(mark, status, no_speed.into_iter().chain(dirty).collect::<Vec<_>>().join(" "));
    if let Some(failure) = &record.failure {
        document.status(Mark::Fails, "failed", format!("{failure}. No speed is given."));
    }
    for prompt in &record.prompts {
        divergence(&mut document, None, prompt);
    }
    if is_of_depth(record) {
        let title = format!("Values by depth{}", standing.suffix());
        document.titled_table(title, depth_table(record, &side.summary));
        add_growth(&mut document, record, &side.summary);
    } else {
        add_values(&mut document, record, standing, &side, of_commit);
    }
    for chart in charts::of_run(record, standing) {
        document.chart(Some(chart));
    }
    add_profile(&mut document, record);
    let facts = facts_of(record, &side.summary).into_iter().map(|(fact, text)| [fact.into(), text.into()]);
    document.titled_table("Details", Table::new(["", ""]).with_rows(facts));
    add_environment(&mut document, record, of_commit);
    record.warnings.iter().for_each(|warning| document.warning("", warning));
    add_command_and_file(&mut document, reproduce_command(record), &of_commit.file);
    document
}

pub(super) fn setting(record: ArmView<'_>) -> String {
    one_line(&format!("{}, machine {}", title(record), record.experiment.machine.slug))
}

pub(super) fn requested(record: ArmView<'_>) -> String {
    let workload = &record.workload;
    format!(
        "{}, {}, {} greedy tokens each",
        counted(workload.runs, "fresh process"),
        counted(workload.prompts.len(), "prompt"),
        workload.new_tokens
    )
}

/// The values by prompt, beside those of the commit before.
fn add_values(
    document: &mut Document,
    record: ArmView<'_>,
    standing: Standing,
    side: &ComparedSide,
    of_commit: &RecordOfCommit<'_>,
) {
    // Unverified times are shown as such, so this is more than the speed of the run.
    let summary = summarise(&record);
    let before = of_commit.before;
    let reason = before.and_then(|before| no_change_reason(side, of_commit.entry, before));
    let run_before = before.filter(|_| reason.is_none()).and_then(|entry| entry.metric_values.as_ref());
    let of_prompt = |id: &str| {
        let mut prompts = run_before.into_iter().flat_map(|run| &run.prompts);
        prompts.find(|prompt| prompt.id == id).map(|prompt| prompt.tpot_ms)
    };
    let prompts = summary.prompts.iter().map(|prompt| {
        let metric_values = prompt.metric_values.as_ref().filter(|_| standing.shows_times_of(prompt.golden));
        row(&prompt.title, prompt.golden, metric_values, of_prompt(&prompt.id), prompt.peak_rss_bytes)
    });
    let mean = (standing != Standing::WithoutSpeed).then(|| {
        let before = run_before.map(|run| run.tpot_ms);
        row("mean", summary.golden, summary.average.as_ref(), before, summary.peak_rss_bytes)
    });
    let headings = ["prompt", "output", "token/s", "TPOT ms", "TTFT ms", "TPOT change", "peak memory"];
    let values = Table::new(headings).with_rows(prompts.chain(mean));
    document.titled_table(format!("Values by prompt{}", standing.suffix()), values);
    let definitions = Line::from("token/s (")
        .and(Line::metric(Metric::EndToEndThroughput))
        .and(", higher is better) includes the prefill, TPOT (")
        .and(Line::metric(Metric::TimePerOutputToken))
        .and(", lower is better) does not; TTFT is ")
        .and(Line::metric(Metric::TimeToFirstToken));
    document.text(definitions.and(", lower is better."));
    let link = before.map(commit_link).filter(|link| *link != Line::default());
    match (link, reason) {
        (None, _) => {}
        (Some(before), None) => document.text(Line::from("TPOT change: compared with ").and(before).and(
            Line::prose("; of two separate runs: an observation, not a test. `cargo xtask ab` decides."),
        )),
        (Some(before), Some(reason)) => {
            let not_compared = Line::from("Not compared with the previous commit, ").and(before);
            document.text(not_compared.and(format!(": {reason}.")));
        }
    }
}

/// The commit of a record, with a link to its page.
fn commit_link(entry: &Entry) -> Line {
    CommitLink::of_entry(entry).map(|link| Line::link(&link.short, Some(&link.href))).unwrap_or_default()
}

/// Why a run is not compared with the one before; None where it may be, and then it is an observation.
fn no_change_reason(side: &ComparedSide, entry: &Entry, before: &Entry) -> Option<&'static str> {
    let is_verified =
        before.outcome == Outcome::Complete && before.golden.is_some_and(GoldenResult::is_verified);
    if side.no_speed_reason.is_some() {
        Some("this run has no verified speed")
    } else if !is_verified {
        Some("the run before has no verified speed")
    } else if entry.setting.epoch.id != before.setting.epoch.id {
        Some("the environment changed since, and the difference need not be the commit's")
    } else if side.doubted_reason.is_some() || is_invalid(entry) {
        Some("a guard tripped in this run, and its times are invalid")
    } else if is_invalid(before) {
        Some("a guard tripped in the run before, and its times are invalid")
    } else {
        None
    }
}

/// A prompt, or the mean over all.
fn row(
    title: &str,
    golden: Option<GoldenResult>,
    metric_values: Option<&MeanValues>,
    tpot_before_ms: Option<f64>,
    peak_rss_bytes: Option<u64>,
) -> [Cell; 7] {
    let value = |metric: Metric| metric_values.and_then(|metric_values| metric_values.mean.get(metric));
    let cell = |metric: Metric| number(value(metric).map(four_digits));
    let change = value(Metric::TimePerOutputToken).zip(tpot_before_ms);
    [
        title.into(),
        output_status(golden),
        cell(Metric::EndToEndThroughput),
        cell(Metric::TimePerOutputToken),
        cell(Metric::TimeToFirstToken),
        number(change.map(|(now, before)| signed_percent(change_percent(now / before)))),
        number(peak_rss_bytes.map(mebibytes)),
    ]
}

/// The environment of a run, and what changed in it since the commit before.
fn add_environment(document: &mut Document, record: ArmView<'_>, of_commit: &RecordOfCommit<'_>) {
    let epoch = Epoch::of(record);
    document.section("Environment");
    match of_commit.before {
        None => document.text("No earlier commit was measured here."),
        Some(before) => {
            let changes: Vec<String> =
                epoch.changes_since(&before.setting.epoch).iter().map(changed).collect();
            document.text(if changes.is_empty() {
                Line::from("No environment change since ").and(commit_link(before)).and(".")
            } else {
                let since = Line::from("Changed since ").and(commit_link(before));
                since.and(": a change of values need not be the commit's: ").and(changes.join("; "))
            });
        }
    }
    // A hash is broken where it has no room, as code is.
    let part = |name: &str, value: &str| [name.into(), Line::prose(&format!("`{value}`")).into()];
    let parts = epoch.parts.iter().map(|(name, value)| part(name, value));
    let variables = record.environment_variables.iter();
    let variables = variables.map(|(name, value)| part(&format!("variable {name}"), value));
    document.table(Table::new(["part", "value"]).with_rows(parts.chain(variables)));
}

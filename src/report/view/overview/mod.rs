//! The first page: the status, the newest record, open regressions, and per timeline what changed, when, by how much
//! and why.

mod changes;
mod line;
mod status;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::error::Result;
use crate::golden::GoldenResult;
use crate::judge::policy::Policy;
use crate::judge::sequential::{Look, Rule, smallest_seen_percent};
use crate::measure::Metric;
use crate::record::{Entry, Outcome, PublishedReference, SummaryRow, Verdict};
use crate::report::mark::{Badge, Mark};
use crate::report::number::{change_percent, counted, four_digits, percent, signed_percent, whole_percent};
use crate::report::view::machines::middle;
use crate::report::view::track::tracks;
use crate::report::view::{CommitLink, CommitRange, Forge, Timeline};
use crate::visible::one_line;

/// More timelines than these are on the page of the history.
const LINES_SHOWN: usize = 6;
const DECISIONS_SHOWN: usize = 10;
/// A gate whose rate of false alarms may be above this is not known to be trusted.
const MOST_FALSE_ALARMS: f64 = 0.05;

/// What the first page is made of.
#[derive(Clone, Copy)]
pub(in crate::report) struct OverviewSources<'a> {
    pub(in crate::report) entries: &'a [Entry],
    /// Every timeline, the one that was measured last first.
    pub(in crate::report) timelines: &'a [Timeline<'a>],
    pub(in crate::report) published: &'a PublishedReference,
    pub(in crate::report) policy: &'a Policy,
    /// The subject of a record's commit, which the index does not hold.
    pub(in crate::report) subject_of: &'a dyn Fn(&Entry) -> Option<String>,
    /// Files of the store that are no whole records.
    pub(in crate::report) damaged: usize,
    /// Along which commits the timelines go, in words.
    pub(in crate::report) along: Option<&'a str>,
    /// Where commits are compared on the web; None where that is not known.
    pub(in crate::report) forge: Option<&'a Forge>,
}

/// The page of these records.
///
/// # Errors
/// A value that is no number.
pub(in crate::report) fn overview_page(sources: OverviewSources<'_>) -> Result<Value> {
    let mut lines: Vec<(Mark, Value)> = Vec::new();
    let mut open = Vec::new();
    for timeline in sources.timelines {
        let tracks = tracks(timeline, sources.published, &[])?;
        open.extend(status::open_regressions(timeline, &tracks, sources));
        if lines.len() < LINES_SHOWN {
            lines.push(line::line(timeline, &tracks, sources));
        }
    }
    open.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let rank = |mark: Mark| {
        let worst_first = [Mark::Fails, Mark::Warns, Mark::Unknown, Mark::NotJudged, Mark::Holds];
        worst_first.iter().position(|it| *it == mark)
    };
    let worst = lines.iter().min_by_key(|(mark, _)| rank(*mark)).filter(|_| lines.len() > 1);
    let left = sources.timelines.len().saturating_sub(LINES_SHOWN);
    Ok(json!({
        "is_empty": sources.entries.is_empty(),
        "worst": worst.map(|(_, line)| line),
        "newest": newest_record(sources.entries),
        "is_judged": sources.timelines.iter().flat_map(|it| &it.points).any(|it| it.metric_values().is_some()),
        "open": open.into_iter().map(|(_, row)| row).collect::<Value>(),
        "lines": lines.iter().map(|(_, line)| line).collect::<Vec<_>>(),
        "more_lines": (left > 0).then(|| counted(left, "more timeline")),
        "decisions": decisions(sources),
        "gate_health": gate_health(sources.entries, &sources.policy.sequential.rule()),
        "damaged": (sources.damaged > 0).then(|| counted(sources.damaged, "file")),
        "beside": beside(sources),
        "along": sources.along.map(one_line),
    }))
}

/// Records that are on no timeline say nothing of the commits, and are named all the same. Those of arms beside each other
/// have pages of their own.
fn beside(sources: OverviewSources<'_>) -> Option<String> {
    let on_timelines: usize =
        sources.timelines.iter().flat_map(|timeline| &timeline.points).map(|it| it.records).sum();
    let of_commits = sources.entries.iter().filter(|entry| entry.plan.is_of_commit());
    let left = of_commits.count().saturating_sub(on_timelines);
    (left > 0).then(|| {
        format!(
            "{} not on the timeline (uncommitted changes, no commit, or another branch)",
            counted(left, "record")
        )
    })
}

/// The commit at a place of a timeline, with the range of commits since the valid run before it.
fn since(timeline: &Timeline<'_>, at: usize, sources: OverviewSources<'_>) -> Value {
    let point = &timeline.points[at];
    let before = timeline.points[..at].iter().rev().find(|point| point.metric_values().is_some());
    let subject = (sources.subject_of)(point.entry).map(|subject| one_line(&subject));
    json!({
        "commit": CommitLink::of(point.sha),
        "date_utc": point.author_date_utc,
        "subject": subject.filter(|subject| !subject.is_empty()),
        "range": before.and_then(|before| CommitRange::of(before.sha, point.sha, sources.forge)),
    })
}

/// The newest record with its values, whether they are valid or not: the last value is always on the overview.
fn newest_record(entries: &[Entry]) -> Option<Value> {
    let entry = entries.iter().max_by_key(|entry| (&entry.when_utc, &entry.run_id))?;
    let series = &entry.setting.series;
    let rejected = match (&entry.commit, &entry.ab) {
        (_, Some(ab)) if !ab.is_of_commits => Some("the head of an A/B of settings"),
        (None, _) => Some("measured outside of a repository"),
        (Some(commit), _) if commit.dirty => Some("measured with uncommitted changes"),
        (Some(_), _) => None,
    };
    let in_words = |run: &SummaryRow| {
        let [throughput, tpot, ttft] = values(run);
        format!("{throughput}, TPOT {tpot}, TTFT {ttft}")
    };
    Some(json!({
        "badge": Badge::of_entry(entry),
        // Why it is on no timeline.
        "rejected": rejected,
        "values": shown_values(entry).map(in_words),
        "on": one_line(&format!("{} on {}, {}", series.model, series.device_in_words(), series.machine)),
        "commit": CommitLink::of_entry(entry),
        "when_utc": entry.when_utc,
    }))
}

/// The values of a record that ended without wrong output. Invalid ones are shown as such.
fn shown_values(entry: &Entry) -> Option<&SummaryRow> {
    let has_output = entry.outcome == Outcome::Complete && entry.golden != Some(GoldenResult::Break);
    entry.metric_values.as_ref().filter(|_| has_output)
}

/// Throughput, TPOT and TTFT with their units.
fn values(run: &SummaryRow) -> [String; 3] {
    [
        (run.throughput_tok_s, Metric::EndToEndThroughput),
        (run.tpot_ms, Metric::TimePerOutputToken),
        (run.ttft_ms, Metric::TimeToFirstToken),
    ]
    .map(|(value, metric)| format!("{} {}", four_digits(value), metric.unit()))
}

/// The newest A/B runs between commits, on whichever machine.
fn decisions(sources: OverviewSources<'_>) -> Value {
    let is_of_commits = |entry: &&Entry| {
        entry.ab.as_ref().is_some_and(|ab| ab.is_of_commits && !ab.is_against_itself && ab.verdict.is_some())
    };
    let mut entries: Vec<&Entry> = sources.entries.iter().filter(is_of_commits).collect();
    entries.sort_by_key(|entry| Reverse((&entry.when_utc, &entry.run_id)));
    entries.truncate(DECISIONS_SHOWN);
    // Every commit with a record has a page, and no other.
    let has_page = |sha: &&str| {
        sources.entries.iter().any(|entry| entry.commit.as_ref().is_some_and(|commit| commit.sha == *sha))
    };
    let percent = |ratio: f64| signed_percent(change_percent(ratio));
    let row = |entry: &Entry| {
        let base = entry.ab.as_ref().and_then(|ab| ab.base_sha.as_deref()).filter(has_page);
        let change = entry.ab.as_ref().and_then(|ab| ab.tpot_change);
        json!({
            "commit": CommitLink::of_entry(entry),
            "base": base.and_then(CommitLink::of),
            "when_utc": entry.when_utc,
            "machine": one_line(&entry.setting.series.machine),
            "badge": Badge::of_entry(entry),
            "change": change
                .map(|it| format!("{} [{}, {}]", percent(it.ratio), percent(it.lower), percent(it.upper))),
            "pairs": change.map(|it| counted(it.pairs, "pair")),
            "subject": (sources.subject_of)(entry).map(|subject| one_line(&subject)),
        })
    };
    entries.into_iter().map(row).collect()
}

/// How far the gate can be trusted: its results on programs compared with themselves, by machine, model and device.
fn gate_health(entries: &[Entry], rule: &Rule) -> Vec<Value> {
    let mut groups: BTreeMap<[&str; 3], Vec<&Entry>> = BTreeMap::new();
    let is_of_noise = |entry: &&Entry| {
        entry.ab.as_ref().is_some_and(|ab| ab.is_against_itself) && !entry.setting.series.emulated
    };
    for entry in entries.iter().filter(is_of_noise) {
        let series = &entry.setting.series;
        groups.entry([&series.machine, &series.model, &series.device]).or_default().push(entry);
    }
    let row = |([machine, model, device], group): ([&str; 3], Vec<&Entry>)| {
        let abs = || group.iter().filter_map(|entry| entry.ab.as_ref()).filter(|ab| ab.verdict.is_some());
        let found = [Verdict::Regressed, Verdict::Mixed, Verdict::Improved];
        let alarms = abs().filter(|ab| ab.verdict.is_some_and(|verdict| found.contains(&verdict))).count();
        let runs = abs().count();
        let spread = middle(abs().filter_map(|ab| ab.pair_sd_percent));
        // The smallest slow-down that the last interim analysis finds in four of five sessions.
        let seen = spread.and_then(|sd| smallest_seen_percent(rule, sd / 100.0, Look::LAST));
        Some(json!({
            "machine": one_line(machine),
            "model": one_line(&format!("{model} on {device}")),
            "runs": counted(runs, "run"),
            "false_alarms": false_alarms(alarms, runs),
            "pair_sd": spread.map_or("?".to_owned(), percent),
            "can_see": seen.map_or("?".to_owned(), |seen| {
                format!("{} with {}", percent(seen), counted(Look::LAST.pairs, "pair"))
            }),
            "newest_utc": group.iter().map(|entry| entry.when_utc.as_str()).max()?,
        }))
    };
    groups.into_iter().filter_map(row).collect()
}

/// With how many false alarms a few runs would go together: none in n is what a rate of up to
/// `1 - 0.05^(1/n)` gives in one of twenty cases.
fn false_alarms(alarms: usize, runs: usize) -> Badge {
    if alarms > 0 {
        return Badge::new(Mark::Warns, format!("{alarms} of {runs} false positives"));
    }
    let up_to = 1.0 - 0.05_f64.powf(1.0 / runs.max(1) as f64);
    let mark = if up_to <= MOST_FALSE_ALARMS { Mark::Holds } else { Mark::Unknown };
    let up_to = whole_percent(up_to * 100.0);
    Badge::new(mark, format!("0 of {runs} false positives (95 % upper bound {up_to})"))
}

//! One run on the page of its commit.

use serde_json::{Value, json};

use crate::golden::GoldenResult;
use crate::judge::comparability::ComparedSide;
use crate::judge::{MeanValues, Validity, invalidating_findings, summarise};
use crate::measure::Metric;
use crate::record::{ArmView, Entry, Epoch, Outcome};
use crate::report::facts::facts_of;
use crate::report::mark::{Badge, Mark, is_invalid};
use crate::report::number::{change_percent, counted, four_digits, mebibytes, signed_percent};
use crate::report::reproduce::reproduce_command;
use crate::report::view::commit::{RecordOfCommit, charts};
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

    fn badge(self, record: ArmView<'_>) -> Badge {
        match (self, Validity::of_run(&record)) {
            (Self::WithoutSpeed, _) => record.outcome.into(),
            (_, Validity::Invalid(reasons)) => {
                let findings = invalidating_findings(&record);
                let found: Vec<String> = findings.iter().map(|finding| one_line(&finding.reason)).collect();
                let reasons = if found.is_empty() { reasons } else { found };
                Badge::new(Mark::Warns, format!("INVALID: {}", reasons.join("; ")))
            }
            (Self::Unverified, _) => Badge::new(Mark::Unknown, "unverified"),
            (Self::Verified, _) => Badge::new(Mark::Holds, "valid"),
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

pub(super) fn run_part(record: ArmView<'_>, of_commit: &RecordOfCommit<'_>) -> Value {
    let side = ComparedSide::of(&record);
    let standing = Standing::of(record, &side);
    let dirty = record.commit.as_ref().filter(|commit| commit.dirty).map(|commit| {
        let difference = commit.difference_sha256.as_deref().and_then(|it| it.get(..12)).unwrap_or("unknown");
        format!("the tree was changed over the commit (difference {})", one_line(difference))
    });
    let facts = facts_of(record, &side.summary);
    let fact = |(subject, text): (&str, String)| json!({ "subject": subject, "said": one_line(&text) });
    let warning = |it: &crate::record::Warning| json!({ "message": one_line(&it.message), "advice": one_line(&it.advice) });
    json!({
        "anchor": one_line(&record.experiment.run_id),
        "when_utc": one_line(&record.experiment.when_utc),
        "badge": standing.badge(record),
        "no_speed_reason": side.no_speed_reason.as_deref().map(one_line),
        "setting": setting(record),
        "requested": requested(record),
        "dirty": dirty,
        "failure": record.failure.as_deref().map(one_line),
        "figures": values(record, standing, &side, of_commit),
        "divergences": divergences(record),
        "charts": charts::of_run(record, standing),
        "facts": facts.into_iter().map(fact).collect::<Value>(),
        "environment": environment(record, of_commit),
        "warnings": record.warnings.iter().map(warning).collect::<Value>(),
        "command": reproduce_command(record),
        "file": of_commit.file,
    })
}

pub(super) fn setting(record: ArmView<'_>) -> String {
    let runtime = record.runtime.as_ref();
    let version = runtime.map_or("none", |runtime| runtime.openvino_version.as_str());
    let property = |key: &str| {
        runtime.and_then(|runtime| runtime.properties_effective.get(key)).map_or("?", String::as_str)
    };
    one_line(&format!(
        "{} on {}, OpenVINO {version}, {} with a {} KV cache, machine {}",
        record.model.name,
        record.device.in_words(&record.experiment.machine.cpu),
        property("INFERENCE_PRECISION_HINT"),
        property("KV_CACHE_PRECISION"),
        record.experiment.machine.slug
    ))
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
fn values(
    record: ArmView<'_>,
    standing: Standing,
    side: &ComparedSide,
    of_commit: &RecordOfCommit<'_>,
) -> Value {
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
    let heading = |name: &str, metric: Metric| {
        let measure = format!("{}, {} is better", metric.unit(), metric.direction().as_str());
        json!({ "id": metric.id(), "name": name, "measure": measure })
    };
    let link = before.and_then(CommitLink::of_entry);
    json!({
        "title": format!("Values by prompt{}", standing.suffix()),
        "rows": prompts.chain(mean).collect::<Value>(),
        "headings": [
            heading("Throughput", Metric::EndToEndThroughput),
            heading("Per token", Metric::TimePerOutputToken),
            heading("First token", Metric::TimeToFirstToken),
        ],
        // The commit that the differences are to, or why there are none.
        "before": link.as_ref().filter(|_| reason.is_none()),
        "no_change": link.as_ref().zip(reason).map(|(before, reason)| json!({ "before": before, "reason": reason })),
    })
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
) -> Value {
    let value = |metric: Metric| metric_values.and_then(|metric_values| metric_values.mean.get(metric));
    let cell = |metric: Metric| value(metric).map_or("-".to_owned(), four_digits);
    let change = value(Metric::TimePerOutputToken).zip(tpot_before_ms);
    json!({
        "title": one_line(title),
        "golden": golden_badge(golden),
        "throughput": cell(Metric::EndToEndThroughput),
        "ttft": cell(Metric::TimeToFirstToken),
        "tpot": cell(Metric::TimePerOutputToken),
        // To the commit before.
        "tpot_change": change.map(|(now, before)| signed_percent(change_percent(now / before))),
        "peak": peak_rss_bytes.map_or("-".to_owned(), mebibytes),
    })
}

fn golden_badge(golden: Option<GoldenResult>) -> Badge {
    match golden {
        None => Badge::new(Mark::NotJudged, "not judged"),
        Some(GoldenResult::None) => Badge::new(Mark::Unknown, "unverified"),
        Some(golden) => Badge::new(golden.into(), golden.as_str()),
    }
}

/// Every prompt whose output differs from its reference: the first token with both ids, and the same in words.
fn divergences(record: ArmView<'_>) -> Value {
    let parts = record.prompts.iter().filter_map(|prompt| {
        let found = prompt.divergence.as_ref()?;
        Some(json!({
            "prompt": one_line(&prompt.id),
            "badge": golden_badge(Some(prompt.golden)),
            "said": format!(
                "first at token {}: expected id {}, got id {} (the reference's first two logits are {} apart)",
                found.position + 1,
                found.expected,
                found.got,
                four_digits(f64::from(found.logit_margin))
            ),
            "words": prompt.divergence_text.as_ref().map(|words| json!({
                "before": one_line(&words.before),
                "expected": one_line(&words.expected),
                "got": one_line(&words.got),
            })),
        }))
    });
    parts.collect()
}

/// The environment of a run, and what changed in it since the commit before.
fn environment(record: ArmView<'_>, of_commit: &RecordOfCommit<'_>) -> Value {
    let epoch = Epoch::of(record);
    let before = of_commit.before;
    let changes = before.map(|before| epoch.changes_since(&before.setting.epoch)).unwrap_or_default();
    let part = |part: &str, value: &str| json!({ "part": one_line(part), "value": one_line(value) });
    let parts = epoch.parts.iter().map(|(name, value)| part(name, value));
    let variables =
        record.environment_variables.iter().map(|(name, value)| part(&format!("variable {name}"), value));
    json!({
        "before": before.and_then(CommitLink::of_entry),
        "changes": changes.iter().map(changed).collect::<Vec<_>>(),
        "parts": parts.chain(variables).collect::<Value>(),
    })
}

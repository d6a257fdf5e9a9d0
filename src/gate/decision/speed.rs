//! The paired test of the mean time per output token, and beside it single prompts and other values,
//! which are judged once, where the pairs ended.

use crate::gate::decision::{Finding, Strictness};
use crate::judge::policy::{Day, MetricPolicy, OnRegression, Policy, Waived};
use crate::judge::sequential::{
    Interval, Look, SequentialOutcome, SequentialResult, sequential, smallest_seen_percent,
};
use crate::judge::{PairValues, holm_rejects, interval_at, p_value_above};
use crate::measure::Metric;
use crate::record::{
    BisectRecord, ComparisonRecord, ComparisonResult, Experiment, SensitivityRecord, StopReason, Verdict,
};

/// What the pairs say of speed and size.
#[derive(Debug, Default)]
pub(super) struct Speed {
    pub(super) findings: Vec<Finding>,
    pub(super) comparisons: Vec<ComparisonRecord>,
    pub(super) sensitivity: Option<SensitivityRecord>,
    /// Whether the mean time per output token is better.
    pub(super) improves: bool,
}

impl Speed {
    pub(super) fn of(
        record: &Experiment,
        pairs: &[PairValues],
        policy: &Policy,
        judged_utc: &str,
        strictness: Strictness,
    ) -> Self {
        let counted: Vec<&PairValues> = pairs.iter().filter(|pair| pair.counts).collect();
        let metric = tested_metric(record, strictness);
        let differences_ln: Vec<f64> = counted.iter().filter_map(|pair| pair.ln(metric)).collect();
        let mut speed = Self::default();
        let result = sequential(&differences_ln, &policy.sequential.rule()).ok();
        let Some((result, interval)) = result.and_then(|result| Some((result, result.interval?))) else {
            let reason = format!("{} of {} pairs count: too few for an interval", counted.len(), pairs.len());
            speed.findings.push(Finding::red("speed", reason));
            return speed;
        };
        speed.sensitivity = Some(sensitivity(&interval, policy));
        speed.findings.push(noise(&interval, policy, strictness));
        speed.judge_mean(metric, &result, interval, record.stop_reason, policy, judged_utc);
        if result.is_final() || record.stop_reason == Some(StopReason::Budget) {
            let looked = &counted[..interval.pairs.min(counted.len())];
            speed.judge_others(metric, looked, policy, judged_utc);
        }
        speed
    }

    /// The paired test itself.
    fn judge_mean(
        &mut self,
        metric: Metric,
        result: &SequentialResult,
        interval: Interval,
        undecided: Option<StopReason>,
        policy: &Policy,
        judged_utc: &str,
    ) {
        let id = "speed";
        let reported = interval_reported(&interval);
        let rule = &policy.sequential;
        let title = metric.title();
        let Judged { word, finding } = match result.outcome {
            SequentialOutcome::Regressed => {
                let reason = format!(
                    "the mean {title} grew: {reported}, above the limit of {} %",
                    rule.regressed_beyond_percent
                );
                let regression = Regression {
                    id,
                    metric,
                    prompt: None,
                    ratio: interval.ratio(),
                    severity: OnRegression::Fail,
                };
                regression.judge(policy, judged_utc, &reason)
            }
            SequentialOutcome::Improved => {
                self.improves = true;
                let reason = format!("the mean {title} fell: {reported}");
                Judged { word: ComparisonResult::Improved, finding: Finding::holds(id, reason) }
            }
            SequentialOutcome::Pass => {
                let reason = format!(
                    "a slow-down of {} % or more of the mean {title} is excluded: {reported}",
                    rule.passes_within_percent
                );
                Judged { word: ComparisonResult::Unchanged, finding: Finding::holds(id, reason) }
            }
            SequentialOutcome::Undecided { .. } | SequentialOutcome::Inconclusive => {
                let tolerated = policy.when_inconclusive.tolerated_slowdown_percent;
                let excluded = policy.when_inconclusive.tolerates(Some(&interval));
                let why = match undecided {
                    Some(StopReason::Budget) => "the time budget was exhausted before the pairs decided",
                    _ => "the pairs do not decide",
                };
                let bound = if excluded { "excluded" } else { "not excluded" };
                let reason = format!("{why}: {reported}; a slow-down of {tolerated} % is {bound}");
                let finding = Finding { is_red: !excluded, ..Finding::undecided(id, reason) };
                Judged { word: ComparisonResult::Undecided, finding }
            }
        };
        self.comparisons.push(comparison(metric, None, &interval, word, &finding));
        self.findings.push(finding);
    }

    /// Single prompts and the other values, each against the change that matters in it, with Holm's
    /// correction for all of them together, at the strictest of their errors.
    fn judge_others(&mut self, tested: Metric, pairs: &[&PairValues], policy: &Policy, judged_utc: &str) {
        let lost = |rule: &&MetricPolicy| pairs.iter().any(|pair| pair.one_sided.contains(&rule.metric));
        for rule in policy.metrics.iter().filter(lost) {
            let id = rule.metric.id();
            let reason = "one side reports it and the other does not";
            self.findings.push(match rule.on_regression {
                OnRegression::Fail => Finding::red(id, reason),
                OnRegression::Warn => Finding::warns(id, reason),
            });
        }
        let mut candidates = candidates(pairs, policy);
        // Of the tested metric single prompts alone are left.
        candidates.retain(|it| it.rule.metric != tested || it.prompt.is_some());
        let p_values: Vec<f64> = candidates.iter().map(|it| it.p_value).collect();
        let alpha = candidates.iter().map(|it| it.rule.alpha()).fold(f64::INFINITY, f64::min);
        for (candidate, regressed) in candidates.iter().zip(holm_rejects(&p_values, alpha)) {
            self.judge_one(candidate, regressed, policy, judged_utc);
        }
    }

    fn judge_one(&mut self, candidate: &Candidate<'_>, regressed: bool, policy: &Policy, judged_utc: &str) {
        let Candidate { rule, prompt, interval, .. } = candidate;
        let id = match prompt {
            Some(prompt) => format!("{} of {prompt}", rule.metric.id()),
            None => rule.metric.id().to_owned(),
        };
        let reported = interval_reported(interval);
        let matters = rule.smallest_change_percent;
        let Judged { word, finding } = if regressed {
            let reason = format!("`{id}` grew: {reported}, above the limit of {matters} %");
            let regression = Regression {
                id: &id,
                metric: rule.metric,
                prompt: prompt.as_deref(),
                ratio: interval.ratio(),
                severity: rule.on_regression,
            };
            regression.judge(policy, judged_utc, &reason)
        } else if interval.upper_ln() < 0.0 {
            Judged {
                word: ComparisonResult::Improved,
                finding: Finding::holds(&id, format!("it fell: {reported}")),
            }
        } else if interval.upper() < 1.0 + matters / 100.0 {
            let reason = format!("a growth of {matters} % or more is excluded: {reported}");
            Judged { word: ComparisonResult::Unchanged, finding: Finding::holds(&id, reason) }
        } else if interval.lower() > 1.0 + matters / 100.0 {
            let reason = format!(
                "a growth above {matters} % is not significant after Holm's correction for several values: {reported}"
            );
            Judged { word: ComparisonResult::Undecided, finding: Finding::not_judged(&id, reason) }
        } else {
            let reason = format!("a growth of {matters} % is neither shown nor excluded: {reported}");
            Judged { word: ComparisonResult::Undecided, finding: Finding::not_judged(&id, reason) }
        };
        self.comparisons.push(comparison(rule.metric, prompt.clone(), interval, word, &finding));
        self.findings.push(finding);
    }
}

/// A value beside the mean time per output token.
struct Candidate<'a> {
    rule: &'a MetricPolicy,
    prompt: Option<String>,
    interval: Interval,
    p_value: f64,
}

fn candidates<'a>(pairs: &[&PairValues], policy: &'a Policy) -> Vec<Candidate<'a>> {
    let mut candidates = Vec::new();
    for rule in &policy.metrics {
        for (prompt, values_ln) in series(pairs, rule.metric) {
            // A value that some pairs lack is of another number of pairs: it is not judged.
            if values_ln.len() != pairs.len() {
                continue;
            }
            let threshold_ln = rule.smallest_change_ln();
            let tested = interval_at(&values_ln, rule.alpha()).zip(p_value_above(&values_ln, threshold_ln));
            candidates.extend(tested.map(|(interval, p_value)| Candidate {
                rule,
                prompt,
                interval,
                p_value,
            }));
        }
    }
    candidates
}

/// A metric's values in all pairs, for time per output token by prompt.
fn series(pairs: &[&PairValues], metric: Metric) -> Vec<(Option<String>, Vec<f64>)> {
    match metric {
        Metric::TimePerOutputToken => {
            let prompts = pairs.first().map(|pair| pair.prompts.as_slice()).unwrap_or_default();
            let of = |id: &str| {
                let found = pairs.iter().filter_map(|pair| pair.prompts.iter().find(|it| it.prompt_id == id));
                found.map(|prompt| prompt.tpot_ln).collect()
            };
            prompts.iter().map(|prompt| (Some(prompt.prompt_id.clone()), of(&prompt.prompt_id))).collect()
        }
        _ => vec![(None, pairs.iter().filter_map(|pair| pair.ln(metric)).collect())],
    }
}

/// The metric that decided when there were enough pairs: in a bisect the one that it searches by. A gate judges the
/// time per output token of every record.
fn tested_metric(record: &Experiment, strictness: Strictness) -> Metric {
    let of_bisect = record.bisect.as_ref().and_then(BisectRecord::tested);
    of_bisect.filter(|_| strictness == Strictness::Ab).unwrap_or(Metric::TimePerOutputToken)
}

fn noise(interval: &Interval, policy: &Policy, strictness: Strictness) -> Finding {
    let id = "noise";
    let sd_percent = interval.pair_sd_percent();
    let most = policy.noise.largest_pair_sd_percent;
    let reported =
        |than: &str| format!("pairs differ with a standard deviation of {sd_percent:.2} %, {than} {most} %");
    match strictness {
        _ if !policy.noise.is_exceeded_by(interval) => Finding::holds(id, reported("within")),
        Strictness::Ab => Finding::warns(id, reported("above")),
        Strictness::Gate => Finding::fails(id, Verdict::InvalidEnvironment, reported("above")),
    }
}

fn sensitivity(interval: &Interval, policy: &Policy) -> SensitivityRecord {
    let look = Look { pairs: interval.pairs, t_critical: interval.t_critical };
    SensitivityRecord {
        pairs: interval.pairs,
        pair_sd_percent: interval.pair_sd_percent(),
        smallest_seen_percent: smallest_seen_percent(&policy.sequential.rule(), interval.sd_ln, look)
            .unwrap_or_default(),
        excluded_from_percent: interval.excluded_slowdown_percent(),
    }
}

fn comparison(
    metric: Metric,
    prompt: Option<String>,
    interval: &Interval,
    word: ComparisonResult,
    finding: &Finding,
) -> ComparisonRecord {
    ComparisonRecord {
        metric,
        prompt,
        pairs: interval.pairs,
        ratio: interval.ratio(),
        lower: interval.lower(),
        upper: interval.upper(),
        result: word,
        reason: finding.check.reason.clone(),
    }
}

fn interval_reported(interval: &Interval) -> String {
    let percent = |ratio: f64| (ratio - 1.0) * 100.0;
    format!(
        "{:+.2} % [{:+.2}, {:+.2}] over {} pairs",
        percent(interval.ratio()),
        percent(interval.lower()),
        percent(interval.upper()),
        interval.pairs
    )
}

/// A value that grew by more than matters.
struct Regression<'a> {
    /// What the check is called.
    id: &'a str,
    metric: Metric,
    prompt: Option<&'a str>,
    /// Head over base, by best estimate.
    ratio: f64,
    severity: OnRegression,
}

/// The result of a comparison, and the rule's finding.
pub(super) struct Judged {
    pub(super) word: ComparisonResult,
    pub(super) finding: Finding,
}

impl Regression<'_> {
    /// A regression, unless somebody has answered for it until a date that has not come.
    pub(super) fn judge(&self, policy: &Policy, judged_utc: &str, reason: &str) -> Judged {
        let today = judged_utc.get(..10).and_then(Day::parse);
        let answered = today.map_or(Waived::None, |today| policy.waiver_for(self.metric, self.prompt, today));
        match answered {
            Waived::None => self.regressed(reason.to_owned()),
            Waived::Until(waiver) if waiver.covers(self.ratio) => {
                let reason = format!("{reason}; waived until {} ({})", waiver.expires, waiver.issue);
                Judged { word: ComparisonResult::Waived, finding: Finding::warns(self.id, reason) }
            }
            Waived::Until(waiver) => {
                let ceiling = waiver.ceiling_percent;
                self.regressed(format!("{reason}; its waiver ({}) ends at {ceiling} %", waiver.issue))
            }
            Waived::Expired(waiver) => {
                let reason = format!("{reason}; its waiver ({}) expired on {}", waiver.issue, waiver.expires);
                let finding = Finding::fails(self.id, Verdict::Regressed, reason);
                Judged { word: ComparisonResult::Regressed, finding }
            }
        }
    }

    fn regressed(&self, reason: String) -> Judged {
        let finding = match self.severity {
            OnRegression::Fail => Finding::fails(self.id, Verdict::Regressed, reason),
            OnRegression::Warn => Finding::warns(self.id, reason),
        };
        Judged { word: ComparisonResult::Regressed, finding }
    }
}

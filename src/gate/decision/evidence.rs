//! What must hold before a speed is looked at: output, inputs, device, guards.

use std::collections::BTreeMap;

use crate::gate::decision::{Finding, Strictness};
use crate::golden::GoldenResult;
use crate::judge::environment::{Guard, GuardFinding, ProcessFindings, of_record};
use crate::judge::policy::{OnRegression, PinnedAnchor, Policy, PublishedAnchor};
use crate::judge::{PairValues, Standing, no_reference_reason, standing, summarise};
use crate::measure::{Metric, MetricValue};
use crate::record::{
    Arm, ArmView, Commit, DistributionDriftRecord, Experiment, PromptRecord, ProofGrade, ProvenDevice,
    PublishedReference, Side, StopReason, Verdict,
};
use crate::workload::TokenId;

/// Whether every token of these runs is the one that it must be.
pub(super) fn goldens(runs: &[(&str, &Arm)], strictness: Strictness) -> Finding {
    let id = "goldens";
    let of = |wanted: GoldenResult| -> Vec<String> {
        let prompts = runs.iter().flat_map(|(side, run)| run.prompts.iter().map(move |it| (*side, it)));
        let found = prompts.filter(|(_, prompt)| prompt.golden == wanted);
        found.map(|(side, prompt)| reported(side, prompt)).collect()
    };
    let (wrong, unverified, close) =
        (of(GoldenResult::Break), of(GoldenResult::None), of(GoldenResult::NearTie));
    if !wrong.is_empty() {
        return Finding::fails(id, Verdict::WrongOutput, wrong.join("; "));
    }
    let unjudged = runs.iter().find(|(_, run)| run.prompts.is_empty() || has_unjudged(run));
    if let Some((side, _)) = unjudged {
        let reason = format!("not every output{} was judged", of_the(side));
        return Finding::red(id, reason);
    }
    if !unverified.is_empty() {
        let reason = format!("there is no golden to check against: {}", unverified.join("; "));
        return match strictness {
            Strictness::Ab => Finding::warns(id, reason),
            Strictness::Gate => Finding::red(id, reason),
        };
    }
    if !close.is_empty() {
        return Finding::warns(id, format!("two tokens were too close to call: {}", close.join("; ")));
    }
    let generations: usize = runs.iter().map(|(_, run)| run.samples.len()).sum();
    Finding::holds(id, format!("every token of {generations} generations is the golden one"))
}

fn has_unjudged(run: &Arm) -> bool {
    let mut requested = run.workload.prompts.iter();
    requested.any(|requested| run.prompts.iter().all(|judged| judged.id != requested.id))
}

/// Where there is no golden, whether both sides answer alike; None where there is one for every prompt, or
/// the sides are of two models.
pub(super) fn answers(record: &Experiment) -> Option<Finding> {
    let id = "answers";
    let (base, head) = (&record.base(), &record.head());
    if base.model.sha256 != head.model.sha256 {
        return None;
    }
    let unverified = head.prompts.iter().filter(|prompt| prompt.golden == GoldenResult::None);
    let mut same = 0;
    for prompt in unverified {
        let answers = |run: &'_ Arm| -> Vec<Vec<TokenId>> {
            let of_prompt = run.samples.iter().filter(|sample| sample.prompt_id == prompt.id);
            of_prompt.map(|sample| sample.token_ids.clone()).collect()
        };
        let (of_base, of_head) = (answers(base), answers(head));
        let Some(one) = of_base.first() else { continue };
        if let Some(other) = of_base.iter().chain(&of_head).find(|other| *other != one) {
            let at = one.iter().zip(other).take_while(|(one, other)| one == other).count();
            let reason = format!(
                "`{}` is answered in more than one way from token {} on, and no golden says which is right",
                prompt.id,
                at + 1
            );
            return Some(Finding::red(id, reason));
        }
        same += 1;
    }
    (same > 0).then(|| Finding::holds(id, "without a golden, both sides give the same tokens"))
}

fn reported(side: &str, prompt: &PromptRecord) -> String {
    let place = prompt.divergence.as_ref().map_or_else(String::new, |divergence| {
        let at = divergence.position + 1;
        format!(" at token {at} (`{}` for `{}`)", divergence.got, divergence.expected)
    });
    let side = if side.is_empty() { String::new() } else { format!(" of the {side}") };
    format!("`{}`{side}{place}", prompt.id)
}

/// Whether the head changes what it would be judged by.
pub(super) fn inputs(record: &Experiment) -> Finding {
    let id = "inputs";
    let changed = &record.inputs.changed_by_head;
    if changed.is_empty() {
        return Finding::holds(id, "prompts, goldens and policy are the base's, and the head changes none");
    }
    let mut by_kind: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for input in changed {
        by_kind.entry(&input.kind).or_default().push(format!("`{}`", input.path));
    }
    let reported: Vec<String> =
        by_kind.into_iter().map(|(kind, paths)| format!("{kind} changed ({})", paths.join(", "))).collect();
    let reason = format!("{}: the head was judged by the base's", reported.join(", "));
    Finding::red(id, reason)
}

/// Whether the record is of commits, and of nothing else.
pub(super) fn commits(record: &Experiment, strictness: Strictness) -> Option<Finding> {
    let id = "commits";
    let red = |reason: String| Some(Finding::red(id, reason));
    let of = |commit: Option<&Commit>| match commit {
        None => Some("is no commit".to_owned()),
        Some(commit) if commit.dirty => Some(format!("has changes over {}", commit.short())),
        Some(_) => None,
    };
    let stray = Side::BOTH.iter().zip(&record.arms).find_map(|(word, side)| {
        let word = word.as_str();
        let why = of(side.commit.as_ref()).or_else(|| {
            (!side.differences.is_empty()).then(|| format!("differs in {}", side.differences.join(", ")))
        })?;
        Some(format!("the {word} {why}"))
    });
    match (stray, strictness) {
        (Some(why), Strictness::Gate) => red(format!("{why}: a gate judges commits")),
        (_, Strictness::Ab) => None,
        (None, Strictness::Gate) => {
            let moved = record.inputs.merge_base.as_ref().zip(record.base().arm.commit.as_ref());
            Some(match moved.filter(|(merge_base, base)| **merge_base != base.sha) {
                Some((merge_base, base)) => Finding::warns(
                    id,
                    format!(
                        "the base {} has gone on since the head branched off at {}",
                        base.short(),
                        merge_base.get(..12).unwrap_or(merge_base)
                    ),
                ),
                None => Finding::holds(id, "both sides are clean commits"),
            })
        }
    }
}

/// Whether all that is requested of a gated head was requested: every reference prompt, with every token.
pub(super) fn workload(runs: &[(&str, &Arm)], published: Option<&PublishedReference>) -> Finding {
    let id = "workload";
    let red = |reason: String| Finding::red(id, reason);
    for (side, run) in runs {
        let Some(published) = published else {
            return red(format!("it is not known what should have been requested{}", of_the(side)));
        };
        let workload = &run.workload;
        if !workload.prompts.iter().map(|prompt| &prompt.id).eq(&published.prompts) {
            let requested: Vec<&str> = workload.prompts.iter().map(|prompt| prompt.id.as_str()).collect();
            return red(format!(
                "`{}` were requested, and not all reference prompts",
                requested.join("`, `")
            ));
        }
        if workload.new_tokens != published.new_tokens {
            return red(format!(
                "{} tokens were requested, not {}",
                workload.new_tokens, published.new_tokens
            ));
        }
    }
    Finding::holds(id, "all prompts ran with the full token count")
}

/// Whether it is proven that the device did the work that was requested.
pub(super) fn device(runs: &[(&str, &Arm)], strictness: Strictness) -> Finding {
    let id = "device";
    for (side, run) in runs {
        let Some(ran) = &run.device.ran else {
            let reason = format!("it is not known what ran{}", of_the(side));
            return match strictness {
                Strictness::Ab => Finding::not_judged(id, reason),
                Strictness::Gate => Finding::fails(id, Verdict::InvalidEnvironment, reason),
            };
        };
        if let (Strictness::Gate, Some(reason)) = (strictness, &run.device.reason) {
            let reason = format!(
                "`{}` was requested and {} ran{} ({reason}): a gate never falls back",
                run.device.requested,
                ran.kind().name(),
                of_the(side)
            );
            return Finding::fails(id, Verdict::InvalidEnvironment, reason);
        }
        if let Some(reason) = run.device.emulated_reason() {
            let reason = format!("the device{} is emulated: {reason}", of_the(side));
            return Finding::doubtful(id, strictness, reason);
        }
        if ran.grade() == ProofGrade::Property {
            let reason =
                format!("`{}`{} as reported by OpenVINO alone", ran.execution_devices(), of_the(side));
            return Finding::doubtful(id, strictness, reason);
        }
    }
    let ran: Vec<&str> = runs
        .iter()
        .filter_map(|(_, run)| run.device.ran.as_ref())
        .map(ProvenDevice::execution_devices)
        .collect();
    let ran = ran.first().copied().unwrap_or("nothing");
    Finding::holds(id, format!("`{ran}` ran, as OpenVINO reports and the kernel's counters confirm"))
}

fn of_the(side: &str) -> String {
    if side.is_empty() { String::new() } else { format!(" on the {side}") }
}

/// Whether the head's next-token distributions are within their limits; None where nobody requested that.
pub(super) fn drift(record: &Experiment, policy: &Policy, strictness: Strictness) -> Option<Finding> {
    let id = "drift";
    let [base, head] = [record.base().arm, record.head().arm].map(|arm| arm.distribution_drift.as_ref());
    let is_required = policy.drift.is_some() && strictness == Strictness::Gate;
    let Some(head) = head else {
        let reason = "next-token distributions were not compared, which the policy requests";
        return is_required.then(|| Finding::red(id, reason));
    };
    let (Some(limit), Some(whole)) = (&head.limit, head.whole()) else {
        let reason =
            "no limit of drift is calibrated for this device and precision: `golden drift --calibrate`";
        return Some(if is_required { Finding::red(id, reason) } else { Finding::not_judged(id, reason) });
    };
    let judged = policy.drift.as_ref();
    let counts = |metric: Metric| judged.is_none_or(|judged| judged.metrics.contains(&metric));
    let of = |metric: Metric, found: f64, limit: f64| {
        (counts(metric) && found > limit)
            .then(|| format!("{} {found:.1e} {}, above its limit of {limit:.1e}", metric.id(), metric.unit()))
    };
    let exceeded: Vec<String> = [
        of(Metric::MeanKl, whole.mean_kl_nats, limit.mean_kl_nats),
        of(Metric::MaxLogitDifference, whole.largest_logit_difference, limit.largest_logit_difference),
    ]
    .into_iter()
    .flatten()
    .collect();
    if exceeded.is_empty() {
        let reason =
            format!("the head's next-token distributions are within their limits over {} steps", whole.steps);
        return Some(Finding::holds(id, reason));
    }
    let exceeded = exceeded.join(", ");
    Some(if base.is_some_and(DistributionDriftRecord::is_exceeded) {
        Finding::warns(id, format!("{exceeded}; the base exceeds a limit, too: the reference is not theirs"))
    } else if judged.is_some_and(|judged| judged.on_exceeded == OnRegression::Warn) {
        Finding::warns(id, format!("the head's next-token distributions drift: {exceeded}"))
    } else {
        let reason = format!("the head's next-token distributions drift: {exceeded}; the base's do not");
        Finding::fails(id, Verdict::WrongOutput, reason)
    })
}

/// Whether the machine was in a state in which the pairs are valid.
pub(super) fn guards(record: &Experiment, pairs: &[PairValues], strictness: Strictness) -> Finding {
    let id = "guards";
    let invalidated: Vec<&PairValues> = pairs.iter().filter(|pair| !pair.is_valid()).collect();
    let first = invalidated.first().and_then(|pair| pair.invalidated_by.first());
    let reported = |why: &str| format!("{} of {} pairs {why}", invalidated.len(), pairs.len());
    if record.stop_reason == Some(StopReason::Guards) {
        let why = first.map_or("", String::as_str);
        return Finding::fails(
            id,
            Verdict::InvalidEnvironment,
            reported(&format!("were invalidated, first by {why}")),
        );
    }
    if strictness == Strictness::Gate {
        let unusable = on_battery(&[&record.base(), &record.head()]).or_else(|| unobserved(record));
        if let Some(reason) = unusable {
            return Finding::fails(id, Verdict::InvalidEnvironment, reason);
        }
    }
    match (first, record.sampling.ignore_guards) {
        (Some(why), true) => {
            let reason = reported(&format!("are kept although a guard tripped, as requested; first {why}"));
            Finding::doubtful(id, strictness, reason)
        }
        (Some(why), false) => {
            Finding::warns(id, reported(&format!("were invalidated and do not count, first by {why}")))
        }
        (None, _) => Finding::holds(id, "no guard tripped of those that were observed"),
    }
}

/// The same of a single run.
pub(super) fn guards_of_run(run: &Arm) -> Finding {
    let id = "guards";
    let processes = of_record(run);
    let invalid = processes.iter().filter(|process| process.is_invalid());
    let first = invalid.clone().flat_map(|it| &it.findings).find(|finding| finding.invalidates());
    if let Some(first) = first {
        let reason = format!(
            "{} of {} processes were invalidated, first by `{}`: {}",
            invalid.count(),
            processes.len(),
            first.guard.id(),
            first.reason
        );
        return Finding::fails(id, Verdict::InvalidEnvironment, reason);
    }
    match on_battery(&[run]) {
        Some(reason) => Finding::fails(id, Verdict::InvalidEnvironment, reason),
        None => Finding::holds(id, "no guard tripped of those that were observed"),
    }
}

/// On Windows nothing of a machine is observed but that it was suspended.
fn unobserved(record: &Experiment) -> Option<String> {
    let is_windows = record.machine.os.as_ref().is_some_and(|os| os.starts_with("Windows"));
    is_windows.then(|| "most guards are not observed on Windows".to_owned())
}

fn on_battery(runs: &[&Arm]) -> Option<String> {
    let processes: Vec<ProcessFindings> = runs.iter().flat_map(|run| of_record(run)).collect();
    let mut findings = processes.iter().flat_map(|process| &process.findings);
    let ac_power = findings.find(|it| it.guard == Guard::AcPower && GuardFinding::is_trouble(it))?;
    Some(ac_power.reason.clone())
}

/// Where a value warns and where it fails, in its metric's unit.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    warn_below: f64,
    fail_below: f64,
}

/// Every anchor of the policy, the published one first.
pub(super) fn anchors(run: ArmView<'_>, policy: &Policy) -> Vec<Finding> {
    let speed = summarise(&run).average.map(|average| average.throughput());
    let published = published(run, &policy.published_anchor, speed);
    let pinned = policy.anchors.iter().map(|anchor| pinned(run, anchor, speed));
    std::iter::once(published).chain(pinned).collect()
}

fn published(run: ArmView<'_>, anchor: &PublishedAnchor, speed: Option<MetricValue>) -> Finding {
    let id = "published-anchor";
    let Some(published) = &run.experiment.published else {
        return Finding::not_judged(id, "the record has no published value");
    };
    match (standing(published, &run, speed), speed) {
        (Standing::NotJudged(why), _) => Finding::not_judged(
            id,
            format!("{} token/s was published; not judged here: {why}", published.reference.value),
        ),
        (_, None) => Finding::not_judged(id, "there is no speed"),
        (_, Some(speed)) => {
            let bounds = Bounds { warn_below: anchor.warn_below, fail_below: anchor.fail_below };
            against(id, speed, bounds, "published")
        }
    }
}

fn pinned(run: ArmView<'_>, anchor: &PinnedAnchor, speed: Option<MetricValue>) -> Finding {
    let id = format!("anchor {}", anchor.id);
    let ran = run.device.ran.as_ref().map(ProvenDevice::kind);
    let unlike = [
        (anchor.model_sha256 != run.model.sha256, "another model"),
        (anchor.machine_sha256 != run.experiment.machine.sha256, "another machine"),
        (Some(anchor.device) != ran || anchor.gpu != run.device.gpu_identity(), "another device"),
        (anchor.workload_sha256 != run.workload.sha256, "other prompts or another number of tokens"),
        (anchor.openvino.is_some() && anchor.openvino.as_deref() != openvino(&run), "another OpenVINO"),
    ];
    let unlike = unlike.into_iter().find(|(unlike, _)| *unlike).map(|(_, why)| why);
    if let Some(why) = unlike.or_else(|| no_reference_reason(&run)) {
        return Finding::not_judged(
            &id,
            format!("{} token/s was pinned; not judged here: {why}", anchor.value),
        );
    }
    match speed {
        Some(speed) if anchor.metric == Metric::EndToEndThroughput => {
            let bounds = Bounds { warn_below: anchor.warn_below, fail_below: anchor.fail_below };
            against(&id, speed, bounds, "pinned")
        }
        _ => Finding::not_judged(&id, "there is no such speed"),
    }
}

fn openvino(run: &Arm) -> Option<&str> {
    run.runtime.as_ref().map(|runtime| runtime.openvino_version.as_str())
}

fn against(id: &str, speed: MetricValue, bounds: Bounds, what: &str) -> Finding {
    let MetricValue { metric, value } = speed;
    let reported =
        |than: &str, bound: f64| format!("{value:.2} {} is {than} {bound} ({what})", metric.unit());
    if value < bounds.fail_below {
        Finding::fails(id, Verdict::Regressed, reported("below the failing bound", bounds.fail_below))
    } else if value < bounds.warn_below {
        Finding::warns(id, reported("below", bounds.warn_below))
    } else {
        Finding::holds(id, reported("at or above", bounds.warn_below))
    }
}

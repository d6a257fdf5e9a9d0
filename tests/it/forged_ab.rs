//! An A/B that no run has made, with any verdict.

use arcgauge::golden::GoldenResult;
use arcgauge::measure::Metric;
use arcgauge::record::{
    Arm, CheckRecord, CheckResult, ComparisonRecord, ComparisonResult, DecisionRecord, Experiment,
    InputsRecord, Outcome, PlanKind, PolicyText, ProcessRecord, Round, SampleRecord, Sampling,
    SensitivityRecord, Side, Status, StopReason, Verdict, Warning, WorkloadRecord,
};

use crate::forged_pairs::guard_log;
use crate::{forged, laid_out};

const PAIRS: usize = 5;

/// An A/B of five pairs with this verdict.
pub(crate) fn ab(verdict: Verdict) -> Experiment {
    // The head's time per token, percent of the base's.
    let time = match verdict {
        Verdict::Improved => 90,
        Verdict::Regressed | Verdict::Mixed => 105,
        _ => 100,
    };
    let mut record = Experiment {
        run_id: "abcdef012345".into(),
        plan: PlanKind::Ab,
        inputs: InputsRecord {
            from_commit: Some("4".repeat(40)),
            sha256: "7".repeat(64),
            policy: PolicyText { text: "{}\n".into(), sha256: "8".repeat(64) },
            ..InputsRecord::default()
        },
        sampling: Sampling { seed: Some(7), ..Sampling::default() },
        arms: vec![
            side("main", "4", "Say what it is", 100),
            side("topic", "5", "Größer und \"schneller\"", time),
        ],
        rounds: (0..PAIRS).map(pair).collect(),
        decision: Some(decision(verdict)),
        gate_decision: Some(decision(verdict)),
        ..forged::record()
    };
    match verdict {
        Verdict::WrongOutput => wrong(&mut record),
        Verdict::InvalidEnvironment => invalidated(&mut record),
        _ => {}
    }
    laid_out::record(&mut record);
    record
}

/// An A/B whose sides are the same, byte for byte.
pub(crate) fn identical() -> Experiment {
    let mut record = ab(Verdict::Pass);
    for side in &mut record.arms {
        side.outcome = Outcome::NotMeasured;
        (side.samples, side.processes, side.prompts) = (Vec::new(), Vec::new(), Vec::new());
        side.workload.runs = 0;
    }
    record.outcome = Outcome::NotMeasured;
    record.stop_reason = Some(StopReason::Identical);
    record.rounds.clear();
    let decision = record.decision.as_mut().unwrap();
    decision.reason = "both sides are the same, byte for byte".into();
    decision.comparisons.clear();
    decision.checks.clear();
    decision.sensitivity = None;
    record
}

/// An A/B in which everything that somebody else may have named is this.
pub(crate) fn hostile(verdict: Verdict, text: &str) -> Experiment {
    let mut record = ab(verdict);
    let named = || text.to_owned();
    for side in &mut record.arms {
        (side.label, side.differences) = (named(), vec![named()]);
        let commit = side.commit.as_mut().unwrap();
        (commit.subject, commit.branch) = (named(), Some(named()));
        side.model.name = named();
        side.runtime.as_mut().unwrap().openvino_version = named();
        side.device.ran = Some(forged::proven("CPU", text));
        side.warnings = vec![Warning::new(text, named(), named())];
    }
    record.machine.slug = named();
    record.failure = Some(named());
    record.warnings = vec![Warning::new(text, named(), named())];
    let decision = record.decision.as_mut().unwrap();
    decision.reason = named();
    for check in &mut decision.checks {
        (check.id, check.reason) = (named(), named());
    }
    for comparison in &mut decision.comparisons {
        (comparison.prompt, comparison.reason) = (Some(named()), named());
    }
    record
}

fn side(requested: &str, digit: &str, subject: &str, time: u32) -> Arm {
    let mut run = forged::record().arms.remove(0);
    run.commit.as_mut().unwrap().sha = digit.repeat(40);
    run.commit.as_mut().unwrap().subject = subject.into();
    run.workload = WorkloadRecord::new(run.workload.prompts, PAIRS, 3).unwrap();
    run.prompts[0].golden = GoldenResult::Match;
    run.warnings.clear();
    let mut sample = run.samples.remove(0);
    let step_ns = 470_000 * u64::from(time);
    let times = sample.times.as_mut().unwrap();
    times.token_ns = (0..3).map(|token| times.submitted_ns + 200_000_000 + token * step_ns).collect();
    times.infer_ns = vec![199_000_000, step_ns - 1_000_000, step_ns - 1_000_000];
    run.samples = (0..PAIRS).map(|process| SampleRecord { process, ..sample.clone() }).collect();
    run.processes = (0..PAIRS).map(|index| ProcessRecord { index, ..forged::process() }).collect();
    Arm { label: requested.into(), ..run }
}

fn pair(index: usize) -> Round {
    let first = if index.is_multiple_of(2) { Side::Base } else { Side::Head };
    Round::beginning_with(first)
}

/// The head's answer differs, so neither it nor the pairs have speed.
fn wrong(record: &mut Experiment) {
    record.stop_reason = Some(StopReason::WrongOutput);
    record.outcome = Outcome::WrongOutput;
    let run = &mut record.arms[1];
    run.outcome = Outcome::WrongOutput;
    run.prompts[0].golden = GoldenResult::Break;
    for sample in &mut run.samples {
        sample.times = None;
    }
}

/// All pairs but the first are.
fn invalidated(record: &mut Experiment) {
    record.stop_reason = Some(StopReason::Guards);
    for process in &mut record.arms[1].processes[1..] {
        process.guards = Some(guard_log(12, true));
    }
}

fn decision(verdict: Verdict) -> DecisionRecord {
    use CheckResult::{Fails, Holds, NotJudged, Warns};
    use ComparisonResult::{Improved, Regressed, Unchanged, Undecided};
    let check =
        |id: &str, word, reason: &str| CheckRecord { id: id.into(), result: word, reason: reason.into() };
    let goldens = check("goldens", Holds, "every token of both sides is the golden's");
    let guards = check("guards", Holds, "no guard tripped of those that were observed");
    let anchor = check("published-anchor", NotJudged, "another model");
    let noise = check("noise", Warns, "pairs differ by 2.6 % (sd), more than 2.5 %");
    let speed = |word, reason: &str| check("speed", word, reason);
    let tpot = |ratio: f64, word| compared(Metric::TimePerOutputToken, None, ratio, word);
    let ttft = |ratio: f64, word| compared(Metric::TimeToFirstToken, Some("fibonacci"), ratio, word);
    let (status, reason, checks, comparisons) = match verdict {
        Verdict::Pass => (
            Status::Green,
            "a slow-down of 3 % or more is excluded",
            vec![goldens, guards, speed(Holds, "at most 1.2 % slower"), anchor],
            vec![tpot(1.002, Unchanged), ttft(1.001, Unchanged)],
        ),
        Verdict::Improved => (
            Status::Green,
            "the head is faster by at least 9 %",
            vec![goldens, guards, speed(Holds, "faster"), anchor],
            vec![tpot(0.9, Improved), ttft(1.0, Unchanged)],
        ),
        Verdict::Regressed => (
            Status::Red,
            "the head is slower by at least 4.0 %",
            vec![goldens, guards, noise, speed(Fails, "at least 4.0 % slower, and 1 % matters"), anchor],
            vec![tpot(1.05, Regressed), ttft(1.0, Unchanged)],
        ),
        Verdict::Mixed => (
            Status::Red,
            "mean time per output token is worse, time to the first token is better",
            vec![goldens, guards, speed(Fails, "at least 4.0 % slower, and 1 % matters"), anchor],
            vec![tpot(1.05, Regressed), ttft(0.8, Improved)],
        ),
        Verdict::Inconclusive => (
            Status::GreenWithWarning,
            "15 pairs cannot tell; a slow-down of 10 % or more is excluded",
            vec![goldens, guards, noise, speed(Warns, "between 1.0 % faster and 5.0 % slower")],
            vec![tpot(1.02, Undecided), ttft(1.0, Undecided)],
        ),
        Verdict::InvalidEnvironment => (
            Status::Red,
            "4 pairs were invalidated by guards, more than may be measured again",
            vec![goldens, check("guards", Fails, "swap-in tripped in 4 of 5 pairs")],
            vec![tpot(1.2, Regressed)],
        ),
        Verdict::WrongOutput => (
            Status::Red,
            "the head's answer to `fibonacci` breaks at token 2",
            vec![check("goldens", Fails, "head: `fibonacci` breaks at token 2"), guards],
            Vec::new(),
        ),
    };
    let has_pairs = !matches!(verdict, Verdict::WrongOutput | Verdict::InvalidEnvironment);
    DecisionRecord {
        judged_utc: "2026-11-23T05:10:00Z".into(),
        verdict,
        reason: reason.into(),
        status,
        checks,
        comparisons,
        sensitivity: has_pairs.then_some(SensitivityRecord {
            pairs: PAIRS,
            pair_sd_percent: 1.2,
            smallest_seen_percent: 2.13,
            excluded_from_percent: 1.7,
        }),
    }
}

fn compared(metric: Metric, prompt: Option<&str>, ratio: f64, word: ComparisonResult) -> ComparisonRecord {
    ComparisonRecord {
        metric,
        prompt: prompt.map(str::to_owned),
        pairs: PAIRS,
        ratio,
        lower: ratio - 0.01,
        upper: ratio + 0.01,
        result: word,
        reason: format!("it is {}", word.as_str()),
    }
}

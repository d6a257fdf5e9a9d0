//! An A/B that no run has made, with any verdict.

use arcgauge::golden::GoldenResult;
use arcgauge::measure::Metric;
use arcgauge::record::{
    AbRecord, CheckRecord, CheckWord, ComparisonRecord, ComparisonWord, DecisionRecord, InputsRecord,
    Outcome, PairRecord, PolicyText, ProcessRecord, SampleRecord, SensitivityRecord, Side, SideRecord,
    Status, Undecided, Verdict, Warning, WorkloadRecord,
};
use arcgauge::report::decision::PairLine;

use crate::forged;

const PAIRS: usize = 5;

/// An A/B of five pairs with this verdict, and what each pair says.
pub(crate) fn ab(verdict: Verdict) -> (AbRecord, Vec<PairLine>) {
    // The head's time per token, percent of the base's.
    let time = match verdict {
        Verdict::Improved => 90,
        Verdict::Regressed | Verdict::Mixed => 105,
        _ => 100,
    };
    let mut record = AbRecord {
        run_id: "abcdef012345".into(),
        when_utc: "2026-11-23T04:49:20Z".into(),
        arcgauge_version: "0.1.0".into(),
        outcome: Outcome::Complete,
        failure: None,
        base: side("main", "4", "Say what it is", 100),
        head: side("topic", "5", "Größer und \"schneller\"", time),
        inputs: InputsRecord {
            from_commit: Some("4".repeat(40)),
            sha256: "7".repeat(64),
            ..InputsRecord::default()
        },
        policy: PolicyText { text: "{}\n".into(), sha256: "8".repeat(64) },
        seed: 7,
        pairs: (0..PAIRS).map(pair).collect(),
        despite_guards: false,
        budget_s: None,
        undecided: None,
        decision: Some(decision(verdict)),
        gate_decision: Some(decision(verdict)),
        warnings: Vec::new(),
    };
    let mut lines: Vec<PairLine> = record.pairs.iter().map(|pair| line(pair.first, time)).collect();
    match verdict {
        Verdict::WrongOutput => wrong(&mut record, &mut lines),
        Verdict::InvalidEnvironment => spoilt(&mut record, &mut lines),
        _ => {}
    }
    (record, lines)
}

/// An A/B whose sides are the same, byte for byte.
pub(crate) fn identical() -> AbRecord {
    let (mut record, _) = ab(Verdict::Pass);
    for side in [&mut record.base, &mut record.head] {
        side.run.outcome = Outcome::NotMeasured;
        side.run.samples.clear();
        side.run.processes.clear();
    }
    record.outcome = Outcome::NotMeasured;
    record.undecided = Some(Undecided::Identical);
    record.pairs.clear();
    let decision = record.decision.as_mut().unwrap();
    decision.because = "both sides are the same, byte for byte".into();
    decision.comparisons.clear();
    decision.checks.clear();
    decision.sensitivity = None;
    record
}

/// An A/B in which everything that somebody else may have named is this.
pub(crate) fn hostile(verdict: Verdict, text: &str) -> (AbRecord, Vec<PairLine>) {
    let (mut record, mut lines) = ab(verdict);
    let named = || text.to_owned();
    for side in [&mut record.base, &mut record.head] {
        (side.asked, side.differences) = (named(), vec![named()]);
        let commit = side.run.commit.as_mut().unwrap();
        (commit.subject, commit.branch) = (named(), Some(named()));
        (side.run.model.name, side.run.machine.slug) = (named(), named());
        side.run.runtime.as_mut().unwrap().openvino_version = named();
        side.run.device.ran = Some(forged::proven("CPU", text));
        side.run.warnings = vec![Warning::new(text, named(), named())];
    }
    record.failure = Some(named());
    record.warnings = vec![Warning::new(text, named(), named())];
    let decision = record.decision.as_mut().unwrap();
    decision.because = named();
    for check in &mut decision.checks {
        (check.id, check.because) = (named(), named());
    }
    for comparison in &mut decision.comparisons {
        (comparison.prompt, comparison.because) = (Some(named()), named());
    }
    for line in &mut lines {
        line.spoilt_because = Some(named());
    }
    (record, lines)
}

fn side(asked: &str, digit: &str, subject: &str, time: u32) -> SideRecord {
    let mut run = forged::record();
    run.commit.as_mut().unwrap().sha = digit.repeat(40);
    run.commit.as_mut().unwrap().subject = subject.into();
    run.workload = WorkloadRecord::new(run.workload.prompts, PAIRS, 3).unwrap();
    run.prompts[0].golden = GoldenResult::Match;
    run.warnings.clear();
    let mut sample = run.samples.remove(0);
    let step_ns = 470_000 * u64::from(time);
    sample.times.as_mut().unwrap().token_ns = (0..3).map(|token| 200_000_001 + token * step_ns).collect();
    run.samples = (0..PAIRS).map(|process| SampleRecord { process, ..sample.clone() }).collect();
    run.processes = (0..PAIRS).map(|index| ProcessRecord { index, ..forged::process() }).collect();
    SideRecord { asked: asked.into(), differences: Vec::new(), run }
}

fn pair(index: usize) -> PairRecord {
    let first = if index.is_multiple_of(2) { Side::Base } else { Side::Head };
    PairRecord { first, base_process: index, head_process: index }
}

fn line(first: Side, time: u32) -> PairLine {
    PairLine { first, difference_percent: Some(f64::from(time) - 100.0), spoilt_because: None }
}

/// The head's answer differs, so neither it nor the pairs have speed.
fn wrong(record: &mut AbRecord, lines: &mut [PairLine]) {
    record.undecided = Some(Undecided::WrongOutput);
    record.outcome = Outcome::WrongOutput;
    let run = &mut record.head.run;
    run.outcome = Outcome::WrongOutput;
    run.prompts[0].golden = GoldenResult::Break;
    for sample in &mut run.samples {
        sample.times = None;
    }
    for line in lines {
        line.difference_percent = None;
    }
}

fn spoilt(record: &mut AbRecord, lines: &mut [PairLine]) {
    record.undecided = Some(Undecided::Guards);
    for line in lines.iter_mut().skip(1) {
        line.spoilt_because = Some("swap-in: 12 pages during decode".into());
    }
}

fn decision(verdict: Verdict) -> DecisionRecord {
    use CheckWord::{Fails, Holds, NotJudged, Warns};
    use ComparisonWord::{Improved, Regressed, Unchanged, Undecided};
    let check = |id: &str, word, because: &str| CheckRecord { id: id.into(), word, because: because.into() };
    let goldens = check("goldens", Holds, "every token of both sides is the golden's");
    let guards = check("guards", Holds, "no guard tripped of those that were observed");
    let anchor = check("published-anchor", NotJudged, "another model");
    let noise = check("noise", Warns, "pairs differ by 2.6 % (sd), more than 2.5 %");
    let speed = |word, because: &str| check("speed", word, because);
    let tpot = |ratio: f64, word| compared(Metric::TimePerOutputToken, None, ratio, word);
    let ttft = |ratio: f64, word| compared(Metric::TimeToFirstToken, Some("fibonacci"), ratio, word);
    let (status, because, checks, comparisons) = match verdict {
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
            "4 pairs were spoilt by guards, more than may be drawn again",
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
        because: because.into(),
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

fn compared(metric: Metric, prompt: Option<&str>, ratio: f64, word: ComparisonWord) -> ComparisonRecord {
    ComparisonRecord {
        metric,
        prompt: prompt.map(str::to_owned),
        pairs: PAIRS,
        ratio,
        lower: ratio - 0.01,
        upper: ratio + 0.01,
        word,
        because: format!("it is {}", word.word()),
    }
}

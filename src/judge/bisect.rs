//! Which of several sides in a row made it worse: the comparisons that find it, as a fold over those that were made.
//!
//! Side 0 is good and the last one is bad. Each comparison is an A/B of its own:
//!
//! | comparison | asks | thresholds |
//! |---|---|---|
//! | the bad side with the good one | is there anything to find | the policy's |
//! | a side between with the good one | does it lie before the change or after it | a third and two thirds of the change between the ends |
//! | the side that was found with the one before it | is it that one | the policy's |
//!
//! A comparison of a metric ends with a false word a side in at most [`SESSION_ALPHA_PERCENT`] of all sessions. A wrong
//! turn therefore happens in at most as many percent as comparisons were made. It does not name a wrong side: the last
//! comparison is of fresh pairs, so that a side that is named is no slower than the one before it in at most
//! [`SESSION_ALPHA_PERCENT`] of all bisects, whatever happened on the way. A side whose comparison does not decide is
//! passed over for its neighbours, and after [`MOST_UNDECIDED`] of them the answer is "cannot tell".
//!
//! Output that became wrong, and distributions that drift beyond their limit, need neither: they are wrong or they are not.

use std::collections::BTreeMap;

use crate::golden::GoldenResult;
use crate::judge::pair_values;
use crate::judge::policy::Policy;
use crate::judge::sequential::{Interval, Rule, SESSION_ALPHA_PERCENT, SequentialOutcome, sequential};
use crate::record::{Arm, BisectRecord, Experiment, Outcome, Side, StopReason};
use crate::workload::TokenId;

/// After so many undecided sides between the last good and the first bad one no further one is tried.
pub const MOST_UNDECIDED: usize = 2;

/// A comparison of two sides that came to an end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The number of the base.
    pub base: usize,
    /// The number of the head.
    pub head: usize,
    /// What it says of the head.
    pub answer: StepAnswer,
    /// ln(head / base) of the metric; None where none was measured.
    pub interval: Option<Interval>,
}

/// What a comparison says of its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepAnswer {
    /// It is worse than the base.
    Worse,
    /// It is not.
    NotWorse,
    /// The pairs do not decide it.
    CannotTell,
    /// It cannot be built, fails, or its output is wrong where a metric is searched by.
    Unusable,
}

impl StepAnswer {
    /// Whether it leads on.
    pub fn is_decided(self) -> bool {
        matches!(self, Self::Worse | Self::NotWorse)
    }

    /// As text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::NotWorse => "not worse",
            Self::CannotTell => "cannot tell",
            Self::Unusable => "unusable",
        }
    }
}

/// The thresholds of a comparison: the policy's, but for a step, whose lie between no change and the one that was found
/// between the ends.
pub fn rule_of(step: Option<&BisectRecord>, policy: &Policy) -> Rule {
    let Some(change_percent) = step.and_then(|step| step.change_percent) else {
        return policy.sequential.rule();
    };
    let change_ln = (change_percent / 100.0).ln_1p();
    let percent = |share: f64| ((change_ln * share).exp_m1() * 1e4).round() / 100.0;
    Rule { regressed_beyond_percent: percent(1.0 / 3.0), passes_within_percent: percent(2.0 / 3.0) }
}

impl Step {
    /// What a stored A/B says; None where it is of no bisect or came to no end: it was interrupted, the time was over,
    /// guards invalidated too many pairs, or the base failed.
    pub fn of(record: &Experiment) -> Option<Self> {
        let bisect = record.bisect.as_ref()?;
        let of = |answer| Self { base: bisect.base, head: bisect.head, answer, interval: None };
        let base_ran = record.base().arm.processes.iter().any(|process| process.load.is_some());
        let head_is = |outcome: Outcome| {
            record.head().outcome == outcome && record.base().outcome == Outcome::Complete && base_ran
        };
        match record.outcome {
            Outcome::NotMeasured if record.stop_reason == Some(StopReason::Identical) => {
                Some(of(StepAnswer::NotWorse))
            }
            Outcome::WrongOutput if head_is(Outcome::WrongOutput) => Some(of(match bisect.tested() {
                None => StepAnswer::Worse,
                Some(_) => StepAnswer::Unusable,
            })),
            Outcome::Failed if head_is(Outcome::Failed) => Some(of(StepAnswer::Unusable)),
            Outcome::Complete if bisect.metric.is_none() => {
                let is_other = answers_otherwise(record);
                Some(of(if is_other { StepAnswer::Worse } else { StepAnswer::NotWorse }))
            }
            Outcome::Complete if bisect.tested().is_none() => {
                let [base, head] =
                    [record.base(), record.head()].map(|side| side.arm.distribution_drift.as_ref());
                let is_measured = base.is_some_and(|base| !base.is_exceeded());
                let head = head.filter(|head| is_measured && head.limit.is_some())?;
                Some(of(if head.is_exceeded() { StepAnswer::Worse } else { StepAnswer::NotWorse }))
            }
            Outcome::Complete => Self::of_pairs(record, bisect),
            _ => None,
        }
    }

    fn of_pairs(record: &Experiment, bisect: &BisectRecord) -> Option<Self> {
        let metric = bisect.tested()?;
        let policy = Policy::parse(&record.inputs.policy.text, "the record's").ok()?;
        let pairs = pair_values(record);
        let differences_ln: Vec<f64> =
            pairs.iter().filter(|pair| pair.counts).filter_map(|pair| pair.ln(metric)).collect();
        let result = sequential(&differences_ln, &rule_of(Some(bisect), &policy)).ok()?;
        let answer = match result.outcome {
            SequentialOutcome::Regressed => StepAnswer::Worse,
            SequentialOutcome::Improved | SequentialOutcome::Pass => StepAnswer::NotWorse,
            SequentialOutcome::Inconclusive => StepAnswer::CannotTell,
            SequentialOutcome::Undecided { .. } => return None,
        };
        Some(Self { base: bisect.base, head: bisect.head, answer, interval: result.interval })
    }
}

/// Whether a prompt without a golden is answered otherwise than by the base.
fn answers_otherwise(record: &Experiment) -> bool {
    let unverified = record.head().arm.prompts.iter().filter(|prompt| prompt.golden == GoldenResult::None);
    let answers = |side: Side, id: &str| -> Vec<&[TokenId]> {
        let arm: &Arm = &record.arms[side.arm()];
        let of_prompt = arm.samples.iter().filter(|sample| sample.prompt_id == id);
        of_prompt.map(|sample| sample.token_ids.as_slice()).collect()
    };
    unverified.into_iter().any(|prompt| answers(Side::Base, &prompt.id) != answers(Side::Head, &prompt.id))
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Two sides are to be compared.
    Compare(Comparison),
    /// There is an answer.
    Ended(Ending),
}

/// Two sides that are to be compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// The number of the base.
    pub base: usize,
    /// The number of the head.
    pub head: usize,
    /// The change between the ends, from which the thresholds follow, percent; None where they are the policy's.
    pub change_percent: Option<f64>,
}

/// The answer of a bisect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// This side is worse than the one before it.
    Found {
        /// Its number.
        at: usize,
    },
    /// The bad side is not worse than the good one.
    NotWorse,
    /// The change came after one side and not after another, and no more is known.
    CannotTell {
        /// The last that is known not to be worse.
        good: usize,
        /// The first that is known to be worse.
        bad: usize,
        /// Why.
        reason: Doubt,
    },
}

/// Why no side is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// Comparisons did not decide, or sides cannot be measured.
    Undecided,
    /// The side that was found is not worse than the one before it: a wrong turn, or a change in several small steps.
    Contradicted,
}

/// What is to be done after these comparisons, where the bad side has the number `last`.
pub fn next(last: usize, steps: &[Step]) -> Next {
    let answers = Answers::of(steps);
    let cannot_tell =
        |good: usize, bad: usize, reason: Doubt| Next::Ended(Ending::CannotTell { good, bad, reason });
    match answers.of_pair(0, last) {
        None => return Next::Compare(Comparison { base: 0, head: last, change_percent: None }),
        Some(StepAnswer::NotWorse) => return Next::Ended(Ending::NotWorse),
        Some(StepAnswer::CannotTell | StepAnswer::Unusable) => return cannot_tell(0, last, Doubt::Undecided),
        Some(StepAnswer::Worse) => {}
    }
    let (good, bad) = answers.range(last);
    if bad - good > 1 {
        let compare = |head: usize| {
            Next::Compare(Comparison { base: 0, head, change_percent: answers.change_percent(last) })
        };
        return answers.candidate(good, bad).map_or(cannot_tell(good, bad, Doubt::Undecided), compare);
    }
    // Beside the good side it was compared with the one before it already; a wrong token is no matter of chance.
    if good == 0 || answers.change_percent(last).is_none() {
        return Next::Ended(Ending::Found { at: bad });
    }
    match answers.of_pair(good, bad) {
        None => Next::Compare(Comparison { base: good, head: bad, change_percent: None }),
        Some(StepAnswer::Worse) => Next::Ended(Ending::Found { at: bad }),
        Some(StepAnswer::NotWorse) => cannot_tell(0, last, Doubt::Contradicted),
        Some(_) => cannot_tell(good, bad, Doubt::Undecided),
    }
}

/// What is known of each two sides. Where they were compared again after it had not been decided, the decision counts.
struct Answers(BTreeMap<(usize, usize), Step>);

impl Answers {
    fn of(steps: &[Step]) -> Self {
        let mut answers: BTreeMap<_, Step> = BTreeMap::new();
        for step in steps {
            let known = answers.entry((step.base, step.head)).or_insert(*step);
            if !known.answer.is_decided() {
                *known = *step;
            }
        }
        Self(answers)
    }

    fn of_pair(&self, base: usize, head: usize) -> Option<StepAnswer> {
        self.0.get(&(base, head)).map(|step| step.answer)
    }

    /// The change between the ends; None where it is no metric's.
    fn change_percent(&self, last: usize) -> Option<f64> {
        let interval = self.0.get(&(0, last))?.interval?;
        Some((interval.ratio() - 1.0) * 100.0)
    }

    /// The last side that is not worse than side 0, and the first after it that is.
    fn range(&self, last: usize) -> (usize, usize) {
        let of = |wanted: StepAnswer| {
            let heads = self.0.values().filter(move |step| step.base == 0 && step.answer == wanted);
            heads.map(|step| step.head)
        };
        let bad = of(StepAnswer::Worse).min().unwrap_or(last);
        (of(StepAnswer::NotWorse).filter(|good| *good < bad).max().unwrap_or(0), bad)
    }

    /// The side between two that is nearest to their middle and was not compared; None where there is none, or too many
    /// could not be decided.
    fn candidate(&self, good: usize, bad: usize) -> Option<usize> {
        let is = |head: usize, answer: StepAnswer| self.of_pair(0, head) == Some(answer);
        let undecided = (good + 1..bad).filter(|head| is(*head, StepAnswer::CannotTell)).count();
        let middle = good.midpoint(bad);
        let untried = (good + 1..bad).filter(|head| self.of_pair(0, *head).is_none());
        untried.min_by_key(|head| head.abs_diff(middle)).filter(|_| undecided < MOST_UNDECIDED)
    }
}

/// Comparisons that a bisect makes where each of them decides.
pub fn most_comparisons(last: usize, is_of_metric: bool) -> usize {
    let halvings = last.next_power_of_two().ilog2() as usize;
    1 + halvings + usize::from(is_of_metric && last > 1)
}

/// The probability of a wrong turn among these comparisons of a metric, percent: no more than this.
pub fn wrong_turn_percent(comparisons: usize) -> f64 {
    (SESSION_ALPHA_PERCENT * comparisons as f64).min(100.0)
}

/// The probability that a side is named which is no slower than the one before it, percent: no more than this. Each
/// comparison of the two adds its own.
pub fn wrong_name_percent(steps: &[Step], at: usize) -> f64 {
    let direct = steps.iter().filter(|step| step.head == at && step.base + 1 == at).count();
    wrong_turn_percent(direct.max(1))
}

//! How small a change a machine can see, and how often it errs, from runs of one program against itself.

use fastrand::Rng;

use crate::judge::sequential::{LOOKS, Look, Rule, SequentialOutcome, sequential, smallest_seen_percent};
use crate::judge::{PairValues, interval_at, pair_values};
use crate::record::Experiment;

/// Sessions that are drawn from the pairs: the rate is known to a tenth of a percent.
const SESSIONS: u32 = 20_000;
/// The same pairs give the same rate.
const SEED: u64 = 1;

/// What A/A runs say of a machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// Runs of one program against itself.
    pub runs: usize,
    /// Their pairs that count.
    pub pairs: usize,
    /// Standard deviation of a pair's ratio about its run's mean, percent.
    pub pair_sd_percent: f64,
    /// At each look, the smallest slow-down that is found in four of five sessions, percent.
    pub smallest_seen: Vec<SmallestSeen>,
    /// Of the runs themselves, how many said regressed.
    pub said_regressed: usize,
    /// Of sessions drawn from the pairs with random signs, the share that says regressed, percent.
    pub false_alarm_percent: f64,
}

/// What is seen at one look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SmallestSeen {
    /// The look's pairs.
    pub pairs: usize,
    /// Percent.
    pub slowdown_percent: f64,
}

/// Calibrates from A/A records of one machine, model, device and workload; None where they have too few
/// pairs for a spread.
///
/// In such a run a pair's sign is the order of two equal things, so that every choice of signs is as likely
/// as the one that came. Sessions are drawn by choosing pairs and signs at random.
pub fn calibrate(records: &[&Experiment], rule: &Rule) -> Option<Calibration> {
    let runs: Vec<Vec<f64>> = records.iter().map(|record| differences_ln(record)).collect();
    let all: Vec<f64> = runs.iter().flatten().copied().collect();
    let pair_sd_ln = pooled_sd_ln(&runs)?;
    let smallest_seen = LOOKS.iter().filter_map(|look| {
        let slowdown_percent = smallest_seen_percent(rule, pair_sd_ln, *look)?;
        Some(SmallestSeen { pairs: look.pairs, slowdown_percent })
    });
    let regressed = |differences_ln: &[f64]| {
        let result = sequential(differences_ln, rule);
        result.is_ok_and(|result| result.outcome == SequentialOutcome::Regressed)
    };
    let mut rng = Rng::with_seed(SEED);
    let mut alarms = 0;
    for _ in 0..SESSIONS {
        let drawn = (0..Look::LAST.pairs).map(|_| {
            let pair = all[rng.usize(..all.len())];
            if rng.bool() { pair } else { -pair }
        });
        alarms += u32::from(regressed(&drawn.collect::<Vec<_>>()));
    }
    Some(Calibration {
        runs: runs.len(),
        pairs: all.len(),
        pair_sd_percent: pair_sd_ln * 100.0,
        smallest_seen: smallest_seen.collect(),
        said_regressed: runs.iter().filter(|run| regressed(run)).count(),
        false_alarm_percent: f64::from(alarms) * 100.0 / f64::from(SESSIONS),
    })
}

fn differences_ln(record: &Experiment) -> Vec<f64> {
    pair_values(record).iter().filter(|pair| pair.counts).filter_map(PairValues::tpot_ln).collect()
}

/// Within runs, for a run's mean may be off by what the machine did in that hour.
fn pooled_sd_ln(runs: &[Vec<f64>]) -> Option<f64> {
    let (mut squares, mut freedom) = (0.0, 0.0);
    // The error does not matter here, only the spread is taken.
    for interval in runs.iter().filter_map(|run| interval_at(run, 0.5)) {
        let own = (interval.pairs - 1) as f64;
        squares += interval.sd_ln.powi(2) * own;
        freedom += own;
    }
    (freedom > 0.0).then(|| (squares / freedom).sqrt())
}

//! The pairs of an A/B with the interval of their mean.

use crate::judge::policy::Policy;
use crate::measure::{Direction, Metric};
use crate::record::{DecisionRecord, Experiment, Side};
use crate::report::chart::{Chart, Interval, PairOrder, PairPoint, Pairs, Threshold};
use crate::report::decision::PairLine;
use crate::report::number::{change_percent, counted};

/// The chart; None where nothing was measured.
pub(super) fn chart(
    record: &Experiment,
    pairs: &[PairLine],
    decision: Option<&DecisionRecord>,
) -> Option<Chart> {
    let point = |pair: &PairLine| PairPoint {
        percent: pair.difference_percent,
        order: if pair.first == Side::Base { PairOrder::BaseFirst } else { PairOrder::HeadFirst },
        is_invalidated: pair.invalidated_by.is_some(),
    };
    let mean = decision.and_then(|decision| {
        let mut comparisons = decision.comparisons.iter();
        comparisons.find(|it| it.metric == Metric::TimePerOutputToken && it.prompt.is_none())
    });
    let interval = mean.map(|mean| Interval {
        label: format!("mean of {}", counted(mean.pairs, "pair")),
        low_percent: change_percent(mean.lower),
        mean_percent: change_percent(mean.ratio),
        high_percent: change_percent(mean.upper),
    });
    let chart = Pairs {
        title: "Pairs".to_owned(),
        description: "The head against the base beside it; above 0 the head is slower.".to_owned(),
        metric: "time per output token".to_owned(),
        better: Some(Direction::Lower),
        pairs: pairs.iter().map(point).collect(),
        thresholds: thresholds(record),
        interval,
    };
    (!pairs.is_empty()).then(|| chart.chart())
}

/// Those of the policy by which the pairs were judged.
fn thresholds(record: &Experiment) -> Vec<Threshold> {
    let Ok(policy) = Policy::parse(&record.inputs.policy.text, "of the record") else { return Vec::new() };
    let rule = policy.sequential.rule();
    vec![
        Threshold { label: "regressed beyond".to_owned(), percent: rule.regressed_beyond_percent },
        Threshold { label: "passes within".to_owned(), percent: rule.passes_within_percent },
    ]
}

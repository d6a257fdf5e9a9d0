//! How the cost of a token grows with the number of tokens before it, in a run of the suite `depth`.

use crate::judge::summary::Summary;
use crate::measure::Metric;
use crate::record::ArmView;
use crate::workload::Suite;

/// A depth whose cost is further from the line than this share has left it.
pub const LINE_TOLERANCE: f64 = 0.10;

/// The cost of a token at one depth.
#[derive(Debug, Clone, PartialEq)]
pub struct DepthCost {
    /// The prompt's name.
    pub title: String,
    /// Tokens before the middle one of the answer.
    pub depth_tokens: f64,
    /// `tpot@1`, ms per token.
    pub tpot_ms: f64,
}

/// `tpot@1` as `at_zero_ms + per_token_ms * depth`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CostLine {
    /// Without any token before, ms.
    pub at_zero_ms: f64,
    /// What each token before adds, ms.
    pub per_token_ms: f64,
}

impl CostLine {
    /// The expected cost of a token at a depth, ms.
    pub fn at(self, depth_tokens: f64) -> f64 {
        self.at_zero_ms + self.per_token_ms * depth_tokens
    }
}

/// The cost of a token over depth.
#[derive(Debug, Clone, PartialEq)]
pub struct DepthGrowth {
    /// By depth, from the least.
    pub costs: Vec<DepthCost>,
    /// Fitted to the depths from the least to the last that is on it.
    pub line: CostLine,
    /// The first depth that is not on the line, by its place; None where all are.
    pub leaves_at: Option<usize>,
}

/// The growth that a run shows; None of another suite, or of fewer than two depths with a speed.
pub fn depth_growth(record: &ArmView<'_>, summary: &Summary) -> Option<DepthGrowth> {
    if record.experiment.suite != Suite::Depth.as_str() {
        return None;
    }
    let half_answer = record.workload.new_tokens as f64 / 2.0;
    let prompts = record.workload.prompts.iter().zip(&summary.prompts);
    let costs = prompts.filter_map(|(requested, prompt)| {
        Some(DepthCost {
            title: prompt.title.clone(),
            depth_tokens: requested.input().depth_tokens() as f64 + half_answer,
            tpot_ms: prompt.metric_values.as_ref()?.mean.get(Metric::TimePerOutputToken)?,
        })
    });
    growth(costs.collect())
}

fn growth(mut costs: Vec<DepthCost>) -> Option<DepthGrowth> {
    costs.sort_by(|one, other| one.depth_tokens.total_cmp(&other.depth_tokens));
    let mut line = fit(costs.get(..2)?)?;
    for at in 2..costs.len() {
        let expected_ms = line.at(costs[at].depth_tokens);
        if (costs[at].tpot_ms / expected_ms - 1.0).abs() > LINE_TOLERANCE {
            return Some(DepthGrowth { costs, line, leaves_at: Some(at) });
        }
        line = fit(&costs[..=at])?;
    }
    Some(DepthGrowth { costs, line, leaves_at: None })
}

/// Least squares of the relative residuals: a shallow depth counts as much as a deep one.
fn fit(costs: &[DepthCost]) -> Option<CostLine> {
    // Weighted by 1 / tpot^2.
    let sum = |of: fn(&DepthCost) -> f64| costs.iter().map(|it| of(it) / it.tpot_ms.powi(2)).sum::<f64>();
    let (weight, x, y) = (sum(|_| 1.0), sum(|it| it.depth_tokens), sum(|it| it.tpot_ms));
    let (xx, xy) = (sum(|it| it.depth_tokens.powi(2)), sum(|it| it.depth_tokens * it.tpot_ms));
    let per_token_ms = (weight * xy - x * y) / (weight * xx - x * x);
    let line = CostLine { at_zero_ms: (y - per_token_ms * x) / weight, per_token_ms };
    (line.at_zero_ms.is_finite() && line.per_token_ms.is_finite()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(points: &[(f64, f64)]) -> Option<DepthGrowth> {
        let cost = |(depth_tokens, tpot_ms): &(f64, f64)| DepthCost {
            title: String::new(),
            depth_tokens: *depth_tokens,
            tpot_ms: *tpot_ms,
        };
        growth(points.iter().map(cost).collect())
    }

    #[test]
    fn a_cost_that_grows_evenly_is_on_the_line_to_the_last_depth() {
        let growth = of(&[(4096.0, 49.0), (256.0, 10.6), (1024.0, 18.2), (16_000.0, 168.0)]).unwrap();
        assert_eq!(growth.leaves_at, None);
        assert!((growth.line.per_token_ms - 0.01).abs() < 2e-4, "{growth:?}");
        assert!((growth.line.at_zero_ms - 8.0).abs() < 0.2, "{growth:?}");
    }

    #[test]
    fn the_first_depth_that_costs_more_than_the_shallower_ones_say_has_left_the_line() {
        let growth = of(&[(256.0, 10.0), (1024.0, 12.0), (4096.0, 20.0), (16_000.0, 90.0)]).unwrap();
        assert_eq!(growth.leaves_at, Some(3));
        assert!((growth.line.at(16_000.0) - 51.0).abs() < 1.0, "{growth:?}");
        assert_eq!(of(&[(256.0, 10.0)]), None);
        assert_eq!(of(&[(256.0, 10.0), (256.0, 11.0)]), None);
    }
}

//! The trend of a front page: one line, and what is to be known of it at a glance.

use crate::measure::Direction;

use super::Chart;
use super::line::{Change, Line, LinePoint, PositionLabel, Reference};

/// One metric's recent history, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Trend {
    /// The metric's name.
    pub title: String,
    /// What the page says of it.
    pub description: String,
    /// What a figure is counted in.
    pub unit: String,
    /// Which way is better, if one is.
    pub better: Option<Direction>,
    /// What the line is.
    pub mean_label: String,
    /// What its band is.
    pub band_label: String,
    /// What a position is.
    pub position_label: String,
    /// A point for each position. Verdicts are left to the history's page.
    pub points: Vec<LinePoint>,
    /// Labels along the bottom; those without room are left out.
    pub labels: Vec<PositionLabel>,
    /// Figures from elsewhere.
    pub references: Vec<Reference>,
    /// Where an epoch begins: its number, at its first position.
    pub epochs: Vec<PositionLabel>,
    /// Where the level changed.
    pub changes: Vec<Change>,
}

impl Trend {
    /// The chart.
    #[must_use]
    pub fn chart(&self) -> Chart {
        Line {
            title: self.title.clone(),
            description: self.description.clone(),
            unit: self.unit.clone(),
            better: self.better,
            mean_label: self.mean_label.clone(),
            band_label: self.band_label.clone(),
            position_label: self.position_label.clone(),
            points: self.points.iter().map(|point| LinePoint { verdict: None, ..*point }).collect(),
            prompts: Vec::new(),
            labels: self.labels.clone(),
            references: self.references.clone(),
            epochs: self.epochs.clone(),
            changes: self.changes.clone(),
        }
        .small_chart()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::decision::Mark;
    use super::super::tests::{check, texts};
    use super::*;

    fn trend() -> Trend {
        let point = |mean: f64| LinePoint {
            mean: Some(mean),
            low: Some(mean - 0.5),
            high: Some(mean + 0.5),
            verdict: Some(Mark::Fails),
        };
        Trend {
            title: "Throughput".to_owned(),
            description: "Of the last commits.".to_owned(),
            unit: "token/s".to_owned(),
            better: Some(Direction::Higher),
            mean_label: "mean".to_owned(),
            band_label: "interval".to_owned(),
            position_label: "commits".to_owned(),
            points: vec![point(20.0), point(20.5), point(19.0)],
            labels: Vec::new(),
            references: vec![Reference { label: "published".to_owned(), figure: 21.24 }],
            epochs: Vec::new(),
            changes: vec![Change { position: 2, percent: -7.3, is_worse: true }],
        }
    }

    #[test]
    fn a_trend_shows_its_reference_and_what_changed() {
        let chart = trend().chart();
        check(&chart);
        for svg in [&chart.wide, &chart.narrow] {
            let texts = texts(svg);
            for text in
                ["published 21.24", "-7.30 %", "token/s, higher is better", "axis does not start at 0"]
            {
                assert!(texts.iter().any(|it| it == text), "{text} of {texts:?}");
            }
            assert!(!texts.iter().any(|it| it.contains("verdict")), "{texts:?}");
        }
    }

    #[test]
    fn a_trend_without_figures_says_so() {
        let chart = Trend { points: Vec::new(), ..trend() }.chart();
        check(&chart);
        assert!(texts(&chart.wide).contains(&"no figures yet".to_owned()));
        assert!(chart.description.contains("No figures yet."));
    }
}

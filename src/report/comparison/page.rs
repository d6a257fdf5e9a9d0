//! For a page: a comparison with links to what else is told of its two runs.

use serde::Serialize;

use crate::report::chart::Chart;
use crate::report::comparison::rows::NOTHING;
use crate::report::comparison::view::{ComparisonView, FigureRow, SideView};
use crate::report::comparison::words::{BREAKS, NO_DIFFERENCE};
use crate::report::view::CommitLink;

/// The page of two runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComparisonPage {
    comparison: ComparisonView,
    sides: [SidePart; 2],
    /// The figures, by what their rows share.
    figures: Vec<FigurePart>,
    /// The steps of both; None where their speeds are not compared.
    chart: Option<Chart>,
    /// Said where nothing differs.
    no_difference: &'static str,
    /// What the classes of differences mean.
    breaks: &'static str,
    /// Of the figures.
    columns: usize,
    /// Whether any change has one.
    has_intervals: bool,
    /// Why they are as alike as they are; the word stands beside it.
    because: String,
    /// How the changes are to be read; empty where there is none.
    caption: String,
}

/// What else the site has of a run: only what is there is linked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PagesOfSide {
    /// The page of its commit.
    pub commit: Option<CommitLink>,
    /// The copy of its record, below the site's folder.
    pub record: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct SidePart {
    side: SideView,
    pages: PagesOfSide,
}

/// One figure of all prompts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct FigurePart {
    metric: &'static str,
    title: &'static str,
    unit: &'static str,
    better: &'static str,
    rows: Vec<FigureRow>,
}

impl FigurePart {
    fn all(rows: &[FigureRow]) -> Vec<Self> {
        let of_one = rows.chunk_by(|one, other| one.metric == other.metric);
        let parts = of_one.filter_map(|rows| {
            let FigureRow { metric, title, unit, better, .. } = rows.first()?;
            Some(Self { metric, title, unit, better, rows: rows.to_vec() })
        });
        parts.collect()
    }
}

impl ComparisonPage {
    /// The page of a comparison.
    #[must_use]
    pub fn of(comparison: ComparisonView, chart: Option<Chart>, a: PagesOfSide, b: PagesOfSide) -> Self {
        let has_intervals = comparison.figures.iter().any(|row| row.interval != NOTHING);
        let has_changes = !comparison.caption.is_empty();
        let part = |side: &SideView, pages| SidePart { side: side.clone(), pages };
        Self {
            sides: [part(&comparison.a, a), part(&comparison.b, b)],
            figures: FigurePart::all(&comparison.figures),
            columns: 4 + usize::from(has_changes) + usize::from(has_changes && has_intervals),
            has_intervals,
            chart,
            because: comparison.likeness.sentence.trim_start_matches("unlike: ").to_owned(),
            no_difference: NO_DIFFERENCE,
            breaks: BREAKS,
            // Its commands are marked for a terminal.
            caption: comparison.caption.replace('`', ""),
            comparison,
        }
    }
}

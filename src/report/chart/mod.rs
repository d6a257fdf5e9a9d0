//! Charts as SVG, drawn from plain values: the same bytes for the same values, legible without a script.
//!
//! A page holds each chart twice and shows the one that fits the screen. Nothing in it needs a style
//! sheet, a script or a font of its own; `palette` has the rules that give it the page's colours.

mod axis;
mod bars;
mod canvas;
mod depth;
mod guards;
mod layout;
mod line;
mod pairs;
pub(in crate::report) mod palette;
mod plot;
mod scatter;
mod signs;
mod soak;
#[cfg(test)]
mod tests;
mod token_strip;

use serde::Serialize;

use crate::report::chart::plot::Plot;
use crate::report::number::counted;
use crate::visible::one_line;

pub(in crate::report) use bars::{MemoryPhase, histogram, memory_chart};
pub(in crate::report) use depth::depth_chart;
pub(in crate::report) use guards::{Guard, Span, guards_chart};
pub(in crate::report) use line::{Change, Line, LinePoint, PositionLabel, PromptLine, Reference};
pub(in crate::report) use pairs::pairs_chart;
pub(in crate::report) use scatter::agreement_chart;
pub(in crate::report) use soak::soak_chart;
pub(in crate::report) use token_strip::{Generation, token_strip};

/// A chart, ready for a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::report) struct Chart {
    /// What it shows, for a heading. Not escaped.
    pub(in crate::report) title: String,
    /// What is to be seen, in sentences, for those who do not see it. Not escaped.
    pub(in crate::report) description: String,
    /// SVG for a screen from about 720 px.
    pub(in crate::report) wide: String,
    /// SVG for a smaller one.
    pub(in crate::report) narrow: String,
}

/// Which of the two a drawing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Wide,
    Narrow,
}

impl Form {
    fn width(self) -> f64 {
        self.pick(840.0, 340.0)
    }

    /// Points that a line has at most.
    fn columns(self) -> usize {
        self.pick(600, 240)
    }

    fn pick<T>(self, wide: T, narrow: T) -> T {
        match self {
            Self::Wide => wide,
            Self::Narrow => narrow,
        }
    }

    fn class(self) -> &'static str {
        self.pick("wide", "narrow")
    }
}

/// Both forms of a chart. `said` are the sentences of its maker and those that its values add; where there is no
/// plot, `nothing` says so.
fn chart(
    title: &str,
    said: &[&str],
    measure: &str,
    nothing: &str,
    plot: impl Fn(Form) -> Option<Plot>,
) -> Chart {
    let title = one_line(title);
    let said: Vec<String> = said.iter().map(|text| one_line(text)).filter(|text| !text.is_empty()).collect();
    let description = said.join(" ");
    let label = format!("{title}. {description}");
    let [wide, narrow] = [Form::Wide, Form::Narrow].map(|form| {
        canvas::drawing(form, &label, |canvas| match plot(form) {
            Some(plot) => plot.draw(canvas, measure),
            None => layout::nothing(canvas, measure, nothing),
        })
    });
    Chart { title, description, wide, narrow }
}

/// The note on what has no room; nothing where there is room for all.
fn not_drawn(left_out: usize, noun: &str) -> Option<String> {
    (left_out > 0).then(|| format!("{} not drawn", counted(left_out, &format!("more {noun}"))))
}

/// Facts as a sentence.
fn sentence(facts: impl IntoIterator<Item = String>) -> String {
    facts.into_iter().collect::<Vec<_>>().join("; ") + "."
}

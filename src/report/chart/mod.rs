//! Charts as SVG, drawn from plain values: the same bytes for the same values, legible without a script.
//!
//! A page holds each chart twice and shows the one that fits the screen. Nothing in it needs a style
//! sheet, a script or a font of its own; `palette` has the rules that give it the page's colours.

mod axis;
mod bars;
mod canvas;
mod guards;
mod layout;
mod line;
mod pairs;
pub(in crate::report) mod palette;
mod signs;
#[cfg(test)]
mod tests;
mod token_strip;

use serde::Serialize;

use crate::visible::one_line;

pub use bars::{Histogram, Memory, MemoryPhase, Percentile};
pub use guards::{Guard, Guards, ProcessSpan, Reading};
pub use line::{Change, Line, LinePoint, PositionLabel, PromptLine, Reference};
pub use pairs::{Interval, Pairs, Threshold};
pub use token_strip::{Generation, TokenStrip};

/// A chart, ready for a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chart {
    /// What it shows, for a heading. Not escaped.
    pub title: String,
    /// What is to be seen, in sentences, for those who do not see it. Not escaped.
    pub description: String,
    /// SVG for a screen from about 720 px.
    pub wide: String,
    /// SVG for a smaller one.
    pub narrow: String,
}

/// Which of the two a drawing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Wide,
    Narrow,
}

impl Form {
    fn width(self) -> f64 {
        match self {
            Self::Wide => 840.0,
            Self::Narrow => 340.0,
        }
    }

    /// Points that a line has at most.
    fn columns(self) -> usize {
        match self {
            Self::Wide => 600,
            Self::Narrow => 240,
        }
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

struct Heading<'a> {
    title: &'a str,
    description: &'a str,
}

/// Both forms of a chart. `said` are the sentences of its maker and those that its values add.
fn chart(title: &str, said: &[&str], draw: impl Fn(&canvas::Canvas) -> f64) -> Chart {
    let title = one_line(title);
    let said: Vec<String> = said.iter().map(|text| one_line(text)).filter(|text| !text.is_empty()).collect();
    let description = said.join(" ");
    let heading = Heading { title: &title, description: &description };
    let wide = canvas::drawing(Form::Wide, &heading, &draw);
    let narrow = canvas::drawing(Form::Narrow, &heading, &draw);
    Chart { title, description, wide, narrow }
}

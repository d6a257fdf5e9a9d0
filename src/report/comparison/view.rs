//! Two runs as they are told, every text ready to be shown: what is text of others is on one line and
//! holds nothing that cannot be seen. A page escapes it as it escapes any text.

use serde::Serialize;

use crate::report::badge::Badge;

/// Two runs beside each other, in the order in which they are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComparisonView {
    /// What is compared.
    pub title: String,
    /// The first run.
    pub a: SideView,
    /// The second.
    pub b: SideView,
    /// How far they are of one thing.
    pub likeness: LikenessView,
    /// What keeps figures from being compared, each a sentence: no speed, or no trust in it.
    pub refusals: Vec<String>,
    /// What differs around them, what weighs most first.
    pub differences: Vec<DifferenceRow>,
    /// The figures side by side.
    pub figures: Vec<FigureRow>,
    /// How the changes are to be read; empty where there is none.
    pub caption: String,
    /// The word on every prompt's output.
    pub goldens: Vec<GoldenRow>,
    /// What a reader must know of either run.
    pub warnings: Vec<WarningRow>,
    /// What to type next.
    pub commands: Vec<CommandRow>,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SideView {
    /// "A" or "B".
    pub letter: &'static str,
    /// Names the run.
    pub run_id: String,
    /// When it began, UTC.
    pub when_utc: String,
    /// The record's file.
    pub file: String,
    /// The commit's first digits and whether the tree had changes; "no commit" where there is none.
    pub commit: String,
    /// The commit's subject; empty where there is none.
    pub subject: String,
    /// The machine's name.
    pub machine: String,
    /// The model's name.
    pub model: String,
    /// What ran, with its name.
    pub device: String,
    /// OpenVINO's version.
    pub openvino: String,
    /// Prompts, tokens and processes.
    pub workload: String,
    /// The mean time per output token with its definition, or that there is no speed.
    pub speed: String,
}

/// How far two runs are of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LikenessView {
    /// "same", "environment-differs" or "unlike": for filters and styles.
    pub id: &'static str,
    /// Its glyph.
    pub mark: &'static str,
    /// Its word with a shape, for pages.
    pub badge: Badge,
    /// What it means, in our words.
    pub sentence: String,
}

/// Something that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DifferenceRow {
    /// What.
    pub what: String,
    /// In the first run.
    pub a: String,
    /// In the second.
    pub b: String,
    /// Which identity it breaks; "nothing" where runs of one thing may differ in it.
    pub breaks: &'static str,
}

/// A figure of both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FigureRow {
    /// The definition id.
    pub metric: &'static str,
    /// Its name.
    pub title: &'static str,
    /// The prompt's id; "mean" over all of them, and empty for what is of no prompt.
    pub prompt: String,
    /// The unit of both figures.
    pub unit: &'static str,
    /// "lower" or "higher".
    pub better: &'static str,
    /// In the first run; "-" where it has none.
    pub a: String,
    /// In the second.
    pub b: String,
    /// From the first to the second; "-" where they are not compared.
    pub change: String,
    /// Where the change may lie; "-" where that is not known.
    pub interval: String,
    /// What is to be said of it.
    pub said: String,
}

/// The word on a prompt's output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GoldenRow {
    /// The prompt's id.
    pub prompt: String,
    /// The glyph of the first run's word.
    pub a_mark: &'static str,
    /// The first run's word.
    pub a: &'static str,
    /// The glyph of the second run's.
    pub b_mark: &'static str,
    /// The second run's.
    pub b: &'static str,
    /// The first run's word with a shape, for pages.
    pub a_badge: Badge,
    /// The second run's.
    pub b_badge: Badge,
}

/// What a reader must know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WarningRow {
    /// "A", "B", or "A and B".
    pub of: &'static str,
    /// What is the case.
    pub message: String,
    /// What to do about it.
    pub advice: String,
}

/// Something to type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommandRow {
    /// What for.
    pub purpose: String,
    /// The command.
    pub command: String,
}

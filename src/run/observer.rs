//! Who is shown what an experiment is doing.

use crate::record::Warning;
use crate::run::schedule::RoundReport;

/// Who is shown what an experiment is doing. It decides nothing, and an experiment waits for none of its answers.
pub trait Observer {
    /// A line that stays.
    fn say(&self, line: &str);

    /// What is under way now, on a line that is redrawn.
    fn aim(&self, what: &str);

    /// Whether anybody sees that line.
    fn is_live(&self) -> bool;

    /// Something that a reader must know before the experiment ends.
    fn warn(&self, warning: &Warning);

    /// A round of several arms was measured; `figures` says in a few words what each gave.
    fn on_round(&self, report: &RoundReport<'_>, figures: &str);

    /// No worker is measured any more.
    fn finish(&self);
}

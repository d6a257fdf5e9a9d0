//! A run of ours and what another tool measured, side by side and not compared.

use crate::judge::{ForeignAverage, foreign_averages, summarise};
use crate::measure::Metric;
use crate::record::{ArmView, ForeignRecord};
use crate::report::document::{Cell, Document, Table, metric, number};
use crate::report::number::four_digits;

/// The definitions that others measure by, too.
const SHARED: [Metric; 3] = [Metric::EndToEndLatency, Metric::EndToEndPerToken, Metric::EndToEndThroughput];

/// Both columns, of definitions with one id alone, and none where the device is another.
#[must_use]
pub fn foreign_beside(ours: ArmView<'_>, theirs: &ForeignRecord) -> Document {
    let reported = &theirs.reported_by_tool;
    let mut document = Document::default();
    document.text(
        "Shown, not compared: the tokens of B were never verified, and what it ran is reported by the tool alone.",
    );
    document.fact(
        "A",
        format!(
            "run {}, model {}, device {}, {} tokens a prompt",
            ours.experiment.run_id,
            ours.model.name,
            ours.device.actual(),
            ours.workload.new_tokens
        ),
    );
    document.fact(
        "B",
        format!(
            "{}, model {}, device {}, {} tokens a prompt",
            theirs.format.title(),
            reported.model.as_deref().unwrap_or("not reported"),
            reported.device.as_deref().unwrap_or("not reported"),
            tokens(theirs).map_or_else(|| "different".to_owned(), |tokens| tokens.to_string())
        ),
    );
    let device = reported.device.as_deref();
    if !device.is_some_and(|device| device.eq_ignore_ascii_case(ours.device.actual())) {
        document.text("No value is shown: B is not reported to be of the device of A.");
        return document;
    }
    let rows = rows(ours, theirs);
    if rows.is_empty() {
        document.text("No value is shown: they have none of one definition.");
    }
    document.table(Table::new(["definition", "A", "B", "unit"]).with_rows(rows));
    document
}

/// The tokens that every row of theirs that counts has made.
fn tokens(theirs: &ForeignRecord) -> Option<u64> {
    foreign_averages(theirs).last()?.new_tokens
}

fn rows(ours: ArmView<'_>, theirs: &ForeignRecord) -> Vec<[Cell; 4]> {
    let theirs = foreign_averages(theirs);
    // The last are of all prompts, or of the only one.
    let (Some(ours), Some(whole)) = (summarise(&ours).average, theirs.last()) else { return Vec::new() };
    let row = |it: Metric| -> Option<[Cell; 4]> {
        let average = theirs.iter().find(|average| is_of(average, whole.prompt.as_ref(), it))?;
        let (a, b) = (four_digits(ours.mean.get_or_nan(it)), four_digits(average.average));
        Some([metric(it), number(Some(a)), number(Some(b)), it.unit().into()])
    };
    SHARED.into_iter().filter_map(row).collect()
}

fn is_of(average: &ForeignAverage, prompt: Option<&String>, metric: Metric) -> bool {
    average.prompt.as_ref() == prompt && average.definition.id == metric.id()
}

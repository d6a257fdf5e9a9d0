//! What the published difference of two engines consists of, on the machine that was measured.

use crate::judge::peers::{Facet, Facets, Multiple, Step, steps, whole_step};
use crate::record::{Arm, Experiment};
use crate::report::document::{Cell, Document, Table, number};
use crate::report::number::four_digits;
use crate::report::peers::{interval, result};

const HEADINGS: [&str; 6] = ["difference", "engines", "metric", "ratio", "95 % interval", "result"];

/// What was published, and the steps of one difference each.
pub(super) fn add(document: &mut Document, record: &Experiment) {
    let mut steps = steps(record);
    // An engine without speed isolates nothing.
    steps.retain(|step| step.throughput.is_some());
    document.section("What the published difference consists of here");
    document.text(published(record));
    document.table(Table::new(HEADINGS).with_rows(steps.iter().flat_map(|step| rows(record, step))));
    if let Some(whole) = whole(record) {
        document.text(whole);
    }
    let needed = [
        (Facet::HostLoop, "`--engines genai,optimum`"),
        (Facet::Attention, "`--engines genai,genai-pa`"),
        (Facet::KvCachePrecision, "`--engines genai-pa,genai-pa-i8`"),
    ];
    for (facet, engines) in needed {
        if !steps.iter().any(|step| step.facet == facet) {
            document.text(format!("{} was not isolated: {engines} isolates it", facet.words()));
        }
    }
}

fn published(record: &Experiment) -> String {
    let figure =
        |it: &crate::record::PublishedFigure| format!("{} {} tok/s", it.series, four_digits(it.value));
    let figures: Vec<String> = record.published_engines.iter().map(figure).collect();
    let [slow, fast, ..] = record.published_engines.as_slice() else { return figures.join(", ") };
    let reference = record.published.as_ref();
    let of = reference.map_or("of another machine".to_owned(), |published| {
        let differs = published.difference_to(&record.subject()).is_some();
        let here = if differs { "not of what was measured here" } else { "as here" };
        format!("of {} on {}, {here}", published.model.name, published.device.name)
    });
    format!("published: {} (ratio {}), {of}", figures.join(", "), four_digits(fast.value / slow.value))
}

/// A row for the throughput of the second engine as a multiple of the first's, and one for its TPOT.
fn rows(record: &Experiment, step: &Step) -> Vec<[Cell; 6]> {
    let (from, to) = (&record.arms[step.from], &record.arms[step.to]);
    let value = |engine| {
        let facets = Facets::of(engine);
        let value = match step.facet {
            Facet::HostLoop => Some(facets.host_loop),
            Facet::Attention => facets.attention,
            Facet::KvCachePrecision => facets.kv_cache_precision,
        };
        value.unwrap_or("-")
    };
    let row = |(metric, it): (&'static str, Multiple)| {
        [
            format!("{}, {} to {}", step.facet.words(), value(from), value(to)).into(),
            format!("{} to {}", from.label, to.label).into(),
            metric.into(),
            number(Some(four_digits(it.ratio))),
            interval(&it),
            result(&it),
        ]
    };
    let ratios = [("tok/s", step.throughput), ("TPOT", step.tpot)];
    ratios.into_iter().filter_map(|(metric, ratio)| Some(row((metric, ratio?)))).collect()
}

fn whole(record: &Experiment) -> Option<String> {
    let whole = whole_step(record)?;
    let label = |at: usize| record.arms.get(at).map(|arm: &Arm| &arm.label);
    let (lower, upper) = whole.throughput.lower.zip(whole.throughput.upper)?;
    Some(format!(
        "here the tok/s of `{}` are {} x those of `{}` [{}, {}]",
        label(whole.to)?,
        four_digits(whole.throughput.ratio),
        label(whole.from)?,
        four_digits(lower),
        four_digits(upper)
    ))
}

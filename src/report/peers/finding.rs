//! What the published difference of two engines is made of, on the machine that was measured.

use serde::Serialize;

use crate::judge::peers::{Facet, Facets, Multiple, Step, steps, whole_step};
use crate::record::{PeerRecord, PeersRecord};
use crate::report::badge::Badge;
use crate::report::number::four_digits;
use crate::report::one_line;
use crate::report::peers::view::{interval, stands};

/// The finding, told apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FindingView {
    /// What was published, and that it is of another machine, or not.
    pub published: String,
    /// From one engine to another that differs in one thing.
    pub steps: Vec<StepRow>,
    /// From the one published engine to the other, here.
    pub whole: Option<String>,
    /// What cannot be told apart with these engines, and how it could.
    pub missing: Vec<String>,
}

/// From one engine to another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepRow {
    /// The one thing, with its two values: as in "attention, sdpa to paged".
    pub what: String,
    /// The engine that it goes from.
    pub from: String,
    /// The engine that it leads to.
    pub to: String,
    /// `e2e_throughput@1` of the second as a multiple of the first's.
    pub throughput: String,
    /// Its interval.
    pub throughput_interval: String,
    /// `tpot@1` likewise.
    pub tpot: String,
    /// Its interval.
    pub tpot_interval: String,
    /// How the throughput stands, marked.
    pub badge: Option<Badge>,
}

const NONE: &str = "-";

impl FindingView {
    /// Of a record.
    #[must_use]
    pub fn of(record: &PeersRecord) -> Self {
        let engines: Vec<&PeerRecord> = record.engines().collect();
        let mut steps = steps(record);
        // An engine without speed tells nothing apart.
        steps.retain(|step| step.throughput.is_some());
        Self {
            published: published(record),
            steps: steps.iter().filter_map(|step| row(&engines, step)).collect(),
            whole: whole(record, &engines),
            missing: missing(&steps),
        }
    }
}

fn published(record: &PeersRecord) -> String {
    let figures: Vec<String> =
        record.published.iter().map(|it| format!("{} {} tok/s", it.series, four_digits(it.value))).collect();
    let [slow, fast, ..] = record.published.as_slice() else { return one_line(&figures.join(", ")) };
    let reference = record.reference.run.published.as_ref();
    let unlike = reference.and_then(|published| published.difference_to(&record.reference.run));
    let said = match (reference, unlike) {
        (Some(published), Some(_)) => {
            format!("of {} on {}, not of what was measured here", published.model.name, published.device.name)
        }
        (Some(published), None) => {
            format!("of {} on {}, as here", published.model.name, published.device.name)
        }
        (None, _) => "of another machine".to_owned(),
    };
    one_line(&format!(
        "published: {} ({} x), {said}",
        figures.join(", "),
        four_digits(fast.value / slow.value)
    ))
}

fn row(engines: &[&PeerRecord], step: &Step) -> Option<StepRow> {
    let (from, to) = (engines.get(step.from)?, engines.get(step.to)?);
    let value = |engine: &PeerRecord| {
        let facets = Facets::of(engine);
        let value = match step.facet {
            Facet::HostLoop => Some(facets.host_loop),
            Facet::Attention => facets.attention,
            Facet::KvCachePrecision => facets.kv_cache_precision,
        };
        value.unwrap_or(NONE).to_owned()
    };
    let multiple = |it: Option<Multiple>| it.map_or(NONE.to_owned(), |it| four_digits(it.ratio));
    let bounds = |it: Option<Multiple>| it.as_ref().map_or(NONE.to_owned(), interval);
    Some(StepRow {
        what: one_line(&format!("{}, {} to {}", step.facet.words(), value(from), value(to))),
        from: one_line(&from.asked),
        to: one_line(&to.asked),
        throughput: multiple(step.throughput),
        throughput_interval: bounds(step.throughput),
        tpot: multiple(step.tpot),
        tpot_interval: bounds(step.tpot),
        badge: step.throughput.as_ref().map(|it| {
            let (mark, word) = stands(it);
            Badge::new(mark, word)
        }),
    })
}

fn whole(record: &PeersRecord, engines: &[&PeerRecord]) -> Option<String> {
    let whole = whole_step(record)?;
    let (from, to) = (engines.get(whole.from)?, engines.get(whole.to)?);
    Some(one_line(&format!(
        "here `{}` gives {} x the tok/s of `{}` {}",
        to.asked,
        four_digits(whole.throughput.ratio),
        from.asked,
        interval(&whole.throughput)
    )))
}

/// Facets that no two engines of the record tell apart.
fn missing(steps: &[Step]) -> Vec<String> {
    let is_there = |facet: Facet| steps.iter().any(|step| step.facet == facet);
    let needed = [
        (Facet::HostLoop, "`--engines genai,optimum`"),
        (Facet::Attention, "`--engines genai,genai-pa`"),
        (Facet::KvCachePrecision, "`--engines genai-pa,genai-pa-i8`"),
    ];
    let missing = needed.into_iter().filter(|(facet, _)| !is_there(*facet));
    missing.map(|(facet, engines)| format!("{} was not told apart: {engines} does", facet.words())).collect()
}

//! What tells two engines apart. Where that is one thing alone, their ratio is what that thing costs or saves.
//!
//! The published table has `openvino_genai` at 27.0 and optimum-intel at 21.24 token/s. Between these lie three
//! things: the loop that drives the model, stateful or paged attention, and the precision of the KV cache.

use std::collections::BTreeMap;

use crate::judge::peers::{Multiple, RoundFigures, round_figures};
use crate::measure::Metric;
use crate::record::{Arm, Experiment};

/// A thing by which engines differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Facet {
    /// Whose loop drives the model from token to token, and prepares its graph.
    HostLoop,
    /// How past tokens are attended to; with paged attention comes the scheduler that batches requests.
    Attention,
    /// The precision of the KV cache.
    KvCachePrecision,
}

impl Facet {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::HostLoop => "host loop",
            Self::Attention => "attention and its scheduler",
            Self::KvCachePrecision => "KV-cache precision",
        }
    }
}

/// What an engine is made of, as far as it was reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facets<'a> {
    /// As in "arcgauge" or "optimum-intel".
    pub host_loop: &'a str,
    /// "sdpa" or "paged"; None where it was not reported.
    pub attention: Option<&'a str>,
    /// As read back; None where it was not reported.
    pub kv_cache_precision: Option<&'a str>,
    /// Every other property that was read back.
    others: BTreeMap<&'a str, &'a str>,
    /// What was asked of this engine alone, the KV cache's precision apart.
    own: Vec<&'a str>,
}

/// The property whose value is a facet of its own.
const KV_CACHE_PRECISION: &str = "KV_CACHE_PRECISION";
/// Hosts in the order in which steps go: from what was published as the slower one.
const HOSTS: [&str; 3] = [Arm::OPTIMUM_INTEL, Arm::OPENVINO_GENAI, Arm::ARCGAUGE];
/// Precisions from the widest to the narrowest.
const PRECISIONS: [&str; 7] = ["f32", "bf16", "f16", "i8", "u8", "i4", "u4"];
const ATTENTIONS: [&str; 2] = ["sdpa", "paged"];

impl<'a> Facets<'a> {
    /// Those of an engine.
    #[must_use]
    pub fn of(engine: &'a Arm) -> Self {
        let properties = engine.runtime.iter().flat_map(|runtime| &runtime.properties_effective);
        let mut others: BTreeMap<&str, &str> =
            properties.map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Self {
            host_loop: &engine.host_loop,
            attention: engine.attention.as_deref(),
            kv_cache_precision: others.remove(KV_CACHE_PRECISION),
            others,
            own: engine
                .differences
                .iter()
                .map(String::as_str)
                .filter(|reported| reported.split('=').next() != Some(KV_CACHE_PRECISION))
                .collect(),
        }
    }

    /// The one thing in which another differs; None where it is none, several, or not known.
    #[must_use]
    pub fn single_difference(&self, other: &Self) -> Option<Facet> {
        let reported = |one: Option<&str>, other: Option<&str>| Some(one? != other?);
        let differ = [
            (Facet::HostLoop, self.host_loop != other.host_loop),
            (Facet::Attention, reported(self.attention, other.attention)?),
            (Facet::KvCachePrecision, reported(self.kv_cache_precision, other.kv_cache_precision)?),
        ];
        let mut differences = differ.into_iter().filter(|(_, differs)| *differs);
        let first = differences.next().filter(|_| self.is_set_as(other))?.0;
        differences.next().is_none().then_some(first)
    }

    /// Whether both run with the same properties, as far as both tell, but for the KV cache's precision.
    fn is_set_as(&self, other: &Self) -> bool {
        let both = |name: &&&str| other.others.contains_key(**name);
        let read_back =
            self.others.keys().filter(both).all(|name| self.others.get(name) == other.others.get(name));
        read_back && self.own == other.own
    }

    fn is_compressed(&self) -> bool {
        matches!(self.kv_cache_precision, Some("i8" | "u8"))
    }

    /// This engine's place on the way that steps go.
    fn rank(&self) -> [usize; 3] {
        let place = |known: &[&str], word: Option<&str>| {
            word.and_then(|word| known.iter().position(|it| *it == word)).unwrap_or(known.len())
        };
        [
            place(&HOSTS, Some(self.host_loop)),
            place(&ATTENTIONS, self.attention),
            place(&PRECISIONS, self.kv_cache_precision),
        ]
    }
}

/// From one engine to another that differs in one thing alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// In what.
    pub facet: Facet,
    /// The engine that it goes from, by its place.
    pub from: usize,
    /// The engine that it leads to.
    pub to: usize,
    /// `tpot@1` of `to` as a multiple of that of `from`; None where either has no speed.
    pub tpot: Option<Multiple>,
    /// The same of `e2e_throughput@1`, the published figure.
    pub throughput: Option<Multiple>,
}

/// The two engines that were published, and how they stand here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WholeStep {
    /// optimum-intel, by its place.
    pub from: usize,
    /// `openvino_genai`, by its place.
    pub to: usize,
    /// `e2e_throughput@1` of `to` as a multiple of that of `from`.
    pub throughput: Multiple,
}

/// Every step between two engines of the record: by facet, then in the order requested.
#[must_use]
pub fn steps(record: &Experiment) -> Vec<Step> {
    let of_rounds = round_figures(record);
    let facets: Vec<Facets<'_>> = record.arms.iter().map(Facets::of).collect();
    let mut steps = Vec::new();
    for (at, one) in facets.iter().enumerate() {
        for (later, other) in facets.iter().enumerate().skip(at + 1) {
            let Some(facet) = one.single_difference(other) else { continue };
            let (from, to) = if one.rank() <= other.rank() { (at, later) } else { (later, at) };
            steps.push(step(&of_rounds, facet, from, to));
        }
    }
    steps.sort_by_key(|step| step.facet);
    steps
}

fn step(of_rounds: &[RoundFigures], facet: Facet, from: usize, to: usize) -> Step {
    Step {
        facet,
        from,
        to,
        tpot: Multiple::of(Metric::TimePerOutputToken, of_rounds, to, from),
        throughput: Multiple::of(Metric::EndToEndThroughput, of_rounds, to, from),
    }
}

/// From optimum-intel to `openvino_genai` as each comes, stateful with the wider cache to paged with the narrower
/// one: what was published as 21.24 and 27.0. None where the record has not both.
#[must_use]
pub fn whole_step(record: &Experiment) -> Option<WholeStep> {
    let facets: Vec<Facets<'_>> = record.arms.iter().map(Facets::of).collect();
    let place = |wanted: &dyn Fn(&Facets<'_>) -> bool| facets.iter().position(wanted);
    let from = place(&|it| it.host_loop == Arm::OPTIMUM_INTEL && !it.is_compressed())?;
    let is_paged =
        |it: &Facets<'_>| it.host_loop == Arm::OPENVINO_GENAI && it.attention == Some(ATTENTIONS[1]);
    let to = place(&|it| is_paged(it) && it.is_compressed() && it.is_set_as(&facets[from]))?;
    let of_rounds = round_figures(record);
    let throughput = Multiple::of(Metric::EndToEndThroughput, &of_rounds, to, from)?;
    Some(WholeStep { from, to, throughput })
}

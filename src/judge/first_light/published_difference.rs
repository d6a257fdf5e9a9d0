//! Which part of the published 27.0 against 21.24 tok/s is the host loop, the attention, the KV cache.
//!
//! The published figures are those of `openvino_genai`'s paged attention and of optimum-intel, and differ in all
//! three. Here each difference is measured between two engines that differ in it alone.

use crate::judge::first_light::paged_attention::of_gpu;
use crate::judge::first_light::{ClaimResult, Evidence};
use crate::judge::peers::{Facet, Multiple, Step, steps};
use crate::record::{Arm, Experiment};

pub(super) fn published_difference(evidence: &Evidence) -> ClaimResult {
    let record = match of_gpu(evidence) {
        Ok(record) => record,
        Err(word) => return word,
    };
    let parts: Vec<Part> = Part::all(record);
    let text: Vec<String> = parts.iter().map(Part::text).collect();
    let text = format!("{}{}", published(record), text.join("; "));
    let missing: Vec<&str> = [Facet::HostLoop, Facet::Attention, Facet::KvCachePrecision]
        .into_iter()
        .filter(|facet| parts.iter().all(|part| part.facet != *facet))
        .map(Facet::words)
        .collect();
    if !missing.is_empty() {
        return ClaimResult::not_observed(format!(
            "no two engines differ in {} alone; {text}",
            missing.join(" and ")
        ));
    }
    let product: f64 = parts.iter().map(|part| part.multiple.ratio).product();
    parts.iter().fold(
        ClaimResult::yes(format!("{text}; together {product:.3} x"))
            .with("product_throughput_ratio", product),
        |word, part| word.with(part.figure(), part.multiple.ratio),
    )
}

/// What was published, where the record has it.
fn published(record: &Experiment) -> String {
    let of = |engine: &str| record.published_engines.iter().find(|figure| figure.series.contains(engine));
    match (of(Arm::OPENVINO_GENAI), of(Arm::OPTIMUM_INTEL)) {
        (Some(genai), Some(optimum)) => format!(
            "published {:.2} against {:.2} tok/s, {:.3} x; measured ",
            genai.value,
            optimum.value,
            genai.value / optimum.value
        ),
        _ => String::new(),
    }
}

/// One difference, with the engines that it was measured between.
struct Part {
    facet: Facet,
    from: String,
    to: String,
    multiple: Multiple,
}

impl Part {
    /// For each difference the first two engines that have speeds; of host loops those that were published,
    /// else whichever were measured.
    fn all(record: &Experiment) -> Vec<Self> {
        let engines: Vec<&Arm> = record.arms.iter().collect();
        let mut steps: Vec<Step> = steps(record);
        let is_published =
            |step: &Step| engines.get(step.from).is_some_and(|engine| engine.host_loop == Arm::OPTIMUM_INTEL);
        steps.sort_by_key(|step| (step.facet, !is_published(step)));
        let mut parts: Vec<Self> = Vec::new();
        for step in steps {
            let Some(multiple) = step.throughput else { continue };
            let (Some(from), Some(to)) = (engines.get(step.from), engines.get(step.to)) else { continue };
            if parts.iter().all(|part| part.facet != step.facet) {
                let (from, to) = (from.label.clone(), to.label.clone());
                parts.push(Self { facet: step.facet, from, to, multiple });
            }
        }
        parts
    }

    fn text(&self) -> String {
        let Multiple { ratio, rounds, lower, upper, .. } = self.multiple;
        let interval = match (lower, upper) {
            (Some(lower), Some(upper)) => format!("[{lower:.3}, {upper:.3}] over {rounds} rounds"),
            _ => "in one round, without an interval".to_owned(),
        };
        format!("{} {ratio:.3} x tok/s {interval} (`{}` to `{}`)", self.facet.words(), self.from, self.to)
    }

    fn figure(&self) -> &'static str {
        match self.facet {
            Facet::HostLoop => "host_loop_throughput_ratio",
            Facet::Attention => "attention_throughput_ratio",
            Facet::KvCachePrecision => "kv_cache_throughput_ratio",
        }
    }
}

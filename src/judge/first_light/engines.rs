//! SDPA against paged attention, on the GPU: both as `openvino_genai` has them, so that nothing else differs.

use crate::engine::openvino::DeviceKind;
use crate::golden::GoldenResult;
use crate::judge::first_light::{
    ClaimResult, Evidence, Judged, is_genuine, no, not_observed, without_reason, yes,
};
use crate::judge::peers::{Facet, Facets, Multiple, Step, round_values, steps};
use crate::judge::summarise;
use crate::record::{Arm, Experiment, Outcome, ProvenDevice};

pub(super) fn paged_attention(evidence: &Evidence) -> Judged {
    attentions(of_gpu(evidence)?).or_else(not_observed)
}

/// The record of engines that all ran on the GPU and gave right output; else the
/// answer to every claim about it.
fn of_gpu(evidence: &Evidence) -> Judged<&Experiment> {
    let record = evidence.tried(&evidence.peers)?;
    let ran = |engine: &Arm| engine.device.ran.as_ref().map(ProvenDevice::kind);
    if let Some(engine) = record.arms.iter().find(|engine| ran(engine) == Some(DeviceKind::Cpu)) {
        let reason = evidence.cpu_ran(engine.device.reason.as_deref());
        return not_observed(match on_the_cpu(record) {
            Some(seen) => format!("{reason}; there {seen}"),
            None => reason,
        });
    }
    record.arms.iter().try_for_each(is_genuine)?;
    let on_gpu = record.arms.iter().any(|engine| ran(engine) == Some(DeviceKind::Gpu));
    if !on_gpu && !evidence.expects_a_gpu() {
        return not_observed(format!("nothing ran: {}", failure(record)));
    }
    if let Some(wrong) = wrong_output(record) {
        return no(wrong);
    }
    match record.outcome {
        Outcome::Failed | Outcome::WrongOutput => return no(failure(record)),
        Outcome::Interrupted | Outcome::NotMeasured => {
            return not_observed(failure(record));
        }
        Outcome::Complete => {}
    }
    // Of a complete run every engine is proven; a record of somebody else's may be without.
    match record.arms.iter().find(|engine| ran(engine).is_none()) {
        Some(engine) => not_observed(format!("nothing shows that `{}` ran on the GPU", engine.label)),
        None => Ok(record),
    }
}

/// Both ways to attend to past tokens, measured interleaved; the engines of the record gave right output.
///
/// # Errors
/// Why nothing is known of the two.
fn attentions(record: &Experiment) -> Result<ClaimResult, String> {
    let of_rounds = round_values(record);
    if !of_rounds.iter().any(|round| round.counts) {
        let why = of_rounds.iter().find_map(|round| round.invalidated_by.first());
        return Err(match why {
            Some(why) => format!("no round counts: {why}"),
            None => "no round was measured".to_owned(),
        });
    }
    let step = steps(record).into_iter().find(|step| step.facet == Facet::Attention);
    let both = step.as_ref().and_then(|step| Some((record.arms.get(step.from)?, record.arms.get(step.to)?)));
    let (sdpa, paged) = both.ok_or_else(|| not_distinguished(record))?;
    let multiple = step.and_then(|step| step.throughput);
    let multiple = multiple.ok_or("no round has a speed of both SDPA and paged attention")?;
    let speed = |engine: &Arm| {
        let average = summarise(engine).average;
        average
            .map(|average| average.throughput().value)
            .ok_or_else(|| format!("`{}` has no speed", engine.label))
    };
    let (sdpa_tok_s, paged_tok_s) = (speed(sdpa)?, speed(paged)?);
    let Multiple { ratio, rounds, .. } = multiple;
    let result = yes(format!(
        "paged attention gives {ratio:.3} x the tok/s of SDPA {}: {paged_tok_s:.2} and {sdpa_tok_s:.2} tok/s with \
         the prefill, the KV cache `{}` in both; {}",
        interval(&multiple, "which has no interval"),
        precision(sdpa),
        tokens(record)?
    ));
    Ok(result
        .with("sdpa_throughput_tok_s", sdpa_tok_s)
        .with("paged_throughput_tok_s", paged_tok_s)
        .with("paged_to_sdpa_throughput_ratio", ratio)
        .with("rounds", rounds as f64)
        .with("paged_to_sdpa_throughput_ratio_lower", multiple.lower)
        .with("paged_to_sdpa_throughput_ratio_upper", multiple.upper))
}

/// As in "[1.081, 1.142] over 3 rounds"; a single round has none, which is said so.
fn interval(multiple: &Multiple, none: &str) -> String {
    match (multiple.lower, multiple.upper) {
        (Some(lower), Some(upper)) => format!("[{lower:.3}, {upper:.3}] over {} rounds", multiple.rounds),
        _ => format!("in one round, {none}"),
    }
}

/// What a CPU showed; None where it came to no good end there.
fn on_the_cpu(record: &Experiment) -> Option<String> {
    if let Some(wrong) = wrong_output(record) {
        return Some(wrong);
    }
    let is_complete = record.outcome == Outcome::Complete;
    is_complete.then(|| attentions(record).map_or_else(|reason| reason, |seen| seen.reason))
}

/// Which engine's output is wrong, and where.
fn wrong_output(record: &Experiment) -> Option<String> {
    let broken = |engine: &Arm| {
        let prompts = engine.prompts.iter().filter(|prompt| prompt.golden == GoldenResult::Break);
        let reported: Vec<String> = prompts
            .map(|prompt| match &prompt.divergence {
                Some(it) => format!("`{}` at token {}", prompt.id, it.position + 1),
                None => format!("`{}`", prompt.id),
            })
            .collect();
        (!reported.is_empty())
            .then(|| format!("the output of `{}` is wrong: {}", engine.label, reported.join(", ")))
    };
    let reported: Vec<String> = record.arms.iter().filter_map(broken).collect();
    (!reported.is_empty()).then(|| reported.join("; "))
}

/// How the tokens of all engines compare.
fn tokens(record: &Experiment) -> Result<&'static str, String> {
    let mut worst = GoldenResult::Match;
    for engine in &record.arms {
        let golden = summarise(engine).golden;
        let golden = golden.ok_or_else(|| format!("the tokens of `{}` were not judged", engine.label))?;
        worst = worst.max(golden);
    }
    Ok(match worst {
        GoldenResult::Match => "every token is the golden one",
        GoldenResult::None => "all engines give the same tokens, and not every prompt has a golden",
        GoldenResult::NearTie => "tokens differ at near-ties alone",
        GoldenResult::Break => return Err("the output of an engine is wrong".to_owned()),
    })
}

/// Why two ways of attending are not distinguished.
fn not_distinguished(record: &Experiment) -> String {
    let reported = record.arms.iter().map(|engine| {
        let attention = engine.attention.as_deref().unwrap_or("unknown");
        format!("`{}` {attention} with a KV cache `{}`", engine.label, precision(engine))
    });
    let reported: Vec<String> = reported.collect();
    format!("no two engines are known to differ in attention alone: {}", reported.join(", "))
}

fn precision(engine: &Arm) -> &str {
    Facets::of(engine).kv_cache_precision.unwrap_or("unknown")
}

fn failure(record: &Experiment) -> String {
    let without_reason = match record.outcome {
        Outcome::WrongOutput => "the output of an engine is wrong".to_owned(),
        outcome => format!("`peers`: {}", without_reason(outcome)),
    };
    record.failure.clone().unwrap_or(without_reason)
}

pub(super) fn published_difference(evidence: &Evidence) -> Judged {
    let record = of_gpu(evidence)?;
    let parts: Vec<Part> = Part::all(record);
    let text: Vec<String> = parts.iter().map(Part::text).collect();
    let text = format!("{}{}", published(record), text.join("; "));
    let missing: Vec<&str> = [Facet::HostLoop, Facet::Attention, Facet::KvCachePrecision]
        .into_iter()
        .filter(|facet| parts.iter().all(|part| part.facet != *facet))
        .map(Facet::words)
        .collect();
    if !missing.is_empty() {
        return not_observed(format!("no two engines differ in {} alone; {text}", missing.join(" and ")));
    }
    let product: f64 = parts.iter().map(|part| part.multiple.ratio).product();
    let result = yes(format!("{text}; together {product:.3} x")).with("product_throughput_ratio", product);
    Ok(parts.iter().fold(result, |result, part| result.with(part.fact_id(), part.multiple.ratio)))
}

/// What was published, where the record has it.
fn published(record: &Experiment) -> String {
    let of = |engine: &str| {
        record.published_engines.iter().find(|metric_value| metric_value.series.contains(engine))
    };
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
        let engines = &record.arms;
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
        let (ratio, interval) = (self.multiple.ratio, interval(&self.multiple, "without an interval"));
        format!("{} {ratio:.3} x tok/s {interval} (`{}` to `{}`)", self.facet.words(), self.from, self.to)
    }

    fn fact_id(&self) -> &'static str {
        match self.facet {
            Facet::HostLoop => "host_loop_throughput_ratio",
            Facet::Attention => "attention_throughput_ratio",
            Facet::KvCachePrecision => "kv_cache_throughput_ratio",
        }
    }
}

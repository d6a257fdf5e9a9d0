//! What an arm says of next-token distributions: no comparison is of more steps than were compared. What one of `kv` says
//! of its change: uses are those of its generations and lie within their time, no agreement is
//! of more steps than were compared, and the first arm changes nothing.

use crate::engine::ModelShape;
use crate::measure::kv::{KvAgreement, KvMethod, KvUse};
use crate::record::consistency::{ArmAt, Found};
use crate::record::{KvRecord, Outcome, SampleRecord};

/// No packed row takes more bytes an element: groups of one element, each with a scale and an offset, take less.
const MOST_PACKED_BYTES_PER_ELEMENT: u128 = 8;
/// No text that is compared has more steps.
const MOST_STEPS: usize = 1 << 24;

pub(super) fn check_kv(arm: &ArmAt<'_>, found: &mut Found) {
    let Some(kv) = &arm.run.kv else { return };
    if kv.transform != arm.run.label {
        let other = format!("`{}` is `{}`", arm.field("label"), arm.run.label);
        found.add(arm.field("kv.transform"), &kv.transform, other);
    }
    if (kv.method == KvMethod::Unchanged) != (arm.at == 0) {
        found.add(
            arm.field("kv.method"),
            kv.method.as_str(),
            "the first arm alone leaves the cache as it is",
        );
    }
    if arm.at == 0 && !kv.agreements.is_empty() {
        let other = "the first arm is what the others are compared with";
        found.add(arm.field("kv.agreements.length"), kv.agreements.len(), other);
    }
    for (at, agreement) in kv.agreements.iter().enumerate() {
        let field = |name: &str| arm.field(&format!("kv.agreements[{at}].{name}"));
        check_agreement(agreement, field, found);
    }
    let before = &kv.agreements;
    let is_again =
        |at: usize| before[..at].iter().any(|it| (&it.text, it.seed) == (&before[at].text, before[at].seed));
    if let Some(at) = (0..before.len()).find(|at| is_again(*at)) {
        let field = arm.field(&format!("kv.agreements[{at}].text"));
        found.add(field, &before[at].text, "an earlier one is of that text and seed");
    }
    check_uses(arm, kv, found);
}

/// The drift of next-token distributions: amounts, and each text once.
pub(super) fn check_distribution_drift(arm: &ArmAt<'_>, found: &mut Found) {
    let Some(drift) = &arm.run.distribution_drift else { return };
    for (at, text) in drift.texts.iter().enumerate() {
        let field = |name: &str| arm.field(&format!("distribution_drift.texts[{at}].{name}"));
        if !(1..=MOST_STEPS).contains(&text.steps) || text.agreed_steps > text.steps {
            let other = format!("`{}` is `{}`", field("agreed_steps"), text.agreed_steps);
            found.add(field("steps"), text.steps, other);
        }
        if !(0.0..=text.largest_kl_nats).contains(&text.mean_kl_nats) {
            let other = format!("`{}` is `{}`", field("largest_kl_nats"), text.largest_kl_nats);
            found.add(field("mean_kl_nats"), text.mean_kl_nats, other);
        }
        if text.largest_logit_difference < 0.0 {
            found.add(field("largest_logit_difference"), text.largest_logit_difference, "it is an amount");
        }
        if drift.texts[..at].iter().any(|before| before.text == text.text) {
            found.add(field("text"), &text.text, "an earlier one is of that text");
        }
    }
}

fn check_agreement(agreement: &KvAgreement, field: impl Fn(&str) -> String, found: &mut Found) {
    let KvAgreement { steps, agreed_steps, first_difference, .. } = agreement;
    if !(1..=MOST_STEPS).contains(steps) {
        found.add(field("steps"), steps, format!("a text has 1 to {MOST_STEPS} steps"));
    }
    if agreed_steps > steps || (agreed_steps < steps) != first_difference.is_some() {
        let first = first_difference.map_or("null".to_owned(), |at| at.to_string());
        let other =
            format!("`{}` is `{steps}` and `{}` is `{first}`", field("steps"), field("first_difference"));
        found.add(field("agreed_steps"), agreed_steps, other);
    }
    // Before the first difference all steps agree.
    if let Some(first) = first_difference.filter(|first| first >= steps || first > agreed_steps) {
        let other = format!("`{}` is `{agreed_steps}` of {steps}", field("agreed_steps"));
        found.add(field("first_difference"), first, other);
    }
    let mean = agreement.mean_kl_nats;
    if mean > agreement.largest_kl_nats {
        let other = format!("`{}` is `{}`", field("largest_kl_nats"), agreement.largest_kl_nats);
        found.add(field("mean_kl_nats"), mean, other);
    }
    if agreement.largest_margin_change_logit < 0.0 {
        let change = agreement.largest_margin_change_logit;
        found.add(field("largest_margin_change_logit"), change, "it is an amount");
    }
}

fn check_uses(arm: &ArmAt<'_>, kv: &KvRecord, found: &mut Found) {
    let is_whole = arm.has_values() && arm.run.outcome == Outcome::Complete;
    if kv.uses.is_empty() || !is_whole {
        return;
    }
    let fed =
        |sample: &SampleRecord| (sample.prompt_tokens + sample.token_ids.len()).saturating_sub(1) as u64;
    let mut of_samples: Vec<u64> = arm.run.measured_samples().map(fed).collect();
    let mut of_uses: Vec<u64> = kv.uses.iter().map(|it| it.tokens).collect();
    of_samples.sort_unstable();
    of_uses.sort_unstable();
    if of_uses != of_samples {
        let longest = of_uses.last().copied().unwrap_or_default();
        let other = format!(
            "{} measured generations were fed up to {} tokens",
            of_samples.len(),
            of_samples.last().copied().unwrap_or_default()
        );
        found.add(arm.field("kv.uses"), format!("{} of up to {longest} tokens", of_uses.len()), other);
        return;
    }
    let elements = arm.run.model.shape.as_ref().and_then(ModelShape::kv_elements_per_token);
    for (at, it) in kv.uses.iter().enumerate() {
        let field = |name: &str| arm.field(&format!("kv.uses[{at}].{name}"));
        let tokens = || format!("`{}` is `{}`", field("tokens"), it.tokens);
        if it.rows > it.tokens {
            found.add(field("rows"), it.rows, tokens());
        }
        if it.changes > arm.run.workload.new_tokens as u64 {
            let other =
                format!("`{}` is `{}`", arm.field("workload.new_tokens"), arm.run.workload.new_tokens);
            found.add(field("changes"), it.changes, other);
        }
        let most = elements
            .map(|elements| u128::from(elements) * u128::from(it.rows) * MOST_PACKED_BYTES_PER_ELEMENT);
        if most.is_some_and(|most| u128::from(it.packed_bytes) > most) {
            found.add(field("packed_bytes"), it.packed_bytes, tokens());
        }
    }
    let spans = arm.run.measured_samples().map(|sample| SampleRecord::span(std::iter::once(sample)));
    let Some(spans) = spans.collect::<Option<Vec<_>>>() else { return };
    let generated_ns: u128 = spans.iter().map(|(start, end)| u128::from(end.saturating_sub(*start))).sum();
    let changing =
        |it: &KvUse| [it.read_ns, it.transform_ns, it.write_ns].map(u128::from).iter().sum::<u128>();
    let changing_ns: u128 = kv.uses.iter().map(changing).sum();
    if changing_ns > generated_ns {
        let other = format!("all measured generations took `{generated_ns}` ns");
        found.add(arm.field("kv.uses"), format!("{changing_ns} ns of changes"), other);
    }
}

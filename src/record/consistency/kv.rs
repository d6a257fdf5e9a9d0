//! What an arm says of next-token distributions: no comparison is of more steps than were compared. What one of `kv` says
//! of its change: uses are those of its generations and lie within their time, no agreement is
//! of more steps than were compared, and the first arm changes nothing.

use crate::engine::ModelShape;
use crate::measure::kv::{KvAgreement, KvMethod, KvUse};
use crate::record::consistency::{ArmAt, Found, is};
use crate::record::{KvRecord, Outcome, SampleRecord};

/// No packed row takes more bytes an element: groups of one element, each with a scale and an offset, take less.
const MOST_PACKED_BYTES_PER_ELEMENT: u128 = 8;
/// No text that is compared has more steps.
const MOST_STEPS: usize = 1 << 24;

pub(super) fn check_kv(arm: &ArmAt<'_>, found: &mut Found) {
    let Some(kv) = &arm.run.kv else { return };
    let label = &arm.run.label;
    let other = is(arm.field("label"), label);
    found.unless(kv.transform == *label, arm.field("kv.transform"), &kv.transform, other);
    let is_expected = (kv.method == KvMethod::Unchanged) == (arm.at == 0);
    let other = "the first arm alone leaves the cache as it is";
    found.unless(is_expected, arm.field("kv.method"), kv.method.as_str(), other);
    let is_expected = arm.at > 0 || kv.agreements.is_empty();
    let other = "the first arm is what the others are compared with";
    found.unless(is_expected, arm.field("kv.agreements.length"), kv.agreements.len(), other);
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
        let fits = (1..=MOST_STEPS).contains(&text.steps) && text.agreed_steps <= text.steps;
        found.unless(fits, field("steps"), text.steps, is(field("agreed_steps"), text.agreed_steps));
        let (mean, largest) = (text.mean_kl_nats, text.largest_kl_nats);
        let fits = (0.0..=largest).contains(&mean);
        found.unless(fits, field("mean_kl_nats"), mean, is(field("largest_kl_nats"), largest));
        amount(text.largest_logit_difference, field("largest_logit_difference"), found);
        let is_again = drift.texts[..at].iter().any(|before| before.text == text.text);
        found.unless(!is_again, field("text"), &text.text, "an earlier one is of that text");
    }
}

fn amount(value: f64, field: String, found: &mut Found) {
    let is_negative = value < 0.0;
    found.unless(!is_negative, field, value, "it is an amount");
}

fn check_agreement(agreement: &KvAgreement, field: impl Fn(&str) -> String, found: &mut Found) {
    let KvAgreement { steps, agreed_steps, first_difference, .. } = agreement;
    let other = format!("a text has 1 to {MOST_STEPS} steps");
    found.unless((1..=MOST_STEPS).contains(steps), field("steps"), steps, other);
    let fits = agreed_steps <= steps && (agreed_steps < steps) == first_difference.is_some();
    let first = first_difference.map_or("null".to_owned(), |at| at.to_string());
    let other = format!("{} and {}", is(field("steps"), steps), is(field("first_difference"), first));
    found.unless(fits, field("agreed_steps"), agreed_steps, other);
    // Before the first difference all steps agree.
    if let Some(first) = first_difference.filter(|first| first >= steps || first > agreed_steps) {
        let other = format!("{} of {steps}", is(field("agreed_steps"), agreed_steps));
        found.add(field("first_difference"), first, other);
    }
    let (mean, largest) = (agreement.mean_kl_nats, agreement.largest_kl_nats);
    let is_more = mean > largest;
    found.unless(!is_more, field("mean_kl_nats"), mean, is(field("largest_kl_nats"), largest));
    amount(agreement.largest_margin_change_logit, field("largest_margin_change_logit"), found);
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
        let tokens = || is(field("tokens"), it.tokens);
        found.unless(it.rows <= it.tokens, field("rows"), it.rows, tokens());
        let new_tokens = arm.run.workload.new_tokens;
        let other = is(arm.field("workload.new_tokens"), new_tokens);
        found.unless(it.changes <= new_tokens as u64, field("changes"), it.changes, other);
        let most = elements
            .map(|elements| u128::from(elements) * u128::from(it.rows) * MOST_PACKED_BYTES_PER_ELEMENT);
        let fits = most.is_none_or(|most| u128::from(it.packed_bytes) <= most);
        found.unless(fits, field("packed_bytes"), it.packed_bytes, tokens());
    }
    let spans = arm.run.measured_samples().map(|sample| SampleRecord::span(std::iter::once(sample)));
    let Some(spans) = spans.collect::<Option<Vec<_>>>() else { return };
    let generated_ns: u128 = spans.iter().map(|(start, end)| u128::from(end.saturating_sub(*start))).sum();
    let changing =
        |it: &KvUse| [it.read_ns, it.transform_ns, it.write_ns].map(u128::from).iter().sum::<u128>();
    let changing_ns: u128 = kv.uses.iter().map(changing).sum();
    let other = format!("all measured generations took `{generated_ns}` ns");
    let value = format!("{changing_ns} ns of changes");
    found.unless(changing_ns <= generated_ns, arm.field("kv.uses"), value, other);
}

//! Whether a profile is of its arm's workload and adds up: of a requested prompt at its depth, its operators once each and
//! with a time that a step has room for.

use std::collections::HashSet;

use crate::measure::Profile;
use crate::record::consistency::{ArmAt, Found, is};

/// No profile has more steps.
const MOST_STEPS: usize = 1 << 20;
/// Operators of a list: those with a name, and the rest of each kind.
const MOST_OPERATORS: usize = 4 * Profile::MOST_NAMED;
/// Queues of a device may overlap: its operators together take no longer than so many times the step.
const OVERLAP_FACTOR: f64 = 2.0;

pub(super) fn check_profile(arm: &ArmAt<'_>, found: &mut Found) {
    let Some(profile) = &arm.run.profile else { return };
    let field = |name: &str| arm.field(&format!("profile.{name}"));
    let prompt = arm.run.workload.prompts.iter().find(|prompt| prompt.id == profile.prompt_id);
    match prompt.map(|prompt| prompt.input().depth_tokens()) {
        None => {
            let other = format!("`{}` has no such prompt", arm.field("workload.prompts"));
            found.add(field("prompt_id"), &profile.prompt_id, other);
        }
        Some(depth) if depth != profile.depth_tokens => {
            let other = format!("prompt `{}` has {depth} tokens", profile.prompt_id);
            found.add(field("depth_tokens"), profile.depth_tokens, other);
        }
        Some(_) => {}
    }
    let other = format!("a profile is of 1 to {MOST_STEPS} steps");
    found.unless((1..=MOST_STEPS).contains(&profile.steps), field("steps"), profile.steps, other);
    let fits = profile.wall_us.is_finite() && profile.wall_us > 0.0;
    found.unless(fits, field("wall_us"), profile.wall_us, "every step takes time");
    let operators = &profile.operators;
    if operators.len() > MOST_OPERATORS {
        found.add(field("operators.length"), operators.len(), format!("{MOST_OPERATORS} are stored at most"));
        return;
    }
    let mut seen = HashSet::new();
    for (at, operator) in operators.iter().enumerate() {
        let field = |name: &str| arm.field(&format!("profile.operators[{at}].{name}"));
        for (name, text) in [("kind", &operator.kind), ("name", &operator.name)] {
            let other = format!("it has {} bytes at most", Profile::LONGEST_NAME);
            found.unless(text.len() <= Profile::LONGEST_NAME, field(name), text, other);
        }
        let other = "an operator that is not there has no time";
        found.unless(operator.count > 0, field("count"), operator.count, other);
        let fits = operator.time_us.is_finite() && operator.time_us >= 0.0;
        found.unless(fits, field("time_us"), operator.time_us, "it is an amount of time");
        let is_new = seen.insert((&operator.kind, &operator.name));
        let other = "an earlier operator has this kind and name";
        found.unless(is_new, field("name"), &operator.name, other);
    }
    let operators_us = profile.operators_us();
    let is_too_long = operators_us > OVERLAP_FACTOR * profile.wall_us;
    let (value, other) = (format!("{operators_us} us in all"), is(field("wall_us"), profile.wall_us));
    found.unless(!is_too_long, field("operators"), value, other);
}

//! What must be known of a load: another device than asked for, properties not taken.

use std::collections::BTreeMap;

use crate::cli::say;
use crate::record::Warning;

/// A load, as far as it gives reason to warn.
pub(super) struct AsLoaded<'a> {
    pub(super) requested: &'a str,
    pub(super) target: &'a str,
    pub(super) fallback_because: Option<&'a str>,
    pub(super) emulated_reason: Option<&'a str>,
    pub(super) asked: &'a BTreeMap<String, String>,
    pub(super) effective: &'a BTreeMap<String, String>,
}

/// The warnings.
pub(super) fn of(load: &AsLoaded<'_>) -> Vec<Warning> {
    let fallback = load.fallback_because.map(|because| {
        Warning::new(
            "device-fallback",
            format!("`{}` was asked for and {} runs: {because}", load.requested, load.target),
            "these figures are the CPU's; `--device CPU` says so without this warning",
        )
    });
    let emulated = load.emulated_reason.map(|reason| {
        Warning::new(
            "device-emulated",
            format!("`{}` is emulated: {reason}", load.target),
            "its tokens can be checked; its times are no baseline, pass no gate and are compared with nothing",
        )
    });
    let properties =
        load.asked.iter().filter_map(|(key, value)| property(key, value, load.effective.get(key)));
    fallback.into_iter().chain(emulated).chain(properties).collect()
}

/// Says them at once, for a run may take long.
pub(super) fn tell(warnings: &[Warning]) {
    for warning in warnings {
        say(&format!("warning: {}\n  {}", warning.message, warning.advice));
    }
}

/// A property that the runtime did not take as it was asked for, or does not tell.
fn property(key: &str, asked: &str, effective: Option<&String>) -> Option<Warning> {
    let asked_for = format!("`{key}={asked}` was asked for");
    match effective {
        Some(effective) if effective == asked => None,
        Some(effective) => Some(Warning::new(
            "property-not-taken",
            format!("{asked_for}, and OpenVINO uses `{effective}`"),
            "the record has both; figures belong to what was used",
        )),
        None => Some(Warning::new(
            "property-not-read-back",
            format!("{asked_for}, and OpenVINO does not tell whether it uses it"),
            "the record has what was asked for only",
        )),
    }
}

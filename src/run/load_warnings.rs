//! What must be known of a load: another device than requested, properties not taken.

use std::collections::BTreeMap;

use crate::record::Warning;

/// A load, as far as it gives reason to warn.
pub struct AsLoaded<'a> {
    /// The device, as the user requested it.
    pub requested: &'a str,
    /// The device that runs.
    pub target: &'a str,
    /// Why another device runs.
    pub fallback_reason: Option<&'a str>,
    /// Why the device is known to be emulated.
    pub emulated_reason: Option<&'a str>,
    /// Properties that were requested.
    pub properties: &'a BTreeMap<String, String>,
    /// Properties that were read back.
    pub effective: &'a BTreeMap<String, String>,
}

/// The warnings of a load.
#[must_use]
pub fn of(load: &AsLoaded<'_>) -> Vec<Warning> {
    let fallback = load.fallback_reason.map(|reason| {
        Warning::new(
            "device-fallback",
            format!("`{}` was requested and {} runs: {reason}", load.requested, load.target),
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
        load.properties.iter().filter_map(|(key, value)| property(key, value, load.effective.get(key)));
    fallback.into_iter().chain(emulated).chain(properties).collect()
}

/// A property that the runtime did not take as it was requested, or does not tell.
fn property(key: &str, requested: &str, effective: Option<&String>) -> Option<Warning> {
    let asked_for = format!("`{key}={requested}` was requested");
    match effective {
        Some(effective) if effective == requested => None,
        Some(effective) => Some(Warning::new(
            "property-not-taken",
            format!("{asked_for}, and OpenVINO uses `{effective}`"),
            "the record has both; figures belong to what was used",
        )),
        None => Some(Warning::new(
            "property-not-read-back",
            format!("{asked_for}, and OpenVINO does not tell whether it uses it"),
            "the record has what was requested only",
        )),
    }
}

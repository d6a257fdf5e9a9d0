//! What a benchmark is called where a name is all that holds series apart: `model/device/prompt`.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::record::{ProvenDevice, RunRecord, Setting};
use crate::report::exchange::measured::{Measured, MeasuredRun};
use crate::report::one_line;

/// Longer parts of a name are cut.
const LONGEST: usize = 64;
/// Words of a device's name that tell it from no other.
const BRANDS: [&str; 6] = ["intel", "gpu", "igpu", "dgpu", "r", "tm"];

/// Model and device, as in `gpt-oss-20b-int4/arc-140v`.
pub(super) fn group(run: &RunRecord) -> String {
    format!("{}/{}", slug(&run.model.name), device_slug(run))
}

/// The benchmark of a prompt, as in `gpt-oss-20b-int4/arc-140v/fibonacci`.
pub(super) fn benchmark(run: &RunRecord, prompt_id: &str) -> String {
    format!("{}/{}", group(run), slug(prompt_id))
}

/// The name of what ran, as it tells it.
pub(super) fn device_name(run: &RunRecord) -> &str {
    let told = run.device.ran.as_ref().and_then(|ran: &ProvenDevice| ran.facts().full_name.as_deref());
    told.unwrap_or(&run.machine.cpu)
}

/// As in `arc-140v`: without what brands add, and without the size of the memory.
fn device_slug(run: &RunRecord) -> String {
    let name = slug(device_name(run));
    let is_size = |word: &str| {
        word.strip_suffix("gb").is_some_and(|size| size.bytes().all(|digit| digit.is_ascii_digit()))
    };
    let words = name.split('-').filter(|word| !BRANDS.contains(word) && !is_size(word));
    let words = words.collect::<Vec<_>>().join("-");
    if words.is_empty() { run.device.actual().to_lowercase() } else { words }
}

/// Lower-case letters, digits, dots and single hyphens.
pub(super) fn slug(name: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '.' || letter == '_';
    let name = name.to_ascii_lowercase();
    let words = name.split(|letter: char| !is_plain(letter)).filter(|word| !word.is_empty());
    let slug: String = words.collect::<Vec<_>>().join("-").chars().take(LONGEST).collect();
    let slug = slug.trim_matches(['-', '.']);
    if slug.is_empty() { "unnamed".to_owned() } else { slug.to_owned() }
}

/// One run of each name, the newest: a file holds one result of a benchmark.
///
/// # Errors
/// Runs that have one name and are not comparable, or a run with two prompts of one name.
pub(super) fn one_a_name(measured: Measured<'_>) -> Result<Measured<'_>> {
    let mut warnings = measured.warnings;
    let mut newest: BTreeMap<String, MeasuredRun<'_>> = BTreeMap::new();
    for candidate in measured.runs {
        prompts_have_names(candidate.run)?;
        let name = group(candidate.run);
        let Some(known) = newest.remove(&name) else {
            newest.insert(name, candidate);
            continue;
        };
        if Setting::of(known.run).line() != Setting::of(candidate.run).line() {
            let what = format!(
                "records `{}` and `{}` are both called `{name}`, and are of unlike machines, models, devices or prompts",
                one_line(&known.run.run_id),
                one_line(&candidate.run.run_id)
            );
            return Err(Error::input(what).hint("name one with `--machine TEXT` or `--series ID`, or by its id"));
        }
        let age = |one: &MeasuredRun<'_>| (one.run.when_utc.clone(), one.run.run_id.clone());
        let (kept, older) =
            if age(&known) > age(&candidate) { (known, candidate) } else { (candidate, known) };
        warnings.push(format!(
            "run `{}` is left out: run `{}` is a newer one of `{name}`",
            one_line(&older.run.run_id),
            one_line(&kept.run.run_id)
        ));
        newest.insert(name, kept);
    }
    Ok(Measured { runs: newest.into_values().collect(), warnings })
}

fn prompts_have_names(run: &RunRecord) -> Result<()> {
    let mut named: BTreeMap<String, &str> = BTreeMap::new();
    for prompt in &run.workload.prompts {
        let name = slug(&prompt.id);
        if let Some(other) = named.insert(name.clone(), &prompt.id) {
            let what = format!(
                "prompts `{}` and `{}` of run `{}` would both be called `{name}`",
                one_line(other),
                one_line(&prompt.id),
                one_line(&run.run_id)
            );
            return Err(Error::input(what).hint("give them ids that differ in letters or digits"));
        }
    }
    Ok(())
}

//! What a benchmark is called where a name is all that holds series apart: `model/device/prompt`.

use std::collections::BTreeMap;

use crate::engine::openvino::DeviceKind;
use crate::error::{Error, Result};
use crate::record::{ArmView, ProvenDevice, Setting};
use crate::report::exchange::measured::{Measured, MeasuredRun};
use crate::report::number::counted;
use crate::visible::one_line;

/// Longer parts of a name are cut.
const LONGEST: usize = 64;
/// Words of a device's name that tell it from no other.
const BRANDS: [&str; 7] = ["intel", "gpu", "igpu", "dgpu", "graphics", "r", "tm"];

/// Model and device, as in `gpt-oss-20b-int4/arc-140v`.
pub(super) fn group(run: ArmView<'_>) -> String {
    format!("{}/{}", slug(&run.model.name), device_slug(run))
}

/// The benchmark of a prompt, as in `gpt-oss-20b-int4/arc-140v/fibonacci`.
pub(super) fn benchmark(run: ArmView<'_>, prompt_id: &str) -> String {
    format!("{}/{}", group(run), slug(prompt_id))
}

/// The name of what ran, as it tells it.
pub(super) fn device_name(run: ArmView<'_>) -> &str {
    let reported =
        run.arm.device.ran.as_ref().and_then(|ran: &ProvenDevice| ran.facts().full_name.as_deref());
    reported.unwrap_or(&run.experiment.machine.cpu)
}

/// As in `arc-140v`: without what brands add, and without the size of the memory.
fn device_slug(run: ArmView<'_>) -> String {
    let name = slug(device_name(run));
    let is_size = |word: &str| {
        word.strip_suffix("gb").is_some_and(|size| size.bytes().all(|digit| digit.is_ascii_digit()))
    };
    let words = name.split('-').filter(|word| !BRANDS.contains(word) && !is_size(word));
    let words = words.collect::<Vec<_>>().join("-");
    let name = if words.is_empty() { run.device.actual().to_lowercase() } else { words };
    let ran = run.device.ran.as_ref().filter(|ran| ran.kind() == DeviceKind::Gpu).map(ProvenDevice::facts);
    match ran {
        Some(facts) if facts.emulated_reason.is_some() => format!("emulated-{name}"),
        // Its name alone does not say what it is.
        Some(facts) if facts.pci_id.is_none() => format!("unidentified-{name}"),
        _ => name,
    }
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
    let mut named: BTreeMap<String, Vec<MeasuredRun<'_>>> = BTreeMap::new();
    for run in measured.runs {
        prompts_have_names(run.run)?;
        named.entry(group(run.run)).or_default().push(run);
    }
    let mut runs = Vec::new();
    for (name, mut of_name) in named {
        are_comparable(&name, &of_name)?;
        of_name.sort_by(|one, other| age(one).cmp(&age(other)));
        let older = of_name.len() - 1;
        let Some(newest) = of_name.pop() else { continue };
        if older > 0 {
            let newest = one_line(&newest.run.experiment.run_id);
            warnings.push(format!(
                "of `{name}` run `{newest}` is told, and {} left out",
                counted(older, "older run")
            ));
        }
        runs.push(newest);
    }
    Ok(Measured { runs, warnings })
}

fn age<'a>(run: &MeasuredRun<'a>) -> [&'a str; 2] {
    [&run.run.experiment.when_utc, &run.run.experiment.run_id]
}

/// Whether the runs of one name differ by commit and runtime alone.
fn are_comparable(name: &str, runs: &[MeasuredRun<'_>]) -> Result<()> {
    let Some((first, others)) = runs.split_first() else { return Ok(()) };
    let line = Setting::of(first.run).line();
    let Some(other) = others.iter().find(|other| Setting::of(other.run).line() != line) else {
        return Ok(());
    };
    let what = format!(
        "runs `{}` and `{}` are both called `{name}`, and are of unlike machines, models, devices or prompts",
        one_line(&first.run.experiment.run_id),
        one_line(&other.run.experiment.run_id)
    );
    Err(Error::input(what).hint("name one with `--machine TEXT` or `--series ID`, or by its id"))
}

fn prompts_have_names(run: ArmView<'_>) -> Result<()> {
    let mut named: BTreeMap<String, &str> = BTreeMap::new();
    for prompt in &run.workload.prompts {
        let name = slug(&prompt.id);
        if let Some(other) = named.insert(name.clone(), &prompt.id) {
            let what = format!(
                "prompts `{}` and `{}` of run `{}` would both be called `{name}`",
                one_line(other),
                one_line(&prompt.id),
                one_line(&run.experiment.run_id)
            );
            return Err(Error::input(what).hint("give them ids that differ in letters or digits"));
        }
    }
    Ok(())
}

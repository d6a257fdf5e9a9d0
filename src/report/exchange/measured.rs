//! The runs of records that have a speed which may be reported, and what a benchmark is called where a name is all that
//! holds series apart: `model/device/prompt`.

use std::collections::BTreeMap;

use crate::engine::openvino::DeviceKind;
use crate::error::{Error, Result};
use crate::judge::comparability::ComparedSide;
use crate::judge::{PromptSummary, PromptValue, prompt_values};
use crate::measure::{Metric, MetricValue, Role, Sample};
use crate::record::{ArmView, Experiment, PlanKind, ProvenDevice, SampleRecord, Setting, Side};
use crate::report::number::counted;
use crate::visible::one_line;

/// Reasons in the error where nothing is left.
const MOST_REASONS: usize = 3;

/// A run that has a speed.
pub(super) struct MeasuredRun<'a> {
    pub(super) run: ArmView<'a>,
    /// Of which side of an A/B it is; None for a run of its own.
    pub(super) side: Option<Side>,
    compared: ComparedSide,
}

/// A prompt of it.
pub(super) struct MeasuredPrompt<'a> {
    run: ArmView<'a>,
    pub(super) id: &'a str,
    summary: &'a PromptSummary,
    samples: Vec<&'a SampleRecord>,
}

/// Runs, and what is to be said of those that are not among them.
pub(super) struct Measured<'a> {
    /// In the order of the records, base before head.
    pub(super) runs: Vec<MeasuredRun<'a>>,
    pub(super) warnings: Vec<String>,
}

impl MeasuredRun<'_> {
    /// Its prompts, in the order requested.
    pub(super) fn prompts(&self) -> impl Iterator<Item = MeasuredPrompt<'_>> {
        let mut samples = self.run.arm.samples_by_prompt();
        self.compared.summary.prompts.iter().map(move |summary| {
            let samples = samples.remove(summary.id.as_str()).unwrap_or_default();
            MeasuredPrompt { run: self.run, id: &summary.id, summary, samples }
        })
    }
}

impl MeasuredPrompt<'_> {
    /// Its values, each finite.
    pub(super) fn metric_values(&self) -> Vec<PromptValue> {
        let mut values = prompt_values(&self.run, self.summary, &self.samples);
        values.extend(self.summary.peak_rss_bytes.map(|bytes| PromptValue {
            metric_value: MetricValue { metric: Metric::PeakRss, value: bytes as f64 },
            processes: Vec::new(),
        }));
        values.retain(|it| it.metric_value.value.is_finite());
        values
    }

    /// Its measured generations, in the order in which they were made.
    pub(super) fn samples(&self) -> impl Iterator<Item = Sample> {
        self.samples.iter().filter_map(|sample| sample.timed()).filter(|sample| sample.role == Role::Measured)
    }
}

/// The runs of a record, each with its side of an A/B; none where it is of several arms or a soak.
fn runs_of(record: &Experiment) -> Vec<(ArmView<'_>, Option<Side>)> {
    match record.plan {
        PlanKind::Bench => vec![(record.subject(), None)],
        PlanKind::Ab => Side::BOTH.map(|side| (record.side(side), Some(side))).into(),
        PlanKind::Peers | PlanKind::Kv | PlanKind::Soak => Vec::new(),
    }
}

/// The runs of these records that have a speed; of an A/B those of the sides that are reported.
///
/// # Errors
/// None has.
pub(super) fn measured(
    records: &[Experiment],
    is_reported: fn(Option<Side>) -> bool,
) -> Result<Measured<'_>> {
    let mut measured = Measured { runs: Vec::new(), warnings: Vec::new() };
    for record in records {
        let reason = match record.plan {
            PlanKind::Bench | PlanKind::Ab => {
                let runs = runs_of(record).into_iter().filter(|(_, side)| is_reported(*side));
                runs.for_each(|(run, side)| measured.take(run, side));
                continue;
            }
            PlanKind::Soak => "it is a soak".to_owned(),
            PlanKind::Peers | PlanKind::Kv => format!(
                "it is of several arms; `{} --format json` and `history show` report it",
                record.plan.as_str()
            ),
        };
        measured.warnings.push(format!("{} is left out: {reason}", named(&record.run_id, None)));
    }
    if measured.runs.is_empty() {
        let mut reasons = measured.warnings;
        reasons.truncate(MOST_REASONS);
        return Err(Error::input(format!("no verified speed in these records: {}", reasons.join("; ")))
            .hint("`cargo xtask history list` shows the word on each output; `cargo xtask golden bless` makes goldens"));
    }
    Ok(measured)
}

/// The runs of these records whose times a guard invalidates, a line each: whatever the format, a reader of
/// it is warned.
pub fn invalidated(records: &[Experiment]) -> Vec<String> {
    let invalidated = |(run, side): (ArmView<'_>, Option<Side>)| {
        let compared = ComparedSide::of(&run);
        let reason = compared.doubted_reason.filter(|_| compared.no_speed_reason.is_none())?;
        Some(warning(&named(&run.experiment.run_id, side), &reason))
    };
    records.iter().flat_map(runs_of).filter_map(invalidated).collect()
}

fn warning(named: &str, reason: &str) -> String {
    format!("{named} is exported though a guard tripped: {}", one_line(reason))
}

fn named(record_id: &str, side: Option<Side>) -> String {
    let of_side = side.map(|side| format!(", its {},", side.as_str())).unwrap_or_default();
    format!("record `{}`{of_side}", one_line(record_id))
}

impl<'a> Measured<'a> {
    fn take(&mut self, run: ArmView<'a>, side: Option<Side>) {
        let compared = ComparedSide::of(&run);
        let named = named(&run.experiment.run_id, side);
        if let Some(reason) = &compared.no_speed_reason {
            self.warnings.push(format!("{named} is left out: {}", one_line(reason)));
            return;
        }
        if let Some(reason) = &compared.doubted_reason {
            self.warnings.push(warning(&named, reason));
        }
        self.runs.push(MeasuredRun { run, side, compared });
    }
}

/// Longer parts of a name are cut.
const LONGEST: usize = 64;
/// Words of a device's name that distinguish it from no other.
const BRANDS: [&str; 7] = ["intel", "gpu", "igpu", "dgpu", "graphics", "r", "tm"];

/// Model and device, as in `gpt-oss-20b-int4/arc-140v`.
pub(in crate::report) fn group(run: ArmView<'_>) -> String {
    format!("{}/{}", slug(&run.model.name), device_slug(run))
}

/// The benchmark of a prompt, as in `gpt-oss-20b-int4/arc-140v/fibonacci`.
pub(in crate::report) fn benchmark(run: ArmView<'_>, prompt_id: &str) -> String {
    format!("{}/{}", group(run), slug(prompt_id))
}

/// The name of what ran, as it reports it.
pub(in crate::report) fn device_name(run: ArmView<'_>) -> &str {
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
                "of `{name}` run `{newest}` is exported, and {} left out",
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
        "runs `{}` and `{}` are both called `{name}`, and are of different machines, models, devices or prompts",
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

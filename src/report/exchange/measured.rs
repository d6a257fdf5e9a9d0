//! The runs of records that have a speed which may be reported, and what a benchmark is called where a name is all that
//! holds series apart: `model/device/prompt`.

use std::collections::{BTreeMap, HashMap};

use crate::engine::openvino::DeviceKind;
use crate::error::{Error, Result};
use crate::judge::comparability::ComparedSide;
use crate::judge::{PromptValue, prompt_values};
use crate::measure::{Metric, MetricValue, Role, Sample};
use crate::record::{ArmView, Experiment, PlanKind, ProvenDevice, SampleRecord, Setting, Side};
use crate::report::number::counted;
use crate::visible::one_line;

/// Reasons in the error where nothing is left.
const MOST_REASONS: usize = 3;

/// Which sides of an A/B are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sides {
    /// Both, as two runs.
    Both,
    /// What was judged, where a file holds one result of each name.
    Head,
}

/// A run that has a speed.
pub(super) struct MeasuredRun<'a> {
    pub(super) run: ArmView<'a>,
    /// Of which side of an A/B it is; None for a run of its own.
    pub(super) side: Option<Side>,
    compared: ComparedSide,
    /// Where a prompt stands in the summary.
    places: HashMap<&'a str, usize>,
    samples: HashMap<&'a str, Vec<&'a SampleRecord>>,
}

/// Runs, and what is to be said of those that are not among them.
pub(super) struct Measured<'a> {
    /// In the order of the records, base before head.
    pub(super) runs: Vec<MeasuredRun<'a>>,
    pub(super) warnings: Vec<String>,
}

impl MeasuredRun<'_> {
    /// The values of a prompt, each finite.
    pub(super) fn metric_values(&self, prompt_id: &str) -> Vec<PromptValue> {
        let Some(prompt) = self.places.get(prompt_id).map(|place| &self.compared.summary.prompts[*place])
        else {
            return Vec::new();
        };
        let mut metric_values = prompt_values(&self.run, prompt, self.recorded(prompt_id));
        metric_values.extend(prompt.peak_rss_bytes.map(|bytes| PromptValue {
            metric_value: MetricValue { metric: Metric::PeakRss, value: bytes as f64 },
            processes: Vec::new(),
        }));
        metric_values.retain(|metric_value| metric_value.metric_value.value.is_finite());
        metric_values
    }

    /// The measured generations of a prompt, in the order in which they were made.
    pub(super) fn samples(&self, prompt_id: &str) -> Vec<Sample> {
        let timed = self.recorded(prompt_id).iter().filter_map(|sample| sample.timed());
        timed.filter(|sample| sample.role == Role::Measured).collect()
    }

    fn recorded(&self, prompt_id: &str) -> &[&SampleRecord] {
        self.samples.get(prompt_id).map_or(&[], Vec::as_slice)
    }

    /// The ids of its prompts, in the order requested.
    pub(super) fn prompts(&self) -> impl Iterator<Item = &str> {
        self.run.workload.prompts.iter().map(|prompt| prompt.id.as_str())
    }
}

/// The runs of these records that have a speed.
///
/// # Errors
/// None has.
pub(super) fn measured(records: &[Experiment], sides: Sides) -> Result<Measured<'_>> {
    let mut measured = Measured { runs: Vec::new(), warnings: Vec::new() };
    for record in records {
        match record.plan {
            PlanKind::Bench => measured.take(record.subject(), None),
            PlanKind::Ab => {
                let of_file = Side::BOTH.into_iter().filter(|side| sides == Sides::Both || *side == Side::Head);
                of_file.for_each(|side| measured.take(record.side(side), Some(side)));
            }
            PlanKind::Soak => measured
                .warnings
                .push(format!("record `{}` is left out: it is a soak", one_line(&record.run_id))),
            PlanKind::Peers | PlanKind::Kv => measured.warnings.push(format!(
                "record `{}` is left out: it is of several arms; `{} --format json` and `history show` report it",
                one_line(&record.run_id),
                record.plan.as_str()
            )),
        }
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
    let of_arm = |run: ArmView<'_>, side| {
        let compared = ComparedSide::of(&run);
        let has_speed = compared.no_speed_reason.is_none();
        let reason = compared.doubted_reason.filter(|_| has_speed)?;
        Some(warning(&named(&run.experiment.run_id, side), &reason))
    };
    let of_record = |record: &Experiment| match record.plan {
        PlanKind::Bench => vec![of_arm(record.subject(), None)],
        PlanKind::Ab => Side::BOTH.map(|side| of_arm(record.side(side), Some(side))).into(),
        PlanKind::Peers | PlanKind::Kv | PlanKind::Soak => Vec::new(),
    };
    records.iter().flat_map(of_record).flatten().collect()
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
        let requested = run.arm.workload.prompts.iter().enumerate();
        let places = requested.rev().map(|(place, prompt)| (prompt.id.as_str(), place)).collect();
        self.runs.push(MeasuredRun { run, side, compared, places, samples: run.arm.samples_by_prompt() });
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

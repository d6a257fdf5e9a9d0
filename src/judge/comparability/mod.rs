//! Two runs that were measured apart, compared with each other: what differs around them first, and the
//! values only as far as that allows.
//!
//! Nothing here is a verdict. Between two separate runs the machine moves, and by how much neither of them
//! shows; only pairs that were measured interleaved decide.

mod metric_values;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::Serialize;
use strum::IntoStaticStr;

use crate::engine::openvino::DeviceKind;
use crate::golden::GoldenResult;
use crate::judge::comparability::metric_values::value_pairs;
use crate::judge::environment::{GuardFinding, of_record};
use crate::judge::validity::{guard_reasons, unverified_reason};
use crate::judge::{PromptSummary, Summary, summarise};
use crate::record::{
    Arm, ArmView, Commit, Epoch, Outcome, ProofGrade, ProvenDevice, RequestedPrompt, Series, sha256_of_bytes,
};

pub use metric_values::{Change, Interval, ValuePair};

/// How far two runs are of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Comparability {
    /// One series and one epoch: two runs of one thing.
    Same,
    /// One machine, model, workload and device, and something else under the measurement.
    EnvironmentDiffers,
    /// Another machine, model, workload or device: nothing is compared with each other.
    Unlike,
}

/// One of the two runs, as far as its metric values are valid.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedSide {
    /// The values; of speed none where there is none.
    pub summary: Summary,
    /// Why it has no speed: the output is wrong, was compared with nothing, or the run did not end.
    pub no_speed_reason: Option<String>,
    /// Why its times are invalid, though it has some.
    pub doubted_reason: Option<String>,
}

/// The result of a prompt's output in both runs; None where it was not judged or not requested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GoldenPair {
    /// The prompt's id.
    pub prompt: String,
    /// In the first run.
    pub a: Option<GoldenResult>,
    /// In the second.
    pub b: Option<GoldenResult>,
}

/// Two runs beside each other.
#[derive(Debug, Clone, PartialEq)]
pub struct TwoRuns {
    /// How far they are of one thing.
    pub comparability: Comparability,
    /// All that differs around them, what weighs most first.
    pub differences: Vec<Difference>,
    /// The first run.
    pub a: ComparedSide,
    /// The second.
    pub b: ComparedSide,
    /// Values that either has, by metric, the mean before its prompts.
    pub metric_values: Vec<ValuePair>,
    /// By prompt, those of the first run in the order requested, then those that only the second requested.
    pub goldens: Vec<GoldenPair>,
}

impl TwoRuns {
    /// Holds a run against an earlier or another one.
    pub fn of(a: ArmView<'_>, b: ArmView<'_>) -> Self {
        let differences = differences(a, b);
        let comparability = comparability(a, b, &differences);
        let (one, other) = (ComparedSide::of(&a), ComparedSide::of(&b));
        Self {
            comparability,
            metric_values: value_pairs(&a, &b, &one, &other, comparability),
            goldens: goldens(&one.summary, &other.summary),
            differences,
            a: one,
            b: other,
        }
    }

    /// Whether a speed of one was compared with that of the other.
    pub fn compares_speed(&self) -> bool {
        self.metric_values.iter().any(|pair| pair.is_speed() && pair.change.is_some())
    }

    /// What makes them two things, each once, as in "machine".
    pub fn unlike_reason(&self) -> Vec<&'static str> {
        let mut kinds: Vec<Breaks> = self.differences.iter().map(|difference| difference.breaks).collect();
        kinds.retain(|breaks| breaks.comparability() == Comparability::Unlike);
        kinds.dedup();
        kinds.into_iter().map(Breaks::as_str).collect()
    }
}

/// The differences decide; the identities that records are filed by must agree with them.
fn comparability(a: ArmView<'_>, b: ArmView<'_>, differences: &[Difference]) -> Comparability {
    let reported = differences.iter().map(|difference| difference.breaks.comparability()).max();
    let reported = reported.unwrap_or(Comparability::Same);
    let is_one = Series::of(a).id == Series::of(b).id && Epoch::of(a).id == Epoch::of(b).id;
    if is_one { reported } else { reported.max(Comparability::EnvironmentDiffers) }
}

fn goldens(a: &Summary, b: &Summary) -> Vec<GoldenPair> {
    let (of_a, of_b) = (a.by_prompt(), b.by_prompt());
    let word = |of: &HashMap<&str, &PromptSummary>, id: &str| of.get(id)?.golden;
    prompt_ids(a, b)
        .into_iter()
        .map(|id| GoldenPair { a: word(&of_a, &id), b: word(&of_b, &id), prompt: id })
        .collect()
}

/// The first run's prompts in the order requested, then those that only the second requested.
fn prompt_ids(a: &Summary, b: &Summary) -> Vec<String> {
    let mut known = HashSet::new();
    let ids = a.prompts.iter().chain(&b.prompts).map(|prompt| &prompt.id);
    ids.filter(|id| known.insert(id.as_str())).cloned().collect()
}

/// The values of a run that may be shown.
fn summary_of(run: &Arm, has_speed: bool) -> Summary {
    let mut summary = summarise(run);
    if !has_speed {
        summary.average = None;
        for prompt in &mut summary.prompts {
            prompt.metric_values = None;
            prompt.runs.clear();
        }
    }
    summary
}

impl ComparedSide {
    /// A run as far as its metric values are valid.
    pub fn of(run: &Arm) -> Self {
        let refused = no_speed_reason(run);
        let summary = summary_of(run, refused.is_none());
        let no_times = || summary.average.is_none().then(|| "a prompt of it has no times".to_owned());
        Self { no_speed_reason: refused.or_else(no_times), doubted_reason: doubted_reason(run), summary }
    }
}

/// Only output that was compared with goldens and found right has a speed.
fn no_speed_reason(run: &Arm) -> Option<String> {
    let ended = match run.outcome {
        Outcome::Complete => {
            return unverified_reason(run).map(|reason| format!("its output is unverified: {reason}"));
        }
        Outcome::WrongOutput => "its output is wrong",
        Outcome::Interrupted => "it was interrupted",
        Outcome::Failed => "it failed",
        Outcome::NotMeasured => "nothing was measured",
    };
    Some(ended.to_owned())
}

/// An emulated device, or the guards that tripped.
fn doubted_reason(run: &Arm) -> Option<String> {
    let emulated = run.device.emulated_reason().map(|reason| format!("the device is emulated: {reason}"));
    emulated.or_else(|| Some(guard_reasons(run).join("; ")).filter(|reasons| !reasons.is_empty()))
}

fn short(sha256: &str) -> String {
    sha256.chars().take(12).collect()
}

fn listed(values: &[String]) -> Option<String> {
    (!values.is_empty()).then(|| values.join(", "))
}

/// By its tokens, which decide: two texts may have as many.
fn reported_prompt(prompt: &RequestedPrompt) -> String {
    let bytes: Vec<u8> = prompt.token_ids.iter().flat_map(|id| id.to_le_bytes()).collect();
    format!("{} tokens {}", prompt.token_ids.len(), short(&sha256_of_bytes(&bytes)))
}

/// What it means that one run has none of this.
fn absent(what: &str) -> &'static str {
    match what.split(' ').next() {
        Some("prompt") => "not requested",
        Some("variable" | "property") => "not set",
        Some("guards" | "commit" | "Intel" | "emulation") => "none",
        _ => "not known",
    }
}

fn grade(grade: ProofGrade) -> String {
    match grade {
        ProofGrade::Property => "reported by OpenVINO alone",
        ProofGrade::PropertyAndCounters => "reported by OpenVINO, confirmed by the kernel's counters",
    }
    .to_owned()
}

fn guards(run: ArmView<'_>) -> Option<String> {
    let findings = of_record(&run).into_iter().flat_map(|process| process.findings);
    let tripped: BTreeSet<&str> =
        findings.filter(GuardFinding::is_trouble).map(|finding| finding.guard.id()).collect();
    let tripped: Vec<String> = tripped.into_iter().map(str::to_owned).collect();
    listed(&tripped)
}

fn reported_commit(commit: &Commit) -> String {
    let changed = commit.difference_sha256.as_deref().map(short).unwrap_or_default();
    format!(
        "{}{}",
        commit.short(),
        if commit.dirty { format!(" with changes {changed}") } else { String::new() }
    )
}

/// Which identity a difference breaks, the heaviest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr, Serialize)]
#[strum(serialize_all = "kebab-case")]
#[serde(into = "&'static str")]
pub enum Breaks {
    /// Another machine.
    Machine,
    /// Another model.
    Model,
    /// Other prompts, another number of tokens, or another way to measure.
    Workload,
    /// Another device.
    Device,
    /// Another OpenVINO or other properties: another series.
    #[strum(serialize = "series")]
    Runtime,
    /// The environment of the measurement changed, as a driver: another epoch.
    Epoch,
    /// What surrounds the measurement and is no part of an identity, as variables and guards.
    Environment,
    /// No identity: what two runs of one thing may differ in, and what one compares them for.
    Nothing,
}

impl Breaks {
    /// As text.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// What it leaves of two runs.
    pub fn comparability(self) -> Comparability {
        match self {
            Self::Machine | Self::Model | Self::Workload | Self::Device => Comparability::Unlike,
            Self::Runtime | Self::Epoch | Self::Environment => Comparability::EnvironmentDiffers,
            Self::Nothing => Comparability::Same,
        }
    }
}

/// Something that is not the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What, as in "kernel".
    pub what: String,
    /// In the first run; None where there is none.
    pub a: Option<String>,
    /// In the second.
    pub b: Option<String>,
    /// What it means that there is none, as in "not known".
    #[serde(skip)]
    pub absent: &'static str,
    /// Which identity it breaks.
    pub breaks: Breaks,
}

/// All that differs around two runs, what weighs most first.
pub fn differences(a: ArmView<'_>, b: ArmView<'_>) -> Vec<Difference> {
    let mut found = Found { a, b, differences: Vec::new() };
    found.machine();
    found.model();
    found.workload();
    found.device();
    found.runtime();
    found.environment();
    found.program();
    let mut differences = found.differences;
    differences.sort_by_key(|difference| difference.breaks);
    differences
}

struct Found<'a> {
    a: ArmView<'a>,
    b: ArmView<'a>,
    differences: Vec<Difference>,
}

impl Found<'_> {
    /// Notes what a run says, where the other says something else.
    fn note(&mut self, breaks: Breaks, what: &str, of: impl Fn(ArmView<'_>) -> Option<String>) {
        let (a, b) = (of(self.a), of(self.b));
        if a != b {
            self.differences.push(Difference { what: what.to_owned(), a, b, absent: absent(what), breaks });
        }
    }

    /// The same of a name, where a hash decides: what is called the same is identified by its hash.
    fn named(
        &mut self,
        breaks: Breaks,
        what: &str,
        sha256: impl for<'x> Fn(ArmView<'x>) -> &'x str,
        name: impl for<'x> Fn(ArmView<'x>) -> &'x str,
    ) {
        if sha256(self.a) != sha256(self.b) {
            let is_one_name = name(self.a) == name(self.b);
            self.note(breaks, what, |run| {
                let short = short(sha256(run));
                Some(if is_one_name { format!("{} {short}", name(run)) } else { name(run).to_owned() })
            });
        }
    }

    fn each(&mut self, breaks: Breaks, what: &str, of: impl Fn(ArmView<'_>) -> BTreeMap<String, String>) {
        let (a, b) = (of(self.a), of(self.b));
        let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
        for key in keys {
            let (a, b) = (a.get(key).cloned(), b.get(key).cloned());
            if a != b {
                let what = format!("{what} {key}");
                self.differences.push(Difference { absent: absent(&what), what, a, b, breaks });
            }
        }
    }

    fn machine(&mut self) {
        self.named(
            Breaks::Machine,
            "machine",
            |it| &it.experiment.machine.sha256,
            |it| &it.experiment.machine.slug,
        );
        self.note(Breaks::Machine, "processor", |it| Some(it.experiment.machine.cpu.clone()));
        self.note(Breaks::Machine, "logical processors", |it| {
            Some(it.experiment.machine.logical_cores.to_string())
        });
        self.note(Breaks::Machine, "memory", |it| Some(format!("{} GiB", it.experiment.machine.memory_gib)));
        self.note(Breaks::Machine, "Intel GPUs on the bus", |it| listed(&it.experiment.machine.gpu_pci_ids));
        self.note(Breaks::Epoch, "kernel", |it| it.experiment.machine.kernel.clone());
        self.note(Breaks::Epoch, "GPU driver", |it| it.experiment.machine.gpu_driver.clone());
        let facts = |run: ArmView<'_>| Some(run.device.ran.as_ref()?.facts().clone());
        self.note(Breaks::Epoch, "OpenCL of the GPU driver", |it| facts(it)?.opencl_version);
        self.note(Breaks::Epoch, "GPU kernel driver", |it| facts(it)?.kernel_driver_in_words());
        self.note(Breaks::Epoch, "firmware", |it| it.experiment.machine.firmware.clone());
        self.note(Breaks::Epoch, "microcode", |it| it.experiment.machine.microcode.clone());
        self.note(Breaks::Environment, "operating system", |it| it.experiment.machine.os.clone());
        self.note(Breaks::Environment, "the GPU's name", |it| it.experiment.machine.gpu.clone());
    }

    fn model(&mut self) {
        self.named(Breaks::Model, "model", |it| &it.arm.model.sha256, |it| &it.arm.model.name);
        self.note(Breaks::Nothing, "graph as compiled", |it| {
            Some(it.model.edited_graph_sha256.as_deref().map_or("unedited".to_owned(), |sha256| {
                format!("the last position's logits only, {}", short(sha256))
            }))
        });
    }

    fn workload(&mut self) {
        self.note(Breaks::Workload, "protocol", |it| Some(it.workload.protocol.clone()));
        self.note(Breaks::Workload, "tokens of each answer", |it| Some(it.workload.new_tokens.to_string()));
        let prompts = |run: ArmView<'_>| -> BTreeMap<String, String> {
            run.workload.prompts.iter().map(|prompt| (prompt.id.clone(), reported_prompt(prompt))).collect()
        };
        self.each(Breaks::Workload, "prompt", prompts);
        let is_reported = self.differences.iter().any(|difference| difference.breaks == Breaks::Workload);
        if !is_reported {
            // As where the same prompts were requested in another order.
            self.named(Breaks::Workload, "workload", |it| &it.arm.workload.sha256, |_| "identity");
        }
        self.note(Breaks::Nothing, "processes", |it| Some(it.workload.runs.to_string()));
    }

    fn device(&mut self) {
        let ran = |run: ArmView<'_>| run.device.ran.clone();
        self.note(Breaks::Device, "device", |it| Some(it.device.actual().to_owned()));
        self.note(Breaks::Device, "the device's PCI id", |it| ran(it)?.facts().pci_id.clone());
        self.note(Breaks::Device, "execution units", |it| {
            ran(it)?.facts().execution_units.map(|units| units.to_string())
        });
        self.note(Breaks::Device, "the device's vendor", |it| ran(it)?.facts().vendor.clone());
        self.note(Breaks::Device, "emulation", |it| ran(it)?.facts().emulated_reason.clone());
        // Where the PCI id is not known, a GPU is identified by its name.
        let is_told_by_name = [self.a, self.b].iter().any(|it| {
            it.device
                .ran
                .as_ref()
                .is_some_and(|ran| ran.kind() == DeviceKind::Gpu && ran.facts().pci_id.is_none())
        });
        let breaks = if is_told_by_name { Breaks::Device } else { Breaks::Environment };
        self.note(breaks, "the device's name", |it| ran(it)?.facts().full_name.clone());
        // Read back as a property, too: reported once.
        self.note(Breaks::Runtime, "execution devices", |it| Some(ran(it)?.execution_devices().to_owned()));
        self.note(Breaks::Environment, "proof of the device", |it| {
            ran(it).as_ref().map(ProvenDevice::grade).map(grade)
        });
        self.note(Breaks::Nothing, "device requested", |it| Some(it.device.requested.clone()));
    }

    fn runtime(&mut self) {
        self.note(Breaks::Runtime, "OpenVINO", |it| Some(it.runtime.as_ref()?.openvino_version.clone()));
        self.each(Breaks::Runtime, "property", |it| {
            let properties = it.runtime.iter().flat_map(|runtime| runtime.properties_effective.clone());
            properties.filter(|(key, _)| key != "EXECUTION_DEVICES").collect()
        });
        self.note(Breaks::Epoch, "OpenVINO's build", |it| Some(it.runtime.as_ref()?.openvino_build.clone()));
    }

    fn environment(&mut self) {
        self.each(Breaks::Environment, "variable", |it| it.environment_variables.clone());
        self.note(Breaks::Environment, "guards that tripped", guards);
    }

    fn program(&mut self) {
        self.note(Breaks::Nothing, "commit", |it| it.commit.as_ref().map(reported_commit));
        self.note(Breaks::Nothing, "arcgauge", |it| Some(it.experiment.arcgauge_version.clone()));
        self.note(Breaks::Nothing, "the worker's program", |it| it.worker.sha256.as_deref().map(short));
        self.note(Breaks::Nothing, "the worker's protocol", |it| it.worker.protocol.map(|it| it.to_string()));
    }
}

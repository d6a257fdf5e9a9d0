//! What differs around two runs, and which identity each difference breaks.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::openvino::DeviceKind;
use crate::judge::likeness::Likeness;
use crate::judge::likeness::told::{absent, grade, guards, listed, short, told_commit, told_prompt};
use crate::record::{ProvenDevice, RunRecord};

/// Which identity a difference breaks, the heaviest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
    Runtime,
    /// Something under the measurement was exchanged, as a driver: another epoch.
    Epoch,
    /// What surrounds the measurement and is no part of an identity, as variables and guards.
    Surroundings,
    /// No identity: what two runs of one thing may differ in, and what one compares them for.
    Nothing,
}

impl Breaks {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Model => "model",
            Self::Workload => "workload",
            Self::Device => "device",
            Self::Runtime => "series",
            Self::Epoch => "epoch",
            Self::Surroundings => "surroundings",
            Self::Nothing => "nothing",
        }
    }

    /// What it leaves of two runs.
    #[must_use]
    pub fn likeness(self) -> Likeness {
        match self {
            Self::Machine | Self::Model | Self::Workload | Self::Device => Likeness::Unlike,
            Self::Runtime | Self::Epoch | Self::Surroundings => Likeness::EnvironmentDiffers,
            Self::Nothing => Likeness::Same,
        }
    }
}

/// Something that is not the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What, as in "kernel".
    pub what: String,
    /// In the first run; None where there is none.
    pub a: Option<String>,
    /// In the second.
    pub b: Option<String>,
    /// What it means that there is none, as in "not known".
    pub absent: &'static str,
    /// Which identity it breaks.
    pub breaks: Breaks,
}

/// All that differs around two runs, what weighs most first.
#[must_use]
pub fn differences(a: &RunRecord, b: &RunRecord) -> Vec<Difference> {
    let mut found = Found { a, b, differences: Vec::new() };
    found.machine();
    found.model();
    found.workload();
    found.device();
    found.runtime();
    found.surroundings();
    found.program();
    let mut differences = found.differences;
    differences.sort_by_key(|difference| difference.breaks);
    differences
}

struct Found<'a> {
    a: &'a RunRecord,
    b: &'a RunRecord,
    differences: Vec<Difference>,
}

impl Found<'_> {
    /// Notes what a run says, where the other says something else.
    fn note(&mut self, breaks: Breaks, what: &str, of: impl Fn(&RunRecord) -> Option<String>) {
        let (a, b) = (of(self.a), of(self.b));
        if a != b {
            self.differences.push(Difference { what: what.to_owned(), a, b, absent: absent(what), breaks });
        }
    }

    /// The same of a name, where a hash decides: what is called the same is told by its hash.
    fn named(
        &mut self,
        breaks: Breaks,
        what: &str,
        sha256: impl Fn(&RunRecord) -> &str,
        name: impl Fn(&RunRecord) -> &str,
    ) {
        if sha256(self.a) != sha256(self.b) {
            let is_one_name = name(self.a) == name(self.b);
            self.note(breaks, what, |run| {
                let short = short(sha256(run));
                Some(if is_one_name { format!("{} {short}", name(run)) } else { name(run).to_owned() })
            });
        }
    }

    fn each(&mut self, breaks: Breaks, what: &str, of: impl Fn(&RunRecord) -> BTreeMap<String, String>) {
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
        self.named(Breaks::Machine, "machine", |it| &it.machine.sha256, |it| &it.machine.slug);
        self.note(Breaks::Machine, "processor", |it| Some(it.machine.cpu.clone()));
        self.note(Breaks::Machine, "logical processors", |it| Some(it.machine.logical_cores.to_string()));
        self.note(Breaks::Machine, "memory", |it| Some(format!("{} GiB", it.machine.memory_gib)));
        self.note(Breaks::Machine, "Intel GPUs on the bus", |it| listed(&it.machine.gpu_pci_ids));
        self.note(Breaks::Epoch, "kernel", |it| it.machine.kernel.clone());
        self.note(Breaks::Epoch, "GPU driver", |it| it.machine.gpu_driver.clone());
        let facts = |run: &RunRecord| Some(run.device.ran.as_ref()?.facts().clone());
        self.note(Breaks::Epoch, "OpenCL of the GPU driver", |it| facts(it)?.opencl_version);
        self.note(Breaks::Epoch, "GPU kernel driver", |it| facts(it)?.kernel_driver_in_words());
        self.note(Breaks::Epoch, "firmware", |it| it.machine.firmware.clone());
        self.note(Breaks::Epoch, "microcode", |it| it.machine.microcode.clone());
        self.note(Breaks::Surroundings, "operating system", |it| it.machine.os.clone());
        self.note(Breaks::Surroundings, "the GPU's name", |it| it.machine.gpu.clone());
    }

    fn model(&mut self) {
        self.named(Breaks::Model, "model", |it| &it.model.sha256, |it| &it.model.name);
        self.note(Breaks::Nothing, "graph as compiled", |it| {
            Some(it.model.edited_graph_sha256.as_deref().map_or("unedited".to_owned(), |sha256| {
                format!("the last position's logits only, {}", short(sha256))
            }))
        });
    }

    fn workload(&mut self) {
        self.note(Breaks::Workload, "protocol", |it| Some(it.workload.protocol.clone()));
        self.note(Breaks::Workload, "tokens of each answer", |it| Some(it.workload.new_tokens.to_string()));
        let prompts = |run: &RunRecord| -> BTreeMap<String, String> {
            run.workload.prompts.iter().map(|prompt| (prompt.id.clone(), told_prompt(prompt))).collect()
        };
        self.each(Breaks::Workload, "prompt", prompts);
        let is_told = self.differences.iter().any(|difference| difference.breaks == Breaks::Workload);
        if !is_told {
            // As where the same prompts were asked in another order.
            self.named(Breaks::Workload, "workload", |it| &it.workload.sha256, |_| "identity");
        }
        self.note(Breaks::Nothing, "processes", |it| Some(it.workload.runs.to_string()));
    }

    fn device(&mut self) {
        let ran = |run: &RunRecord| run.device.ran.clone();
        self.note(Breaks::Device, "device", |it| Some(it.device.actual().to_owned()));
        self.note(Breaks::Device, "the device's PCI id", |it| ran(it)?.facts().pci_id.clone());
        self.note(Breaks::Device, "execution units", |it| {
            ran(it)?.facts().execution_units.map(|units| units.to_string())
        });
        self.note(Breaks::Device, "the device's vendor", |it| ran(it)?.facts().vendor.clone());
        self.note(Breaks::Device, "emulation", |it| ran(it)?.facts().emulated_reason.clone());
        // Where the PCI id is not known, a GPU is told by its name.
        let is_told_by_name = [self.a, self.b].iter().any(|it| {
            it.device
                .ran
                .as_ref()
                .is_some_and(|ran| ran.kind() == DeviceKind::Gpu && ran.facts().pci_id.is_none())
        });
        let breaks = if is_told_by_name { Breaks::Device } else { Breaks::Surroundings };
        self.note(breaks, "the device's name", |it| ran(it)?.facts().full_name.clone());
        // Read back as a property, too: told once.
        self.note(Breaks::Runtime, "execution devices", |it| Some(ran(it)?.execution_devices().to_owned()));
        self.note(Breaks::Surroundings, "proof of the device", |it| {
            ran(it).as_ref().map(ProvenDevice::grade).map(grade)
        });
        self.note(Breaks::Nothing, "device asked for", |it| Some(it.device.requested.clone()));
    }

    fn runtime(&mut self) {
        self.note(Breaks::Runtime, "OpenVINO", |it| Some(it.runtime.as_ref()?.openvino_version.clone()));
        self.each(Breaks::Runtime, "property", |it| {
            let properties = it.runtime.iter().flat_map(|runtime| runtime.properties_effective.clone());
            properties.filter(|(key, _)| key != "EXECUTION_DEVICES").collect()
        });
        self.note(Breaks::Epoch, "OpenVINO's build", |it| Some(it.runtime.as_ref()?.openvino_build.clone()));
    }

    fn surroundings(&mut self) {
        self.each(Breaks::Surroundings, "variable", |it| it.environment_variables.clone());
        self.note(Breaks::Surroundings, "guards that tripped", guards);
    }

    fn program(&mut self) {
        self.note(Breaks::Nothing, "commit", |it| it.commit.as_ref().map(told_commit));
        self.note(Breaks::Nothing, "arcgauge", |it| Some(it.arcgauge_version.clone()));
        self.note(Breaks::Nothing, "the worker's program", |it| it.worker.sha256.as_deref().map(short));
        self.note(Breaks::Nothing, "the worker's protocol", |it| it.worker.protocol.map(|it| it.to_string()));
    }
}

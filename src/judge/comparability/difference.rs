//! What differs around two runs, and which identity each difference breaks.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::openvino::DeviceKind;
use crate::judge::comparability::Comparability;
use crate::judge::comparability::reported::{
    absent, grade, guards, listed, reported_commit, reported_prompt, short,
};
use crate::record::{ArmView, ProvenDevice};

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
    Environment,
    /// No identity: what two runs of one thing may differ in, and what one compares them for.
    Nothing,
}

impl Breaks {
    /// As text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Model => "model",
            Self::Workload => "workload",
            Self::Device => "device",
            Self::Runtime => "series",
            Self::Epoch => "epoch",
            Self::Environment => "environment",
            Self::Nothing => "nothing",
        }
    }

    /// What it leaves of two runs.
    #[must_use]
    pub fn comparability(self) -> Comparability {
        match self {
            Self::Machine | Self::Model | Self::Workload | Self::Device => Comparability::Unlike,
            Self::Runtime | Self::Epoch | Self::Environment => Comparability::EnvironmentDiffers,
            Self::Nothing => Comparability::Same,
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
            // As where the same prompts were asked in another order.
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

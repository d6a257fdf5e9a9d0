//! The machine before anything is loaded: the kernel's GPUs and their nodes, OpenVINO's devices, the guards.

use std::fs::OpenOptions;
use std::path::Path;

use crate::engine::openvino::{DeviceFacts, Runtime, Sources};
use crate::error::Result;
use crate::measure::guard::Watch;
use crate::record::first_light::{GpuOnBus, MachineLook, RenderNode, RuntimeDevice, RuntimeLook};
use crate::sys::{Clock, IntelGpu, MonotonicClock, Observed, SysfsRoot, intel_gpus};

/// Looks at the machine whose `sys`, `proc` and `dev` lie here.
pub(super) fn at(openvino: Option<&str>, kernel_files: &Path) -> MachineLook {
    // Before all other work, which would show up in the load that is read here.
    let guards = Watch::start(SysfsRoot::at(kernel_files), || MonotonicClock.now_ns(), None).finish();
    let sysfs = kernel_files.join("sys");
    let nodes = kernel_files.join("dev/dri");
    let gpus = intel_gpus(&sysfs).into_iter().map(|gpu| on_bus(gpu, &nodes)).collect();
    let runtime = match of_runtime(openvino, &sysfs) {
        Ok(runtime) => Observed::Observed(runtime),
        Err(error) => Observed::not(error.to_string()),
    };
    MachineLook { gpus, runtime, guards }
}

fn on_bus(gpu: IntelGpu, nodes: &Path) -> GpuOnBus {
    let node = |name: String| {
        let opened = OpenOptions::new().read(true).write(true).open(nodes.join(&name));
        RenderNode { name, refused_reason: opened.err().map(|cause| cause.to_string()) }
    };
    GpuOnBus {
        pci_id: gpu.pci_id,
        driver: gpu.driver,
        render_nodes: gpu.render_nodes.into_iter().map(node).collect(),
    }
}

fn of_runtime(openvino: Option<&str>, sysfs: &Path) -> Result<RuntimeLook> {
    let runtime = Runtime::load(Sources::from_environment(openvino.map(str::to_owned)).locate()?)?;
    let device = |name: String| RuntimeDevice { facts: DeviceFacts::read(&runtime, &name, sysfs), name };
    let devices = runtime.available_devices()?.into_iter().map(device).collect();
    Ok(RuntimeLook { version: runtime.version().to_owned(), devices })
}

//! The way to the GPU, from the PCI bus up: kernel driver, render node, `OpenCL` loader and driver,
//! OpenVINO. It follows what these document and has not run on the hardware.

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::cli::doctor::check::{Check, Status};
use crate::cli::doctor::runtime::Seen;

const GPU: &str = "intel gpu";
const LISTED: &str = "gpu in openvino";
const INTEL: &str = "0x8086";
/// The kernel's drivers that `OpenCL` can work with.
const DRIVERS: [&str; 2] = ["xe", "i915"];
const INSTALL: &str = "on Debian and Ubuntu: `sudo apt-get install ocl-icd-libopencl1 intel-opencl-icd`";

/// Where a machine keeps what the way to the GPU needs.
pub(super) struct Machine {
    /// Usually `/sys`.
    pub(super) sysfs: PathBuf,
    /// Usually `/dev`.
    pub(super) dev: PathBuf,
    /// Where the drivers of `OpenCL` are listed, usually `/etc/OpenCL/vendors`.
    pub(super) opencl_vendors: PathBuf,
    /// Where a library is searched.
    pub(super) library_folders: Vec<PathBuf>,
}

impl Machine {
    /// This one.
    pub(super) fn this(openvino: Option<&Seen>) -> Self {
        let usual = ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/usr/local/lib", "/lib64"];
        let usual = usual.into_iter().chain(["/usr/lib64", "/usr/lib"]).map(PathBuf::from);
        let variable = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
        let own = openvino.map(|seen| seen.folder.clone()).into_iter();
        Self {
            sysfs: "/sys".into(),
            dev: "/dev".into(),
            opencl_vendors: "/etc/OpenCL/vendors".into(),
            library_folders: own.chain(env::split_paths(&variable)).chain(usual).collect(),
        }
    }
}

/// An Intel GPU on the PCI bus.
#[derive(Debug, PartialEq, Eq)]
struct IntelGpu {
    /// Vendor and device, as in "8086:64a0".
    pci_id: String,
    /// The kernel driver that holds it.
    driver: Option<String>,
    /// Names of its nodes below `/dev/dri`.
    render_nodes: Vec<String>,
}

/// Walks the way; `level` is how bad trouble on it is.
pub(super) fn examine(machine: &Machine, level: Status, openvino: Option<&Seen>) -> Vec<Check> {
    let gpus = intel_gpus(&machine.sysfs);
    let listed: Option<Vec<&str>> = openvino.map(|seen| seen.gpus().map(|(name, _)| name.as_str()).collect());
    let is_listed = listed.as_ref().is_some_and(|names| !names.is_empty());
    // What was asked for is there: whatever else is amiss does not stop it.
    let level = if openvino.is_some_and(|seen| seen.has_asked) { Status::Warn } else { level };
    if gpus.is_empty() {
        let found = match &listed {
            Some(names) if is_listed => format!(
                "none on the PCI bus, but OpenVINO lists `{}`: the way to it was not looked at",
                names.join("`, `")
            ),
            _ => "no Intel GPU on this machine: nothing of the GPU path was observed".to_owned(),
        };
        return vec![Check::skip(GPU, found)];
    }
    let mut checks = Vec::new();
    for gpu in &gpus {
        checks.push(kernel_driver(gpu, level));
        checks.extend(gpu.render_nodes.iter().map(|name| {
            let node = machine.dev.join("dri").join(name);
            let opened = OpenOptions::new().read(true).write(true).open(&node).map(|_| ());
            render_node(&node, opened, level)
        }));
    }
    checks.push(opencl("opencl loader", opencl_loader(&machine.library_folders), is_listed, level));
    checks.push(opencl("opencl driver", opencl_driver(&machine.opencl_vendors), is_listed, level));
    checks.push(in_openvino(listed.as_deref(), level));
    checks
}

/// By the kernel's cards, and by the PCI bus, where a GPU stands too that no driver holds.
fn intel_gpus(sysfs: &Path) -> Vec<IntelGpu> {
    let is_card = |path: &PathBuf| {
        let number = path.file_name().and_then(|name| name.to_str()?.strip_prefix("card"));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    };
    let is_display = |path: &PathBuf| told(path, "class").is_some_and(|class| class.starts_with("0x03"));
    let cards = entries(&sysfs.join("class/drm")).into_iter().filter(is_card).map(|card| card.join("device"));
    let displays = entries(&sysfs.join("bus/pci/devices")).into_iter().filter(is_display);
    let devices: BTreeSet<PathBuf> =
        cards.chain(displays).filter_map(|device| fs::canonicalize(device).ok()).collect();
    let intel = devices.iter().filter(|device| told(device, "vendor").as_deref() == Some(INTEL));
    intel.map(|device| intel_gpu(device)).collect()
}

fn intel_gpu(device: &Path) -> IntelGpu {
    let driver = fs::read_link(device.join("driver")).ok();
    let id = told(device, "device").unwrap_or_else(|| "unknown".to_owned());
    IntelGpu {
        pci_id: format!("8086:{}", id.trim_start_matches("0x")),
        driver: driver.and_then(|link| Some(link.file_name()?.to_str()?.to_owned())),
        render_nodes: names(&device.join("drm")).into_iter().filter(|n| n.starts_with("renderD")).collect(),
    }
}

fn kernel_driver(gpu: &IntelGpu, level: Status) -> Check {
    let id = &gpu.pci_id;
    let mend = "`sudo modprobe xe` (`i915` for older GPUs), once nothing else holds it; \
        a kernel that is older than the GPU has no driver for it";
    match gpu.driver.as_deref() {
        Some(driver) if !DRIVERS.contains(&driver) => {
            let found = format!("`{id}` is held by kernel driver `{driver}`, which has no OpenCL");
            Check::trouble(level, GPU, found, mend)
        }
        Some(driver) if gpu.render_nodes.is_empty() => {
            let found = format!("`{id}`, kernel driver `{driver}`, which made no render node for it");
            Check::trouble(level, GPU, found, "look for the reason: `sudo dmesg | grep -E 'xe|i915'`")
        }
        Some(driver) => Check::ok(GPU, format!("`{id}`, kernel driver `{driver}`")),
        None => Check::trouble(level, GPU, format!("`{id}` has no kernel driver"), mend),
    }
}

fn render_node(node: &Path, opened: io::Result<()>, level: Status) -> Check {
    let subject = "render node";
    let Err(cause) = opened else {
        return Check::ok(subject, format!("`{}` opens for reading and writing", node.display()));
    };
    let mend = match cause.kind() {
        ErrorKind::NotFound => {
            "in a container, start it with `--device /dev/dri`; elsewhere `sudo udevadm trigger`".to_owned()
        }
        ErrorKind::PermissionDenied => "`sudo usermod -aG render $USER`, then log in again".to_owned(),
        _ => format!("look at it: `ls -l {}`", node.display()),
    };
    Check::trouble(level, subject, format!("`{}` does not open: {cause}", node.display()), mend)
}

/// Where the loader was found, or where it was not.
fn opencl_loader(folders: &[PathBuf]) -> Result<String, String> {
    let mut files = folders.iter().map(|folder| folder.join("libOpenCL.so.1"));
    let found = files.find(|file| file.is_file());
    found.map(|file| format!("`{}`", file.display())).ok_or("no `libOpenCL.so.1` in the usual folders".into())
}

/// The entry of Intel's driver, by the library that it names.
fn opencl_driver(vendors: &Path) -> Result<String, String> {
    let names_intel = |file: &PathBuf| fs::read_to_string(file).is_ok_and(|text| text.contains("igdrcl"));
    let found = entries(vendors).into_iter().find(names_intel);
    found
        .map(|file| format!("`{}`", file.display()))
        .ok_or_else(|| format!("no entry of Intel's GPU driver in `{}`", vendors.display()))
}

/// Systems keep these elsewhere, too: where OpenVINO lists a GPU, nothing is missing.
fn opencl(subject: &str, found: Result<String, String>, is_listed: bool, level: Status) -> Check {
    match found {
        Ok(found) => Check::ok(subject, found),
        Err(missing) if is_listed => Check::ok(subject, format!("{missing}, yet OpenVINO reaches a GPU")),
        Err(missing) => Check::trouble(level, subject, missing, INSTALL),
    }
}

fn in_openvino(listed: Option<&[&str]>, level: Status) -> Check {
    match listed {
        None => Check::skip(LISTED, "not looked at: OpenVINO is not loaded"),
        Some([]) => Check::trouble(level, LISTED, "OpenVINO lists none", INSTALL),
        Some(names) => Check::ok(LISTED, format!("OpenVINO lists `{}`", names.join("`, `"))),
    }
}

/// What a file of sysfs says.
fn told(device: &Path, file: &str) -> Option<String> {
    Some(fs::read_to_string(device.join(file)).ok()?.trim().to_lowercase())
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

fn names(folder: &Path) -> Vec<String> {
    let name = |path: &PathBuf| Some(path.file_name()?.to_str()?.to_owned());
    entries(folder).iter().filter_map(name).collect()
}

#[cfg(test)]
mod tests;

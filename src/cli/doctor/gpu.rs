//! The way to the GPU, from the PCI bus up: kernel driver, render node, `OpenCL` loader and driver,
//! OpenVINO. It follows what these document, and is tested on fixtures.

mod pci;

use std::env;
use std::fs::OpenOptions;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::cli::doctor::check::{Check, Status};
use crate::cli::doctor::runtime::Seen;
use crate::files::{FileKind, read_text};
use crate::sys::intel_gpus;
use pci::{GPU, entries, kernel_driver};

const LISTED: &str = "gpu in openvino";
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

/// Walks the way; `level` is how bad trouble on it is.
pub(super) fn examine(machine: &Machine, level: Status, openvino: Option<&Seen>) -> Vec<Check> {
    let gpus = intel_gpus(&machine.sysfs);
    let listed: Option<Vec<&str>> = openvino.map(|seen| seen.gpus().map(|(name, _)| name.as_str()).collect());
    let is_listed = listed.as_ref().is_some_and(|names| !names.is_empty());
    // What was requested is there: another fault does not stop it.
    let level = if openvino.is_some_and(|seen| seen.has_requested) { Status::Warn } else { level };
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

fn render_node(node: &Path, opened: io::Result<()>, level: Status) -> Check {
    let subject = "render node";
    let Err(cause) = opened else {
        return Check::ok(subject, format!("`{}` opens for reading and writing", node.display()));
    };
    let fix = match cause.kind() {
        ErrorKind::NotFound => {
            "in a container, start it with `--device /dev/dri`; elsewhere `sudo udevadm trigger`".to_owned()
        }
        ErrorKind::PermissionDenied => "`sudo usermod -aG render $USER`, then log in again".to_owned(),
        _ => format!("look at it: `ls -l {}`", node.display()),
    };
    Check::trouble(level, subject, format!("`{}` does not open: {cause}", node.display()), fix)
}

/// Where the loader was found, or where it was not.
fn opencl_loader(folders: &[PathBuf]) -> Result<String, String> {
    let mut files = folders.iter().map(|folder| folder.join("libOpenCL.so.1"));
    let found = files.find(|file| file.is_file());
    found.map(|file| format!("`{}`", file.display())).ok_or("no `libOpenCL.so.1` in the usual folders".into())
}

/// The entry of Intel's driver, by the library that it names.
fn opencl_driver(vendors: &Path) -> Result<String, String> {
    let names_intel =
        |file: &PathBuf| read_text(file, FileKind::Text).is_ok_and(|text| text.contains("igdrcl"));
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

#[cfg(test)]
mod scene {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A machine made of files in a temporary folder.
    pub(super) struct Scene {
        folder: tempfile::TempDir,
    }

    impl Scene {
        pub(super) fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap() }
        }

        /// The folder that stands for the root.
        pub(super) fn root(&self) -> &Path {
            self.folder.path()
        }

        /// A device on the PCI bus, as sysfs shows it.
        pub(super) fn device(
            &self,
            address: &str,
            class: &str,
            vendor: &str,
            driver: Option<&str>,
        ) -> PathBuf {
            let device = self.write(&format!("sys/bus/pci/devices/{address}/class"), class);
            let device = device.parent().unwrap().to_owned();
            fs::write(device.join("vendor"), format!("{vendor}\n")).unwrap();
            fs::write(device.join("device"), "0x64a0\n").unwrap();
            if let Some(driver) = driver {
                symlink(format!("../../../drivers/{driver}"), device.join("driver")).unwrap();
            }
            device
        }

        /// The kernel's card of a device, with its render node.
        pub(super) fn card(&self, device: &Path, card: &str, node: &str) {
            let drm = self.folder.path().join("sys/class/drm").join(card);
            fs::create_dir_all(&drm).unwrap();
            symlink(device, drm.join("device")).unwrap();
            fs::create_dir_all(device.join("drm").join(node)).unwrap();
            fs::create_dir_all(device.join("drm").join(card)).unwrap();
        }

        pub(super) fn write(&self, path: &str, text: &str) -> PathBuf {
            let path = self.folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            path
        }

        /// An Arc 140V under xe.
        pub(super) fn arc() -> Self {
            let scene = Self::new();
            let device = scene.device("0000:00:02.0", "0x030000", "0x8086", Some("xe"));
            scene.card(&device, "card1", "renderD128");
            scene
        }
    }
}

#[cfg(test)]
mod tests;

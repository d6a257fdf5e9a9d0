//! The way to the GPU, from the PCI bus up: kernel driver, render node, `OpenCL` loader and driver,
//! OpenVINO. It follows what these document, and is tested on fixtures.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::cli::doctor::runtime::Seen;
use crate::files::{FileKind, read_text};
use crate::record::first_light::{Check, CheckStatus as Status};
use crate::sys::{IntelGpu, intel_gpus, sysfs};

const LISTED: &str = "gpu in openvino";
const INSTALL: &str = "on Debian and Ubuntu: `sudo apt-get install ocl-icd-libopencl1 intel-opencl-icd`";

/// Where a machine keeps what the way to the GPU needs.
pub(super) struct Machine {
    /// Usually `/sys`.
    pub(super) sysfs: PathBuf,
    /// Usually `/dev`.
    pub(super) dev: PathBuf,
    /// Where the drivers of `OpenCL` are listed, usually `/etc/OpenCL/vendors`.
    opencl_vendors: PathBuf,
    /// Where a library is searched.
    library_folders: Vec<PathBuf>,
}

impl Machine {
    /// This one.
    pub(super) fn this(openvino: Option<&Seen>) -> Self {
        let usual = ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/usr/local/lib", "/lib64"];
        let usual = usual.into_iter().chain(["/usr/lib64", "/usr/lib"]).map(PathBuf::from);
        let variable = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
        let own = openvino.map(|seen| seen.folder.clone()).into_iter();
        Self {
            sysfs: sysfs().into(),
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

/// The subject of what is reported of a GPU as such.
const GPU: &str = "intel gpu";
/// The kernel's drivers that `OpenCL` can work with.
const DRIVERS: [&str; 2] = ["xe", "i915"];

/// Whether a driver that has `OpenCL` holds it.
fn kernel_driver(gpu: &IntelGpu, level: Status) -> Check {
    let id = &gpu.pci_id;
    let fix = "`sudo modprobe xe` (`i915` for older GPUs), once nothing else holds it; \
        a kernel that is older than the GPU has no driver for it";
    match gpu.driver.as_deref() {
        Some(driver) if !DRIVERS.contains(&driver) => {
            let found = format!("`{id}` is held by kernel driver `{driver}`, which has no OpenCL");
            Check::trouble(level, GPU, found, fix)
        }
        Some(driver) if gpu.render_nodes.is_empty() => {
            let found = format!("`{id}`, kernel driver `{driver}`, which made no render node for it");
            Check::trouble(level, GPU, found, "look for the reason: `sudo dmesg | grep -E 'xe|i915'`")
        }
        Some(driver) => Check::ok(GPU, format!("`{id}`, kernel driver `{driver}`")),
        None => Check::trouble(level, GPU, format!("`{id}` has no kernel driver"), fix),
    }
}

/// What a folder holds, by name; nothing where there is none.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::openvino::DeviceFacts;
    use crate::sys::symlink;

    /// A machine made of files in a temporary folder.
    struct Scene {
        folder: tempfile::TempDir,
    }

    impl Scene {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap() }
        }

        /// The folder that stands for the root.
        fn root(&self) -> &Path {
            self.folder.path()
        }

        /// A device on the PCI bus, as sysfs shows it.
        fn device(&self, address: &str, class: &str, vendor: &str, driver: Option<&str>) -> PathBuf {
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
        fn card(&self, device: &Path, card: &str, node: &str) {
            let drm = self.folder.path().join("sys/class/drm").join(card);
            fs::create_dir_all(&drm).unwrap();
            symlink(device, drm.join("device")).unwrap();
            fs::create_dir_all(device.join("drm").join(node)).unwrap();
            fs::create_dir_all(device.join("drm").join(card)).unwrap();
        }

        fn write(&self, path: &str, text: &str) -> PathBuf {
            let path = self.folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            path
        }

        /// An Arc 140V under xe.
        fn arc() -> Self {
            let scene = Self::new();
            let device = scene.device("0000:00:02.0", "0x030000", "0x8086", Some("xe"));
            scene.card(&device, "card1", "renderD128");
            scene
        }
    }

    fn report(scene: &Scene, level: Status, openvino: Option<&Seen>) -> String {
        let root = scene.root();
        let machine = Machine {
            sysfs: root.join("sys"),
            dev: root.join("dev"),
            opencl_vendors: root.join("vendors"),
            library_folders: vec![root.join("none"), root.join("lib")],
        };
        let report: String = examine(&machine, level, openvino).iter().map(Check::render).collect();
        report.replace(&root.display().to_string(), "")
    }

    fn seen(devices: &[&str]) -> Seen {
        let devices = devices.iter().map(|name| ((*name).to_owned(), DeviceFacts::default())).collect();
        Seen { folder: PathBuf::new(), devices, has_requested: false }
    }

    #[test]
    fn a_machine_without_an_intel_gpu_says_that_nothing_of_the_path_was_observed() {
        let scene = Scene::new();
        scene.device("0000:01:00.0", "0x030000", "0x10de", Some("nvidia"));
        scene.device("0000:00:1f.3", "0x040300", "0x8086", Some("snd_hda_intel"));
        insta::assert_snapshot!(report(&scene, Status::Fail, Some(&seen(&["CPU"]))), @r"
        skip  intel gpu          no Intel GPU on this machine: nothing of the GPU path was observed
        ");
        let report = report(&scene, Status::Warn, Some(&seen(&["CPU", "GPU"])));
        assert!(report.contains("OpenVINO lists `GPU`"), "{report}");
    }

    #[test]
    fn a_gpu_with_all_that_it_needs_is_ok_from_the_bus_to_openvino() {
        let scene = Scene::arc();
        scene.write("dev/dri/renderD128", "");
        scene.write("lib/libOpenCL.so.1", "");
        scene.write("vendors/intel.icd", "/usr/lib/x86_64-linux-gnu/intel-opencl/libigdrcl.so\n");
        insta::assert_snapshot!(report(&scene, Status::Fail, Some(&seen(&["CPU", "GPU"]))), @r"
        ok    intel gpu          `8086:64a0`, kernel driver `xe`
        ok    render node        `/dev/dri/renderD128` opens for reading and writing
        ok    opencl loader      `/lib/libOpenCL.so.1`
        ok    opencl driver      `/vendors/intel.icd`
        ok    gpu in openvino    OpenVINO lists `GPU`
        ");
    }

    #[test]
    fn a_gpu_that_openvino_does_not_see_is_told_with_each_thing_that_is_missing() {
        let scene = Scene::arc();
        scene.write("vendors/other.icd", "libnvidia-opencl.so.1\n");
        insta::assert_snapshot!(report(&scene, Status::Warn, Some(&seen(&["CPU"]))), @r"
        ok    intel gpu          `8086:64a0`, kernel driver `xe`
        warn  render node        `/dev/dri/renderD128` does not open: No such file or directory (os error 2)
              hint: in a container, start it with `--device /dev/dri`; elsewhere `sudo udevadm trigger`
        warn  opencl loader      no `libOpenCL.so.1` in the usual folders
              hint: on Debian and Ubuntu: `sudo apt-get install ocl-icd-libopencl1 intel-opencl-icd`
        warn  opencl driver      no entry of Intel's GPU driver in `/vendors`
              hint: on Debian and Ubuntu: `sudo apt-get install ocl-icd-libopencl1 intel-opencl-icd`
        warn  gpu in openvino    OpenVINO lists none
              hint: on Debian and Ubuntu: `sudo apt-get install ocl-icd-libopencl1 intel-opencl-icd`
        ");
    }

    #[test]
    fn trouble_fails_where_the_gpu_was_named_and_is_not_there() {
        let scene = Scene::arc();
        let other_is_there = Seen { has_requested: true, ..seen(&["CPU", "GPU.0"]) };
        for (openvino, failures) in [(seen(&["CPU"]), 4), (other_is_there, 0)] {
            assert_eq!(report(&scene, Status::Fail, Some(&openvino)).matches("FAIL").count(), failures);
        }
        let without_a_runtime = report(&scene, Status::Warn, None);
        for line in ["skip  gpu in openvino", "warn  opencl loader"] {
            assert!(without_a_runtime.contains(line), "{without_a_runtime}");
        }
        // A loader in an unusual place is no trouble once OpenVINO reaches the GPU.
        let reached = report(&scene, Status::Warn, Some(&seen(&["CPU", "GPU"])));
        assert!(reached.contains("ok    opencl loader      no `libOpenCL.so.1`"), "{reached}");
    }

    #[test]
    fn two_gpus_are_two_lines_however_many_connectors_they_have() {
        let scene = Scene::arc();
        let second = scene.device("0000:03:00.0", "0x030000", "0x8086", Some("i915"));
        scene.card(&second, "card2", "renderD129");
        scene.card(&second, "card2-DP-1", "renderD129");
        let report = report(&scene, Status::Warn, None);
        for subject in ["  intel gpu  ", "  render node  "] {
            assert_eq!(report.matches(subject).count(), 2, "{report}");
        }
    }

    #[test]
    fn a_node_that_does_not_open_is_fixed_by_what_is_wrong_with_it() {
        let node = Path::new("/dev/dri/renderD128");
        for (cause, fix) in [
            (ErrorKind::PermissionDenied, "`sudo usermod -aG render $USER`"),
            (ErrorKind::ResourceBusy, "look at it: `ls -l /dev/dri/renderD128`"),
        ] {
            let check = render_node(node, Err(cause.into()), Status::Fail);
            assert_eq!(check.status, Status::Fail);
            assert!(check.fix.unwrap().starts_with(fix));
        }
    }

    #[test]
    fn a_gpu_that_no_driver_with_opencl_holds_is_found_on_the_bus() {
        for (driver, line) in [
            (
                None,
                "warn  intel gpu          `8086:64a0` has no kernel driver\n      hint: `sudo modprobe xe`",
            ),
            (
                Some("vfio-pci"),
                "warn  intel gpu          `8086:64a0` is held by kernel driver `vfio-pci`, which has no OpenCL",
            ),
            (
                Some("i915"),
                "warn  intel gpu          `8086:64a0`, kernel driver `i915`, which made no render node for it",
            ),
        ] {
            let scene = Scene::new();
            scene.device("0000:00:02.0", "0x038000", "0x8086", driver);
            let report = report(&scene, Status::Warn, None);
            assert!(report.starts_with(line), "{report}");
        }
    }
}

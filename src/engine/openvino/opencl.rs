//! What OpenCL reports of the GPU that OpenVINO runs on: its driver, its vendor, and whether it is one at all.
//!
//! `libOpenCL` is loaded at run time, as OpenVINO's GPU plugin does; where there is none, nothing is observed.

use std::ffi::c_void;
use std::path::{Path, PathBuf};
use std::{env, fs};

use cl3::device::{
    CL_DEVICE_NAME, CL_DEVICE_TYPE, CL_DEVICE_TYPE_ALL, CL_DEVICE_TYPE_CPU, CL_DEVICE_TYPE_GPU,
    CL_DEVICE_UUID_KHR, CL_DEVICE_VENDOR, CL_DEVICE_VENDOR_ID, CL_DEVICE_VERSION, CL_DRIVER_VERSION,
    get_device_data, get_device_ids,
};
use cl3::platform::{CL_PLATFORM_NAME, get_platform_data, get_platform_ids};

use crate::files::{FileKind, read_text};
use crate::sys::{SysfsRoot, canonicalize};

/// `CL_PLATFORM_NAME` of Intel's runtime for processors; that for GPUs ends in "Graphics".
const INTEL_CPU_PLATFORM: &str = "Intel(R) OpenCL";
/// Where the OpenCL loader looks for layers by itself.
const LAYERS_FOLDER: &str = "/etc/OpenCL/layers";

/// A device of an OpenCL platform, by its `CL_DEVICE_...` and `CL_PLATFORM_NAME`; what it does not report is None.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct OpenClDevice {
    pub(super) platform: String,
    pub(super) name: String,
    pub(super) types: u64,
    pub(super) vendor: Option<String>,
    pub(super) vendor_id: Option<u32>,
    pub(super) driver_version: Option<String>,
    pub(super) device_version: Option<String>,
    /// `CL_DEVICE_UUID_KHR`, 32 hexadecimal digits.
    pub(super) uuid: Option<String>,
}

pub(super) fn devices() -> Vec<OpenClDevice> {
    let mut devices = Vec::new();
    for platform in get_platform_ids().unwrap_or_default() {
        let name = text(get_platform_data(platform, CL_PLATFORM_NAME)).unwrap_or_default();
        for id in get_device_ids(platform, CL_DEVICE_TYPE_ALL).unwrap_or_default() {
            devices.push(described(id, &name));
        }
    }
    devices
}

fn described(id: *mut c_void, platform: &str) -> OpenClDevice {
    let reported = |what| text(get_device_data(id, what));
    let bytes = |what| get_device_data(id, what).ok();
    let types = bytes(CL_DEVICE_TYPE).and_then(|bytes| bytes.try_into().ok()).map(u64::from_ne_bytes);
    OpenClDevice {
        platform: platform.to_owned(),
        name: reported(CL_DEVICE_NAME).unwrap_or_default(),
        types: types.unwrap_or_default(),
        vendor: reported(CL_DEVICE_VENDOR),
        vendor_id: bytes(CL_DEVICE_VENDOR_ID).and_then(|id| id.try_into().ok()).map(u32::from_ne_bytes),
        driver_version: reported(CL_DRIVER_VERSION),
        device_version: reported(CL_DEVICE_VERSION),
        uuid: bytes(CL_DEVICE_UUID_KHR)
            .and_then(|uuid| uuid.try_into().ok())
            .map(|uuid| format!("{:032x}", u128::from_be_bytes(uuid))),
    }
}

/// A text that ends with a NUL, without it; None where it is empty.
fn text(answer: Result<Vec<u8>, i32>) -> Option<String> {
    let bytes = answer.ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_end_matches('\0').trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The device that OpenVINO names so: by its UUID where both know one, else by its name, else the only GPU.
/// None where several could be meant: a driver of another device would be worse than none.
pub(super) fn matching<'a>(
    devices: &'a [OpenClDevice],
    uuid: Option<&str>,
    full_name: Option<&str>,
) -> Option<&'a OpenClDevice> {
    let known = |uuid: &&str| uuid.len() == 32 && uuid.bytes().any(|digit| digit != b'0');
    if let Some(uuid) = uuid.filter(known)
        && let Some(same) = devices.iter().find(|device| device.uuid.as_deref() == Some(uuid))
    {
        return Some(same);
    }
    // A device may be listed twice, as where a driver is registered twice.
    let only = |wanted: &dyn Fn(&OpenClDevice) -> bool| {
        let mut found = devices.iter().filter(|device| wanted(device));
        let first = found.next()?;
        found
            .all(|other| OpenClDevice { uuid: first.uuid.clone(), ..other.clone() } == *first)
            .then_some(first)
    };
    let name = full_name.map(|name| {
        let bare = name.strip_suffix(" (iGPU)").or_else(|| name.strip_suffix(" (dGPU)"));
        bare.unwrap_or(name)
    });
    match name.filter(|name| devices.iter().any(|device| device.name == *name)) {
        Some(name) => only(&|device| device.name == name),
        None => only(&|device| device.types & CL_DEVICE_TYPE_GPU != 0),
    }
}

/// Why a device is known to be emulated; None where nothing proves it, which variables alone never do.
pub(super) fn emulated_reason(device: Option<&OpenClDevice>, layers: &[String]) -> Option<String> {
    let runtime = device.and_then(cpu_runtime);
    let layers = layers.iter().map(|layer| format!("the OpenCL layer `{layer}` is loaded"));
    let reasons: Vec<String> = runtime.into_iter().chain(layers).collect();
    (!reasons.is_empty()).then(|| reasons.join(", and "))
}

fn cpu_runtime(device: &OpenClDevice) -> Option<String> {
    let version = device.device_version.as_deref().unwrap_or_default();
    let is_of_intel = device.platform == INTEL_CPU_PLATFORM && version.contains("(Build");
    // PoCL names its target, as in `OpenCL 3.0 PoCL HSTR: cpu-x86_64-pc-linux-gnu-znver4`; it drives GPUs, too.
    let is_of_pocl =
        version.contains("PoCL") && ["HSTR: cpu", "HSTR: pthread"].iter().any(|it| version.contains(it));
    if device.types & CL_DEVICE_TYPE_CPU != 0 {
        Some(format!("OpenCL reports `{}` as a CPU", device.name))
    } else if is_of_intel || is_of_pocl {
        Some(format!("its OpenCL platform `{}` ({version}) is a runtime for CPUs", device.platform))
    } else {
        None
    }
}

/// The OpenCL layers that are loaded into this process.
pub(super) fn loaded_layers() -> Vec<String> {
    let by_variable = env::var("OPENCL_LAYERS").unwrap_or_default();
    let folder = env::var_os("OPENCL_LAYER_PATH").map_or_else(|| LAYERS_FOLDER.into(), PathBuf::from);
    let mut named: Vec<String> = by_variable.split(':').map(str::to_owned).collect();
    named.extend(listed_layers(&folder));
    let maps = SysfsRoot::this_machine().text("proc/self/maps").unwrap_or_default();
    named.retain(|layer| is_mapped(layer, &maps));
    named
}

/// A `.lay` file has the name of a library in each line.
fn listed_layers(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "lay")).collect();
    files.sort_unstable();
    let texts = files.iter().filter_map(|file| read_text(file, FileKind::Text).ok());
    texts.flat_map(|text| text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>()).collect()
}

/// Whether a library is in a process's memory: a path by its file, a bare name by how the file's name begins.
fn is_mapped(library: &str, maps: &str) -> bool {
    let mut files = maps.lines().filter_map(|line| Some(&line[line.find('/')?..]));
    if library.is_empty() {
        return false;
    }
    if library.contains('/') {
        let file = canonicalize(library).unwrap_or_else(|_| library.into());
        return files.any(|mapped| Path::new(mapped) == file);
    }
    files.any(|mapped| {
        Path::new(mapped).file_name().is_some_and(|it| it.to_string_lossy().starts_with(library))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpu(name: &str, driver_version: &str) -> OpenClDevice {
        OpenClDevice {
            platform: "Intel(R) OpenCL Graphics".into(),
            name: name.into(),
            types: CL_DEVICE_TYPE_GPU,
            vendor: Some("Intel(R) Corporation".into()),
            vendor_id: Some(0x8086),
            driver_version: Some(driver_version.into()),
            device_version: Some("OpenCL 3.0 NEO".into()),
            uuid: None,
        }
    }

    fn cpu_as_gpu() -> OpenClDevice {
        OpenClDevice {
            platform: INTEL_CPU_PLATFORM.into(),
            device_version: Some("OpenCL 3.0 (Build 0)".into()),
            ..gpu("A GPU", "2024.18.7")
        }
    }

    #[test]
    fn without_opencl_or_with_it_asking_for_devices_never_fails() {
        assert!(devices().iter().all(|device| device.types != 0), "{:?}", devices());
    }

    #[test]
    fn a_device_is_found_by_its_uuid_before_its_name() {
        let uuid = "868064a0040000000002000000000000";
        let one = OpenClDevice { uuid: Some(uuid.into()), ..gpu("A GPU", "26.1") };
        let both = [gpu("B GPU", "26.2"), one.clone()];
        assert_eq!(matching(&both, Some(uuid), Some("B GPU (iGPU)")), Some(&one));
        assert_eq!(matching(&both, Some(&"0".repeat(32)), Some("B GPU (iGPU)")), Some(&both[0]), "no UUID");
    }

    #[test]
    fn a_device_is_found_by_its_name_without_what_openvino_adds() {
        let both = [gpu("A GPU", "26.1"), gpu("B GPU", "26.2")];
        for name in ["B GPU (iGPU)", "B GPU (dGPU)", "B GPU"] {
            assert_eq!(matching(&both, None, Some(name)), Some(&both[1]), "{name}");
        }
    }

    #[test]
    fn the_only_gpu_is_meant_whatever_its_name_and_of_several_none() {
        let cpu = OpenClDevice { types: CL_DEVICE_TYPE_CPU, ..gpu("A CPU", "1") };
        let one = [cpu, gpu("A GPU", "26.1")];
        assert_eq!(matching(&one, None, Some("another name")), Some(&one[1]));
        let two = [gpu("A GPU", "26.1"), gpu("B GPU", "26.1")];
        assert_eq!(matching(&two, None, Some("another name")), None);
        assert_eq!(matching(&[], None, Some("A GPU")), None);
    }

    #[test]
    fn a_driver_that_is_registered_twice_is_one_and_two_drivers_of_one_name_are_none() {
        let twice = [gpu("A GPU", "26.1"), gpu("A GPU", "26.1")];
        assert_eq!(matching(&twice, None, Some("A GPU (iGPU)")), Some(&twice[0]));
        let unlike = [gpu("A GPU", "26.1"), gpu("A GPU", "26.2")];
        assert_eq!(matching(&unlike, None, Some("A GPU (iGPU)")), None);
    }

    #[test]
    fn runtimes_for_cpus_are_known_to_be_emulation_and_drivers_of_gpus_are_not() {
        let reason = |device: OpenClDevice| emulated_reason(Some(&device), &[]);
        let pocl = |target: &str| OpenClDevice {
            platform: "Portable Computing Language".into(),
            device_version: Some(format!("OpenCL 3.0 PoCL HSTR: {target}")),
            ..gpu("A device", "7.0")
        };
        assert_eq!(
            reason(cpu_as_gpu()).unwrap(),
            "its OpenCL platform `Intel(R) OpenCL` (OpenCL 3.0 (Build 0)) is a runtime for CPUs"
        );
        assert!(reason(pocl("cpu-x86_64-pc-linux-gnu-znver4")).unwrap().contains("Portable Computing"));
        let simulator =
            OpenClDevice { types: CL_DEVICE_TYPE_CPU | CL_DEVICE_TYPE_GPU, ..gpu("Oclgrind", "21") };
        assert_eq!(reason(simulator).unwrap(), "OpenCL reports `Oclgrind` as a CPU");
        let nvidia = OpenClDevice {
            platform: "NVIDIA CUDA".into(),
            device_version: Some("OpenCL 3.0 CUDA".into()),
            ..gpu("NVIDIA H200", "570.86")
        };
        for genuine in [gpu("A GPU", "26.1"), nvidia, pocl("CUDA-sm_90")] {
            assert_eq!(reason(genuine), None);
        }
        assert_eq!(emulated_reason(None, &[]), None, "what is unknown is not emulated");
    }

    #[test]
    fn a_layer_that_is_loaded_is_emulation_and_one_that_is_only_named_is_not() {
        let layer = "the OpenCL layer `/opt/l/liblayer.so` is loaded";
        assert_eq!(emulated_reason(None, &["/opt/l/liblayer.so".into()]).unwrap(), layer);
        assert!(
            emulated_reason(Some(&cpu_as_gpu()), &["l.so".into()]).unwrap().contains("CPUs, and the OpenCL")
        );
        let maps = "7f00-7f01 r-xp 00000000 08:01 1   /opt/l/liblayer.so\n7f02-7f03 rw-p 0 00:00 0 [heap]\n\
                    7f04-7f05 r-xp 0 08:01 2 /usr/lib/libother.so.1.2\n";
        for (library, is_loaded) in [
            ("/opt/l/liblayer.so", true),
            ("/opt/m/liblayer.so", false),
            ("libother.so", true),
            ("libthird.so", false),
            ("", false),
        ] {
            assert_eq!(is_mapped(library, maps), is_loaded, "{library}");
        }
    }

    #[test]
    fn layers_are_listed_in_files_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("1.lay"), "/opt/l/liblayer.so\n").unwrap();
        fs::write(folder.path().join("2.txt"), "/opt/l/libother.so\n").unwrap();
        assert_eq!(listed_layers(folder.path()), ["/opt/l/liblayer.so"]);
        assert_eq!(listed_layers(&folder.path().join("none")), [""; 0]);
    }
}

//! The way to the GPU on machines made of temporary folders; no test here has a GPU.

use super::scene::Scene;
use super::*;
use crate::engine::openvino::DeviceFacts;

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
    assert_eq!(report(&scene, Status::Fail, Some(&seen(&["CPU"]))).matches("FAIL").count(), 4);
    let other_is_there = Seen { has_requested: true, ..seen(&["CPU", "GPU.0"]) };
    assert_eq!(report(&scene, Status::Fail, Some(&other_is_there)).matches("FAIL").count(), 0);
}

#[test]
fn without_a_runtime_the_rest_of_the_way_is_looked_at_all_the_same() {
    let report = report(&Scene::arc(), Status::Warn, None);
    assert!(report.contains("skip  gpu in openvino"), "{report}");
    assert!(report.contains("warn  opencl loader"), "{report}");
}

#[test]
fn a_loader_in_an_unusual_place_is_no_trouble_once_openvino_reaches_the_gpu() {
    let report = report(&Scene::arc(), Status::Warn, Some(&seen(&["CPU", "GPU"])));
    assert!(report.contains("ok    opencl loader      no `libOpenCL.so.1`"), "{report}");
}

#[test]
fn two_gpus_are_two_lines_however_many_connectors_they_have() {
    let scene = Scene::arc();
    let second = scene.device("0000:03:00.0", "0x030000", "0x8086", Some("i915"));
    scene.card(&second, "card2", "renderD129");
    scene.card(&second, "card2-DP-1", "renderD129");
    let report = report(&scene, Status::Warn, None);
    assert_eq!(report.matches("  intel gpu  ").count(), 2, "{report}");
    assert_eq!(report.matches("  render node  ").count(), 2, "{report}");
}

#[test]
fn a_node_that_may_not_be_opened_is_fixed_by_the_group() {
    let denied =
        render_node(Path::new("/dev/dri/renderD128"), Err(ErrorKind::PermissionDenied.into()), Status::Warn);
    assert!(denied.fix.unwrap().starts_with("`sudo usermod -aG render $USER`"));
    let other =
        render_node(Path::new("/dev/dri/renderD128"), Err(ErrorKind::ResourceBusy.into()), Status::Fail);
    assert_eq!(other.status, Status::Fail);
    assert_eq!(other.fix.as_deref(), Some("look at it: `ls -l /dev/dri/renderD128`"));
}

//! Set-up of the GPU plugin's tests against a fake `python3` and a fake `cc`.

use super::scene::{Scene, assert_says, left_in, zip};
use crate::failure::Failure;
use crate::setup::gpu_plugin::GpuPlugin;
use crate::setup::python::Python;

fn gpu_plugin(scene: &Scene) -> GpuPlugin {
    let served = scene.folder.join("runtime.whl");
    zip(
        &served,
        &["rt-1.data/data/lib/libintelocl.so", "rt-1.dist-info/LICENSE.txt", "rt-1.data/data/bin/x"],
    );
    let variables =
        [("PATH", scene.path.clone()), ("FAKE", scene.fake.into()), ("WHEEL", served.into_os_string())];
    GpuPlugin {
        python: Python { environment: variables.map(|(name, value)| (name.into(), value)).into() },
        machine: ("linux", "x86_64"),
        folder: scene.folder.join("cache/gpu-plugin"),
        is_accepted: true,
    }
}

/// A set-up that must fail, and the parts that it left.
fn failure(fake: &'static str) -> (Failure, Vec<String>) {
    let scene = Scene::new(fake);
    let failure = gpu_plugin(&scene).provide().expect_err("it misbehaves");
    let left = left_in(&scene.folder.join("cache/gpu-plugin"));
    (failure, left.into_iter().filter(|name| !name.starts_with('.')).collect())
}

#[test]
fn without_consent_nothing_is_fetched_and_every_package_is_named_with_its_licence() {
    let scene = Scene::new("gpu-no-consent");
    let set_up = GpuPlugin { is_accepted: false, ..gpu_plugin(&scene) };
    let failure = set_up.provide().expect_err("not accepted");
    assert_eq!(failure.code, 2);
    assert_says(
        &failure,
        &[
            "intel-opencl-rt 2024.2.1: Intel End User License Agreement for Developer Tools\n",
            "intel-cmplr-lib-rt 2024.2.1: Intel End User License Agreement for Developer Tools\n",
            "tbb 2021.13.1: Intel Simplified Software License\n",
            "cargo xtask test --gpu-plugin --accept-intel-license",
            "ARCGAUGE_ACCEPT_INTEL_LICENSE=1",
        ],
    );
    assert!(!scene.folder.join("cache").exists());
}

#[test]
fn with_consent_both_parts_are_made_once_and_need_nothing_afterwards() {
    let mut scene = Scene::new("gpu");
    let made = gpu_plugin(&scene).provide().expect("made");
    assert!(made.runtime.join("lib/libintelocl.so").is_file(), "its libraries lie in one folder");
    assert_eq!(
        left_in(&made.runtime),
        ["lib", "rt-1.dist-info"],
        "its licence comes with it, and nothing else"
    );
    assert!(made.layer.join("opencl_layer.so").is_file() && made.layer.join("programs").is_dir());
    scene.path = scene.folder.clone().into();
    let again = GpuPlugin { is_accepted: false, ..gpu_plugin(&scene) };
    assert_eq!(again.provide().expect("there").layer, made.layer);
}

#[test]
fn a_runtime_that_cannot_be_fetched_leaves_nothing_and_says_why() {
    let nothing: [&str; 0] = [];
    for (fake, words) in [
        ("small-disk", ["no space on the disk", "1500 MB needed"]),
        ("damaged", ["tests/gpu_plugin/requirements.txt pins", "cargo xtask test --gpu-plugin"]),
        ("full-disk", ["no space on the disk", "while fetching"]),
        ("nothing", ["hold no `lib/libintelocl.so`", "pip config list"]),
    ] {
        let (failure, left) = failure(fake);
        assert_says(&failure, &words);
        assert_eq!(left, nothing, "{fake}");
    }
}

#[test]
fn a_layer_that_cannot_be_compiled_says_why_and_the_runtime_stays() {
    for (fake, words) in [
        ("no-headers", ["the headers of OpenCL are missing", "apt-get install opencl-c-headers"]),
        (
            "old-headers",
            ["cannot compile `tests/gpu_plugin/opencl_layer.c`", "'CL_DEVICE_ID_INTEL' undeclared"],
        ),
    ] {
        let (failure, left) = failure(fake);
        assert_says(&failure, &words);
        assert!(left.len() == 1 && left[0].starts_with("runtime-"), "{fake}: {left:?}");
    }
}

#[test]
fn a_machine_the_runtime_is_not_for_fetches_nothing() {
    let scene = Scene::new("gpu-macos");
    let set_up = GpuPlugin { machine: ("macos", "aarch64"), ..gpu_plugin(&scene) };
    assert_says(&set_up.provide().expect_err("no wheel"), &["`macos aarch64`", "cargo xtask test"]);
    assert!(!scene.folder.join("cache").exists());
}

//! Set-up against a fake `python3`, which is put first on the child's `PATH`.

mod packages;
mod scene;

use std::fs::{self, File};
use std::thread;
use std::time::{Duration, SystemTime};

use super::environment::{Environment, Environments, GENAI, HUB_CLIENT, named};
use super::gpu_plugin::GpuPlugin;
use super::install::{Install, sha256_of_file};
use super::python::Python;
use crate::failure::Failure;
use scene::{C_LIBRARY, Scene, assert_says, left_in, zip};

#[test]
fn a_good_wheel_leaves_its_libraries_and_licences_and_nothing_else() {
    let scene = Scene::new("good");
    scene.install().run().expect("set up");
    assert_eq!(fs::read_to_string(scene.target().join(C_LIBRARY)).expect("the library"), C_LIBRARY);
    assert!(scene.target().join("openvino-1.0.dist-info/licenses/LICENSE").is_file());
    assert!(!scene.target().join("openvino/__init__.py").exists());
    assert_eq!(left_in(&scene.cache()), [".setup.lock", "1.0"]);
}

#[test]
fn a_release_that_is_there_needs_no_python() {
    let mut scene = Scene::new("again");
    scene.install().run().expect("set up");
    scene.path = scene.folder.clone().into();
    scene.install().run().expect("still set up");
}

#[test]
fn a_release_that_is_there_still_sweeps_what_is_older_than_a_day() {
    let scene = Scene::new("sweeps");
    scene.install().run().expect("set up");
    let old = scene.cache().join(".2.0.4242.tmp");
    fs::create_dir_all(&old).expect("a left-over");
    let two_days_ago = SystemTime::now() - Duration::from_hours(48);
    File::open(&old).expect("open").set_modified(two_days_ago).expect("make it old");
    scene.install().run().expect("still set up");
    assert_eq!(left_in(&scene.cache()), [".setup.lock", "1.0"]);
}

#[test]
fn several_set_ups_at_once_all_end_well() {
    let scene = Scene::new("crowd");
    thread::scope(|threads| {
        let all: Vec<_> = (0..4).map(|_| threads.spawn(|| scene.install().run())).collect();
        for one in all {
            one.join().expect("no panic").expect("set up");
        }
    });
    assert_eq!(left_in(&scene.cache()), [".setup.lock", "1.0"]);
}

#[test]
fn where_locks_do_not_work_the_set_up_that_renames_second_drops_its_copy() {
    let scene = Scene::new("overtaken");
    scene.install().run().expect("the other's release is as good");
    assert_eq!(fs::read_to_string(scene.target().join(C_LIBRARY)).expect("the library"), "the other's\n");
    assert_eq!(left_in(&scene.cache()), [".setup.lock", "1.0"]);
}

#[test]
fn a_damaged_release_is_replaced() {
    let scene = Scene::new("replaced");
    fs::create_dir_all(scene.target().join("openvino/libs")).expect("a release without its library");
    scene.install().run().expect("set up");
    assert!(scene.target().join(C_LIBRARY).is_file());
}

#[test]
fn a_machine_without_python_is_told_to_install_it() {
    let mut scene = Scene::new("no-python");
    scene.path = scene.folder.clone().into();
    assert_says(&scene.failure(), &["no `python3` on the PATH", "apt-get install python3"]);
}

#[test]
fn a_python_that_does_not_run_is_quoted() {
    assert_says(&Scene::new("stub").failure(), &["does not run", "no developer tools"]);
}

#[test]
fn a_refused_connection_is_a_matter_of_network_and_proxy() {
    assert_says(&Scene::new("refused").failure(), &["cannot reach the package registry", "`1.0`", "proxy"]);
}

#[test]
fn a_registry_without_the_version_is_told_apart_from_no_network() {
    assert_says(&Scene::new("other-versions").failure(), &["has no OpenVINO `1.0` for this platform"]);
}

#[test]
fn a_wrong_hash_says_expected_and_got() {
    let mut scene = Scene::new("wrong-hash");
    let got = scene.release.sha256.replace("00ff".to_owned()).expect("pinned");
    assert_says(&scene.failure(), &["sha256", "`00ff`", &format!("`{got}`")]);
}

#[test]
fn a_release_that_is_not_pinned_is_the_same_at_every_fetch() {
    let mut scene = Scene::new("good");
    let got = scene.release.sha256.take().expect("pinned");
    scene.install().run().expect("installed");
    let kept = scene.target().with_file_name(format!("{}.sha256", scene.release.version));
    assert_eq!(fs::read_to_string(&kept).expect("kept"), got);
    fs::remove_dir_all(scene.target()).expect("removed");
    fs::write(&kept, "00ff").expect("another one");
    let failure = scene.install().run().expect_err("another wheel");
    assert_says(&failure, &["not the one fetched before", "`00ff`", &format!("`{got}`")]);
    assert_eq!(left_in(&scene.cache()), [".setup.lock", "1.0.sha256"]);
}

#[test]
fn a_tokenizers_extension_that_is_another_is_named_with_the_command_that_fetches_it() {
    let mut scene = Scene::new("wrong-extension");
    (scene.wheel.title, scene.wheel.again) = ("openvino_tokenizers", "cargo xtask setup --tokenizers");
    scene.release.sha256 = Some("00ff".to_owned());
    assert_says(
        &scene.failure(),
        &["openvino_tokenizers `1.0` is not", "then: cargo xtask setup --tokenizers"],
    );
}

#[test]
fn a_wheel_damaged_on_its_way_is_reported() {
    assert_says(&Scene::new("damaged").failure(), &["arrived damaged"]);
}

#[test]
fn a_wheel_that_is_no_archive_is_reported_though_its_hash_is_right() {
    let mut scene = Scene::new("no-archive");
    let served = scene.folder.join("served.whl");
    fs::write(&served, "not a zip file").expect("a bad wheel");
    scene.release.sha256 = Some(sha256_of_file(&served).expect("its hash"));
    assert_says(&scene.failure(), &["cannot unpack the wheel", "BadZipFile"]);
}

#[test]
fn a_wheel_without_the_c_library_is_reported() {
    let mut scene = Scene::new("no-library");
    let served = scene.folder.join("served.whl");
    zip(&served, &["openvino/libs/libtbb.so"]);
    scene.release.sha256 = Some(sha256_of_file(&served).expect("its hash"));
    assert_says(&scene.failure(), &["holds no `openvino/libs/libopenvino_c.so.1`"]);
}

#[test]
fn a_disk_too_small_is_found_before_fetching() {
    assert_says(&Scene::new("small-disk").failure(), &["1 MB free, 350 MB needed", "XDG_CACHE_HOME"]);
}

#[test]
fn a_disk_that_runs_full_while_fetching_or_unpacking_is_reported() {
    assert_says(&Scene::new("full-disk").failure(), &["ran full while fetching"]);
    assert_says(&Scene::new("full-disk-later").failure(), &["ran full while unpacking"]);
}

#[test]
fn an_unknown_complaint_of_pip_is_quoted() {
    assert_says(&Scene::new("strange").failure(), &["`ERROR: something nobody thought of`"]);
    assert_says(&Scene::new("nothing").failure(), &["left no wheel"]);
}

#[test]
fn a_machine_the_wheel_is_not_for_fetches_nothing() {
    let scene = Scene::new("macos");
    let install = Install { machine: ("macos", "aarch64"), ..scene.install() };
    assert_says(&install.run().expect_err("no wheel"), &["`macos aarch64`", "--openvino ./DIR"]);
    assert!(!scene.cache().exists());
}

#[test]
fn a_cache_folder_that_cannot_be_written_is_named() {
    let scene = Scene::new("unwritable");
    fs::write(scene.folder.join("cache"), "in the way").expect("a file in the folder's place");
    let failure = scene.install().run().expect_err("no folder");
    assert_says(&failure, &["cannot write to the cache folder", "cache/openvino`", "XDG_CACHE_HOME"]);
}

fn environments(scene: &Scene) -> Environments {
    let variables = [("PATH", scene.path.clone()), ("FAKE", scene.fake.into())];
    Environments {
        python: Python { environment: variables.map(|(name, value)| (name.into(), value)).into() },
        folder: Some(scene.folder.join("cache/peers")),
    }
}

fn environment_failure(environment: Environment, fake: &'static str) -> Failure {
    let scene = Scene::new(fake);
    let failure = environments(&scene).provide(environment, |_| ()).expect_err("it misbehaves");
    let left = left_in(&scene.folder.join("cache/peers"));
    assert!(left.iter().all(|name| name.starts_with('.')), "nothing is kept: {left:?}");
    failure
}

#[test]
fn a_peer_is_made_once_and_needs_no_python_afterwards() {
    let mut scene = Scene::new("peer");
    environments(&scene).provide(GENAI, |_| ()).expect("made");
    let left = left_in(&scene.folder.join("cache/peers"));
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left[1].starts_with("genai-") && left[1].len() == "genai-".len() + 12, "{left:?}");
    scene.path = scene.folder.clone().into();
    environments(&scene).provide(GENAI, |_| ()).expect("there");
}

#[test]
fn a_peer_that_cannot_be_made_leaves_nothing_and_says_why() {
    assert_says(&environment_failure(GENAI, "small-disk"), &["no space on the disk", "1500 MB needed"]);
    assert_says(&environment_failure(GENAI, "no-venv"), &["cannot make an environment", "python3-venv"]);
    assert_says(
        &environment_failure(GENAI, "damaged"),
        &["requirements-genai.txt pins", "cargo xtask setup --peers"],
    );
    assert_says(&environment_failure(GENAI, "full-disk"), &["no space on the disk", "while fetching"]);
    assert_says(
        &environment_failure(GENAI, "broken"),
        &["the peer genai was installed and cannot be imported", "libopenvino_genai.so", "3.10 to 3.13"],
    );
    assert_says(
        &environment_failure(HUB_CLIENT, "damaged"),
        &["xtask/hub/requirements.txt pins", "cargo xtask model fetch"],
    );
}

#[test]
fn a_peer_is_named_by_its_flag() {
    let names = |flag| named(flag).map(|peers| peers.iter().map(|peer| peer.name).collect::<Vec<_>>());
    assert_eq!(names("--peers"), Some(vec!["genai", "optimum"]));
    assert_eq!(names("--peers=genai"), Some(vec!["genai"]));
    assert_eq!(names("--peers=vllm"), None);
    assert_eq!(names("--peersgenai"), None);
}

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
fn gpu_plugin_failure(fake: &'static str) -> (Failure, Vec<String>) {
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
        let (failure, left) = gpu_plugin_failure(fake);
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
        let (failure, left) = gpu_plugin_failure(fake);
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

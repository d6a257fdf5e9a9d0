//! Set-up against a fake `python3`, which is put first on the child's `PATH`.

mod environment;
mod gpu_plugin;
mod packages;
mod scene;

use std::fs::{self, File};
use std::thread;
use std::time::{Duration, SystemTime};

use super::install::{Install, sha256};
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
fn a_python_without_pip_is_told_to_install_it() {
    assert_says(&Scene::new("no-pip").failure(), &["has no pip", "python3-pip"]);
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
    let got = std::mem::replace(&mut scene.release.sha256, "00ff".to_owned());
    assert_says(&scene.failure(), &["sha256", "`00ff`", &format!("`{got}`")]);
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
    scene.release.sha256 = sha256(&served).expect("its hash");
    assert_says(&scene.failure(), &["cannot unpack the wheel", "BadZipFile"]);
}

#[test]
fn a_wheel_without_the_c_library_is_reported() {
    let mut scene = Scene::new("no-library");
    let served = scene.folder.join("served.whl");
    zip(&served, &["openvino/libs/libtbb.so"]);
    scene.release.sha256 = sha256(&served).expect("its hash");
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

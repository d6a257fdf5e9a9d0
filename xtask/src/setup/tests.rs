//! Set-up against a fake `python3`, which is put first on the child's `PATH`.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::thread;
use std::time::{Duration, SystemTime};

use super::install::{Install, sha256};
use super::python::Python;
use crate::failure::Failure;
use crate::release::{Release, Wheel};

const C_LIBRARY: &str = "openvino/libs/libopenvino_c.so.1";
/// The members of a wheel: what is needed, and what is not.
const MEMBERS: [&str; 4] =
    [C_LIBRARY, "openvino/libs/libtbb.so", "openvino/__init__.py", "openvino-1.0.dist-info/licenses/LICENSE"];

/// A cache folder, a wheel and a way to fail.
struct Scene {
    folder: PathBuf,
    fake: &'static str,
    path: OsString,
    wheel: Wheel,
    release: Release,
}

impl Scene {
    /// The registry serves a good wheel, unless `fake` says otherwise.
    fn new(fake: &'static str) -> Self {
        let folder = std::env::temp_dir().join(format!("xtask-setup-{}-{fake}", process::id()));
        fs::create_dir_all(&folder).expect("a folder for the test");
        let served = folder.join("served.whl");
        zip(&served, &MEMBERS);
        let mut path = OsString::from(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/bin:"));
        path.push(std::env::var_os("PATH").expect("a PATH"));
        let text = str::to_owned;
        let wheel = Wheel {
            package: text("openvino"),
            python_version: text("3.11"),
            implementation: text("cp"),
            abi: text("cp311"),
            platform: text("manylinux_2_28_x86_64"),
        };
        let release = Release {
            version: text("1.0"),
            sha256: sha256(&served).expect("the served wheel"),
            c_library: C_LIBRARY.into(),
        };
        Self { folder, fake, path, wheel, release }
    }

    fn cache(&self) -> PathBuf {
        self.folder.join("cache/openvino")
    }

    fn target(&self) -> PathBuf {
        self.cache().join("1.0")
    }

    fn install(&self) -> Install<'_> {
        let variables = [
            ("PATH", self.path.clone()),
            ("FAKE", self.fake.into()),
            ("WHEEL", self.folder.join("served.whl").into()),
        ];
        Install {
            python: Python { environment: variables.map(|(name, value)| (name.into(), value)).into() },
            machine: ("linux", "x86_64"),
            wheel: &self.wheel,
            release: &self.release,
            folder: self.target(),
        }
    }

    /// The failure of a set-up that must fail and keep nothing.
    fn failure(&self) -> Failure {
        let failure = self.install().run().expect_err("this set-up fails");
        assert_eq!(failure.code, 20);
        assert!(!failure.hint.is_empty());
        assert_eq!(left_in(&self.cache()), [".setup.lock"], "{failure}");
        failure
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Writes an archive whose members hold their own names.
fn zip(path: &Path, members: &[&str]) {
    const SCRIPT: &str = "import sys, zipfile\n\
        with zipfile.ZipFile(sys.argv[1], 'w') as z: [z.writestr(n, n) for n in sys.argv[2:]]";
    let made = Command::new("python3").args(["-c", SCRIPT]).arg(path).args(members).status();
    assert!(made.is_ok_and(|status| status.success()));
}

fn left_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the cache folder").flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn assert_says(failure: &Failure, words: &[&str]) {
    let text = failure.to_string();
    for words in words {
        assert!(text.contains(words), "`{words}` is not in: {text}");
    }
}

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

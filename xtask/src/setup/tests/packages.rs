//! Set-up of what comes from npm against a fake `npm`, which is put first on the child's `PATH`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::{fs, process};

use super::scene::{assert_says, left_in};
use crate::failure::Failure;
use crate::setup::install::sha256_of_file;
use crate::setup::npm::{BrowserTests, ChartLibrary, Library, Npm, Pinned};

/// What a registry would serve, by the paths in `node_modules`.
const SERVED: [&str; 5] = [
    "charts/dist/charts.js",
    "charts/dist/unused.js",
    "charts/LICENSE",
    "playwright-core/package.json",
    "axe-core/axe.min.js",
];

/// A registry and a cache folder.
struct Registry {
    folder: PathBuf,
    path: OsString,
}

impl Registry {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("xtask-packages-{}-{name}", process::id()));
        for path in SERVED {
            let file = folder.join("served").join(path);
            fs::create_dir_all(file.parent().expect("a folder")).expect("made");
            fs::write(file, path).expect("written");
        }
        let mut path = OsString::from(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/bin:"));
        path.push(std::env::var_os("PATH").expect("a PATH"));
        Self { folder, path }
    }

    fn npm(&self, fake: &str) -> Npm {
        let variables = [
            ("PATH", self.path.clone()),
            ("FAKE_NPM", fake.into()),
            ("SERVED", self.folder.join("served").into()),
        ];
        Npm { environment: variables.map(|(name, value)| (name.into(), value)).into() }
    }

    fn charts(&self, fake: &str) -> ChartLibrary {
        let file = |path: &str| Pinned {
            path: path.into(),
            sha256: sha256_of_file(&self.folder.join("served/charts").join(path)).expect("served"),
        };
        let library = Library {
            name: "charts".to_owned(),
            version: "1.0".to_owned(),
            files: vec![file("dist/charts.js"), file("LICENSE")],
        };
        ChartLibrary { npm: self.npm(fake), library, folder: self.folder.join("web/charts-1.0") }
    }

    fn browser_tests(&self, fake: &str) -> BrowserTests {
        BrowserTests { npm: self.npm(fake), folder: self.folder.join("browser-tests/00ff") }
    }

    /// The failure of a set-up that keeps nothing.
    fn failure(&self, fake: &str) -> Failure {
        let failure = self.charts(fake).run().expect_err("this set-up fails");
        assert_eq!(left_in(&self.folder.join("web")), [".setup.lock"], "{failure}");
        failure
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn the_chart_library_is_the_pinned_files_side_by_side_and_nothing_else() {
    let registry = Registry::new("good");
    registry.charts("good").run().expect("set up");
    assert_eq!(left_in(&registry.folder.join("web")), [".setup.lock", "charts-1.0"]);
    assert_eq!(left_in(&registry.folder.join("web/charts-1.0")), ["LICENSE", "charts.js"]);
}

#[test]
fn a_chart_library_that_is_there_needs_no_npm_and_a_damaged_one_is_replaced() {
    let registry = Registry::new("again");
    registry.charts("good").run().expect("set up");
    registry.charts("offline").run().expect("still set up");
    let script = registry.folder.join("web/charts-1.0/charts.js");
    fs::write(&script, "damaged").expect("written");
    assert_says(&registry.charts("offline").run().expect_err("needs npm"), &["`ENOTFOUND`"]);
    registry.charts("good").run().expect("set up again");
    assert_eq!(fs::read_to_string(&script).expect("read"), SERVED[0]);
}

#[test]
fn without_npm_one_line_says_what_to_install() {
    let mut registry = Registry::new("no-npm");
    registry.path = registry.folder.clone().into();
    let failure = registry.failure("good");
    assert_eq!(failure.message, "no npm here");
    assert_eq!(failure.hint, "install Node.js, then: cargo xtask setup");
}

#[test]
fn an_npm_that_fails_is_quoted_in_one_line() {
    let registry = Registry::new("fails");
    assert_eq!(registry.failure("offline").message, "npm could not fetch the chart library: `ENOTFOUND`");
    assert_says(&registry.failure("strange"), &["`Segmentation fault`", "npm config list"]);
}

#[test]
fn files_that_are_not_the_pinned_ones_are_not_kept() {
    let registry = Registry::new("damaged");
    let pinned = &registry.charts("good").library.files[0].sha256;
    assert_says(&registry.failure("damaged"), &["`dist/charts.js` of charts 1.0", pinned]);
    assert_says(&registry.failure("nothing"), &["`dist/charts.js`", "No such file"]);
}

#[test]
fn the_list_of_this_checkout_pins_files_by_hash_and_the_version_that_npm_fetches() {
    let library = Library::pinned().expect("the list");
    assert!(library.files.iter().all(|file| file.sha256.len() == 64));
    let names: Vec<_> = library.files.iter().map(|file| file.name().to_string_lossy()).collect();
    assert_eq!(names, ["uPlot.iife.min.js", "uPlot.min.css", "LICENSE"]);
    let wanted = format!("\"{}\": \"{}\"", library.name, library.version);
    assert!(include_str!("../../../../src/report/web/package.json").contains(&wanted), "{wanted}");
}

#[test]
fn the_packages_of_the_browser_tests_are_there_complete_or_not_at_all() {
    let registry = Registry::new("browser-tests");
    for fake in ["offline", "nothing"] {
        registry.browser_tests(fake).run().expect_err("nothing is there");
        assert_eq!(left_in(&registry.folder.join("browser-tests")), [".setup.lock"], "{fake}");
    }
    registry.browser_tests("good").run().expect("set up");
    let modules = registry.folder.join("browser-tests/00ff/node_modules");
    assert!(modules.join("axe-core/axe.min.js").is_file());
    registry.browser_tests("offline").run().expect("still set up");
}

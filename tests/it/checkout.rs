//! A checkout in a temporary folder: the fixtures of this one, a place for records, and a user
//! without settings.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use arcgauge::record::{Experiment, History, Installation};
use serde_json::Value;
use tempfile::TempDir;

use crate::ended::Ended;
use crate::git_repository::git_in;

/// The flags of a run in which the length of answers does not matter.
pub(crate) const SHORT: [&str; 6] = ["--device", "CPU", "--runs", "1", "--max-new-tokens", "8"];

/// The repository that is being tested.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The shipped model.
pub(crate) fn shipped_model() -> PathBuf {
    repository().join("fixtures/models/tiny-gpt-oss")
}

/// A checkout of its own, with the shipped policy. Its fixtures are links to the repository's until a test
/// takes a copy.
pub(crate) struct Checkout {
    folder: TempDir,
    /// Where what is the machine's and not the checkout's lies.
    machine: TempDir,
}

impl Checkout {
    pub(crate) fn new() -> Self {
        Self::within(&env::temp_dir())
    }

    /// A checkout in a folder of the test's.
    pub(crate) fn within(around: &Path) -> Self {
        let checkout =
            Self { folder: tempfile::tempdir_in(around).unwrap(), machine: tempfile::tempdir().unwrap() };
        fs::create_dir(checkout.path("fixtures")).unwrap();
        for entry in fs::read_dir(repository().join("fixtures")).unwrap() {
            let original = entry.unwrap().path();
            let name = original.file_name().unwrap();
            symlink(&original, checkout.path("fixtures").join(name)).unwrap();
        }
        fs::create_dir(checkout.path("ci")).unwrap();
        fs::copy(repository().join("ci/gate.json"), checkout.path("ci/gate.json")).unwrap();
        checkout
    }

    /// A checkout whose goldens and prompts are copies, for tests that change them.
    pub(crate) fn with_own_goldens() -> Self {
        let checkout = Self::new();
        for link in ["fixtures/golden", "fixtures/prompts"] {
            let link = checkout.path(link);
            let original = fs::canonicalize(&link).unwrap();
            fs::remove_file(&link).unwrap();
            copy_folder(&original, &link);
        }
        checkout
    }

    /// The lock that measurements of this checkout take.
    pub(crate) fn lock(&self) -> PathBuf {
        self.machine.path().join("device.lock")
    }

    /// The folder of the user's settings, as `$XDG_CONFIG_HOME` names it.
    pub(crate) fn config(&self) -> PathBuf {
        self.machine.path().join("config")
    }

    /// The checkout's store, into which is put what was measured here.
    pub(crate) fn store(&self) -> History {
        store_of(&self.config(), self.path("reports/history"))
    }

    /// A path in the checkout.
    pub(crate) fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(below)
    }

    /// The golden of the shipped model for a prompt.
    pub(crate) fn golden(&self, prompt_id: &str) -> PathBuf {
        self.path("fixtures/golden/tiny-gpt-oss").join(format!("{prompt_id}.json"))
    }

    /// The binary, to be run here by a user who has no settings and no OpenVINO of their own.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_arcgauge"));
        let arguments: Vec<A> = arguments.into_iter().collect();
        let is = |at: usize, words: &[&str]| {
            arguments.get(at).is_some_and(|argument| words.iter().any(|word| argument.as_ref() == *word))
        };
        let measures = is(0, &["bench", "first-light", "peers"]);
        let runs_a_model = is(0, &["infer", "states"])
            || (is(0, &["golden"]) && is(1, &["check", "bless", "calibrate", "probe", "drift"]));
        command.args(&arguments);
        if measures || runs_a_model {
            // Tests run side by side and compare no speeds; the machine's lock would put them in a row.
            command.arg("--lock").arg(self.lock());
        }
        if measures {
            command.args(["--settle-limit-s", "0"]);
        }
        command
            .current_dir(self.folder.path())
            .env("XDG_CONFIG_HOME", self.config())
            .env_remove("OPENVINO_INSTALL_DIR")
            .env_remove("INTEL_OPENVINO_DIR")
            // A test that runs on GitHub is no step of its own.
            .env_remove("GITHUB_ACTIONS")
            .env_remove("GITHUB_STEP_SUMMARY")
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Ended {
        Ended::of(self.command(arguments).output().unwrap())
    }

    /// What the binary shows on a terminal of this many columns, stdout and stderr as they come.
    pub(crate) fn on_terminal(&self, columns: usize, arguments: &[&str]) -> String {
        let command = self.command(arguments);
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let words: Vec<String> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
        let script = format!("stty rows 50 cols {columns} && exec {}", words.join(" "));
        let mut terminal = Command::new("script");
        terminal.args(["-qec", &script, "/dev/null"]).current_dir(self.folder.path()).stdin(Stdio::null());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => terminal.env(name, value),
                None => terminal.env_remove(name),
            };
        }
        let shown =
            String::from_utf8(terminal.env("NO_COLOR", "1").env_remove("COLUMNS").output().unwrap().stdout)
                .unwrap();
        // Of a line that is drawn again, the last state.
        let lines =
            shown.lines().map(|line| line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default());
        lines.map(|line| line.to_owned() + "\n").collect()
    }

    /// Runs a short `bench` on the CPU with these flags more.
    pub(crate) fn bench(&self, more: &[&str]) -> Ended {
        self.run(["bench"].iter().chain(&SHORT).chain(more))
    }

    /// Makes a git repository of the checkout, with one commit, and gives its sha.
    pub(crate) fn commit(&self) -> String {
        fs::copy(repository().join(".gitignore"), self.path(".gitignore")).unwrap();
        self.git(&["init", "--quiet"]);
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "A first commit"]);
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    /// Runs git here, free of the settings of whoever runs the tests.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git_in(self.folder.path(), arguments)
    }

    /// The files of all records, oldest first.
    pub(crate) fn record_files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for machine in entries(&self.path("reports/history")) {
            for commit in entries(&machine) {
                files.extend(entries(&commit));
            }
        }
        files.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
        files
    }

    /// The one record that there is.
    #[track_caller]
    pub(crate) fn only_record(&self) -> Experiment {
        let files = self.record_files();
        let [file] = &files[..] else { panic!("not one record but {files:?}") };
        History::read(file).unwrap().record
    }
}

/// A store, seen from the installation of a user with settings in this folder.
pub(crate) fn store_of(config: &Path, folder: PathBuf) -> History {
    let installation = Installation::read_or_make(&[config.join("arcgauge")]).unwrap();
    History::at(folder).seen_from(Some(installation))
}

/// The JSON of a file.
pub(crate) fn read_json(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

/// Changes the JSON of a file.
pub(crate) fn edit_json(file: &Path, edit: impl FnOnce(&mut Value)) {
    let mut value = read_json(file);
    edit(&mut value);
    fs::write(file, value.to_string()).unwrap();
}

/// What is in a folder; nothing in one that is not there.
fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for path in entries(from) {
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

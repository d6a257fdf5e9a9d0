//! A project with its history, a runner, a publisher, and pull requests that come from anywhere.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use arcgauge::error::Result;
use arcgauge::gate::ci::{Forge, Published, Request, publish};
use arcgauge::gate::side::changed_inputs;
use arcgauge::record::{
    ArchivedFile, Experiment, History, InputsRecord, Outcome, PolicyText, Repository, Source, WorkloadRecord,
    archive, sha256_of_bytes,
};
use serde_json::Value;

use super::github::GitHub;
use super::payloads::PullRequest;
use crate::ab_scripted;
use crate::checkout::store_of;
use crate::ended::Ended;
use crate::forged_pairs;
use crate::git_repository::{GitRepository, git_in};

/// The pull request of every scene.
pub(crate) const NUMBER: u64 = 12;
const GOLDEN: &str = "fixtures/golden/tiny-gpt-oss";

/// What came of measuring a head.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Measured {
    /// Its tokens take so many percent longer.
    Slower(f64),
    /// It says another token.
    WrongOutput,
    /// Its program is the base's, byte for byte.
    Identical,
}

/// The forge's repository, and the machines around it.
pub(crate) struct Stage {
    author: GitRepository,
    pub(crate) github: GitHub,
}

impl Stage {
    /// A project of which main has two commits.
    pub(crate) fn new() -> Self {
        let author = GitRepository::unborn();
        author.write("ci/gate.json", &forged_pairs::policy_text());
        author.write("fixtures/prompts/reference.json", "{}\n");
        author.write("src/decode.rs", "// decodes\n");
        author.write("README.md", "A project.\n");
        author.write(".github/workflows/gate.yml", "name: gate\n");
        let published = ab_scripted::record(0.0, 1).published.unwrap();
        let published = serde_json::to_string_pretty(&published).unwrap();
        author.write("fixtures/baselines/published.json", &published);
        fs::create_dir_all(author.path(GOLDEN)).unwrap();
        for golden in ab_scripted::goldens().goldens.values() {
            golden.save(&author.path(GOLDEN)).unwrap();
        }
        author.commit("The first");
        author.write("src/decode.rs", "// decodes, and has a history\n");
        author.commit("The second");
        author.cloned(&["--bare"], "origin.git");
        Self { author, github: GitHub::new() }
    }

    /// The tip of main.
    pub(crate) fn main(&self) -> String {
        self.author.sha("main")
    }

    /// Opens the pull request, with this change over main.
    pub(crate) fn open(&self, branch: &str, change: impl FnOnce(&GitRepository)) -> PullRequest {
        self.author.git(&["checkout", "--quiet", "--detach", "main"]);
        change(&self.author);
        let head = self.author.commit("A change");
        self.push(&head, &format!("refs/pull/{NUMBER}/head"));
        self.push(&head, &format!("refs/heads/{branch}"));
        PullRequest {
            number: NUMBER,
            head,
            base: self.main(),
            branch: branch.to_owned(),
            title: "Decode with less".to_owned(),
            is_fork: false,
            association: "MEMBER",
        }
    }

    /// Somebody pushes to the pull request, over what was there.
    pub(crate) fn force_push(&self) -> String {
        self.author.git(&["checkout", "--quiet", "--detach", "main"]);
        self.author.write("src/decode.rs", "// decodes otherwise\n");
        let head = self.author.commit("Another change");
        self.push(&head, &format!("refs/pull/{NUMBER}/head"));
        head
    }

    /// Main goes on.
    pub(crate) fn advance_main(&self, path: &str, text: &str) {
        self.author.git(&["checkout", "--quiet", "main"]);
        self.author.write(path, text);
        self.author.commit("Main goes on");
        self.push("main", "refs/heads/main");
    }

    /// Main takes a head in.
    pub(crate) fn merge(&self, head: &str) {
        self.author.git(&["checkout", "--quiet", "main"]);
        self.author.git(&["merge", "--quiet", "--ff-only", head]);
        self.push("main", "refs/heads/main");
    }

    fn push(&self, from: &str, to: &str) {
        let origin = self.author.beside("origin.git");
        self.author.git(&["push", "--quiet", "--force", origin.to_str().unwrap(), &format!("{from}:{to}")]);
    }

    /// A path that no checkout holds.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.author.beside(name)
    }

    /// A machine's checkout of main, or of a commit of it, as the workflow makes it.
    pub(crate) fn checkout(&self, name: &str, at: &str) -> PathBuf {
        let folder = self.beside(name);
        if !folder.exists() {
            let from = format!("file://{}", self.beside("origin.git").display());
            git_in(&self.beside(""), &["clone", "--quiet", &from, folder.to_str().unwrap()]);
        }
        git_in(&folder, &["fetch", "--quiet", "origin"]);
        git_in(&folder, &["checkout", "--quiet", "--detach", at]);
        folder
    }

    /// Runs a verb of `ci` in a checkout, with an event.
    pub(crate) fn ci(&self, checkout: &Path, verb: &str, event: &Value, flags: &[&str]) -> Ended {
        let payload = self.beside("event.json");
        fs::write(&payload, event.to_string()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_arcgauge"));
        command.args(["ci", verb, "--event"]).arg(&payload).args(flags).current_dir(checkout);
        for variable in ["GITHUB_ACTIONS", "GITHUB_EVENT_PATH", "GITHUB_EVENT_NAME", "GITHUB_STEP_SUMMARY"] {
            command.env_remove(variable);
        }
        command.env("XDG_CACHE_HOME", self.beside("cache")).env("XDG_CONFIG_HOME", self.beside("config"));
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").stdin(Stdio::null());
        Ended::of(self.github.serve(&mut command).output().unwrap())
    }

    /// Puts into the runner's store what `ab` would have left of the head.
    pub(crate) fn measure(&self, runner: &Path, head: &str, measured: Measured) -> Experiment {
        let record = Self::record(runner, head, measured);
        self.records().add(&record).unwrap();
        record
    }

    /// The runner's store.
    pub(crate) fn records(&self) -> History {
        store_of(&self.beside("config"), self.beside("records"))
    }

    /// The record of a head against where it branched off.
    pub(crate) fn record(runner: &Path, head: &str, measured: Measured) -> Experiment {
        let repository = Repository::open(runner).unwrap();
        let base = repository
            .merge_base("HEAD", head)
            .unwrap_or_else(|_| repository.merge_base(&repository.head().unwrap().sha, head).unwrap());
        let mut record = match measured {
            Measured::Slower(percent) => ab_scripted::record(percent, 1),
            Measured::WrongOutput => ab_scripted::wrong_record(1),
            Measured::Identical => {
                let workload = ab_scripted::record(0.0, 1).arms.remove(1).workload;
                let mut record = forged_pairs::identical();
                for run in forged_pairs::both(&mut record) {
                    run.workload = WorkloadRecord { runs: 0, ..workload.clone() };
                }
                record
            }
        };
        let head = repository.resolve(head).unwrap();
        let source = Source::Commit(head.clone());
        record.inputs = InputsRecord {
            from_commit: Some(base.clone()),
            merge_base: Some(base.clone()),
            merge: None,
            sha256: "7".repeat(64),
            changed_by_head: changed_inputs(&repository, &base, &source).unwrap(),
            policy: PolicyText::default(),
        };
        let policy = repository.file_at(&base, "ci/gate.json").unwrap().unwrap();
        record.published = ab_scripted::record(0.0, 1).published;
        record.inputs.policy =
            PolicyText { sha256: sha256_of_bytes(&policy), text: String::from_utf8(policy).unwrap() };
        for (side, commit) in record.arms.iter_mut().zip([repository.resolve(&base).unwrap(), head]) {
            side.label.clone_from(&commit.sha);
            side.differences.clear();
            side.commit = Some(commit);
            (side.device.requested, side.device.reason) = ("CPU".into(), None);
        }
        if record.outcome == Outcome::WrongOutput {
            record.arms[0].outcome = Outcome::Complete;
        }
        forged_pairs::judge(&mut record);
        record
    }

    /// The artifact as the forge keeps it: the files of a folder in a zip.
    pub(crate) fn zip(folder: &Path) -> Vec<u8> {
        let files = ["verdict.json", "record.json"].map(|name| folder.join(name));
        let files = files.iter().filter(|path| path.exists()).map(|path| ArchivedFile {
            name: path.file_name().unwrap().to_str().unwrap().to_owned(),
            bytes: fs::read(path).unwrap(),
        });
        archive(&files.collect::<Vec<_>>()).unwrap()
    }
}

/// Publishes what a run left, as the verb does, from a checkout of main and to any forge.
pub(crate) fn publish_in(checkout: &Path, run: &Value, forge: &mut dyn Forge) -> Result<Published> {
    let payload = run.to_string();
    let requested = Request {
        payload: payload.as_bytes(),
        zip: None,
        repository: &Repository::open(checkout)?,
        remote: "origin",
        device: "CPU",
        now_utc: forged_pairs::JUDGED,
    };
    publish(&requested, forge)
}

//! GitHub as the verbs see it: a program of the name `gh`, what it answers, and what it was sent.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use arcgauge::error::{Error, Result};
use arcgauge::gate::ci::{Forge, Method};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::checkout::repository;

/// A forge of one repository.
pub(crate) struct GitHub {
    state: TempDir,
    answers: Map<String, Value>,
}

/// Something that was sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sent {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: Value,
}

impl GitHub {
    pub(crate) fn new() -> Self {
        let state = tempfile::tempdir().unwrap();
        fs::create_dir(state.path().join("bin")).unwrap();
        symlink(repository().join("tests/fake_gh.py"), state.path().join("bin/gh")).unwrap();
        Self { state, answers: Map::new() }
    }

    /// What it answers when it is requested a path below the repository.
    pub(crate) fn answers(&mut self, path: &str, answer: Value) {
        self.answers.insert(format!("repos/{REPOSITORY}/{path}"), answer);
    }

    /// The artifacts of a run, with their bytes.
    pub(crate) fn has_artifact(&mut self, run: u64, name: &str, zip: &[u8]) {
        fs::write(self.path("artifact.zip"), zip).unwrap();
        let artifact = json!({ "id": 55, "name": name, "size_in_bytes": zip.len(), "expired": false,
            "created_at": "2026-11-24T12:39:00Z" });
        let listing = json!({ "total_count": 1, "artifacts": [artifact] });
        self.answers(&format!("actions/runs/{run}/artifacts?per_page=100"), listing);
        self.answers("actions/artifacts/55/zip", json!({ "file": "artifact.zip" }));
    }

    /// The run left nothing.
    pub(crate) fn has_no_artifact(&mut self, run: u64) {
        let listing = json!({ "total_count": 0, "artifacts": [] });
        self.answers(&format!("actions/runs/{run}/artifacts?per_page=100"), listing);
    }

    /// Somebody's comment on the pull request.
    pub(crate) fn has_comment(&self, id: u64, login: &str, body: &str) {
        let mut comments = self.comments();
        comments.push(json!({ "id": id, "body": body, "user": { "login": login } }));
        fs::write(self.path("comments.json"), Value::from(comments).to_string()).unwrap();
    }

    /// It takes nothing at paths of this pattern.
    pub(crate) fn refuses(&self, pattern: &str) {
        fs::write(self.path("refuses"), pattern).unwrap();
    }

    /// Puts it before whatever `gh` this machine has.
    pub(crate) fn serve<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        fs::write(self.path("answers.json"), Value::from(self.answers.clone()).to_string()).unwrap();
        let rest = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{rest}", self.path("bin").display()));
        command.env("FAKE_GH", self.state.path())
    }

    /// Everything that was sent, in order.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        let lines = fs::read_to_string(self.path("sent.jsonl")).unwrap_or_default();
        let lines = lines.lines().map(|line| {
            let value: Value = serde_json::from_str(line).unwrap();
            let text = |key: &str| value[key].as_str().unwrap().to_owned();
            Sent { method: text("method"), path: text("path"), body: value["body"].clone() }
        });
        lines.collect()
    }

    /// The statuses that a commit was given, oldest first.
    pub(crate) fn statuses(&self, sha: &str) -> Vec<Value> {
        let path = format!("repos/{REPOSITORY}/statuses/{sha}");
        self.sent().into_iter().filter(|sent| sent.path == path).map(|sent| sent.body).collect()
    }

    /// The comments of the pull request as they are now.
    pub(crate) fn comments(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path("comments.json")).unwrap_or_else(|_| "[]".to_owned());
        serde_json::from_str(&text).unwrap()
    }

    fn comments_file(&self) -> PathBuf {
        self.path("comments.json")
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.state.path().join(name)
    }
}

/// The same forge without a program, for tests that publish often.
impl Forge for GitHub {
    fn get(&mut self, path: &str, _: u64) -> Result<Vec<u8>> {
        let below = path.strip_prefix(&format!("repos/{REPOSITORY}/")).unwrap();
        if below.contains("/comments?") {
            return Ok(Value::from(self.comments()).to_string().into_bytes());
        }
        if let Some(sha) = below.strip_prefix("commits/").and_then(|rest| rest.split_once("/statuses?")) {
            let mut statuses = self.statuses(sha.0);
            statuses.reverse();
            for status in &mut statuses {
                status["creator"] = json!({ "login": "github-actions[bot]" });
            }
            return Ok(Value::from(statuses).to_string().into_bytes());
        }
        match self.answers.get(path) {
            Some(Value::Object(file)) if file.contains_key("file") => {
                Ok(fs::read(self.path(file["file"].as_str().unwrap())).unwrap())
            }
            Some(answer) => Ok(answer.to_string().into_bytes()),
            None => Err(Error::harness(format!("nothing at {path}"))),
        }
    }

    fn send(&mut self, method: Method, path: &str, body: &Value) -> Result<()> {
        let sent = json!({ "method": method.as_str(), "path": path, "body": body }).to_string() + "\n";
        let mut file = OpenOptions::new().append(true).create(true).open(self.path("sent.jsonl")).unwrap();
        file.write_all(sent.as_bytes()).unwrap();
        let mut comments = self.comments();
        if let Some(id) = path.rsplit_once("/issues/comments/").map(|(_, id)| id) {
            let id: u64 = id.parse().unwrap();
            let edited = comments.iter_mut().find(|comment| comment["id"] == id);
            edited.unwrap()["body"] = body["body"].clone();
        } else if path.ends_with("/comments") {
            let id = 1000 + comments.len();
            let user = json!({ "login": "github-actions[bot]" });
            comments.push(json!({ "id": id, "body": body["body"], "user": user }));
        }
        fs::write(self.comments_file(), Value::from(comments).to_string()).unwrap();
        Ok(())
    }
}

/// The repository's name there.
pub(crate) const REPOSITORY: &str = "arcgauge/arcgauge";

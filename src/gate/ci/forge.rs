//! The forge, as far as a verdict is reported there: GitHub's interface, by its own program `gh`.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::thread;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::files::is_file_name;
use crate::record::is_sha;
use crate::visible::one_line;

/// How something is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Adds.
    Post,
    /// Changes.
    Patch,
    /// Takes away.
    Delete,
}

impl Method {
    /// As text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A forge that can be read and written to. Paths begin with `repos/`, and are made of names that were checked.
pub trait Forge {
    /// What is at a path, at most so many bytes.
    ///
    /// # Errors
    /// When the forge does not answer, has nothing there, or more than that.
    fn get(&mut self, path: &str, largest_bytes: u64) -> Result<Vec<u8>>;

    /// Sends something.
    ///
    /// # Errors
    /// When the forge does not take it.
    fn send(&mut self, method: Method, path: &str, body: &Value) -> Result<()>;
}

/// Most of an answer that is read, and of a page of a list, bytes.
const LARGEST_ANSWER_BYTES: u64 = 32 << 20;
const ITEMS_A_PAGE: usize = 100;
/// What stands behind these pages of a list is not found.
const MOST_PAGES: usize = 20;

/// What the forge has at a path; `what` is its name in messages.
pub(super) fn read<T: DeserializeOwned>(forge: &mut dyn Forge, path: &str, what: &str) -> Result<T> {
    parse(&forge.get(path, LARGEST_ANSWER_BYTES)?, what)
}

/// The first item of a list that is wanted, page by page.
pub(super) fn find_in_pages<T: DeserializeOwned>(
    forge: &mut dyn Forge,
    path: &str,
    what: &str,
    is_wanted: impl Fn(&T) -> bool,
) -> Result<Option<T>> {
    for page in 1..=MOST_PAGES {
        let items: Vec<T> = read(forge, &format!("{path}?per_page={ITEMS_A_PAGE}&page={page}"), what)?;
        let is_last = items.len() < ITEMS_A_PAGE;
        let found = items.into_iter().find(&is_wanted);
        if found.is_some() || is_last {
            return Ok(found);
        }
    }
    Ok(None)
}

/// GitHub's own program, which takes its token from `GH_TOKEN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GhProgram;

impl Forge for GhProgram {
    fn get(&mut self, path: &str, largest_bytes: u64) -> Result<Vec<u8>> {
        run(&["api", path], None, largest_bytes)
    }

    fn send(&mut self, method: Method, path: &str, body: &Value) -> Result<()> {
        let arguments = ["api", "--method", method.as_str(), "--input", "-", path];
        run(&arguments, Some(body.to_string()), 1 << 20).map(|_| ())
    }
}

/// Runs it, hands it the input, and gives what it printed.
fn run(arguments: &[&str], input: Option<String>, largest_bytes: u64) -> Result<Vec<u8>> {
    let requested = arguments.join(" ");
    let failed = |why: &str| {
        Error::harness(format!("`gh {requested}` failed: {why}"))
            .hint("see that it may: `gh auth status`; a workflow hands it `GH_TOKEN`")
    };
    let mut command = Command::new("gh");
    command.args(arguments).env("GH_PROMPT_DISABLED", "1").env("NO_COLOR", "1");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|cause| {
        Error::harness(format!("cannot start `gh`: {cause}"))
            .hint("install GitHub's command line; hosted runners have it")
    })?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (answer, complaint) = thread::scope(|scope| {
        // All pipes are served at once, for any may fill while another waits.
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input.unwrap_or_default().as_bytes())));
        let complaint = scope.spawn(move || {
            let mut text = String::new();
            let _ = stderr.map(|stderr| stderr.take(1 << 16).read_to_string(&mut text));
            text
        });
        let mut answer = Vec::new();
        let _ = stdout.map(|stdout| stdout.take(largest_bytes + 1).read_to_end(&mut answer));
        (answer, complaint.join().unwrap_or_default())
    });
    let too_large = answer.len() as u64 > largest_bytes;
    if too_large {
        let _ = child.kill();
    }
    let status = child.wait().map_err(|cause| failed(&cause.to_string()))?;
    if too_large {
        return Err(failed(&format!("the answer is larger than {largest_bytes} bytes")));
    }
    if !status.success() {
        return Err(failed(&one_line(&complaint)));
    }
    Ok(answer)
}

/// In whose name workflows speak: anybody else can write the same.
pub(super) const OURS: &str = "github-actions[bot]";

/// A repository.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct RepositoryWire {
    pub(super) full_name: String,
    #[serde(default)]
    pub(super) default_branch: String,
}

/// A branch of a repository, at one commit.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct BranchWire {
    pub(super) sha: String,
    #[serde(default, rename = "ref")]
    pub(super) reference: String,
    /// None where the repository was deleted.
    #[serde(default)]
    pub(super) repo: Option<RepositoryWire>,
}

/// A pull request.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct PullRequestWire {
    pub(super) number: u64,
    #[serde(default)]
    pub(super) state: String,
    #[serde(default)]
    pub(super) author_association: String,
    #[serde(default)]
    pub(super) merge_commit_sha: Option<String>,
    pub(super) head: BranchWire,
    pub(super) base: BranchWire,
}

/// Somebody.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct UserWire {
    pub(super) login: String,
}

/// A payload, or the answer of the forge.
pub(super) fn parse<T: DeserializeOwned>(json: &[u8], what: &str) -> Result<T> {
    serde_json::from_slice(json).map_err(|cause| {
        Error::input(format!("{what} cannot be read: {cause}"))
            .hint("it is not of the form that GitHub documents, or not what its name says: look at it")
    })
}

/// A sha that is one: what is not could be an option of git, or a path of the forge.
pub(super) fn sha(text: &str, what: &str) -> Result<String> {
    if is_sha(text) {
        return Ok(text.to_owned());
    }
    Err(Error::input(format!("{what} is `{}`, not the 40 digits of a commit", shortened(text)))
        .hint("a payload of GitHub's has it; by hand: `git rev-parse REVISION`"))
}

/// A repository's name that is one, "owner/name".
pub(super) fn repository_name(text: &str) -> Result<String> {
    match text.split_once('/') {
        Some((owner, name)) if is_file_name(owner) && is_file_name(name) => Ok(text.to_owned()),
        _ => Err(Error::input(format!("the repository is `{}`, not `owner/name`", shortened(text)))
            .hint("see the event's payload: `repository.full_name`")),
    }
}

/// Text of others in a message of ours: one line, and not too long.
pub(super) fn shortened(text: &str) -> String {
    let line = crate::visible::one_line(text);
    let kept: String = line.chars().take(80).collect();
    if kept == line { kept } else { kept + "..." }
}

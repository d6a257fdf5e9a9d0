//! `huggingface_hub` in a process of its own, which ends with this one and when the user stops it.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::places;
use crate::record::hub::address::RepositoryName;
use crate::record::hub::listing::HubListing;
use crate::record::sha256_of_file;
use crate::sys::{GroupEnded, GroupPatience, below_reaper, group_end};
use crate::visible::one_line;

const SCRIPT: &str = "fetch.py";
/// What its environment was made from.
const REQUIREMENTS: &str = "requirements.txt";
/// A download may take days; one that is stopped has nothing to finish.
const PATIENCE: GroupPatience = GroupPatience { run: Duration::MAX, terminate: Duration::from_secs(1) };

/// The hub's own client, in the environment that `cargo xtask model fetch` sets up.
#[derive(Debug)]
pub struct HubClient {
    python: PathBuf,
    script: PathBuf,
    own: PathBuf,
    stop: Arc<AtomicBool>,
}

/// How a run of the script ended.
#[derive(Debug)]
pub(super) enum ClientEnd {
    Done,
    Stopped,
    Failed(ClientFailure),
}

/// A line of the script.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ClientLine {
    Listing(HubListing),
    /// The name of a file that has been downloaded.
    Finished(String),
    Note(String),
    Error(ClientFailure),
}

/// Why it failed.
#[derive(Debug, Deserialize)]
pub(super) struct ClientFailure {
    kind: FailureKind,
    message: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FailureKind {
    Disk,
    Failed,
    Gated,
    Hidden,
    Offline,
    Repository,
    Revision,
    Token,
}

impl HubClient {
    /// The client of this user, with its script in a folder of the checkout. `own` is the file of this program;
    /// setting `stop` ends every download.
    ///
    /// # Errors
    /// An environment that was not set up.
    pub fn find(scripts: &Path, own: PathBuf, stop: Arc<AtomicBool>) -> Result<Self> {
        let list = sha256_of_file(&scripts.join(REQUIREMENTS))
            .map_err(|error| error.hint("run it in a checkout of arcgauge, which has the script"))?;
        let environment = places::hub_client_dir(&list)
            .ok_or_else(|| Error::input("this user has no home folder and so no cache folder"))
            .map_err(|error| error.hint("name a cache folder: `XDG_CACHE_HOME=/ABSOLUTE/DIR`"))?;
        let python = environment.join("bin/python");
        if !python.is_file() {
            return Err(Error::input(format!("huggingface_hub is not set up: there is no `{}`", python.display()))
                .hint("`cargo xtask model fetch` sets it up; or name a folder that another client fetched: `model use DIR`"));
        }
        Ok(Self { python, script: scripts.join(SCRIPT), own, stop })
    }

    /// Whether the user wants no more.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Runs the script with these arguments. It finds the endpoint, the token and the proxy in the environment.
    pub(super) fn run<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        on_line: &mut dyn FnMut(ClientLine),
    ) -> Result<ClientEnd> {
        let failed = |cause| Error::io("run", &self.python, &cause);
        let mut child = below_reaper(&self.own, self.python.as_os_str())
            // Neither Python's own variables nor packages of the user or of the current folder reach into it.
            .arg("-I")
            .arg(&self.script)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // Ctrl-C is for this process alone, which then ends the whole group.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let (sender, lines) = mpsc::channel();
        let output = child.stdout.take().map(BufReader::new);
        thread::spawn(move || {
            let lines = output.into_iter().flat_map(BufRead::lines).map_while(std::result::Result::ok);
            lines.map(|line| sender.send(line)).all(|sent| sent.is_ok())
        });
        let mut failure = None;
        let mut read = |line: String| match serde_json::from_str(&line) {
            Ok(ClientLine::Error(error)) => failure = Some(error),
            Ok(line) => on_line(line),
            Err(_) => on_line(ClientLine::Note(line)),
        };
        let ended = group_end(&mut child, &self.stop, PATIENCE, &mut || lines.try_iter().for_each(&mut read))
            .map_err(failed)?;
        lines.iter().for_each(read);
        match (ended, failure) {
            (GroupEnded::ByItself(status), None) if status.success() => Ok(ClientEnd::Done),
            (GroupEnded::ByItself(_), Some(failure)) => Ok(ClientEnd::Failed(failure)),
            (GroupEnded::ByItself(status), None) => Err(self.broken(&status.to_string())),
            (GroupEnded::Stopped | GroupEnded::TooLong, _) => Ok(ClientEnd::Stopped),
        }
    }

    fn broken(&self, status: &str) -> Error {
        let environment = self.python.ancestors().nth(2).unwrap_or(&self.python);
        Error::harness(format!("`{}` failed: {status}", self.python.display())).hint(format!(
            "its output is above; to set it up again: rm -r '{}', then the same command",
            environment.display()
        ))
    }
}

impl ClientFailure {
    /// The error that the user sees.
    pub(super) fn error(&self, repository: &RepositoryName, revision: &str, folder: Option<&Path>) -> Error {
        match self.kind {
            FailureKind::Gated => {
                Error::input(format!("the hub does not give you `{repository}`: it is gated, or the token may not read it"))
                    .hint("accept its terms on the hub's page, then give a token that may read it: `HF_TOKEN=hf_... cargo xtask model fetch ...`")
            }
            // The hub does not tell strangers which private repositories there are.
            FailureKind::Hidden => {
                Error::input(format!("the hub wants a token for `{repository}`: it is private or gated, or does not exist"))
                    .hint("check the name; a private or gated one needs a token: `HF_TOKEN=hf_... cargo xtask model fetch ...`")
            }
            FailureKind::Token => Error::input(format!("the hub does not accept the token for `{repository}`"))
                .hint("make a new one on the hub and give it as `HF_TOKEN`, or unset it if the repository is public"),
            FailureKind::Repository => Error::input(format!("the hub has no repository `{repository}`"))
                .hint("check owner and name on the hub; a private one needs a token: `HF_TOKEN=hf_...`"),
            FailureKind::Revision => Error::input(format!("`{repository}` has no revision `{revision}`"))
                .hint("leave out `--revision` for its main branch, or look at its history on the hub"),
            FailureKind::Offline => Error::input("`HF_HUB_OFFLINE` is set, so the hub is not contacted")
                .hint("unset it to fetch a model"),
            FailureKind::Disk => {
                let folder = folder.unwrap_or(Path::new(".")).display();
                Error::harness(format!("no space is left for `{folder}`: {}", one_line(&self.message)))
                    .hint("free some space, then run the same command again: what was downloaded is kept")
            }
            FailureKind::Failed => {
                Error::harness(format!("`{repository}` cannot be fetched: {}", one_line(&self.message)))
                    .hint("check the network, the proxy, `HF_ENDPOINT` and `SSL_CERT_FILE`, then run the same command again: what was downloaded is kept")
            }
        }
    }
}

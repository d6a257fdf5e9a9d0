//! From the end of a run to a status and a comment: what the default branch's code does with what a runner
//! left.

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::gate::ci::artifact::{ARTIFACT, JudgedArtifact, LARGEST_ZIP_BYTES};
use crate::gate::ci::event::short;
use crate::gate::ci::forge::{Forge, Method, PullRequestWire, read, shortened};
use crate::gate::ci::notice::{Comment, CommitStatus, Earlier, State};
use crate::gate::ci::verify::{TrustedContext, VerifiedVerdict, command_for};
use crate::gate::ci::workflow_run::{By, GateRun};
use crate::record::{Repository, Status, Verdict};

/// What is to be published, and by what it is checked.
pub struct Request<'a> {
    /// The payload of `workflow_run`.
    pub payload: &'a [u8],
    /// The artifact, where it is at hand; else the forge is requested it.
    pub zip: Option<Vec<u8>>,
    /// A checkout of the default branch, with its whole history.
    pub repository: &'a Repository,
    /// From where heads are fetched into it.
    pub remote: &'a str,
    /// The device on which heads are judged.
    pub device: &'a str,
    /// The moment, UTC: waivers expire.
    pub now_utc: &'a str,
}

/// What was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Of which head.
    pub head: String,
    /// The verdict; None where there is none.
    pub verdict: Option<Verdict>,
    /// The status that it was given; None where it has a verdict, and this run had none.
    pub status: Option<CommitStatus>,
    /// The pull request whose comment was written; None where none has this head now.
    pub commented: Option<u64>,
}

/// Checks what a run left, and reports it. A head of which no verdict can be verified gets a red status: none may
/// pass for want of a word.
///
/// # Errors
/// A run that is of no gate, of which nothing is reported; a forge that does not take what is reported.
pub fn publish(requested: &Request<'_>, forge: &mut dyn Forge) -> Result<Published> {
    let run = GateRun::parse(requested.payload)?;
    let pull_request = find_pull_request(&run, forge);
    let not_run = reason_not_run(&run, pull_request.as_ref());
    let earlier = Earlier::of(forge, &run.repository, &run.head);
    if not_run.is_some() && earlier.as_ref().is_ok_and(Earlier::has_verdict) {
        return Ok(Published { head: run.head, verdict: None, status: None, commented: None });
    }
    let verified = match not_run {
        Some(error) => Err(error),
        None => verdict(requested, &run, pull_request.as_ref(), forge).and_then(|verified| {
            if verified.decision.status != Status::Red {
                earlier?.refuse_after_a_loss()?;
            }
            Ok(verified)
        }),
    };
    let commented =
        pull_request.filter(|it| it.head.sha == run.head && it.state == "open").map(|it| it.number);
    let published = report(&run, &verified, commented, forge)?;
    if published.status.as_ref().is_some_and(|status| status.state == State::Success) {
        // Another run of this head may have shown a loss meanwhile, and been reported just before.
        if let Err(error) = Earlier::of(forge, &run.repository, &run.head)?.refuse_after_a_loss() {
            return report(&run, &Err(error), commented, forge);
        }
    }
    Ok(published)
}

/// Sets the status of the head, and writes the comment of its pull request where that has this head now.
fn report(
    run: &GateRun,
    verified: &Result<VerifiedVerdict>,
    commented: Option<u64>,
    forge: &mut dyn Forge,
) -> Result<Published> {
    let (page, head) = (run.page(), &run.head);
    let (verdict, status, comment) = match verified {
        Ok(verified) => (
            Some(verified.decision.verdict),
            CommitStatus::of(&verified.decision, page.clone()),
            Comment::of(verified, head, &page),
        ),
        Err(error) => {
            let reason = error.to_string();
            let comment = Comment::none(&reason, error.hint_text(), head, &page);
            (None, CommitStatus::none(&reason, page), comment)
        }
    };
    // First, for it is what lets a head be merged or not.
    let body = serde_json::to_value(&status)
        .map_err(|cause| Error::harness(format!("the status cannot be written: {cause}")))?;
    forge.send(Method::Post, &format!("repos/{}/statuses/{head}", run.repository), &body)?;
    if let Some(number) = commented {
        comment.put(forge, &run.repository, number)?;
    }
    Ok(Published { head: head.clone(), verdict, status: Some(status), commented })
}

/// The pull request as it is now; None where it is not known, or the forge does not say.
fn find_pull_request(run: &GateRun, forge: &mut dyn Forge) -> Option<PullRequestWire> {
    let number = if let Some(number) = run.pull_request {
        number
    } else {
        // The forge lists no pull requests of a fork with its runs.
        let path = format!("repos/{}/commits/{}/pulls", run.repository, run.head);
        let found: Vec<PullRequestWire> = read(forge, &path, "it").ok()?;
        found.into_iter().find(|it| it.head.sha == run.head && it.state == "open")?.number
    };
    let path = format!("repos/{}/pulls/{number}", run.repository);
    read(forge, &path, "the pull request").ok()
}

/// Why nothing was measured in this run, where nothing was.
fn reason_not_run(run: &GateRun, pull_request: Option<&PullRequestWire>) -> Option<Error> {
    let known = run.pull_request.or(pull_request.map(|known| known.number));
    let word = format!(
        "somebody who may write reads it, then labels it `arc-gate`, or dispatches it: {}",
        command_for(known, &run.head)
    );
    if run.by == By::Nobody {
        return Some(Error::input("a fork's head is measured on a maintainer's word alone").hint(word));
    }
    match run.conclusion.as_str() {
        "success" | "failure" => None,
        "skipped" => Some(
            Error::input("its author may not write, and it is measured on a maintainer's word alone")
                .hint(word),
        ),
        other => Some(Error::input(format!("the run ended `{}`", shortened(other))).hint("run it again")),
    }
}

/// The verdict on the run's head, or why there is none.
fn verdict(
    requested: &Request<'_>,
    run: &GateRun,
    pull_request: Option<&PullRequestWire>,
    forge: &mut dyn Forge,
) -> Result<VerifiedVerdict> {
    let Some(pull_request) = pull_request else {
        return Err(Error::input("no pull request of this head is known").hint("run the gate again"));
    };
    if pull_request.base.reference != run.default_branch {
        let into = shortened(&pull_request.base.reference);
        let what =
            format!("the pull request goes into `{into}`, and heads of the default branch alone are gated");
        return Err(Error::input(what).hint("nothing; or let it go into the default branch"));
    }
    let zip = match &requested.zip {
        Some(zip) => zip.clone(),
        None => download(run, forge)?,
    };
    let artifact = JudgedArtifact::of_zip(&zip)?;
    let fetched =
        requested.repository.fetch(requested.remote, &format!("refs/pull/{}/head", pull_request.number))?;
    if !requested.repository.has_commit(&run.head) {
        let now = short(&fetched);
        return Err(Error::input(format!("the pull request has moved on to {now}, and this head is gone"))
            .hint("nothing: the later head has a run of its own"));
    }
    let tip =
        requested.repository.resolve(&format!("refs/remotes/{}/{}", requested.remote, run.default_branch));
    let tip = tip.or_else(|_| requested.repository.head())?;
    if run.by == By::Dispatch {
        refuse_imported_definition(requested.repository, &run.definition, &tip.sha)?;
    }
    let known = TrustedContext {
        repository: requested.repository,
        name: &run.repository,
        pull_request: pull_request.number,
        head: &run.head,
        tip: &tip.sha,
        device: requested.device,
        by_own_workflow: run.by == By::OwnBranch,
    };
    let merge_base = known.merge_base()?;
    known.verdict_of(artifact, &merge_base, requested.now_utc)
}

/// A tag of the name `main` is reported as a branch of that name is, and may hold any workflow.
fn refuse_imported_definition(repository: &Repository, definition: &str, main: &str) -> Result<()> {
    let is_mains = repository.merge_base(main, definition).is_ok_and(|base| base == definition);
    if is_mains {
        return Ok(());
    }
    let what = format!("the run is by a workflow that is not on main, of {}", short(definition));
    Err(Error::input(what)
        .hint("dispatch the gate on the branch: `gh workflow run gate.yml --ref refs/heads/main`"))
}

#[derive(Deserialize)]
struct ArtifactsWire {
    artifacts: Vec<ArtifactWire>,
}

#[derive(Deserialize)]
struct ArtifactWire {
    id: u64,
    name: String,
    size_in_bytes: u64,
    #[serde(default)]
    created_at: String,
}

/// The artifact of the run's latest attempt: one of an earlier attempt says nothing of this one.
fn download(run: &GateRun, forge: &mut dyn Forge) -> Result<Vec<u8>> {
    let path = format!("repos/{}/actions/runs/{}/artifacts?per_page=100", run.repository, run.id);
    let listed: ArtifactsWire = read(forge, &path, "the run's artifacts")?;
    let named = listed.artifacts.into_iter().filter(|artifact| artifact.name == ARTIFACT);
    let newest = named
        .filter(|artifact| run.began_utc.as_ref().is_some_and(|began| artifact.created_at >= *began))
        .max_by_key(|it| it.id);
    let Some(artifact) = newest else {
        return Err(Error::input(format!("the run left no artifact `{ARTIFACT}`"))
            .hint("see the run: it was ended before it could leave one, or the runner was lost"));
    };
    if artifact.size_in_bytes > LARGEST_ZIP_BYTES {
        let what = format!("the artifact is refused: it has {} bytes", artifact.size_in_bytes);
        return Err(Error::input(format!("{what}, and no verdict has more than {LARGEST_ZIP_BYTES}")));
    }
    forge.get(&format!("repos/{}/actions/artifacts/{}/zip", run.repository, artifact.id), LARGEST_ZIP_BYTES)
}

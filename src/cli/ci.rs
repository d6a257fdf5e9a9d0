//! `ci`: what the workflows call, so that their logic is here and can be tested without a forge.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::cli::ab::{self, AbArgs};
use crate::cli::gate::{JudgedAb, judged_against};
use crate::cli::measuring::{MeasuringArgs, stoppable};
use crate::cli::reporting::{self, VerdictFormat};
use crate::cli::root::Root;
use crate::cli::settings::StoreFlag;
use crate::cli::workload::WorkloadArgs;
use crate::cli::{exit_code, print_data, print_line, say};
use crate::error::{Error, Result};
use crate::files::{self, FileKind};
use crate::gate;
use crate::gate::ci::{
    Candidate, GateEnd, GateEvent, GhProgram, JudgedArtifact, Request, Resolved, State, VERDICT_FILE,
    VerdictArtifact, admit as admit_label, candidate_of,
};
use crate::gate::side::changed_in_use;
use crate::record::{Personal, Repository, Source, utc_now};
use crate::report::decision::Subject;
use crate::visible;

#[derive(Debug, Args)]
pub(super) struct CiArgs {
    #[command(subcommand)]
    verb: CiVerb,
}

#[derive(Debug, Subcommand)]
enum CiVerb {
    /// Print which head is to be measured against what, as JSON, and fetch it; exit 2 where it may not be
    Resolve(EventFlags),
    /// Measure the head of the event against where it branched off, and write the verdict
    Measure(Box<MeasureArgs>),
    /// Write the verdict from what is stored, where `measure` could not; exits as the gate does
    Verdict(VerdictArgs),
    /// Check a run's verdict as untrusted input, then set the status and edit the comment
    Publish(PublishArgs),
    /// Dispatch the gate for the head of a pull request that a maintainer labelled `arc-gate`
    Admit(PayloadFlag),
}

pub(super) fn ci(args: &CiArgs) -> Result<u8> {
    match &args.verb {
        CiVerb::Resolve(flags) => resolve(flags),
        CiVerb::Measure(args) => measure(args),
        CiVerb::Verdict(args) => verdict(args),
        CiVerb::Publish(args) => publish(args),
        CiVerb::Admit(flag) => admit(flag),
    }
}

/// The payload.
#[derive(Debug, Args)]
struct PayloadFlag {
    /// File of the event's payload [default: the one that `GITHUB_EVENT_PATH` names]
    #[arg(long, value_name = "FILE")]
    event: Option<PathBuf>,
}

impl PayloadFlag {
    /// Reads it.
    pub(super) fn read(&self) -> Result<Vec<u8>> {
        let named = self.event.clone().or_else(|| env::var_os("GITHUB_EVENT_PATH").map(PathBuf::from));
        let file = named.ok_or_else(|| {
            Error::input("no event is named").hint("on GitHub there is one; else: `--event FILE`")
        })?;
        files::read(&file, FileKind::Event)
            .map_err(|error| error.hint("name the event's payload with `--event FILE`"))
    }
}

/// The event: its payload and its name.
#[derive(Debug, Args)]
struct EventFlags {
    #[command(flatten)]
    payload: PayloadFlag,

    /// The event's name [default: what `GITHUB_EVENT_NAME` says]
    #[arg(long, value_name = "NAME")]
    event_name: Option<String>,

    /// The remote from which heads are fetched
    #[arg(long, value_name = "NAME", default_value = "origin")]
    remote: String,
}

impl EventFlags {
    /// The head that may be measured.
    fn candidate(&self) -> Result<Candidate> {
        let name = self.event_name.clone().or_else(|| env::var("GITHUB_EVENT_NAME").ok());
        let name = name.ok_or_else(|| {
            Error::input("the event has no name")
                .hint("on GitHub it has one; else: `--event-name pull_request`")
        })?;
        candidate_of(&GateEvent::parse(&name, &self.payload.read()?)?)
    }

    /// Its commits, fetched.
    pub(super) fn resolve(&self, candidate: Candidate) -> Result<Resolved> {
        let repository = Repository::open(Root::find().path())?;
        Resolved::of(candidate, &repository, &self.remote)
    }
}

/// Prints the commits.
fn resolve(flags: &EventFlags) -> Result<u8> {
    let resolved = flags.resolve(flags.candidate()?)?;
    let json = serde_json::to_string_pretty(&resolved)
        .map_err(|cause| Error::harness(format!("the commits cannot be listed: {cause}")))?;
    print_data(&(visible::json(&json) + "\n"))?;
    Ok(exit_code::PASS)
}

#[derive(Debug, Args)]
struct MeasureArgs {
    #[command(flatten)]
    event: EventFlags,

    /// Folder for the verdict: `verdict.json`, and `record.json` where there is one
    #[arg(long, value_name = "DIR")]
    output: PathBuf,

    /// Longest time for all pairs, as in 90s, 30m or 2h; what is undecided then is inconclusive
    #[arg(long, value_name = "TIME", value_parser = ab::budget)]
    budget: Option<Duration>,

    #[command(flatten)]
    measuring: MeasuringArgs,
}

/// Resolves, measures, judges. Whatever comes of it, a verdict is left that says so.
fn measure(args: &MeasureArgs) -> Result<u8> {
    let candidate = args.event.candidate()?;
    let resolved = match args.event.resolve(candidate.clone()) {
        Ok(resolved) => resolved,
        Err(error) => {
            leave(&no_verdict(&candidate, GateEnd::Refused, &error), &args.output)?;
            return Err(error);
        }
    };
    say(&format!(
        "pull request #{}: head {} against {}, where it branched off",
        candidate.pull_request, resolved.candidate.head, resolved.merge_base
    ));
    let repository = Repository::open(Root::find().path())?;
    let head = Source::Commit(repository.resolve(&resolved.candidate.head)?);
    let changed = changed_in_use(&repository, &resolved.merge_base, &head)?;
    // The whole suite of the policy on two commits.
    let ab = AbArgs {
        base: vec![resolved.merge_base.clone()],
        head: vec![resolved.candidate.head.clone()],
        merge: candidate.merge.clone(),
        step: None,
        budget: args.budget,
        // Who publishes the verdict cannot see that changed sources gave the same program.
        measure_identical: !changed.is_empty(),
        ignore_guards: false,
        drift: false,
        profile: false,
        seed: None,
        workload: WorkloadArgs::default(),
        format: VerdictFormat::Text,
        measuring: args.measuring.clone(),
    };
    match ab::keep(&ab, &stoppable()?) {
        Ok(Some(stored)) => {
            say(&format!("record: {}", stored.path?.display()));
            judge(args, &resolved, stored.failed)
        }
        Ok(None) => {
            let error = Error::harness("it was interrupted").hint("run the gate again");
            let code = exit_code::INTERRUPTED;
            let artifact = JudgedArtifact::without_verdict(&candidate, GateEnd::Failed, &error, code);
            leave(&artifact, &args.output)?;
            Ok(code)
        }
        Err(error) => {
            leave(&no_verdict(&candidate, GateEnd::Failed, &error), &args.output)?;
            Err(error)
        }
    }
}

/// What a gate makes of the record; one that failed may have shown wrong output before.
fn judge(args: &MeasureArgs, resolved: &Resolved, failed: Option<Error>) -> Result<u8> {
    match stored(resolved, &args.measuring.store) {
        Ok(judged) => {
            let JudgedAb { record, decision } = judged;
            let code = exit_code::of_verdict(decision.verdict);
            let printed = reporting::report(Subject::of(&record), &decision, VerdictFormat::Text, code);
            leave(&JudgedArtifact::judged(resolved, record, code), &args.output)?;
            printed?;
            Ok(code)
        }
        Err(error) => {
            let error = failed.unwrap_or(error);
            leave(&no_verdict(&resolved.candidate, GateEnd::Failed, &error), &args.output)?;
            Err(error)
        }
    }
}

#[derive(Debug, Args)]
struct VerdictArgs {
    #[command(flatten)]
    event: EventFlags,

    /// Folder for the verdict; one of this head that is there stays as it is
    #[arg(long, value_name = "DIR")]
    output: PathBuf,

    #[command(flatten)]
    store: StoreFlag,
}

/// Leaves a verdict whatever became of the measurement: it may have been ended from outside.
fn verdict(args: &VerdictArgs) -> Result<u8> {
    let candidate = args.event.candidate()?;
    if let Some(there) = verdict_in(&args.output).filter(|there| there.head == candidate.head) {
        say(&format!("verdict: {}, as it was left", args.output.join(VERDICT_FILE).display()));
        return Ok(there.exit_code);
    }
    let judged = match args.event.resolve(candidate.clone()) {
        Ok(resolved) => stored(&resolved, &args.store).map(|judged| {
            let code = exit_code::of_verdict(judged.decision.verdict);
            JudgedArtifact::judged(&resolved, judged.record, code)
        }),
        Err(error) => Ok(no_verdict(&candidate, GateEnd::Refused, &error)),
    };
    let artifact = judged.unwrap_or_else(|error| no_verdict(&candidate, GateEnd::Failed, &error));
    leave(&artifact, &args.output)?;
    Ok(artifact.verdict.exit_code)
}

fn no_verdict(candidate: &Candidate, end: GateEnd, error: &Error) -> JudgedArtifact {
    JudgedArtifact::without_verdict(candidate, end, error, exit_code::of_kind(error.kind()))
}

/// The A/B of the head against where it branched off that counts, judged as a gate does.
///
/// # Errors
/// Where there is none, or it failed.
fn stored(resolved: &Resolved, store: &StoreFlag) -> Result<JudgedAb> {
    let root = Root::find();
    let repository = Repository::open(root.path())?;
    judged_against(store, &store.find(&root)?, &repository, &resolved.candidate.head, &resolved.merge_base)
}

/// Writes it, without anything personal, and says where.
fn leave(artifact: &JudgedArtifact, folder: &Path) -> Result<()> {
    let mut artifact = artifact.clone();
    let personal = Personal::of_this_user(Vec::new());
    artifact.verdict.reason = artifact.verdict.reason.map(|reason| personal.taken_from(&reason));
    artifact.save(folder)?;
    say(&format!("verdict: {}", folder.join(VERDICT_FILE).display()));
    Ok(())
}

fn verdict_in(folder: &Path) -> Option<VerdictArtifact> {
    let text = files::read(&folder.join(VERDICT_FILE), FileKind::Text).ok()?;
    serde_json::from_slice(&text).ok()
}

#[derive(Debug, Args)]
struct PublishArgs {
    #[command(flatten)]
    payload: PayloadFlag,

    /// The run's artifact, as a zip [default: downloaded with `gh`]
    #[arg(long, value_name = "FILE")]
    artifact: Option<PathBuf>,

    /// The device on which heads are judged; a verdict from another device is refused
    #[arg(long, value_name = "DEVICE", default_value = "GPU")]
    device: String,

    /// The remote from which heads are fetched; nothing of them is checked out
    #[arg(long, value_name = "NAME", default_value = "origin")]
    remote: String,
}

/// Publishes; a red status is no failure of publishing.
fn publish(args: &PublishArgs) -> Result<u8> {
    let payload = args.payload.read()?;
    let repository = Repository::open(Root::find().path())?;
    let requested = Request {
        payload: &payload,
        zip: args.artifact.as_ref().map(|file| files::read(file, FileKind::Artifact)).transpose()?,
        repository: &repository,
        remote: &args.remote,
        device: &args.device,
        now_utc: &utc_now(),
    };
    let published = gate::ci::publish(&requested, &mut GhProgram)?;
    let Some(status) = &published.status else {
        say(&format!("{} has a verdict, and this run has none: nothing was published", published.head));
        return Ok(exit_code::PASS);
    };
    let state = if status.state == State::Success { "green" } else { "red" };
    print_line(&format!("{} {state}: {}", published.head, status.description))?;
    if published.verdict.is_some() {
        say(
            "the samples are those of this run's artifact, which was measured elsewhere: they count for this commit \
             alone (docs/trust.md)",
        );
    }
    match published.commented {
        Some(number) => say(&format!("the comment of pull request #{number} says so, too")),
        None => say("no open pull request has this head now: there is no comment"),
    }
    Ok(exit_code::PASS)
}

/// Dispatches the gate where the label is a word.
fn admit(flag: &PayloadFlag) -> Result<u8> {
    match admit_label(&flag.read()?, &mut GhProgram)? {
        Some(admitted) => say(&format!(
            "the gate was dispatched for {} of pull request #{}, on the word of {}",
            admitted.head, admitted.pull_request, admitted.by
        )),
        None => say("this label is no word for the gate: nothing was done"),
    }
    Ok(exit_code::PASS)
}

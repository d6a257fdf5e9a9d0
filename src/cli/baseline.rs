//! `baseline pin`: a record's speed becomes an anchor of the gate's policy. `baseline accept-model`: a record's
//! model becomes the one that the published value holds for.

use clap::{Args, Subcommand};

use crate::cli::named_record::NamedRecord;
use crate::cli::root::Root;
use crate::cli::settings::StoreFlag;
use crate::cli::{exit_code, named_record, say};
use crate::error::{Error, Result};
use crate::files::{Overwrite, write_whole};
use crate::judge::environment::{Guard, GuardFinding, of_record};
use crate::judge::policy::PinnedAnchor;
use crate::judge::{check_shows_published_model, no_reference_reason, summarise};
use crate::measure::Metric;
use crate::record::{
    AcceptedModel, Outcome, ProvenDevice, PublishedReference, sha256_of_file, utc_now, whoami,
    with_accepted_model,
};

/// A pinned value fails this much below itself, as the published one does: the spread of its days.
const FAILING_SHARE: f64 = 0.95;

#[derive(Debug, Args)]
pub(super) struct BaselineArgs {
    #[command(subcommand)]
    verb: BaselineVerb,
}

#[derive(Debug, Subcommand)]
enum BaselineVerb {
    /// Add a record's token/s to the anchors of ci/gate.json, for its machine, model, device and prompts
    Pin(PinArgs),
    /// Accept a verified record's model as the published one, so that the published value is judged for it
    AcceptModel(AcceptArgs),
}

#[derive(Debug, Args)]
struct PinArgs {
    /// A record measured here: a `bench`, or an `ab`, whose head is pinned
    #[arg(value_name = "RECORD")]
    record: String,

    /// Why later runs should be compared with it
    #[arg(long, alias = "because", value_name = "REASON")]
    reason: String,

    /// Name of the anchor [default: the record's run id]
    #[arg(long, value_name = "NAME")]
    id: Option<String>,

    #[command(flatten)]
    store: StoreFlag,
}

#[derive(Debug, Args)]
struct AcceptArgs {
    /// The record of `bench`
    #[arg(value_name = "RECORD")]
    record: String,

    /// Why its files are the published ones
    #[arg(long, alias = "because", value_name = "REASON")]
    reason: String,

    #[command(flatten)]
    store: StoreFlag,
}

pub(super) fn baseline(args: &BaselineArgs) -> Result<u8> {
    match &args.verb {
        BaselineVerb::Pin(args) => pin(args),
        BaselineVerb::AcceptModel(args) => accept_model(args),
    }
}

fn accept_model(args: &AcceptArgs) -> Result<u8> {
    let root = Root::find();
    let reason = args.reason.trim();
    if reason.is_empty() {
        return Err(Error::input("`--reason` is empty").hint("say why these files are the published ones"));
    }
    let file = root.published();
    let published = PublishedReference::read(&file)?;
    let store = args.store.find(&root)?;
    let named = named_record::find_run(&args.record, &store, &root)?.announced();
    store.check_measured_here(named.path())?;
    let run = named.record;
    check_shows_published_model(&published, run.subject())?;
    let arm = &run.arms[0];
    let (name, sha256) = (&arm.model.name, &arm.model.sha256);
    if let Some(known) = published.model.accepted(sha256) {
        say(&format!(
            "model `{name}` ({sha256}) is accepted already, since {} by record `{}`: nothing was changed",
            known.accepted_utc, known.run_id
        ));
        return Ok(exit_code::PASS);
    }
    let accepted = AcceptedModel {
        sha256: sha256.clone(),
        reason: reason.to_owned(),
        accepted_utc: utc_now(),
        run_id: run.run_id.clone(),
        commit: arm.commit.as_ref().map(|commit| commit.sha.clone()).unwrap_or_default(),
    };
    write_whole(&file, with_accepted_model(&file, accepted)?.as_bytes(), Overwrite::Replace)?;
    say(&format!("model `{name}` ({sha256}) is accepted as {}, in {}", published.model.name, file.display()));
    say(
        "next: commit it; runs of this model on the published device are judged by the published value from there on",
    );
    Ok(exit_code::PASS)
}

fn pin(args: &PinArgs) -> Result<u8> {
    let root = Root::find();
    let file = root.policy();
    let policy = root.read_policy()?;
    let store = args.store.find(&root)?;
    let named = named_record::find(&args.record, &store, &root, named_record::RUNS)?.announced();
    store.check_measured_here(named.path())?;
    if !named.record.plan.is_of_commit() {
        let plan = named.record.plan.as_str();
        let what = format!("`{}` is of `{plan}`, whose speed is not that of a commit", named.file);
        return Err(Error::input(what).hint("pin a record of `cargo xtask bench`"));
    }
    let anchor = anchor(args, &root, &named)?;
    let reported = format!(
        "anchor `{}`: {:.2} token/s, failing below {:.2}",
        anchor.id, anchor.value, anchor.fail_below
    );
    write_whole(&file, policy.with_anchor(anchor)?.as_bytes(), Overwrite::Replace)?;
    say(&format!("{reported}, in {}", file.display()));
    say("next: commit it; the gate takes its policy from the base");
    Ok(exit_code::PASS)
}

fn anchor(args: &PinArgs, root: &Root, named: &NamedRecord) -> Result<PinnedAnchor> {
    let run = named.record.subject();
    let no_baseline = |why: &str| Error::input(format!("record `{}` can be no baseline: {why}", named.file));
    let refuse =
        |why| no_baseline(why).hint("measure a clean commit on a quiet machine: `cargo xtask bench`");
    let speed = summarise(&run).average.map(|average| average.throughput().value);
    let (Some(value), Some(ran)) = (speed, &run.device.ran) else { return Err(refuse("it has no speed")) };
    let guards = of_record(&run);
    let is_on_battery = |finding: &GuardFinding| finding.guard == Guard::AcPower && finding.is_trouble();
    let why_not = [
        (run.outcome != Outcome::Complete, "its run did not come to its end"),
        (run.commit.as_ref().is_none_or(|commit| commit.dirty), "it is of no clean commit"),
        (guards.iter().flat_map(|it| &it.findings).any(is_on_battery), "it was measured on battery"),
    ];
    let why_not = why_not.into_iter().find(|(is_so, _)| *is_so).map(|(_, why)| why);
    match why_not.or_else(|| no_reference_reason(&run)) {
        Some(why) if ran.facts().emulated_reason.is_some() => {
            return Err(no_baseline(why)
                .hint("measure on a real GPU, or on the CPU: `cargo xtask bench --device CPU`"));
        }
        Some(why) => return Err(refuse(why)),
        None => {}
    }
    Ok(PinnedAnchor {
        id: args.id.clone().unwrap_or_else(|| run.experiment.run_id.clone()),
        metric: Metric::EndToEndThroughput,
        value,
        warn_below: value,
        fail_below: value * FAILING_SHARE,
        model_sha256: run.model.sha256.clone(),
        machine_sha256: run.experiment.machine.sha256.clone(),
        device: ProvenDevice::kind(ran),
        gpu: run.device.gpu_identity(),
        workload_sha256: run.workload.sha256.clone(),
        openvino: None,
        run_id: run.experiment.run_id.clone(),
        record_sha256: sha256_of_file(named.path())?,
        pinned_utc: utc_now(),
        who: whoami(root.path()),
        reason: args.reason.clone(),
    })
}

//! `gate`: one decision from what is stored of a commit. It measures nothing.

mod stored;

use std::collections::BTreeMap;

use clap::{Args, Subcommand};

use crate::cli::gate::stored::{AcceptedBase, Found, Search};
use crate::cli::named_record::{ABS, find};
use crate::cli::report::show_commit;
use crate::cli::reporting::{self, VerdictFormat};
use crate::cli::root::Root;
use crate::cli::settings::StoreFlag;
use crate::cli::{exit_code, print, say, shell};
use crate::error::{Error, Result};
use crate::gate::{
    Calibration, Strictness, calibrate as of_records, decide, decide_run, judged_by_base, policy_in,
};
use crate::record::{
    Commit, DecisionRecord, Experiment, History, Machine, MergeCommit, Outcome, PlanKind, Repository, utc_now,
};
use crate::report::decision::Subject;
use crate::report::device_flag;
use crate::visible::one_line;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct GateArgs {
    #[command(subcommand)]
    verb: Option<GateVerb>,

    /// The commit to judge [default: HEAD, which needs a working tree without changes]
    #[arg(long, value_name = "REVISION", conflicts_with = "replay")]
    head: Option<String>,

    /// Accept only an A/B against this commit, or where the head branched off from it [default: main]
    #[arg(long, value_name = "REVISION", conflicts_with = "replay")]
    base: Option<String>,

    /// Judge a stored A/B by the gate's rules again, and fail where the result differs from the stored one
    #[arg(long, value_name = "RECORD")]
    replay: Option<String>,

    /// How the decision is reported
    #[arg(long, value_enum, default_value_t = VerdictFormat::Text)]
    format: VerdictFormat,

    #[command(flatten)]
    store: StoreFlag,
}

#[derive(Debug, Subcommand)]
enum GateVerb {
    /// Report noise, minimum detectable effect and false positives of this machine, from its own A/A records
    Calibrate(CalibrateArgs),
}

pub(super) fn gate(args: &GateArgs) -> Result<u8> {
    let code = match (&args.verb, &args.replay) {
        (Some(GateVerb::Calibrate(args)), _) => return calibrate(args),
        (None, Some(record)) => replay(args, record)?,
        (None, None) => judge_stored(args)?,
    };
    Ok(code)
}

/// Judges what is stored of the head.
fn judge_stored(args: &GateArgs) -> Result<u8> {
    let root = Root::find();
    let store = args.store.find(&root)?;
    let repository = Repository::open(root.path())?;
    let head = match &args.head {
        Some(revision) => repository.resolve(revision)?,
        None => clean_head(&repository)?,
    };
    let base = match &args.base {
        Some(revision) => AcceptedBase::named(&repository, revision, &head)?,
        None => AcceptedBase::of_main(&repository, &head)?,
    };
    let now = utc_now();
    let Search { found, elsewhere } = Search::of(&store, &head, &base)?;
    if let Some(elsewhere) = &elsewhere {
        say(elsewhere);
    }
    let code = match found {
        Found::Ab { record, note } => {
            if let Some(note) = note {
                say(&note);
            }
            let decision = judged_by_base(&record, &repository, &now)?;
            report_ab(&record, &decision, args.format)?
        }
        Found::Run(record) => {
            let measure = measure(&base, args.head.as_deref(), &args.store);
            judge_run(&root, &record, &measure, &now, args.format)?
        }
        Found::Nothing { itself } => {
            return Err(Error::harness(format!("nothing was measured of commit {}", head.short()))
                .hint(what_to_judge(&head, &measure(&base, args.head.as_deref(), &args.store), itself)));
        }
    };
    show_commit(&root, &store, Some(&head.sha));
    Ok(code)
}

/// An A/B of a store, and what a gate makes of it now.
pub(in crate::cli) struct JudgedAb {
    pub(in crate::cli) record: Experiment,
    pub(in crate::cli) decision: DecisionRecord,
}

/// The A/B of one commit against one other that counts, judged.
///
/// # Errors
/// Where there is none, or it failed.
pub(in crate::cli) fn judged_against(
    flag: &StoreFlag,
    store: &History,
    repository: &Repository,
    head: &str,
    base: &str,
) -> Result<JudgedAb> {
    let head = repository.resolve(head)?;
    let base = AcceptedBase::named(repository, base, &head)?;
    match Search::of(store, &head, &base)?.found {
        Found::Ab { record, .. } => {
            let decision = judged_by_base(&record, repository, &utc_now())?;
            Ok(JudgedAb { record, decision })
        }
        Found::Run(_) | Found::Nothing { .. } => {
            let what = format!("nothing was measured of commit {} against its base", head.short());
            Err(Error::harness(what).hint(format!("run `{}`", measure(&base, Some(head.short()), flag))))
        }
    }
}

/// A forge checks out a merge commit, and what is measured stands under the head that it merges.
fn what_to_judge(head: &Commit, measure: &str, itself: bool) -> String {
    let measure = format!("run `{measure}`, then `{}`", shell::again());
    match MergeCommit::of(head) {
        Some(merge) => {
            let merged = merge.head.get(..12).unwrap_or(&merge.head);
            format!("it merges {merged}; judge that with `--head {merged}`, or {measure}")
        }
        None if itself => {
            let short = head.short();
            format!(
                "it was compared with itself alone; take that with `--base {short}`, or name another base"
            )
        }
        None => measure,
    }
}

/// A run alone is judged by the checkout's policy, for there is no base to take one from. `measure` compares it with one.
fn judge_run(
    root: &Root,
    record: &Experiment,
    measure: &str,
    now: &str,
    format: VerdictFormat,
) -> Result<u8> {
    let policy = root.read_policy()?;
    let decision = decide_run(record, &policy, now);
    let code = exit_code::of_verdict(decision.verdict);
    let measure = format!("{measure} {}", device_flag(record.subject()));
    let subject = Subject { given: Some(&measure), ..Subject::of(record) };
    reporting::report(subject, &decision, format, code)?;
    Ok(code)
}

fn clean_head(repository: &Repository) -> Result<Commit> {
    let head = repository.head()?;
    if head.dirty {
        return Err(Error::input(format!(
            "the working tree `{}` has changes over {}, and a gate judges commits",
            repository.folder().display(),
            head.short()
        ))
        .hint("commit or stash them; or judge the commit alone with `--head HEAD`"));
    }
    Ok(head)
}

/// The `ab` whose record this gate finds. A head that is no branch of main's has no base but the commit before it.
fn measure(base: &AcceptedBase, head: Option<&str>, store: &StoreFlag) -> String {
    let before = || format!("{}~1", head.unwrap_or("HEAD"));
    let base = base.commit().map_or_else(before, |base| base.short().to_owned());
    let words = ["ab", "--base", &base].into_iter().chain(head.into_iter().flat_map(|head| ["--head", head]));
    shell::command(words, &store.as_typed())
}

/// The decision of then, from the record alone.
fn replay(args: &GateArgs, name: &str) -> Result<u8> {
    let root = Root::find();
    let named = find(name, &args.store.find(&root)?, &root, ABS)?.announced();
    let record = &named.record;
    if record.plan != PlanKind::Ab {
        let what = format!("record `{}` is of `{}`, which no gate judges", named.file, record.plan.as_str());
        return Err(Error::input(what).hint("name a record of `cargo xtask ab`: `cargo xtask history list`"));
    }
    let Some(stored) = &record.gate_decision else {
        return Err(Error::input(format!("record `{}` was never judged", named.file))
            .hint("its run did not come to its end; `cargo xtask history show` says why"));
    };
    let again = decide(record, &policy_in(record)?, &stored.judged_utc, Strictness::Gate);
    if again != *stored {
        let (then, now) = (stored.verdict.as_str(), again.verdict.as_str());
        // Where the word is the same, something beneath it is not.
        let by = if then == now { " by other values" } else { "" };
        return Err(Error::harness(format!(
            "record `{}` was judged `{then}` when it was made, and comes to `{now}`{by} now: the rules of this \
             arcgauge are others, or the verdict was altered",
            named.file
        ))
        .hint(format!("replay it with arcgauge {}", record.arcgauge_version)));
    }
    report_ab(record, stored, args.format)
}

fn report_ab(record: &Experiment, decision: &DecisionRecord, format: VerdictFormat) -> Result<u8> {
    let code = exit_code::of_verdict(decision.verdict);
    reporting::report(Subject::of(record), decision, format, code)?;
    Ok(code)
}

#[derive(Debug, Args)]
struct CalibrateArgs {
    /// The machine, by the name of its folder in the store [default: this one]
    #[arg(long, value_name = "NAME")]
    machine: Option<String>,

    #[command(flatten)]
    store: StoreFlag,
}

fn calibrate(args: &CalibrateArgs) -> Result<u8> {
    let root = Root::find();
    let policy = root.read_policy()?;
    let machine = match &args.machine {
        Some(machine) => machine.clone(),
        None => Machine::of_this_host(None)?.slug,
    };
    let store = args.store.find(&root)?;
    let records = store.examine();
    let of_machine = records.filter_map(|examined| match examined.record {
        // Of this machine only what was measured here; a machine that is named may be another's.
        Ok(record) if record.plan == PlanKind::Ab && record.machine.slug == machine => {
            let counts = args.machine.is_some() || store.check_measured_here(&examined.path).is_ok();
            counts.then_some(record)
        }
        Ok(_) => None,
        Err(error) => {
            say(&format!("warning: {error}"));
            None
        }
    });
    let mut series: BTreeMap<Series, Vec<Experiment>> = BTreeMap::new();
    let genuine = |record: &Experiment| record.head().device.emulated_reason().is_none();
    let whole = |record: &Experiment| record.outcome != Outcome::Interrupted;
    for record in of_machine.filter(Experiment::is_against_itself).filter(genuine).filter(whole) {
        series.entry(Series::of(&record)).or_default().push(record);
    }
    let mut text = String::new();
    for (series, records) in &series {
        let records: Vec<&Experiment> = records.iter().collect();
        if let Some(calibration) = of_records(&records, &policy.sequential.rule()) {
            text += &reported(&series.name, &calibration);
        }
    }
    if text.is_empty() {
        return Err(Error::harness(format!("there is no A/A record of machine `{machine}` to learn from"))
            .hint("make some: `cargo xtask ab --base HEAD --head HEAD --measure-identical`"));
    }
    print(&format!("machine {}\n{text}", one_line(&machine)))?;
    Ok(exit_code::PASS)
}

/// What has to be the same in records that are taken together.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Series {
    /// For people.
    name: String,
    model_sha256: String,
    workload_sha256: String,
    gpu: Option<String>,
}

impl Series {
    fn of(record: &Experiment) -> Self {
        let run = &record.head();
        let version = run.runtime.as_ref().map_or("unknown", |runtime| runtime.openvino_version.as_str());
        let mut name = format!(
            "{} on {}, OpenVINO {version}, {} prompts x {} tokens",
            run.model.name,
            run.device.actual(),
            run.workload.prompts.len(),
            run.workload.new_tokens
        );
        for difference in &record.head().differences {
            name += ", ";
            name += difference;
        }
        let (model_sha256, workload_sha256) = (run.model.sha256.clone(), run.workload.sha256.clone());
        Self { name: one_line(&name), model_sha256, workload_sha256, gpu: run.device.gpu_identity() }
    }
}

fn reported(name: &str, calibration: &Calibration) -> String {
    let Calibration { runs, pairs, pair_sd_percent, smallest_seen, said_regressed, false_alarm_percent } =
        calibration;
    let seen: Vec<String> = smallest_seen
        .iter()
        .map(|seen| format!("{:.2} % with {} pairs", seen.slowdown_percent, seen.pairs))
        .collect();
    format!(
        "\n{name}\n  A/A runs      {runs}, with {pairs} pairs\n  pair sd       {pair_sd_percent:.2} %\n  \
         can see       {} (a slow-down of this size, in four of five sessions)\n  \
         false alarms  {said_regressed} of {runs} runs said regressed; {false_alarm_percent:.2} % of sessions \
         drawn from their pairs would\n",
        seen.join(", ")
    )
}

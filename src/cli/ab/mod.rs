//! `ab`: two sides in interleaved pairs of fresh processes, until it is decided whether the head is slower.

mod args;
mod estimate;
mod inputs;
mod side;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(super) use args::{AbArgs, Commits, budget};

use crate::cli::measuring::{own_program, requested_prompts, stoppable};
use crate::cli::progress::Progress;
use crate::cli::report::show_commit;
use crate::cli::root::Root;
use crate::cli::{exit_code, reporting, say};
use crate::error::{Error, ErrorKind, Result};
use crate::gate::side::Builder;
use crate::gate::{Strictness, decide};
use crate::judge::policy::Policy;
use crate::places;
use crate::record::{
    Arm, Experiment, HarnessCost, History, InputsRecord, Outcome, Personal, PlanKind, PublishedReference,
    utc_now,
};
use crate::run::{ExperimentPlan, Ran, Schedule, StoppingRule, identical, run};
use crate::sys::{Clock, MonotonicClock};
use inputs::Inputs;
use side::{RequestedSides, Workshop};

/// Runs an A/B, and tells it.
pub(super) fn ab(args: &AbArgs) -> Result<ExitCode> {
    let Some(KeptAb { record, path, failed, inputs, store }) = keep(args)? else {
        return Ok(ExitCode::from(exit_code::INTERRUPTED));
    };
    let code = reporting::report_ab(&record, args.format);
    say(&format!("record: {}", path?.display()));
    show_commit(&inputs.root, &store, record.head().commit.as_ref().map(|commit| commit.sha.as_str()));
    match failed {
        Some(error) => Err(error),
        None => code.map(ExitCode::from),
    }
}

/// An A/B that came to an end, and its record, if that could be written.
pub(super) struct KeptAb {
    pub(super) record: Experiment,
    pub(super) path: Result<PathBuf>,
    /// What failed, where something did.
    pub(super) failed: Option<Error>,
    inputs: Inputs,
    store: History,
}

/// Runs an A/B, judges it and keeps its record. None where it was interrupted before anything was measured.
pub(super) fn keep(args: &AbArgs) -> Result<Option<KeptAb>> {
    let began_ns = MonotonicClock.now_ns();
    let root = Root::find();
    let store = args.store.find_to_measure(&root)?;
    let control = stoppable()?;
    check_tokens(args.max_new_tokens)?;
    let requested = RequestedSides::of(args)?;
    requested.check(args, &root)?;
    let builder = Builder::new(&cache_folder()?).ending_with(own_program()?);
    let Some(_lock) = args.supervision.take_lock(&control, "ab")? else {
        say("interrupted while waiting for the device: nothing was measured");
        return Ok(None);
    };
    let inputs = Inputs::of(&root, &requested, &builder)?;
    let policy = Policy::parse(&inputs.policy.text, &inputs.policy_name)?;
    let workshop = Workshop {
        args,
        inputs: &inputs.root,
        root: &root,
        repository: inputs.repository.as_ref(),
        builder: &builder,
        stop: &control.stop,
    };
    let Some(sides) = workshop.both(&requested, &inputs)? else {
        say("interrupted: nothing was measured");
        return Ok(None);
    };
    let prompts = requested_prompts(&args.prompts, &sides.base.model)?;
    sides.base.check(&prompts, args.max_new_tokens)?;
    sides.head.check(&prompts, args.max_new_tokens)?;
    estimate::say_estimate(args, &store, &sides, prompts.len());
    let hashing_ns = sides.base.identity.hashing_ns + sides.head.identity.hashing_ns;
    let plan = ExperimentPlan {
        kind: PlanKind::Ab,
        began_ns,
        when_utc: utc_now(),
        suite: Experiment::suite_of(&prompts, &sides.base.model.prompts),
        prompts,
        new_tokens: args.max_new_tokens,
        arms: vec![sides.base.arm(), sides.head.arm()],
        schedule: Schedule {
            arms: 2,
            stopping: StoppingRule::Sequential(policy.sequential.rule()),
            largest_redraws: policy.noise.largest_redraws,
            ignore_guards: args.ignore_guards,
            seed: Some(args.seed.unwrap_or_else(any_seed)),
            budget: args.budget,
        },
        limits: args.supervision.limits(),
        warms_cache: true,
        idle_limit: args.supervision.settle_limit(false),
        probe: None,
        inputs: InputsRecord {
            merge: args.merge.clone().or_else(|| inputs.record.merge.clone()),
            policy: inputs.policy.clone(),
            ..inputs.record.clone()
        },
        published: PublishedReference::read(&inputs.root.published())?,
        published_engines: Vec::new(),
        criterion: Vec::new(),
        resolved: None,
        cost: HarnessCost { hashing_ns, ..HarnessCost::default() },
    };
    let Ran { record, failed } = if sides.base.is_same_as(&sides.head) && !args.measure_identical {
        say("both sides are the same, byte for byte: nothing is measured");
        Ran { record: identical(&plan)?, failed: None }
    } else {
        run(&plan, &control, &Progress::start(&control, args.max_new_tokens))?
    };
    let mut record = Personal::of_this_user(Vec::new()).taken_from_record(record);
    // Bad input that was found before its side could be loaded leaves nothing to keep.
    if let Some(error) = &failed
        && error.kind() == ErrorKind::Input
        && !both_have_loaded(&record)
    {
        return Err(error.clone());
    }
    judge(&mut record, &policy);
    let path = store.add(&record);
    Ok(Some(KeptAb { record, path, failed, inputs, store }))
}

fn both_have_loaded(record: &Experiment) -> bool {
    let has = |side: &Arm| side.processes.iter().any(|process| process.load.is_some());
    record.arms.iter().all(has)
}

/// What is compared is the time between tokens.
fn check_tokens(new_tokens: usize) -> Result<()> {
    if new_tokens >= 2 {
        return Ok(());
    }
    let what =
        format!("`--max-new-tokens {new_tokens}` makes no time between tokens, which is what is compared");
    Err(Error::input(what).hint("use 2 or more; 200 is the default"))
}

/// What it means, for whoever asked and for a gate. A run that did not come to its end means nothing.
fn judge(record: &mut Experiment, policy: &Policy) {
    if matches!(record.outcome, Outcome::Failed | Outcome::Interrupted) {
        return;
    }
    let now = utc_now();
    record.gate_decision = Some(decide(record, policy, &now, Strictness::Gate));
    record.decision = Some(decide(record, policy, &now, Strictness::Ab));
}

fn cache_folder() -> Result<PathBuf> {
    places::cache_dir().ok_or_else(|| Error::harness("this user has no home folder and so no cache folder"))
}

/// Another one each time; the record keeps it.
fn any_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(now.as_nanos() % u128::from(u64::MAX)).unwrap_or_default()
}

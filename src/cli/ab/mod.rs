//! `ab`: two sides in interleaved pairs of fresh processes, until it is decided whether the head is slower.

mod args;
mod inputs;
mod live;
mod progress;
mod record;
mod side;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(super) use args::{AbArgs, Commits, budget};

use crate::cli::measuring::{StandBy, asked_prompts, planned, stoppable};
use crate::cli::report::show_commit;
use crate::cli::root::Root;
use crate::cli::{exit_code, say, telling};
use crate::engine::openvino::{COMPILED_MODELS_FOLDER, COMPILED_MODELS_LIMIT_BYTES, trim_compiled_models};
use crate::error::{Error, ErrorKind, Result};
use crate::gate::side::Builder;
use crate::gate::{Asker, Drawing, decide, drive};
use crate::judge::policy::Policy;
use crate::measure::supervisor::Control;
use crate::measure::{Clock, MonotonicClock, Plan, SleepInhibitor};
use crate::places;
use crate::record::{AbRecord, History, InputsRecord, Outcome, PublishedReference, SideRecord, utc_now};
use inputs::Inputs;
use live::{LivePairs, LiveSide};
use record::{Assembled, Frame};
use side::{AskedSides, ReadySides, Workshop};

/// Runs an A/B, and tells it.
pub(super) fn ab(args: &AbArgs) -> Result<ExitCode> {
    let Some(KeptAb { record, path, failed, inputs, store }) = keep(args)? else {
        return Ok(ExitCode::from(exit_code::INTERRUPTED));
    };
    let code = telling::tell_ab(&record, args.format);
    say(&format!("record: {}", path?.display()));
    show_commit(&inputs.root, &store, record.head.run.commit.as_ref().map(|commit| commit.sha.as_str()));
    match failed {
        Some(error) => Err(error),
        None => Ok(ExitCode::from(code)),
    }
}

/// An A/B that came to an end, and its record, if that could be written.
pub(super) struct KeptAb {
    pub(super) record: AbRecord,
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
    let asked = AskedSides::of(args)?;
    let builder = Builder::new(&cache_folder()?);
    let Some(_lock) = args.supervision.take_lock(&control, "ab")? else {
        say("interrupted while waiting for the device: nothing was measured");
        return Ok(None);
    };
    let inputs = Inputs::of(&root, &asked, &builder)?;
    let policy = Policy::parse(&inputs.policy.text, &inputs.policy_name)?;
    let workshop = Workshop {
        args,
        inputs: &inputs.root,
        root: &root,
        repository: inputs.repository.as_ref(),
        builder: &builder,
        stop: &control.stop,
    };
    let Some(sides) = workshop.both(&asked, &inputs)? else {
        say("interrupted: nothing was measured");
        return Ok(None);
    };
    let prompts = asked_prompts(&args.prompts, &sides.base.model)?;
    let plan = Plan { prompts: planned(&prompts), processes: 1, new_tokens: args.max_new_tokens };
    sides.base.check(&prompts, &plan)?;
    sides.head.check(&prompts, &plan)?;
    let frame = Frame {
        when_utc: utc_now(),
        asked: prompts,
        published: PublishedReference::read(&inputs.root.published())?,
        inputs: InputsRecord {
            merge: args.merge.clone().or_else(|| inputs.record.merge.clone()),
            ..inputs.record.clone()
        },
        policy: inputs.policy.clone(),
        seed: args.seed.unwrap_or_else(any_seed),
        despite_guards: args.despite_guards,
        budget_s: args.budget.map(|budget| budget.as_secs()),
        began_ns,
    };
    let assembled = if sides.base.is_same_as(&sides.head) && !args.measure_identical {
        say("both sides are the same, byte for byte: nothing is measured");
        let record = record::identical(frame, &plan, &sides)?;
        Assembled { record, failed: None }
    } else {
        measure(args, frame, &plan, &sides, &policy, &control)?
    };
    let Assembled { mut record, failed } = assembled;
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

fn both_have_loaded(record: &AbRecord) -> bool {
    let has = |side: &SideRecord| side.run.processes.iter().any(|process| process.load.is_some());
    has(&record.base) && has(&record.head)
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

/// Draws pairs until it is decided.
fn measure(
    args: &AbArgs,
    frame: Frame,
    plan: &Plan,
    sides: &ReadySides,
    policy: &Policy,
    control: &Arc<Control>,
) -> Result<Assembled> {
    let _awake = SleepInhibitor::hold();
    let settle_limit = args.supervision.settle_limit(false);
    let mut live = LivePairs {
        plan,
        limits: args.supervision.limits(),
        control,
        stand_by: StandBy::new(plan, &sides.base.engine.device, settle_limit, control),
        base: LiveSide::new(&sides.base),
        head: LiveSide::new(&sides.head),
        began_with: None,
    };
    let drawing = Drawing {
        rule: policy.sequential.rule(),
        largest_redraws: policy.noise.largest_redraws,
        despite_guards: args.despite_guards,
        seed: frame.seed,
        budget: args.budget,
    };
    let driven = drive(&drawing, &MonotonicClock, &mut live);
    if let Some(root) = places::cache_dir().map(|folder| folder.join(COMPILED_MODELS_FOLDER)) {
        for removed in trim_compiled_models(&root, COMPILED_MODELS_LIMIT_BYTES) {
            say(&format!("removed from the cache of compiled models: {}", removed.display()));
        }
    }
    record::measured(frame, live, &driven)
}

/// What it means, for whoever asked and for a gate. A run that did not come to its end means nothing.
fn judge(record: &mut AbRecord, policy: &Policy) {
    if matches!(record.outcome, Outcome::Failed | Outcome::Interrupted) {
        return;
    }
    let now = utc_now();
    record.gate_decision = Some(decide(record, policy, &now, Asker::Gate));
    record.decision = Some(decide(record, policy, &now, Asker::Ab));
}

fn cache_folder() -> Result<PathBuf> {
    places::cache_dir().ok_or_else(|| Error::harness("this user has no home folder and so no cache folder"))
}

/// Another one each time; the record keeps it.
fn any_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(now.as_nanos() % u128::from(u64::MAX)).unwrap_or_default()
}

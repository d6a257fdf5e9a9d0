//! `bench`: the main job. Measure in fresh processes, check every token, keep a record, print the table.

mod criterion;
mod next_step;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::cli::flags::EngineFlags;
use crate::cli::loading::find_model;
use crate::cli::measuring::{SupervisionArgs, load_command, requested_prompts, stoppable};
use crate::cli::progress::Progress;
use crate::cli::report::show_commit;
use crate::cli::root::Root;
use crate::cli::store::StoreFlag;
use crate::cli::{exit_code, print_document, probe, say};
use crate::engine::openvino::{COMPILED_MODELS_FOLDER, Sources};
use crate::error::{ErrorKind, Result};
use crate::files::{Overwrite, check_writable, write_whole};
use crate::golden::GoldenSet;
use crate::judge::Validity;
use crate::places;
use crate::record::{
    Arm, Experiment, HarnessCost, History, InputsRecord, Outcome, Personal, PlanKind, PublishedReference,
    utc_now,
};
use crate::report::{Detail, bench_document, explain, results_json};
use crate::run::{EditedGraph, ExperimentPlan, Identity, Ran, ReadyArm, Schedule, StoppingRule, run};
use crate::sys::{Clock, MonotonicClock};
use crate::workload::PromptSet;

/// Flags of `bench`.
#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    /// Fresh worker processes; each asks every prompt once, after one discarded warm-up
    #[arg(long, value_name = "N", default_value_t = 3)]
    runs: usize,

    /// One process and no cache warm-up load: the soonest honest number
    #[arg(long, conflicts_with = "runs")]
    quick: bool,

    /// Tokens of each answer, exactly: end-of-sequence is a token like any other
    #[arg(long, value_name = "N", default_value_t = 200)]
    max_new_tokens: usize,

    /// A reference prompt's id, or a text of your own; may be repeated [default: all reference prompts]
    #[arg(long = "prompt", value_name = "ID|TEXT", allow_hyphen_values = true)]
    prompts: Vec<String>,

    /// Measure without goldens; every figure is then unverified
    #[arg(long)]
    unverified: bool,

    /// First run the Criterion benches of the checkout, and keep their estimates in the record; minutes
    #[arg(long)]
    criterion: bool,

    #[command(flatten)]
    reporting: ReportingArgs,

    #[command(flatten)]
    engine: EngineFlags,

    #[command(flatten)]
    supervision: SupervisionArgs,
}

/// How the run is reported.
#[derive(Debug, Args)]
struct ReportingArgs {
    /// Write the results as JSON, too
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Print all columns, and the facts of the run
    #[arg(long)]
    wide: bool,

    /// Add the definition of every metric
    #[arg(long)]
    explain: bool,

    /// End with 12 where guards invalidate the run
    #[arg(long)]
    strict: bool,

    #[command(flatten)]
    store: StoreFlag,
}

/// Runs the benchmark.
pub(super) fn bench(args: &BenchArgs) -> Result<ExitCode> {
    let began_ns = MonotonicClock.now_ns();
    let root = Root::find();
    args.engine.check_device()?;
    if let Some(output) = &args.reporting.output {
        check_writable(output)?;
    }
    let history = args.reporting.store.find_to_measure(&root)?;
    let published = PublishedReference::read(&root.published())?;
    let control = stoppable()?;
    let program = args.supervision.program()?;
    let location = Sources::from_environment(args.engine.openvino.clone()).locate()?;
    let hashing_ns = MonotonicClock.now_ns();
    let mut model = find_model(&args.engine.model, &root)?;
    let hashing_ns = MonotonicClock.now_ns() - hashing_ns;
    if args.unverified {
        model.goldens = GoldenSet::default();
    }
    model.check_goldens_belong()?;
    let requested = requested_prompts(&args.prompts, &model)?;
    model.check_goldens_fit(&requested)?;
    model.check_takes(&requested, args.processes(), args.max_new_tokens)?;

    let probe = if args.unverified { None } else { probe::of(&model)? };
    let waited_ns = MonotonicClock.now_ns();
    let Some(_lock) = args.supervision.take_lock(&control, "bench")? else {
        say("interrupted while waiting for the device: nothing was measured");
        return Ok(ExitCode::from(exit_code::INTERRUPTED));
    };
    let lock_wait_ns = MonotonicClock.now_ns() - waited_ns;
    let identity = Identity::of(root.path(), &program.program, args.supervision.is_foreign())?;
    let mut cost =
        HarnessCost { hashing_ns: hashing_ns + identity.hashing_ns, lock_wait_ns, ..HarnessCost::default() };
    let criterion =
        if args.criterion { criterion::run(&root, &mut cost, &control)? } else { Some(Vec::new()) };
    let Some(criterion) = criterion else {
        say("interrupted: nothing was measured");
        return Ok(ExitCode::from(exit_code::INTERRUPTED));
    };
    let edited = EditedGraph::place(&model.identity, args.engine.all_logits)?;
    let compiled_models = places::cache_dir().map(|folder| folder.join(COMPILED_MODELS_FOLDER));
    let load = load_command(&args.engine, &model, location, edited.as_ref(), compiled_models);
    let plan = ExperimentPlan {
        kind: PlanKind::Bench,
        began_ns,
        when_utc: utc_now(),
        suite: Experiment::suite_of(&requested, &model.prompts),
        prompts: requested,
        new_tokens: args.max_new_tokens,
        arms: vec![ReadyArm {
            label: Arm::BENCH.to_owned(),
            differences: Vec::new(),
            host_loop: Arm::ARCGAUGE.to_owned(),
            program: &program,
            load: &load,
            model: &model,
            edited: edited.as_ref(),
            requested: &args.engine.device,
            identity: &identity,
            can_replay: true,
        }],
        schedule: Schedule {
            arms: 1,
            stopping: StoppingRule::Rounds(args.processes()),
            largest_redraws: 0,
            ignore_guards: true,
            seed: None,
            budget: None,
        },
        limits: args.supervision.limits(),
        warms_cache: !args.quick,
        idle_limit: args.supervision.settle_limit(args.quick),
        probe,
        inputs: InputsRecord::default(),
        published,
        published_engines: Vec::new(),
        criterion,
        resolved: None,
        cost,
    };
    let observer = Progress::start(&control, args.max_new_tokens);
    let Ran { record, failed } = run(&plan, &control, &observer)?;
    let arm = record.subject().arm;
    let has_loaded = arm.processes.iter().any(|process| process.load.is_some());
    // Bad input that was found before anything was loaded leaves nothing to record.
    if let Some(error) = failed.as_ref().filter(|error| !has_loaded && error.kind() == ErrorKind::Input) {
        return Err(error.clone());
    }
    if record.outcome == Outcome::Interrupted && arm.samples.is_empty() {
        say("interrupted: nothing was measured");
        return Ok(ExitCode::from(exit_code::INTERRUPTED));
    }
    let record = Personal::of_this_user(Vec::new()).taken_from_record(record);
    keep_and_tell(args, &root, &history, &record, &model.prompts)?;
    match failed {
        Some(error) => Err(error),
        None => Ok(ExitCode::from(code(&record, args.reporting.strict))),
    }
}

fn code(record: &Experiment, strict: bool) -> u8 {
    match Validity::of(record) {
        Validity::Invalid(_) if strict => exit_code::ENVIRONMENT_INVALID,
        _ => exit_code::of_outcome(record.outcome),
    }
}

impl ReportingArgs {
    fn detail(&self) -> Detail {
        if self.wide { Detail::Wide } else { Detail::Brief }
    }
}

impl BenchArgs {
    fn processes(&self) -> usize {
        if self.quick { 1 } else { self.runs }
    }
}

/// Stores the record and reports it. Neither the record nor the results may keep the other from being
/// written and named.
fn keep_and_tell(
    args: &BenchArgs,
    root: &Root,
    history: &History,
    record: &Experiment,
    prompts: &PromptSet,
) -> Result<()> {
    let kept = history.add(record);
    // The table first: a full disk must not lose what was measured.
    let mut document = bench_document(record.subject(), args.reporting.detail());
    if args.reporting.explain {
        explain(&mut document);
    }
    let printed = print_document(document);
    let results = args.reporting.output.as_deref().map(|output| write_results(output, record)).transpose();
    say(&format!("record: {}", kept?.display()));
    results?;
    show_commit(root, history, record.subject().commit.as_ref().map(|commit| commit.sha.as_str()));
    // A failure brings a hint of its own.
    if record.failure.is_none() {
        say(&next_step::of(args, record, prompts));
    }
    printed
}

fn write_results(output: &Path, record: &Experiment) -> Result<()> {
    write_whole(output, results_json(record.subject()).as_bytes(), Overwrite::ReplaceBehindLink)?;
    say(&format!("results: {}", output.display()));
    Ok(())
}

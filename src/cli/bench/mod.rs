//! `bench`: the main job. Measure in fresh processes, check every token, keep a record, print the table.

mod criterion;
mod next_step;
mod outcome;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::cli::assemble::Judging;
use crate::cli::edited_graph::EditedGraph;
use crate::cli::flags::EngineFlags;
use crate::cli::loading::find_model;
use crate::cli::measuring::{
    Identity, StandBy, SupervisionArgs, asked_prompts, load_command, planned, stoppable,
};
use crate::cli::report::show_commit;
use crate::cli::root::Root;
use crate::cli::store::StoreFlag;
use crate::cli::{exit_code, print, probe, say};
use crate::engine::openvino::{
    COMPILED_MODELS_FOLDER, COMPILED_MODELS_LIMIT_BYTES, Sources, trim_compiled_models,
};
use crate::error::Result;
use crate::golden::GoldenSet;
use crate::measure::supervisor::{Job, WorkerProcess, supervise};
use crate::measure::{Clock, MonotonicClock, Plan, SleepInhibitor};
use crate::places;
use crate::record::{
    AskedPrompt, History, Outcome, Overwrite, PublishedReference, RunRecord, check_writable, write_whole,
};
use crate::report::{bench_table, explanation, results_json};
use crate::workload::PromptSet;
use outcome::judge_into;

/// Flags of `bench`.
#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    /// Fresh worker processes; each asks every prompt once, after one discarded warm-up
    #[arg(long, value_name = "N", default_value_t = 3)]
    runs: usize,

    /// One process and no priming load: the soonest honest number
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
    telling: TellingArgs,

    #[command(flatten)]
    engine: EngineFlags,

    #[command(flatten)]
    supervision: SupervisionArgs,
}

/// How the run is told.
#[derive(Debug, Args)]
struct TellingArgs {
    /// Write the results as JSON, too
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Add the definition of every figure to the table
    #[arg(long)]
    explain: bool,

    #[command(flatten)]
    store: StoreFlag,
}

/// Runs the benchmark.
pub(super) fn bench(args: &BenchArgs) -> Result<ExitCode> {
    let began_ns = MonotonicClock.now_ns();
    let root = Root::find();
    if let Some(output) = &args.telling.output {
        check_writable(output)?;
    }
    let history = args.telling.store.find_to_measure(&root)?;
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
    let asked = asked_prompts(&args.prompts, &model)?;
    model.check_goldens_fit(&asked)?;
    let plan = plan(args, &asked);
    let config = model.folder.config();
    plan.check(config.vocab_size.unwrap_or(usize::MAX), config.max_position_embeddings)?;

    let probe = if args.unverified { None } else { probe::of(&model)? };
    let waited_ns = MonotonicClock.now_ns();
    let Some(_lock) = args.supervision.take_lock(&control, "bench")? else {
        say("interrupted while waiting for the device: nothing was measured");
        return Ok(ExitCode::from(exit_code::INTERRUPTED));
    };
    let lock_wait_ns = MonotonicClock.now_ns() - waited_ns;
    let mut identity = Identity::of(&root, &program.program, args.supervision.is_foreign())?;
    identity.cost.hashing_ns += hashing_ns;
    identity.cost.lock_wait_ns = lock_wait_ns;
    let criterion =
        if args.criterion { criterion::run(&root, &mut identity.cost, &control)? } else { Some(Vec::new()) };
    let Some(criterion) = criterion else {
        say("interrupted: nothing was measured");
        return Ok(ExitCode::from(exit_code::INTERRUPTED));
    };
    let _awake = SleepInhibitor::hold();
    let edited = EditedGraph::place(&model.identity, args.engine.all_logits)?;
    let compiled_models = places::cache_dir().map(|folder| folder.join(COMPILED_MODELS_FOLDER));
    let load = load_command(&args.engine, &model, location, edited.as_ref(), compiled_models.clone());
    let job = Job {
        plan: &plan,
        load: &load,
        limits: args.supervision.limits(),
        prime: !args.quick,
        control: &control,
    };
    let mut stand_by =
        StandBy::new(&plan, &args.engine.device, args.supervision.settle_limit(args.quick), &control);
    let session = supervise(&job, &mut || Ok(Box::new(WorkerProcess::start(&program)?)), &mut stand_by);
    if let Some(root) = compiled_models {
        for removed in trim_compiled_models(&root, COMPILED_MODELS_LIMIT_BYTES) {
            say(&format!("removed from the cache of compiled models: {}", removed.display()));
        }
    }
    let judging = Judging {
        model: &model,
        plan: &plan,
        asked,
        probe,
        criterion,
        published,
        edited: edited.as_ref(),
        requested: &args.engine.device,
        began_ns,
    };
    let judged = judge_into(identity, judging, session, &mut stand_by)?;
    if judged.record.outcome == Outcome::Interrupted && judged.record.samples.is_empty() {
        say("interrupted: nothing was measured");
        return Ok(ExitCode::from(exit_code::INTERRUPTED));
    }
    keep_and_tell(args, &root, &history, &judged.record, &model.prompts)?;
    judged.end.map(ExitCode::from)
}

/// The plan that the flags make of the prompts.
fn plan(args: &BenchArgs, asked: &[AskedPrompt]) -> Plan {
    let processes = if args.quick { 1 } else { args.runs };
    Plan { prompts: planned(asked), processes, new_tokens: args.max_new_tokens }
}

/// Stores the record and tells it. Neither the record nor the results may keep the other from being
/// written and named.
fn keep_and_tell(
    args: &BenchArgs,
    root: &Root,
    history: &History,
    record: &RunRecord,
    prompts: &PromptSet,
) -> Result<()> {
    let kept = history.add(record);
    // The table first: a full disk must not lose what was measured.
    if record.outcome == Outcome::Interrupted {
        let made = record.samples.len();
        print(&format!(
            "interrupted after {made} generation{}: no speed is given\n",
            if made == 1 { "" } else { "s" }
        ));
    } else {
        print(&bench_table(record));
        if args.telling.explain {
            print(&explanation());
        }
    }
    let results = args.telling.output.as_deref().map(|output| write_results(output, record)).transpose();
    say(&format!("record: {}", kept?.display()));
    results?;
    show_commit(root, history, record.commit.as_ref().map(|commit| commit.sha.as_str()));
    // A failure brings a hint of its own.
    if record.failure.is_none() {
        say(&next_step::of(record, prompts));
    }
    Ok(())
}

fn write_results(output: &Path, record: &RunRecord) -> Result<()> {
    write_whole(output, results_json(record).as_bytes(), Overwrite::Replace)?;
    say(&format!("results: {}", output.display()));
    Ok(())
}

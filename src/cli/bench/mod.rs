//! `bench`: the main job. Measure in fresh processes, check every token, keep a record, print the table.

mod asked;
mod attendant;
mod environment;
mod identity;
mod next_step;
mod outcome;
mod surroundings;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Args;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::cli::edited_graph::EditedGraph;
use crate::cli::flags::EngineFlags;
use crate::cli::loading::find_model;
use crate::cli::root::Root;
use crate::cli::{exit_code, print, probe, say};
use crate::engine::openvino::{COMPILED_MODELS_LIMIT_BYTES, FoundBy, Sources, trim_compiled_models};
use crate::error::{Error, Result};
use crate::golden::GoldenSet;
use crate::measure::protocol::LoadCommand;
use crate::measure::supervisor::{Control, Job, Limits, WorkerProcess, WorkerProgram, supervise};
use crate::measure::{
    Clock, DeviceLock, Estimate, MonotonicClock, SleepInhibitor, Waiting, read_estimates, run_benches,
};
use crate::places;
use crate::record::{
    HarnessCost, History, Overwrite, PublishedReference, RunRecord, check_writable, write_whole,
};
use crate::report::{bench_table, explanation, results_json};
use crate::workload::PromptSet;
use asked::{asked_prompts, plan};
use attendant::StandBy;
pub(super) use identity::Identity;
pub(super) use outcome::Judging;
use outcome::judge_into;
pub(super) use surroundings::Around;

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
    #[arg(long = "prompt", value_name = "ID|TEXT")]
    prompts: Vec<String>,

    /// Write the results as JSON, too
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Measure without goldens; every figure is then unverified
    #[arg(long)]
    unverified: bool,

    /// First run the Criterion benches of the checkout, and keep their estimates in the record; minutes
    #[arg(long)]
    criterion: bool,

    /// Add the definition of every figure to the table
    #[arg(long)]
    explain: bool,

    #[command(flatten)]
    engine: EngineFlags,

    #[command(flatten)]
    supervision: SupervisionArgs,
}

/// Flags of the supervision.
#[derive(Debug, Args)]
#[command(next_help_heading = "Supervision")]
struct SupervisionArgs {
    /// Program that measures, by the worker's protocol [default: this one]
    #[arg(long, value_name = "FILE")]
    worker: Option<PathBuf>,

    /// Longest load of a model, s
    #[arg(long, value_name = "S", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    load_limit_s: u64,

    /// Longest wait for the first token of an answer, s
    #[arg(long, value_name = "S", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..))]
    first_token_limit_s: u64,

    /// Longest wait for each further token, s
    #[arg(long, value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(2..))]
    token_limit_s: u64,

    /// File of the lock that keeps two measurements apart [default: one for the whole machine]
    #[arg(long, value_name = "FILE")]
    lock: Option<PathBuf>,

    /// Longest wait for a measurement that is under way, s
    #[arg(long, value_name = "S", default_value_t = 3600)]
    lock_wait_s: u64,
}

impl SupervisionArgs {
    fn limits(&self) -> Limits {
        Limits {
            load: Duration::from_secs(self.load_limit_s),
            first_token: Duration::from_secs(self.first_token_limit_s),
            next_token: Duration::from_secs(self.token_limit_s),
            ..Limits::default()
        }
    }

    /// The program of the workers: this binary's own file, even if another has been put in its place.
    fn program(&self) -> Result<WorkerProgram> {
        let (program, arguments) = match &self.worker {
            Some(program) => (program.clone(), Vec::new()),
            None => {
                let own = std::env::current_exe().map_err(|cause| {
                    Error::harness(format!("this program does not know its file: {cause}"))
                })?;
                (own, vec!["worker".to_owned()])
            }
        };
        let program = fs::canonicalize(&program).map_err(|cause| {
            Error::io("start the worker", &program, &cause)
                .as_input()
                .hint("name a program that speaks the worker's protocol, or leave `--worker` out")
        })?;
        Ok(WorkerProgram { program, arguments })
    }
}

/// Runs the benchmark.
pub(super) fn bench(args: &BenchArgs) -> Result<ExitCode> {
    let began_ns = MonotonicClock.now_ns();
    let root = Root::find();
    if let Some(output) = &args.output {
        check_writable(output)?;
    }
    let published = read_published(&root.published())?;
    let control = stoppable()?;
    let program = args.supervision.program()?;
    let location = Sources::from_environment(args.engine.openvino.clone()).locate()?;
    let hashing_ns = MonotonicClock.now_ns();
    let mut model = find_model(&args.engine.model, &root)?;
    let mut identity = Identity::of(&root, &program)?;
    identity.cost.hashing_ns = MonotonicClock.now_ns() - hashing_ns;
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
    let _lock = take_lock(&args.supervision, &control)?;
    identity.cost.lock_wait_ns = MonotonicClock.now_ns() - waited_ns;
    let criterion = if args.criterion { run_criterion(&root, &mut identity.cost)? } else { Vec::new() };
    let _awake = SleepInhibitor::hold();
    let edited = EditedGraph::place(&model.identity, args.engine.all_logits)?;
    let compiled_models = places::cache_dir().map(|folder| folder.join("compiled-models"));
    let load = LoadCommand {
        pinned_version: match &location.found_by {
            FoundBy::Pinned(version) => Some(version.clone()),
            FoundBy::Flag | FoundBy::Variable(_) => None,
        },
        c_library: location.c_library,
        model_dir: model.folder.path().to_owned(),
        model_sha256: model.identity.sha256.clone(),
        device: args.engine.device.clone(),
        properties: args.engine.properties.iter().map(|p| format!("{}={}", p.key, p.value)).collect(),
        edited_graph: edited.as_ref().map(|edited| edited.path().to_owned()),
        compiled_models: compiled_models.clone(),
    };
    let job = Job {
        plan: &plan,
        load: &load,
        limits: args.supervision.limits(),
        prime: !args.quick,
        control: &control,
    };
    let mut stand_by = StandBy::new(&plan, &args.engine.device, &control);
    let session = supervise(&job, &mut || Ok(Box::new(WorkerProcess::start(&program)?)), &mut stand_by)?;
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
    keep_and_tell(args, &root, &judged.record, &model.prompts)?;
    judged.end.map(ExitCode::from)
}

/// Stores the record and tells it. Neither the record nor the results may keep the other from being
/// written and named.
fn keep_and_tell(args: &BenchArgs, root: &Root, record: &RunRecord, prompts: &PromptSet) -> Result<()> {
    let kept = History::at(root.history()).add(record);
    // The table first: a full disk must not lose what was measured.
    print(&bench_table(record));
    if args.explain {
        print(&explanation());
    }
    let results = args.output.as_deref().map(|output| write_results(output, record)).transpose();
    say(&format!("record: {}", kept?.display()));
    results?;
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

/// Runs Criterion's benches and reads what they estimate.
fn run_criterion(root: &Root, cost: &mut HarnessCost) -> Result<Vec<Estimate>> {
    let began_ns = MonotonicClock.now_ns();
    let cache = places::cache_dir()
        .ok_or_else(|| Error::harness("this user has no home folder and so no cache folder"))?;
    // Of its own, for Criterion leaves there what benches of other times have estimated.
    let home = cache.join(format!("criterion-{}", std::process::id()));
    fs::create_dir_all(&home).map_err(|cause| Error::io("write", &home, &cause))?;
    let estimates = run_benches(root.path(), &home).and_then(|()| read_estimates(&home));
    let _ = fs::remove_dir_all(&home);
    cost.criterion_ns = MonotonicClock.now_ns() - began_ns;
    estimates
}

/// Takes the machine's lock; who waits is told for whom.
fn take_lock(args: &SupervisionArgs, control: &Control) -> Result<DeviceLock> {
    let path = args.lock.clone().unwrap_or_else(DeviceLock::usual_file);
    let holder = format!("bench, process {}", std::process::id());
    let mut told = false;
    let mut goes_on = |held_by: &str, _: Duration| {
        if !told {
            say(&format!("waiting: the device is held by {held_by} (`{}`)", path.display()));
            told = true;
        }
        !control.stop.load(Ordering::Relaxed)
    };
    let patience = Duration::from_secs(args.lock_wait_s);
    DeviceLock::take(&path, &holder, Waiting { patience, goes_on: &mut goes_on })
}

/// A control that Ctrl-C stops; a second one ends the process at once.
fn stoppable() -> Result<Arc<Control>> {
    let control = Arc::new(Control::default());
    for signal in [SIGINT, SIGTERM] {
        let code = i32::from(exit_code::INTERRUPTED);
        flag::register_conditional_shutdown(signal, code, Arc::clone(&control.stop))
            .and_then(|_| flag::register(signal, Arc::clone(&control.stop)))
            .map_err(|cause| Error::harness(format!("cannot listen for Ctrl-C: {cause}")))?;
    }
    Ok(control)
}

fn read_published(path: &Path) -> Result<PublishedReference> {
    let text = fs::read_to_string(path).map_err(|cause| Error::io("read", path, &cause))?;
    PublishedReference::parse(&text)
}

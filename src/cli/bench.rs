//! `bench`: the main job. Measure in fresh processes, check every token, store a record, print the table.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use clap::Args;

use crate::cli::ab::build_worker;
use crate::cli::flags::EngineFlags;
use crate::cli::golden::{plan_drift, probe_of};
use crate::cli::measuring::{SupervisionArgs, load_command, own_program, stoppable};
use crate::cli::progress::Progress;
use crate::cli::report::show_commit;
use crate::cli::root::Root;
use crate::cli::settings::{StoreFlag, cache_folder, unit_id};
use crate::cli::workload::{RequestedWorkload, WorkloadArgs};
use crate::cli::{complain, exit_code, print_document, say, shell};
use crate::engine::openvino::{RuntimeLocation, Sources};
use crate::error::{Error, Result};
use crate::files::{Overwrite, check_writable, write_whole};
use crate::gate::side::{Builder, inputs_sha256};
use crate::golden::{GoldenResult, Probe};
use crate::judge::Validity;
use crate::measure::supervisor::{Control, WorkerProgram};
use crate::measure::{BenchesEnded, Estimate, read_estimates, run_benches};
use crate::record::{
    Arm, Commit, Experiment, HarnessCost, History, InputsRecord, Outcome, Personal, PlanKind, PromptRecord,
    PublishedReference, Repository, RequestedPrompt, Source,
};
use crate::report::{Detail, bench_document, explain, results_json};
use crate::run::{
    DriftPlan, EditedGraph, ExperimentPlan, FoundModel, Identity, Ran, ReadyArm, Schedule, StoppingRule,
    measure_drift, profile, run,
};
use crate::sys::{Clock, MonotonicClock};
use crate::workload::{PromptSet, Suite};

#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    /// Fresh worker processes; each runs every prompt once, after one discarded warm-up
    #[arg(long, value_name = "N", default_value_t = 3)]
    runs: usize,

    /// The fastest valid measurement: one process, no cache warm-up load
    #[arg(long, conflicts_with = "runs")]
    quick: bool,

    /// Build and measure this commit, or each of a range of first parents, with the harness and the inputs of the
    /// checkout; stored under it
    #[arg(long, value_name = "REVISION|A..B", conflicts_with = "worker")]
    commit: Option<String>,

    #[command(flatten)]
    workload: WorkloadArgs,

    #[command(flatten)]
    beside: BesideArgs,

    #[command(flatten)]
    reporting: ReportingArgs,

    #[command(flatten)]
    engine: EngineFlags,

    #[command(flatten)]
    supervision: SupervisionArgs,
}

/// What is measured beside the prompts.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
struct BesideArgs {
    /// First run the Criterion benches of the checkout, and store their estimates in the record; minutes
    #[arg(long)]
    criterion: bool,

    /// Time reading and writing back all KV states at the end of each process
    #[arg(long)]
    states: bool,

    /// Compare next-token distributions with the model's reference after the last process; ends with 11 beyond a limit,
    /// with 20 where they cannot be compared
    #[arg(long)]
    drift: bool,

    /// Then profile decode steps by operator, in a process of their own
    #[arg(long)]
    profile: bool,
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

pub(super) fn bench(args: &BenchArgs) -> Result<u8> {
    let began_ns = MonotonicClock.now_ns();
    let root = Root::find();
    args.engine.check_device()?;
    if let Some(output) = &args.reporting.output {
        check_writable(output)?;
    }
    let commits = args.commit.as_ref().map(|named| commits(&root, named)).transpose()?;
    let history = args.reporting.store.find_to_measure(&root)?;
    let published = PublishedReference::read(&root.published())?;
    let control = stoppable()?;
    let program = args.supervision.program()?;
    let location = Sources::from_environment(args.engine.openvino.clone()).locate()?;
    let hashing_ns = MonotonicClock.now_ns();
    let model = args.workload.find_model(&args.engine, &root)?;
    let hashing_ns = MonotonicClock.now_ns() - hashing_ns;
    let RequestedWorkload { prompts, new_tokens } =
        args.workload.requested(Suite::Reference, &model, args.processes())?;

    let probe = if args.workload.unverified { None } else { probe_of(&model)? };
    let drift = args.beside.drift.then(|| plan_drift(&model, &root, 1)).transpose()?;
    let waited_ns = MonotonicClock.now_ns();
    let Some(_lock) = args.supervision.take_lock(&control, "bench")? else {
        return Ok(exit_code::INTERRUPTED);
    };
    let lock_wait_ns = MonotonicClock.now_ns() - waited_ns;
    let cost = HarnessCost { lock_wait_ns, hashing_ns, ..HarnessCost::default() };
    let bench = Bench {
        args,
        root: &root,
        history: &history,
        control: &control,
        model: &model,
        prompts,
        new_tokens,
        probe,
        drift,
        published,
        location,
    };
    if let Some(commits) = commits {
        return bench.backfill(&commits, &cost);
    }
    let identity = Identity::of(root.path(), &program.program, args.supervision.is_other_program())?;
    bench.measure(&program, &identity, InputsRecord::default(), cost, began_ns)
}

/// What is the same for every commit that is measured.
struct Bench<'a> {
    args: &'a BenchArgs,
    root: &'a Root,
    history: &'a History,
    control: &'a Arc<Control>,
    model: &'a FoundModel,
    prompts: Vec<RequestedPrompt>,
    new_tokens: usize,
    probe: Option<Probe>,
    drift: Option<DriftPlan>,
    published: PublishedReference,
    location: RuntimeLocation,
}

impl Bench<'_> {
    /// Builds and measures each commit, the oldest first, with the harness and the inputs of this checkout. One that cannot
    /// be built or measured does not keep the others from it. Ends with the highest exit code.
    fn backfill(&self, commits: &[Commit], cost: &HarnessCost) -> Result<u8> {
        let repository = Repository::open(self.root.path())?;
        let builder = Builder::new(&cache_folder()?).ending_with(own_program()?);
        let inputs = InputsRecord {
            from_commit: Some(repository.head()?.sha),
            sha256: inputs_sha256(self.root.path())?,
            ..InputsRecord::default()
        };
        let (mut highest, mut failed) = (exit_code::PASS, None);
        for (at, commit) in commits.iter().enumerate() {
            let began_ns = MonotonicClock.now_ns();
            let what = format!("commit {} ({} of {})", commit.short(), at + 1, commits.len());
            say(&what);
            let source = Source::Commit(commit.clone());
            let measured =
                build_worker(&builder, &repository, &source, &what, &self.control.stop).and_then(|program| {
                    let Some(program) = program else { return Ok(exit_code::INTERRUPTED) };
                    let identity = Identity {
                        commit: Some(commit.clone()),
                        ..Identity::of(self.root.path(), &program.worker.program, true)?
                    };
                    self.measure(&program.worker, &identity, inputs.clone(), cost.clone(), began_ns)
                });
            match measured {
                Ok(exit_code::INTERRUPTED) => return Ok(exit_code::INTERRUPTED),
                Ok(code) => highest = highest.max(code),
                Err(error) if commits.len() == 1 => return Err(error),
                Err(error) => {
                    complain(&error);
                    failed = Some(error);
                }
            }
        }
        Ok(failed.map_or(highest, |error| exit_code::of_kind(error.kind()).max(highest)))
    }

    fn measure(
        &self,
        program: &WorkerProgram,
        identity: &Identity,
        inputs: InputsRecord,
        mut cost: HarnessCost,
        began_ns: u64,
    ) -> Result<u8> {
        let (args, control) = (self.args, self.control);
        cost.hashing_ns += identity.hashing_ns;
        let criterion = if args.beside.criterion {
            run_criterion(self.root, &mut cost, control)?
        } else {
            Some(Vec::new())
        };
        let Some(criterion) = criterion else {
            say("interrupted: nothing was measured");
            return Ok(exit_code::INTERRUPTED);
        };
        let edited = EditedGraph::place(&self.model.identity, args.engine.all_logits, 0)?;
        let load = load_command(&args.engine, self.model, self.location.clone(), edited.as_ref());
        let arm = ReadyArm {
            kv: None,
            label: Arm::BENCH.to_owned(),
            differences: Vec::new(),
            host_loop: Arm::ARCGAUGE.to_owned(),
            program,
            load: &load,
            model: self.model,
            edited: edited.as_ref(),
            requested: &args.engine.device,
            identity,
            can_replay: true,
        };
        let rounds =
            Schedule { ignore_guards: true, ..Schedule::new(1, StoppingRule::Rounds(args.processes())) };
        let (prompts, new_tokens) = (self.prompts.clone(), self.new_tokens);
        let published = self.published.clone();
        let plan = ExperimentPlan {
            limits: args.supervision.limits(),
            warms_cache: !args.quick,
            times_states: args.beside.states,
            idle_limit: args.supervision.settle_limit(args.quick),
            probe: self.probe.clone(),
            inputs,
            criterion,
            cost,
            unit_id: unit_id()?,
            ..ExperimentPlan::new(
                PlanKind::Bench,
                began_ns,
                prompts,
                new_tokens,
                vec![arm],
                rounds,
                published,
            )
        };
        let observer = Progress::start(control, new_tokens);
        let ran = run(&plan, control, &observer)?;
        ran.bad_input().map_or(Ok(()), Err)?;
        let Ran { mut record, failed } = ran;
        if record.outcome == Outcome::Complete {
            if let Some(drift) = &self.drift {
                measure_drift(drift, &plan, control, &observer, &mut record);
            }
            if args.beside.profile {
                profile(&plan, control, &observer, &mut record);
            }
        }
        if record.outcome == Outcome::Interrupted && record.subject().samples.is_empty() {
            say("interrupted: nothing was measured");
            return Ok(exit_code::INTERRUPTED);
        }
        let record = Personal::of_this_user(Vec::new()).taken_from_record(record);
        store_and_report(args, self.root, self.history, &record, &self.model.prompts)?;
        match failed {
            Some(error) => Err(error),
            None => Ok(code(&record, args)),
        }
    }
}

/// A range has no more commits: each is built and measured, which takes minutes.
const MOST_COMMITS: usize = 1000;

/// The commit that a revision names, or those of a range `A..B` on the line of first parents after `A`.
fn commits(root: &Root, named: &str) -> Result<Vec<Commit>> {
    let repository = Repository::open(root.path())?;
    match named.split_once("..") {
        None => Ok(vec![repository.resolve(named)?]),
        Some((after, to)) => {
            let commits = repository.first_parents(
                &repository.resolve(after)?.sha,
                &repository.resolve(to)?.sha,
                MOST_COMMITS,
            )?;
            if commits.is_empty() {
                let what = format!("range `{named}` has no commit");
                return Err(Error::input(what).hint("name the older one first, as in `v1.0..HEAD`"));
            }
            Ok(commits)
        }
    }
}

/// The exit code. A drift that was requested and not measured is a failure, though the times are kept.
fn code(record: &Experiment, args: &BenchArgs) -> u8 {
    if args.beside.drift && record.outcome == Outcome::Complete {
        match &record.arms[0].distribution_drift {
            None => return exit_code::HARNESS_FAILED,
            Some(drift) if drift.is_exceeded() => return exit_code::WRONG_OUTPUT,
            Some(_) => {}
        }
    }
    match Validity::of(record) {
        Validity::Invalid(_) if args.reporting.strict => exit_code::ENVIRONMENT_INVALID,
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
fn store_and_report(
    args: &BenchArgs,
    root: &Root,
    history: &History,
    record: &Experiment,
    prompts: &PromptSet,
) -> Result<()> {
    let stored = history.add(record);
    // The table first: a full disk must not lose what was measured.
    let mut document = bench_document(record.subject(), args.reporting.detail());
    if args.reporting.explain {
        explain(&mut document);
    }
    let printed = print_document(document);
    let results = args.reporting.output.as_deref().map(|output| write_results(output, record)).transpose();
    say(&format!("record: {}", stored?.display()));
    results?;
    show_commit(root, history, record.subject().commit.as_ref().map(|commit| commit.sha.as_str()));
    // A failure brings a hint of its own.
    if record.failure.is_none() {
        say(&next_step(args, record, prompts));
    }
    printed
}

fn write_results(output: &Path, record: &Experiment) -> Result<()> {
    write_whole(output, results_json(record.subject()).as_bytes(), Overwrite::ReplaceBehindLink)?;
    say(&format!("results: {}", output.display()));
    Ok(())
}

/// Runs Criterion's benches and reads what they estimate; None where they were stopped.
fn run_criterion(root: &Root, cost: &mut HarnessCost, control: &Control) -> Result<Option<Vec<Estimate>>> {
    let began_ns = MonotonicClock.now_ns();
    let cache = cache_folder()?;
    let failed = |cause: io::Error| Error::io("write", &cache, &cause);
    fs::create_dir_all(&cache).map_err(failed)?;
    // Of its own, for Criterion leaves there what benches of other times have estimated.
    let home = tempfile::Builder::new().prefix("criterion-").tempdir_in(&cache).map_err(failed)?;
    let estimates = match run_benches(&own_program()?, root.path(), home.path(), &control.stop)? {
        BenchesEnded::Complete => Some(read_estimates(home.path())?),
        BenchesEnded::Stopped => None,
    };
    cost.criterion_ns = MonotonicClock.now_ns() - began_ns;
    Ok(estimates)
}

/// The next command, by the outcome.
fn next_step(args: &BenchArgs, record: &Experiment, prompts: &PromptSet) -> String {
    let again = shell::again();
    let (model, store) = (args.engine.model.as_typed(), args.reporting.store.as_typed());
    let bless =
        shell::command(["golden", "bless", &record.run_id, "--reason", "WHY"], model.iter().chain(&store));
    let run = record.subject();
    let unverified = |prompt: &&PromptRecord| prompt.golden == GoldenResult::None;
    let mut unverified = run.prompts.iter().filter(unverified).peekable();
    match record.outcome {
        Outcome::WrongOutput => {
            format!("next: find what changed the output; only if it is right, `{bless}`")
        }
        Outcome::Interrupted | Outcome::Failed | Outcome::NotMeasured => format!("next: `{again}`"),
        Outcome::Complete if unverified.peek().is_none() && run.device.emulated_reason().is_some() => {
            "next: the output is right; for a speed run the same command on a real GPU".to_owned()
        }
        Outcome::Complete
            if unverified.peek().is_none() && matches!(Validity::of(record), Validity::Invalid(_)) =>
        {
            format!("next: reduce background load (`top` shows it), then `{again}`")
        }
        Outcome::Complete if unverified.peek().is_none() => {
            format!("next: commit your change, then `{again}` and `cargo xtask history list`")
        }
        Outcome::Complete => match unverified.find(|prompt| prompts.has(&prompt.id)) {
            Some(prompt) => {
                let infer = shell::command(["infer", "--prompt", &prompt.id], &args.engine.as_typed());
                format!("next: read the unverified answers (`{infer}`), then `{bless}`")
            }
            None => "next: a text of your own has no golden; to give it one, add it to \
                 `fixtures/prompts/reference.json`"
                .to_owned(),
        },
    }
}

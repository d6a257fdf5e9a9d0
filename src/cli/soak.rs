//! `soak`: one arm for minutes or hours; its pace, clocks, temperature, power and memory over time.

use std::time::Duration;

use clap::Args;

use crate::cli::ab::budget;
use crate::cli::measuring::{MeasuringArgs, load_command, stoppable};
use crate::cli::progress::Progress;
use crate::cli::report::show_commit;
use crate::cli::reporting::{ReportFormat, print_report};
use crate::cli::root::Root;
use crate::cli::settings::unit_id;
use crate::cli::workload::{RequestedWorkload, WorkloadArgs};
use crate::cli::{exit_code, say};
use crate::engine::openvino::Sources;
use crate::error::{Error, Result};
use crate::measure::supervisor::Soak;
use crate::record::{Arm, Outcome, Personal, PlanKind, PublishedReference};
use crate::report::{soak_document, soak_json};
use crate::run::{EditedGraph, ExperimentPlan, Identity, Ran, ReadyArm, Schedule, StoppingRule, run};
use crate::sys::{Clock, MonotonicClock};
use crate::workload::Suite;

/// A fresh process, and after half of the time another one: the restart.
const PROCESSES: u64 = 2;
/// A second of a small model takes 6 kB of the record, and a record of more than 64 MiB is not read.
const LONGEST: Duration = Duration::from_hours(2);

#[derive(Debug, Args)]
pub(super) struct SoakArgs {
    /// Time that is measured, as in 90s, 20m or 2h; half of it in each of two processes
    #[arg(long, value_name = "TIME", default_value = "20m", value_parser = budget)]
    time: Duration,

    /// Pause in the middle of each process, likewise
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = budget)]
    pause: Duration,

    #[command(flatten)]
    workload: WorkloadArgs,

    /// How the result is reported
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    format: ReportFormat,

    #[command(flatten)]
    measuring: MeasuringArgs,
}

/// Measures one arm for long, and reports it.
pub(super) fn soak(args: &SoakArgs) -> Result<u8> {
    let began_ns = MonotonicClock.now_ns();
    let root = Root::find();
    let MeasuringArgs { engine, supervision, store } = &args.measuring;
    engine.check_device()?;
    let soak = args.soak()?;
    let store = store.find_to_measure(&root)?;
    let published = PublishedReference::read(&root.published())?;
    let control = stoppable()?;
    let program = supervision.program()?;
    let location = Sources::from_environment(engine.openvino.clone()).locate()?;
    let model = args.workload.find_model(engine, &root)?;
    let RequestedWorkload { prompts, new_tokens } = args.workload.requested(Suite::Reference, &model, 1)?;
    let Some(_lock) = supervision.take_lock(&control, "soak")? else {
        return Ok(exit_code::INTERRUPTED);
    };
    let identity = Identity::of(root.path(), &program.program, supervision.is_other_program())?;
    let edited = EditedGraph::place(&model.identity, engine.all_logits, 0)?;
    let load = load_command(engine, &model, location, edited.as_ref());
    let arm = ReadyArm {
        kv: None,
        label: "soak".to_owned(),
        differences: Vec::new(),
        host_loop: Arm::ARCGAUGE.to_owned(),
        program: &program,
        load: &load,
        model: &model,
        edited: edited.as_ref(),
        requested: &engine.device,
        identity: &identity,
        can_replay: true,
    };
    let rounds = StoppingRule::Rounds(usize::try_from(PROCESSES).unwrap_or(usize::MAX));
    let schedule = Schedule { ignore_guards: true, ..Schedule::new(1, rounds) };
    let plan = ExperimentPlan {
        limits: supervision.limits(),
        idle_limit: supervision.settle_limit(false),
        soak: Some(soak),
        unit_id: unit_id()?,
        ..ExperimentPlan::new(PlanKind::Soak, began_ns, prompts, new_tokens, vec![arm], schedule, published)
    };
    say(&format!(
        "soak: {PROCESSES} processes of {} s, each with a pause of {} s in the middle; Ctrl-C ends it after the \
         answer under way, and keeps what was measured",
        soak.process_s, soak.pause_s
    ));
    let ran = run(&plan, &control, &Progress::start(&control, new_tokens))?;
    ran.bad_input().map_or(Ok(()), Err)?;
    let Ran { record, failed } = ran;
    if record.outcome == Outcome::Interrupted && record.subject().samples.is_empty() {
        say("interrupted: nothing was measured");
        return Ok(exit_code::INTERRUPTED);
    }
    let record = Personal::of_this_user(Vec::new()).taken_from_record(record);
    let path = store.add(&record);
    let printed = print_report(args.format, soak_document(record.subject()), || soak_json(&record));
    say(&format!("record: {}", path?.display()));
    show_commit(&root, &store, record.subject().commit.as_ref().map(|commit| commit.sha.as_str()));
    match failed {
        Some(error) => Err(error),
        None => printed.map(|()| exit_code::of_outcome(record.outcome)),
    }
}

impl SoakArgs {
    fn soak(&self) -> Result<Soak> {
        if self.time > LONGEST || self.pause > LONGEST {
            let (time_s, longest_h) = (self.time.max(self.pause).as_secs(), LONGEST.as_secs() / 3600);
            return Err(Error::input(format!("`{time_s}` s is too long: a record holds {longest_h} h"))
                .hint("make several soaks, each of `--time 2h` at most"));
        }
        let process_s = self.time.as_secs() / PROCESSES;
        if process_s == 0 {
            return Err(Error::input("`--time 1s` is too short for two processes").hint("use `--time 20m`"));
        }
        Ok(Soak { process_s, pause_s: self.pause.as_secs() })
    }
}

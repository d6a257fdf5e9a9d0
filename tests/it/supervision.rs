//! A worker that hangs, crashes, is killed or leaks ends within its limit, is recorded, and has no
//! speed; a program that is no worker, or sends what cannot be, is refused.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use arcgauge::error::Error;
use arcgauge::measure::protocol::{DeviceResolvedEvent, LoadCommand, LoadedEvent};
use arcgauge::measure::supervisor::{
    Aim, Awaited, Control, ExitReason, Job, Limits, Link, ProcessObserver, Purpose, Session, WorkerProcess,
    WorkerProgram,
};
use arcgauge::measure::{Plan, RequestedPrompt};
use arcgauge::record::{Experiment, Outcome};
use arcgauge::sys::{DeviceLock, Waiting};

use crate::checkout::{Checkout, shipped_model};
use crate::ended::Ended;
use crate::fake_worker::fake_worker;
use crate::living_worker::{Living, worker_of, worker_that_decodes};
use crate::model_copy::ModelCopy;
use crate::this_machine::has_a_gpu;

/// Far beyond the limits that are set here, and far below those that hold otherwise.
const SOON: Duration = Duration::from_secs(90);

/// A `bench` of one process with this worker, and limits of seconds.
fn bench(checkout: &Checkout, scenario: &str, more: &[&str]) -> Ended {
    let worker = fake_worker(checkout, scenario);
    let flags = ["--unverified", "--prompt", "fibonacci", "--worker", worker.to_str().unwrap()];
    let limits = ["--load-limit-s", "5", "--first-token-limit-s", "5", "--token-limit-s", "5"];
    let start = Instant::now();
    let ended = checkout.bench(&[&flags[..], &limits, more].concat());
    assert!(start.elapsed() < SOON, "it did not end in time\n{ended}");
    ended
}

/// The run failed, its record says how its worker ended, and there is no speed anywhere.
#[track_caller]
fn fails(scenario: &str, exit_reason: &str, says: &str) -> Experiment {
    let checkout = Checkout::new();
    let ended = bench(&checkout, scenario, &[]);
    assert!(matches!(ended.code, Some(12 | 20)), "{ended}");
    ended.says(&format!("error: {says}")).says("\nhint: ").prints("no speed is reported").says("record: ");
    let record = checkout.only_record();
    assert_eq!(record.outcome, Outcome::Failed);
    assert_eq!(record.arms[0].processes.last().unwrap().exit_reason, exit_reason, "{ended}");
    assert!(record.failure.as_ref().unwrap().contains(says), "{:?}", record.failure);
    assert!(record.arms[0].samples.iter().all(|sample| sample.times.is_none()), "a failed run has times");
    let row = ended.stdout.lines().find(|line| line.trim_start().starts_with("average")).unwrap();
    assert!(!row.contains('.'), "a failed run has values\n{ended}");
    record
}

#[test]
fn a_worker_that_does_all_it_is_asked_gives_values() {
    let checkout = Checkout::new();
    bench(&checkout, "well", &[]).exits(0).prints("unverified");
    let record = checkout.only_record();
    assert_eq!(record.arms[0].worker.name.as_deref(), Some("fake 1"));
    assert_eq!(record.arms[0].processes[0].exit_reason, "done");
    assert!(record.arms[0].samples.iter().all(|sample| sample.times.is_some()));
}

#[test]
fn a_worker_of_an_earlier_protocol_is_understood() {
    let checkout = Checkout::new();
    bench(&checkout, "speaks-protocol-2", &["--property", "NUM_STREAMS=1"]).exits(0).prints("unverified");
    let record = checkout.only_record();
    let margins = &record.arms[0].prompts[0].replay.as_ref().unwrap().logit_margins;
    assert!(margins.iter().all(|margin| (margin - 9.0).abs() < 1e-6), "{margins:?}");
}

#[test]
fn a_library_that_talks_on_stdout_does_no_harm() {
    bench(&Checkout::new(), "talks", &[]).exits(0);
}

#[test]
fn a_worker_that_hangs_before_it_loads_is_ended() {
    fails("hangs-before-load", "timed-out", "the worker was ended: the runtime did not come within 5 s");
}

#[test]
fn a_worker_that_hangs_between_two_tokens_is_ended_and_its_tokens_are_kept() {
    let record =
        fails("hangs-mid-token", "timed-out", "the worker was ended: the next token did not come within 5 s");
    assert_eq!(record.arms[0].samples.last().unwrap().token_ids, [1, 2, 3, 4]);
}

#[test]
fn a_worker_that_talks_without_end_and_tells_nothing_is_ended() {
    fails("talks-without-end", "timed-out", "the worker was ended: the next token did not come within 5 s");
}

#[test]
fn a_worker_that_ignores_its_termination_is_killed() {
    fails("ignores-termination", "timed-out", "the worker was ended: the next token did not come");
}

#[test]
fn a_worker_that_was_killed_is_told_apart_from_one_that_crashed() {
    fails("is-killed", "killed", "the worker was killed by somebody else (signal 9)");
    fails("crashes", "crashed", "the worker crashed (signal 11)");
    fails("leaves", "crashed", "the worker crashed (exit code 7)");
    fails("ends-badly", "crashed", "the worker crashed (exit code 3)");
}

/// Stands by and does nothing.
struct Nobody;

impl ProcessObserver for Nobody {
    fn before_process(&mut self, _: usize) -> Result<(), ExitReason> {
        Ok(())
    }
    fn started(&mut self, _: Option<u32>) {}
    fn resolved(&mut self, _: &DeviceResolvedEvent, _: Purpose) {}
    fn loaded(&mut self, _: &DeviceResolvedEvent, _: &LoadedEvent) {}
    fn aims(&mut self, _: Aim<'_>) {}
    fn measured(&mut self) {}
}

/// How a session of two processes ends whose workers play this scenario; `started` sees each.
fn supervised(scenario: &str, system: &Path, limits: Limits, started: &dyn Fn()) -> Session {
    let checkout = Checkout::new();
    let worker = WorkerProgram {
        program: fake_worker(&checkout, scenario),
        arguments: Vec::new(),
        variables: BTreeMap::new(),
        reaper: env!("CARGO_BIN_EXE_arcgauge").into(),
    };
    let prompts = vec![RequestedPrompt::new("p", vec![1])];
    let plan = Plan { prompts, processes: 2, new_tokens: 8 };
    let load = LoadCommand { device: "CPU".into(), ..LoadCommand::default() };
    let control = Control::default();
    let job = Job {
        plan: &plan,
        load: &load,
        limits,
        prime: true,
        times_states: false,
        soak: None,
        control: &control,
    };
    let mut start = || -> Result<Box<dyn Link>, Error> {
        let process = WorkerProcess::start_below(system, &worker)?;
        started();
        Ok(Box::new(process))
    };
    let mut session = Session::default();
    for index in 0..job.plan.processes {
        session.run(&job, index, &mut start, &mut Nobody);
    }
    session
}

/// How a session ends whose worker gets signal 9 while the system's counter of kills goes to `kills`.
fn killed_with(kills: u32) -> Session {
    let system = tempfile::tempdir().unwrap();
    let counter = system.path().join("proc/vmstat");
    fs::create_dir(counter.parent().unwrap()).unwrap();
    fs::write(&counter, "oom_kill 4\n").unwrap();
    let started = || fs::write(&counter, format!("oom_kill {kills}\n")).unwrap();
    supervised("is-killed", system.path(), Limits::default(), &started)
}

#[test]
fn a_worker_that_never_speaks_or_never_leaves_is_ended() {
    let soon = Duration::from_millis(200);
    let limits = Limits { handshake: soon, ..Limits::default() };
    let silent = supervised("never-speaks", Path::new("/"), limits, &|| ());
    assert_eq!(silent.exit_reason, ExitReason::TimedOut { awaited: Awaited::Handshake, limit: soon });
    let limits = Limits { end: soon, ..Limits::default() };
    let lingering = supervised("never-leaves", Path::new("/"), limits, &|| ());
    assert_eq!(lingering.exit_reason, ExitReason::TimedOut { awaited: Awaited::End, limit: soon });
    assert_eq!(lingering.processes.len(), 1, "the second process was started beside the first");
}

#[test]
fn a_worker_that_names_a_gpu_which_the_machine_has_not_got_fails_the_run() {
    if has_a_gpu() {
        return;
    }
    fails("claims-a-gpu", "done", "`GPU.0` is said to have run: it is a GPU with the PCI id `not observed`");
    fails(
        "names-an-absent-gpu",
        "done",
        "`GPU.0` is said to have run: it is a GPU with the PCI id `8086:64a0`",
    );
}

#[test]
fn a_worker_whose_times_no_machine_could_reach_fails_the_run() {
    let record = fails(
        "takes-a-nanosecond-a-token",
        "done",
        "the experiment contradicts itself: `arms[0].samples[0].times.token_ns[0]`",
    );
    assert!(record.arms[0].prompts.is_empty(), "nothing is judged");
}

#[test]
fn a_worker_whose_cache_was_not_empty_fails_the_run() {
    fails(
        "has-a-cache-that-is-not-empty",
        "refused",
        "prompt `fibonacci`: the worker reports that its KV cache was not",
    );
}

#[test]
fn a_worker_killed_for_want_of_memory_is_told_apart_and_the_supervisor_lives_on() {
    let for_memory = killed_with(5);
    assert_eq!(for_memory.exit_reason, ExitReason::OutOfMemory);
    assert_eq!(for_memory.processes.len(), 1, "no further process was started");
    assert!(for_memory.exit_reason.error().unwrap().to_string().contains("for want of memory"));
    assert_eq!(killed_with(4).exit_reason, ExitReason::Killed);
}

/// A grandchild; one that left the worker's group and its pipe; a talker that left its group and environment, and is not
/// waited for.
#[test]
fn what_a_worker_leaves_behind_is_found_wherever_it_went_and_ended_and_there_is_no_speed() {
    for scenario in ["leaks-a-grandchild", "leaks-outside-its-group", "leaks-a-talker"] {
        let record = fails(scenario, "leaked", "the worker has left processes running: it left `");
        let reported = record.arms[0].processes[0].exit_detail.clone().unwrap();
        let pid = reported.split('`').nth(1).unwrap();
        assert!(!runs(pid), "{scenario}: {pid}");
    }
}

#[test]
fn a_daemon_without_environment_that_forked_twice_is_found_and_ended() {
    let checkout = Checkout::new();
    let ended = bench(&checkout, "leaks-a-daemon", &[]);
    let daemon = fs::read_to_string(checkout.path("daemon")).unwrap();
    ended.exits(20).says(&format!("the worker has left processes running: it left `{daemon}` behind"));
    assert!(!runs(&daemon), "{ended}");
}

#[test]
fn nothing_outlives_a_supervisor_that_is_killed() {
    let checkout = Checkout::new();
    let worker = fake_worker(&checkout, "hangs-beside-its-daemon");
    let flags =
        ["bench", "--device", "CPU", "--unverified", "--prompt", "fibonacci", "--max-new-tokens", "8"];
    let mut command = checkout.command(flags.into_iter().chain(["--worker", worker.to_str().unwrap()]));
    let mut bench = Living::of(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let start = Instant::now();
    let daemon = loop {
        if let Ok(daemon) = fs::read_to_string(checkout.path("daemon")) {
            break daemon;
        }
        assert!(start.elapsed() < SOON, "no daemon came");
        thread::sleep(Duration::from_millis(20));
    };
    let worker = worker_of(bench.id()).unwrap().to_string();
    bench.child().kill().unwrap();
    bench.child().wait().unwrap();
    let killed = Instant::now();
    while runs(&worker) || runs(&daemon) {
        assert!(killed.elapsed() < Duration::from_secs(10), "worker {worker} or daemon {daemon} still runs");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_worker_that_stops_or_kills_the_process_above_it_ends_without_a_speed_or_alone() {
    let checkout = Checkout::new();
    bench(&checkout, "stops-its-parent", &[]).exits(20).says("the worker was ended: ");
    fails("kills-its-parent", "killed", "the worker was killed by somebody else");
}

#[test]
fn of_a_worker_s_endless_stderr_the_beginning_and_the_end_are_shown() {
    let checkout = Checkout::new();
    let ended = bench(&checkout, "floods-stderr", &[]);
    ended
        .exits(0)
        .says("the first words\nyyy")
        .says("yyythe last words\n")
        .says(" bytes of this output are not shown]");
    assert!(ended.stderr.len() < 400_000, "{} bytes", ended.stderr.len());
}

/// Whether a process is there and no zombie.
fn runs(pid: &str) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !state.is_empty() && !state.contains(") Z ")
}

#[test]
fn a_worker_that_shows_life_and_makes_no_token_is_ended() {
    fails("beats-without-end", "refused", "the worker sent `{\"event\":\"tokens\"");
    fails("makes-tokens-without-end", "refused", "the worker sent `{\"event\":\"tokens\"");
}

#[test]
fn times_of_another_clock_are_no_speed() {
    fails("has-a-clock-of-its-own", "refused", "prompt `fibonacci`: its times go from 1 to 9");
    fails("loads-backwards", "refused", "the worker sent a load from ");
}

#[test]
fn a_worker_that_fails_is_quoted_with_its_hint() {
    let checkout = Checkout::new();
    bench(&checkout, "fails-to-load", &[])
        .exits(20)
        .says("error: the fake cannot load")
        .says("take a real one");
    assert_eq!(checkout.only_record().arms[0].processes[0].exit_reason, "failed");
}

#[test]
fn a_worker_that_tells_what_cannot_be_is_refused() {
    fails(
        "sends-times-that-go-back",
        "refused",
        "prompt `fibonacci`: the clock did not go on before token 8",
    );
    fails("sends-too-few-tokens", "refused", "prompt `fibonacci`: the worker made `7` tokens, not exactly 8");
    fails("garbles", "refused", "the worker sent `{\"event\":\"tokens\",\"ids\":[null]}`, which is no event");
    fails("breaks-the-protocol", "refused", "the worker sent `{\"event\":\"done\"}` where");
}

#[test]
fn a_program_without_a_worker_or_with_a_later_one_is_refused_and_leaves_no_record() {
    for (scenario, fault) in [
        ("is-no-worker", "the program ended without a word of the worker's protocol (exit code 1)"),
        (
            "speaks-a-later-protocol",
            "the worker `fake 1` speaks protocol 99, and this arcgauge understands up to 3",
        ),
    ] {
        let checkout = Checkout::new();
        bench(&checkout, scenario, &[]).refuses(fault, "the worker's protocol");
        assert!(checkout.record_files().is_empty());
    }
    let checkout = Checkout::new();
    let missing = checkout.bench(&["--worker", "/nowhere/at/all"]);
    missing.refuses("`/nowhere/at/all`", "leave `--worker` out");
}

#[test]
fn a_worker_whose_runtime_denies_the_gpu_that_it_claims_makes_no_gpu_record() {
    let checkout = Checkout::new();
    let ended = bench(&checkout, "claims-a-gpu-it-denies", &[]);
    ended.exits(12).says("the model was compiled for `GPU` but OpenVINO runs it on `CPU`");
    let record = checkout.only_record();
    assert_eq!((record.outcome, record.arms[0].device.actual()), (Outcome::Failed, "none"));
    assert!(record.arms[0].samples.iter().all(|sample| sample.times.is_none()));
}

#[test]
fn an_emulated_gpu_is_called_so_wherever_its_record_is_shown() {
    let checkout = Checkout::new();
    let ended = bench(&checkout, "emulates-a-gpu", &[]);
    let line = "tiny-gpt-oss on emulated GPU (A GPU (iGPU), vendor Intel(R) Corporation, PCI id not observed, \
                driver 2024.18.7), OpenVINO 2026.4.1";
    ended.exits(0).prints(line).says("warning: `GPU` is emulated: its OpenCL platform is a runtime for CPUs");
    let record = checkout.only_record();
    assert_eq!(record.arms[0].device.emulated_reason(), Some("its OpenCL platform is a runtime for CPUs"));
    assert_eq!(record.machine.gpu_driver.as_deref(), Some("2024.18.7"));
    let file = checkout.record_files().remove(0);
    checkout.run(["history", "show", file.to_str().unwrap()]).exits(0).prints(line);
    checkout.run(["history", "list"]).exits(0).prints("emulated GPU");
    checkout.run(["history", "list", "--format", "json"]).prints("\"emulated\": true");
    let pinned = checkout.run(["baseline", "pin", file.to_str().unwrap(), "--reason", "it is fast"]);
    pinned.exits(2).says("can be no baseline");
}

#[test]
fn a_gpu_that_is_not_intel_s_is_measured_and_named() {
    let checkout = Checkout::new();
    bench(&checkout, "has-a-gpu-of-another-vendor", &[]).exits(0).prints(
        "on GPU (NVIDIA H200 (dGPU), vendor NVIDIA Corporation, PCI id 10de:2335, driver not observed), OpenVINO",
    );
    let ran = checkout.only_record().arms.remove(0).device;
    assert_eq!(ran.gpu_identity().as_deref(), Some("10de:2335"));
}

#[test]
fn a_model_that_is_changed_while_it_is_measured_has_no_speed() {
    let checkout = Checkout::new();
    let model = ModelCopy::new().without("manifest.json");
    let ended = bench(&checkout, "changes-the-model", &["--model-dir", &model.argument()]);
    ended.exits(2).says("openvino_model.bin` was changed while the model was being measured");
    let record = checkout.only_record();
    assert_eq!((record.outcome, record.arms[0].model.same_after_run), (Outcome::Failed, false));
    assert!(record.arms[0].samples.iter().all(|sample| sample.times.is_none()));
}

#[test]
fn two_measurements_at_once_are_one_too_many() {
    let checkout = Checkout::new();
    let mut patient = |_: &str, _: Duration| true;
    let mut waiting = Waiting { patience: Duration::ZERO, goes_on: &mut patient };
    let held = DeviceLock::take(&checkout.lock(), "bench, process 7", &mut waiting).unwrap();
    let ended = bench(&checkout, "well", &["--lock-wait-s", "1"]);
    ended.exits(20).says("waiting: the device is held by bench, process 7");
    ended.says("error: the device is held by `bench, process 7`, and was not free within 1 s");
    assert!(checkout.record_files().is_empty(), "it measured all the same");
    drop(held);
    bench(&checkout, "well", &["--lock-wait-s", "1"]).exits(0);
}

#[test]
fn a_real_worker_that_is_stopped_is_ended_within_its_limit() {
    let checkout = Checkout::new();
    let ended = signalled(&checkout, "-STOP");
    ended.exits(20).says("the worker was ended: the next token did not come within 5 s");
    assert_eq!(checkout.only_record().arms[0].processes[0].exit_reason, "timed-out");
}

#[test]
fn a_real_worker_that_is_killed_is_recorded_without_speed() {
    let checkout = Checkout::new();
    let ended = signalled(&checkout, "-KILL");
    ended.exits(20).says("the worker was killed by somebody else");
    let record = checkout.only_record();
    assert_eq!(record.arms[0].processes[0].exit_reason, "killed");
    assert!(record.arms[0].samples.iter().all(|sample| sample.times.is_none()));
}

/// A `bench` with real OpenVINO whose worker gets this signal while it decodes.
fn signalled(checkout: &Checkout, signal: &str) -> Ended {
    let model = shipped_model();
    let flags =
        ["bench", "--device", "CPU", "--runs", "1", "--max-new-tokens", "3000", "--token-limit-s", "5"];
    let start = Instant::now();
    let bench = checkout
        .command(flags.iter().copied().chain(["--unverified", "--model-dir", model.to_str().unwrap()]))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let bench = Living::of(bench);
    let worker = worker_that_decodes(bench.id());
    assert!(Command::new("kill").args([signal, &worker.to_string()]).status().unwrap().success());
    let ended = Ended::of(bench.ended());
    assert!(start.elapsed() < SOON, "{ended}");
    assert!(!Path::new("/proc").join(worker.to_string()).exists(), "the worker is still there");
    ended
}

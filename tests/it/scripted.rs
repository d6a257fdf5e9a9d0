//! From supervisor to table with scripted workers: the real protocol, and every value can be checked
//! by hand.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use arcgauge::engine::scripted::{Script, ScriptedStates, Slip};
use arcgauge::error::{Error, ErrorKind};
use arcgauge::golden::{Finding, Golden, GoldenResult, GoldenSet};
use arcgauge::judge::{Summary, summarise};
use arcgauge::measure::protocol::{CacheState, DeviceResolvedEvent, LoadCommand, LoadedEvent};
use arcgauge::measure::supervisor::{
    Aim, Control, ExitReason, Job, Limits, Link, ProcessObserver, Purpose, ScriptedWorker, Session, WarmLoad,
};
use arcgauge::measure::{Metric, Plan, Role};
use arcgauge::record::{
    Arm, Experiment, Outcome, PromptRecord, RequestedPrompt, WorkloadRecord, judge_session, stored_samples,
};
use arcgauge::report::{Detail, bench_document};
use arcgauge::workload::TokenId;

use crate::checkout::repository;
use crate::forged;

const PROMPTS: [(&str, &str, &[TokenId]); 2] = [("a", "First prompt", &[1, 2]), ("b", "Second", &[3])];
const ANSWERS: [[TokenId; 4]; 2] = [[5, 6, 7, 8], [9, 10, 11, 12]];

/// 200 ms for the prompt, 47 ms for each token after the first.
fn script() -> Script {
    Script {
        vocabulary_size: 16,
        answers: PROMPTS
            .iter()
            .zip(ANSWERS)
            .map(|((_, _, ids), answer)| (ids.to_vec(), answer.to_vec()))
            .collect(),
        prefill_ns: 200_000_000,
        decode_ns: 47_000_000,
        ..Script::default()
    }
}

fn plan() -> Plan {
    let prompts = PROMPTS.iter().map(|(id, _, ids)| RequestedPrompt::new(id, ids.to_vec()));
    Plan { prompts: prompts.collect(), processes: 3, new_tokens: 4 }
}

fn goldens(answers: [[TokenId; 4]; 2]) -> GoldenSet {
    let shipped = repository().join("fixtures/golden/tiny-gpt-oss");
    let blank = GoldenSet::load(&shipped).unwrap().goldens.remove("fibonacci").unwrap();
    let golden = |((id, _, ids), answer): (&(&str, &str, &[TokenId]), [TokenId; 4])| {
        let golden = Golden {
            prompt_id: (*id).into(),
            prompt_token_ids: ids.to_vec(),
            token_ids: answer.to_vec(),
            runner_up_ids: vec![0; 4],
            logit_margins: vec![10.0; 4],
            ..blank.clone()
        };
        ((*id).to_owned(), golden)
    };
    GoldenSet { goldens: PROMPTS.iter().zip(answers).map(golden).collect(), tolerances: Vec::new() }
}

/// What a worker loads; a scripted one looks at the device alone.
fn load() -> LoadCommand {
    LoadCommand { device: "CPU".into(), ..LoadCommand::default() }
}

/// Stands by, and notes in which order things happen.
#[derive(Default)]
struct Notes {
    order: Vec<String>,
    stop_at: Option<(usize, usize)>,
}

struct Standing<'a> {
    notes: &'a mut Notes,
    control: &'a Control,
}

impl ProcessObserver for Standing<'_> {
    fn before_process(&mut self, process: usize) -> Result<(), ExitReason> {
        self.notes.order.push(format!("process {process}"));
        Ok(())
    }
    fn started(&mut self, pid: Option<u32>) {
        assert_eq!(pid, None, "a scripted worker is no process");
    }
    fn resolved(&mut self, _: &DeviceResolvedEvent, purpose: Purpose) {
        if purpose == Purpose::CacheWarmUp {
            self.notes.order.push("primes".to_owned());
        }
    }
    fn loaded(&mut self, _: &DeviceResolvedEvent, _: &LoadedEvent) {}
    fn aims(&mut self, aim: Aim<'_>) {
        let role = if aim.role == Role::WarmUp { "warm-up" } else { "measured" };
        self.notes.order.push(format!("{role} {}", aim.prompt_id));
        if self.notes.stop_at == Some((aim.process, aim.generation)) {
            self.control.stop.store(true, Ordering::Relaxed);
        }
    }
    fn measured(&mut self) {}
}

struct Measured {
    findings: Vec<Finding>,
    record: Experiment,
}

/// Three workers that recite; `scripts` and `cache` may distinguish them by their number.
fn session(
    scripts: impl Fn(usize) -> Script,
    notes: &mut Notes,
    cache: impl Fn(usize) -> CacheState,
    prime: bool,
) -> Session {
    let (plan, control, load) = (plan(), Control::default(), load());
    let job = Job {
        plan: &plan,
        load: &load,
        limits: Limits::default(),
        prime,
        times_states: false,
        soak: None,
        control: &control,
    };
    let started = AtomicUsize::new(0);
    let mut start = || -> Result<Box<dyn Link>, Error> {
        let worker = started.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(ScriptedWorker::start(scripts(worker), cache(worker))?))
    };
    let mut session = Session::default();
    for index in 0..job.plan.processes {
        session.run(&job, index, &mut start, &mut Standing { notes, control: &control });
    }
    session
}

/// What `bench` does, without the command line.
fn measure(scripts: impl Fn(usize) -> Script, goldens: &GoldenSet) -> Measured {
    let plan = plan();
    let mut session = session(scripts, &mut Notes::default(), |_| CacheState::Off, true);
    assert_eq!(session.exit_reason, ExitReason::Done);
    let samples = session.samples();
    let findings = judge_session(session.replay().unwrap(), &plan, &samples, goldens, 0.5).unwrap();
    session.finish();
    assert_eq!(session.exit_reason, ExitReason::Done);
    let requested = PROMPTS.iter().map(|(id, title, ids)| RequestedPrompt {
        title: (*title).into(),
        ..RequestedPrompt::new(id, ids.to_vec())
    });
    let wrong = findings.iter().any(|finding| finding.result == GoldenResult::Break);
    let arm = Arm {
        outcome: if wrong { Outcome::WrongOutput } else { Outcome::Complete },
        workload: WorkloadRecord::new(requested.collect(), plan.processes, plan.new_tokens).unwrap(),
        prompts: plan
            .prompts
            .iter()
            .zip(&findings)
            .map(|(p, finding)| PromptRecord::of(&p.id, finding))
            .collect(),
        samples: stored_samples(&plan, &samples, &findings),
        warnings: Vec::new(),
        ..forged::record().arms.remove(0)
    };
    let record = Experiment { outcome: arm.outcome, arms: vec![arm], ..forged::record() };
    Measured { findings, record }
}

fn table(record: &Experiment) -> String {
    bench_document(record.subject(), Detail::Brief).to_text(None)
}

#[track_caller]
fn near(metric_value: f64, by_hand: f64) {
    assert!((metric_value / by_hand - 1.0).abs() < 1e-12, "{metric_value} is not {by_hand}");
}

#[test]
fn the_values_are_those_that_one_computes_by_hand() {
    let measured = measure(|_| script(), &goldens(ANSWERS));
    let Summary { prompts, average, .. } = summarise(&measured.record.arms[0]);
    let average = average.unwrap();
    assert_eq!(prompts.iter().map(|prompt| prompt.runs.len()).collect::<Vec<_>>(), [3, 3], "no warm-up");
    for metric_values in
        [&average, prompts[0].metric_values.as_ref().unwrap(), prompts[1].metric_values.as_ref().unwrap()]
    {
        // 200 ms + 3 x 47 ms = 341 ms for 4 tokens.
        near(metric_values.mean.get_or_nan(Metric::EndToEndLatency), 0.341);
        near(metric_values.mean.get_or_nan(Metric::EndToEndPerToken), 85.25);
        near(metric_values.mean.get_or_nan(Metric::EndToEndThroughput), 4.0 / 0.341);
        near(metric_values.mean.get_or_nan(Metric::TimeToFirstToken), 200.0);
        near(metric_values.mean.get_or_nan(Metric::TimePerOutputToken), 47.0);
        near(metric_values.mean.get_or_nan(Metric::DecodeThroughput), 3.0 / 0.141);
        assert!(
            metric_values.mean.get_or_nan(Metric::HostOverhead).abs() < 1e-9,
            "the script takes no time of the host"
        );
    }
    assert!(prompts[0].metric_values.as_ref().unwrap().spread.unwrap().abs() < 1e-12);
    assert_eq!(average.spread, None, "different prompts are no runs of the same thing");
}

#[test]
fn the_table_tells_the_values_and_nothing_else() {
    insta::assert_snapshot!(table(&measure(|_| script(), &goldens(ANSWERS)).record), @r#"
    tiny-gpt-oss on CPU (A CPU), OpenVINO 2026.4.1, f32 with a f32 KV cache
    3 fresh processes, 4 greedy tokens a prompt, commit 555555555555

    prompt        tok/s  TPOT ms  TTFT ms  output
    First prompt  11.73    47.00    200.0  match
    Second        11.73    47.00    200.0  match
    average       11.73    47.00    200.0
    KV cache 0.4 MiB; published 21.24 tok/s: not judged, another model and device
    "#);
}

#[test]
fn each_process_warms_up_and_asks_every_prompt_once_in_an_order_of_its_own() {
    let mut notes = Notes::default();
    let session = session(|_| script(), &mut notes, |_| CacheState::Off, true);
    let expected = [
        "process 0",
        "warm-up a",
        "measured a",
        "measured b",
        "process 1",
        "warm-up b",
        "measured b",
        "measured a",
        "process 2",
        "warm-up a",
        "measured a",
        "measured b",
    ];
    assert_eq!(notes.order, expected);
    let samples = session.samples();
    assert!(samples.iter().all(|sample| sample.token_ids.len() == 4));
    assert_eq!(samples.iter().map(|sample| sample.process).collect::<Vec<_>>(), [0, 0, 0, 1, 1, 1, 2, 2, 2]);
}

#[test]
fn a_cold_cache_is_filled_by_a_process_that_is_not_measured_and_a_warm_one_is_not() {
    let mut notes = Notes::default();
    let session_of = |cache, prime, notes: &mut Notes| session(|_| script(), notes, |_| cache, prime);
    let cold = session_of(CacheState::Cold, true, &mut notes);
    assert_eq!(notes.order[..3], ["process 0", "primes", "process 0"]);
    assert_eq!(cold.processes.len(), 4);
    assert_eq!(cold.processes[0].purpose, Purpose::CacheWarmUp);
    let primed = cold.processes[0].samples.iter().map(|sample| sample.token_ids.as_slice());
    assert!(primed.eq(ANSWERS.iter().map(<[_; 4]>::as_slice)), "it answers every prompt once");
    assert_eq!(cold.samples().len(), 9, "what primes is not measured");
    for (cache, prime) in [(CacheState::Warm, true), (CacheState::Off, true), (CacheState::Cold, false)] {
        let session = session_of(cache, prime, &mut Notes::default());
        assert_eq!(session.processes.len(), 3, "{cache:?}");
        assert!(session.processes.iter().all(|process| process.purpose == Purpose::Measured));
    }
}

#[test]
fn one_wrong_token_in_the_third_process_takes_the_prompt_s_speed_and_the_average() {
    // Generation 0 of a process is its warm-up; the third process begins with the first prompt again.
    let slips =
        |worker| if worker == 2 { vec![Slip { generation: 1, step: 2, token: 3 }] } else { Vec::new() };
    let measured = measure(|worker| Script { slips: slips(worker), ..script() }, &goldens(ANSWERS));
    assert_eq!(measured.findings[0].result, GoldenResult::Break);
    assert_eq!(measured.findings[1].result, GoldenResult::Match);
    let timed: BTreeMap<&str, bool> =
        measured.record.arms[0].samples.iter().map(|s| (s.prompt_id.as_str(), s.times.is_some())).collect();
    assert_eq!(timed, [("a", false), ("b", true)].into());
    insta::assert_snapshot!(table(&measured.record), @r#"
    WRONG OUTPUT: a token differs from its golden; that prompt has no speed, and there is no average

    tiny-gpt-oss on CPU (A CPU), OpenVINO 2026.4.1, f32 with a f32 KV cache
    3 fresh processes, 4 greedy tokens a prompt, commit 555555555555

    prompt        tok/s  TPOT ms  TTFT ms  output
    First prompt      -        -        -  break
    Second        11.73    47.00    200.0  match
    average           -        -        -
    KV cache 0.4 MiB; published 21.24 tok/s: not judged, another model and device

    BREAK: prompt `a` differs first at token 3: expected 7, got 3 (logit margin 10.000)
    "#);
}

#[test]
fn a_wrong_token_in_a_discarded_warm_up_is_a_break_too() {
    let slips =
        |worker| if worker == 1 { vec![Slip { generation: 0, step: 3, token: 3 }] } else { Vec::new() };
    let measured = measure(|worker| Script { slips: slips(worker), ..script() }, &goldens(ANSWERS));
    assert_eq!(
        measured.findings[1].result,
        GoldenResult::Break,
        "the second process begins with the second prompt"
    );
}

#[test]
fn without_goldens_the_table_says_that_nothing_is_verified() {
    let measured = measure(|_| script(), &GoldenSet::default());
    let table = table(&measured.record);
    assert!(table.starts_with("UNVERIFIED: no golden for `a`, `b`\n"), "{table}");
    assert_eq!(table.matches("unverified").count(), 2, "{table}");
    assert!(!table.contains("match"), "{table}");
}

/// How a session ends whose workers recite this.
fn failure(script: &Script) -> (Session, Error) {
    let session = session(|_| script.clone(), &mut Notes::default(), |_| CacheState::Off, true);
    let error = session.exit_reason.error().unwrap();
    (session, error)
}

#[test]
fn a_cache_that_is_not_emptied_ends_the_session() {
    let (_, error) = failure(&Script { keeps_state: true, ..script() });
    assert_eq!(error.kind(), ErrorKind::Harness);
    // Two tokens of the prompt and three of the answer are fed: the fourth never is.
    assert_eq!(
        error.to_string(),
        "the KV cache holds `10` tokens after a generation that fed 5: it was not empty before"
    );
}

#[test]
fn value_states_that_cannot_be_read_before_the_first_inference_are_no_fault() {
    let script = Script { states: ScriptedStates::ValuesAfterInference, ..script() };
    let session = session(|_| script.clone(), &mut Notes::default(), |_| CacheState::Off, true);
    assert_eq!(session.exit_reason, ExitReason::Done);
    assert!(session.processes.iter().all(|process| process.state_seen_empty));
    let keeps = Script { keeps_state: true, ..script };
    assert!(failure(&keeps).1.to_string().contains("it was not empty before"));
}

#[test]
fn a_compressed_cache_whose_states_cannot_be_read_is_measured_and_said_to_be_not_observable() {
    let script = Script { states: ScriptedStates::Compressed, ..script() };
    let session = session(|_| script.clone(), &mut Notes::default(), |_| CacheState::Off, true);
    assert_eq!(session.exit_reason, ExitReason::Done);
    assert_eq!(session.samples().len(), 9);
    let process = &session.processes[0];
    assert!(!process.state_seen_empty);
    let reason = process.state_not_observed.as_ref().unwrap();
    assert!(reason.contains("only when KV-cache compression is disabled"), "{reason}");
}

#[test]
fn a_warm_load_that_answers_unlike_the_cold_one_is_found_in_whichever_process() {
    let caches = |worker| if worker == 0 { CacheState::Cold } else { CacheState::Warm };
    let same = session(|_| script(), &mut Notes::default(), caches, true);
    assert_eq!(WarmLoad::of(&same.processes), WarmLoad::SameTokens);
    // Right when cold, garbage when warm, in the last process only.
    let slips =
        |worker| if worker == 3 { vec![Slip { generation: 2, step: 1, token: 15 }] } else { Vec::new() };
    let scripts = |worker| Script { slips: slips(worker), ..script() };
    let differs = session(scripts, &mut Notes::default(), caches, true);
    let error = WarmLoad::of(&differs.processes).error().unwrap();
    assert_eq!(error.kind(), ErrorKind::WrongOutput);
    assert!(error.to_string().starts_with("wrong output from the compiled-model cache"), "{error}");
}

#[test]
fn an_engine_that_fails_midway_ends_the_session_and_no_further_process_is_started() {
    let (mut session, error) = failure(&Script { fails_at_infer: Some(6), ..script() });
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::Harness, "the scripted engine fails here")
    );
    assert_eq!(session.processes.len(), 1);
    assert!(session.replay().is_none());
    let samples = session.samples();
    assert_eq!(samples[0].token_ids, ANSWERS[0], "what was done before is kept");
    assert_eq!(samples[1].token_ids, ANSWERS[0][..2], "and what was sent of the last");
    let kept = stored_samples(&plan(), &samples, &[]);
    assert!(kept.iter().all(|sample| sample.times.is_none()), "and has no speed");
}

#[test]
fn an_interrupted_session_keeps_its_tokens_and_no_time() {
    let mut notes = Notes { stop_at: Some((1, 1)), ..Notes::default() };
    let session = session(|_| script(), &mut notes, |_| CacheState::Off, true);
    assert_eq!(session.exit_reason, ExitReason::Interrupted);
    let samples = session.samples();
    assert_eq!(samples[3].token_ids, ANSWERS[1], "the second process's warm-up");
    let samples = stored_samples(&plan(), &samples, &[]);
    assert!(samples.iter().all(|sample| sample.times.is_none()));
    let prompts = Vec::new();
    let outcome = Outcome::Interrupted;
    let arm = Arm { outcome, samples, prompts, ..forged::record().arms.remove(0) };
    let record = Experiment { outcome, arms: vec![arm], ..forged::record() };
    assert!(table(&record).contains("INTERRUPTED: after "));
    assert_eq!(summarise(&record.arms[0]).average, None);
}

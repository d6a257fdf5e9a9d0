//! From session to table on a scripted engine and clock: every figure can be checked by hand.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::Ordering;

use arcgauge::engine::scripted::{Script, ScriptedEngine, Slip};
use arcgauge::error::{Error, ErrorKind};
use arcgauge::golden::{Finding, Golden, GoldenResult, GoldenSet};
use arcgauge::judge::{Published, Summary, summarise};
use arcgauge::measure::{Control, NoMemory, Plan, PlannedPrompt, Role, ScriptedClock, Session, run};
use arcgauge::record::{
    AskedPrompt, Outcome, PromptRecord, RunRecord, WorkloadRecord, judge_session, kept_samples,
};
use arcgauge::report::bench_table;
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
    let prompts =
        PROMPTS.iter().map(|(id, _, ids)| PlannedPrompt { id: (*id).into(), token_ids: ids.to_vec() });
    Plan { prompts: prompts.collect(), runs: 3, new_tokens: 4 }
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
            gaps_logit: vec![10.0; 4],
            ..blank.clone()
        };
        ((*id).to_owned(), golden)
    };
    GoldenSet { goldens: PROMPTS.iter().zip(answers).map(golden).collect(), tolerances: Vec::new() }
}

struct Measured {
    session: Session,
    findings: Vec<Finding>,
    record: RunRecord,
}

fn session(script: Script, control: &Control) -> Result<(ScriptedEngine, Session), Error> {
    let clock = ScriptedClock::default();
    let mut engine = ScriptedEngine::new(script, clock.hand());
    let session = run(&mut engine, &plan(), &clock, &NoMemory, control, |_| {})?;
    Ok((engine, session))
}

/// What `bench` does, without the command line.
fn measure(script: Script, goldens: &GoldenSet) -> Measured {
    let plan = plan();
    let (mut engine, session) = session(script, &Control::default()).unwrap();
    let findings = judge_session(&mut engine, &plan, &session, goldens, 0.5).unwrap();
    let asked = PROMPTS.iter().map(|(id, title, ids)| AskedPrompt {
        id: (*id).into(),
        title: (*title).into(),
        token_ids: ids.to_vec(),
    });
    let wrong = findings.iter().any(|finding| finding.result == GoldenResult::Break);
    let record = RunRecord {
        outcome: if wrong { Outcome::WrongOutput } else { Outcome::Complete },
        workload: WorkloadRecord::new(asked.collect(), plan.runs, plan.new_tokens).unwrap(),
        prompts: plan
            .prompts
            .iter()
            .zip(&findings)
            .map(|(p, finding)| PromptRecord::of(&p.id, finding))
            .collect(),
        samples: kept_samples(&plan, &session, &findings),
        warnings: Vec::new(),
        ..forged::record()
    };
    Measured { session, findings, record }
}

fn table(record: &RunRecord) -> String {
    let file = repository().join("fixtures/baselines/published.json");
    bench_table(record, &Published::parse(&fs::read_to_string(file).unwrap()).unwrap())
}

#[track_caller]
fn near(figure: f64, by_hand: f64) {
    assert!((figure / by_hand - 1.0).abs() < 1e-12, "{figure} is not {by_hand}");
}

#[test]
fn the_figures_are_those_that_one_computes_by_hand() {
    let measured = measure(script(), &goldens(ANSWERS));
    let Summary { prompts, average, .. } = summarise(&measured.record);
    let average = average.unwrap();
    assert_eq!(prompts.iter().map(|prompt| prompt.runs.len()).collect::<Vec<_>>(), [3, 3], "no warm-up");
    for figures in [average, prompts[0].figures.unwrap(), prompts[1].figures.unwrap()] {
        // 200 ms + 3 x 47 ms = 341 ms for 4 tokens.
        near(figures.mean.latency_s, 0.341);
        near(figures.mean.per_token_ms, 85.25);
        near(figures.mean.throughput_tok_s, 4.0 / 0.341);
        near(figures.mean.ttft_ms, 200.0);
        near(figures.mean.decode_tpot_ms.unwrap(), 47.0);
        assert!(figures.mean.host_overhead_us.abs() < 1e-9, "the script takes no time of the host");
    }
    assert!(prompts[0].figures.unwrap().spread.unwrap().abs() < 1e-12);
    assert_eq!(average.spread, None, "different prompts are no runs of the same thing");
}

#[test]
fn the_table_tells_the_figures_and_nothing_else() {
    insta::assert_snapshot!(table(&measure(script(), &goldens(ANSWERS)).record), @r"
    tiny-gpt-oss on CPU (A CPU), OpenVINO 2026.4.1, f32 with a f32 KV cache
    3 x 4 greedy tokens a prompt, commit 555555555555

     prompt        latency s  TPOT ms/token  tok/s  TTFT ms  spread %  peak MiB  golden
     First prompt      0.341          85.25  11.73    200.0       0.0         -  match
     Second            0.341          85.25  11.73    200.0       0.0         -  match
     average           0.341          85.25  11.73    200.0         -         -  match

    Latency, TPOT and tok/s include the prefill, as in the published table (e2e_latency@1,
    e2e_per_token@1, e2e_throughput@1). Spread: longest less shortest latency of a prompt's runs.
    Published reference: 21.24 tok/s (gpt-oss-20b INT4, Intel Arc 140V GPU); not judged here: another model and device.
    ");
}

#[test]
fn one_warm_up_then_every_prompt_in_turn_as_often_as_asked() {
    let measured = measure(script(), &goldens(ANSWERS));
    let order: Vec<_> =
        measured.session.samples.iter().map(|s| (s.role, s.run, s.prompt_id.as_str())).collect();
    let expected = [
        (Role::WarmUp, 0, "a"),
        (Role::Measured, 0, "a"),
        (Role::Measured, 0, "b"),
        (Role::Measured, 1, "a"),
        (Role::Measured, 1, "b"),
        (Role::Measured, 2, "a"),
        (Role::Measured, 2, "b"),
    ];
    assert_eq!(order, expected);
    assert!(measured.session.samples.iter().all(|sample| sample.token_ids.len() == 4));
}

#[test]
fn one_wrong_token_in_the_third_run_takes_the_prompt_s_speed_and_the_average() {
    // Generation 0 is the warm-up; 5 is the third run of the first prompt.
    let slips = vec![Slip { generation: 5, step: 2, token: 3 }];
    let measured = measure(Script { slips, ..script() }, &goldens(ANSWERS));
    assert_eq!(measured.findings[0].result, GoldenResult::Break);
    assert_eq!(measured.findings[1].result, GoldenResult::Match);
    let timed: BTreeMap<&str, bool> =
        measured.record.samples.iter().map(|s| (s.prompt_id.as_str(), s.times.is_some())).collect();
    assert_eq!(timed, [("a", false), ("b", true)].into());
    insta::assert_snapshot!(table(&measured.record), @r"
    tiny-gpt-oss on CPU (A CPU), OpenVINO 2026.4.1, f32 with a f32 KV cache
    3 x 4 greedy tokens a prompt, commit 555555555555

     prompt        latency s  TPOT ms/token  tok/s  TTFT ms  spread %  peak MiB  golden
     First prompt          -              -      -        -         -         -  break
     Second            0.341          85.25  11.73    200.0       0.0         -  match
     average               -              -      -        -         -         -  break

    Latency, TPOT and tok/s include the prefill, as in the published table (e2e_latency@1,
    e2e_per_token@1, e2e_throughput@1). Spread: longest less shortest latency of a prompt's runs.
    Published reference: 21.24 tok/s (gpt-oss-20b INT4, Intel Arc 140V GPU); not judged here: another model and device.

    break: prompt `a` differs first at token 3: expected 7, got 3 (gap 10.000 logit)
    ");
}

#[test]
fn a_wrong_token_in_the_discarded_warm_up_is_a_break_too() {
    let slips = vec![Slip { generation: 0, step: 3, token: 3 }];
    let measured = measure(Script { slips, ..script() }, &goldens(ANSWERS));
    assert_eq!(measured.findings[0].result, GoldenResult::Break);
}

#[test]
fn without_goldens_the_table_says_that_nothing_is_verified() {
    let measured = measure(script(), &GoldenSet::default());
    let table = table(&measured.record);
    assert_eq!(table.matches("none (unverified)").count(), 3, "{table}");
    assert!(!table.contains("match"), "{table}");
}

#[test]
fn a_cache_that_is_not_emptied_ends_the_session() {
    let (_, session) = session(Script { keeps_state: true, ..script() }, &Control::default()).unwrap();
    let error = session.failure.unwrap();
    assert_eq!(error.kind(), ErrorKind::Harness);
    // Two tokens of the prompt and three of the answer: the fourth is never fed.
    assert_eq!(error.to_string(), "the KV cache holds `5` tokens after a reset, not 0");
}

#[test]
fn an_engine_that_fails_midway_ends_the_session() {
    let (_, session) = session(Script { fails_at_infer: Some(6), ..script() }, &Control::default()).unwrap();
    assert_eq!(session.samples[0].token_ids, ANSWERS[0], "what was done before is kept");
    let kept = kept_samples(&plan(), &session, &[]);
    assert!(kept.iter().all(|sample| sample.times.is_none()), "and has no speed");
    let error = session.failure.unwrap();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::Harness, "the scripted engine fails here")
    );
}

#[test]
fn an_interrupted_session_keeps_its_tokens_and_no_time() {
    let clock = ScriptedClock::default();
    let mut engine = ScriptedEngine::new(script(), clock.hand());
    let control = Control::default();
    let session = run(&mut engine, &plan(), &clock, &NoMemory, &control, |aim| {
        control.stop.store(aim.generation == 4, Ordering::Relaxed);
    })
    .unwrap();
    assert!(session.interrupted);
    // It ends after the token under way.
    assert_eq!(session.samples.len(), 5);
    assert_eq!(session.samples[4].token_ids, [9]);

    let samples = kept_samples(&plan(), &session, &[]);
    assert!(samples.iter().all(|sample| sample.times.is_none()));
    let prompts = Vec::new();
    let record = RunRecord { outcome: Outcome::Interrupted, samples, prompts, ..forged::record() };
    assert!(table(&record).contains("interrupted: no speed is given"));
    assert_eq!(summarise(&record).average, None);
}

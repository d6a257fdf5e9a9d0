//! Each claim with its evidence, and with that evidence taken away. The evidence is made up: no claim was
//! answered on an Intel GPU.

use std::collections::BTreeSet;

use arcgauge::judge::first_light::{Answer, CLAIMS, ClaimResult, Evidence, StepSeen, answers};

use crate::first_light::arc;
use crate::first_light::engine_faults::{self, engines, peers};
use crate::first_light::faults::{self, Row, bench, openvino, pairs, states};
use crate::forged;

/// What is seen without running anything.
const OF_THE_MACHINE: [&str; 5] =
    ["pci-bus", "kernel-driver", "render-node", "openvino-lists-gpu", "arc-140v"];

fn rows() -> impl Iterator<Item = &'static Row> {
    faults::ROWS.iter().chain(engine_faults::ROWS)
}

fn word_on(evidence: &Evidence, id: &str) -> ClaimResult {
    answers(evidence).into_iter().find(|answered| answered.claim.id == id).unwrap().result
}

#[test]
fn on_an_arc_on_which_all_is_as_claimed_every_claim_holds() {
    for answered in answers(&arc::evidence()) {
        let ClaimResult { answer, reason, .. } = answered.result;
        assert_eq!(answer, Answer::Yes, "{}: {reason}", answered.claim.id);
    }
}

#[test]
fn what_was_seen_is_told_with_its_values() {
    let evidence = arc::evidence();
    for (id, part) in [
        ("pci-bus", "the bus shows `8086:64a0`"),
        ("render-node", "`renderD128` opens"),
        ("arc-140v", "64 execution units"),
        ("device-proof", "`EXECUTION_DEVICES` is `GPU.0`, and the kernel counted"),
        ("gpu-counters", "up to 3000 cycles"),
        ("gpu-clock", "1900 to 1903 MHz over 4 readings"),
        ("gpu-throttle", "`pl1` held it back in 1 of 4 readings"),
        ("tokens-cross-check", "prefers 199 of 200 tokens"),
        ("memory-by-phase", "load 100 + 13312 MiB"),
        ("gpu-memory", "13312 MiB at most by the kernel; OpenVINO says 13312 MiB"),
        ("cold-load", "180.0 s"),
        ("warm-load", "12.0 s, mean of 1; 15.0 x as fast"),
        ("whole-model", "12.8 GB"),
        ("bench", "every token is the golden one"),
        ("against-itself", "5 pairs differ by 1.20 % (sd), so that 2.13 % could be seen"),
        ("paged-attention", "paged attention gives 1.111 x the tok/s of SDPA [1.081, 1.142] over 3 rounds: "),
        (
            "paged-attention",
            " 11.34 and 10.20 tok/s with the prefill, the KV cache `f16` in both; every token is",
        ),
        (
            "published-difference",
            "published 27.00 against 21.24 tok/s, 1.271 x; measured host loop 1.000 x tok/s [1.000, 1.000] over 3 \
             rounds (`genai` to `stateful`); attention and its scheduler 1.111 x tok/s",
        ),
        ("published-difference", "KV-cache precision 1.053 x tok/s"),
        ("published-difference", "(`genai-pa` to `genai-pa-i8`); together 1.170 x"),
    ] {
        let reason = word_on(&evidence, id).reason;
        assert!(reason.contains(part), "{id}: {reason}");
    }
    let facts = word_on(&evidence, "cold-load").facts;
    assert_eq!((facts[0].id, facts[0].value), ("cold_load_s", 180.0));
    let facts = word_on(&evidence, "paged-attention").facts;
    let reported = |id: &str| facts.iter().find(|fact| fact.id == id).unwrap().value;
    assert!(facts.iter().any(|fact| (fact.id, fact.value) == ("rounds", 3.0)), "{facts:?}");
    assert!(reported("paged_to_sdpa_throughput_ratio_lower") > 1.08);
    assert!(reported("sdpa_throughput_tok_s") < reported("paged_throughput_tok_s"));
}

#[test]
fn what_nothing_read_is_not_observed() {
    let not_run = || "the step hung".to_owned();
    let evidence = Evidence {
        machine: StepSeen::NotRun(not_run()),
        doctor: StepSeen::NotRun(not_run()),
        bench: StepSeen::NotRun(not_run()),
        states: StepSeen::NotRun(not_run()),
        cross_check: StepSeen::NotRun(not_run()),
        against_itself: StepSeen::NotRun(not_run()),
        peers: StepSeen::NotRun(not_run()),
        ..arc::evidence()
    };
    for answered in answers(&evidence) {
        assert_eq!(answered.result.answer, Answer::NotObserved, "{}", answered.claim.id);
        assert_eq!(answered.result.reason, "the step hung", "{}", answered.claim.id);
    }
}

#[test]
fn whatever_a_cpu_did_no_claim_about_running_on_a_gpu_holds_by_it() {
    let mut evidence = arc::evidence();
    let cpu = forged::record().arms.remove(0).device;
    bench(&mut evidence).arms[0].device = cpu.clone();
    states(&mut evidence).ran = "CPU".into();
    pairs(&mut evidence).arms[0].device = cpu.clone();
    pairs(&mut evidence).arms[1].device = cpu.clone();
    engines(&mut evidence).for_each(|engine| engine.device = cpu.clone());
    for answered in answers(&evidence) {
        if !OF_THE_MACHINE.contains(&answered.claim.id) {
            assert_eq!(answered.result.answer, Answer::NotObserved, "{}", answered.claim.id);
        }
    }
}

#[test]
fn what_a_cpu_did_with_both_attentions_is_told_and_answers_nothing() {
    let mut evidence = arc::evidence();
    let cpu = forged::record().arms.remove(0).device;
    engines(&mut evidence).for_each(|engine| engine.device = cpu.clone());
    let word = word_on(&evidence, "paged-attention");
    assert_eq!((word.answer, word.facts.len()), (Answer::NotObserved, 0));
    assert!(word.reason.contains("there paged attention gives 1.111 x"), "{}", word.reason);
    peers(&mut evidence).rounds.truncate(1);
    let reason = word_on(&evidence, "paged-attention").reason;
    assert!(reason.contains(" in one round, which has no interval: "), "{reason}");
}

#[test]
fn a_claim_whose_evidence_is_amiss_no_longer_holds_and_says_why() {
    for (at, (claim, answer, reason, fault)) in rows().enumerate() {
        let mut evidence = arc::evidence();
        fault(&mut evidence);
        let word = word_on(&evidence, claim);
        assert_eq!(word.answer, *answer, "row {at}, {claim}: {}", word.reason);
        assert!(word.reason.contains(reason), "row {at}, {claim}: {}", word.reason);
    }
}

#[test]
fn an_emulated_gpu_answers_nothing_of_a_gpu_and_is_no_arc() {
    let mut evidence = arc::evidence();
    openvino(&mut evidence).devices[1].facts.emulated_reason = Some("a runtime for CPUs".into());
    bench(&mut evidence).arms[0].device = forged::an_emulated_arc();
    engines(&mut evidence).for_each(|engine| engine.device = forged::an_emulated_arc());
    let word = |id: &str| {
        let word = word_on(&evidence, id);
        assert!(word.reason.contains("is emulated: a runtime for CPUs"), "{id}: {}", word.reason);
        word.answer
    };
    assert_eq!(word("arc-140v"), Answer::No);
    for id in ["gpu-decodes", "device-proof", "paged-attention", "published-difference"] {
        assert_eq!(word(id), Answer::NotObserved, "{id}");
    }
}

#[test]
fn the_evidence_of_every_claim_is_taken_away_once() {
    let tried: BTreeSet<&str> = rows().map(|(claim, ..)| *claim).collect();
    let all: BTreeSet<&str> = CLAIMS.iter().map(|claim| claim.id).collect();
    assert_eq!(tried, all);
    assert_eq!(all.len(), CLAIMS.len(), "an id names one claim");
}

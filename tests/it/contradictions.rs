//! A record that contradicts itself is damaged: every reader refuses it and names the field.

use std::fs;

use arcgauge::engine::ModelShape;
use arcgauge::engine::openvino::ActiveWeights;
use arcgauge::measure::BandwidthReading;
use arcgauge::measure::kv::{KvAgreement, KvMethod, KvUse};
use arcgauge::record::{
    Arm, Experiment, KvRecord, PlanKind, Round, SampleTimes, Side, contradictions, encode, open,
};
use arcgauge::report::kv::kv_document;

use crate::forged;
use crate::forged_pairs::{ab, around};
use crate::gate::{checkout, keep, of};

/// The field that is named, and what makes an A/B impossible in it.
type Impossible = (&'static str, fn(&mut Experiment));

/// The times of the head's first measured generation.
fn times(record: &mut Experiment) -> &mut SampleTimes {
    record.arms[1].samples[0].times.as_mut().unwrap()
}

fn unlike_sides() -> Vec<Impossible> {
    vec![
        ("arms[1].model.sha256", |it| it.arms[1].model.sha256 = "9".repeat(64)),
        ("arms[1].model.files.length", |it| it.arms[1].model.files.clear()),
        ("arms[1].workload.sha256", |it| it.arms[1].workload.sha256 = "9".repeat(64)),
        ("arms[1].runtime.openvino_version", |it| {
            it.arms[1].runtime.as_mut().unwrap().openvino_version = "2099.9.9".into();
        }),
        ("arms[1].runtime.properties_effective.KV_CACHE_PRECISION", |it| {
            let runtime = it.arms[1].runtime.as_mut().unwrap();
            runtime.properties_effective.insert("KV_CACHE_PRECISION".into(), "u8".into());
        }),
        ("arms[1].environment_variables.OV_X", |it| {
            it.arms[1].environment_variables.extend([("OV_X".to_owned(), "1".to_owned())]);
        }),
    ]
}

fn impossible_counts() -> Vec<Impossible> {
    vec![
        ("arms[1].samples.length", |it| drop(it.arms[1].samples.pop())),
        ("arms[1].prompts.length", |it| drop(it.arms[1].prompts.pop())),
        ("arms[1].samples[0].token_ids.length", |it| it.arms[1].samples[0].token_ids.truncate(2)),
        ("arms[1].samples[0].times.token_ns.length", |it| times(it).token_ns.truncate(2)),
        ("arms[1].samples[0].times", |it| it.arms[1].samples[0].times = None),
        ("arms[1].processes[1].index", |it| it.arms[1].processes[1].index = 0),
        ("rounds[1]", |it| it.rounds[1] = it.rounds[0].clone()),
        ("arms[0].processes.length", |it| it.rounds.truncate(4)),
        ("arms[1].samples[3].token_ids", |it| it.arms[1].samples[0].token_ids[0] ^= 1),
    ]
}

fn impossible_times() -> Vec<Impossible> {
    vec![
        ("arms[1].samples[0].times.token_ns[1]", |it| times(it).token_ns.reverse()),
        ("arms[1].samples[0].times.token_ns[0]", |it| {
            let submitted_ns = times(it).submitted_ns;
            times(it).token_ns = vec![submitted_ns + 1, submitted_ns + 2, submitted_ns + 3];
        }),
        ("arms[1].samples[0].times.infer_ns[1]", |it| times(it).infer_ns[1] = 1 << 50),
        ("processes[0].started_ns", |it| {
            it.arms[1].processes = it.arms[0].processes.clone();
            it.arms[1].samples = it.arms[0].samples.clone();
        }),
        ("arms[1].processes[0].guards", |it| it.arms[1].processes[0].guards = None),
        ("arms[1].processes[0].guards.readings", |it| {
            it.arms[1].processes[0].guards.as_mut().unwrap().readings.clear();
        }),
        ("arms[1].processes[0].ended_ns", |it| it.arms[1].processes[0].ended_ns = None),
        ("arms[1].samples[2].times.token_ns[2]", |it| {
            it.arms[1].processes[0].ended_ns = it.arms[1].processes[0].started_ns;
        }),
        ("rounds[0]", |it| it.rounds.fill(Round::beginning_with(Side::Head))),
        ("arms[0].samples[0].times.token_ns", |it| {
            it.arms.iter_mut().for_each(of_a_large_model);
            let pass_ns = vec![(256 << 20) / 10];
            it.bandwidth_after = Some(BandwidthReading { buffer_bytes: 256 << 20, threads: 2, pass_ns });
        }),
    ]
}

/// 20 GB a token at 10 GB/s: no token comes in less than half a second.
fn of_a_large_model(run: &mut Arm) {
    run.model.active_weights = Some(ActiveWeights {
        total_bytes: 20_000_000_000,
        active_bytes_per_token: 20_000_000_000,
        expert_bytes: 0,
        lookup_bytes: 0,
    });
}

fn impossible_devices() -> Vec<Impossible> {
    vec![
        ("arms[0].device.ran", |it| {
            it.arms.iter_mut().for_each(|arm| arm.device = forged::arc(Some(true)));
        }),
        ("arms[0].device.ran.grade", |it| {
            it.arms.iter_mut().for_each(|arm| arm.device = forged::arc(Some(true)));
            it.machine.gpu_pci_ids = vec!["8086:64a0".into()];
        }),
        ("arms[0].device.ran.grade", |it| {
            let processes = it.arms[0].processes.iter_mut();
            processes.for_each(|process| process.processor_ns = Some(0));
        }),
    ]
}

#[test]
fn an_impossible_ab_is_refused_by_the_field_that_cannot_be() {
    let honest = ab(&around(0.0, 0.3, 5));
    let read = |record: &Experiment| open::<Experiment>(&encode(record).unwrap(), "it");
    read(&honest).unwrap();
    let all = [unlike_sides(), impossible_counts(), impossible_times(), impossible_devices()];
    for (field, forge) in all.into_iter().flatten() {
        let mut record = honest.clone();
        forge(&mut record);
        let found = contradictions(&record);
        let fields: Vec<&str> = found.iter().map(|it| it.field.as_str()).collect();
        assert!(fields.iter().any(|it| it.contains(field)), "`{field}` is not among {fields:?}");
    }
}

#[test]
fn a_run_that_claims_an_emulated_gpu_is_read() {
    let mut run = forged::record();
    run.arms[0].device = forged::an_emulated_arc();
    open::<Experiment>(&encode(&run).unwrap(), "it").unwrap();
}

#[test]
fn a_side_that_was_too_short_to_prove_its_device_is_read_beside_one_that_was_not() {
    let mut record = ab(&around(0.0, 0.3, 5));
    let head = &mut record.arms[1];
    head.processes.iter_mut().for_each(|process| process.processor_ns = None);
    let mut ran = serde_json::to_value(&head.device.ran).unwrap();
    assert_eq!(ran["grade"], "property-and-counters");
    ran["grade"] = "property".into();
    head.device.ran = serde_json::from_value(ran).unwrap();
    assert_eq!(contradictions(&record), []);
}

#[test]
fn what_was_requested_to_differ_may_differ() {
    let mut record = ab(&around(0.0, 0.3, 5));
    record.arms[1].differences = vec!["KV_CACHE_PRECISION=u8".into()];
    let runtime = record.arms[1].runtime.as_mut().unwrap();
    runtime.properties_requested.insert("KV_CACHE_PRECISION".into(), "u8".into());
    runtime.properties_effective.insert("KV_CACHE_PRECISION".into(), "u8".into());
    assert_eq!(contradictions(&record), []);
}

#[test]
fn no_side_of_an_ab_is_excused_from_its_goldens_as_a_change_of_the_kv_cache() {
    let mut record = ab(&around(0.0, 0.3, 5));
    record.arms[1].kv = Some(KvRecord {
        transform: "copy".into(),
        method: KvMethod::States,
        uses: Vec::new(),
        agreements: Vec::new(),
    });
    let error = encode(&record).unwrap_err().to_string();
    assert!(error.contains("`arms[1].kv`"), "{error}");
}

/// Makes what an arm says of its KV cache impossible.
type Forge = fn(&mut KvRecord);

/// The unchanged cache, and one that is read and written back at each token.
fn of_kv() -> Experiment {
    let mut record = Experiment { plan: PlanKind::Kv, ..ab(&around(0.0, 0.3, 5)) };
    let shape =
        ModelShape { layers: Some(2), kv_heads: Some(2), head_size: Some(4), ..ModelShape::default() };
    for (arm, label, method) in [(0, "none", KvMethod::Unchanged), (1, "copy", KvMethod::States)] {
        let arm = &mut record.arms[arm];
        let uses = arm.measured_samples().map(|sample| {
            let tokens = (sample.prompt_tokens + sample.token_ids.len() - 1) as u64;
            KvUse {
                tokens,
                rows: tokens,
                packed_bytes: 64 * tokens,
                changes: 2,
                read_ns: 5,
                ..KvUse::default()
            }
        });
        let uses: Vec<KvUse> = uses.collect();
        let uses = if method == KvMethod::States { uses } else { Vec::new() };
        arm.kv = Some(KvRecord { transform: label.into(), method, uses, agreements: Vec::new() });
        (arm.label, arm.model.shape) = (label.into(), Some(shape.clone()));
    }
    let agreement = |seed| KvAgreement {
        text: "probe".into(),
        seed: Some(seed),
        steps: 10,
        agreed_steps: 9,
        first_difference: Some(4),
        mean_kl_nats: 0.1,
        largest_kl_nats: 0.2,
        largest_margin_change_logit: 0.5,
    };
    record.arms[1].kv.as_mut().unwrap().agreements = vec![agreement(1), agreement(2)];
    record
}

#[test]
fn what_an_arm_says_of_its_kv_cache_fits_its_generations_and_its_texts() {
    assert_eq!(contradictions(&of_kv()), []);
    let forged: [(Forge, &str); 21] = [
        (|kv| kv.transform = "none".into(), "transform"),
        (|kv| kv.method = KvMethod::Unchanged, "method"),
        (|kv| kv.uses.truncate(1), "uses"),
        (|kv| kv.uses.push(kv.uses[0]), "uses"),
        (|kv| kv.uses[0].tokens = u64::MAX, "uses"),
        (|kv| kv.uses[0].tokens = 0, "uses"),
        (|kv| kv.uses[0].rows += 1, "uses[0].rows"),
        (|kv| kv.uses[0].rows = u64::MAX, "uses[0].rows"),
        (|kv| kv.uses[0].packed_bytes = u64::MAX, "uses[0].packed_bytes"),
        (|kv| kv.uses[0].changes = u64::MAX, "uses[0].changes"),
        (|kv| kv.uses[0].read_ns = u64::MAX, "uses"),
        (|kv| kv.uses[0].write_ns = u64::MAX, "uses"),
        (|kv| kv.agreements[0].steps = usize::MAX, "agreements[0].steps"),
        (|kv| kv.agreements[0].steps = 0, "agreements[0].steps"),
        (|kv| kv.agreements[0].agreed_steps = 11, "agreements[0].agreed_steps"),
        (|kv| kv.agreements[0].agreed_steps = 10, "agreements[0].agreed_steps"),
        (|kv| kv.agreements[0].first_difference = None, "agreements[0].agreed_steps"),
        (|kv| kv.agreements[0].first_difference = Some(10), "agreements[0].first_difference"),
        (|kv| kv.agreements[0].mean_kl_nats = 0.3, "agreements[0].mean_kl_nats"),
        (
            |kv| kv.agreements[0].largest_margin_change_logit = -1.0,
            "agreements[0].largest_margin_change_logit",
        ),
        (|kv| kv.agreements[1].seed = Some(1), "agreements[1].text"),
    ];
    for (forge, field) in forged {
        let mut record = of_kv();
        forge(record.arms[1].kv.as_mut().unwrap());
        let named: Vec<String> = contradictions(&record).into_iter().map(|it| it.field).collect();
        assert!(named.contains(&format!("arms[1].kv.{field}")), "{field}: {named:?}");
    }
    let mut record = of_kv();
    record.arms[0].kv = record.arms[1].kv.clone();
    let error = open::<Experiment>(&encode(&record).unwrap(), "it").unwrap_err().to_string();
    assert!(error.contains("contradicts itself: `arms[0].kv."), "{error}");
}

#[test]
fn a_shape_that_cannot_be_counted_has_no_bytes() {
    for kv_heads in [0, 1 << 63, u64::MAX] {
        let mut record = of_kv();
        for arm in &mut record.arms {
            arm.model.shape.as_mut().unwrap().kv_heads = Some(kv_heads);
        }
        let text = kv_document(&record).to_text(None);
        assert!(text.contains("copy"), "{text}");
        assert!(!text.contains("NaN") && !text.contains("inf "), "{text}");
    }
}

#[test]
fn every_verb_that_reads_a_record_refuses_one_that_contradicts_itself() {
    let (checkout, sha) = checkout();
    let path = keep(&checkout, &of(&sha, ab(&around(0.0, 0.3, 5))));
    let mut record: Experiment = open(&fs::read(&path).unwrap(), "it").unwrap();
    record.arms[1].processes[2].guards = None;
    // Nothing is checked while a record is encoded.
    fs::write(&path, encode(&record).unwrap()).unwrap();
    let file = path.to_str().unwrap();
    let says = "contradicts itself: `arms[1].processes[2].guards` is `null`";
    for verb in
        [&["history", "show", file][..], &["gate"], &["gate", "--replay", file], &["compare", file, file]]
    {
        let ended = checkout.run(verb);
        assert_ne!(ended.code, Some(0), "{verb:?}: {ended}");
        assert!(ended.stderr.contains(says), "{verb:?}: {ended}");
    }
    let mut alone = forged::record();
    alone.arms[0].processes[0].guards = None;
    let run = checkout.path("run.json");
    fs::write(&run, encode(&alone).unwrap()).unwrap();
    let run = run.to_str().unwrap();
    for verb in [["golden", "bless", run], ["baseline", "pin", run], ["baseline", "accept-model", run]] {
        checkout
            .run(verb.into_iter().chain(["--reason", "a test"]))
            .exits(2)
            .says("`arms[0].processes[0].guards` is `null`");
    }
    checkout.run(["history", "verify"]).exits(20).prints("damaged: ").prints(says);
    let listed = checkout.run(["history", "list"]);
    listed.exits(0).says(says);
    assert!(!listed.stdout.contains(&record.run_id), "{listed}");
    checkout.run(["history", "import", file]).says(says);
}

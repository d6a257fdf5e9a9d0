//! Records that nothing has measured: small, and the same on any machine. No Intel GPU was near them.

use std::sync::LazyLock;

use crate::engine::openvino::DeviceFacts;
use crate::golden::GoldenResult;
use crate::measure::Role;
use crate::record::{
    Arm, DeviceEvidence, DeviceRecord, Entry, Experiment, Outcome, PromptRecord, ProvenDevice,
    RequestedPrompt, SampleRecord, SampleTimes, WorkloadRecord, open,
};

/// A record of a real run, of which the identities and the shape are taken.
static STORED: LazyLock<Experiment> = LazyLock::new(|| {
    let mut run: Experiment =
        open(include_bytes!("../../../../fixtures/records/bench-3.0.json"), "a record").unwrap();
    run.arms[0].samples.clear();
    run
});

pub(super) const PROMPTS: [&str; 2] = ["fibonacci", "own-1"];

/// A verified run of two processes on an Arc 140V, as the runtime names it.
pub(super) fn run() -> Experiment {
    named(PROMPTS)
}

/// The same, with prompts of these ids.
pub(super) fn named(prompts: [&str; 2]) -> Experiment {
    let mut run = STORED.clone();
    run.run_id = "0123456789ab".to_owned();
    let commit = run.arms[0].commit.as_mut().unwrap();
    commit.sha = "5".repeat(40);
    commit.author_date_utc = "2026-11-23T04:00:00Z".to_owned();
    run.machine.slug = "a-machine".to_owned();
    run.machine.cpu = "A CPU".to_owned();
    run.arms[0].model.name = "gpt-oss-20b-int4".to_owned();
    run.arms[0].device = arc();
    let requested = |id: &str| RequestedPrompt::new(id, vec![61, 88]);
    run.arms[0].workload = WorkloadRecord::new(prompts.map(requested).to_vec(), 2, 3).unwrap();
    run.arms[0].prompts = prompts.map(|id| judged(id, GoldenResult::Match)).to_vec();
    run.arms[0].processes.truncate(2);
    for process in &mut run.arms[0].processes {
        process.guards = None;
        process.bandwidth_before = None;
    }
    let steps = [[47_000_000, 48_000_000], [46_000_000, 50_000_000]];
    for (process, steps) in steps.iter().enumerate() {
        for (prompt, step) in prompts.iter().zip(steps) {
            run.arms[0].samples.push(sample(prompt, process, *step));
        }
    }
    run.arms[0].warnings.clear();
    run
}

fn arc() -> DeviceRecord {
    let full_name = Some("Intel(R) Arc(TM) 140V GPU (16GB) (iGPU)".to_owned());
    let ran = ProvenDevice::establish(DeviceEvidence {
        target: "GPU",
        execution_devices: vec!["GPU.0"],
        facts: DeviceFacts { full_name, pci_id: Some("8086:64a0".to_owned()), ..DeviceFacts::default() },
        gpu_counters_grew: Some(true),
        processor_ns: None,
        generation_ns: 1,
    });
    DeviceRecord { requested: "GPU".to_owned(), reason: None, ran: Some(ran.unwrap()) }
}

/// The word on a prompt's output.
pub(super) fn judged(id: &str, golden: GoldenResult) -> PromptRecord {
    PromptRecord { id: id.to_owned(), golden, divergence: None, divergence_text: None, replay: None }
}

/// Three tokens: the first after 200 ms, and the others a step apart.
fn sample(prompt: &str, process: usize, step_ns: u64) -> SampleRecord {
    let first = 200_000_001;
    SampleRecord {
        role: Role::Measured,
        prompt_id: prompt.to_owned(),
        process,
        prompt_tokens: 2,
        token_ids: vec![5, 6, 7],
        times: Some(SampleTimes {
            submitted_ns: 1,
            token_ns: vec![first, first + step_ns, first + 2 * step_ns],
            infer_ns: vec![199_000_000, step_ns - 1_000_000, step_ns - 1_000_000],
        }),
        peak_rss_bytes: Some(160 << 20),
        rss_anonymous_bytes: None,
        rss_file_bytes: None,
    }
}

/// An A/B of two such runs, with its decision.
pub(super) fn ab() -> Experiment {
    let stored = include_bytes!("../../../../fixtures/records/ab-3.0.json");
    let mut ab: Experiment = open(stored, "a record").unwrap();
    let mut base = run();
    base.arms[0].commit.as_mut().unwrap().sha = "4".repeat(40);
    for (arm, run) in ab.arms.iter_mut().zip([base, run()]) {
        let label = arm.label.clone();
        *arm = Arm { label, ..run.arms.into_iter().next().unwrap() };
    }
    ab
}

/// What the index says of a run.
pub(super) fn entry(run: &Experiment) -> Entry {
    Entry::of("a.json".into(), run)
}

/// A run that differs from it.
pub(super) fn edited(edit: impl FnOnce(&mut Experiment)) -> Experiment {
    let mut run = run();
    edit(&mut run);
    run
}

/// Records that have times and must have no speed, with what is said of each.
pub(super) fn without_speed() -> [(Experiment, &'static str); 4] {
    [
        (
            edited(|run| run.arms[0].prompts[1].golden = GoldenResult::None),
            "unverified: no golden for `own-1`",
        ),
        (edited(|run| run.arms[0].outcome = Outcome::WrongOutput), "its output is wrong"),
        (edited(|run| run.arms[0].outcome = Outcome::Failed), "it failed"),
        (edited(|run| run.arms[0].outcome = Outcome::Interrupted), "it was interrupted"),
    ]
}

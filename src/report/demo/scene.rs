//! What all invented records share: the line, the machines, what is asked, and what is published.

use crate::error::Result;
use crate::judge::policy::Policy;
use crate::judge::sequential::Rule;
use crate::measure::Role;
use crate::measure::protocol::InferSpan;
use crate::measure::supervisor::WarmLoad;
use crate::record::{
    AcceptedModel, Arm, Commit, DecisionRecord, Experiment, HarnessCost, Outcome, PlanKind, PolicyText,
    PublishedReference, Sampling, Warning, WorkerRecord, sha256_of_bytes,
};
use crate::report::demo::calendar::utc;
use crate::report::demo::commits::{authored, commits};
use crate::report::demo::machine::DemoMachine;
use crate::report::demo::machines::machines;
use crate::report::demo::plan::DemoPlan;
use crate::report::demo::process::Done;
use crate::report::demo::prompts::Request;
use crate::report::demo::story::Story;

/// The warning of every invented record.
pub const WARNING_ID: &str = "demo";

/// What the invented history takes from the repository and from the gate, which stands after this room.
#[derive(Clone, Copy)]
pub struct DemoInputs<'a> {
    /// The text of `ci/gate.json`.
    pub policy_text: &'a str,
    /// `fixtures/baselines/published.json`.
    pub published: &'a PublishedReference,
    /// What is decided of an A/B at a moment.
    pub decide: &'a dyn Fn(&Experiment, &str) -> DemoDecisions,
}

/// The two decisions of an A/B.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoDecisions {
    /// Of somebody at a machine.
    pub decision: DecisionRecord,
    /// Of a gate.
    pub gate_decision: DecisionRecord,
}

/// All that records are made of.
pub(super) struct Scene<'a> {
    pub(super) plan: DemoPlan,
    pub(super) inputs: DemoInputs<'a>,
    pub(super) story: Story,
    pub(super) line: Vec<Commit>,
    pub(super) machines: Vec<DemoMachine>,
    pub(super) policy: PolicyText,
    pub(super) rule: Rule,
    pub(super) largest_redraws: usize,
    /// By machine.
    requested: Vec<Request>,
    /// With the large model's hash among those that are accepted.
    published: PublishedReference,
}

/// Which record is made, by what makes its id.
#[derive(Debug, Clone, Copy)]
pub(super) struct Label {
    pub(super) machine: usize,
    pub(super) at: usize,
    /// Kinds of records of a commit that are distinguished.
    pub(super) kind: u64,
}

impl<'a> Scene<'a> {
    pub(super) fn of(plan: DemoPlan, inputs: DemoInputs<'a>) -> Result<Self> {
        let policy = Policy::parse(inputs.policy_text, "policy of the demonstration")?;
        let machines = machines(&plan)?;
        let mut published = inputs.published.clone();
        // So that the published line is shown where it would stand.
        published.model.accepted.extend(machines.first().map(|machine| AcceptedModel {
            sha256: machine.model.sha256.clone(),
            reason: "the demonstration's own".to_owned(),
            accepted_utc: String::new(),
            run_id: String::new(),
            commit: String::new(),
        }));
        published.new_tokens = plan.new_tokens;
        let requested = machines.iter().map(|machine| Request::of(&plan, u64::from(machine.gpu.is_none())));
        Ok(Self {
            plan,
            inputs,
            story: Story::of(plan.commits),
            line: commits(&plan),
            requested: requested.collect::<Result<_>>()?,
            machines,
            policy: PolicyText {
                text: inputs.policy_text.to_owned(),
                sha256: sha256_of_bytes(inputs.policy_text.as_bytes()),
            },
            rule: policy.sequential.rule(),
            largest_redraws: policy.noise.largest_redraws,
            published,
        })
    }

    pub(super) fn requested(&self, machine: &DemoMachine) -> &Request {
        &self.requested[machine.number]
    }

    /// So many seconds after a commit was authored.
    pub(super) fn after(&self, at: usize, seconds: u64) -> String {
        utc(authored(&self.plan, at) + seconds)
    }

    /// What no other record of this history is called.
    pub(super) fn id(&self, label: Label) -> String {
        let Label { machine, at, kind } = label;
        let text = format!("record {kind} of {at} on {machine}, drawn from {}", self.plan.seed);
        sha256_of_bytes(text.as_bytes())[..12].to_owned()
    }

    /// A run of a commit's code at another commit's time, in which nothing has happened yet.
    pub(super) fn frame(&self, machine: &DemoMachine, code: usize, time: usize, label: Label) -> Experiment {
        let ground = self.story.ground(time);
        let commit = &self.line[code];
        let arm = Arm {
            label: Arm::BENCH.to_owned(),
            differences: Vec::new(),
            host_loop: Arm::ARCGAUGE.to_owned(),
            attention: None,
            infer_span: InferSpan::default(),
            worker: WorkerRecord {
                name: Some(format!("arcgauge {} (demo)", env!("CARGO_PKG_VERSION"))),
                protocol: Some(1),
                sha256: Some(sha256_of_bytes(commit.tree.as_bytes())),
            },
            outcome: Outcome::Complete,
            failure: None,
            commit: Some(commit.clone()),
            device: machine.device(ground),
            runtime: Some(machine.runtime(ground)),
            environment_variables: [("OMP_NUM_THREADS".to_owned(), "8".to_owned())].into(),
            model: machine.model.clone(),
            workload: self.requested(machine).workload.clone(),
            processes: Vec::new(),
            state_seen_empty: true,
            prompts: Vec::new(),
            samples: Vec::new(),
            warm_load: WarmLoad::NoColdLoad,
            logit_drift: None,
            warnings: vec![invented()],
        };
        Experiment {
            run_id: self.id(label),
            outcome: Outcome::Complete,
            sampling: Sampling { rounds_requested: Some(self.plan.runs), ..Sampling::default() },
            published: Some(self.published.clone()),
            ..Experiment::begun(PlanKind::Bench, String::new(), machine.identity(ground), vec![arm])
        }
    }
}

/// What every invented record says of itself.
pub(super) fn invented() -> Warning {
    Warning::new(
        WARNING_ID,
        "invented for the demonstration: nothing was measured",
        "measure something: `cargo xtask bench`",
    )
}

/// Adds a process and what it cost.
pub(super) fn add(run: &mut Arm, cost: &mut HarnessCost, done: Done) {
    let generation_ns = done
        .samples
        .iter()
        .filter_map(|sample| sample.times.as_ref())
        .filter_map(|times| Some(times.token_ns.last()?.saturating_sub(times.submitted_ns)));
    let bandwidth = done.process.bandwidth_before.as_ref();
    cost.bandwidth_reference_ns += bandwidth.map_or(0, |bandwidth| bandwidth.pass_ns.iter().sum());
    cost.load_ns += done.process.load.as_ref().map_or(0, |load| load.load_ns);
    cost.generation_ns += generation_ns.sum::<u64>();
    run.processes.push(done.process);
    run.samples.extend(done.samples);
}

/// The wall time, from all that was added, and a little of the harness's own; and how many processes each arm had.
pub(super) fn close(record: &mut Experiment) {
    let cost = &mut record.cost;
    cost.hashing_ns = 40_000_000;
    let processes: usize = record.arms.iter().map(|arm| arm.processes.len()).sum();
    cost.cool_down_ns = 2_000_000_000 * processes as u64;
    let workers = cost.load_ns + cost.generation_ns;
    cost.wall_ns = cost.hashing_ns + cost.cool_down_ns + cost.bandwidth_reference_ns + workers + workers / 80;
    for run in &mut record.arms {
        let measured = run.samples.iter().filter(|sample| sample.role == Role::Measured).count();
        run.workload.runs = measured.checked_div(run.workload.prompts.len()).unwrap_or_default();
    }
}

//! What all invented records share: the line, the machines, what is asked, and what is published.

use crate::error::Result;
use crate::judge::policy::Policy;
use crate::judge::sequential::Rule;
use crate::measure::supervisor::WarmLoad;
use crate::record::{
    AbRecord, AcceptedModel, Commit, DecisionRecord, HarnessCost, Outcome, PolicyText, PublishedReference,
    RunRecord, SampleRole, Warning, WorkerRecord, sha256_of_bytes,
};
use crate::report::demo::calendar::utc;
use crate::report::demo::commits::{authored, commits};
use crate::report::demo::machine::DemoMachine;
use crate::report::demo::machines::machines;
use crate::report::demo::plan::DemoPlan;
use crate::report::demo::process::Done;
use crate::report::demo::prompts::Asked;
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
    pub decide: &'a dyn Fn(&AbRecord, &str) -> DemoDecisions,
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
    asked: Vec<Asked>,
    /// With the large model's hash among those that are accepted.
    published: PublishedReference,
}

/// Which record is made, by what makes its id.
#[derive(Debug, Clone, Copy)]
pub(super) struct Label {
    pub(super) machine: usize,
    pub(super) at: usize,
    /// Kinds of records of a commit that are told apart.
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
        let asked = machines.iter().map(|machine| Asked::of(&plan, u64::from(machine.gpu.is_none())));
        Ok(Self {
            plan,
            inputs,
            story: Story::of(plan.commits),
            line: commits(&plan),
            asked: asked.collect::<Result<_>>()?,
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

    pub(super) fn asked(&self, machine: &DemoMachine) -> &Asked {
        &self.asked[machine.number]
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
    pub(super) fn frame(&self, machine: &DemoMachine, code: usize, time: usize, label: Label) -> RunRecord {
        let ground = self.story.ground(time);
        let commit = &self.line[code];
        RunRecord {
            run_id: self.id(label),
            when_utc: String::new(),
            arcgauge_version: env!("CARGO_PKG_VERSION").to_owned(),
            worker: WorkerRecord {
                name: Some(format!("arcgauge {} (demo)", env!("CARGO_PKG_VERSION"))),
                protocol: Some(1),
                sha256: Some(sha256_of_bytes(commit.tree.as_bytes())),
            },
            outcome: Outcome::Complete,
            failure: None,
            commit: Some(commit.clone()),
            machine: machine.identity(ground),
            device: machine.device(ground),
            runtime: Some(machine.runtime(ground)),
            environment_variables: [("OMP_NUM_THREADS".to_owned(), "8".to_owned())].into(),
            model: machine.model.clone(),
            workload: self.asked(machine).workload.clone(),
            processes: Vec::new(),
            canary_after: None,
            state_seen_empty: true,
            prompts: Vec::new(),
            samples: Vec::new(),
            warm_load: WarmLoad::NoColdLoad,
            logit_drift: None,
            criterion: Vec::new(),
            cost: HarnessCost::default(),
            published: Some(self.published.clone()),
            warnings: vec![invented()],
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
pub(super) fn add(run: &mut RunRecord, done: Done) {
    let generation_ns = done
        .samples
        .iter()
        .filter_map(|sample| sample.times.as_ref())
        .filter_map(|times| Some(times.token_ns.last()?.saturating_sub(times.submitted_ns)));
    let cost = &mut run.cost;
    let canary = done.process.canary_before.as_ref();
    cost.canary_ns += canary.map_or(0, |canary| canary.pass_ns.iter().sum());
    cost.load_ns += done.process.load.as_ref().map_or(0, |load| load.load_ns);
    cost.generation_ns += generation_ns.sum::<u64>();
    run.processes.push(done.process);
    run.samples.extend(done.samples);
}

/// The wall time, from all that was added, and a little of the harness's own.
pub(super) fn close(run: &mut RunRecord) {
    let cost = &mut run.cost;
    cost.hashing_ns = 40_000_000;
    cost.cool_down_ns = 2_000_000_000 * run.processes.len() as u64;
    let workers = cost.load_ns + cost.generation_ns;
    cost.wall_ns = cost.hashing_ns + cost.cool_down_ns + cost.canary_ns + workers + workers / 80;
    run.workload.runs = run
        .samples
        .iter()
        .filter(|sample| sample.role == SampleRole::Measured)
        .count()
        .checked_div(run.workload.prompts.len())
        .unwrap_or_default();
}

//! Compares the next-token distributions of the arms with the model's reference, after all that is timed.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::error::{Error, Result};
use crate::golden::{DistributionLimit, DriftReference, GROUP_SIZE, TextDrift, conditions};
use crate::measure::supervisor::{Control, WorkerProcess, distribution_drift};
use crate::record::{Arm, DistributionDriftRecord, Experiment, Warning, check_consistency};
use crate::run::plan::{ExperimentPlan, Observer, ReadyArm};

/// Reference distributions, and where they are.
#[derive(Debug, Clone)]
pub struct DriftPlan {
    /// The folder of the model's goldens.
    pub goldens: PathBuf,
    /// What is in it.
    pub reference: DriftReference,
}

/// Adds the drift of each arm, by a process of its own that loads with dynamic quantisation off. An arm without it says
/// why; nothing else of the record changes.
pub fn measure_drift(
    drift: &DriftPlan,
    plan: &ExperimentPlan<'_>,
    control: &Arc<Control>,
    observer: &dyn Observer,
    record: &mut Experiment,
) {
    for (at, ready) in plan.arms.iter().enumerate() {
        if control.stop.load(Ordering::Relaxed) {
            return;
        }
        let name = record.plan.arm_name(at, &ready.label).to_owned();
        observer.say(&format!("comparing the distributions of {name}"));
        let compared = drift.compare(ready, plan, control).and_then(|texts| {
            let limit = drift.limit_of(&record.arms[at]);
            record.arms[at].distribution_drift = Some(DistributionDriftRecord { texts, limit });
            check_consistency(record)
        });
        let warning = match compared {
            Ok(()) => record.arms[at].distribution_drift.as_ref().and_then(exceeded),
            Err(error) => {
                record.arms[at].distribution_drift = None;
                Some(Warning::new(
                    "no-drift",
                    format!("no distributions of {name} were compared: {error}"),
                    error
                        .hint_text()
                        .unwrap_or("the times of the record do not depend on it; leave `--drift` out"),
                ))
            }
        };
        if let Some(warning) = warning {
            observer.warn(&warning);
            record.arms[at].warnings.push(warning);
        }
    }
}

impl DriftPlan {
    fn compare(
        &self,
        arm: &ReadyArm<'_>,
        plan: &ExperimentPlan<'_>,
        control: &Arc<Control>,
    ) -> Result<Vec<TextDrift>> {
        if arm.model.identity.sha256 != self.reference.model_sha256 {
            return Err(Error::input("its model is another than that of the reference distributions"));
        }
        let mut load = arm.load.clone();
        load.properties.retain(|property| !property.starts_with(GROUP_SIZE));
        load.properties.push(format!("{GROUP_SIZE}=0"));
        let link = WorkerProcess::start(arm.program)?;
        distribution_drift(Box::new(link), &load, &self.goldens, plan.limits, &control.stop)
    }

    /// What is normal on the device and at the precisions that an arm ran at.
    fn limit_of(&self, arm: &Arm) -> Option<DistributionLimit> {
        let ran = arm.device.ran.as_ref()?;
        let effective = &arm.runtime.as_ref()?.properties_effective;
        self.reference.limit(conditions(ran.kind().name(), effective)).cloned()
    }
}

/// Said where the distributions have moved further than is normal.
fn exceeded(record: &DistributionDriftRecord) -> Option<Warning> {
    let (limit, whole) = record.limit.as_ref().zip(record.whole())?;
    limit.is_exceeded_by(&whole).then(|| {
        Warning::new(
            "distribution-drift",
            format!(
                "the next-token distributions moved by {:.1e} nats on average and {:.1e} logit at most; limits {:.1e} and {:.1e}",
                whole.mean_kl_nats, whole.largest_logit_difference, limit.mean_kl_nats, limit.largest_logit_difference
            ),
            "what the model computes has changed, though its greedy tokens may not: `cargo xtask golden drift` shows each text",
        )
    })
}

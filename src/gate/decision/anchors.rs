//! The standing to fixed figures: the published one, and those that an owner pinned.

use crate::gate::decision::finding::Finding;
use crate::judge::policy::{PinnedAnchor, Policy, PublishedAnchor};
use crate::judge::{Standing, no_reference_reason, standing, summarise};
use crate::measure::{Figure, Metric};
use crate::record::{Arm, ArmView, ProvenDevice, Verdict};

/// Where a figure warns and where it fails, in its metric's unit.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    warn_below: f64,
    fail_below: f64,
}

/// Every anchor of the policy, the published one first.
pub(super) fn anchors(run: ArmView<'_>, policy: &Policy) -> Vec<Finding> {
    let speed = summarise(&run).average.map(|average| average.throughput());
    let published = published(run, &policy.published_anchor, speed);
    let pinned = policy.anchors.iter().map(|anchor| pinned(run, anchor, speed));
    std::iter::once(published).chain(pinned).collect()
}

fn published(run: ArmView<'_>, anchor: &PublishedAnchor, speed: Option<Figure>) -> Finding {
    let id = "published-anchor";
    let Some(published) = &run.experiment.published else {
        return Finding::not_judged(id, "the record has no published figure");
    };
    match (standing(published, &run, speed), speed) {
        (Standing::NotJudged(why), _) => Finding::not_judged(
            id,
            format!("{} token/s was published; not judged here: {why}", published.reference.value),
        ),
        (_, None) => Finding::not_judged(id, "there is no speed"),
        (_, Some(speed)) => {
            let bounds = Bounds { warn_below: anchor.warn_below, fail_below: anchor.fail_below };
            against(id, speed, bounds, "published")
        }
    }
}

fn pinned(run: ArmView<'_>, anchor: &PinnedAnchor, speed: Option<Figure>) -> Finding {
    let id = format!("anchor {}", anchor.id);
    let ran = run.device.ran.as_ref().map(ProvenDevice::kind);
    let unlike = [
        (anchor.model_sha256 != run.model.sha256, "another model"),
        (anchor.machine_sha256 != run.experiment.machine.sha256, "another machine"),
        (Some(anchor.device) != ran || anchor.gpu != run.device.gpu_identity(), "another device"),
        (anchor.workload_sha256 != run.workload.sha256, "other prompts or another number of tokens"),
        (anchor.openvino.is_some() && anchor.openvino.as_deref() != openvino(&run), "another OpenVINO"),
    ];
    let unlike = unlike.into_iter().find(|(unlike, _)| *unlike).map(|(_, why)| why);
    if let Some(why) = unlike.or_else(|| no_reference_reason(&run)) {
        return Finding::not_judged(
            &id,
            format!("{} token/s was pinned; not judged here: {why}", anchor.value),
        );
    }
    match speed {
        Some(speed) if anchor.metric == Metric::EndToEndThroughput => {
            let bounds = Bounds { warn_below: anchor.warn_below, fail_below: anchor.fail_below };
            against(&id, speed, bounds, "pinned")
        }
        _ => Finding::not_judged(&id, "there is no such speed"),
    }
}

fn openvino(run: &Arm) -> Option<&str> {
    run.runtime.as_ref().map(|runtime| runtime.openvino_version.as_str())
}

fn against(id: &str, speed: Figure, bounds: Bounds, what: &str) -> Finding {
    let Figure { metric, value } = speed;
    let reported =
        |than: &str, bound: f64| format!("{value:.2} {} is {than} {bound} ({what})", metric.unit());
    if value < bounds.fail_below {
        Finding::fails(id, Verdict::Regressed, reported("below the failing bound", bounds.fail_below))
    } else if value < bounds.warn_below {
        Finding::warns(id, reported("below", bounds.warn_below))
    } else {
        Finding::holds(id, reported("at or above", bounds.warn_below))
    }
}

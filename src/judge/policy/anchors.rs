//! Fixed values that a result must not fall below, whatever the base was.

use serde::{Deserialize, Serialize};

use crate::engine::openvino::DeviceKind;
use crate::judge::policy::{Checked, positive, positive_below, said, sha256};
use crate::measure::Metric;

/// How a result may stand to the published value, on its own model and device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedAnchor {
    /// Which value, one of which more is better.
    pub metric: Metric,
    /// Below this there is a warning, in the metric's unit.
    pub warn_below: f64,
    /// Below this the status is red, in the metric's unit.
    pub fail_below: f64,
    /// Why these.
    #[serde(alias = "because")]
    pub reason: String,
}

/// A record of ours that later ones must not fall below, where everything but the code is the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedAnchor {
    /// Names it; unique.
    pub id: String,
    /// Which value, one of which more is better.
    pub metric: Metric,
    /// What the record had, in the metric's unit.
    pub value: f64,
    /// Below this there is a warning, in the metric's unit.
    pub warn_below: f64,
    /// Below this the status is red, in the metric's unit.
    pub fail_below: f64,
    /// Identity of the model that it holds for.
    pub model_sha256: String,
    /// Identity of the machine that it holds for.
    pub machine_sha256: String,
    /// Kind of the device that it holds for.
    pub device: DeviceKind,
    /// Which GPU of the machine, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<String>,
    /// Identity of prompts and protocol that it holds for.
    pub workload_sha256: String,
    /// The one version of OpenVINO that it holds for; None: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openvino: Option<String>,
    /// The run that was pinned.
    pub run_id: String,
    /// Hash of its record.
    pub record_sha256: String,
    /// When it was pinned, UTC.
    pub pinned_utc: String,
    /// Who pinned it, as git names them.
    pub who: String,
    /// Why.
    #[serde(alias = "because")]
    pub reason: String,
}

impl PublishedAnchor {
    pub(super) fn check(&self) -> Checked {
        let key = |field: &str| format!("published_anchor.{field}");
        levels(key, self.metric, self.warn_below, self.fail_below)?;
        said(&key("reason"), &self.reason)
    }
}

impl PinnedAnchor {
    pub(super) fn check(&self) -> Checked {
        said("anchors.id", &self.id)?;
        let key = |field: &str| format!("anchors[{}].{field}", self.id);
        levels(key, self.metric, self.warn_below, self.fail_below)?;
        positive(&key("value"), self.value)?;
        // A record that fails its own anchor would turn every unchanged build red.
        if self.warn_below > self.value {
            let (warn, value) = (self.warn_below, self.value);
            return Err(format!(
                "`{}` of `{warn}`; it may not be above `value` of {value}",
                key("warn_below")
            ));
        }
        sha256(&key("model_sha256"), &self.model_sha256)?;
        sha256(&key("machine_sha256"), &self.machine_sha256)?;
        sha256(&key("workload_sha256"), &self.workload_sha256)?;
        sha256(&key("record_sha256"), &self.record_sha256)?;
        if let Some(openvino) = &self.openvino {
            said(&key("openvino"), openvino)?;
        }
        said(&key("run_id"), &self.run_id)?;
        said(&key("pinned_utc"), &self.pinned_utc)?;
        said(&key("who"), &self.who)?;
        said(&key("reason"), &self.reason)
    }
}

fn levels(key: impl Fn(&str) -> String, metric: Metric, warn_below: f64, fail_below: f64) -> Checked {
    if metric != Metric::EndToEndThroughput {
        let (id, only) = (metric.id(), Metric::EndToEndThroughput.id());
        return Err(format!("`{}` of `{id}`; fixed values are of `{only}`", key("metric")));
    }
    positive(&key("warn_below"), warn_below)?;
    positive_below(&key("fail_below"), fail_below, "`warn_below`", warn_below)
}

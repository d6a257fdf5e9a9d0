//! Where the time of a decode step goes, by the operators of the compiled model: OpenVINO's own profiling, which
//! `PERF_COUNT=YES` switches on and which makes each inference slower. Never in a timed run.
#![expect(unsafe_code, reason = "the `openvino` crate does not wrap the profiling of a request")]

use std::ffi::{CStr, c_char};
use std::{ptr, slice};

use openvino::{InferRequest, InferenceError};
use openvino_sys::{ov_profiling_info_list_t, ov_profiling_info_t_Status};

use crate::engine::openvino::state::handle;
use crate::engine::openvino::{OpenVinoEngine, failed};
use crate::engine::{Engine, begin, greedy};
use crate::error::{Error, Result};
use crate::sys::{Clock, MonotonicClock};
use crate::workload::Input;

/// Decode steps that are not profiled: in the first ones a plugin prepares kernels for the new shapes.
const UNPROFILED_STEPS: usize = 2;

/// An operator of the compiled model.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfiledNode {
    /// Its name in the graph, with the layer's number.
    pub name: String,
    /// Its kind, as the plugin names it.
    pub kind: String,
    /// Its time in a decode step, µs.
    pub time_us: f64,
}

/// What decode steps took, and the part of each operator.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfiledSteps {
    /// The mean time of a step on the host's clock, µs: inference, choice of the token and staging.
    pub wall_us: f64,
    /// Every operator that was executed.
    pub nodes: Vec<ProfiledNode>,
}

/// The running mean of an operator's time over all inferences of its compiled model.
struct NodeMean {
    name: String,
    kind: String,
    mean_us: u64,
    executed: bool,
}

impl OpenVinoEngine {
    /// Profiles so many decode steps after the prompt. OpenVINO gives a running mean over all inferences of the
    /// compiled model, and so a step's time is (n1 mean1 - n0 mean0) / steps.
    ///
    /// # Errors
    /// A model that was compiled without `PERF_COUNT=YES`; when the runtime refuses.
    pub fn profile_decode(&mut self, input: Input<'_>, steps: usize) -> Result<ProfiledSteps> {
        begin(self, input)?;
        self.stage_prompt(input.first_tokens(), UNPROFILED_STEPS + steps)?;
        self.infer()?;
        self.decode(UNPROFILED_STEPS)?;
        let (inferences, before) = (self.inferences, node_means(&self.request)?);
        let start_ns = MonotonicClock.now_ns();
        self.decode(steps)?;
        let wall_ns = MonotonicClock.now_ns() - start_ns;
        let after = node_means(&self.request)?;
        let nodes = before.iter().zip(after).map(|(before, after)| {
            let sum_us = |inferences: u64, mean: &NodeMean| inferences as f64 * mean.mean_us as f64;
            // The means are whole microseconds.
            let sum_us = (sum_us(self.inferences, &after) - sum_us(inferences, before)).max(0.0);
            (
                after.executed,
                ProfiledNode { name: after.name, kind: after.kind, time_us: sum_us / steps as f64 },
            )
        });
        let nodes: Vec<ProfiledNode> =
            nodes.filter(|(executed, _)| *executed).map(|(_, node)| node).collect();
        if nodes.iter().all(|node| node.time_us <= 0.0) {
            return Err(Error::input("OpenVINO gave no times of operators")
                .hint("the device's plugin may not support `PERF_COUNT`"));
        }
        Ok(ProfiledSteps { wall_us: wall_ns as f64 / 1e3 / steps as f64, nodes })
    }

    fn decode(&mut self, steps: usize) -> Result<()> {
        for _ in 0..steps {
            let token = greedy(self.last_logits()?)?;
            self.stage_token(token)?;
            self.infer()?;
        }
        Ok(())
    }
}

fn node_means(request: &InferRequest) -> Result<Vec<NodeMean>> {
    let mut list = ov_profiling_info_list_t { profiling_infos: ptr::null_mut(), size: 0 };
    // SAFETY: the handle lives as long as `request`, which is borrowed here and not running; the list is ours.
    let status = unsafe {
        openvino_sys::ov_infer_request_get_profiling_info(handle(request).cast_mut().cast(), &raw mut list)
    };
    InferenceError::convert(status, openvino::get_last_error_message())
        .map_err(|cause| failed("report the times of operators", &cause))?;
    let infos = if list.profiling_infos.is_null() {
        &[]
    } else {
        // SAFETY: OpenVINO made so many elements there, which live until the list is freed below.
        unsafe { slice::from_raw_parts(list.profiling_infos, list.size) }
    };
    let means = infos.iter().map(|info| NodeMean {
        name: text(info.node_name),
        kind: text(info.node_type),
        mean_us: u64::try_from(info.real_time).unwrap_or_default(),
        executed: info.status == ov_profiling_info_t_Status::EXECUTED,
    });
    let means = means.collect();
    // SAFETY: the list is one that OpenVINO made, and nothing of it is used any more.
    unsafe { openvino_sys::ov_profiling_info_list_free(&raw mut list) };
    Ok(means)
}

/// A copy of a text of OpenVINO's list.
fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: OpenVINO's texts end with a NUL, and the list that owns this one has not been freed yet.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

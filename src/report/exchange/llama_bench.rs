//! The rows that llama.cpp's `llama-bench -o json` prints, as far as they can be filled truthfully: a `pp`
//! row and a `tg` row a prompt, a sample a process.
//!
//! Its scripts join two files on fields that OpenVINO has no like of; those hold 0, "" or false. What our
//! values take in and llama-bench's do not is said in fields whose names begin with `arcgauge_`, which
//! its readers leave out.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::engine::openvino::DeviceKind;
use crate::error::Result;
use crate::judge::Spread;
use crate::measure::{Metric, Sample};
use crate::record::{ArmView, Commit, ProvenDevice};
use crate::report::exchange::json;
use crate::report::exchange::measured::{Measured, MeasuredPrompt, device_name};
use crate::visible::one_line;

/// The file in which a model's weights are.
const WEIGHTS: &str = "openvino_model.bin";
const PREFILL: &str =
    "the prompt in one inference; the first token's argmax is included, which llama-bench's pp leaves out";
const DECODE: &str =
    "prefill is excluded as in llama-bench's tg; each token's argmax is included, which it leaves out";

/// What is reported of a test: so many tokens in so many nanoseconds, in each process. What OpenVINO has not, or does not
/// report, is the same in every row.
#[derive(Debug, Default, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "llama-bench has them")]
struct Row {
    build_commit: String,
    cpu_info: String,
    gpu_info: String,
    backends: &'static str,
    model_filename: String,
    model_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_size: Option<u64>,
    n_threads: u64,
    type_k: String,
    type_v: String,
    n_gpu_layers: i32,
    n_cpu_moe: u32,
    split_mode: &'static str,
    main_gpu: u32,
    no_kv_offload: bool,
    tensor_split: &'static str,
    tensor_buft_overrides: &'static str,
    embeddings: bool,
    n_batch: u32,
    n_ubatch: u32,
    cpu_mask: &'static str,
    cpu_strict: bool,
    poll: u32,
    flash_attn: i32,
    /// Newer scripts join on this, older ones on the next.
    load_mode: &'static str,
    use_mmap: bool,
    fit_target: u32,
    fit_min_ctx: u32,
    n_prompt: usize,
    n_gen: usize,
    n_depth: usize,
    test_time: String,
    avg_ns: u64,
    stddev_ns: u64,
    avg_ts: f64,
    stddev_ts: f64,
    samples_ns: Vec<u64>,
    samples_ts: Vec<f64>,
    arcgauge_definition: &'static str,
    arcgauge_note: &'static str,
    arcgauge_prompt: String,
    arcgauge_run_id: String,
}

pub(super) fn text(measured: &Measured<'_>) -> Result<String> {
    let mut rows = Vec::new();
    for measured in &measured.runs {
        for prompt in measured.prompts() {
            rows.extend(tests(&prompt).into_iter().map(|test| row(measured.run, prompt.id, test)));
        }
    }
    json(&rows)
}

/// The tests of a prompt; its generations are of one length, or have a `tg` row each length.
fn tests(prompt: &MeasuredPrompt<'_>) -> Vec<Row> {
    let mut by_shape: BTreeMap<(usize, usize), Vec<Sample>> = BTreeMap::new();
    for sample in prompt.samples() {
        by_shape.entry((sample.prompt_tokens, sample.token_ids.len())).or_default().push(sample);
    }
    let mut tests = Vec::new();
    for ((prompt_tokens, tokens), samples) in by_shape {
        let test = |metric: Metric, ns_of_unit: f64, note| Row {
            samples_ns: samples
                .iter()
                .filter_map(|it| Some(whole(metric.of(it)?.value * ns_of_unit)))
                .collect(),
            arcgauge_definition: metric.id(),
            arcgauge_note: note,
            ..Row::default()
        };
        let steps = tokens.saturating_sub(1);
        let prefill = Row { n_prompt: prompt_tokens, ..test(Metric::TimeToFirstToken, 1e6, PREFILL) };
        let decode = test(Metric::TimePerOutputToken, 1e6 * steps as f64, DECODE);
        let decode = Row { n_gen: steps, n_depth: prompt_tokens, ..decode };
        // Nothing that took no time has a speed.
        tests.extend([prefill, decode].into_iter().filter(|test| {
            !test.samples_ns.is_empty() && !test.samples_ns.contains(&0) && test.n_prompt + test.n_gen > 0
        }));
    }
    tests
}

/// A test with what it was of.
fn row(run: ArmView<'_>, prompt: &str, test: Row) -> Row {
    let tokens = (test.n_prompt + test.n_gen) as f64;
    let samples_ts: Vec<f64> = test.samples_ns.iter().map(|ns| 1e9 * tokens / *ns as f64).collect();
    let ns: Vec<f64> = test.samples_ns.iter().map(|ns| *ns as f64).collect();
    let property = |name: &str| run.runtime.as_ref()?.properties_effective.get(name).cloned();
    let cache = one_line(&property("KV_CACHE_PRECISION").unwrap_or_else(|| "unknown".to_owned()));
    let is_gpu = run.device.ran.as_ref().map(ProvenDevice::kind) == Some(DeviceKind::Gpu);
    Row {
        build_commit: one_line(run.commit.as_ref().map_or("unknown", Commit::short)),
        cpu_info: one_line(&run.experiment.machine.cpu),
        gpu_info: if is_gpu { one_line(device_name(run)) } else { String::new() },
        backends: "OpenVINO",
        model_filename: one_line(&run.model.name),
        model_type: one_line(&run.model.name),
        model_size: run.model.files.iter().find(|file| file.path == WEIGHTS).map(|file| file.size_bytes),
        n_threads: property("INFERENCE_NUM_THREADS").and_then(|count| count.parse().ok()).unwrap_or(0),
        type_k: cache.clone(),
        type_v: cache,
        // Below zero means all of them.
        n_gpu_layers: if is_gpu { -1 } else { 0 },
        split_mode: "none",
        tensor_split: "0.00",
        tensor_buft_overrides: "none",
        load_mode: "unknown",
        test_time: one_line(&run.experiment.when_utc),
        avg_ns: whole(mean(&ns)),
        stddev_ns: whole(deviation(&ns)),
        avg_ts: mean(&samples_ts),
        stddev_ts: deviation(&samples_ts),
        samples_ts,
        arcgauge_prompt: one_line(prompt),
        arcgauge_run_id: one_line(&run.experiment.run_id),
        ..test
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Of a single value it is 0, as there.
fn deviation(values: &[f64]) -> f64 {
    Spread::of(values).map_or(0.0, |spread| spread.sd)
}

/// Whole nanoseconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a time is finite and not below 0"
)]
fn whole(ns: f64) -> u64 {
    ns.round() as u64
}

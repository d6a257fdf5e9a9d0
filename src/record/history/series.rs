//! What must be the same for the metric values of two records to be compared, what may have changed between them, and the
//! values and the decision that lists and charts show of a record without opening it.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::engine::openvino::DeviceFacts;
use crate::measure::protocol::CacheState;
use crate::measure::{Metric, MetricValues, Sample};
use crate::record::{
    ArmView, ComparisonResult, DecisionRecord, Experiment, ProcessRecord, ProvenDevice, RuntimeRecord,
    SampleRecord, Status, Verdict, sha256_of_bytes,
};

/// What stands for a device where nothing ran.
const NONE: &str = "none";

/// On what a record was measured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Setting {
    /// What its values can be compared with.
    pub series: Series,
    /// What lay under the measurement.
    pub epoch: Epoch,
    /// Prompts that were requested.
    pub prompts: usize,
    /// Tokens of each answer.
    pub new_tokens: usize,
}

/// What is the same all along a chart: records of one line differ by commit and runtime alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line {
    machine_sha256: String,
    model_sha256: String,
    workload_sha256: String,
    device: String,
    gpu: Option<String>,
}

impl Setting {
    /// The setting of a run.
    pub fn of(run: ArmView<'_>) -> Self {
        Self {
            series: Series::of(run),
            epoch: Epoch::of(run),
            prompts: run.workload.prompts.len(),
            new_tokens: run.workload.new_tokens,
        }
    }

    /// The line that it is of.
    pub fn line(&self) -> Line {
        Line {
            machine_sha256: self.series.machine_sha256.clone(),
            model_sha256: self.series.model_sha256.clone(),
            workload_sha256: self.series.workload_sha256.clone(),
            device: self.series.device_in_words(),
            gpu: self.series.gpu.clone(),
        }
    }
}

impl Line {
    /// Names it: a hash of all that makes it.
    pub fn id(&self) -> String {
        let parts = [
            &self.machine_sha256,
            &self.model_sha256,
            &self.workload_sha256,
            &self.device,
            self.gpu.as_ref().unwrap_or(&self.device),
        ];
        let all = parts.map(String::as_str).join("\n");
        sha256_of_bytes(all.as_bytes())[..12].to_owned()
    }

    /// Whether nothing ran: such a run failed on its way to a device.
    pub fn is_of_no_device(&self) -> bool {
        self.device == NONE
    }

    /// Whether both are of one machine, model and workload, on whichever device.
    pub fn is_beside(&self, other: &Self) -> bool {
        self.machine_sha256 == other.machine_sha256
            && self.model_sha256 == other.model_sha256
            && self.workload_sha256 == other.workload_sha256
    }
}

/// Values of one series can be compared: the same machine, model, runtime, device and workload.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Series {
    /// Names it: a hash of all below but the names for people.
    pub id: String,
    /// The machine's slug.
    pub machine: String,
    /// The machine's identity.
    pub machine_sha256: String,
    /// The model's name.
    pub model: String,
    /// The model's identity.
    pub model_sha256: String,
    /// What ran: "CPU" or "GPU"; "none" where nothing did.
    pub device: String,
    /// Which GPU: PCI id and execution units, as in "8086:64a0 x64", or vendor and name where the id is not
    /// known; None for a processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<String>,
    /// Whether the device is known to be emulated.
    #[serde(default)]
    pub emulated: bool,
    /// The version of OpenVINO; None where the run failed before it was loaded.
    pub openvino: Option<String>,
    /// The hash of the properties in force.
    pub properties_sha256: String,
    /// The identity of prompts and protocol.
    pub workload_sha256: String,
}

impl Series {
    /// The series of a run.
    pub fn of(record: ArmView<'_>) -> Self {
        let runtime = record.runtime.as_ref();
        let properties = runtime.map(RuntimeRecord::setting);
        let openvino = runtime.map(|runtime| runtime.openvino_version.clone());
        let properties_sha256 = sha256_of(&properties);
        let device = record.device.actual();
        let gpu = record.device.gpu_identity();
        let emulated = record.device.emulated_reason().is_some();
        let ran = gpu.as_ref().map_or(device.to_owned(), |gpu| format!("{device} {gpu} {emulated}"));
        let key = (
            &record.experiment.machine.sha256,
            &record.model.sha256,
            ran,
            &openvino,
            &properties_sha256,
            &record.workload.sha256,
        );
        Self {
            id: short(&sha256_of(&key)),
            machine: record.experiment.machine.slug.clone(),
            machine_sha256: record.experiment.machine.sha256.clone(),
            model: record.model.name.clone(),
            model_sha256: record.model.sha256.clone(),
            device: device.to_owned(),
            gpu,
            emulated,
            openvino,
            properties_sha256,
            workload_sha256: record.workload.sha256.clone(),
        }
    }

    /// What ran, as in "emulated GPU".
    pub fn device_in_words(&self) -> String {
        format!("{}{}", if self.emulated { "emulated " } else { "" }, self.device)
    }
}

/// A stretch of time in which the environment of the measurement did not change. Where the epoch changes, a
/// step in the values need not be the commit's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Epoch {
    /// Names it: a hash of its parts.
    pub id: String,
    /// Its parts by name, as in "kernel"; what is not known is not there.
    pub parts: BTreeMap<String, String>,
}

/// A part that differs between two epochs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochChange {
    /// Which, as in "gpu driver".
    pub part: String,
    /// What it was; None where it was not known.
    pub from: Option<String>,
    /// What it is.
    pub to: Option<String>,
}

impl Epoch {
    /// The epoch of a run.
    pub fn of(record: ArmView<'_>) -> Self {
        let (machine, runtime) = (&record.experiment.machine, record.runtime.as_ref());
        let facts = record.device.ran.as_ref().map(ProvenDevice::facts);
        let known = [
            ("gpu driver", machine.gpu_driver.clone()),
            ("gpu driver's opencl", facts.and_then(|facts| facts.opencl_version.clone())),
            ("gpu kernel driver", facts.and_then(DeviceFacts::kernel_driver_in_words)),
            ("kernel", machine.kernel.clone()),
            ("firmware", machine.firmware.clone()),
            ("microcode", machine.microcode.clone()),
            ("machine", Some(machine.sha256.clone())),
            ("model", Some(record.model.sha256.clone())),
            ("openvino", runtime.map(|runtime| runtime.openvino_build.clone())),
        ];
        let known = known.into_iter().filter_map(|(part, value)| Some((part.to_owned(), value?)));
        let properties = runtime.into_iter().flat_map(RuntimeRecord::setting);
        let properties = properties.map(|(key, value)| (format!("property {key}"), value));
        let parts: BTreeMap<String, String> = known.chain(properties).collect();
        Self { id: short(&sha256_of(&parts)), parts }
    }

    /// What has changed since an earlier one, in the order of the parts' names.
    pub fn changes_since(&self, earlier: &Self) -> Vec<EpochChange> {
        let mut names: Vec<&String> = self.parts.keys().chain(earlier.parts.keys()).collect();
        names.sort_unstable();
        names.dedup();
        let changed = names.into_iter().filter(|name| self.parts.get(*name) != earlier.parts.get(*name));
        changed
            .map(|part| EpochChange {
                part: part.clone(),
                from: earlier.parts.get(part).cloned(),
                to: self.parts.get(part).cloned(),
            })
            .collect()
    }
}

/// The hash of a value's JSON; maps are in the order of their keys.
fn sha256_of(value: &impl Serialize) -> String {
    sha256_of_bytes(serde_json::to_vec(value).unwrap_or_default())
}

fn short(sha256: &str) -> String {
    sha256[..12].to_owned()
}

/// The values of lists: means over all measured generations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SummaryRow {
    /// `ttft@1`, ms.
    pub ttft_ms: f64,
    /// `tpot@1`, ms per token.
    pub tpot_ms: f64,
    /// `e2e_latency@1`, s.
    pub latency_s: f64,
    /// `e2e_throughput@1`: total tokens over total seconds.
    pub throughput_tok_s: f64,
    /// By prompt, in the order requested.
    pub prompts: Vec<PromptSummary>,
    /// `tpot@1` of each measured process, ms per token: an interval of the mean is made of these, for
    /// generations of one process are not independent.
    pub process_tpot_ms: Vec<f64>,
    /// `e2e_throughput@1` of each measured process, tokens per second.
    pub process_throughput_tok_s: Vec<f64>,
    /// `load@1`; None where loads are not of one kind, or were not timed.
    pub load: Option<LoadSummary>,
    /// `peak_rss@1` of the measured generations, bytes.
    pub peak_rss_bytes: Option<u64>,
    /// `peak_device_memory@1`, as the runtime reports it, bytes.
    pub peak_device_memory_bytes: Option<u64>,
    /// The published value that it stands beside, tokens per second; None where it is of another model,
    /// device or workload.
    pub published_tok_s: Option<f64>,
}

/// The values of one prompt: means over its measured generations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromptSummary {
    /// The prompt's id.
    pub id: String,
    /// `ttft@1`, ms.
    pub ttft_ms: f64,
    /// `tpot@1`, ms per token.
    pub tpot_ms: f64,
    /// `e2e_throughput@1`: total tokens over total seconds.
    pub throughput_tok_s: f64,
}

/// The loads of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LoadSummary {
    /// Their mean, s.
    pub mean_s: f64,
    /// Cold and warm loads are two different values.
    pub compiled_model_cache: CacheState,
}

/// What an A/B came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AbSummary {
    /// The commit that the head was compared with; None where that was none.
    pub base_sha: Option<String>,
    /// [`Experiment::is_of_commits`].
    pub is_of_commits: bool,
    /// Whether one program was compared with itself: what it then finds is noise.
    pub is_against_itself: bool,
    /// Whether pairs count in which a guard tripped, by `--ignore-guards`.
    pub ignores_guards: bool,
    /// What was decided for whoever ran it.
    pub verdict: Option<Verdict>,
    /// What a gate made of it; None where it is not of commits, which no gate judges.
    pub gate_verdict: Option<Verdict>,
    /// The status of a pull request's check, by the gate's decision.
    pub gate_status: Option<Status>,
    /// The change of `tpot@1`, mean over all prompts; None where nothing was compared.
    pub tpot_change: Option<ChangeSummary>,
    /// Means that regressed, with head / base: a verdict may pass with a warning of them.
    pub regressions: Vec<(Metric, f64)>,
    /// Standard deviation of a pair's ratio, percent.
    pub pair_sd_percent: Option<f64>,
}

/// A change with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ChangeSummary {
    /// Pairs that count.
    pub pairs: usize,
    /// Geometric mean of head / base.
    pub ratio: f64,
    /// Lower bound of the interval.
    pub lower: f64,
    /// Upper bound of the interval.
    pub upper: f64,
}

impl SummaryRow {
    /// The means of a run; None where a prompt has no speed, for then they would be of something else.
    pub(super) fn of(run: ArmView<'_>) -> Option<Self> {
        let measured = run.measured_samples();
        let samples: Vec<Sample> = measured.clone().filter_map(SampleRecord::timed).collect();
        let mut by_prompt: HashMap<&str, Vec<&Sample>> = HashMap::new();
        for sample in &samples {
            by_prompt.entry(&sample.prompt_id).or_default().push(sample);
        }
        let prompts = run.workload.prompts.iter().map(|requested| {
            let means = MetricValues::of_samples(by_prompt.get(requested.id.as_str())?.iter().copied());
            Some(PromptSummary {
                id: requested.id.clone(),
                ttft_ms: means.get(Metric::TimeToFirstToken)?,
                tpot_ms: means.get(Metric::TimePerOutputToken)?,
                throughput_tok_s: means.get(Metric::EndToEndThroughput)?,
            })
        });
        let prompts = prompts.collect::<Option<Vec<_>>>()?;
        let all = MetricValues::of_samples(&samples);
        let processes = || run.measured_processes();
        let of_process = |process: &ProcessRecord| {
            MetricValues::of_samples(samples.iter().filter(|sample| sample.process == process.index))
        };
        let by_process: Vec<MetricValues> = processes().map(of_process).collect();
        let of_processes =
            |metric: Metric| by_process.iter().filter_map(|means| means.get(metric)).collect::<Vec<f64>>();
        Some(Self {
            ttft_ms: all.get(Metric::TimeToFirstToken)?,
            tpot_ms: all.get(Metric::TimePerOutputToken)?,
            latency_s: all.get(Metric::EndToEndLatency)?,
            throughput_tok_s: all.get(Metric::EndToEndThroughput)?,
            prompts,
            process_tpot_ms: of_processes(Metric::TimePerOutputToken),
            process_throughput_tok_s: of_processes(Metric::EndToEndThroughput),
            load: LoadSummary::of(processes()),
            peak_rss_bytes: measured.filter_map(|sample| sample.peak_rss_bytes).max(),
            peak_device_memory_bytes: processes().filter_map(|process| process.device_memory_bytes).max(),
            published_tok_s: run
                .experiment
                .published
                .as_ref()
                .filter(|published| published.reference.metric == Metric::EndToEndThroughput)
                .filter(|published| published.difference_to(run.arm).is_none())
                .map(|published| published.reference.value),
        })
    }
}

impl LoadSummary {
    fn of<'a>(processes: impl Iterator<Item = &'a ProcessRecord>) -> Option<Self> {
        let loads: Vec<_> = processes.filter_map(|process| process.load.as_ref()).collect();
        let compiled_model_cache = loads.first()?.compiled_model_cache;
        let seconds: f64 = loads.iter().map(|load| load.load_ns as f64 / 1e9).sum();
        let is_of_one_kind = loads.iter().all(|load| load.compiled_model_cache == compiled_model_cache);
        is_of_one_kind.then(|| Self { mean_s: seconds / loads.len() as f64, compiled_model_cache })
    }
}

impl AbSummary {
    /// Whether the check is green although a metric regressed that only warns.
    pub fn passes_with_warning(&self) -> bool {
        let passes = matches!(self.gate_verdict.or(self.verdict), Some(Verdict::Pass | Verdict::Improved));
        passes && (self.gate_status == Some(Status::GreenWithWarning) || !self.regressions.is_empty())
    }

    pub(super) fn of(record: &Experiment) -> Self {
        let is_of_commits = record.is_of_commits();
        let decision = record.decision.as_ref();
        let gate = record.gate_decision.as_ref().filter(|_| is_of_commits);
        let mean_tpot = decision.or(gate).and_then(|decision| {
            let mut comparisons = decision.comparisons.iter();
            comparisons.find(|it| it.metric == Metric::TimePerOutputToken && it.prompt.is_none())
        });
        Self {
            base_sha: record.base().commit.as_ref().map(|commit| commit.sha.clone()),
            is_of_commits,
            is_against_itself: record.is_against_itself(),
            ignores_guards: record.sampling.ignore_guards,
            verdict: decision.map(|decision| decision.verdict),
            gate_verdict: gate.map(|decision| decision.verdict),
            gate_status: gate.map(|decision| decision.status),
            tpot_change: mean_tpot.map(|it| ChangeSummary {
                pairs: it.pairs,
                ratio: it.ratio,
                lower: it.lower,
                upper: it.upper,
            }),
            regressions: gate.or(decision).map(regressions).unwrap_or_default(),
            pair_sd_percent: decision.or(gate).and_then(|it| it.sensitivity).map(|it| it.pair_sd_percent),
        }
    }
}

fn regressions(decision: &DecisionRecord) -> Vec<(Metric, f64)> {
    let of_mean = decision.comparisons.iter().filter(|it| it.prompt.is_none());
    of_mean.filter(|it| it.result == ComparisonResult::Regressed).map(|it| (it.metric, it.ratio)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::openvino::DeviceFacts;
    use crate::record::{DeviceEvidence, DeviceRecord, Experiment, ProvenDevice, open};

    fn ran(facts: DeviceFacts) -> DeviceRecord {
        let ran = ProvenDevice::establish(DeviceEvidence {
            target: "GPU",
            execution_devices: vec!["GPU.0"],
            facts,
            gpu_counters_grew: Some(true),
            processor_ns: None,
            generation_ns: 1,
        });
        DeviceRecord { requested: "GPU".into(), reason: None, ran: Some(ran.unwrap()) }
    }

    #[test]
    fn another_gpu_of_the_same_machine_is_another_line_and_another_series() {
        let mut run: Experiment =
            open(include_bytes!("../../../fixtures/records/bench-3.0.json"), "a record").unwrap();
        let on_cpu = Setting::of(run.subject());
        let mut of = |facts: DeviceFacts| {
            run.arms[0].device = ran(facts);
            Setting::of(run.subject())
        };
        let named = |name: &str| DeviceFacts { full_name: Some(name.into()), ..DeviceFacts::default() };
        let arc_140v = DeviceFacts {
            pci_id: Some("8086:64a0".into()),
            execution_units: Some(64),
            ..named("Intel(R) Arc(TM) 140V GPU (iGPU)")
        };
        let settings = [
            on_cpu,
            of(arc_140v.clone()),
            of(DeviceFacts { execution_units: Some(56), ..arc_140v.clone() }),
            of(DeviceFacts { pci_id: Some("8086:e20b".into()), ..arc_140v.clone() }),
            of(DeviceFacts { emulated_reason: Some("a layer".into()), ..arc_140v.clone() }),
            of(DeviceFacts { pci_id: None, ..arc_140v }),
            of(named("NVIDIA H200 (dGPU)")),
            of(named("NVIDIA L4 (dGPU)")),
        ];
        for (at, one) in settings.iter().enumerate() {
            for other in &settings[at + 1..] {
                let lines = [one.line(), other.line()];
                assert!(lines[0] != lines[1] && lines[0].id() != lines[1].id(), "{one:?} {other:?}");
                assert!(
                    lines[0].is_beside(&lines[1]) && one.series.id != other.series.id,
                    "{one:?} {other:?}"
                );
            }
        }
    }

    #[test]
    fn a_property_that_is_set_and_not_read_back_is_a_setting_of_its_own() {
        let run: Experiment =
            open(include_bytes!("../../../fixtures/records/bench-3.0.json"), "a record").unwrap();
        let with = |key: &str, value: &str| {
            let mut run = run.clone();
            let runtime = run.arms[0].runtime.as_mut().unwrap();
            runtime.properties_requested.insert(key.to_owned(), value.to_owned());
            (Series::of(run.subject()).id, Epoch::of(run.subject()).id)
        };
        assert_ne!(with("A_HIDDEN_SWITCH", "1"), with("A_HIDDEN_SWITCH", "2"));
        let read_back = run.arms[0].runtime.as_ref().unwrap().properties_effective.keys().next().unwrap();
        assert_eq!(with(read_back, "1"), with(read_back, "2"), "what is read back is in force");
    }

    #[test]
    fn what_a_warm_load_reads_back_changes_neither_series_nor_epoch() {
        let cold: Experiment =
            open(include_bytes!("../../../fixtures/records/bench-3.0.json"), "a record").unwrap();
        let mut warm = cold.clone();
        let runtime = warm.arms[0].runtime.as_mut().unwrap();
        runtime.properties_warm = [("KV_CACHE_PRECISION".to_owned(), "dynamic".to_owned())].into();
        assert_eq!(
            (Series::of(warm.subject()), Epoch::of(warm.subject())),
            (Series::of(cold.subject()), Epoch::of(cold.subject()))
        );
    }
}

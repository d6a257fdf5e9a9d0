//! An invented worker process: its load, its generations, its memory, and the machine around it, read once a second.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::measure::guard::{
    CpuPolicy, GpuDriver, GpuFacts, GpuReading, GuardLog, MachineFacts, MachineReading, Phase, Temperatures,
    WorkerGpuUse,
};
use crate::measure::protocol::{CacheState, KvBytesSource, KvCache};
use crate::measure::supervisor::{PhaseMemory, Purpose};
use crate::measure::{BandwidthReading, Role};
use crate::record::{LoadRecord, ProcessRecord, RequestedPrompt, SampleRecord, SampleTimes, WorkloadRecord};
use crate::report::demo::machines::{Cost, DemoGpu, DemoMachine};
use crate::report::demo::story::{DemoPlan, Noise, nearest};
use crate::sys::fdinfo::OtherGpuUse;
use crate::sys::{ClockPair, CpuTime, MemoryReading, Observed};
use crate::workload::TokenId;

/// Single tokens differ by so much, as a share.
const TOKEN_SD: f64 = 0.012;
/// The system takes a core away now and then, for a part of a token's time.
const STALL_PROBABILITY: f64 = 0.004;
const STALL_SHARE: f64 = 0.6;
/// What each token in the cache adds to the time of the next one, as a share.
const GROWTH: f64 = 0.000_15;
/// What compiling adds to a load, as a factor.
const COLD_LOAD: f64 = 5.5;
const SECOND_NS: u64 = 1_000_000_000;

/// What a process is to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) machine: &'a DemoMachine,
    pub(super) requested: &'a Request,
    /// What its code takes at this moment, before chance.
    pub(super) cost: Cost,
    /// Which measured process, from 0.
    pub(super) index: usize,
    pub(super) started_ns: u64,
    pub(super) trouble: Option<Trouble>,
    /// How much more than usual it differs by chance, as a factor.
    pub(super) restlessness: f64,
}

#[derive(Debug, Clone)]
pub(super) struct Done {
    pub(super) process: ProcessRecord,
    pub(super) samples: Vec<SampleRecord>,
}

impl Task<'_> {
    pub(super) fn done(&self, noise: &mut Noise) -> Done {
        let luck = noise.factor(self.machine.spread.process * self.restlessness);
        let load_ns = nearest(self.cost.load_ns * noise.factor(0.015));
        let heat = if self.trouble == Some(Trouble::Heat) { 1.06 } else { 1.0 };
        let loaded_ns = self.started_ns + SECOND_NS / 20 + load_ns;
        let mut now_ns = loaded_ns;
        let prompts = self.requested.prompts();
        let order: Vec<usize> = (0..prompts).map(|at| (at + self.index) % prompts.max(1)).collect();
        let mut samples = Vec::with_capacity(prompts + 1);
        let warm_up = order.first().map(|first| (*first, Role::WarmUp, 1.03));
        let measured = order.iter().map(|prompt| (*prompt, Role::Measured, 1.0));
        for (prompt, role, factor) in warm_up.into_iter().chain(measured) {
            now_ns += SECOND_NS / 50;
            let pace = luck * heat * factor;
            samples.push(self.generation(prompt, role, pace, &mut now_ns, noise));
        }
        let ended_ns = now_ns + SECOND_NS / 5;
        let device_bytes = self.cost.device_bytes.map(nearest);
        let process = ProcessRecord {
            prompt_order: order
                .into_iter()
                .map(|prompt| self.requested.workload.prompts[prompt].id.clone())
                .collect(),
            load: Some(LoadRecord {
                load_ns,
                compiled_model_cache: CacheState::Warm,
                loaded_from_cache: Some(true),
            }),
            memory: self.memory(noise),
            kv_cache: Some(self.kv_cache()),
            device_memory_bytes: device_bytes,
            processor_ns: Some(nearest(now_ns.saturating_sub(loaded_ns) as f64 * self.processor_share())),
            bandwidth_before: Some(bandwidth_reading(self.machine, noise)),
            guards: Some(watch(
                Watched {
                    gpu: self.machine.gpu,
                    device_bytes,
                    started_ns: self.started_ns,
                    loaded_ns,
                    ended_ns,
                    trouble: self.trouble,
                },
                noise,
            )),
            ..blank(Purpose::Measured, self.index, self.started_ns, ended_ns)
        };
        Done { process, samples }
    }

    /// It only fills the cache of compiled models: after a driver or OpenVINO was exchanged nothing in
    /// there can be used.
    pub(super) fn primed(&self, noise: &mut Noise) -> ProcessRecord {
        let load_ns = nearest(self.cost.load_ns * COLD_LOAD * noise.factor(0.03));
        let ended_ns = self.started_ns + SECOND_NS / 4 + load_ns;
        let load = Some(LoadRecord {
            load_ns,
            compiled_model_cache: CacheState::Cold,
            loaded_from_cache: Some(false),
        });
        ProcessRecord { load, ..blank(Purpose::CacheWarmUp, 0, self.started_ns, ended_ns) }
    }

    fn generation(
        &self,
        prompt: usize,
        role: Role,
        pace: f64,
        now_ns: &mut u64,
        noise: &mut Noise,
    ) -> SampleRecord {
        let (requested, token_ids) =
            (&self.requested.workload.prompts[prompt], &self.requested.answers[prompt]);
        let context = requested.token_ids.len();
        let submitted_ns = *now_ns;
        let mut token_ns = Vec::with_capacity(token_ids.len());
        let mut infer_ns = Vec::with_capacity(token_ids.len());
        for token in 0..token_ids.len() {
            let step_ns = if token == 0 {
                // A prompt takes longer the longer it is, and some time however short.
                self.cost.ttft_ns * (0.6 + 0.4 * context as f64 / 24.0) * pace * noise.factor(TOKEN_SD)
            } else {
                let grown = 1.0 + GROWTH * (context + token) as f64;
                let stall = if noise.happens(STALL_PROBABILITY) { STALL_SHARE } else { 0.0 };
                self.cost.tpot_ns * grown * pace * (noise.factor(TOKEN_SD) + stall)
            };
            *now_ns += nearest(step_ns);
            token_ns.push(*now_ns);
            infer_ns.push(nearest(step_ns * 0.991));
        }
        let rss_bytes = nearest(self.cost.rss_bytes * noise.factor(0.001));
        SampleRecord {
            role,
            prompt_id: requested.id.clone(),
            process: self.index,
            prompt_tokens: context,
            token_ids: token_ids.clone(),
            times: Some(SampleTimes { submitted_ns, token_ns, infer_ns }),
            peak_rss_bytes: Some(rss_bytes),
            rss_anonymous_bytes: Some(rss_bytes / 2),
            rss_file_bytes: Some(rss_bytes / 3),
        }
    }

    fn memory(&self, noise: &mut Noise) -> PhaseMemory {
        let mut phase = |share: f64| {
            let rss_bytes = nearest(self.cost.rss_bytes * share * noise.factor(0.001));
            MemoryReading {
                peak_rss_bytes: Some(rss_bytes),
                rss_anonymous_bytes: Some(rss_bytes / 2),
                rss_file_bytes: Some(rss_bytes / 3),
                device_resident_bytes: self.cost.device_bytes.map(|bytes| nearest(bytes * share.min(1.0))),
            }
        };
        PhaseMemory { load: phase(1.18), prefill: phase(0.98), decode: phase(1.0) }
    }

    fn kv_cache(&self) -> KvCache {
        let tokens =
            self.requested.workload.prompts.first().map_or(0, |prompt| prompt.token_ids.len() as u64)
                + self.requested.workload.new_tokens as u64;
        // 24 layers of 8 heads of 64, keys and values.
        let (layers, precision, bytes) =
            if self.machine.gpu.is_some() { (24, "f16", 2) } else { (4, "f32", 4) };
        let elements = tokens * layers * 8 * 64 * 2;
        let bytes_source = KvBytesSource::CachePrecision;
        KvCache {
            tokens,
            elements,
            precision: precision.to_owned(),
            bytes: Some(elements * bytes),
            bytes_source,
        }
    }

    /// A worker that waits for its GPU leaves the processor to others.
    fn processor_share(&self) -> f64 {
        if self.machine.gpu.is_some() { 0.31 } else { 7.4 }
    }
}

/// A process that ended well and of which nothing else is known.
pub(super) fn blank(purpose: Purpose, index: usize, started_ns: u64, ended_ns: u64) -> ProcessRecord {
    ProcessRecord {
        purpose,
        index,
        exit_reason: "done".to_owned(),
        exit_detail: None,
        output_tail: Vec::new(),
        prompt_order: Vec::new(),
        load: None,
        memory: PhaseMemory::default(),
        kv_cache: None,
        device_memory_bytes: None,
        processor_ns: None,
        bandwidth_before: None,
        guards: None,
        started_ns: Some(started_ns),
        ended_ns: Some(ended_ns),
    }
}

/// About 100 GB/s beside an integrated GPU, and half of that elsewhere.
pub(super) fn bandwidth_reading(machine: &DemoMachine, noise: &mut Noise) -> BandwidthReading {
    let pass_ns = if machine.number == 0 { 2.6e6 } else { 5.1e6 };
    BandwidthReading {
        buffer_bytes: 256 << 20,
        threads: 8,
        pass_ns: (0..5).map(|_| nearest(pass_ns * (1.0 + 0.004 * noise.normal().abs()))).collect(),
    }
}

const START_CELSIUS: f64 = 44.0;
/// How much warmer it becomes in the end.
const RISE_CELSIUS: f64 = 27.0;
/// How much slower a GPU's clock is that is too hot.
const HOT_CLOCK_SHARE: u32 = 80;

/// What goes wrong with a machine while it measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Heat holds the GPU back.
    Heat,
    /// Memory is read back from swap.
    Swap,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Watched {
    pub(super) gpu: Option<DemoGpu>,
    pub(super) device_bytes: Option<u64>,
    pub(super) started_ns: u64,
    pub(super) loaded_ns: u64,
    pub(super) ended_ns: u64,
    pub(super) trouble: Option<Trouble>,
}

/// A reading before the process, one each second, and one after it.
pub(super) fn watch(process: Watched, noise: &mut Noise) -> GuardLog {
    let during = (process.started_ns + SECOND_NS / 2..process.ended_ns).step_by(1_000_000_000);
    let start_celsius = START_CELSIUS + 0.5 * noise.normal();
    let mut moment = |at_ns: u64, phase: Phase| process.reading(at_ns, phase, start_celsius, noise);
    let mut readings = vec![moment(process.started_ns.saturating_sub(SECOND_NS / 10), Phase::Before)];
    readings.extend(during.map(|at_ns| moment(at_ns, Phase::During)));
    readings.push(moment(process.ended_ns + SECOND_NS / 10, Phase::After));
    let clocks = |ns: u64| Observed::Observed(ClockPair { monotonic_ns: ns, boottime_ns: ns });
    GuardLog {
        facts: process.facts(),
        facts_at_end: None,
        clocks_before: clocks(process.started_ns),
        clocks_after: clocks(process.ended_ns),
        readings,
        cut_short_reason: None,
    }
}

impl Watched {
    fn facts(&self) -> MachineFacts {
        let one = |word: &str| Observed::Observed(vec![word.to_owned()]);
        MachineFacts {
            cpu: CpuPolicy {
                governors: one("performance"),
                energy_preferences: one("performance"),
                is_turbo_off: Observed::Observed(false),
            },
            platform_profile: Observed::Observed("balanced".to_owned()),
            gpus: self.of_gpu(|gpu| GpuFacts {
                pci_address: gpu.pci_address.to_owned(),
                driver: GpuDriver::Xe,
                min_mhz: Observed::Observed(400),
                max_mhz: Observed::Observed(gpu.mhz),
                throttle_reasons: Observed::Observed(
                    ["pl1", "pl2", "prochot", "thermal", "vr_tdc"].map(str::to_owned).to_vec(),
                ),
            }),
            energy_range_microjoules: Observed::Observed(262_143_328_850.into()),
        }
    }

    fn of_gpu<T>(&self, of: impl Fn(DemoGpu) -> T) -> Observed<Vec<T>> {
        match self.gpu {
            Some(gpu) => Observed::Observed(vec![of(gpu)]),
            None => Observed::not("no card in `/sys/class/drm` has the driver xe or i915"),
        }
    }

    /// From 0 at the start; the machine's own counters grow with it.
    fn seconds(&self, at_ns: u64) -> f64 {
        at_ns.saturating_sub(self.started_ns) as f64 / 1e9
    }

    fn reading(&self, at_ns: u64, phase: Phase, start_celsius: f64, noise: &mut Noise) -> MachineReading {
        let seconds = self.seconds(at_ns);
        let works = phase == Phase::During && at_ns >= self.loaded_ns;
        let is_hot = works && self.trouble == Some(Trouble::Heat) && seconds > 6.0;
        // It nears its end as a charge does, and half of the way is done after ten seconds.
        let celsius = start_celsius + RISE_CELSIUS * seconds / (seconds + 10.0) + 0.3 * noise.normal();
        let celsius = if is_hot { celsius + 34.0 } else { celsius };
        let swapped = if works && self.trouble == Some(Trouble::Swap) { nearest(seconds * 180.0) } else { 0 };
        MachineReading {
            at_ns,
            phase,
            gpus: self.of_gpu(|gpu| clocks(gpu, works, is_hot)),
            temperatures_celsius: Observed::Observed(Temperatures {
                by_sensor_celsius: BTreeMap::from([
                    ("coretemp Package id 0".to_owned(), (celsius * 10.0).round() / 10.0),
                    ("iwlwifi_1".to_owned(), 41.0),
                ]),
            }),
            cpu_throttle_count: Observed::Observed(7),
            is_on_ac_power: Observed::Observed(true),
            cpu_some_avg10_percent: Observed::Observed(if noise.happens(0.2) { 0.27 } else { 0.0 }),
            // The worker has four of eight processors, and others a hundredth of one.
            cpu_time: Observed::Observed(CpuTime {
                processors: 8,
                busy_ns: 900_000_000_000 + nearest(seconds * 4.01e9),
                own_ns: nearest(seconds * 4e9),
            }),
            memory_full_avg10_percent: Observed::Observed(0.0),
            io_some_avg10_percent: Observed::Observed(if works { 0.0 } else { 3.1 }),
            pages_swapped_in: Observed::Observed(9_120 + swapped),
            oom_kills: Observed::Observed(0),
            // Some 28 W, in microjoules.
            energy_microjoules: Observed::Observed((5_000_000_000 + nearest(seconds * 28e6)).into()),
            worker_gpus: self.worker_gpus(at_ns, phase),
            other_gpu: match (self.gpu, phase) {
                (None, _) => Observed::not("no process of another has a client of an Intel GPU"),
                (Some(_), _) => Observed::Observed(OtherGpuUse {
                    clients: 2,
                    busy_share: (phase != Phase::Before).then_some(0.004),
                    hidden_processes: 0,
                }),
            },
        }
    }

    /// The worker's client is there from the load on until its end.
    fn worker_gpus(&self, at_ns: u64, phase: Phase) -> Observed<Vec<WorkerGpuUse>> {
        let Some(gpu) = self.gpu.filter(|_| phase == Phase::During) else {
            return Observed::Observed(Vec::new());
        };
        let worked_ns = at_ns.saturating_sub(self.loaded_ns);
        let loading = self.loaded_ns.saturating_sub(self.started_ns).max(1) as f64;
        let share = (at_ns.saturating_sub(self.started_ns) as f64 / loading).min(1.0);
        Observed::Observed(vec![WorkerGpuUse {
            pci_address: gpu.pci_address.to_owned(),
            clients: 1,
            // 19.2 MHz, of which nearly all are busy while tokens are made.
            busy_cycles: BTreeMap::from([("ccs".to_owned(), worked_ns / 1_000 * 19)]),
            busy_ns: BTreeMap::new(),
            resident_bytes: self.device_bytes.map(|bytes| nearest(bytes as f64 * share)),
        }])
    }
}

fn clocks(gpu: DemoGpu, works: bool, is_hot: bool) -> GpuReading {
    let mhz = match (works, is_hot) {
        (false, _) => 800,
        (true, false) => gpu.mhz,
        (true, true) => gpu.mhz * HOT_CLOCK_SHARE / 100,
    };
    GpuReading {
        pci_address: gpu.pci_address.to_owned(),
        actual_mhz: Observed::Observed(mhz),
        requested_mhz: Observed::Observed(gpu.mhz),
        throttled_by: Observed::Observed(if is_hot { vec!["thermal".to_owned()] } else { Vec::new() }),
    }
}

/// A stream of its own for tokens.
const TOKENS: u64 = 3;
/// Tokens of the shipped model's vocabulary, which the large one has, too.
const VOCABULARY: u64 = 600;

struct Reference {
    id: &'static str,
    title: &'static str,
    tokens: usize,
}

const REFERENCES: [Reference; 3] = [
    Reference { id: "moe-vs-dense", title: "MoE vs Dense transformer", tokens: 20 },
    Reference { id: "fibonacci", title: "Fibonacci memoization", tokens: 23 },
    Reference { id: "openvino-advantages", title: "OpenVINO advantages", tokens: 30 },
];

#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) workload: WorkloadRecord,
    /// By prompt, in the order requested.
    pub(super) answers: Vec<Vec<TokenId>>,
}

impl Request {
    /// Of a model, by its number.
    ///
    /// # Errors
    /// None in practice.
    pub(super) fn of(plan: &DemoPlan, model: u64) -> Result<Self> {
        let tokens = |stream: u64, prompt: usize, count: usize| -> Vec<TokenId> {
            let mut noise = Noise::of(plan.seed, &[TOKENS, stream, prompt as u64]);
            (0..count).map(|_| TokenId::try_from(noise.below(VOCABULARY)).unwrap_or_default()).collect()
        };
        let prompts = REFERENCES.iter().enumerate().map(|(at, reference)| RequestedPrompt {
            id: reference.id.to_owned(),
            title: reference.title.to_owned(),
            token_ids: tokens(0, at, reference.tokens),
        });
        Ok(Self {
            workload: WorkloadRecord::new(prompts.collect(), plan.runs, plan.new_tokens)?,
            answers: (0..REFERENCES.len()).map(|at| tokens(model + 1, at, plan.new_tokens)).collect(),
        })
    }

    pub(super) fn prompts(&self) -> usize {
        self.workload.prompts.len()
    }
}

//! An invented worker process: its load, its generations, its memory and the machine around it.

use crate::measure::protocol::{CacheState, KvBytesSource, KvCache};
use crate::measure::supervisor::{PhaseMemory, Purpose};
use crate::measure::{BandwidthReading, Role};
use crate::record::{LoadRecord, ProcessRecord, SampleRecord, SampleTimes};
use crate::report::demo::guards::{Trouble, Watched, watch};
use crate::report::demo::machine::{Cost, DemoMachine};
use crate::report::demo::noise::{Noise, nearest};
use crate::report::demo::prompts::Request;
use crate::sys::MemoryReading;

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

/// What a process leaves.
#[derive(Debug, Clone)]
pub(super) struct Done {
    pub(super) process: ProcessRecord,
    pub(super) samples: Vec<SampleRecord>,
}

impl Task<'_> {
    /// It does all that it was asked.
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

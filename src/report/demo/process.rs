//! An invented worker process: its load, its generations, its memory, and the machine around it, read once a second.

use crate::measure::Role;
use crate::measure::guard::{GpuReading, GuardLog, MachineReading, Phase, WorkerGpuUse};
use crate::measure::protocol::{CacheState, KvCache};
use crate::measure::supervisor::{PhaseMemory, Purpose, Soak};
use crate::record::{LoadRecord, ProcessRecord, RequestedPrompt, SampleRecord, SampleTimes};
use crate::report::demo::machines::{Cost, DemoMachine, Template};
use crate::report::demo::story::{Event, Noise, nearest};
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
const START_CELSIUS: f64 = 44.0;
/// How much warmer it becomes in the end.
const RISE_CELSIUS: f64 = 27.0;
/// How much slower a GPU's clock is that is too hot, percent.
const HOT_CLOCK_PERCENT: u32 = 80;
/// A chip that has worked for so long is held to its lasting power: its clock sinks, and a token takes longer.
const BOOST_NS: u64 = 50 * SECOND_NS;
const LASTING_CLOCK_PERCENT: u32 = 93;
const LASTING_PACE: f64 = 1.055;

/// What a process is to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) machine: &'a DemoMachine,
    pub(super) template: &'a Template,
    pub(super) prompts: &'a [RequestedPrompt],
    /// By prompt.
    pub(super) answers: &'a [Vec<TokenId>],
    /// What its code takes at this moment, before chance.
    pub(super) cost: Cost,
    /// Which measured process, from 0.
    pub(super) index: usize,
    pub(super) started_ns: u64,
    /// What goes wrong while it runs.
    pub(super) event: Event,
    /// For how long it goes on; None: each prompt is answered once.
    pub(super) soak: Option<Soak>,
}

/// When a process works: from the load on but for a pause.
#[derive(Debug, Clone, Copy)]
struct Work {
    loaded_ns: u64,
    pause: Option<(u64, u64)>,
    ended_ns: u64,
}

pub(super) struct Done {
    pub(super) process: ProcessRecord,
    pub(super) samples: Vec<SampleRecord>,
}

impl Task<'_> {
    pub(super) fn done(&self, noise: &mut Noise) -> Done {
        let luck = noise.factor(self.cost.spread * self.event.restlessness());
        let load_ns = nearest(self.cost.load_ns * noise.factor(0.015));
        let heat = if self.event == Event::Throttled { 1.06 } else { 1.0 };
        let loaded_ns = self.started_ns + SECOND_NS / 20 + load_ns;
        let mut now_ns = loaded_ns;
        let count = self.prompts.len();
        let order: Vec<usize> = (0..count).map(|at| (at + self.index) % count.max(1)).collect();
        let warm_up = order.first().map(|first| (*first, Role::WarmUp, 1.03));
        let measured = order.iter().map(|prompt| (*prompt, Role::Measured, 1.0));
        let (mut samples, mut pause) = (Vec::with_capacity(count + 1), None);
        for (prompt, role, factor) in warm_up.into_iter().chain(measured) {
            now_ns += SECOND_NS / 50;
            samples.push(self.generation(prompt, role, luck * heat * factor, &mut now_ns, noise));
        }
        let goes_on_until =
            |share: u64| self.soak.map_or(0, |it| loaded_ns + it.process_s * SECOND_NS / share);
        while now_ns < goes_on_until(1) {
            if let Some(soak) = self.soak.filter(|_| pause.is_none() && now_ns >= goes_on_until(2)) {
                let ends_ns = now_ns + soak.pause_s * SECOND_NS;
                pause = Some((now_ns, ends_ns));
                now_ns = ends_ns;
            }
            for prompt in &order {
                now_ns += SECOND_NS / 50;
                let work = Work { loaded_ns, pause, ended_ns: u64::MAX };
                let pace = if work.is_limited(now_ns) { luck * LASTING_PACE } else { luck };
                samples.push(self.generation(*prompt, Role::Measured, pace, &mut now_ns, noise));
            }
        }
        let ended_ns = now_ns + SECOND_NS / 5;
        let load =
            LoadRecord { load_ns, compiled_model_cache: CacheState::Warm, loaded_from_cache: Some(true) };
        let tokens = (self.prompts[0].token_ids.len() + self.answers[0].len()) as u64;
        let of_one = self.template.process.kv_cache.as_ref();
        let process = ProcessRecord {
            prompt_order: order.into_iter().map(|prompt| self.prompts[prompt].id.clone()).collect(),
            load: Some(load),
            memory: self.memory(noise),
            kv_cache: of_one.map(|of_one| KvCache {
                tokens,
                elements: tokens * of_one.elements,
                bytes: of_one.bytes.map(|bytes| tokens * bytes),
                ..of_one.clone()
            }),
            device_memory_bytes: self.cost.device_bytes.map(nearest),
            processor_ns: Some(nearest(now_ns.saturating_sub(loaded_ns) as f64 * self.cost.processor_share)),
            bandwidth_before: Some(self.machine.bandwidth(noise)),
            guards: Some(self.watch(Work { loaded_ns, pause, ended_ns }, noise)),
            ..self.blank(Purpose::Measured, ended_ns)
        };
        Done { process, samples }
    }

    /// It only fills the cache of compiled models: after a driver or OpenVINO was replaced nothing in
    /// there can be used.
    pub(super) fn warm_up(&self, noise: &mut Noise) -> ProcessRecord {
        let load_ns = nearest(self.cost.load_ns * COLD_LOAD * noise.factor(0.03));
        let ended_ns = self.started_ns + SECOND_NS / 4 + load_ns;
        let load =
            LoadRecord { load_ns, compiled_model_cache: CacheState::Cold, loaded_from_cache: Some(false) };
        ProcessRecord { load: Some(load), ..self.blank(Purpose::CacheWarmUp, ended_ns) }
    }

    /// A process of which nothing but its times is known.
    pub(super) fn blank(&self, purpose: Purpose, ended_ns: u64) -> ProcessRecord {
        ProcessRecord {
            purpose,
            index: self.index,
            load: None,
            kv_cache: None,
            processor_ns: None,
            bandwidth_before: None,
            started_ns: Some(self.started_ns),
            ended_ns: Some(ended_ns),
            ..self.template.process.clone()
        }
    }

    fn generation(
        &self,
        prompt: usize,
        role: Role,
        pace: f64,
        now_ns: &mut u64,
        noise: &mut Noise,
    ) -> SampleRecord {
        let (prompt, token_ids) = (&self.prompts[prompt], &self.answers[prompt]);
        let context = prompt.token_ids.len();
        let submitted_ns = *now_ns;
        let (mut token_ns, mut infer_ns) = (Vec::new(), Vec::new());
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
        let memory = self.resident(1.0, noise);
        SampleRecord {
            role,
            prompt_id: prompt.id.clone(),
            process: self.index,
            prompt_tokens: context,
            token_ids: token_ids.clone(),
            times: Some(SampleTimes { submitted_ns, token_ns, infer_ns }),
            peak_rss_bytes: memory.peak_rss_bytes,
            rss_anonymous_bytes: memory.rss_anonymous_bytes,
            rss_file_bytes: memory.rss_file_bytes,
        }
    }

    fn memory(&self, noise: &mut Noise) -> PhaseMemory {
        let mut phase = |share: f64| self.resident(share, noise);
        PhaseMemory { load: phase(1.18), prefill: phase(0.98), decode: phase(1.0) }
    }

    fn resident(&self, share: f64, noise: &mut Noise) -> MemoryReading {
        let rss_bytes = nearest(self.cost.rss_bytes * share * noise.factor(0.001));
        MemoryReading {
            peak_rss_bytes: Some(rss_bytes),
            rss_anonymous_bytes: Some(rss_bytes / 2),
            rss_file_bytes: Some(rss_bytes / 3),
            device_resident_bytes: self.cost.device_bytes.map(|bytes| nearest(bytes * share.min(1.0))),
        }
    }

    /// A reading before the process, one each second, and one after it.
    fn watch(&self, work: Work, noise: &mut Noise) -> GuardLog {
        let (start_celsius, ended_ns) = (START_CELSIUS + 0.5 * noise.normal(), work.ended_ns);
        let mut read = |at_ns: u64, phase: Phase| self.reading(at_ns, phase, work, start_celsius, noise);
        let during = (self.started_ns + SECOND_NS / 2..ended_ns).step_by(1_000_000_000);
        let mut readings = vec![read(self.started_ns.saturating_sub(SECOND_NS / 10), Phase::Before)];
        readings.extend(during.map(|at_ns| read(at_ns, Phase::During)));
        readings.push(read(ended_ns + SECOND_NS / 10, Phase::After));
        let clocks = |ns: u64| Observed::Observed(ClockPair { monotonic_ns: ns, boottime_ns: ns });
        GuardLog {
            clocks_before: clocks(self.started_ns),
            clocks_after: clocks(ended_ns),
            readings,
            ..self.template.guards.clone()
        }
    }

    fn reading(
        &self,
        at_ns: u64,
        phase: Phase,
        work: Work,
        start_celsius: f64,
        noise: &mut Noise,
    ) -> MachineReading {
        // From 0 at the start; the machine's own counters grow with it.
        let seconds = at_ns.saturating_sub(self.started_ns) as f64 / 1e9;
        let works = phase == Phase::During && work.stretch_ns(at_ns).is_some();
        let is_limited = works && self.soak.is_some() && work.is_limited(at_ns);
        let is_hot = works && self.event == Event::Throttled && seconds > 6.0;
        // It nears its end as a charge does, and half of the way is done after ten seconds.
        let rise = match work.pause {
            Some((begins_ns, ends_ns)) if at_ns >= begins_ns => {
                let cooled_s = at_ns.min(ends_ns).saturating_sub(begins_ns) as f64 / 1e9;
                let warmed_s = at_ns.saturating_sub(ends_ns) as f64 / 1e9;
                1.0 - cooled_s / (cooled_s + 10.0) * 10.0 / (warmed_s + 10.0)
            }
            _ => seconds / (seconds + 10.0),
        };
        let celsius = start_celsius + RISE_CELSIUS * rise + 0.3 * noise.normal();
        let celsius = if is_hot { celsius + 34.0 } else { celsius };
        let mut reading = MachineReading {
            at_ns,
            phase,
            cpu_some_avg10_percent: Observed::Observed(if noise.happens(0.2) { 0.27 } else { 0.0 }),
            // The worker has four of eight processors, and others a hundredth of one.
            cpu_time: Observed::Observed(CpuTime {
                processors: 8,
                busy_ns: 900_000_000_000 + nearest(seconds * 4.01e9),
                own_ns: nearest(seconds * 4e9),
            }),
            // Some 28 W, in microjoules.
            energy_microjoules: Observed::Observed((5_000_000_000 + nearest(seconds * 28e6)).into()),
            ..self.template.reading.clone()
        };
        if let Observed::Observed(temperatures) = &mut reading.temperatures_celsius {
            let rounded = (celsius * 10.0).round() / 10.0;
            temperatures.by_sensor_celsius.insert("coretemp Package id 0".to_owned(), rounded);
        }
        if !works {
            reading.io_some_avg10_percent = Observed::Observed(3.1);
        } else if self.event == Event::Swapping {
            reading.pages_swapped_in = reading.pages_swapped_in.map(|pages| pages + nearest(seconds * 180.0));
        }
        for gpu in observed(&mut reading.gpus).into_iter().flatten() {
            set_clock(gpu, works, is_hot, is_limited);
        }
        for gpu in observed(&mut reading.worker_gpus).into_iter().flatten() {
            self.set_work(gpu, at_ns, work.loaded_ns);
        }
        // The worker's client is there from the load on until its end.
        if phase != Phase::During {
            reading.worker_gpus = Observed::Observed(Vec::new());
        }
        if let Some(others) = observed(&mut reading.other_gpu).filter(|_| phase == Phase::Before) {
            others.busy_share = None;
        }
        reading
    }

    fn set_work(&self, gpu: &mut WorkerGpuUse, at_ns: u64, loaded_ns: u64) {
        let loading = loaded_ns.saturating_sub(self.started_ns).max(1) as f64;
        let share = (at_ns.saturating_sub(self.started_ns) as f64 / loading).min(1.0);
        // 19.2 MHz, of which nearly all are busy while tokens are made.
        gpu.busy_cycles.insert("ccs".to_owned(), at_ns.saturating_sub(loaded_ns) / 1_000 * 19);
        gpu.resident_bytes = self.cost.device_bytes.map(|bytes| nearest(bytes.round() * share));
    }
}

impl Work {
    /// For how long it has worked without a pause, ns; None while it does not.
    fn stretch_ns(self, at_ns: u64) -> Option<u64> {
        match self.pause {
            Some((begins_ns, ends_ns)) if at_ns >= begins_ns => at_ns.checked_sub(ends_ns),
            _ => at_ns.checked_sub(self.loaded_ns),
        }
    }

    /// Whether it has worked for so long that the chip is held to its lasting power.
    fn is_limited(self, at_ns: u64) -> bool {
        self.stretch_ns(at_ns).is_some_and(|stretch_ns| stretch_ns > BOOST_NS)
    }
}

fn observed<T>(observed: &mut Observed<T>) -> Option<&mut T> {
    match observed {
        Observed::Observed(value) => Some(value),
        Observed::NotObserved { .. } => None,
    }
}

fn set_clock(gpu: &mut GpuReading, works: bool, is_hot: bool, is_limited: bool) {
    if !works {
        gpu.actual_mhz = Observed::Observed(800);
    } else if is_hot {
        gpu.actual_mhz = gpu.actual_mhz.clone().map(|mhz| mhz * HOT_CLOCK_PERCENT / 100);
        gpu.throttled_by = Observed::Observed(vec!["thermal".to_owned()]);
    } else if is_limited {
        gpu.actual_mhz = gpu.actual_mhz.clone().map(|mhz| mhz * LASTING_CLOCK_PERCENT / 100);
        // A limit of power and no heat: it invalidates nothing.
        gpu.throttled_by = Observed::Observed(vec!["pl1".to_owned()]);
    }
}

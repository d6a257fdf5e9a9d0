//! Invented readings of a machine's state, one a second, as the watch takes them.

use std::collections::BTreeMap;

use crate::measure::guard::{
    CpuPolicy, GpuDriver, GpuFacts, GpuReading, GuardLog, MachineFacts, MachineReading, Phase, Temperatures,
    WorkerGpuUse,
};
use crate::report::demo::machine::DemoGpu;
use crate::report::demo::noise::{Noise, nearest};
use crate::sys::fdinfo::OtherGpuUse;
use crate::sys::{ClockPair, Observed};

const SECOND_NS: u64 = 1_000_000_000;
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

/// A process to be watched.
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
                max_mhz: Observed::Observed(gpu.max_mhz),
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
        requested_mhz: Observed::Observed(gpu.max_mhz),
        throttled_by: Observed::Observed(if is_hot { vec!["thermal".to_owned()] } else { Vec::new() }),
    }
}

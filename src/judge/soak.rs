//! The pace of a soak over time: in windows of whole passes over the prompts, with what the machine reported meanwhile;
//! where it changed, and whether it came back after a pause and after a restart.

use serde::Serialize;

use crate::engine::openvino::DeviceKind;
use crate::judge::change_point::{ChangePoint, Detection, change_points};
use crate::judge::environment::{ProcessGuards, TimeSpan, energy};
use crate::measure::guard::{GuardLog, MachineReading};
use crate::measure::{Metric, MetricValues};
use crate::record::{ArmView, ProcessRecord, SampleRecord};

/// A soak is shown in so many windows at most.
const MOST_WINDOWS: usize = 120;
/// A change of the pace that is smaller is not reported, a share.
const SMALLEST_CHANGE: f64 = 0.02;
/// Windows on each side of a pause or a restart that are compared, at most.
const BESIDE: usize = 3;

/// Some whole passes over the prompts, one right after the other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SoakWindow {
    /// Which process, from 0.
    pub process: usize,
    /// Whether it comes after the pause of its process.
    pub is_after_pause: bool,
    /// From the first submission of the soak to the middle of the window, s.
    pub at_s: f64,
    /// `tpot@1`, geometric mean over the generations, ms per token.
    pub tpot_ms: f64,
    /// Highest temperature of the chip, degrees Celsius; None where it was not observed.
    pub celsius: Option<f64>,
    /// Mean clock of the GPU that is fastest, MHz; None where it was not observed.
    pub gpu_mhz: Option<f64>,
    /// Mean power of the packages, W; None where it was not observed.
    pub watts: Option<f64>,
    /// Highest resident set of the worker, bytes.
    pub peak_rss_bytes: Option<u64>,
}

/// Where the pace changed within a soak.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PaceChange {
    /// When, s from the beginning.
    pub at_s: f64,
    /// `tpot@1` before, ms.
    pub before_ms: f64,
    /// And after, ms.
    pub after_ms: f64,
}

/// What a soak shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SoakResult {
    /// In order of time.
    pub windows: Vec<SoakWindow>,
    /// Where the pace changed by more than 2 %.
    pub changes: Vec<PaceChange>,
    /// TPOT after the first pause over that before it; None where there was none.
    pub after_pause: Option<f64>,
    /// TPOT after the restart over that before it; None where there was none.
    pub after_restart: Option<f64>,
    /// Whether some of it ran on battery.
    pub on_battery: bool,
}

impl SoakResult {
    /// Of a record of a soak. Empty where it has no times.
    pub fn of(record: &ArmView<'_>) -> Self {
        let prompts = record.workload.prompts.len().max(1);
        let passes: Vec<Vec<&SampleRecord>> = record
            .measured_processes()
            .map(|process| {
                record.measured_samples().filter(move |sample| sample.process == process.index).collect()
            })
            .collect();
        let whole: usize = passes.iter().map(|samples| samples.len() / prompts).sum();
        let per_window = prompts * whole.div_ceil(MOST_WINDOWS).max(1);
        let began_ns = SampleRecord::span(record.measured_samples()).map_or(0, |(began_ns, _)| began_ns);
        let pause_ns = record.experiment.sampling.soak.map_or(0, |soak| soak.pause_s * 1_000_000_000);
        let mut windows = Vec::new();
        for (process, samples) in record.measured_processes().zip(&passes) {
            let mut is_after_pause = false;
            for part in parts(samples, pause_ns) {
                let of_part = part.chunks(per_window).filter(|chunk| chunk.len() % prompts == 0);
                windows
                    .extend(of_part.filter_map(|it| SoakWindow::of(process, it, began_ns, is_after_pause)));
                is_after_pause = true;
            }
        }
        let of = |first: bool, after: bool| -> Vec<f64> {
            let wanted = |it: &&SoakWindow| (it.process == 0) == first && it.is_after_pause == after;
            windows.iter().filter(wanted).map(|window| window.tpot_ms).collect()
        };
        Self {
            after_pause: ratio(&of(true, false), &of(true, true)),
            after_restart: ratio(&of(true, true), &of(false, false)),
            changes: changes(&windows),
            on_battery: record.measured_processes().filter_map(|it| it.guards.as_ref()).any(is_on_battery),
            windows,
        }
    }

    /// TPOT of the last tenth of the windows over that of the first; None of fewer than ten.
    pub fn last_over_first(&self) -> Option<f64> {
        let tpots: Vec<f64> = self.windows.iter().map(|window| window.tpot_ms).collect();
        let tenth = tpots.len() / 10;
        (tenth > 0).then(|| mean(&tpots[tpots.len() - tenth..]) / mean(&tpots[..tenth]))
    }
}

/// Generations in a row, divided where a pause lies between two.
fn parts<'a>(samples: &'a [&'a SampleRecord], pause_ns: u64) -> Vec<&'a [&'a SampleRecord]> {
    let ended = |sample: &SampleRecord| Some(*sample.times.as_ref()?.token_ns.last()?);
    let began = |sample: &SampleRecord| Some(sample.times.as_ref()?.submitted_ns);
    let pause = samples.windows(2).position(|pair| {
        let between = began(pair[1]).zip(ended(pair[0]));
        pause_ns > 0 && between.is_some_and(|(began, ended)| began.saturating_sub(ended) >= pause_ns)
    });
    match pause {
        Some(at) => vec![&samples[..=at], &samples[at + 1..]],
        None => vec![samples],
    }
}

impl SoakWindow {
    fn of(
        process: &ProcessRecord,
        samples: &[&SampleRecord],
        began_ns: u64,
        is_after_pause: bool,
    ) -> Option<Self> {
        let (start_ns, end_ns) = SampleRecord::span(samples.iter().copied())?;
        let timed: Vec<_> = samples.iter().filter_map(|sample| sample.timed()).collect();
        let readings = process.guards.as_ref().map_or(&[][..], |log| log.around(start_ns, end_ns));
        let celsius = readings.iter().filter_map(|reading| reading.temperatures_celsius.value());
        let celsius = celsius.flat_map(|it| it.of_the_chip().into_values().collect::<Vec<_>>());
        let mhz: Vec<f64> = readings.iter().filter_map(gpu_mhz).collect();
        Some(Self {
            process: process.index,
            is_after_pause,
            at_s: (start_ns.midpoint(end_ns).saturating_sub(began_ns)) as f64 / 1e9,
            tpot_ms: MetricValues::geometric_means(timed.iter()).get(Metric::TimePerOutputToken)?,
            celsius: celsius.max_by(f64::total_cmp),
            gpu_mhz: (!mhz.is_empty()).then(|| mean(&mhz)),
            watts: process.guards.as_ref().and_then(|log| watts(log, start_ns, end_ns)),
            peak_rss_bytes: samples.iter().filter_map(|sample| sample.peak_rss_bytes).max(),
        })
    }
}

fn gpu_mhz(reading: &MachineReading) -> Option<f64> {
    let gpus = reading.gpus.value()?.iter();
    gpus.filter_map(|gpu| gpu.actual_mhz.value().copied()).max().map(f64::from)
}

fn watts(log: &GuardLog, start_ns: u64, end_ns: u64) -> Option<f64> {
    let timed = Some(TimeSpan { start_ns, end_ns });
    let used = energy(&ProcessGuards { log, device: DeviceKind::Cpu, timed });
    let used = used.value().filter(|used| used.over_ns > 0)?;
    Some(used.joules / (used.over_ns as f64 / 1e9))
}

fn is_on_battery(log: &GuardLog) -> bool {
    log.readings.iter().any(|reading| reading.is_on_ac_power.value() == Some(&false))
}

fn changes(windows: &[SoakWindow]) -> Vec<PaceChange> {
    let series: Vec<f64> = windows.iter().map(|window| window.tpot_ms).collect();
    let detection = Detection { smallest_magnitude: SMALLEST_CHANGE, ..Detection::default() };
    let points = change_points(&series, &detection).unwrap_or_default();
    let change = |point: ChangePoint| PaceChange {
        at_s: windows[point.index].at_s,
        before_ms: point.mean_before,
        after_ms: point.mean_after,
    };
    points.into_iter().map(change).collect()
}

/// The first windows of one stretch over the last ones of another.
fn ratio(before: &[f64], after: &[f64]) -> Option<f64> {
    let before = &before[before.len().saturating_sub(BESIDE)..];
    let after = &after[..after.len().min(BESIDE)];
    (!before.is_empty() && !after.is_empty()).then(|| mean(after) / mean(before))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

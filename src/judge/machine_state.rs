//! What the machine was like while a record was made, and how near decoding came to what it allows.

use crate::engine::openvino::DeviceKind;
use crate::judge::environment::{ProcessGuards, energy, timed_part};
use crate::judge::{Pace, Roofline, RooflineFacts, Summary, bandwidth_changed, roofline};
use crate::measure::supervisor::Purpose;
use crate::measure::{BandwidthReading, Figure, Metric, Role};
use crate::record::{Arm, ArmView, ProvenDevice};

/// Every reading of the bandwidth reference of a record, in order: one before each process, one after the last.
fn bandwidth_readings(record: ArmView<'_>) -> impl Iterator<Item = &BandwidthReading> {
    let before = record.arm.processes.iter().filter_map(|process| process.bandwidth_before.as_ref());
    before.chain(&record.experiment.bandwidth_after)
}

/// The roofline of a record's average, with the best bandwidth that was read.
#[must_use]
pub fn roofline_of(record: ArmView<'_>, summary: &Summary) -> Roofline {
    let weights = record.model.active_weights.as_ref();
    let bandwidths = bandwidth_readings(record).filter_map(BandwidthReading::bandwidth_bytes_per_s);
    roofline(RooflineFacts {
        active_bytes_per_token: weights.map(|weights| weights.active_bytes_per_token),
        total_weight_bytes: weights.map(|weights| weights.total_bytes),
        bandwidth_bytes_per_s: bandwidths.max_by(f64::total_cmp),
        bandwidth_buffer_bytes: bandwidth_readings(record).map(|bandwidth| bandwidth.buffer_bytes).min(),
        last_level_cache_bytes: record.experiment.machine.last_level_cache_bytes,
        tpot_ms: summary.average.as_ref().and_then(|average| average.mean.get(Metric::TimePerOutputToken)),
        device: record.device.ran.as_ref().map_or(DeviceKind::Cpu, ProvenDevice::kind),
    })
}

/// The bandwidth that differs most from the first, as a ratio to it, where it differs by too much.
#[must_use]
pub fn bandwidth_change(record: ArmView<'_>) -> Option<f64> {
    let mut bandwidths = bandwidth_readings(record).filter_map(BandwidthReading::bandwidth_bytes_per_s);
    let first = bandwidths.next()?;
    let moved = bandwidths.filter_map(|other| bandwidth_changed(first, other));
    moved.max_by(|one, other| one.ln().abs().total_cmp(&other.ln().abs()))
}

/// Generations whose pace changed, and by how much the worst of them did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ramps {
    /// Generations that are long enough to tell.
    pub reported: usize,
    /// Of these, how many changed their pace.
    pub ramps: usize,
    /// The largest change of one of them beyond what its cache explains, as a share.
    pub largest_share: f64,
}

/// Looks at the pace of every measured generation; None where none is long enough.
#[must_use]
pub fn ramps(record: &Arm) -> Option<Ramps> {
    let measured = record.samples.iter().filter(|sample| sample.role == Role::Measured);
    let times = measured.filter_map(|sample| sample.times.as_ref());
    let paces: Vec<Pace> = times.filter_map(|times| Pace::of(&times.token_ns)).collect();
    if paces.is_empty() {
        return None;
    }
    let ramps = paces.iter().filter(|pace| pace.is_ramp());
    let beyond = ramps.clone().map(|pace| pace.change_share - pace.explained_share);
    let largest = beyond.max_by(|one, other| one.abs().total_cmp(&other.abs()));
    Some(Ramps { reported: paces.len(), ramps: ramps.count(), largest_share: largest.unwrap_or_default() })
}

/// `energy_per_token@1`: the package's energy over the timed parts of all processes, by their tokens;
/// None where a process's counter was not observed.
#[must_use]
pub fn energy_per_token(record: &Arm) -> Option<Figure> {
    let mut joules = 0.0;
    let mut tokens = 0;
    for process in record.processes.iter().filter(|process| process.purpose == Purpose::Measured) {
        let guards = ProcessGuards {
            log: process.guards.as_ref()?,
            device: DeviceKind::Cpu,
            timed: Some(timed_part(record, process)?),
        };
        joules += energy(&guards).value()?.joules;
        let samples = record.samples.iter().filter(|sample| sample.process == process.index);
        let measured = samples.filter(|sample| sample.role == Role::Measured);
        tokens += measured.map(|sample| sample.token_ids.len()).sum::<usize>();
    }
    (tokens > 0).then(|| Figure { metric: Metric::EnergyPerToken, value: joules / tokens as f64 })
}

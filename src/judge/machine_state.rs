//! What the machine was like while a record was made, and how near decoding came to what it allows.

use crate::engine::openvino::DeviceKind;
use crate::judge::environment::{ProcessGuards, energy, timed_part};
use crate::judge::{Pace, Roofline, RooflineFacts, Summary, canary_moved, roofline};
use crate::measure::{CanaryReading, Figure, Metric};
use crate::record::{ProcessPurpose, ProvenDevice, RunRecord, SampleRole};

/// Every canary of a record, in order: one before each process, one after the last.
fn canaries(record: &RunRecord) -> impl Iterator<Item = &CanaryReading> {
    let before = record.processes.iter().filter_map(|process| process.canary_before.as_ref());
    before.chain(&record.canary_after)
}

/// The roofline of a record's average, with the best bandwidth that any of its canaries saw.
#[must_use]
pub fn roofline_of(record: &RunRecord, summary: &Summary) -> Roofline {
    let weights = record.model.active_weights.as_ref();
    let bandwidths = canaries(record).filter_map(CanaryReading::bandwidth_bytes_per_s);
    roofline(RooflineFacts {
        active_bytes_per_token: weights.map(|weights| weights.active_bytes_per_token),
        total_weight_bytes: weights.map(|weights| weights.total_bytes),
        bandwidth_bytes_per_s: bandwidths.max_by(f64::total_cmp),
        canary_buffer_bytes: canaries(record).map(|canary| canary.buffer_bytes).min(),
        last_level_cache_bytes: record.machine.last_level_cache_bytes,
        tpot_ms: summary.average.as_ref().and_then(|average| average.mean.decode_tpot_ms),
        device: record.device.ran.as_ref().map_or(DeviceKind::Cpu, ProvenDevice::kind),
    })
}

/// The canary that differs most from the first, as a ratio to it, where it differs by too much.
#[must_use]
pub fn canary_movement(record: &RunRecord) -> Option<f64> {
    let mut bandwidths = canaries(record).filter_map(CanaryReading::bandwidth_bytes_per_s);
    let first = bandwidths.next()?;
    let moved = bandwidths.filter_map(|other| canary_moved(first, other));
    moved.max_by(|one, other| one.ln().abs().total_cmp(&other.ln().abs()))
}

/// Generations whose pace changed, and by how much the worst of them did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ramps {
    /// Generations that are long enough to tell.
    pub told: usize,
    /// Of these, how many changed their pace.
    pub ramps: usize,
    /// The largest change of one of them beyond what its cache explains, as a share.
    pub largest_share: f64,
}

/// Looks at the pace of every measured generation; None where none is long enough.
#[must_use]
pub fn ramps(record: &RunRecord) -> Option<Ramps> {
    let measured = record.samples.iter().filter(|sample| sample.role == SampleRole::Measured);
    let times = measured.filter_map(|sample| sample.times.as_ref());
    let paces: Vec<Pace> = times.filter_map(|times| Pace::of(&times.token_ns)).collect();
    if paces.is_empty() {
        return None;
    }
    let ramps = paces.iter().filter(|pace| pace.is_ramp());
    let beyond = ramps.clone().map(|pace| pace.change_share - pace.explained_share);
    let largest = beyond.max_by(|one, other| one.abs().total_cmp(&other.abs()));
    Some(Ramps { told: paces.len(), ramps: ramps.count(), largest_share: largest.unwrap_or_default() })
}

/// `energy_per_token@1`: the package's energy over the timed parts of all processes, by their tokens;
/// None where a process's counter was not observed.
#[must_use]
pub fn energy_per_token(record: &RunRecord) -> Option<Figure> {
    let mut joules = 0.0;
    let mut tokens = 0;
    for process in record.processes.iter().filter(|process| process.purpose == ProcessPurpose::Measured) {
        let guards = ProcessGuards {
            log: process.guards.as_ref()?,
            device: DeviceKind::Cpu,
            timed: Some(timed_part(record, process)?),
        };
        joules += energy(&guards).value()?.joules;
        let samples = record.samples.iter().filter(|sample| sample.process == process.index);
        let measured = samples.filter(|sample| sample.role == SampleRole::Measured);
        tokens += measured.map(|sample| sample.token_ids.len()).sum::<usize>();
    }
    (tokens > 0).then(|| Figure { metric: Metric::EnergyPerToken, value: joules / tokens as f64 })
}

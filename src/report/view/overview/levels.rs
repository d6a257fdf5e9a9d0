//! How the metrics of a timeline stand now compared with the best level of this epoch.

use crate::error::Result;
use crate::judge::policy::Policy;
use crate::measure::{Direction, Metric};
use crate::record::SummaryRow;
use crate::report::view::{Change, Timeline, changes_of};

/// A figure that is watched along a timeline, one of which less is better.
#[derive(Clone, Copy)]
pub(super) struct Watched {
    pub(super) metric: Metric,
    /// What it is called in a sentence.
    pub(super) name: &'static str,
    /// What it is when it grows.
    pub(super) worse: &'static str,
    /// What it is when it falls.
    pub(super) better: &'static str,
    pub(super) of: fn(&SummaryRow) -> Option<f64>,
}

/// The figures that the gate judges, as far as the index holds them.
pub(super) const WATCHED: [Watched; 4] = [
    Watched {
        metric: Metric::TimePerOutputToken,
        name: "time per output token",
        worse: "TPOT regression",
        better: "TPOT improvement",
        of: |figures| Some(figures.tpot_ms),
    },
    Watched {
        metric: Metric::TimeToFirstToken,
        name: "time to first token",
        worse: "TTFT regression",
        better: "TTFT improvement",
        of: |figures| Some(figures.ttft_ms),
    },
    Watched {
        metric: Metric::PeakRss,
        name: "peak memory",
        worse: "memory regression",
        better: "memory improvement",
        of: |figures| figures.peak_rss_bytes.map(|bytes| bytes as f64),
    },
    Watched {
        metric: Metric::PeakDeviceMemory,
        name: "peak device memory",
        worse: "memory regression",
        better: "memory improvement",
        of: |figures| figures.peak_device_memory_bytes.map(|bytes| bytes as f64),
    },
];

/// The changes of one figure along a timeline.
pub(super) struct Track {
    pub(super) watched: Watched,
    pub(super) changes: Vec<Change>,
}

/// A figure that is worse than it was in this epoch.
pub(super) struct Loss {
    pub(super) watched: Watched,
    /// By how much, against the best level of the epoch, as in 1.05.
    pub(super) ratio: f64,
    /// The commit from which on it is above that level.
    pub(super) since: usize,
}

/// The changes of every figure that is watched.
///
/// # Errors
/// A figure that is no number.
pub(super) fn tracks(timeline: &Timeline<'_>) -> Result<Vec<Track>> {
    let track = |watched: Watched| {
        let changes = if watched.metric == Metric::TimePerOutputToken {
            timeline.tpot_changes.clone()
        } else {
            changes_of(&timeline.points, &timeline.epochs, watched.of)?
        };
        Ok(Track { watched, changes })
    };
    debug_assert!(WATCHED.iter().all(|watched| watched.metric.direction() == Direction::Lower));
    WATCHED.into_iter().map(track).collect()
}

/// What stands worse than the best level of the newest epoch by more than the policy lets count, the first
/// watched first.
pub(super) fn losses(timeline: &Timeline<'_>, tracks: &[Track], policy: &Policy) -> Vec<Loss> {
    tracks.iter().filter_map(|track| loss(timeline, track, policy)).collect()
}

fn loss(timeline: &Timeline<'_>, track: &Track, policy: &Policy) -> Option<Loss> {
    let epoch = timeline.newest_epoch();
    let changes: Vec<&Change> = track.changes.iter().filter(|change| change.at > epoch).collect();
    let now = changes.last()?.point.mean_after;
    // The levels before each change; the first that is lower than all later ones is what was lost.
    let best =
        changes.iter().min_by(|one, other| one.point.mean_before.total_cmp(&other.point.mean_before))?;
    let ratio = now / best.point.mean_before;
    (ratio > 1.0 + smallest_percent(track.watched.metric, policy) / 100.0).then_some(Loss {
        watched: track.watched,
        ratio,
        since: best.at,
    })
}

/// What the policy takes for a change of this figure, percent.
pub(super) fn smallest_percent(metric: Metric, policy: &Policy) -> f64 {
    if metric == Metric::TimePerOutputToken {
        return policy.sequential.regressed_beyond_percent;
    }
    policy.metric(metric).map_or(0.0, |judged| judged.smallest_change_percent)
}

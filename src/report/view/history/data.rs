//! The data of the page's script: columns instead of rows, for ten thousand commits weigh.

use std::iter;

use serde::Serialize;

use crate::report::one_line;
use crate::report::view::history::day;
use crate::report::view::history::metric_data::{MetricData, metrics_of};
use crate::report::view::history::packed::{Packed, packed_shas};
use crate::report::view::history::standing::Standing;
use crate::report::view::history::timeline_view::{TimelineNames, runtime_name};
use crate::report::view::history::track::Track;
use crate::report::view::{Point, Timeline, exchanged};

/// All timelines of the page.
#[derive(Debug, Clone, Serialize)]
pub(super) struct HistoryData {
    pub(super) timelines: Vec<TimelineData>,
}

/// One of them. A script knows a commit by its place.
#[derive(Debug, Clone, Serialize)]
pub(super) struct TimelineData {
    id: String,
    machine: String,
    model: String,
    device: String,
    workload: String,
    runtimes: Vec<String>,
    /// Where another runtime begins.
    runtime_starts: Vec<RuntimeStart>,
    /// Eight letters a commit, one after the other.
    shas: String,
    /// Days since 1970.
    days: Packed,
    /// Words on commits; a letter in `standings` is the place here, "." none.
    words: Vec<StandingData>,
    standings: String,
    epochs: Vec<EpochData>,
    metrics: Vec<MetricData>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct RuntimeStart {
    at: usize,
    runtime: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct StandingData {
    class: &'static str,
    glyph: &'static str,
    word: &'static str,
}

#[derive(Debug, Clone, Serialize)]
struct EpochData {
    at: usize,
    text: String,
}

impl TimelineData {
    pub(super) fn of(
        timeline: &Timeline<'_>,
        names: &TimelineNames,
        standings: &[Option<Standing>],
        tracks: &[Track],
    ) -> Self {
        let mut words: Vec<Standing> = Vec::new();
        let standings = standings.iter().map(|standing| {
            let Some(standing) = standing else { return '.' };
            let place = words.iter().position(|word| word == standing).unwrap_or_else(|| {
                words.push(*standing);
                words.len() - 1
            });
            // There are fewer words than letters.
            u8::try_from(place).map_or('.', |place| char::from(b'a'.saturating_add(place)))
        });
        let standings = standings.collect();
        Self {
            id: names.id.clone(),
            machine: names.machine.clone(),
            model: names.model.clone(),
            device: names.device.clone(),
            workload: names.workload.clone(),
            runtimes: names.runtimes.clone(),
            runtime_starts: runtime_starts(timeline, &names.runtimes),
            shas: packed_shas(timeline.points.iter().map(|point| point.sha)),
            days: Packed::of(timeline.points.iter().map(|point| days_since_1970(point.author_date_utc))),
            words: words
                .iter()
                .map(|it| StandingData { class: it.mark.class(), glyph: it.mark.shape(), word: it.word })
                .collect(),
            standings,
            epochs: timeline
                .epochs
                .iter()
                .map(|epoch| EpochData {
                    at: epoch.at,
                    text: epoch.changes.iter().map(exchanged).collect::<Vec<_>>().join(", "),
                })
                .collect(),
            metrics: metrics_of(tracks),
        }
    }
}

fn runtime_starts(timeline: &Timeline<'_>, runtimes: &[String]) -> Vec<RuntimeStart> {
    let of = |point: &Point<'_>| {
        let name = runtime_name(point.entry);
        runtimes.iter().position(|it| *it == name).unwrap_or_default()
    };
    let all = timeline.points.iter().map(of).enumerate();
    let mut before = iter::once(None).chain(timeline.points.iter().map(|point| Some(of(point))));
    all.filter(|(_, runtime)| before.next().flatten() != Some(*runtime))
        .map(|(at, runtime)| RuntimeStart { at, runtime })
        .collect()
}

/// Days since 1970 of a UTC label; None where it is none.
fn days_since_1970(utc: &str) -> Option<i64> {
    let day = one_line(day(utc));
    let mut parts = day.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, date) = (parts.next()??, parts.next()??, parts.next()??);
    if !(0..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&date) {
        return None;
    }
    // Years that begin in March, so that the day that is sometimes there is the last.
    let year = if month <= 2 { year - 1 } else { year };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let months = (month + 9) % 12;
    Some(365 * year + leap_days + (153 * months + 2) / 5 + date - 1 - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_as_the_calendar_has_them() {
        let days = ["1970-01-01", "2000-02-29T01:00:00Z", "2000-03-01", "2026-11-24", "2100-03-01", "x"];
        let counted = days.map(days_since_1970);
        assert_eq!(counted, [Some(0), Some(11_016), Some(11_017), Some(20_781), Some(47_541), None]);
    }
}

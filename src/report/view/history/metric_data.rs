//! The data of one figure, as whole numbers that are small because what is known already is taken off them.

use serde::Serialize;

use crate::judge::MeanInterval;
use crate::measure::Metric;
use crate::report::number::four_digits;
use crate::report::view::Change;
use crate::report::view::history::packed::{Decimals, Packed};
use crate::report::view::history::track::{Track, percent_of};

/// A speed has its interval up to so many commits: ten thousand would take the page beyond what it may weigh.
const MOST_BANDS_OF_SPEED: usize = 2_000;

/// A figure of a timeline.
#[derive(Debug, Clone, Serialize)]
pub(super) struct MetricData {
    name: &'static str,
    title: &'static str,
    unit: &'static str,
    better: &'static str,
    decimals: i32,
    /// Tokens per second are nearly this, divided by the time per token: with it, figures are told as
    /// differences to that.
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<i64>,
    mean: Packed,
    /// Half of the interval's width; nothing where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    half: Option<Packed>,
    /// As differences to the mean, if not to the time per token. Of the last one then, what is left of the sum
    /// of all: next to nothing, for the mean is of these.
    prompts: Vec<PromptData>,
    references: Vec<ReferenceData>,
    changes: Vec<ChangeData>,
}

#[derive(Debug, Clone, Serialize)]
struct PromptData {
    id: String,
    figures: Packed,
}

#[derive(Debug, Clone, Serialize)]
struct ReferenceData {
    label: String,
    figure: f64,
    told: String,
}

#[derive(Debug, Clone, Serialize)]
struct ChangeData {
    at: usize,
    percent: f64,
    worse: bool,
}

type Numbers = Vec<Option<i64>>;

/// A figure as whole numbers.
struct Whole {
    decimals: Decimals,
    mean: Numbers,
    prompts: Vec<Numbers>,
}

/// The data of all figures of a timeline.
pub(super) fn metrics_of(tracks: &[Track]) -> Vec<MetricData> {
    let pace = tracks.iter().find(|track| track.shown.metric == Metric::TimePerOutputToken).map(Whole::of);
    let is_speed = |track: &Track| track.shown.metric == Metric::EndToEndThroughput;
    let pace_of = |track: &Track| pace.as_ref().filter(|_| is_speed(track));
    tracks.iter().map(|track| MetricData::of(track, pace_of(track))).collect()
}

impl Whole {
    fn of(track: &Track) -> Self {
        let prompts = track.prompts.iter().flat_map(|prompt| &prompt.figures);
        let decimals = Decimals::of(track.means.iter().chain(prompts).flatten().copied());
        let whole = |figures: &[Option<f64>]| -> Numbers {
            figures.iter().map(|it| it.and_then(|it| decimals.whole(it))).collect()
        };
        Self {
            decimals,
            mean: whole(&track.means),
            prompts: track.prompts.iter().map(|prompt| whole(&prompt.figures)).collect(),
        }
    }
}

impl MetricData {
    fn of(track: &Track, pace: Option<&Whole>) -> Self {
        let whole = Whole::of(track);
        let pace = pace.and_then(|pace| Some((product(&whole, pace)?, pace)));
        let (mean, prompts) = match pace {
            Some((product, pace)) => (
                beside(&whole.mean, &pace.mean, product),
                whole.prompts.iter().zip(&pace.prompts).map(|(it, pace)| beside(it, pace, product)).collect(),
            ),
            None => (Packed::of(whole.mean.iter().copied()), around(&whole.mean, &whole.prompts)),
        };
        let half = |it: MeanInterval| whole.decimals.whole(it.half_width);
        let half = Packed::of(track.intervals.iter().map(|it| it.and_then(half)));
        // Of long histories that of the pace has to do: a second one would be too much for the page.
        let has_half = track.has_intervals()
            && (track.shown.metric == Metric::TimePerOutputToken || track.means.len() <= MOST_BANDS_OF_SPEED);
        Self {
            name: track.shown.name,
            title: track.shown.title,
            unit: track.shown.unit(),
            better: track.shown.metric.direction().word(),
            decimals: whole.decimals.count(),
            product: pace.map(|(product, _)| product),
            mean,
            half: has_half.then_some(half),
            prompts: track
                .prompts
                .iter()
                .zip(prompts)
                .map(|(prompt, figures)| PromptData { id: prompt.id.clone(), figures })
                .collect(),
            references: track
                .references
                .iter()
                .map(|it| ReferenceData {
                    label: it.label.clone(),
                    figure: it.figure,
                    told: four_digits(it.figure),
                })
                .collect(),
            changes: track.changes.iter().filter_map(|change| ChangeData::of(*change, track)).collect(),
        }
    }
}

impl ChangeData {
    fn of(change: Change, track: &Track) -> Option<Self> {
        let percent = percent_of(change)?;
        let worse = track.shown.is_worse(percent);
        Some(Self { at: change.at, percent: (percent * 100.0).round() / 100.0, worse })
    }
}

/// Speed times pace, on average; None where there is nothing to average, or a pace that is none.
#[allow(clippy::cast_possible_truncation, reason = "a product of two figures of four digits or some more")]
fn product(speed: &Whole, pace: &Whole) -> Option<i64> {
    let has_pace = |numbers: &Numbers, paces: &Numbers| {
        numbers.len() == paces.len()
            && numbers.iter().zip(paces).all(|(it, pace)| it.is_none() || pace.is_some_and(|pace| pace > 0))
    };
    let is_whole = has_pace(&speed.mean, &pace.mean)
        && speed.prompts.len() == pace.prompts.len()
        && speed.prompts.iter().zip(&pace.prompts).all(|(it, pace)| has_pace(it, pace));
    let pairs =
        speed.mean.iter().zip(&pace.mean).filter_map(|(it, pace)| Some((*it)? as f64 * (*pace)? as f64));
    let products: Vec<f64> = pairs.collect();
    let mean = products.iter().sum::<f64>() / products.len() as f64;
    (is_whole && mean.is_finite() && mean < 9e15).then(|| mean.round() as i64)
}

/// Speeds as differences to what the pace says.
#[allow(clippy::cast_possible_truncation, reason = "a speed is far below the end of an i64")]
fn beside(speeds: &Numbers, paces: &Numbers, product: i64) -> Packed {
    // The script counts with the same two operations, and so to the same number.
    let expected = |pace: i64| (product as f64 / pace as f64 + 0.5).floor() as i64;
    Packed::of(speeds.iter().zip(paces).map(|(speed, pace)| Some((*speed)? - expected((*pace)?))))
}

fn around(mean: &Numbers, prompts: &[Numbers]) -> Vec<Packed> {
    let mut sums = vec![0_i64; mean.len()];
    let last = prompts.len().saturating_sub(1);
    let mut packed = Vec::new();
    for (place, prompt) in prompts.iter().enumerate() {
        let mut differences = Vec::with_capacity(mean.len());
        for (at, figure) in prompt.iter().enumerate() {
            let difference = figure.zip(mean[at]).map(|(figure, mean)| figure - mean);
            sums[at] += difference.unwrap_or_default();
            let is_last = place == last;
            differences.push(difference.map(|it| if is_last { sums[at] } else { it }));
        }
        packed.push(Packed::of(differences.into_iter()));
    }
    packed
}

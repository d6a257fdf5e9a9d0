//! The time of every decode step.

use std::collections::HashMap;

use crate::measure::Role;
use crate::record::{ArmView, SampleRecord};
use crate::report::chart::{Chart, Generation, Histogram, Percentile, TokenStrip};
use crate::visible::one_line;

/// Steps that take longer than this share of all are marked at the edge: one stall must not flatten the rest.
const SHOWN_PERCENT: f64 = 99.5;
/// The shares that are reported.
const SHARES_PERCENT: [usize; 3] = [50, 95, 99];

/// Every step of every measured generation, by its place in the answer; None where there is no speed.
pub(super) fn strip(record: ArmView<'_>, suffix: &str) -> Option<Chart> {
    let description = "The time of each decode step, by its place in the answer; a line is a generation.";
    let all = generations(record, "").map(|(_, generation)| generation).collect();
    strip_of(all, "prompt", suffix, description)
}

/// The same of two runs on one axis, each prompt's rows below each other.
pub(in crate::report) fn strip_of_two(a: ArmView<'_>, b: ArmView<'_>) -> Option<Chart> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    for prompt in a.workload.prompts.iter().chain(&b.workload.prompts) {
        let next = places.len();
        places.entry(&prompt.id).or_insert(next);
    }
    let mut all: Vec<(&str, Generation)> = generations(a, "A: ").chain(generations(b, "B: ")).collect();
    // The order within a prompt stays: those of A, then those of B.
    all.sort_by_key(|(id, _)| places.get(id).copied());
    let all = all.into_iter().map(|(_, generation)| generation).collect();
    let description = "The time of each decode step of both runs, by its place in the answer; a line is a \
                       generation, and all have one axis.";
    strip_of(all, "answer", "", description)
}

fn strip_of(
    generations: Vec<Generation>,
    row: &'static str,
    suffix: &str,
    description: &str,
) -> Option<Chart> {
    let strip = TokenStrip {
        title: format!("Every token{suffix}"),
        description: description.to_owned(),
        row,
        generations,
        shown_percent: SHOWN_PERCENT,
    };
    (!strip.generations.is_empty()).then(|| strip.chart())
}

/// The measured generations that have times, by their prompts' ids; a prompt is called by this letter and its title.
fn generations<'a>(record: ArmView<'a>, letter: &'a str) -> impl Iterator<Item = (&'a str, Generation)> {
    let prompts = record.arm.workload.prompts.iter();
    let titles: HashMap<&str, &str> =
        prompts.map(|prompt| (prompt.id.as_str(), prompt.title.as_str())).collect();
    measured(record).filter_map(move |sample| {
        let (id, steps_ms) = (sample.prompt_id.as_str(), steps_ms(sample));
        let title = one_line(titles.get(id).copied().unwrap_or(id));
        let generation = Generation { prompt: format!("{letter}{title}"), steps_ms };
        (!generation.steps_ms.is_empty()).then_some((id, generation))
    })
}

/// How the steps are distributed; None where there is no speed.
pub(super) fn histogram(record: ArmView<'_>, suffix: &str) -> Option<Chart> {
    let mut steps_ms: Vec<f64> = measured(record).flat_map(steps_ms).collect();
    if steps_ms.is_empty() {
        return None;
    }
    steps_ms.sort_by(f64::total_cmp);
    let percentile = |share: usize| {
        // The nearest rank: a time that was really taken.
        let at = (share * steps_ms.len()).div_ceil(100).clamp(1, steps_ms.len()) - 1;
        Percentile { label: format!("p{share}"), ms: steps_ms[at] }
    };
    let percentiles = SHARES_PERCENT.map(percentile).to_vec();
    let histogram = Histogram {
        title: format!("How long a token takes{suffix}"),
        description: "Decode steps of all measured generations.".to_owned(),
        steps_ms,
        percentiles,
    };
    Some(histogram.chart())
}

fn measured(record: ArmView<'_>) -> impl Iterator<Item = &SampleRecord> {
    record.arm.samples.iter().filter(|sample| sample.role == Role::Measured)
}

/// From token to token, ms; none where there is no speed. The first token is the prefill's.
fn steps_ms(sample: &SampleRecord) -> Vec<f64> {
    let times = sample.times.as_ref().map_or(&[][..], |times| times.token_ns.as_slice());
    times.windows(2).map(|pair| pair[1].saturating_sub(pair[0]) as f64 / 1e6).collect()
}

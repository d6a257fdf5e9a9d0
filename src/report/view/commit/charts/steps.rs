//! The time of every decode step.

use std::collections::BTreeMap;

use crate::record::{RunRecord, SampleRecord, SampleRole};
use crate::report::chart::{Chart, Generation, Histogram, Percentile, TokenStrip};
use crate::report::one_line;

/// Steps that take longer than this share of all are marked at the edge: one stall must not flatten the rest.
const SHOWN_PERCENT: f64 = 99.5;
/// The shares that are told.
const SHARES_PERCENT: [usize; 3] = [50, 95, 99];

/// Every step of every measured generation, by its place in the answer; None where there is no speed.
pub(super) fn strip(record: &RunRecord, suffix: &str) -> Option<Chart> {
    let description = "The time of each decode step, by its place in the answer; a line is a generation.";
    strip_of(generations(record, "", |_| true), "prompt", suffix, description)
}

/// The same of two runs on one axis, each prompt's rows below each other.
pub(in crate::report) fn strip_of_two(a: &RunRecord, b: &RunRecord) -> Option<Chart> {
    let mut asked: Vec<&str> = Vec::new();
    for prompt in a.workload.prompts.iter().chain(&b.workload.prompts) {
        if !asked.contains(&prompt.id.as_str()) {
            asked.push(&prompt.id);
        }
    }
    let of_both = |id: &str| {
        let of = |run, letter| generations(run, letter, |asked| asked == id);
        [of(a, "A: "), of(b, "B: ")].concat()
    };
    let all = asked.into_iter().flat_map(of_both).collect();
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

/// The measured generations of these prompts that have times; a prompt is called by this letter and its title.
fn generations(record: &RunRecord, letter: &str, is_meant: impl Fn(&str) -> bool) -> Vec<Generation> {
    let titles: BTreeMap<&str, &str> =
        record.workload.prompts.iter().map(|prompt| (prompt.id.as_str(), prompt.title.as_str())).collect();
    let title = |id: &str| one_line(titles.get(id).copied().unwrap_or(id));
    measured(record)
        .filter(|sample| is_meant(&sample.prompt_id))
        .map(|sample| Generation {
            prompt: format!("{letter}{}", title(&sample.prompt_id)),
            steps_ms: steps_ms(sample),
        })
        .filter(|generation| !generation.steps_ms.is_empty())
        .collect()
}

/// How the steps are distributed; None where there is no speed.
pub(super) fn histogram(record: &RunRecord, suffix: &str) -> Option<Chart> {
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

fn measured(record: &RunRecord) -> impl Iterator<Item = &SampleRecord> {
    record.samples.iter().filter(|sample| sample.role == SampleRole::Measured)
}

/// From token to token, ms; none where there is no speed. The first token is the prefill's.
fn steps_ms(sample: &SampleRecord) -> Vec<f64> {
    let times = sample.times.as_ref().map_or(&[][..], |times| times.token_ns.as_slice());
    times.windows(2).map(|pair| pair[1].saturating_sub(pair[0]) as f64 / 1e6).collect()
}

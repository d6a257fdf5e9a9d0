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
pub(super) fn strip(record: &RunRecord) -> Option<Chart> {
    let titles: BTreeMap<&str, &str> =
        record.workload.prompts.iter().map(|prompt| (prompt.id.as_str(), prompt.title.as_str())).collect();
    let generations: Vec<Generation> = measured(record)
        .map(|sample| Generation {
            prompt: one_line(titles.get(sample.prompt_id.as_str()).unwrap_or(&sample.prompt_id.as_str())),
            steps_ms: steps_ms(sample),
        })
        .filter(|generation| !generation.steps_ms.is_empty())
        .collect();
    let strip = TokenStrip {
        title: "Every token".to_owned(),
        description: "The time of each decode step, by its place in the answer; a line is a generation."
            .to_owned(),
        generations,
        shown_percent: SHOWN_PERCENT,
    };
    (!strip.generations.is_empty()).then(|| strip.chart())
}

/// How the steps are distributed; None where there is no speed.
pub(super) fn histogram(record: &RunRecord) -> Option<Chart> {
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
        title: "How long a token takes".to_owned(),
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

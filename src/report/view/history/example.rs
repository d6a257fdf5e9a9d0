//! Invented entries of an index, for tests: as many commits as are requested, with noise as of a real machine.

use std::sync::Arc;

use crate::golden::GoldenResult;
use crate::measure::protocol::CacheState;
use crate::record::{
    AbSummary, Ancestry, Entry, EntryCommit, Epoch, LoadSummary, Origin, Outcome, PlanKind, PromptSummary,
    PublishedReference, PublishedSeries, Series, Setting, SummaryRow, Verdict,
};
use crate::report::view::{Timeline, timelines};

/// The text of what was published.
const PUBLISHED: &str = include_str!("../../../../fixtures/baselines/published.json");
const PROMPTS: [&str; 3] = ["moe-vs-dense", "fibonacci", "openvino-advantages"];

/// Who may be compared with the published value.
pub(in crate::report) fn published() -> PublishedReference {
    PublishedReference::parse(PUBLISHED).unwrap()
}

pub(in crate::report) fn published_series() -> Vec<PublishedSeries> {
    PublishedSeries::parse(PUBLISHED).unwrap()
}

/// Timelines, along no line but that of the dates.
pub(in crate::report) fn timelines_of(entries: &[Entry]) -> Vec<Timeline<'_>> {
    timelines(entries, &Ancestry::default())
}

/// A run of each commit, oldest first, and an A/B of every fourth. Nothing changes but by chance.
pub(in crate::report) fn entries(commits: usize) -> Vec<Entry> {
    let mut chance = fastrand::Rng::with_seed(5);
    let setting = setting("2026.1.0", "6.8.0");
    let mut entries = Vec::new();
    for at in 0..commits {
        let run = run(at, &setting, &mut chance);
        if at % 4 == 3 {
            let ab = AbSummary { verdict: Some(verdict(&mut chance)), ..ab() };
            entries.push(Entry {
                plan: PlanKind::Ab,
                run_id: format!("ab{at}"),
                ab: Some(ab),
                ..run.clone()
            });
        }
        entries.push(run);
    }
    entries
}

pub(in crate::report) fn setting(openvino: &str, kernel: &str) -> Arc<Setting> {
    let series = Series {
        id: "0123456789ab".into(),
        machine: "laptop".into(),
        machine_sha256: "1".repeat(64),
        model: "gpt-oss-20b INT4".into(),
        model_sha256: "2".repeat(64),
        device: "GPU".into(),
        gpu: None,
        emulated: false,
        openvino: Some(openvino.into()),
        properties_sha256: "3".repeat(64),
        workload_sha256: "4".repeat(64),
    };
    let parts = [("kernel".to_owned(), kernel.to_owned()), ("openvino".to_owned(), openvino.to_owned())];
    let epoch = Epoch { id: format!("{kernel} {openvino}"), parts: parts.into() };
    Arc::new(Setting { series, epoch, prompts: 3, new_tokens: 200 })
}

fn run(at: usize, setting: &Arc<Setting>, chance: &mut fastrand::Rng) -> Entry {
    let (year, rest) = (2000 + at / 336, at % 336);
    let day = format!("{year:04}-{:02}-{:02}T12:00:00Z", rest / 28 + 1, rest % 28 + 1);
    let sha: String = (0..40).map(|_| char::from_digit(chance.u32(0..16), 16).unwrap()).collect();
    Entry {
        path: format!("laptop/{sha}/{at}.json").into(),
        plan: PlanKind::Bench,
        run_id: format!("run{at}"),
        unit_id: None,
        when_utc: day.clone(),
        commit: Some(EntryCommit { sha, author_date_utc: day, dirty: false, first_parent: None }),
        outcome: Outcome::Complete,
        golden: Some(GoldenResult::Match),
        metric_values: Some(metric_values(chance)),
        ab: None,
        bisect: None,
        warning_ids: Vec::new(),
        setting: Arc::clone(setting),
        origin: Origin::Here,
    }
}

/// Values with a standard deviation of about a percent.
fn metric_values(chance: &mut fastrand::Rng) -> SummaryRow {
    let peak_rss_bytes = 1_500_000_000 + chance.u64(0..400_000);
    let mut noise = |size: f64| 1.0 + size * ((0..12).map(|_| chance.f64()).sum::<f64>() - 6.0);
    let of_run = noise(0.01);
    let prompts: Vec<PromptSummary> = PROMPTS
        .iter()
        .zip([0.99, 1.0, 1.02])
        .map(|(id, level)| {
            let (tpot_ms, ttft_ms) = (47.1 * level * of_run * noise(0.005), 310.0 * level * noise(0.02));
            PromptSummary {
                id: (*id).into(),
                ttft_ms,
                tpot_ms,
                throughput_tok_s: 200.0 / (ttft_ms + 199.0 * tpot_ms) * 1e3,
            }
        })
        .collect();
    let mean = |of: fn(&PromptSummary) -> f64| prompts.iter().map(of).sum::<f64>() / 3.0;
    let tpot_ms = mean(|it| it.tpot_ms);
    let latency_s = mean(|it| 0.2 / it.throughput_tok_s) * 1e3;
    SummaryRow {
        ttft_ms: mean(|it| it.ttft_ms),
        tpot_ms,
        latency_s,
        throughput_tok_s: 200.0 / latency_s,
        process_tpot_ms: (0..3).map(|_| tpot_ms * noise(0.005)).collect(),
        process_throughput_tok_s: (0..3).map(|_| 200.0 / latency_s * noise(0.005)).collect(),
        load: Some(LoadSummary { mean_s: 3.9 * noise(0.02), compiled_model_cache: CacheState::Warm }),
        peak_rss_bytes: Some(peak_rss_bytes),
        peak_device_memory_bytes: Some(12_900_000_000),
        published_tok_s: Some(21.24),
        prompts,
    }
}

fn verdict(chance: &mut fastrand::Rng) -> Verdict {
    match chance.u32(0..20) {
        0 => Verdict::Regressed,
        1 => Verdict::Improved,
        2 | 3 => Verdict::Inconclusive,
        _ => Verdict::Pass,
    }
}

/// An A/B of commits that came to nothing.
pub(in crate::report) fn ab() -> AbSummary {
    AbSummary {
        base_sha: None,
        is_of_commits: true,
        is_against_itself: false,
        ignores_guards: false,
        verdict: None,
        gate_verdict: None,
        gate_status: None,
        tpot_change: None,
        regressions: Vec::new(),
        pair_sd_percent: None,
    }
}

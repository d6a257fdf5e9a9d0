//! A record of engines side by side for tests: one real run, with the times of each engine stretched.

use crate::measure::protocol::InferSpan;
use crate::record::{Arm, Experiment, PlanKind, PublishedValue, Round, open};

/// An engine whose steps take so many percent of those of the run.
pub(crate) fn engine(requested: &str, host_loop: &str, attention: &str, cache: &str, percent: u64) -> Arm {
    let mut run = fixture().arms.remove(0);
    run.worker.name = Some(format!("{host_loop} 1.0"));
    // What the guards saw is of no interest here.
    run.processes.iter_mut().for_each(|process| process.guards = None);
    let runtime = run.runtime.as_mut().unwrap();
    runtime.properties_effective.insert("KV_CACHE_PRECISION".into(), cache.into());
    for times in run.samples.iter_mut().filter_map(|sample| sample.times.as_mut()) {
        let stretched = |ns: u64| times.submitted_ns + (ns - times.submitted_ns) * percent / 100;
        times.token_ns = times.token_ns.iter().map(|ns| stretched(*ns)).collect();
        times.infer_ns.iter_mut().for_each(|ns| *ns = *ns * percent / 100);
    }
    Arm { label: requested.into(), host_loop: host_loop.into(), attention: Some(attention.into()), ..run }
}

fn fixture() -> Experiment {
    open(include_bytes!("../../../fixtures/records/bench-3.0.json"), "a record").unwrap()
}

/// The engines in three rounds.
pub(crate) fn record(engines: Vec<Arm>) -> Experiment {
    let order: Vec<usize> = (0..engines.len()).collect();
    let metric_value = |series: &str, value| PublishedValue {
        baseline: None,
        series: series.into(),
        metric: crate::measure::Metric::EndToEndThroughput,
        value,
    };
    Experiment {
        run_id: "0123456789ab".into(),
        when_utc: "2026-11-24T12:00:00Z".into(),
        plan: PlanKind::Peers,
        arms: engines,
        rounds: vec![Round { order }; 3],
        published_engines: vec![
            metric_value("optimum-intel", 21.24),
            metric_value("openvino_genai LLMPipeline", 27.0),
        ],
        ..fixture()
    }
}

/// The way from optimum-intel to `openvino_genai` as each comes, and arcgauge beside it.
pub(crate) fn all_engines() -> Experiment {
    let mut paged = engine("genai-pa", "openvino_genai", "paged", "f32", 90);
    paged.infer_span = InferSpan::Step;
    record(vec![
        engine("stateful", "arcgauge", "sdpa", "f32", 100),
        engine("genai", "openvino_genai", "sdpa", "f32", 100),
        paged,
        engine("genai-pa-i8", "openvino_genai", "paged", "u8", 80),
        engine("optimum", "optimum-intel", "sdpa", "f32", 125),
    ])
}

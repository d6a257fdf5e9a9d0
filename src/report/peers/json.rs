//! For programs: engines side by side as JSON.
//!
//! | field | holds |
//! |---|---|
//! | `schema` | the version of this form; a field is added without raising it, never taken away |
//! | `run_id`, `when_utc`, `outcome`, `failure` | names the run, and how it ended |
//! | `engines` | each with `label`, `worker`, `host_loop`, `attention`, `properties`, `tokens` (the word on each prompt) and `figures` by definition id; the first is the reference |
//! | `multiples` | each other engine by the reference: `engine`, `metric`, `ratio`, `lower`, `upper`, `rounds`, `stands` |
//! | `steps` | two engines that differ in one thing: `facet`, `from`, `to`, and the multiples |
//! | `rounds` | `order`, `counts`, `invalidated_by` |
//! | `published` | what was published |
//!
//! Numbers are not rounded. Nothing in it is a verdict.

use serde_json::{Map, Value, json};

use crate::judge::peers::{Multiple, PeerFigures, Stands, peer_figures, round_figures, steps};
use crate::measure::Metric;
use crate::record::{Arm, Experiment};
use crate::visible;

/// Version of this form.
const SCHEMA: &str = "arcgauge-peers@2";

/// A record of `peers` as JSON.
#[must_use]
pub fn peers_json(record: &Experiment) -> String {
    let figures = peer_figures(record);
    let names: Vec<&str> = record.arms.iter().map(|engine| engine.label.as_str()).collect();
    let name = |place: usize| names.get(place).copied().unwrap_or_default();
    let multiples = figures
        .iter()
        .enumerate()
        .flat_map(|(place, figures)| figures.multiples.iter().map(move |multiple| (place, multiple)));
    let of_steps = steps(record);
    let value = json!({
        "schema": SCHEMA,
        "run_id": record.run_id,
        "when_utc": record.when_utc,
        "outcome": record.outcome,
        "failure": record.failure,
        "engines": record.arms.iter().zip(&figures).map(|(engine, figures)| of_engine(engine, figures)).collect::<Value>(),
        "multiples": multiples.map(|(place, multiple)| {
            let mut reported = of_multiple(multiple);
            reported.insert("engine".to_owned(), name(place).into());
            Value::Object(reported)
        }).collect::<Value>(),
        "steps": of_steps.iter().map(|step| json!({
            "facet": step.facet.words(),
            "from": name(step.from),
            "to": name(step.to),
            "multiples": step.tpot.iter().chain(&step.throughput).map(of_multiple).collect::<Vec<_>>(),
        })).collect::<Value>(),
        "rounds": round_figures(record).iter().map(|round| json!({
            "order": round.order.iter().map(|place| name(*place)).collect::<Vec<_>>(),
            "counts": round.counts,
            "invalidated_by": round.invalidated_by,
        })).collect::<Value>(),
        "published": record.published,
        "warnings": record.warnings,
    });
    // To a runner of GitHub's this would be a command, wherever in the log it stands.
    visible::json(&format!("{value:#}\n"))
}

fn of_engine(engine: &Arm, figures: &PeerFigures) -> Value {
    let run = engine;
    let average = figures.summary.average.as_ref().map(|average| &average.mean);
    // Without its tokens no number of it is reported.
    let has_speed = |_: &u64| average.is_some();
    json!({
        "asked": engine.label,
        "worker": run.worker.name,
        "host_loop": engine.host_loop,
        "attention": engine.attention,
        "properties": run.runtime.as_ref().map(|runtime| &runtime.properties_effective),
        "tokens": run.prompts.iter().map(|prompt| json!({
            "prompt": prompt.id,
            "result": prompt.golden,
            "divergence": prompt.divergence,
        })).collect::<Value>(),
        "figures": {
            (Metric::TimeToFirstToken.id()): average.and_then(|it| it.get(Metric::TimeToFirstToken)),
            (Metric::TimePerOutputToken.id()): average.and_then(|it| it.get(Metric::TimePerOutputToken)),
            (Metric::EndToEndThroughput.id()): average.and_then(|it| it.get(Metric::EndToEndThroughput)),
            (Metric::HostOverhead.id()): figures.host_overhead_us,
            (Metric::Load.id()): figures.load_s.filter(|_| average.is_some()),
            (Metric::PeakRss.id()): figures.peak_rss_bytes.filter(has_speed),
            (Metric::PeakDeviceMemory.id()): figures.device_memory_bytes.filter(has_speed),
            "rss_anonymous_bytes": figures.anonymous_bytes.filter(has_speed),
            "rss_file_bytes": figures.file_backed_bytes.filter(has_speed),
        },
        "warnings": run.warnings,
    })
}

fn of_multiple(multiple: &Multiple) -> Map<String, Value> {
    let stands = match multiple.stands() {
        Stands::Better => "better",
        Stands::Worse => "worse",
        Stands::Alike => "alike",
        Stands::Unknown => "unknown",
    };
    let mut reported = Map::new();
    reported.insert("metric".to_owned(), multiple.metric.id().into());
    reported.insert("ratio".to_owned(), multiple.ratio.into());
    reported.insert("lower".to_owned(), multiple.lower.into());
    reported.insert("upper".to_owned(), multiple.upper.into());
    reported.insert("rounds".to_owned(), multiple.rounds.into());
    reported.insert("stands".to_owned(), stands.into());
    reported
}

//! Engines side by side: the tokens first, then each engine's metric values, then their ratios with intervals, and
//! what the published difference consists of here.

use serde_json::{Value, json};

use crate::golden::GoldenResult;
use crate::judge::Validity;
use crate::judge::peers::{
    Facet, Facets, Multiple, PeerValues, RoundValues, Stands, Step, peer_values, round_values, steps,
    whole_step,
};
use crate::measure::Metric;
use crate::record::{Arm, Experiment, Outcome, Warning};
use crate::report::decision::{add_reasons, guard_of, interrupted_after};
use crate::report::document::{Cell, Document, Table, metric, number, status};
use crate::report::mark::{Mark, add_validity};
use crate::report::number::{counted, four_digits, mebibytes};
use crate::visible;

/// The report on a record of `peers`.
pub fn peers_document(record: &Experiment) -> Document {
    let rounds = round_values(record);
    let commit = record.subject().commit.as_ref().map_or("no commit".to_owned(), |commit| {
        format!("commit {}{}", commit.short(), if commit.dirty { " (dirty)" } else { "" })
    });
    let mut document = opened(record, &rounds, format!("{}, {commit}", plan(record, &rounds, "engine")));
    let headings = ["engine", "tokens", ""];
    let rows = record.arms.iter().map(|engine| tokens(record, engine));
    document.titled_table("Tokens", Table::new(headings).with_rows(rows));
    let metric_values = peer_values(record);
    document.titled_table("Engines", engines(record, &metric_values));
    let ratios = ratios(record, &metric_values, &rounds);
    if !ratios.is_empty() {
        document.titled_table(format!("Compared with `{}`", record.arms[0].label), ratios);
        document.text(
            "Ratio: geometric mean over the rounds, with its 95 % interval by Student's t, each row by itself; \
             similar: the interval contains 1.",
        );
        document.text("The values above are over every process, including those of invalidated rounds.");
    }
    add_steps(&mut document, record);
    add_rounds(&mut document, record, &rounds);
    warnings(&mut document, record);
    document
}

/// The beginning of a report on several arms: whether it is valid, what was measured by which plan, and how it ended.
pub(in crate::report) fn opened(record: &Experiment, rounds: &[RoundValues], plan: String) -> Document {
    let mut document = Document::default();
    let validity = Validity::of(record);
    if matches!(validity, Validity::Invalid(_)) {
        add_validity(&mut document, &validity, record.subject());
    }
    document.title(title(record));
    document.text(plan);
    if record.outcome == Outcome::Interrupted {
        let has_times = record.subject().samples.iter().any(|sample| sample.times.is_some());
        let complete = if has_times { rounds.len() } else { 0 };
        document.status(Mark::NotJudged, "INTERRUPTED", interrupted_after(complete, "round"));
    } else if let Some(failure) = &record.failure {
        document.status(Mark::Fails, "FAILED", failure);
    }
    document
}

fn title(record: &Experiment) -> String {
    let run = &record.subject();
    let version = run.runtime.as_ref().map_or("?", |runtime| runtime.openvino_version.as_str());
    format!("{} on {}, OpenVINO {version}", run.model.name, run.device.in_words(&record.machine.cpu))
}

/// By which plan so many arms were measured, which are called so.
pub(in crate::report) fn plan(record: &Experiment, rounds: &[RoundValues], arm: &str) -> String {
    let workload = &record.subject().workload;
    format!(
        "{}, interleaved; {} of fresh processes of which {} count, {}, {} greedy tokens each",
        counted(record.arms.len(), arm),
        counted(rounds.len(), "round"),
        rounds.iter().filter(|round| round.counts).count(),
        counted(workload.prompts.len(), "prompt"),
        workload.new_tokens
    )
}

fn tokens(record: &Experiment, engine: &Arm) -> [Cell; 3] {
    let generations = counted(engine.samples.len(), "generation");
    let reference = &record.arms[0].label;
    let places = || {
        let place = |prompt: &crate::record::PromptRecord| {
            let it = prompt.divergence.as_ref()?;
            Some(format!(
                "`{}` at token {} ({} for {}, logit margin {:.3})",
                prompt.id,
                it.position + 1,
                it.got,
                it.expected,
                it.logit_margin
            ))
        };
        engine.prompts.iter().filter_map(place).collect::<Vec<_>>().join(", ")
    };
    let (mark, word, detail) = match engine.prompts.iter().map(|prompt| prompt.golden).max() {
        Some(GoldenResult::Match) => {
            (Mark::Holds, "match", format!("every token of {generations} matches the golden"))
        }
        Some(GoldenResult::None) if engine.label == *reference => {
            let detail = format!("no golden covers all its tokens; its {generations} agree");
            (Mark::Unknown, "unverified", detail)
        }
        Some(GoldenResult::None) => {
            let detail =
                format!("every token of {generations} equals that of `{reference}`; no golden covers all");
            (Mark::Unknown, "equal", detail)
        }
        Some(GoldenResult::NearTie) => {
            (Mark::Warns, "near-tie", format!("differs where two tokens are nearly tied: {}", places()))
        }
        Some(GoldenResult::Break) => {
            (Mark::Fails, "wrong output", format!("no speed is reported: {}", places()))
        }
        None => (Mark::NotJudged, "not judged", "the run ended before it was checked".to_owned()),
    };
    [(&engine.label).into(), status(mark, word), detail.into()]
}

fn engines(record: &Experiment, metric_values: &[PeerValues]) -> Table {
    let headings = [
        "engine",
        "loop",
        "attention",
        "KV cache",
        "TTFT ms",
        "TPOT ms",
        "tok/s",
        "host us/token",
        "load s",
        "peak RSS",
        "anonymous",
        "file-backed",
        "worker",
    ];
    let rows = record.arms.iter().zip(metric_values).map(|(engine, metric_values)| {
        let facets = Facets::of(engine);
        let average = metric_values.summary.average.as_ref().map(|average| &average.mean);
        // Without verified tokens there is no value, be it of speed or of memory.
        let value = |value: Option<f64>| number(value.filter(|_| average.is_some()).map(four_digits));
        let memory = |bytes: Option<u64>| number(bytes.filter(|_| average.is_some()).map(mebibytes));
        [
            (&engine.label).into(),
            facets.host_loop.into(),
            facets.attention.unwrap_or("-").into(),
            facets.kv_cache_precision.unwrap_or("-").into(),
            value(average.and_then(|it| it.get(Metric::TimeToFirstToken))),
            value(average.and_then(|it| it.get(Metric::TimePerOutputToken))),
            value(average.and_then(|it| it.get(Metric::EndToEndThroughput))),
            value(metric_values.host_overhead_us),
            value(metric_values.load_s),
            memory(metric_values.peak_rss_bytes),
            memory(metric_values.anonymous_bytes),
            memory(metric_values.file_backed_bytes),
            engine.worker.name.as_deref().unwrap_or("never started").into(),
        ]
    });
    Table::new(headings).with_rows(rows)
}

fn ratios(record: &Experiment, metric_values: &[PeerValues], rounds: &[RoundValues]) -> Table {
    let counting = rounds.iter().filter(|round| round.counts).count();
    let headings = ["engine", "metric", "ratio", "95 % interval", "better", "result"];
    let mut table = Table::new(headings).with_keys(2);
    for (engine, metric_values) in record.arms.iter().zip(metric_values) {
        for multiple in &metric_values.multiples {
            table.row([
                match multiple.rounds {
                    rounds if rounds == counting => (&engine.label).into(),
                    rounds => format!("{} ({})", engine.label, counted(rounds, "round")).into(),
                },
                metric(multiple.metric),
                number(Some(four_digits(multiple.ratio))),
                interval(Some(multiple)),
                multiple.metric.direction().as_str().into(),
                result(multiple),
            ]);
        }
    }
    table
}

/// How an engine compares. That another engine is worse is nobody's failure.
fn result(multiple: &Multiple) -> Cell {
    match multiple.stands() {
        Stands::Better => status(Mark::Holds, "better"),
        Stands::Worse => status(Mark::Warns, "worse"),
        Stands::Alike => status(Mark::NotJudged, "similar"),
        Stands::Unknown => status(Mark::Unknown, "one round"),
    }
}

/// As in "[1.083, 1.172]".
pub(in crate::report) fn interval(multiple: Option<&Multiple>) -> Cell {
    let bounds = multiple.and_then(|it| it.lower.zip(it.upper));
    number(bounds.map(|(lower, upper)| format!("[{}, {}]", four_digits(lower), four_digits(upper))))
}

/// Every round, with what each process took in it.
pub(in crate::report) fn add_rounds(document: &mut Document, record: &Experiment, rounds: &[RoundValues]) {
    let headings = ["round", "TPOT ms of each process, in the order in which they ran", ""];
    let rows = rounds.iter().enumerate().map(|(at, round)| round_row(record, at, round));
    document.titled_table("Rounds", Table::new(headings).with_rows(rows));
    add_reasons(document, rounds.iter().filter_map(|round| round.invalidated_by.first()), "round");
}

fn round_row(record: &Experiment, at: usize, round: &RoundValues) -> [Cell; 3] {
    let tpot = |place: &usize| {
        let name = &record.arms.get(*place)?.label;
        let tpot = round.of(*place).and_then(|it| it.get(Metric::TimePerOutputToken));
        Some(format!("{name} {}", tpot.map_or("-".to_owned(), four_digits)))
    };
    let state = match round.invalidated_by.first() {
        None => "counts".to_owned(),
        Some(reason) if round.counts => format!("counts, guards ignored: {}", guard_of(reason)),
        Some(reason) => format!("invalidated: {}", guard_of(reason)),
    };
    let processes: Vec<String> = round.order.iter().filter_map(tpot).collect();
    [number(Some((at + 1).to_string())), processes.join(", ").into(), state.into()]
}

/// Of all, then of each engine; what several engines are warned of appears once, as the first has it.
pub(in crate::report) fn warnings(document: &mut Document, record: &Experiment) {
    let mut warnings: Vec<(&Warning, Vec<&str>)> = Vec::new();
    let of_all = record.warnings.iter().map(|warning| (None, warning));
    let of_engines = record
        .arms
        .iter()
        .flat_map(|engine| engine.warnings.iter().map(|warning| (Some(engine.label.as_str()), warning)));
    for (engine, warning) in of_all.chain(of_engines) {
        match warnings.iter_mut().find(|(before, _)| before.id == warning.id) {
            Some((_, engines)) => engines.extend(engine),
            None => warnings.push((warning, engine.into_iter().collect())),
        }
    }
    for (warning, engines) in warnings {
        document.warning(engines.join(", "), warning);
    }
}

const HEADINGS: [&str; 6] = ["difference", "engines", "metric", "ratio", "95 % interval", "result"];

/// What was published, and the steps of one difference each.
fn add_steps(document: &mut Document, record: &Experiment) {
    let mut steps = steps(record);
    // An engine without speed isolates nothing.
    steps.retain(|step| step.throughput.is_some());
    document.section("What the published difference consists of here");
    document.text(published(record));
    document.table(Table::new(HEADINGS).with_rows(steps.iter().flat_map(|step| rows(record, step))));
    if let Some(whole) = whole(record) {
        document.text(whole);
    }
    let needed = [
        (Facet::HostLoop, "`--engines genai,optimum`"),
        (Facet::Attention, "`--engines genai,genai-pa`"),
        (Facet::KvCachePrecision, "`--engines genai-pa,genai-pa-i8`"),
    ];
    for (facet, engines) in needed {
        if !steps.iter().any(|step| step.facet == facet) {
            document.text(format!("{} was not isolated: {engines} isolates it", facet.words()));
        }
    }
}

fn published(record: &Experiment) -> String {
    let metric_value =
        |it: &crate::record::PublishedValue| format!("{} {} tok/s", it.series, four_digits(it.value));
    let metric_values: Vec<String> = record.published_engines.iter().map(metric_value).collect();
    let [slow, fast, ..] = record.published_engines.as_slice() else { return metric_values.join(", ") };
    let reference = record.published.as_ref();
    let of = reference.map_or("of another machine".to_owned(), |published| {
        let differs = published.difference_to(&record.subject()).is_some();
        let here = if differs { "not of what was measured here" } else { "as here" };
        format!("of {} on {}, {here}", published.model.name, published.device.name)
    });
    format!("published: {} (ratio {}), {of}", metric_values.join(", "), four_digits(fast.value / slow.value))
}

/// A row for the throughput of the second engine as a multiple of the first's, and one for its TPOT.
fn rows(record: &Experiment, step: &Step) -> Vec<[Cell; 6]> {
    let (from, to) = (&record.arms[step.from], &record.arms[step.to]);
    let value = |engine| {
        let facets = Facets::of(engine);
        let value = match step.facet {
            Facet::HostLoop => Some(facets.host_loop),
            Facet::Attention => facets.attention,
            Facet::KvCachePrecision => facets.kv_cache_precision,
        };
        value.unwrap_or("-")
    };
    let row = |(metric, it): (&'static str, Multiple)| {
        [
            format!("{}, {} to {}", step.facet.words(), value(from), value(to)).into(),
            format!("{} to {}", from.label, to.label).into(),
            metric.into(),
            number(Some(four_digits(it.ratio))),
            interval(Some(&it)),
            result(&it),
        ]
    };
    let ratios = [("tok/s", step.throughput), ("TPOT", step.tpot)];
    ratios.into_iter().filter_map(|(metric, ratio)| Some(row((metric, ratio?)))).collect()
}

fn whole(record: &Experiment) -> Option<String> {
    let whole = whole_step(record)?;
    let label = |at: usize| record.arms.get(at).map(|arm: &Arm| &arm.label);
    let (lower, upper) = whole.throughput.lower.zip(whole.throughput.upper)?;
    Some(format!(
        "Here the tok/s of `{}` are {} x those of `{}` [{}, {}]",
        label(whole.to)?,
        four_digits(whole.throughput.ratio),
        label(whole.from)?,
        four_digits(lower),
        four_digits(upper)
    ))
}

const SCHEMA: &str = "arcgauge-peers@3";

/// A record of `peers` as JSON.
pub fn peers_json(record: &Experiment) -> String {
    let metric_values = peer_values(record);
    let names: Vec<&str> = record.arms.iter().map(|engine| engine.label.as_str()).collect();
    let name = |place: usize| names.get(place).copied().unwrap_or_default();
    let multiples = metric_values.iter().enumerate().flat_map(|(place, metric_values)| {
        metric_values.multiples.iter().map(move |multiple| (place, multiple))
    });
    let of_steps = steps(record);
    let value = json!({
        "schema": SCHEMA,
        "run_id": record.run_id,
        "when_utc": record.when_utc,
        "outcome": record.outcome,
        "validity": Validity::of(record).as_str(),
        "failure": record.failure,
        "engines": record.arms.iter().zip(&metric_values).map(|(engine, metric_values)| of_engine(engine, metric_values)).collect::<Value>(),
        "multiples": multiples.map(|(place, multiple)| {
            let mut reported = of_multiple(multiple);
            reported["engine"] = name(place).into();
            reported
        }).collect::<Value>(),
        "steps": of_steps.iter().map(|step| json!({
            "facet": step.facet.words(),
            "from": name(step.from),
            "to": name(step.to),
            "multiples": step.tpot.iter().chain(&step.throughput).map(of_multiple).collect::<Vec<_>>(),
        })).collect::<Value>(),
        "rounds": round_values(record).iter().map(|round| json!({
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

fn of_engine(engine: &Arm, metric_values: &PeerValues) -> Value {
    let run = engine;
    let average = metric_values.summary.average.as_ref().map(|average| &average.mean);
    // Without its tokens no number of it is reported.
    let has_speed = |_: &u64| average.is_some();
    json!({
        "requested": engine.label,
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
            (Metric::HostOverhead.id()): metric_values.host_overhead_us,
            (Metric::Load.id()): metric_values.load_s.filter(|_| average.is_some()),
            (Metric::PeakRss.id()): metric_values.peak_rss_bytes.filter(has_speed),
            (Metric::PeakDeviceMemory.id()): metric_values.device_memory_bytes.filter(has_speed),
            "rss_anonymous_bytes": metric_values.anonymous_bytes.filter(has_speed),
            "rss_file_bytes": metric_values.file_backed_bytes.filter(has_speed),
        },
        "warnings": run.warnings,
    })
}

fn of_multiple(multiple: &Multiple) -> Value {
    let mut reported = json!(multiple);
    reported["stands"] = json!(multiple.stands());
    reported
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::Divergence;
    use crate::judge::peers::example::all_engines;

    /// One engine wrong, and what it said kept from every value.
    fn with_a_wrong_engine() -> Experiment {
        let mut record = all_engines();
        record.outcome = Outcome::WrongOutput;
        let run = &mut record.arms[4];
        run.outcome = Outcome::WrongOutput;
        for prompt in &mut run.prompts {
            prompt.golden = GoldenResult::Break;
            let divergence =
                Divergence { position: 4, expected: 7, got: 9, logit_margin: 6.25, flips: vec![4] };
            prompt.divergence = Some(divergence);
        }
        run.samples.iter_mut().for_each(|sample| sample.times = None);
        record.rounds[1].order.retain(|engine| *engine != 4);
        record.rounds[2].order.retain(|engine| *engine != 4);
        record
    }

    #[test]
    fn engines_are_reported_by_their_tokens_their_values_and_their_differences() {
        insta::assert_snapshot!(peers_document(&all_engines()).to_text(None));
        insta::assert_snapshot!(peers_document(&all_engines()).to_markdown());
    }

    #[test]
    fn a_wrong_engine_has_no_speed_in_any_form() {
        let record = with_a_wrong_engine();
        let text = peers_document(&record).to_text(Some(200));
        assert!(
            text.contains("optimum      FAIL wrong output  no speed is reported: `moe-vs-dense` at token 5"),
            "{text}"
        );
        let row =
            text.lines().find(|line| line.trim_start().starts_with("optimum      optimum-intel")).unwrap();
        assert!(row.contains(" - "), "{row}");
        assert!(!text.contains("optimum      tpot@1") && !text.contains("optimum-intel to"), "{text}");
        let json: Value = serde_json::from_str(&peers_json(&record)).unwrap();
        let optimum = &json["engines"][4];
        assert_eq!(optimum["requested"], "optimum");
        assert!(optimum["figures"]["tpot@1"].is_null() && optimum["figures"]["e2e_throughput@1"].is_null());
        assert_eq!(optimum["tokens"][0]["result"], "break");
        assert!(json["multiples"].as_array().unwrap().iter().all(|row| row["engine"] != "optimum"));
    }

    #[test]
    fn what_is_not_isolated_is_named_with_the_engines_that_would() {
        let mut record = all_engines();
        record.arms.truncate(2);
        record.rounds.iter_mut().for_each(|round| round.order = vec![0, 1]);
        let text = peers_document(&record).to_text(Some(200));
        assert!(
            text.contains(
                "attention and its scheduler was not isolated: `--engines genai,genai-pa` isolates it"
            ),
            "{text}"
        );
        assert!(text.contains("KV-cache precision was not isolated"), "{text}");
        assert!(!text.contains("host loop was not"), "{text}");
    }

    #[test]
    fn a_warning_of_several_engines_is_there_once_and_hostile_text_stays_text() {
        let mut record = all_engines();
        let hostile = "##[error]\\u{1b}[31m<b>|x|</b>\nnext";
        for engine in &mut record.arms[1..] {
            engine.warnings = vec![Warning::new("one", hostile, "advice")];
            engine.label.push_str("|<i>");
        }
        record.arms[0].warnings.clear();
        let text = peers_document(&record).to_text(Some(200));
        assert_eq!(text.matches("warning").count(), 1, "{text}");
        assert!(!text.contains("##[error]") && !text.contains("</b>\n"), "{text}");
        let markdown = peers_document(&record).to_markdown();
        assert!(
            !markdown.contains("<b>") && !markdown.contains("|x|") && !markdown.contains("<i>"),
            "{markdown}"
        );
        assert!(!peers_json(&record).contains("##["));
    }
}

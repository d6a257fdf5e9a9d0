//! Engines side by side as they are told, every text ready to be shown.

use serde::Serialize;

use crate::golden::GoldenResult;
use crate::judge::peers::{Facets, Multiple, PeerFigures, RoundFigures, Stands, peer_figures, round_figures};
use crate::record::{Outcome, PeerRecord, PeersRecord, RunRecord, Warning};
use crate::report::badge::Badge;
use crate::report::decision::{Mark, interrupted_after};
use crate::report::number::{counted, four_digits, mebibytes};
use crate::report::one_line;
use crate::report::peers::finding::FindingView;

/// A record of `peers`, in the order in which it is read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PeersView {
    /// Model, device, runtime.
    pub title: String,
    /// Engines, rounds, tokens, commit.
    pub asked: String,
    /// How the measurement ended, where that was not as it should.
    pub failure: Option<String>,
    /// Whether that is an interruption.
    pub is_interrupted: bool,
    /// Whether every engine gave the right tokens.
    pub tokens: Vec<TokensRow>,
    /// Figures of each engine by itself.
    pub engines: Vec<EngineRow>,
    /// Each other engine as a multiple of the reference.
    pub multiples: Vec<MultipleRow>,
    /// What the others are held against.
    pub reference: String,
    /// How multiples are to be read.
    pub caption: String,
    /// What the published difference is made of here.
    pub finding: FindingView,
    /// Every round.
    pub rounds: Vec<RoundRow>,
    /// What a reader must know.
    pub warnings: Vec<WarningRow>,
}

/// The word on an engine's tokens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TokensRow {
    /// The engine.
    pub engine: String,
    /// The word, marked.
    pub badge: Badge,
    /// Its glyph on a terminal.
    pub glyph: &'static str,
    /// In a sentence.
    pub said: String,
}

/// An engine's figures by themselves; "-" where there is none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EngineRow {
    /// The engine.
    pub engine: String,
    /// Who it says that it is.
    pub worker: String,
    /// Whose loop.
    pub host_loop: String,
    /// "sdpa" or "paged".
    pub attention: String,
    /// The KV cache's precision, as read back.
    pub kv_cache: String,
    /// `ttft@1`, ms.
    pub ttft_ms: String,
    /// `tpot@1`, ms per token.
    pub tpot_ms: String,
    /// `e2e_throughput@1`, tokens per second.
    pub throughput_tok_s: String,
    /// `host_overhead@1`, us per token.
    pub host_overhead_us: String,
    /// `load@1`, s.
    pub load_s: String,
    /// `peak_rss@1`.
    pub peak_rss: String,
    /// Anonymous memory at the end of a generation.
    pub anonymous: String,
    /// File-backed memory there.
    pub file_backed: String,
}

/// An engine's figure as a multiple of the reference's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MultipleRow {
    /// The engine.
    pub engine: String,
    /// The definition id.
    pub metric: &'static str,
    /// Which way is better.
    pub better: &'static str,
    /// As in "1.127".
    pub multiple: String,
    /// As in "[1.08, 1.17]"; "-" where there is none.
    pub interval: String,
    /// Rounds that it rests on.
    pub rounds: usize,
    /// How it stands, marked.
    pub badge: Badge,
}

/// A round.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RoundRow {
    /// From 1.
    pub round: usize,
    /// Engines in the order in which they ran, each with its `tpot@1`.
    pub engines: String,
    /// Whether it counts, or why not.
    pub said: String,
}

/// Something to know, of all or of one engine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WarningRow {
    /// The engine; empty where it is of all.
    pub engine: String,
    /// What is the case.
    pub message: String,
    /// What to do about it.
    pub advice: String,
}

/// What stands where there is no figure.
const NONE: &str = "-";

impl PeersView {
    /// Of a record.
    #[must_use]
    pub fn of(record: &PeersRecord) -> Self {
        let figures = peer_figures(record);
        let of_rounds = round_figures(record);
        let engines: Vec<&PeerRecord> = record.engines().collect();
        let both = || engines.iter().zip(&figures);
        Self {
            title: title(record),
            asked: asked(record, &of_rounds),
            is_interrupted: record.outcome == Outcome::Interrupted,
            failure: failure(record, &of_rounds),
            tokens: engines.iter().map(|engine| tokens(record, engine)).collect(),
            engines: both().map(|(engine, figures)| engine_row(engine, figures)).collect(),
            multiples: both().flat_map(|(engine, figures)| multiples(engine, figures)).collect(),
            reference: one_line(&record.reference.asked),
            caption:
                "multiples: geometric mean of each round's ratio, with its 95 % interval by Student's t, \
                      each by itself; alike: the interval holds 1; the figures above are over every process, \
                      those of spoilt rounds among them"
                    .to_owned(),
            finding: FindingView::of(record),
            rounds: of_rounds.iter().enumerate().map(|(at, round)| round_row(&engines, at, round)).collect(),
            warnings: warnings(record),
        }
    }
}

fn title(record: &PeersRecord) -> String {
    let run = &record.reference.run;
    let version = run.runtime.as_ref().map_or("?", |runtime| runtime.openvino_version.as_str());
    let device = run.device.in_words(&run.machine.cpu);
    one_line(&format!("{} on {device}, OpenVINO {version}", run.model.name))
}

fn asked(record: &PeersRecord, of_rounds: &[RoundFigures]) -> String {
    let workload = &record.reference.run.workload;
    let commit = record.reference.run.commit.as_ref().map_or("no commit".to_owned(), |commit| {
        format!("commit {}{}", commit.short(), if commit.dirty { " (dirty)" } else { "" })
    });
    let counting = of_rounds.iter().filter(|round| round.counts).count();
    one_line(&format!(
        "{} in turns, {} of fresh processes of which {counting} count, {}, {} greedy tokens each, {commit}",
        counted(record.others.len() + 1, "engine"),
        counted(of_rounds.len(), "round"),
        counted(workload.prompts.len(), "prompt"),
        workload.new_tokens
    ))
}

fn failure(record: &PeersRecord, of_rounds: &[RoundFigures]) -> Option<String> {
    match (record.outcome, &record.failure) {
        (Outcome::Interrupted, _) => {
            let has_times = |run: &RunRecord| run.samples.iter().any(|sample| sample.times.is_some());
            let whole = if has_times(&record.reference.run) { of_rounds.len() } else { 0 };
            Some(interrupted_after(whole, "round"))
        }
        (_, Some(failure)) => Some(one_line(failure)),
        (_, None) => None,
    }
}

fn tokens(record: &PeersRecord, engine: &PeerRecord) -> TokensRow {
    let run = &engine.run;
    let worst = run.prompts.iter().map(|prompt| prompt.golden).max();
    let generations = counted(run.samples.len(), "generation");
    let is_reference = engine.asked == record.reference.asked;
    let places = || {
        let diverged =
            run.prompts.iter().filter_map(|prompt| Some((&prompt.id, prompt.divergence.as_ref()?)));
        let told = diverged.map(|(id, it)| {
            format!(
                "`{id}` at token {} ({} for {}, gap {:.3})",
                it.position + 1,
                it.got,
                it.expected,
                it.gap_logit
            )
        });
        told.collect::<Vec<_>>().join(", ")
    };
    let (mark, word, said) = match worst {
        Some(GoldenResult::Match) => {
            (Mark::Holds, "match", format!("every token of {generations} is the golden one"))
        }
        Some(GoldenResult::None) if is_reference => {
            (Mark::Unknown, "unverified", format!("no golden has all its tokens; its {generations} agree"))
        }
        Some(GoldenResult::None) => {
            let of = &record.reference.asked;
            (
                Mark::Unknown,
                "equal",
                format!("every token of {generations} is that of `{of}`; no golden has all of them"),
            )
        }
        Some(GoldenResult::NearTie) => {
            (Mark::Warns, "near-tie", format!("parts where two tokens are too close to call: {}", places()))
        }
        Some(GoldenResult::Break) => {
            (Mark::Fails, "wrong output", format!("no speed is given: {}", places()))
        }
        None => (Mark::NotJudged, "not judged", "the run did not come so far".to_owned()),
    };
    TokensRow {
        engine: one_line(&engine.asked),
        badge: Badge::new(mark, word),
        glyph: mark.glyph(),
        said: one_line(&said),
    }
}

fn engine_row(engine: &PeerRecord, figures: &PeerFigures) -> EngineRow {
    let facets = Facets::of(engine);
    let average = figures.summary.average.as_ref().map(|average| average.mean);
    // Without its tokens no number of it is told, be it of speed or of memory.
    let figure =
        |value: Option<f64>| value.filter(|_| average.is_some()).map_or(NONE.to_owned(), four_digits);
    let memory = |bytes: Option<u64>| bytes.filter(|_| average.is_some()).map_or(NONE.to_owned(), mebibytes);
    EngineRow {
        engine: one_line(&engine.asked),
        worker: one_line(engine.run.worker.name.as_deref().unwrap_or("it never spoke")),
        host_loop: one_line(facets.host_loop),
        attention: one_line(facets.attention.unwrap_or(NONE)),
        kv_cache: one_line(facets.kv_cache_precision.unwrap_or(NONE)),
        ttft_ms: figure(average.map(|it| it.ttft_ms)),
        tpot_ms: figure(average.and_then(|it| it.decode_tpot_ms)),
        throughput_tok_s: figure(average.map(|it| it.throughput_tok_s)),
        host_overhead_us: figure(figures.host_overhead_us),
        load_s: figure(figures.load_s),
        peak_rss: memory(figures.peak_rss_bytes),
        anonymous: memory(figures.anonymous_bytes),
        file_backed: memory(figures.file_backed_bytes),
    }
}

fn multiples(engine: &PeerRecord, figures: &PeerFigures) -> Vec<MultipleRow> {
    let row = |multiple: &Multiple| {
        let (mark, word) = stands(multiple);
        MultipleRow {
            engine: one_line(&engine.asked),
            metric: multiple.metric.id(),
            better: multiple.metric.direction().word(),
            multiple: four_digits(multiple.ratio),
            interval: interval(multiple),
            rounds: multiple.rounds,
            badge: Badge::new(mark, word),
        }
    };
    figures.multiples.iter().map(row).collect()
}

/// The word on a multiple. Another engine that is worse is no failure of anybody's.
pub(super) fn stands(multiple: &Multiple) -> (Mark, &'static str) {
    match multiple.stands() {
        Stands::Better => (Mark::Holds, "better"),
        Stands::Worse => (Mark::Warns, "worse"),
        Stands::Alike => (Mark::NotJudged, "alike"),
        Stands::Unknown => (Mark::Unknown, "one round"),
    }
}

/// As in "[1.083, 1.172]".
pub(super) fn interval(multiple: &Multiple) -> String {
    match (multiple.lower, multiple.upper) {
        (Some(lower), Some(upper)) => format!("[{}, {}]", four_digits(lower), four_digits(upper)),
        _ => NONE.to_owned(),
    }
}

fn round_row(engines: &[&PeerRecord], at: usize, round: &RoundFigures) -> RoundRow {
    let told = round.order.iter().filter_map(|place| {
        let name = one_line(&engines.get(*place)?.asked);
        let tpot = round.of(*place).and_then(|it| it.of(crate::measure::Metric::TimePerOutputToken));
        Some(tpot.map_or_else(|| format!("{name} {NONE}"), |tpot| format!("{name} {}", four_digits(tpot))))
    });
    let said = match round.spoilt_because.first() {
        None => "counts".to_owned(),
        Some(why) if round.counts => format!("counts in spite of {why}"),
        Some(why) => format!("spoilt: {why}"),
    };
    RoundRow { round: at + 1, engines: told.collect::<Vec<_>>().join(", "), said: one_line(&said) }
}

/// Of all, then of each engine; what several engines are warned of is told once, as the first was.
fn warnings(record: &PeersRecord) -> Vec<WarningRow> {
    let of_all = record.warnings.iter().map(|warning| (None, warning));
    let of_engines = record
        .engines()
        .flat_map(|engine| engine.run.warnings.iter().map(|warning| (Some(engine.asked.as_str()), warning)));
    let mut told: Vec<WarnedOf<'_>> = Vec::new();
    for (engine, warning) in of_all.chain(of_engines) {
        match told.iter_mut().find(|it| it.warning.id == warning.id) {
            Some(it) => it.engines.extend(engine),
            None => told.push(WarnedOf { warning, engines: engine.into_iter().collect() }),
        }
    }
    let row = |WarnedOf { warning, engines }: WarnedOf<'_>| WarningRow {
        engine: one_line(&engines.join(", ")),
        message: one_line(&warning.message),
        advice: one_line(&warning.advice),
    };
    told.into_iter().map(row).collect()
}

/// A warning, and the engines that have it; none where it is of all.
struct WarnedOf<'a> {
    warning: &'a Warning,
    engines: Vec<&'a str>,
}

//! `peers`: engines side by side, in rounds of fresh processes; equal tokens first, then speed and memory.

mod args;
mod engine;
mod live;
mod program;
mod ready;
mod record;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

pub(super) use args::PeersArgs;
pub(super) use program::{environment, python_of};

use args::PeersFormat;
use live::{LiveEngine, LiveRounds};
use ready::{Common, ReadyEngine};
use record::{Assembled, Frame};

use crate::cli::edited_graph::EditedGraph;
use crate::cli::loading::find_model;
use crate::cli::measuring::{StandBy, asked_prompts, planned, stoppable};
use crate::cli::report::show_commit;
use crate::cli::root::Root;
use crate::cli::{exit_code, print, say};
use crate::engine::openvino::{COMPILED_MODELS_FOLDER, COMPILED_MODELS_LIMIT_BYTES, trim_compiled_models};
use crate::error::{Error, ErrorKind, Result};
use crate::gate::{RoundPlan, drive_rounds};
use crate::judge::peers::round_figures;
use crate::measure::{Clock, Metric, MonotonicClock, Plan, SleepInhibitor};
use crate::places;
use crate::record::{Outcome, PeersRecord, PublishedFigure, PublishedReference, PublishedSeries, utc_now};
use crate::report::peers::{peers_json, peers_markdown, peers_text};

/// Spoilt rounds that are made again, at most: as many as pairs of `ab`.
const LARGEST_REDRAWS: usize = 3;

/// Measures engines side by side, and tells it.
pub(super) fn peers(args: &PeersArgs) -> Result<ExitCode> {
    let began_ns = MonotonicClock.now_ns();
    let root = Root::find();
    let engines = args.engines()?;
    let store = args.store.find_to_measure(&root)?;
    let published = PublishedReference::read(&root.published())?;
    let published_engines = published_engines(&root.published())?;
    let control = stoppable()?;
    let mut model = find_model(&args.engine.model, &root)?;
    if args.unverified {
        // What counts as a near-tie stays known.
        model.goldens.goldens.clear();
    }
    model.check_goldens_belong()?;
    let asked = asked_prompts(&args.prompts, &model)?;
    model.check_goldens_fit(&asked)?;
    ready::check_order(&engines, &asked, &model)?;
    let plan = Plan { prompts: planned(&asked), processes: 1, new_tokens: args.max_new_tokens };
    let config = model.folder.config();
    plan.check(config.vocab_size.unwrap_or(usize::MAX), config.max_position_embeddings)?;
    let Some(_lock) = args.supervision.take_lock(&control, "peers")? else {
        say("interrupted while waiting for the device: nothing was measured");
        return Ok(ExitCode::from(exit_code::INTERRUPTED));
    };
    let edited = EditedGraph::place(&model.identity, args.engine.all_logits)?;
    let common = Common {
        args,
        engines: &engines,
        root: &root,
        model: &model,
        edited: edited.as_ref(),
        control: &control,
    };
    let Some(settled) = common.settle()? else {
        say("interrupted: nothing was measured");
        return Ok(ExitCode::from(exit_code::INTERRUPTED));
    };
    if let Some(because) = &settled.event.fallback_because {
        say(&format!(
            "warning: `{}` was asked for and {} runs: {because}",
            args.engine.device, settled.event.device
        ));
    }
    let frame = Frame {
        when_utc: utc_now(),
        asked,
        published,
        published_engines,
        model: &model,
        edited: edited.as_ref(),
        requested: args.engine.device.clone(),
        fallback_because: settled.event.fallback_because.clone(),
        device_facts: settled.event.facts.clone(),
        rounds_asked: usize::from(args.rounds),
        despite_guards: args.despite_guards,
        budget_s: args.budget.map(|budget| budget.as_secs()),
        began_ns,
    };
    let live = LiveRounds {
        plan: &plan,
        limits: args.supervision.limits(),
        control: &control,
        stand_by: StandBy::new(&plan, &settled.event.device, args.supervision.settle_limit(false), &control),
        model: &model,
        engines: settled.engines.iter().map(LiveEngine::new).collect(),
        expected: BTreeMap::new(),
        reference_epsilon_logit: 0.0,
        began_with: None,
        openvino_build: settled.event.openvino_build.clone(),
    };
    let Assembled { record, failed } = measure(args, &frame, &settled.engines, live)?;
    // Bad input that was found before an engine could be loaded leaves nothing to keep.
    if let Some(error) = &failed
        && error.kind() == ErrorKind::Input
        && record.rounds.is_empty()
    {
        return Err(error.clone());
    }
    let path = store.add(&record);
    print(&match args.format {
        PeersFormat::Text => peers_text(&record),
        PeersFormat::Json => peers_json(&record),
        PeersFormat::Markdown => peers_markdown(&record),
    });
    say(&format!("record: {}", path?.display()));
    let commit = record.reference.run.commit.as_ref().map(|commit| commit.sha.as_str());
    show_commit(&root, &store, commit);
    match failed {
        Some(error) => Err(error),
        None => Ok(ExitCode::from(code_of(&record))),
    }
}

fn measure(
    args: &PeersArgs,
    frame: &Frame<'_>,
    engines: &[ReadyEngine],
    mut live: LiveRounds<'_>,
) -> Result<Assembled> {
    let _awake = SleepInhibitor::hold();
    let rounds = RoundPlan {
        engines: engines.len(),
        rounds: usize::from(args.rounds),
        largest_redraws: LARGEST_REDRAWS,
        despite_guards: args.despite_guards,
        budget: args.budget,
    };
    let driven = drive_rounds(&rounds, &MonotonicClock, &mut live);
    if let Some(root) = places::cache_dir().map(|folder| folder.join(COMPILED_MODELS_FOLDER)) {
        for removed in trim_compiled_models(&root, COMPILED_MODELS_LIMIT_BYTES) {
            say(&format!("removed from the cache of compiled models: {}", removed.display()));
        }
    }
    record::measured(frame, live, &driven)
}

/// What was published of each engine: the tables' averages.
fn published_engines(path: &Path) -> Result<Vec<PublishedFigure>> {
    let text = fs::read_to_string(path).map_err(|cause| Error::io("read", path, &cause))?;
    let figure = |series: PublishedSeries| PublishedFigure {
        series: series.name,
        metric: Metric::EndToEndThroughput,
        value: series.average_tok_s,
    };
    Ok(PublishedSeries::parse(&text)?.into_iter().map(figure).collect())
}

/// The exit code: wrong output before anything else; rounds without an interval are no number that could be
/// trusted, unless one was asked for.
fn code_of(record: &PeersRecord) -> u8 {
    let counted = round_figures(record).iter().filter(|round| round.counts).count();
    match record.outcome {
        Outcome::Complete if counted >= record.rounds_asked.min(2) => exit_code::PASS,
        Outcome::Complete => exit_code::ENVIRONMENT_INVALID,
        Outcome::WrongOutput => exit_code::WRONG_OUTPUT,
        Outcome::Interrupted => exit_code::INTERRUPTED,
        Outcome::Failed | Outcome::NotMeasured => exit_code::HARNESS_FAILED,
    }
}

//! `bench`: the main job. Measure, check every token, keep a record, print the table.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::cli::flags::EngineFlags;
use crate::cli::loading::{FoundModel, Loaded, find_model};
use crate::cli::progress::Progress;
use crate::cli::root::Root;
use crate::cli::{assemble, exit_code, print, say};
use crate::error::{Error, ErrorKind, Result};
use crate::golden::{Finding, GoldenResult, GoldenSet};
use crate::judge::Published;
use crate::measure::{
    Control, MonotonicClock, Plan, PlannedPrompt, ProcessMemory, Role, Session, StateCheck, run,
};
use crate::record::{
    AskedPrompt, History, Outcome, Overwrite, PromptRecord, RunRecord, check_writable, judge_session,
    kept_samples, write_whole,
};
use crate::report::{bench_table, results_json};
use crate::workload::{Prompt, PromptSet};

/// Of a text of the user's own, what stands in the table.
const OWN_TITLE_CHARACTERS: usize = 30;

/// Flags of `bench`.
#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    /// Measured generations of each prompt, after one discarded warm-up
    #[arg(long, value_name = "N", default_value_t = 3)]
    runs: usize,

    /// Tokens of each answer, exactly: end-of-sequence is a token like any other
    #[arg(long, value_name = "N", default_value_t = 200)]
    max_new_tokens: usize,

    /// A reference prompt's id, or a text of your own; may be repeated [default: all reference prompts]
    #[arg(long = "prompt", value_name = "ID|TEXT")]
    prompts: Vec<String>,

    /// Write the results as JSON, too
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Measure without goldens; every figure is then unverified
    #[arg(long)]
    unverified: bool,

    #[command(flatten)]
    engine: EngineFlags,
}

/// Runs the benchmark.
pub(super) fn bench(args: &BenchArgs) -> Result<ExitCode> {
    let root = Root::find();
    if let Some(output) = &args.output {
        check_writable(output)?;
    }
    let published = read_published(&root.published())?;
    let control = stoppable()?;
    let mut model = find_model(&args.engine.model, &root)?;
    if args.unverified {
        model.goldens = GoldenSet::default();
    }
    model.check_goldens_belong()?;
    let asked = asked_prompts(args, &model)?;
    model.check_goldens_fit(&asked)?;
    let plan = plan(args, &asked);
    let config = model.folder.config();
    plan.check(config.vocab_size.unwrap_or(usize::MAX), config.max_position_embeddings)?;

    let mut loaded = model.load(&args.engine)?;
    let mut record = assemble::record(&root, &model, &loaded, &plan, asked)?;
    let code = measure_into(&mut record, &model, &mut loaded, &plan, &control);
    let kept = History::at(root.history()).add(&record);
    let code = code.inspect_err(|error| {
        if let Ok(path) = &kept {
            say(&format!("record: {} ({})", path.display(), error.kind().word()));
        }
    })?;
    // The table first: a full disk must not lose what was measured.
    print(&bench_table(&record, &published));
    // Neither the record nor the results may keep the other from being written and named.
    let results = args.output.as_deref().map(|output| write_results(output, &record)).transpose();
    say(&format!("record: {}", kept?.display()));
    results?;
    say(&next_step(&record, &model.prompts));
    Ok(ExitCode::from(code))
}

fn write_results(output: &Path, record: &RunRecord) -> Result<()> {
    write_whole(output, results_json(record).as_bytes(), Overwrite::Replace)?;
    say(&format!("results: {}", output.display()));
    Ok(())
}

/// Runs the session, judges its output, and fills in what the record lacks. The record is worth
/// keeping whatever the end: what was done before a failure stands in it, and the failure.
fn measure_into(
    record: &mut RunRecord,
    model: &FoundModel,
    loaded: &mut Loaded,
    plan: &Plan,
    control: &Arc<Control>,
) -> Result<u8> {
    let session = run_session(loaded, plan, control)?;
    record.state_seen_empty = session.state_check == StateCheck::Empty;
    record.samples = kept_samples(plan, &session, &[]);
    if session.interrupted {
        record.outcome = Outcome::Interrupted;
        return Ok(exit_code::INTERRUPTED);
    }
    let epsilon_logit = assemble::epsilon_logit(&model.goldens, &loaded.engine);
    let judged = match &session.failure {
        Some(failure) => Err(failure.clone()),
        None => judge_session(&mut loaded.engine, plan, &session, &model.goldens, epsilon_logit),
    };
    let findings = judged.inspect_err(|failure| {
        let wrong = failure.kind() == ErrorKind::WrongOutput;
        record.outcome = if wrong { Outcome::WrongOutput } else { Outcome::Failed };
        record.failure = Some(failure.to_string());
    })?;
    record.samples = kept_samples(plan, &session, &findings);
    record.prompts = assemble::prompt_records(model, plan, &session, &findings);
    record.warnings.extend(assemble::golden_warnings(plan, &findings, model));
    let wrong = findings.iter().any(|finding: &Finding| finding.result == GoldenResult::Break);
    record.outcome = if wrong { Outcome::WrongOutput } else { Outcome::Complete };
    Ok(if wrong { exit_code::WRONG_OUTPUT } else { exit_code::PASS })
}

fn run_session(loaded: &mut Loaded, plan: &Plan, control: &Arc<Control>) -> Result<Session> {
    let progress = Progress::start(control, plan.new_tokens);
    if !progress.is_shown() {
        say(&format!("measuring: {} generations of {} tokens", plan.generations(), plan.new_tokens));
    }
    let memory = ProcessMemory::of_this_process();
    let generations = plan.generations();
    let session = run(&mut loaded.engine, plan, &MonotonicClock::start(), &memory, control, |aim| {
        let role = if aim.role == Role::WarmUp { "warm-up" } else { "measured" };
        progress.aim(&format!("{}/{generations} {role} {}", aim.generation + 1, aim.prompt_id));
    });
    progress.finish();
    session
}

/// A control that Ctrl-C stops after the token under way; a second one ends the process at once.
fn stoppable() -> Result<Arc<Control>> {
    let control = Arc::new(Control::default());
    for signal in [SIGINT, SIGTERM] {
        let code = i32::from(exit_code::INTERRUPTED);
        flag::register_conditional_shutdown(signal, code, Arc::clone(&control.stop))
            .and_then(|_| flag::register(signal, Arc::clone(&control.stop)))
            .map_err(|cause| Error::harness(format!("cannot listen for Ctrl-C: {cause}")))?;
    }
    Ok(control)
}

fn read_published(path: &Path) -> Result<Published> {
    let text = fs::read_to_string(path).map_err(|cause| Error::io("read", path, &cause))?;
    Published::parse(&text)
}

/// The prompts that the flags name, with their tokens; all reference prompts where none is named.
fn asked_prompts(args: &BenchArgs, model: &FoundModel) -> Result<Vec<AskedPrompt>> {
    let reference = |prompt: &Prompt| -> Result<AskedPrompt> {
        Ok(AskedPrompt {
            id: prompt.id.clone(),
            title: prompt.title.clone(),
            token_ids: model.prompt_tokens(&prompt.id, &prompt.text)?,
        })
    };
    if args.prompts.is_empty() {
        return model.prompts.prompts.iter().map(reference).collect();
    }
    let own = |index: usize, text: &str| -> Result<AskedPrompt> {
        if !text.contains(char::is_whitespace) {
            let ids: Vec<&str> = model.prompts.prompts.iter().map(|prompt| prompt.id.as_str()).collect();
            say(&format!(
                "no reference prompt is called `{text}` (there are `{}`): it is asked as a text",
                ids.join("`, `")
            ));
        }
        Ok(AskedPrompt {
            id: format!("own-{}", index + 1),
            title: text.chars().take(OWN_TITLE_CHARACTERS).collect(),
            token_ids: model.encode(text)?,
        })
    };
    let named = args.prompts.iter().enumerate();
    let asked =
        named.map(|(index, named)| model.prompts.get(named).map_or_else(|| own(index, named), reference));
    asked.collect()
}

fn plan(args: &BenchArgs, asked: &[AskedPrompt]) -> Plan {
    let planned =
        |prompt: &AskedPrompt| PlannedPrompt { id: prompt.id.clone(), token_ids: prompt.token_ids.clone() };
    Plan { prompts: asked.iter().map(planned).collect(), runs: args.runs, new_tokens: args.max_new_tokens }
}

fn next_step(record: &RunRecord, prompts: &PromptSet) -> String {
    let unverified = |prompt: &&PromptRecord| prompt.golden == GoldenResult::None;
    let mut unverified = record.prompts.iter().filter(unverified).peekable();
    match record.outcome {
        Outcome::WrongOutput => "next: find what changed the output; only if it is right, \
             `cargo xtask golden bless --because \"...\"`"
            .to_owned(),
        Outcome::Interrupted | Outcome::Failed => "next: `cargo xtask bench` again".to_owned(),
        Outcome::Complete if unverified.peek().is_none() => {
            "next: commit your change and run `cargo xtask bench` again to compare".to_owned()
        }
        Outcome::Complete if unverified.any(|prompt| prompts.get(&prompt.id).is_some()) => {
            "next: read the answers that are unverified (`cargo xtask infer`), then \
             `cargo xtask golden bless --because \"...\"` makes those to reference prompts goldens"
                .to_owned()
        }
        Outcome::Complete => "next: a text of your own has no golden; to give it one, add it to \
             `fixtures/prompts/reference.json`, then `cargo xtask bench` and `cargo xtask golden bless`"
            .to_owned(),
    }
}

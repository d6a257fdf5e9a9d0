//! `golden bless`: from a record just measured, without running again.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;

use crate::cli::flags::{EngineFlags, ModelFlags};
use crate::cli::golden::{LIMIT_LOGIT, other_choices};
use crate::cli::loading::{find_model, load};
use crate::cli::measuring::LockFlags;
use crate::cli::named_record::{RUNS, find};
use crate::cli::root::Root;
use crate::cli::settings::StoreFlag;
use crate::cli::{exit_code, say};
use crate::error::{Error, Result};
use crate::golden::{Golden, GoldenOrigin, GoldenSet};
use crate::record::{
    Arm, ArmView, Outcome, PlanKind, PromptRecord, ReplayRecord, RequestedPrompt, SampleRecord, Stored,
    utc_now, whoami,
};
use crate::run::FoundModel;
use crate::workload::{PinnedTokenIds, Suite, TokenId, TokenizerIdentity};

#[derive(Debug, Args)]
pub(super) struct BlessArgs {
    /// The record to bless; must have been measured here [default: the newest such]
    #[arg(value_name = "RECORD")]
    record: Option<String>,

    /// Why these answers are right; stored in the fixture
    #[arg(long, alias = "because", value_name = "REASON")]
    reason: String,

    /// First feed the answers to the model on the CPU, and refuse where it prefers another token.
    /// Advised for a GPU's first goldens: one that is wrong the same way every time agrees with itself
    #[arg(long)]
    cross_check: bool,

    /// OpenVINO for the cross-check: a pinned version, or the folder of an installation
    #[arg(long, value_name = "VERSION|DIR")]
    openvino: Option<String>,

    #[command(flatten)]
    store: StoreFlag,

    #[command(flatten)]
    model: ModelFlags,

    #[command(flatten)]
    lock: LockFlags,
}

/// An answer of the record that is not golden yet.
struct Answer<'a> {
    prompt: &'a RequestedPrompt,
    tokens: &'a [TokenId],
    replay: &'a ReplayRecord,
}

/// Makes the answers of a record goldens.
pub(super) fn bless(args: &BlessArgs) -> Result<u8> {
    let root = Root::find();
    if args.reason.trim().is_empty() {
        return Err(Error::input("`--reason` is empty").hint("say why these answers are right"));
    }
    let history = args.store.find(&root)?;
    let stored = if let Some(name) = &args.record {
        let named = find(name, &history, &root, RUNS)?;
        history.check_measured_here(named.path())?;
        Stored { path: named.path().to_owned(), record: named.record }
    } else {
        history.latest_measured_here()?.ok_or_else(|| {
            Error::input(format!("no record in `{}` was measured here", history.root().display()))
                .hint("run `cargo xtask bench`")
        })?
    };
    say(&format!("record: {}", stored.path.display()));
    if stored.record.plan != PlanKind::Bench {
        let what = format!("`{}` is of `{}`", stored.path.display(), stored.record.plan.as_str());
        return Err(Error::input(what).hint("bless a record of `cargo xtask bench`"));
    }
    if let Some(harness) = stored.record.backfilled_by() {
        let what = format!("`{}` is of an older commit, backfilled by {harness}", stored.path.display());
        return Err(Error::input(what).hint("bless a record of what is checked out: `cargo xtask bench`"));
    }
    let record = stored.record.subject();
    if let Some(reason) = record.device.emulated_reason() {
        let why = format!("the record is of an emulated device, whose answers are not blessed: {reason}");
        return Err(Error::input(why).hint("bless a record of the CPU or of a GPU that is there"));
    }
    let model = find_model(&args.model, args.openvino.as_ref(), &root)?;
    if model.identity.sha256 != record.model.sha256 {
        return Err(Error::input(format!(
            "the record measured model `{}` ({}), but `{}` is {}",
            record.model.name,
            record.model.sha256,
            model.folder.path().display(),
            model.identity.sha256
        ))
        .hint("name the folder that was measured with `--model-dir DIR`"));
    }
    let answers = new_answers(record.arm, &model)?;
    if answers.is_empty() {
        let named_one = record.prompts.iter().any(|prompt| model.prompts.has(&prompt.id));
        say(if named_one {
            "nothing to bless: every answer of this record is its golden already"
        } else {
            "nothing to bless: the record has no reference prompt"
        });
        return Ok(exit_code::PASS);
    }
    if args.cross_check {
        let Some(_lock) = args.lock.hold("golden bless")? else {
            return Ok(exit_code::INTERRUPTED);
        };
        cross_check(args, &model, &answers)?;
    } else if record.device.actual() == "GPU" && model.goldens.goldens.is_empty() {
        say("warning: these are the first goldens of a GPU; `--cross-check` compares them with the CPU");
    }
    for answer in &answers {
        let golden = golden_of(answer, record, &model, args, &root)?;
        let suite =
            if model.prompts.get(&golden.prompt_id).is_some() { Suite::Reference } else { Suite::Depth };
        let file = golden.save(&GoldenSet::folder_of(&root.goldens(&model.identity.name), suite))?;
        let change = golden
            .made
            .first_change
            .map_or_else(String::new, |at| format!(" (changed from token {})", at + 1));
        say(&format!("blessed: {}{change}", file.display()));
    }
    if let Some(file) = pin_prompts(&answers, &model)? {
        say(&format!("pinned the prompts' token ids: {}", file.display()));
    }
    say("next: read the difference with `git diff fixtures`, and commit it");
    Ok(exit_code::PASS)
}

/// The answers that differ from their golden or have none, each given alike by every generation.
fn new_answers<'a>(record: &'a Arm, model: &FoundModel) -> Result<Vec<Answer<'a>>> {
    if !matches!(record.outcome, Outcome::Complete | Outcome::WrongOutput) {
        return Err(Error::input("the record is of a run that did not come to its end")
            .hint("run `cargo xtask bench` again"));
    }
    let mut answers = Vec::new();
    for judged in &record.prompts {
        let requested = record.workload.prompts.iter().find(|prompt| prompt.id == judged.id);
        // A text of the user's own belongs to no fixture.
        let Some(prompt) = requested.filter(|prompt| model.prompts.has(&prompt.id)) else {
            continue;
        };
        let tokens = agreed(record, judged)?;
        let golden = model.goldens.goldens.get(&judged.id);
        let of_this_prompt = golden
            .filter(|golden| golden.model_sha256 == model.identity.sha256 && golden.answers(prompt.input()));
        let Some(replay) = &judged.replay else {
            // An answer that is its golden is not replayed. The golden may be another one since.
            if of_this_prompt.is_some_and(|golden| golden.token_ids.starts_with(tokens)) {
                continue;
            }
            return Err(golden_is_another(&judged.id, golden.is_some()));
        };
        // As after a run with `--unverified`.
        if of_this_prompt.is_some_and(|golden| golden.token_ids == tokens) {
            continue;
        }
        if let Some(golden) = golden
            && golden.token_ids.len() > tokens.len()
        {
            return Err(Error::input(format!(
                "the record has {} tokens of `{}`, fewer than its golden's {}",
                tokens.len(),
                judged.id,
                golden.token_ids.len()
            ))
            .hint("run `cargo xtask bench` with the default `--max-new-tokens`"));
        }
        answers.push(Answer { prompt, tokens, replay });
    }
    Ok(answers)
}

/// The golden that the record's answer was compared with is no longer there.
fn golden_is_another(prompt_id: &str, is_there: bool) -> Error {
    let now = if is_there { "its golden differs from that answer now" } else { "it has no golden now" };
    Error::input(format!(
        "cannot bless `{prompt_id}`: the record's answer matched the golden of its time, so it was not replayed \
         and has no logit margins, and {now}"
    ))
    .hint(
        "`git status fixtures` shows what was changed: restore the golden, or run `cargo xtask bench` again and \
         bless that record",
    )
}

/// The tokens that every generation of a prompt has, and its replay where there was one.
fn agreed<'a>(record: &'a Arm, judged: &PromptRecord) -> Result<&'a [TokenId]> {
    let mut samples = record.samples.iter().filter(|sample| sample.prompt_id == judged.id);
    let tokens = samples.next().map_or(&[][..], |sample: &SampleRecord| &sample.token_ids);
    let replayed = judged.replay.as_ref().map_or(tokens, |replay| &replay.token_ids);
    if tokens.is_empty() || samples.any(|sample| sample.token_ids != tokens) || replayed != tokens {
        return Err(Error::input(format!("the generations of `{}` do not agree with each other", judged.id))
            .hint("output that varies cannot be golden; find out why with `cargo xtask doctor`"));
    }
    Ok(tokens)
}

fn cross_check(args: &BlessArgs, model: &FoundModel, answers: &[Answer<'_>]) -> Result<()> {
    say("cross-check on the CPU");
    let flags = EngineFlags::on_cpu(args.model.clone(), args.openvino.clone());
    let mut loaded = load(model, &flags)?;
    for answer in answers {
        let others = other_choices(&mut loaded.engine, answer.prompt.input(), answer.tokens)?;
        if let Some(other) = others.iter().find(|other| other.choice.margin >= LIMIT_LOGIT) {
            return Err(Error::wrong_output(format!(
                "at token {} of `{}` the record has {}, and the CPU prefers {} (logit margin {:.3} logit)",
                other.step + 1,
                answer.prompt.id,
                answer.tokens[other.step],
                other.choice.token,
                other.choice.margin
            ))
            .hint("find out which of the two is wrong before anything is blessed"));
        }
        say(&agreement(answer, others.len()));
    }
    Ok(())
}

fn agreement(answer: &Answer<'_>, flips: usize) -> String {
    let (id, tokens) = (&answer.prompt.id, answer.tokens.len());
    match flips {
        0 => format!("  {id}: the CPU agrees at all {tokens} tokens"),
        _ => format!(
            "  {id}: the CPU agrees at {} of {tokens} tokens; at the others its first two logits are less than {LIMIT_LOGIT} apart",
            tokens - flips
        ),
    }
}

fn golden_of(
    answer: &Answer<'_>,
    record: ArmView<'_>,
    model: &FoundModel,
    args: &BlessArgs,
    root: &Root,
) -> Result<Golden> {
    let old = model.goldens.goldens.get(&answer.prompt.id);
    let runtime = record.runtime.as_ref();
    let first_change = old.and_then(|old| {
        let both = old.token_ids.iter().zip(answer.tokens);
        let grew = old.token_ids.len() != answer.tokens.len();
        both.clone().position(|(old, new)| old != new).or(grew.then_some(old.token_ids.len()))
    });
    Ok(Golden {
        schema: 1,
        prompt_id: answer.prompt.id.clone(),
        prompt_token_ids: answer.prompt.token_ids.clone(),
        cache_tokens: answer.prompt.cache_tokens,
        model: model.identity.name.clone(),
        model_sha256: model.identity.sha256.clone(),
        token_ids: answer.tokens.to_vec(),
        runner_up_ids: answer.replay.runner_up_ids.clone(),
        logit_margins: answer.replay.logit_margins.clone(),
        text: model.tokenizer.as_ref().ok().map(|tokenizer| tokenizer.decode(answer.tokens)).transpose()?,
        made: GoldenOrigin {
            when_utc: utc_now(),
            who: whoami(root.path()),
            reason: args.reason.trim().to_owned(),
            run_id: record.experiment.run_id.clone(),
            commit: record.commit.as_ref().map(|commit| commit.sha.clone()),
            openvino: runtime.map(|runtime| runtime.openvino_version.clone()).unwrap_or_default(),
            device: record.device.actual().to_owned(),
            properties: runtime.map(|runtime| runtime.properties_effective.clone()).unwrap_or_default(),
            first_change,
        },
    })
}

/// Pins the prompts' tokens for the model's tokenizer, where they are not pinned yet.
fn pin_prompts(answers: &[Answer<'_>], model: &FoundModel) -> Result<Option<PathBuf>> {
    let mut pinned = match model.prompts.pinned_for(&model.tokenizer_identity) {
        Some(pinned) => pinned.clone(),
        None => PinnedTokenIds {
            tokenizer: file_name(&model.identity.name),
            recognised_by: recognised_by(&model.tokenizer_identity),
            reason: format!("blessed with the goldens of `{}`", model.identity.name),
            prompts: BTreeMap::new(),
        },
    };
    let before = pinned.prompts.len();
    // The golden of a depth prompt has its tokens.
    for answer in answers.iter().filter(|answer| model.prompts.get(&answer.prompt.id).is_some()) {
        let ids = answer.prompt.token_ids.clone();
        pinned.prompts.entry(answer.prompt.id.clone()).or_insert(ids);
    }
    if pinned.prompts.len() == before {
        return Ok(None);
    }
    let file = model.prompts.pin_file(&pinned.tokenizer);
    let belongs_to_another = model
        .prompts
        .pinned
        .iter()
        .any(|other| other.tokenizer == pinned.tokenizer && other.recognised_by != pinned.recognised_by);
    if belongs_to_another {
        return Err(Error::input(format!("`{}` has the token ids of another tokenizer", file.display()))
            .hint("rename the model's folder, or that file"));
    }
    pinned.save(&file)?;
    Ok(Some(file))
}

/// The tokenizer's own hash says it all, where there is one.
fn recognised_by(identity: &TokenizerIdentity) -> TokenizerIdentity {
    match &identity.tokenizer_sha256 {
        Some(sha256) => TokenizerIdentity { tokenizer_sha256: Some(sha256.clone()), ..Default::default() },
        None => identity.clone(),
    }
}

/// A model's name as a file's: what could leave the folder becomes a hyphen.
fn file_name(name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '-' };
    name.chars().map(safe).collect()
}

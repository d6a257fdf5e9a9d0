//! `bisect`: which of several sides in a row, commits or settings, made it slower or its output wrong. Each comparison is
//! an `ab` whose record names the question, so that the same command goes on where an earlier one stopped.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use crate::cli::ab::side::{Inputs, RequestedSides, engine_of};
use crate::cli::ab::{self, AbArgs, StoredAb, budget, check_tokens};
use crate::cli::measuring::{MeasuringArgs, own_program, stoppable};
use crate::cli::progress::time_left;
use crate::cli::report::show_page;
use crate::cli::reporting::{ReportFormat, VerdictFormat, print_report};
use crate::cli::root::Root;
use crate::cli::settings::cache_folder;
use crate::cli::workload::{RequestedWorkload, WorkloadArgs};
use crate::cli::{exit_code, print, say};
use crate::error::{Error, Result};
use crate::gate::side::{Builder, NamedSource, SideWords};
use crate::judge::bisect::{
    Comparison, Ending, Next, Step, StepAnswer, most_comparisons, next, wrong_turn_percent,
};
use crate::judge::policy::Policy;
use crate::judge::sequential::{Look, SESSION_ALPHA_PERCENT};
use crate::measure::Metric;
use crate::measure::supervisor::Control;
use crate::record::{
    BisectRecord, Commit, Entry, Experiment, History, Origin, Outcome, Repository, Source, StopReason,
    sha256_of_bytes, sha256_of_file,
};
use crate::report::render::PageKind;
use crate::report::{bisect_document, bisect_json};
use crate::run;

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct BisectArgs {
    /// The good side: a revision, or a difference as in `ab`; may be repeated
    #[arg(long, value_name = "REVISION|KEY=VALUE", required = true)]
    good: Vec<String>,

    /// The bad side, likewise [default: HEAD where the good one names a revision]
    #[arg(long, value_name = "REVISION|KEY=VALUE")]
    bad: Vec<String>,

    /// A side between them as one revision or difference; repeated in the order of the sides
    /// [default: the first parents of the bad revision down to the good one]
    #[arg(long, value_name = "REVISION|KEY=VALUE")]
    over: Vec<String>,

    /// The metric that grew: `tpot@1` or `ttft@1`
    #[arg(long, value_name = "METRIC", default_value = "tpot@1", value_parser = metric, conflicts_with = "tokens")]
    metric: Metric,

    /// Search for output that became wrong: one process a side, no statistics
    #[arg(long, conflicts_with = "metric")]
    tokens: bool,

    /// Search for next-token distributions that drift beyond their limit: two processes a side, no statistics
    #[arg(long, conflicts_with_all = ["tokens", "metric"])]
    drift: bool,

    /// Print the expected cost, and measure nothing
    #[arg(long)]
    plan: bool,

    /// Longest time for all comparisons, as in 90s, 30m or 2h; the same command resumes afterwards
    #[arg(long, value_name = "TIME", value_parser = budget)]
    budget: Option<Duration>,

    /// Keep pairs whose guard tripped
    #[arg(long)]
    ignore_guards: bool,

    /// Random seed of the order of the sides [default: another one each time]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    #[command(flatten)]
    workload: WorkloadArgs,

    /// How the result is reported
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    format: ReportFormat,

    #[command(flatten)]
    measuring: MeasuringArgs,
}

/// A metric of which pairs are tested.
fn metric(text: &str) -> Result<Metric, String> {
    let named = BisectRecord::METRICS.into_iter().find(|metric| metric.id() == text);
    named.ok_or_else(|| {
        let ids = BisectRecord::METRICS.map(|metric| format!("`{}`", metric.id()));
        format!("pairs are not tested by `{text}`: use {}", ids.join(" or "))
    })
}

/// Finds the side, and reports it.
pub(super) fn bisect(args: &BisectArgs) -> Result<u8> {
    let root = Root::find();
    let store = args.measuring.store.find_to_measure(&root)?;
    check_tokens(args.workload.max_new_tokens)?;
    let control = stoppable()?;
    let sides = Sides::of(args, &root)?;
    let builder = Builder::new(&cache_folder()?).ending_with(own_program()?);
    for head in 1..=sides.last() {
        sides.pair(0, head)?.check(&args.ab(&sides, 0, head), &root)?;
    }
    let inputs = Inputs::of(&root, &sides.pair(0, sides.last())?, &builder)?;
    let (question, pace) = question(args, &sides, &inputs, &store)?;
    let mut bisection = Bisection {
        args,
        sides: &sides,
        builder: &builder,
        control: &control,
        question: &question,
        records: stored(&store, &question),
        began: Instant::now(),
        code: Cell::new(exit_code::INTERRUPTED),
    };
    let mut steps: Vec<Step> = bisection.records.iter().filter_map(Step::of).collect();
    // What was not decided is measured again: the machine may be a quieter one now.
    steps.retain(|step| step.answer.is_decided());
    let plan = plan(args, &sides, &steps, pace);
    if args.plan {
        print(&(plan.join("\n") + "\n"))?;
        return Ok(exit_code::PASS);
    }
    for line in &plan {
        say(line);
    }
    let ended = run::bisect(sides.last(), &mut steps, &mut |comparison| bisection.compare(comparison));
    let records = &bisection.records;
    let ending = *ended.as_ref().unwrap_or(&None);
    let printed =
        print_report(args.format, bisect_document(records, ending), || bisect_json(records, ending));
    show_page(&root, &store, PageKind::Bisects.file().as_ref());
    ended?;
    printed?;
    Ok(match ending {
        Some(Ending::Found { .. }) => exit_code::PASS,
        Some(Ending::NotWorse | Ending::CannotTell { .. }) => exit_code::INCONCLUSIVE,
        None => bisection.code.get(),
    })
}

impl BisectArgs {
    /// What is searched for.
    fn searched(&self) -> Option<Metric> {
        (!self.tokens).then_some(if self.drift { Metric::MeanKl } else { self.metric })
    }

    /// Whether pairs are tested, and not one process a side.
    fn tests_pairs(&self) -> bool {
        !self.tokens && !self.drift
    }

    /// The `ab` that compares two sides.
    fn ab(&self, sides: &Sides, base: usize, head: usize) -> AbArgs {
        AbArgs {
            base: sides.words[base].clone(),
            head: sides.words[head].clone(),
            merge: None,
            step: None,
            drift: self.drift,
            profile: false,
            budget: self.budget,
            measure_identical: false,
            ignore_guards: self.ignore_guards,
            seed: self.seed,
            workload: self.workload.clone(),
            format: VerdictFormat::Text,
            measuring: self.measuring.clone(),
        }
    }
}

/// The sides in their order, the good one first.
struct Sides {
    /// The words of each. A revision stands there by its sha.
    words: Vec<Vec<String>>,
    /// The commit of each; none where sides are settings of one program.
    commits: Vec<Commit>,
}

impl Sides {
    fn of(args: &BisectArgs, root: &Root) -> Result<Self> {
        let (good, mut bad) = (SideWords::parse(&args.good)?, SideWords::parse(&args.bad)?);
        if good.source.is_some() && bad.source.is_none() {
            bad.source = Some(NamedSource::Revision("HEAD".to_owned()));
        }
        let between: Vec<SideWords> = args
            .over
            .iter()
            .map(|word| SideWords::parse(std::slice::from_ref(word)))
            .collect::<Result<_>>()?;
        let named: Vec<SideWords> = [good].into_iter().chain(between).chain([bad]).collect();
        if named.iter().all(|side| side.source.is_none()) {
            return Self::of_settings(&named);
        }
        if named.iter().any(|side| side.source.is_none()) {
            return Err(Error::input("some sides name a revision and others do not")
                .hint("name a revision for each side, or for none"));
        }
        let repository = Repository::open(root.path())?;
        let mut commits = Vec::new();
        for side in &named {
            match side.source.as_ref().map(|source| source.find(&repository)).transpose()? {
                Some(Source::Commit(commit)) => commits.push(commit),
                _ => {
                    return Err(Error::input(
                        "a side of a bisect cannot be the work tree `.`: it may change",
                    )
                    .hint("commit it, and name the commit"));
                }
            }
        }
        let differences: Vec<Vec<String>> = named.iter().map(SideWords::differences).collect();
        if let ([good, bad], [of_good, of_bad]) = (commits.as_slice(), differences.as_slice()) {
            if of_good != of_bad {
                return Err(Error::input("the ends of a row of commits differ by more than the commit")
                    .hint("give both ends the same differences, or name the sides between with `--over`"));
            }
            let line = repository.first_parents(&good.sha, &bad.sha, BisectRecord::MOST_SIDES - 1)?;
            let commits: Vec<Commit> = [good.clone()].into_iter().chain(line).collect();
            let words = commits.iter().map(|commit| words_of(commit, of_good)).collect();
            return Self { words, commits }.checked();
        }
        let words = commits.iter().zip(&differences).map(|(commit, words)| words_of(commit, words)).collect();
        Self { words, commits }.checked()
    }

    fn of_settings(named: &[SideWords]) -> Result<Self> {
        Self { words: named.iter().map(SideWords::differences).collect(), commits: Vec::new() }.checked()
    }

    fn checked(self) -> Result<Self> {
        if self.words.len() < 2 {
            return Err(Error::input("the good side and the bad one are the same commit")
                .hint("name an older good one: `git log --oneline`"));
        }
        let again = |at: &usize| self.words[..*at].contains(&self.words[*at]);
        match (0..self.words.len()).find(again) {
            Some(at) => Err(Error::input(format!("side `{}` is named twice", self.words[at].join(" ")))
                .hint("name each side once, in their order")),
            None => Ok(self),
        }
    }

    fn last(&self) -> usize {
        self.words.len() - 1
    }

    fn pair(&self, base: usize, head: usize) -> Result<RequestedSides> {
        let parse = |at: usize| SideWords::parse(&self.words[at]);
        Ok(RequestedSides { base: parse(base)?, head: parse(head)? })
    }

    fn name(&self, at: usize) -> String {
        match self.commits.get(at) {
            Some(commit) => format!("{} {}", commit.short(), commit.subject),
            None => self.words[at].join(" "),
        }
    }
}

fn words_of(commit: &Commit, differences: &[String]) -> Vec<String> {
    [commit.sha.clone()].into_iter().chain(differences.iter().cloned()).collect()
}

/// A process's time, by which record.
type Pace = Option<(String, Duration)>;

/// The sha256 over all that the answer depends on, and how long a process takes.
fn question(args: &BisectArgs, sides: &Sides, inputs: &Inputs, store: &History) -> Result<(String, Pace)> {
    let policy = Policy::parse(&inputs.policy.text, &inputs.policy_name)?;
    let engine = engine_of(&args.measuring.engine, &sides.pair(0, sides.last())?.base)?;
    let model = args.workload.find_model(&engine, &inputs.root)?;
    let requested = args.workload.requested(policy.suite, &model, 1)?;
    let RequestedWorkload { prompts, new_tokens } = &requested;
    let supervision = &args.measuring.supervision;
    let program =
        if sides.commits.is_empty() { Some(sha256_of_file(&supervision.program()?.program)?) } else { None };
    let flags = &args.measuring.engine;
    let text = json!({
        "sides": sides.words,
        "searched": args.searched(),
        "program": program,
        "model": model.identity.sha256,
        "prompts": prompts,
        "new_tokens": new_tokens,
        "unverified": args.workload.unverified,
        "device": flags.device,
        "openvino": flags.openvino,
        "properties": flags.properties.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "all_logits": flags.all_logits,
        "ignore_guards": args.ignore_guards,
        "inputs": inputs.record.sha256,
    });
    let pace = ab::pace(store, &model.identity.sha256, &engine.device, &requested);
    Ok((sha256_of_bytes(text.to_string().as_bytes()), pace))
}

/// The records of earlier comparisons of the same question on this installation, in their order.
fn stored(store: &History, question: &str) -> Vec<Experiment> {
    let index = store.index();
    let is_of_question = |bisect: &BisectRecord| bisect.question_sha256 == question;
    let of_question = |entry: &&Entry| entry.bisect.as_ref().is_some_and(is_of_question);
    let mut entries: Vec<&Entry> =
        index.entries.iter().filter(|entry| entry.origin == Origin::Here).filter(of_question).collect();
    entries.sort_by_key(|entry| (entry.moment(), &entry.run_id));
    let read = entries.iter().filter_map(|entry| History::read(&store.root().join(&entry.path)).ok());
    read.map(|stored| stored.record)
        .filter(|record| record.bisect.as_ref().is_some_and(is_of_question))
        .collect()
}

/// What is ahead, in lines.
fn plan(args: &BisectArgs, sides: &Sides, steps: &[Step], pace: Pace) -> Vec<String> {
    let last = sides.last();
    let most = most_comparisons(last, args.tests_pairs());
    let searched = args.searched().map_or("wrong output", Metric::id);
    let mut lines = vec![format!(
        "bisect for {searched}: {} sides, from `{}` to `{}`",
        last + 1,
        sides.name(0),
        sides.name(last)
    )];
    let made = if steps.is_empty() { String::new() } else { format!("; {} were made before", steps.len()) };
    lines.push(format!(
        "comparisons: at most {most} where each decides, one more for each that does not{made}"
    ));
    if !sides.commits.is_empty() {
        let most = (most + usize::from(!args.tests_pairs())).min(last + 1);
        lines.push(format!(
            "builds: at most {most} of {} commits; a build is cached and used again",
            last + 1
        ));
    }
    let processes = if args.tests_pairs() { 2 * Look::LAST.pairs } else { 2 };
    lines.push(match pace {
        Some((run_id, process)) => {
            let one = process * u32::try_from(processes).unwrap_or(u32::MAX);
            let all = one.saturating_mul(u32::try_from(most).unwrap_or(u32::MAX));
            format!(
                "time, by record {run_id}: at most {} a comparison, {} for all",
                time_left(one),
                time_left(all)
            )
        }
        None => {
            "time: not known, for no comparable record is there; `cargo xtask bench` makes one".to_owned()
        }
    });
    if args.tests_pairs() {
        lines.push(format!(
            "errors: a wrong turn has a probability of at most {} %, and ends without a named side; a side that is named \
             is no slower than the one before it with a probability of at most {SESSION_ALPHA_PERCENT} %",
            wrong_turn_percent(most)
        ));
    }
    if let Next::Ended(_) = next(last, steps) {
        lines.push("every comparison that it needs was made before: nothing is measured".to_owned());
    }
    lines
}

/// A bisect that is under way.
struct Bisection<'a> {
    args: &'a BisectArgs,
    sides: &'a Sides,
    builder: &'a Builder,
    control: &'a Arc<Control>,
    question: &'a str,
    records: Vec<Experiment>,
    began: Instant,
    /// The exit code where it stops without an answer.
    code: Cell<u8>,
}

impl Bisection<'_> {
    /// Measures one comparison and stores it; None where it came to no end.
    fn compare(&mut self, comparison: &Comparison) -> Result<Option<Step>> {
        let Comparison { base, head, change_percent } = *comparison;
        let budget = match self.args.budget.map(|budget| budget.saturating_sub(self.began.elapsed())) {
            Some(Duration::ZERO) => return Ok(self.stop("time budget exhausted", exit_code::INCONCLUSIVE)),
            budget => budget,
        };
        say(&format!("comparing side {head} (`{}`) with side {base}", self.sides.name(head)));
        if let Some(unusable) = self.build(base, head)? {
            return Ok(Some(unusable));
        }
        let step = BisectRecord {
            question_sha256: self.question.to_owned(),
            last: self.sides.last(),
            base,
            head,
            metric: self.args.searched(),
            change_percent,
        };
        let ab = AbArgs { step: Some(step), budget, ..self.args.ab(self.sides, base, head) };
        let Some(StoredAb { record, path, failed, .. }) = ab::keep(&ab, self.control)? else {
            return Ok(None);
        };
        say(&format!("record: {}", path?.display()));
        let step = Step::of(&record);
        let (outcome, stop_reason) = (record.outcome, record.stop_reason);
        self.records.push(record);
        match (step, outcome, stop_reason) {
            (Some(step), ..) => {
                say(&format!("side {head}: {}", step.answer.as_str()));
                let is_end = base == 0 && head == self.sides.last();
                if is_end && step.answer == StepAnswer::Unusable {
                    return Err(failed.unwrap_or_else(|| {
                        Error::wrong_output("the output of the bad side is wrong: it has no speed")
                            .hint("search for the wrong output first: `--tokens`")
                    }));
                }
                Ok(Some(step))
            }
            (None, Outcome::Interrupted, _) => Ok(None),
            (None, Outcome::WrongOutput, _) => Err(Error::wrong_output(format!(
                "the output of side {base} (`{}`) is wrong",
                self.sides.name(base)
            ))
            .hint("name a good side whose output is right")),
            (None, Outcome::Complete, None) if self.args.drift => Err(Error::wrong_output(format!(
                "the distributions of side {base} (`{}`) are beyond their limit, or have none",
                self.sides.name(base)
            ))
            .hint("name a good side that is right; `cargo xtask golden drift --calibrate` makes a limit")),
            (None, _, Some(StopReason::Guards)) => Err(Error::environment(
                "guards invalidated too many pairs of this comparison",
            )
            .hint("run the same command on a quiet machine: it goes on here; or add `--ignore-guards`")),
            (None, _, Some(StopReason::Budget)) => {
                Ok(self.stop("time budget exhausted", exit_code::INCONCLUSIVE))
            }
            _ => Err(failed.unwrap_or_else(|| Error::harness("the comparison came to no end"))),
        }
    }

    fn stop(&self, why: &str, code: u8) -> Option<Step> {
        say(&format!("{why}: the same command goes on where it stopped"));
        self.code.set(code);
        None
    }

    /// Builds a head that is a commit; one that cannot be built is passed over, unless it is an end.
    fn build(&self, base: usize, head: usize) -> Result<Option<Step>> {
        let Some(commit) = self.sides.commits.get(head).filter(|_| head < self.sides.last()) else {
            return Ok(None);
        };
        let repository = Repository::open(Root::find().path())?;
        let source = Source::Commit(commit.clone());
        match self.builder.build(&repository, &source, &self.control.stop, &mut |line: &str| say(line)) {
            Ok(_) => Ok(None),
            Err(error) => {
                say(&format!("side {head} is passed over: {error}"));
                error.lines().for_each(|line| say(&line));
                Ok(Some(Step { base, head, answer: StepAnswer::Unusable, interval: None }))
            }
        }
    }
}

//! `ab`: two sides in interleaved pairs of fresh processes, until it is decided whether the head is slower.

pub(in crate::cli) mod side;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;

pub(super) use crate::cli::ab::side::build_worker;
use crate::cli::ab::side::{Inputs, ReadySides, RequestedSides, Workshop, engine_of};
use crate::cli::golden::plan_drift;
use crate::cli::measuring::{MeasuringArgs, own_program, stoppable};
use crate::cli::progress::{Progress, time_left};
use crate::cli::report::show_commit;
use crate::cli::reporting::{self, VerdictFormat};
use crate::cli::root::Root;
use crate::cli::settings::{cache_folder, unit_id};
use crate::cli::workload::{RequestedWorkload, WorkloadArgs};
use crate::cli::{exit_code, say};
use crate::error::{Error, Result};
use crate::gate::side::Builder;
use crate::gate::{Strictness, decide};
use crate::judge::bisect::rule_of;
use crate::judge::policy::Policy;
use crate::judge::sequential::{LOOKS, Look};
use crate::measure::Metric;
use crate::measure::supervisor::Control;
use crate::record::{
    BisectRecord, Entry, Experiment, HarnessCost, History, InputsRecord, Origin, Outcome, Personal, PlanKind,
    PublishedReference, Verdict, utc_now,
};
use crate::run::{ExperimentPlan, Ran, Schedule, StoppingRule, identical, measure_drift, profile, run};
use crate::sys::{Clock, MonotonicClock};

/// Runs an A/B, and reports it.
pub(super) fn ab(args: &AbArgs) -> Result<u8> {
    let Some(StoredAb { record, path, failed, inputs, store }) = keep(args, &stoppable()?)? else {
        return Ok(exit_code::INTERRUPTED);
    };
    let code = reporting::report_ab(&record, args.format);
    say(&format!("record: {}", path?.display()));
    show_commit(&inputs.root, &store, record.head().commit.as_ref().map(|commit| commit.sha.as_str()));
    match failed {
        Some(error) => Err(error),
        None => code,
    }
}

/// An A/B that came to an end, and its record, if that could be written.
pub(super) struct StoredAb {
    pub(super) record: Experiment,
    pub(super) path: Result<PathBuf>,
    /// What failed, where something did.
    pub(super) failed: Option<Error>,
    inputs: Inputs,
    store: History,
}

/// Runs an A/B, judges it and keeps its record. None where it was interrupted before anything was measured.
pub(super) fn keep(args: &AbArgs, control: &Arc<Control>) -> Result<Option<StoredAb>> {
    let began_ns = MonotonicClock.now_ns();
    let root = Root::find();
    let store = args.measuring.store.find_to_measure(&root)?;
    check_tokens(args.workload.max_new_tokens)?;
    let requested = RequestedSides::of(args)?;
    requested.check(args, &root)?;
    let builder = Builder::new(&cache_folder()?).ending_with(own_program()?);
    let Some(_lock) = args.measuring.supervision.take_lock(control, "ab")? else {
        return Ok(None);
    };
    let inputs = Inputs::of(&root, &requested, &builder)?;
    let policy = Policy::parse(&inputs.policy.text, &inputs.policy_name)?;
    let workshop = Workshop {
        args,
        inputs: &inputs.root,
        root: &root,
        repository: inputs.repository.as_ref(),
        builder: &builder,
        stop: &control.stop,
    };
    // Before anything is built: there may be no reference.
    let drift = if args.drift || policy.drift.is_some() && args.step.is_none() {
        let engine = engine_of(&args.measuring.engine, &requested.base)?;
        Some(plan_drift(&args.workload.find_model(&engine, &inputs.root)?, &inputs.root, 2)?)
    } else {
        None
    };
    let Some(sides) = workshop.both(&requested, &inputs)? else {
        say("interrupted: nothing was measured");
        return Ok(None);
    };
    let requested = args.workload.requested(policy.suite, &sides.base.model, 1)?;
    requested.check(&sides.head.model, 1)?;
    // A bisect says beforehand what all its comparisons cost.
    if args.step.is_none() {
        check_budget(args, &store, &sides, &requested)?;
    }
    let RequestedWorkload { prompts, new_tokens } = requested;
    let hashing_ns = sides.base.identity.hashing_ns + sides.head.identity.hashing_ns;
    let kind = PlanKind::Ab;
    let arms = vec![sides.base.arm(), sides.head.arm()];
    let published = PublishedReference::read(&inputs.root.published())?;
    let step = args.step.as_ref();
    let tests_output = step.is_some_and(|step| step.tested().is_none());
    let stopping =
        if tests_output { StoppingRule::Rounds(1) } else { StoppingRule::Sequential(rule_of(step, &policy)) };
    let schedule = Schedule {
        largest_redraws: policy.noise.largest_redraws,
        // No noise makes a token another one.
        ignore_guards: args.ignore_guards || tests_output,
        // Without a seed the base runs first: where its output is wrong, too, the head is not to blame.
        seed: (!tests_output).then(|| args.seed.unwrap_or_else(any_seed)),
        budget: args.budget,
        ..Schedule::new(2, stopping)
    };
    let plan = ExperimentPlan {
        tested: step.and_then(BisectRecord::tested).unwrap_or(Metric::TimePerOutputToken),
        limits: args.measuring.supervision.limits(),
        idle_limit: args.measuring.supervision.settle_limit(false),
        inputs: InputsRecord {
            merge: args.merge.clone().or_else(|| inputs.record.merge.clone()),
            policy: inputs.policy.clone(),
            ..inputs.record.clone()
        },
        cost: HarnessCost { hashing_ns, ..HarnessCost::default() },
        unit_id: unit_id()?,
        ..ExperimentPlan::new(kind, began_ns, prompts, new_tokens, arms, schedule, published)
    };
    let observer = Progress::start(control, new_tokens);
    let ran = if sides.base.is_same_as(&sides.head) && !args.measure_identical {
        say("both sides are the same, byte for byte: nothing is measured");
        Ran { record: identical(&plan)?, failed: None }
    } else {
        run(&plan, control, &observer)?
    };
    ran.bad_input().map_or(Ok(()), Err)?;
    let Ran { mut record, failed } = ran;
    record.bisect.clone_from(&args.step);
    if let Some(drift) = drift.filter(|_| record.outcome == Outcome::Complete) {
        measure_drift(&drift, &plan, control, &observer, &mut record);
    }
    judge(&mut record, &policy);
    if args.wants_profile(&record) {
        profile(&plan, control, &observer, &mut record);
    }
    let record = Personal::of_this_user(Vec::new()).taken_from_record(record);
    let path = store.add(&record);
    Ok(Some(StoredAb { record, path, failed, inputs, store }))
}

/// What is compared is the time between tokens.
pub(super) fn check_tokens(named: Option<usize>) -> Result<()> {
    let Some(new_tokens) = named.filter(|new_tokens| *new_tokens < 2) else { return Ok(()) };
    let what =
        format!("`--max-new-tokens {new_tokens}` makes no time between tokens, which is what is compared");
    Err(Error::input(what).hint("use 2 or more; 200 is the default"))
}

/// What it means, for whoever ran it and for a gate. A run that did not come to its end means nothing.
fn judge(record: &mut Experiment, policy: &Policy) {
    if matches!(record.outcome, Outcome::Failed | Outcome::Interrupted) {
        return;
    }
    let now = utc_now();
    record.gate_decision = Some(decide(record, policy, &now, Strictness::Gate));
    record.decision = Some(decide(record, policy, &now, Strictness::Ab));
}

/// Another one each time; the record keeps it.
fn any_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(now.as_nanos() % u128::from(u64::MAX)).unwrap_or_default()
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct AbArgs {
    /// What the head is compared with: a revision, `.` for the working tree, or a difference
    /// (openvino=VERSION|DIR, model=DIR, device=DEVICE, env:VARIABLE=VALUE, PROPERTY=VALUE); may be repeated
    #[arg(long = "base", value_name = "REVISION|KEY=VALUE", required = true)]
    pub(super) base: Vec<String>,

    /// What is judged, likewise [default: HEAD where the base names a revision, else this program]
    #[arg(long = "head", value_name = "REVISION|KEY=VALUE")]
    pub(super) head: Vec<String>,

    /// The forge's merge of both sides, where a gate knows of one
    #[arg(skip)]
    pub(super) merge: Option<String>,

    /// Which comparison of a bisect it is, where it is one
    #[arg(skip)]
    pub(super) step: Option<BisectRecord>,

    /// Longest time for all pairs, as in 90s, 30m or 2h; what is undecided then is inconclusive
    #[arg(long, value_name = "TIME", value_parser = budget)]
    pub(super) budget: Option<Duration>,

    /// Measure even if both sides are identical (A/A); `gate calibrate` computes the noise from such runs
    #[arg(long)]
    pub(super) measure_identical: bool,

    /// Keep pairs whose guard tripped; a gate accepts no such record
    #[arg(long, alias = "despite-guards")]
    pub(super) ignore_guards: bool,

    /// Compare the next-token distributions of both sides with the model's reference after the last pair
    #[arg(long)]
    pub(super) drift: bool,

    /// Random seed of the order of the sides [default: another one each time]
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,

    /// Profile decode steps of both sides by operator, whatever the verdict [default: where the head is slower]
    #[arg(long)]
    pub(super) profile: bool,

    #[command(flatten)]
    pub(super) workload: WorkloadArgs,

    /// How the result is reported
    #[arg(long, value_enum, default_value_t = VerdictFormat::Text)]
    pub(super) format: VerdictFormat,

    #[command(flatten)]
    pub(super) measuring: MeasuringArgs,
}

impl AbArgs {
    /// Whether both sides are profiled: to name the cause where the head is slower, or where that was requested.
    fn wants_profile(&self, record: &Experiment) -> bool {
        let mut decisions = [&record.decision, &record.gate_decision].into_iter().flatten();
        let is_red = decisions.any(|it| matches!(it.verdict, Verdict::Regressed | Verdict::Mixed));
        // A bisect asks which change it is, not why it is slower.
        record.outcome == Outcome::Complete && (self.profile || is_red && self.step.is_none())
    }
}

/// A number with `s`, `m` or `h`.
pub(in crate::cli) fn budget(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time; say it as in 90s, 30m or 2h");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        _ => return Err(wrong()),
    };
    let number: u64 = text.strip_suffix(unit).unwrap_or_default().parse().map_err(|_| wrong())?;
    let all = number.checked_mul(seconds).filter(|all| *all > 0 && *all <= 7 * 86_400);
    all.map(Duration::from_secs).ok_or_else(wrong)
}

/// Says how long the pairs up to the first look take, and refuses a budget that is too short for them: it decides
/// nothing. Identical sides are measured for their noise, where every pair counts.
fn check_budget(
    args: &AbArgs,
    store: &History,
    sides: &ReadySides,
    requested: &RequestedWorkload,
) -> Result<()> {
    let model = &sides.base.model.identity.sha256;
    let Some((run_id, process)) = pace(store, model, &sides.base.engine.device, requested) else {
        return Ok(());
    };
    let pairs = |pairs: usize| process * 2 * u32::try_from(pairs).unwrap_or(u32::MAX);
    let (first, last) = (LOOKS[0].pairs, Look::LAST.pairs);
    say(&format!(
        "estimate from record {run_id}: {} for the first interim analysis at {first} pairs, at most {} for all {last}",
        time_left(pairs(first)),
        time_left(pairs(last))
    ));
    match args.budget.filter(|budget| *budget < pairs(first) && !args.measure_identical) {
        None => Ok(()),
        Some(budget) => Err(too_short(budget, pairs(first))),
    }
}

/// The time of a process by the newest record of this installation of the same model and device, and that record's id.
pub(super) fn pace(
    store: &History,
    model_sha256: &str,
    device: &str,
    requested: &RequestedWorkload,
) -> Option<(String, Duration)> {
    let index = store.index();
    let is_like = |entry: &&Entry| {
        let series = &entry.setting.series;
        entry.origin == Origin::Here && series.model_sha256 == model_sha256 && series.device == device
    };
    let newest = index.entries.iter().filter(is_like).filter(|entry| entry.metric_values.is_some());
    let entry = newest.max_by_key(|entry| entry.moment())?;
    let process = process_time(entry, requested.prompts.len(), requested.new_tokens)?;
    Some((entry.run_id.clone(), process))
}

fn too_short(budget: Duration, needed: Duration) -> Error {
    let what = format!(
        "the budget of {} s ends before the first interim analysis: nothing could be decided",
        budget.as_secs()
    );
    Error::input(what).hint(format!("allow more: `--budget {}s`", needed.as_secs() + 1))
}

/// A load and every generation, the warm-up among them.
fn process_time(entry: &Entry, prompts: usize, new_tokens: usize) -> Option<Duration> {
    let metric_values = entry.metric_values.as_ref()?;
    let load_s = metric_values.load.as_ref().map_or(0.0, |load| load.mean_s);
    let generation_ms = metric_values.ttft_ms + metric_values.tpot_ms * new_tokens.saturating_sub(1) as f64;
    Duration::try_from_secs_f64(load_s + generation_ms / 1e3 * (prompts + 1) as f64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::record::open;

    #[test]
    fn a_budget_is_a_number_with_a_unit() {
        assert_eq!(budget("30m"), Ok(Duration::from_mins(30)));
        assert_eq!(budget("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(budget("2h"), Ok(Duration::from_hours(2)));
        for wrong in ["", "30", "m", "-1m", "0s", "1.5h", "30mm", "99999999999999999999h", "30d", "ü"] {
            assert!(budget(wrong).unwrap_err().contains("say it as in"), "{wrong}");
        }
    }

    #[test]
    fn a_budget_that_decides_nothing_is_refused_with_the_one_that_may() {
        let error = too_short(Duration::from_mins(1), Duration::from_millis(212_300));
        assert_eq!(error.kind(), ErrorKind::Input);
        assert_eq!(error.hint_text(), Some("allow more: `--budget 213s`"));
    }

    #[test]
    fn a_process_takes_a_load_and_each_generation_with_its_warm_up() {
        let record = open(include_bytes!("../../../fixtures/records/bench-3.0.json"), "a record").unwrap();
        let entry = Entry::of("a.json".into(), &record);
        let metric_values = entry.metric_values.as_ref().unwrap();
        let load_s = metric_values.load.as_ref().unwrap().mean_s;
        let by_hand = load_s + 4.0 * (metric_values.ttft_ms + 199.0 * metric_values.tpot_ms) / 1e3;
        let took = process_time(&entry, 3, 200).unwrap().as_secs_f64();
        assert!((took - by_hand).abs() < 1e-6, "{took} is not {by_hand}");
        assert!(process_time(&entry, 1, 8).unwrap().as_secs_f64() < took);
    }
}

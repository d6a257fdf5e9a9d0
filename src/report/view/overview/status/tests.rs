use super::*;
use crate::record::{AbSummary, Ancestry, ChangeSummary, Entry, PlanKind, open};
use crate::report::view::history::example::{ab, published};
use crate::report::view::timelines;
use crate::report::view::track::tracks;

const POLICY: &str = include_str!("../../../../../ci/gate.json");

/// A line of commits, oldest first, each with a verified run.
struct Commits(Vec<Entry>);

impl Commits {
    fn new(count: usize) -> Self {
        let run = open(include_bytes!("../../../../../fixtures/records/bench-3.0.json"), "a record").unwrap();
        let of = Entry::of("a.json".into(), &run);
        let commit = |at: usize| {
            let mut entry = Entry { warning_ids: Vec::new(), run_id: format!("run{at}"), ..of.clone() };
            let commit = entry.commit.as_mut().unwrap();
            commit.sha = sha(at);
            commit.dirty = false;
            entry.when_utc = format!("2026-01-{:02}T00:00:00Z", at + 1);
            entry
        };
        Self((0..count).map(commit).collect())
    }

    /// Commits from here on take so many times the time per token.
    fn slower(mut self, from: usize, times: f64) -> Self {
        for entry in &mut self.0[from..] {
            entry.metric_values.as_mut().unwrap().tpot_ms *= times;
        }
        self
    }

    /// With an A/B of a commit against another.
    fn decided(mut self, at: usize, base: usize, verdict: Verdict) -> Self {
        let mut entry = self.0[at].clone();
        entry.plan = PlanKind::Ab;
        entry.run_id = format!("ab{at}");
        let change = ChangeSummary { pairs: 5, ratio: 1.05, lower: 1.04, upper: 1.06 };
        entry.ab = Some(AbSummary {
            base_sha: Some(sha(base)),
            verdict: Some(verdict),
            tpot_change: Some(change),
            pair_sd_percent: Some(0.5),
            ..ab()
        });
        self.0.push(entry);
        self
    }

    fn with(mut self, at: usize, change: impl FnOnce(&mut Entry)) -> Self {
        change(&mut self.0[at]);
        self
    }

    fn answer(&self) -> String {
        let line = (0..self.0.len()).rev().map(sha);
        let timelines = timelines(&self.0, &Ancestry::of_line(line));
        let policy = Policy::parse(POLICY, "ci/gate.json").unwrap();
        let tracks = tracks(&timelines[0], &published(), &[]).unwrap();
        let answer = Status::of(&timelines[0], &tracks, &policy);
        format!("{} {}", answer.badge.class, answer.badge.word)
    }
}

fn sha(at: usize) -> String {
    format!("{:040x}", at + 1)
}

fn break_at(entry: &mut Entry) {
    entry.golden = Some(GoldenResult::Break);
    entry.outcome = Outcome::WrongOutput;
    entry.metric_values = None;
}

#[test]
fn nothing_is_well_before_something_was_decided() {
    assert_eq!(Commits::new(9).answer(), "unknown not decided");
    assert_eq!(Commits::new(9).decided(8, 7, Verdict::Pass).answer(), "holds all well");
    assert_eq!(Commits::new(9).decided(8, 7, Verdict::Inconclusive).answer(), "unknown inconclusive");
    let unsteady = Commits::new(9).decided(8, 7, Verdict::InvalidEnvironment);
    assert_eq!(unsteady.answer(), "warns invalid environment");
}

#[test]
fn a_regression_stands_though_the_next_commit_passes() {
    let lost = || Commits::new(9).decided(6, 5, Verdict::Regressed);
    assert_eq!(lost().answer(), "fails regressed");
    assert_eq!(lost().decided(7, 6, Verdict::Pass).answer(), "fails regressed");
    assert_eq!(lost().decided(7, 6, Verdict::InvalidEnvironment).answer(), "fails regressed");
    assert_eq!(lost().decided(7, 5, Verdict::Pass).answer(), "holds all well", "no worse than before it");
    assert_eq!(lost().decided(7, 6, Verdict::Improved).answer(), "holds all well");
}

#[test]
fn one_program_against_itself_hides_no_regression() {
    let mut commits = Commits::new(9).decided(8, 7, Verdict::Regressed).decided(8, 8, Verdict::Pass);
    let itself = commits.0.last_mut().unwrap();
    itself.ab.as_mut().unwrap().is_against_itself = true;
    itself.when_utc = "2026-02-01T00:00:00Z".to_owned();
    assert_eq!(commits.answer(), "fails regressed");
}

#[test]
fn a_wrong_answer_stands_until_a_later_commit_gives_the_right_one() {
    assert_eq!(Commits::new(9).with(8, break_at).answer(), "fails wrong output");
    let interrupted = |entry: &mut Entry| {
        entry.outcome = Outcome::Interrupted;
        entry.golden = None;
        entry.metric_values = None;
    };
    assert_eq!(Commits::new(9).with(7, break_at).with(8, interrupted).answer(), "fails wrong output");
    assert_eq!(Commits::new(9).with(7, break_at).answer(), "unknown not decided");
    let decided = Commits::new(9).decided(7, 6, Verdict::WrongOutput);
    assert_eq!(decided.answer(), "unknown not decided", "the next one was right");
}

#[test]
fn a_slow_down_that_is_half_fixed_is_open() {
    let slower = || Commits::new(60).slower(20, 1.05);
    assert_eq!(slower().answer(), "warns TPOT regression");
    assert_eq!(slower().slower(40, 0.985).answer(), "warns TPOT regression");
    assert_eq!(slower().slower(40, 1.0 / 1.05).answer(), "unknown not decided");
    let lean = Commits::new(60).with(0, |_| ());
    let fatter = (30..60).fold(lean, |commits, at| {
        commits.with(at, |entry| {
            let metric_values = entry.metric_values.as_mut().unwrap();
            metric_values.peak_rss_bytes = metric_values.peak_rss_bytes.map(|bytes| bytes + bytes / 10);
        })
    });
    assert_eq!(fatter.answer(), "warns memory regression");
}

#[test]
fn what_was_slower_in_another_epoch_is_not_compared_with_this_one() {
    let commits = Commits::new(60).slower(20, 1.05);
    let exchanged = (40..60).fold(commits, |commits, at| {
        commits.with(at, |entry| {
            let mut setting = (*entry.setting).clone();
            setting.epoch.id = "another".to_owned();
            entry.setting = setting.into();
        })
    });
    assert_eq!(exchanged.answer(), "unknown not decided");
}

#[test]
fn a_run_that_failed_or_is_invalid_is_not_passed_over() {
    let failed = |entry: &mut Entry| {
        entry.outcome = Outcome::Failed;
        entry.metric_values = None;
        entry.golden = None;
        let mut setting = (*entry.setting).clone();
        setting.series.device = "none".to_owned();
        entry.setting = setting.into();
    };
    assert_eq!(Commits::new(9).decided(7, 6, Verdict::Pass).with(8, failed).answer(), "warns failed");
    let invalid = |entry: &mut Entry| entry.warning_ids = vec!["guard-suspend".to_owned()];
    let unsteady = Commits::new(9).decided(7, 6, Verdict::Pass).with(8, invalid);
    assert_eq!(unsteady.answer(), "unknown unknown");
}

#[test]
fn a_pass_with_a_warning_is_amber_with_what_it_warns_of() {
    let mut commits = Commits::new(9).decided(8, 7, Verdict::Pass);
    let ab = commits.0.last_mut().unwrap().ab.as_mut().unwrap();
    ab.regressions = vec![(Metric::TimeToFirstToken, 1.128)];
    assert_eq!(commits.answer(), "warns pass with warning: TTFT +12.8 %");
}

#[test]
fn of_several_regressions_the_largest_is_the_status() {
    let mut commits = Commits::new(60).slower(20, 1.05);
    for entry in &mut commits.0[40..] {
        entry.metric_values.as_mut().unwrap().ttft_ms *= 1.3;
    }
    assert_eq!(commits.answer(), "warns TTFT regression");
}

#[test]
fn an_ab_whose_guards_were_ignored_is_never_shown_as_a_pass() {
    let mut commits = Commits::new(2).decided(1, 0, Verdict::Pass);
    let ab = commits.0.last_mut().unwrap();
    ab.warning_ids.push("guard-other-cpu-use".to_owned());
    assert_eq!(Badge::of_entry(ab).word, "pass", "pairs that were measured again leave a warning");
    ab.ab.as_mut().unwrap().ignores_guards = true;
    assert_eq!(Badge::of_entry(ab), Badge::new(Mark::Warns, "INVALID: guards ignored"));
    ab.ab.as_mut().unwrap().verdict = Some(Verdict::WrongOutput);
    assert_eq!(Badge::of_entry(ab).word, "wrong output", "no noise makes a token another one");
}

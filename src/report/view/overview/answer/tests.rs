use super::*;
use crate::record::{AbHeadline, Ancestry, AnyRecord, ChangeHeadline, Entry, RecordKind, open};
use crate::report::view::overview::levels::tracks;
use crate::report::view::timelines;

const POLICY: &str = include_str!("../../../../../ci/gate.json");

/// A line of commits, oldest first, each with a verified run.
struct Commits(Vec<Entry>);

impl Commits {
    fn new(count: usize) -> Self {
        let run =
            open(include_bytes!("../../../../../fixtures/records/schema-2.0.json"), "a record").unwrap();
        let of = Entry::of("a.json".into(), &AnyRecord::Run(Box::new(run)));
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
            entry.figures.as_mut().unwrap().tpot_ms *= times;
        }
        self
    }

    /// With an A/B of a commit against another.
    fn decided(mut self, at: usize, base: usize, verdict: Verdict) -> Self {
        let mut entry = self.0[at].clone();
        entry.kind = RecordKind::AbRecord;
        entry.run_id = format!("ab{at}");
        let change = ChangeHeadline { pairs: 5, ratio: 1.05, lower: 1.04, upper: 1.06 };
        entry.ab = Some(AbHeadline {
            base_sha: Some(sha(base)),
            is_of_commits: true,
            is_against_itself: false,
            verdict: Some(verdict),
            gate_verdict: None,
            gate_status: None,
            tpot_change: Some(change),
            pair_sd_percent: Some(0.5),
        });
        self.0.push(entry);
        self
    }

    fn with(mut self, at: usize, change: impl FnOnce(&mut Entry)) -> Self {
        change(&mut self.0[at]);
        self
    }

    fn word(&self) -> String {
        let line = (0..self.0.len()).rev().map(sha);
        let timelines = timelines(&self.0, &Ancestry::of_line(line)).unwrap();
        let policy = Policy::parse(POLICY, "ci/gate.json").unwrap();
        let answer = answer(&timelines[0], &tracks(&timelines[0]).unwrap(), &policy);
        format!("{} {}", answer.badge.class, answer.badge.word)
    }
}

fn sha(at: usize) -> String {
    format!("{:040x}", at + 1)
}

fn break_at(entry: &mut Entry) {
    entry.golden = Some(GoldenResult::Break);
    entry.outcome = Outcome::WrongOutput;
    entry.figures = None;
}

#[test]
fn nothing_is_all_right_before_something_was_decided() {
    assert_eq!(Commits::new(9).word(), "unknown not decided");
    assert_eq!(Commits::new(9).decided(8, 7, Verdict::Pass).word(), "holds all right");
    assert_eq!(Commits::new(9).decided(8, 7, Verdict::Inconclusive).word(), "unknown cannot tell");
    let unsteady = Commits::new(9).decided(8, 7, Verdict::InvalidEnvironment);
    assert_eq!(unsteady.word(), "warns machine not steady");
}

#[test]
fn a_regression_stands_though_the_next_commit_passes() {
    let lost = || Commits::new(9).decided(6, 5, Verdict::Regressed);
    assert_eq!(lost().word(), "fails regressed");
    assert_eq!(lost().decided(7, 6, Verdict::Pass).word(), "fails regressed");
    assert_eq!(lost().decided(7, 6, Verdict::InvalidEnvironment).word(), "fails regressed");
    assert_eq!(lost().decided(7, 5, Verdict::Pass).word(), "holds all right", "no worse than before it");
    assert_eq!(lost().decided(7, 6, Verdict::Improved).word(), "holds all right");
}

#[test]
fn one_program_against_itself_hides_no_regression() {
    let mut commits = Commits::new(9).decided(8, 7, Verdict::Regressed).decided(8, 8, Verdict::Pass);
    let itself = commits.0.last_mut().unwrap();
    itself.ab.as_mut().unwrap().is_against_itself = true;
    itself.when_utc = "2026-02-01T00:00:00Z".to_owned();
    assert_eq!(commits.word(), "fails regressed");
}

#[test]
fn a_wrong_answer_stands_until_a_later_commit_gives_the_right_one() {
    assert_eq!(Commits::new(9).with(8, break_at).word(), "fails wrong-output");
    let interrupted = |entry: &mut Entry| {
        entry.outcome = Outcome::Interrupted;
        entry.golden = None;
        entry.figures = None;
    };
    assert_eq!(Commits::new(9).with(7, break_at).with(8, interrupted).word(), "fails wrong-output");
    assert_eq!(Commits::new(9).with(7, break_at).word(), "unknown not decided");
    let decided = Commits::new(9).decided(7, 6, Verdict::WrongOutput);
    assert_eq!(decided.word(), "unknown not decided", "the next one was right");
}

#[test]
fn a_slow_down_that_is_half_made_good_is_one() {
    let slower = || Commits::new(60).slower(20, 1.05);
    assert_eq!(slower().word(), "warns slower");
    assert_eq!(slower().slower(40, 0.985).word(), "warns slower");
    assert_eq!(slower().slower(40, 1.0 / 1.05).word(), "unknown not decided");
    let lean = Commits::new(60).with(0, |_| ());
    let fatter = (30..60).fold(lean, |commits, at| {
        commits.with(at, |entry| {
            let figures = entry.figures.as_mut().unwrap();
            figures.peak_rss_bytes = figures.peak_rss_bytes.map(|bytes| bytes + bytes / 10);
        })
    });
    assert_eq!(fatter.word(), "warns fatter");
}

#[test]
fn what_was_slower_in_another_epoch_is_not_held_against_this_one() {
    let commits = Commits::new(60).slower(20, 1.05);
    let exchanged = (40..60).fold(commits, |commits, at| {
        commits.with(at, |entry| {
            let mut setting = (*entry.setting).clone();
            setting.epoch.id = "another".to_owned();
            entry.setting = setting.into();
        })
    });
    assert_eq!(exchanged.word(), "unknown not decided");
}

#[test]
fn a_run_that_failed_or_cannot_be_believed_is_not_passed_over() {
    let failed = |entry: &mut Entry| {
        entry.outcome = Outcome::Failed;
        entry.figures = None;
        entry.golden = None;
        let mut setting = (*entry.setting).clone();
        setting.series.device = "none".to_owned();
        entry.setting = setting.into();
    };
    assert_eq!(Commits::new(9).decided(7, 6, Verdict::Pass).with(8, failed).word(), "warns failed");
    let doubted = |entry: &mut Entry| entry.warning_ids = vec!["guard-suspend".to_owned()];
    let unsteady = Commits::new(9).decided(7, 6, Verdict::Pass).with(8, doubted);
    assert_eq!(unsteady.word(), "unknown not known");
}

//! What happens when, so that every page has something to show: steps, epochs, failures and verdicts; and the line of
//! commits. The places are shares of the line, for lines of any length.
//!
//! Random numbers come from a seed, by additions and square roots alone, so that every machine draws the same bits.

use std::time::Duration;

use fastrand::Rng;

use crate::record::{Commit, sha256_of_bytes, utc_of_seconds};

/// Commits are at most a day apart, and a long line still is of two years, s.
const A_DAY: u64 = 86_400;
const TWO_YEARS: u64 = 2 * 365 * A_DAY;
/// The history begins on 2026-01-05.
const FIRST_SECOND: i64 = 1_767_571_200;
/// A stream of its own for the times of day.
const TIMES: u64 = 1;
/// Tokens of each answer where nothing but the values of many commits is wanted: the fewest that have a
/// mean time per output token with a spread.
const FEWEST_TOKENS: usize = 4;
/// An odd number whose bits look random (2^64 divided by the golden ratio): it keeps the streams of
/// neighbouring commits apart.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
/// Commits that the slower one stays in the line before it is fixed.
const SLOW_COMMITS: usize = 12;

/// What happens along a line of so many commits, each by its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Story {
    commits: usize,
    /// Faster for more memory: a step in both, and the verdict "mixed". It has the line to itself for a while:
    /// of steps that cancel each other within a window none would be found.
    pub(super) dearer: usize,
    /// A step whose output is wrong: it has no speed.
    pub(super) wrong: usize,
    /// A step to the worse that a gate refuses.
    pub(super) slower: usize,
    pub(super) fixed: usize,
    /// Another driver: an epoch of its own in the same series.
    driver: usize,
    /// Another OpenVINO: another series, which begins at another level.
    openvino: usize,
    /// A step in the time to the first token alone, which the time per token does not show.
    pub(super) slower_start: usize,
    /// A step to the better.
    pub(super) faster: usize,
}

/// What is measured once, beside runs and A/Bs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Special {
    /// Which commit made it slower?
    Bisect,
    /// Engines side by side.
    Engines,
    /// Changes of the KV cache side by side.
    KvCache,
    /// One arm for minutes.
    Soak,
}

/// What the code of a commit costs, as a multiple of what the first one did; and an arm, as a multiple of its commit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct CodeCost {
    pub(super) tpot: f64,
    pub(super) ttft: f64,
    pub(super) memory: f64,
}

impl CodeCost {
    /// Nothing more or less than what it is a multiple of.
    pub(super) const SAME: Self = Self { tpot: 1.0, ttft: 1.0, memory: 1.0 };

    /// Both at once.
    pub(super) fn times(self, other: Self) -> Self {
        Self {
            tpot: self.tpot * other.tpot,
            ttft: self.ttft * other.ttft,
            memory: self.memory * other.memory,
        }
    }
}

/// What lies under the code at a commit's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ground {
    /// The driver was replaced, or the kernel where there is none.
    pub(super) has_new_driver: bool,
    pub(super) has_new_openvino: bool,
}

/// What comes of a run or of an A/B.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// Nothing else than was planned; an A/B is of the commit and its parent.
    Usual,
    /// The work tree has changes over the commit.
    Dirty,
    /// A prompt's answer is wrong; of an A/B the head's.
    WrongOutput,
    /// The GPU gets too hot.
    Throttled,
    /// The worker crashes.
    Failed,
    /// Somebody stops it.
    Interrupted,
    /// The machine is restless, until the time is over.
    Restless,
    /// The machine reads memory back from swap.
    Swapping,
    /// An A/B of the commit against itself: how noisy is the machine?
    Itself,
}

impl Event {
    /// How much more than usual processes differ by chance: too much for a few pairs to decide, and not so much that
    /// a gate calls the machine unfit.
    pub(super) fn restlessness(self) -> f64 {
        if self == Self::Restless { 3.8 } else { 1.0 }
    }
}

/// The runs of the first machine that are not one as usual, by their place, percent. Where there are none, nobody
/// measured: a line has gaps, and a page must say so.
const RUNS: [(usize, &[Event]); 10] = [
    (14, &[]),
    (15, &[]),
    (52, &[]),
    (91, &[]),
    (25, &[Event::WrongOutput]),
    // What somebody tried out stands beside the commit's own run and is no baseline.
    (10, &[Event::Usual, Event::Dirty]),
    (35, &[Event::Throttled]),
    (48, &[Event::Failed]),
    (62, &[Event::Interrupted]),
    // Measured twice: the newer one counts.
    (66, &[Event::Usual, Event::Usual]),
];
/// The A/Bs that are not as usual, and those of a commit against itself: the gate's own health.
const CONTESTS: [(usize, Event); 3] =
    [(25, Event::WrongOutput), (58, Event::Restless), (76, Event::Swapping)];
const AGAINST_ITSELF: [usize; 3] = [5, 45, 92];
/// What is measured once, by its place, percent; the bisect lies around the slower commit.
const SPECIALS: [(usize, Special); 3] = [(72, Special::Engines), (84, Special::KvCache), (94, Special::Soak)];
/// So many commits lie between the good end of the bisect and the slower commit, and between that and the bad end.
const BISECTED: usize = 4;

impl Story {
    pub(super) fn of(commits: usize) -> Self {
        let at = |percent: usize| commits * percent / 100;
        Self {
            commits,
            dearer: at(20),
            wrong: at(25),
            slower: at(40),
            fixed: at(40) + SLOW_COMMITS.min(at(10)),
            driver: at(55),
            openvino: at(70),
            slower_start: at(80),
            faster: at(88),
        }
    }

    fn at(self, percent: usize) -> usize {
        self.commits * percent / 100
    }

    pub(super) fn code(self, at: usize) -> CodeCost {
        let mut cost = CodeCost::SAME;
        if at >= self.dearer {
            (cost.tpot, cost.memory) = (0.97, 1.06);
        }
        if (self.slower..self.fixed).contains(&at) {
            cost.tpot *= 1.048;
        }
        if at >= self.slower_start {
            cost.ttft *= 1.12;
        }
        if at >= self.faster {
            cost.tpot *= 0.91;
        }
        cost
    }

    pub(super) fn ground(self, at: usize) -> Ground {
        Ground { has_new_driver: at >= self.driver, has_new_openvino: at >= self.openvino }
    }

    /// Whether the ground is new at a commit, so that nothing compiled is in the cache.
    pub(super) fn is_new_ground(self, at: usize) -> bool {
        at == 0 || self.ground(at) != self.ground(at - 1)
    }

    /// The runs of a commit. The first machine lives through all of it; the others measure now and then.
    pub(super) fn runs(self, at: usize, machine: usize) -> &'static [Event] {
        let planned = RUNS.iter().find(|(percent, _)| at > 0 && at == self.at(*percent));
        let runs = planned.map_or(&[Event::Usual][..], |(_, runs)| *runs);
        match machine {
            0 => runs,
            _ if runs.is_empty() || !at.is_multiple_of(machine + 1) => &[],
            _ => &[Event::Usual],
        }
    }

    /// The A/Bs of a commit: of about every fourth one, and wherever there is something to be found.
    pub(super) fn contests(self, at: usize) -> Vec<Event> {
        if at == 0 {
            return Vec::new();
        }
        let steps = [self.dearer, self.slower, self.fixed, self.slower_start, self.faster];
        let planned = CONTESTS.iter().find(|(percent, _)| at == self.at(*percent)).map(|(_, event)| *event);
        let usual = (at.is_multiple_of(4) || steps.contains(&at)).then_some(Event::Usual);
        let itself = AGAINST_ITSELF.iter().any(|percent| at == self.at(*percent)).then_some(Event::Itself);
        planned.or(usual).into_iter().chain(itself).collect()
    }

    /// The good and the bad end of the bisect; None of a line that is too short.
    pub(super) fn bisected(self) -> Option<(usize, usize)> {
        let (good, bad) = (self.slower.checked_sub(BISECTED + 1)?, self.slower + BISECTED);
        (bad < self.fixed).then_some((good, bad))
    }

    /// What is measured once at a commit.
    pub(super) fn specials(self, at: usize) -> Vec<Special> {
        let is_bisected = self.bisected().is_some_and(|(_, bad)| bad == at);
        let there = SPECIALS.iter().filter(|(percent, _)| at > 0 && at == self.at(*percent));
        is_bisected.then_some(Special::Bisect).into_iter().chain(there.map(|(_, special)| *special)).collect()
    }

    /// The first line of a commit's message.
    pub(super) fn subject(self, at: usize) -> &'static str {
        let reported = [
            (self.wrong, "Sum the experts in half precision"),
            (self.wrong + 1, "Sum the experts in single precision again"),
            (self.dearer, "Keep the dequantised scales beside the weights"),
            (self.slower, "Copy the key cache before each step"),
            (self.fixed, "Hand the key cache over instead of copying it"),
            (self.slower_start, "Check every prompt's tokens against the vocabulary"),
            (self.faster, "Fuse the router with the first expert's product"),
        ];
        let of_story = reported.iter().find(|(place, _)| at > 0 && *place == at);
        of_story.map_or(SUBJECTS[at % SUBJECTS.len()], |(_, subject)| subject)
    }
}

/// What commits say that change no value.
const SUBJECTS: [&str; 17] = [
    "Name the file in the error of a missing prompt",
    "Test the tokenizer on text without spaces",
    "Say in the README how a runner is set up",
    "Move the masks into a module of their own",
    "Take in the newest lockfile",
    "Größer, schneller \"und\" <richtig>: quote & escape subjects",
    "Refuse a model without a manifest in the nightly job",
    "Print the seed of a failed test",
    "Split the sampler's tests by what they show",
    "Spell the unit out in the column's head",
    "Keep the worker's last lines when it crashes",
    "Drop a clone in the decode loop's set-up",
    "Bound the line length of the protocol",
    "Rename `Step` to `Pass`, which it is",
    "Let the doctor look at the swap, too",
    "Sort the machines by name",
    "Fix a link in the method's page",
];

/// The line, oldest first. Nobody has made these commits, and no repository has them.
pub fn commits(plan: &DemoPlan) -> Vec<Commit> {
    let story = Story::of(plan.commits);
    let mut line: Vec<Commit> = Vec::with_capacity(plan.commits);
    for at in 0..plan.commits {
        let hash =
            |what: &str| sha256_of_bytes(format!("{what} {at} of {}", plan.seed).as_bytes())[..40].to_owned();
        line.push(Commit {
            sha: hash("commit"),
            parents: line.last().map(|parent| parent.sha.clone()).into_iter().collect(),
            tree: hash("tree"),
            branch: Some("main".to_owned()),
            subject: story.subject(at).to_owned(),
            author_date_utc: utc(authored(plan, at)),
            dirty: false,
            difference_sha256: None,
        });
    }
    line
}

/// The moment so many seconds after the history began.
pub(super) fn utc(seconds: u64) -> String {
    utc_of_seconds(FIRST_SECOND + seconds.cast_signed()).unwrap_or_default()
}

/// When a commit was authored, seconds after the history began. Commits come at odd times of the day.
pub(super) fn authored(plan: &DemoPlan, at: usize) -> u64 {
    let step = A_DAY.min(TWO_YEARS / (plan.commits as u64).max(1)).max(2);
    at as u64 * step + Noise::of(plan.seed, &[TIMES, at as u64]).below(step / 2)
}

/// What is invented. The same plan gives the same records, byte for byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoPlan {
    /// What all random numbers are drawn from.
    pub seed: u64,
    /// Commits of the line.
    pub commits: usize,
    /// Tokens of each answer.
    pub new_tokens: usize,
    /// Worker processes of each run.
    pub runs: usize,
    /// Machines that measure, 1 to 3. The first one measures every commit, and makes the A/Bs.
    pub machines: usize,
}

impl DemoPlan {
    /// What `report --demo` shows: four months of a project on three machines.
    pub fn sample() -> Self {
        Self { seed: 20, commits: 120, new_tokens: 60, runs: 3, machines: 3 }
    }

    /// So many commits on one machine, as cheap as they can be: for benches and for long pages.
    pub fn of_commits(commits: usize) -> Self {
        Self { commits, new_tokens: FEWEST_TOKENS, runs: 1, machines: 1, ..Self::sample() }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Noise(Rng);

impl Noise {
    /// The stream of one thing: as of a commit on a machine. What is drawn for one thing changes nothing of
    /// another.
    pub(super) fn of(seed: u64, thing: &[u64]) -> Self {
        let mix = |state: u64, word: &u64| Rng::with_seed(state ^ word.wrapping_mul(SPREAD)).u64(..);
        Self(Rng::with_seed(thing.iter().fold(seed, mix)))
    }

    /// A standard normal deviate, by the sum of twelve uniform ones less six (Irwin 1927, Hall 1927: the sum
    /// has variance 1 and is nearly normal). It has no tail beyond six, which nothing here needs, and no
    /// logarithm, whose last bit differs between libraries.
    pub(super) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.0.f64()).sum::<f64>() - 6.0
    }

    /// A factor around 1 with this standard deviation.
    pub(super) fn factor(&mut self, sd: f64) -> f64 {
        1.0 + sd * self.normal()
    }

    /// True with this probability.
    pub(super) fn happens(&mut self, probability: f64) -> bool {
        self.0.f64() < probability
    }

    /// A number below `end`, which is not 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0.u64(..end)
    }

    /// Factors around 1 of which each keeps a part of the one before: a first-order autoregression, whose
    /// innovations have `sd * sqrt(1 - kept^2)`, so that all have the same spread.
    pub(super) fn drift(&mut self, length: usize, sd: f64, kept: f64) -> Vec<f64> {
        let innovation = sd * (1.0 - kept * kept).sqrt();
        let mut now = sd * self.normal();
        let mut factors = Vec::with_capacity(length);
        for _ in 0..length {
            factors.push(1.0 + now);
            now = kept * now + innovation * self.normal();
        }
        factors
    }
}

/// The nearest whole number of nanoseconds or bytes; 0 for what is none.
pub(super) fn nearest(value: f64) -> u64 {
    let whole = Duration::try_from_secs_f64(value / 1e9).map(|whole| whole.as_nanos());
    whole.ok().and_then(|whole| u64::try_from(whole).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_commit_stands_on_the_one_before_it_and_was_authored_later() {
        for plan in [DemoPlan::sample(), DemoPlan::of_commits(2_000)] {
            let line = commits(&plan);
            assert_eq!(line.len(), plan.commits);
            assert!(line[0].parents.is_empty());
            assert!(line[0].author_date_utc.starts_with("2026-01-05T"));
            for pair in line.windows(2) {
                assert_eq!(pair[1].parents, [pair[0].sha.clone()]);
                assert!(pair[0].author_date_utc < pair[1].author_date_utc);
                assert_ne!(pair[0].sha, pair[1].sha);
            }
        }
    }
}

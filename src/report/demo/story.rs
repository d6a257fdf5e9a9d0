//! What happens when, so that every page has something to show: steps, epochs, failures and verdicts. The
//! places are shares of the line, for lines of any length.

/// Commits that the slower one stays in the line before it is fixed.
const SLOW_COMMITS: usize = 12;

/// What happens along a line of so many commits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Story {
    commits: usize,
}

/// What the code of a commit costs, as a multiple of what the first one did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct CodeCost {
    pub(super) tpot: f64,
    pub(super) ttft: f64,
    pub(super) memory: f64,
}

/// What lies under the code at a commit's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ground {
    /// The driver was exchanged, or the kernel where there is none.
    pub(super) has_new_driver: bool,
    /// OpenVINO was.
    pub(super) has_new_openvino: bool,
}

/// How a run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Measured,
    /// The work tree has changes over the commit.
    Dirty,
    /// A prompt's answer is wrong.
    WrongOutput,
    /// The GPU gets too hot.
    Throttled,
    /// The worker crashes.
    Failed,
    /// Somebody stops it.
    Interrupted,
}

/// How an A/B goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contest {
    /// The commit against its parent.
    Parent,
    /// The same on a restless machine, until the time is over.
    Restless,
    /// The same while the machine swaps.
    Swapping,
    /// The same, and the head's answer is wrong.
    WrongOutput,
    /// The commit against itself: how noisy is the machine?
    Itself,
}

impl Story {
    pub(super) fn of(commits: usize) -> Self {
        Self { commits }
    }

    fn at(self, percent: usize) -> usize {
        self.commits * percent / 100
    }

    /// Faster for more memory: a step in both, and the verdict "mixed". It has the line to itself for a while:
    /// of steps that cancel each other within a window none would be found.
    pub(super) fn dearer(self) -> usize {
        self.at(20)
    }

    /// A step to the worse that a gate refuses.
    pub(super) fn slower(self) -> usize {
        self.at(40)
    }

    /// It is fixed.
    pub(super) fn fixed(self) -> usize {
        self.slower() + SLOW_COMMITS.min(self.at(10))
    }

    /// Another driver: an epoch of its own in the same series.
    pub(super) fn driver(self) -> usize {
        self.at(55)
    }

    /// Another OpenVINO: another series, which begins at another level.
    pub(super) fn openvino(self) -> usize {
        self.at(70)
    }

    /// A step in the time to the first token alone, which the time per token does not show.
    pub(super) fn slower_start(self) -> usize {
        self.at(80)
    }

    /// A step to the better, past the published figure.
    pub(super) fn faster(self) -> usize {
        self.at(88)
    }

    /// A step whose output is wrong: it has no speed.
    pub(super) fn wrong(self) -> usize {
        self.at(25)
    }

    /// What the code costs.
    pub(super) fn code(self, at: usize) -> CodeCost {
        let mut cost = CodeCost { tpot: 1.0, ttft: 1.0, memory: 1.0 };
        if at >= self.dearer() {
            (cost.tpot, cost.memory) = (0.97, 1.06);
        }
        if (self.slower()..self.fixed()).contains(&at) {
            cost.tpot *= 1.048;
        }
        if at >= self.slower_start() {
            cost.ttft *= 1.12;
        }
        if at >= self.faster() {
            cost.tpot *= 0.91;
        }
        cost
    }

    /// What lies under it.
    pub(super) fn ground(self, at: usize) -> Ground {
        Ground { has_new_driver: at >= self.driver(), has_new_openvino: at >= self.openvino() }
    }

    /// Whether the ground is new at a commit, so that nothing compiled is in the cache.
    pub(super) fn is_new_ground(self, at: usize) -> bool {
        at == 0 || self.ground(at) != self.ground(at - 1)
    }

    /// The runs of a commit. The first machine lives through all of it; the others measure now and then.
    pub(super) fn runs(self, at: usize, machine: usize) -> Vec<Fate> {
        // Commits that nobody measured: a line has gaps, and a page must say so.
        let is_gap = [14, 15, 52, 91].iter().any(|percent| at > 0 && at == self.at(*percent));
        if is_gap || !at.is_multiple_of(machine + 1) {
            return Vec::new();
        }
        if machine > 0 {
            return vec![Fate::Measured];
        }
        let is = |percent: usize| at > 0 && at == self.at(percent);
        if at > 0 && at == self.wrong() {
            vec![Fate::WrongOutput]
        } else if is(10) {
            // What somebody tried out stands beside the commit's own run and is no baseline.
            vec![Fate::Measured, Fate::Dirty]
        } else if is(35) {
            vec![Fate::Throttled]
        } else if is(48) {
            vec![Fate::Failed]
        } else if is(62) {
            vec![Fate::Interrupted]
        } else if is(66) {
            // Measured twice: the newer one counts.
            vec![Fate::Measured, Fate::Measured]
        } else {
            vec![Fate::Measured]
        }
    }

    /// The A/Bs of a commit: of about every fourth one, and wherever there is something to be found.
    pub(super) fn contests(self, at: usize) -> Vec<Contest> {
        if at == 0 {
            return Vec::new();
        }
        let is = |percent: usize| at == self.at(percent);
        let steps = [self.dearer(), self.slower(), self.fixed(), self.slower_start(), self.faster()];
        let mut contests = Vec::new();
        if at == self.wrong() {
            contests.push(Contest::WrongOutput);
        } else if is(58) {
            contests.push(Contest::Restless);
        } else if is(76) {
            contests.push(Contest::Swapping);
        } else if at.is_multiple_of(4) || steps.contains(&at) {
            contests.push(Contest::Parent);
        }
        // The gate's own health: three runs of a commit against itself.
        if is(5) || is(45) || is(92) {
            contests.push(Contest::Itself);
        }
        contests
    }

    /// The first line of a commit's message.
    pub(super) fn subject(self, at: usize) -> &'static str {
        let reported = [
            (self.wrong(), "Sum the experts in half precision"),
            (self.wrong() + 1, "Sum the experts in single precision again"),
            (self.dearer(), "Keep the dequantised scales beside the weights"),
            (self.slower(), "Copy the key cache before each step"),
            (self.fixed(), "Hand the key cache over instead of copying it"),
            (self.slower_start(), "Check every prompt's tokens against the vocabulary"),
            (self.faster(), "Fuse the router with the first expert's product"),
        ];
        let of_story = reported.iter().find(|(place, _)| at > 0 && *place == at);
        of_story.map_or(SUBJECTS[at % SUBJECTS.len()], |(_, subject)| subject)
    }
}

/// What commits say that change no figure.
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
    "Mend a link in the method's page",
];

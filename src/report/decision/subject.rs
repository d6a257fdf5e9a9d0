//! Who is judged, against whom, and on what: the title of whatever is told.

use crate::judge::summarise;
use crate::measure::Metric;
use crate::record::{AbRecord, Commit, Outcome, RunRecord, Side, SideRecord, Undecided, Warning};
use crate::report::decision::form::Form;
use crate::report::number::{counted, four_digits};

/// What a decision is about.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// Two sides, measured in pairs.
    Ab {
        /// Both sides.
        record: &'a AbRecord,
        /// What each pair says, in order.
        pairs: &'a [PairLine],
    },
    /// One run, where there is nothing to hold it against.
    Run(&'a RunRecord),
}

/// What one pair says.
#[derive(Debug, Clone, PartialEq)]
pub struct PairLine {
    /// Which side ran first.
    pub first: Side,
    /// The head's mean `tpot@1` less the base's, percent of the base's; None where there is no speed.
    pub difference_percent: Option<f64>,
    /// Why the pair does not count; None where it does.
    pub spoilt_because: Option<String>,
}

/// One side in words.
#[derive(Debug)]
pub(super) struct SideTitle {
    /// "base" or "head".
    pub(super) word: &'static str,
    commit: String,
    speed: Option<String>,
}

impl SideTitle {
    /// Its commit and how fast it was, all processes together.
    pub(super) fn told(&self) -> String {
        let speed = self.speed.as_ref().map(|speed| format!("{speed}, ")).unwrap_or_default();
        format!("{speed}{}", self.commit)
    }
}

impl<'a> Subject<'a> {
    /// What was compared, without line's end.
    pub(super) fn headline(self, form: Form) -> String {
        let named = |side: &SideRecord| form.name(&side.asked);
        match self {
            Self::Run(_) => "one run, held against no other".to_owned(),
            Self::Ab { record, .. } => {
                let pairs = if self.is_identical() {
                    "not measured".to_owned()
                } else {
                    format!("{} of fresh processes, in turns", counted(record.pairs.len(), "pair"))
                };
                format!("head {} against base {}: {pairs}", named(&record.head), named(&record.base))
            }
        }
    }

    /// Each side in words, base first.
    pub(super) fn sides(self, form: Form) -> Vec<SideTitle> {
        let side = |(side, run): (Side, &RunRecord)| SideTitle {
            word: side.word(),
            commit: commit(run, form),
            speed: mean_tpot_ms(run).map(|ms| {
                let metric = Metric::TimePerOutputToken;
                format!("{} {} ({})", four_digits(ms), metric.unit(), form.id(metric.id()))
            }),
        };
        self.runs().into_iter().map(side).collect()
    }

    /// Model, device, runtime, machine and workload, each once where both sides share it.
    pub(super) fn setting(self, form: Form) -> String {
        let told = |of: &dyn Fn(&RunRecord) -> String| self.of_each_side(of);
        let one_model = self.is_same(|run| run.model.sha256.as_str());
        let one_build = self.is_same(|run| runtime(run).1);
        let model = |run: &RunRecord| {
            let sha256 = run.model.sha256.get(..12).unwrap_or_default();
            let sha256 = if one_model { String::new() } else { format!(" {}", form.said(sha256)) };
            format!("{}{sha256}", form.said(&run.model.name))
        };
        let openvino = |run: &RunRecord| {
            let (version, build) = runtime(run);
            form.said(if self.is_same(|run| runtime(run).0) && !one_build { build } else { version })
        };
        let device = |run: &RunRecord| form.said(&run.device.in_words(&run.machine.cpu));
        let machine = |run: &RunRecord| form.said(&run.machine.slug);
        let workload = |run: &RunRecord| {
            let prompts = counted(run.workload.prompts.len(), "prompt");
            format!("{prompts} x {}", counted(run.workload.new_tokens, "token"))
        };
        // Where nothing was measured there is no device that ran.
        let ran = if self.is_identical() {
            String::new()
        } else {
            format!(" on {}, OpenVINO {}", told(&device), told(&openvino))
        };
        format!("{}{ran}, machine {}, {}", told(&model), told(&machine), told(&workload))
    }

    /// The record's id.
    pub(super) fn run_id(self) -> &'a str {
        match self {
            Self::Ab { record, .. } => &record.run_id,
            Self::Run(record) => &record.run_id,
        }
    }

    /// When the measurement began, UTC.
    pub(super) fn when_utc(self) -> &'a str {
        match self {
            Self::Ab { record, .. } => &record.when_utc,
            Self::Run(record) => &record.when_utc,
        }
    }

    /// A side with what was asked for; None where there was only one.
    pub(super) fn asked(self, side: Side) -> Option<&'a SideRecord> {
        match self {
            Self::Ab { record, .. } if side == Side::Base => Some(&record.base),
            Self::Ab { record, .. } => Some(&record.head),
            Self::Run(_) => None,
        }
    }

    /// What each pair says.
    pub(super) fn pairs(self) -> &'a [PairLine] {
        match self {
            Self::Ab { pairs, .. } => pairs,
            Self::Run(_) => &[],
        }
    }

    /// Whether both sides are the same, so that nothing was to be measured.
    pub(super) fn is_identical(self) -> bool {
        matches!(self, Self::Ab { record, .. } if record.undecided == Some(Undecided::Identical))
    }

    /// Every side's run, base first. A run alone is what is being judged.
    pub(super) fn runs(self) -> Vec<(Side, &'a RunRecord)> {
        match self {
            Self::Ab { record, .. } => vec![(Side::Base, &record.base.run), (Side::Head, &record.head.run)],
            Self::Run(record) => vec![(Side::Head, record)],
        }
    }

    /// How the measurement ended, and what failed.
    pub(super) fn ending(self) -> (Outcome, Option<&'a str>) {
        match self {
            Self::Ab { record, .. } => (record.outcome, record.failure.as_deref()),
            Self::Run(record) => (record.outcome, record.failure.as_deref()),
        }
    }

    /// What a reader must know: of the whole, then of each side; once where both sides say it.
    pub(super) fn warnings(self) -> Vec<(Option<Side>, &'a Warning)> {
        let (whole, base, head): (&[Warning], &[Warning], &[Warning]) = match self {
            Self::Ab { record, .. } => {
                (&record.warnings, &record.base.run.warnings, &record.head.run.warnings)
            }
            Self::Run(record) => (&record.warnings, &[], &[]),
        };
        let mut told: Vec<_> = whole.iter().map(|warning| (None, warning)).collect();
        let of_base = |warning| (!head.contains(warning)).then_some(Side::Base);
        told.extend(base.iter().map(|warning| (of_base(warning), warning)));
        let heads_own = head.iter().filter(|warning| !base.contains(warning));
        told.extend(heads_own.map(|warning| (Some(Side::Head), warning)));
        told
    }

    /// What every side says, once where they say the same.
    fn of_each_side(self, of: &dyn Fn(&RunRecord) -> String) -> String {
        let told: Vec<_> = self.runs().into_iter().map(|(side, run)| (side, of(run))).collect();
        match &told[..] {
            [(base, one), (head, other)] if one != other => {
                format!("{one} ({}) and {other} ({})", base.word(), head.word())
            }
            _ => told.into_iter().next().map(|(_, one)| one).unwrap_or_default(),
        }
    }

    fn is_same(self, of: impl Fn(&'a RunRecord) -> &'a str) -> bool {
        let runs = self.runs();
        runs.windows(2).all(|pair| of(pair[0].1) == of(pair[1].1))
    }
}

/// Version and build of OpenVINO.
fn runtime(run: &RunRecord) -> (&str, &str) {
    let runtime = run.runtime.as_ref();
    runtime.map_or(("?", "?"), |runtime| (&runtime.openvino_version, &runtime.openvino_build))
}

fn commit(run: &RunRecord, form: Form) -> String {
    let told = |commit: &Commit| {
        let dirty = if commit.dirty { " (dirty)" } else { "" };
        format!("{}{dirty} {}", form.said(commit.short()), form.said(&commit.subject))
    };
    run.commit.as_ref().map_or("no commit".to_owned(), told)
}

/// `tpot@1` over all prompts and processes; None where any has no speed.
pub(super) fn mean_tpot_ms(run: &RunRecord) -> Option<f64> {
    summarise(run).average?.mean.decode_tpot_ms
}

//! What is judged, against what, and on what: the title of a report on a decision, its sides and its pairs.

use serde::Serialize;

use crate::judge::{pair_values, summarise};
use crate::measure::Metric;
use crate::record::{ArmView, Experiment, PlanKind, Side, StopReason, Warning};
use crate::report::document::Line;
use crate::report::number::{counted, four_digits};
use crate::report::reproduce::ab_command;

/// What a decision is about: an A/B with its pairs, or a run that there is nothing to compare with.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The record.
    pub record: &'a Experiment,
    /// The command that was given, where it has just measured; None where the record alone is known.
    pub given: Option<&'a str>,
}

/// What one pair says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairLine {
    /// Which side ran first.
    pub first: Side,
    /// The head's mean `tpot@1` less the base's, percent of the base's; None where there is no speed.
    pub difference_percent: Option<f64>,
    /// Why the pair does not count; None where it does.
    pub invalidated_by: Option<String>,
    /// Which guard tripped in a pair that counts all the same.
    pub counts_despite: Option<String>,
}

impl<'a> Subject<'a> {
    /// A record that was measured before.
    pub fn of(record: &'a Experiment) -> Self {
        Self { record, given: None }
    }

    /// What each pair says, in order; none of a run.
    pub(super) fn pairs(self) -> Vec<PairLine> {
        if self.is_ab() { pair_lines(self.record) } else { Vec::new() }
    }

    pub(in crate::report) fn title(self) -> Line {
        if !self.is_ab() {
            return "one run, compared with no other".into();
        }
        let pairs = if self.is_identical() {
            ": not measured".to_owned()
        } else {
            format!(": {} of fresh processes, interleaved", counted(self.record.rounds.len(), "pair"))
        };
        let name = |side: Side| Line::name(&self.record.side(side).label);
        Line::from("head ").and(name(Side::Head)).and(" compared with base ").and(name(Side::Base)).and(pairs)
    }

    /// The command that measures the same again.
    pub(super) fn again(self) -> String {
        self.given.map_or_else(|| ab_command(self.record), str::to_owned)
    }

    pub(super) fn is_ab(self) -> bool {
        self.record.plan == PlanKind::Ab
    }

    /// Whether the sides are settings of one program rather than commits: no gate judges these.
    pub(in crate::report) fn compares_settings(self) -> bool {
        self.is_ab() && self.runs().iter().any(|(_, run)| !run.arm.differences.is_empty())
    }

    /// Each side, base first, with how fast it was, all processes together, and its commit.
    pub(super) fn sides(self) -> Vec<(&'static str, Line)> {
        let side = |(side, run): (Side, ArmView<'_>)| {
            let metric = Metric::TimePerOutputToken;
            let speed = mean_tpot_ms(run).map_or_else(Line::default, |ms| {
                let value = format!("{} {} (", four_digits(ms), metric.unit());
                Line::from(value).and(Line::metric(metric)).and("), ")
            });
            (side.as_str(), speed.and(commit(run)))
        };
        self.runs().into_iter().map(side).collect()
    }

    /// Model, device, runtime, machine and workload, each once where both sides share it.
    pub(super) fn setting(self) -> Line {
        let of = |of: &dyn Fn(ArmView<'_>) -> String| self.of_each_side(of);
        let one_model = self.is_same(|run| run.arm.model.sha256.as_str());
        let one_build = self.is_same(|run| runtime(run).1);
        let model = |run: ArmView<'_>| {
            let sha256 = run.model.sha256.get(..12).unwrap_or_default();
            if one_model { run.model.name.clone() } else { format!("{} {sha256}", run.model.name) }
        };
        let openvino = |run: ArmView<'_>| {
            let (version, build) = runtime(run);
            if self.is_same(|run| runtime(run).0) && !one_build { build } else { version }.to_owned()
        };
        let workload = |run: ArmView<'_>| {
            let prompts = counted(run.workload.prompts.len(), "prompt");
            format!("{prompts} x {}", counted(run.workload.new_tokens, "token"))
        };
        let mut setting = of(&model);
        // Where nothing was measured there is no device that ran.
        if !self.is_identical() {
            let device = |run: ArmView<'_>| run.device.in_words(&run.experiment.machine.cpu);
            setting = setting.and(" on ").and(of(&device)).and(", OpenVINO ").and(of(&openvino));
        }
        let machine = of(&|run: ArmView<'_>| run.experiment.machine.slug.clone());
        setting.and(", machine ").and(machine).and(", ").and(of(&workload))
    }

    /// Whether both sides are the same, so that nothing was to be measured.
    pub(super) fn is_identical(self) -> bool {
        self.record.stop_reason == Some(StopReason::Identical)
    }

    /// Every side, base first. A run alone is what is being judged.
    pub(super) fn runs(self) -> Vec<(Side, ArmView<'a>)> {
        if self.is_ab() {
            return Side::BOTH.into_iter().map(|side| (side, self.record.side(side))).collect();
        }
        vec![(Side::Head, self.record.subject())]
    }

    /// What a reader must know: of the whole, then of each side; once where both sides say it.
    pub(super) fn warnings(self) -> Vec<(Option<Side>, &'a Warning)> {
        let whole = &self.record.warnings;
        let (base, head): (&[Warning], &[Warning]) = match self.record.arms.as_slice() {
            [base, head] => (&base.warnings, &head.warnings),
            arms => (&[], arms.first().map_or(&[], |arm| &arm.warnings)),
        };
        let mut reported: Vec<_> = whole.iter().map(|warning| (None, warning)).collect();
        let of_base = |warning| (!head.contains(warning)).then_some(Side::Base);
        let is_new = |warning: &&Warning| !whole.contains(warning);
        reported.extend(base.iter().filter(is_new).map(|warning| (of_base(warning), warning)));
        let heads_own = head.iter().filter(is_new).filter(|warning| !base.contains(warning));
        reported.extend(heads_own.map(|warning| (Some(Side::Head), warning)));
        reported
    }

    /// What every side says, once where they say the same.
    fn of_each_side(self, of: &dyn Fn(ArmView<'_>) -> String) -> Line {
        let reported: Vec<_> = self.runs().into_iter().map(|(side, run)| (side, of(run))).collect();
        match &reported[..] {
            [(base, one), (head, other)] if one != other => {
                let (base, head) = (format!(" ({}) and ", base.as_str()), format!(" ({})", head.as_str()));
                Line::from(one).and(base).and(other).and(head)
            }
            _ => reported.into_iter().next().map_or_else(Line::default, |(_, one)| one.into()),
        }
    }

    fn is_same(self, of: impl Fn(ArmView<'a>) -> &'a str) -> bool {
        let runs = self.runs();
        runs.windows(2).all(|pair| of(pair[0].1) == of(pair[1].1))
    }
}

fn runtime(run: ArmView<'_>) -> (&str, &str) {
    let runtime = run.arm.runtime.as_ref();
    runtime.map_or(("?", "?"), |runtime| (&runtime.openvino_version, &runtime.openvino_build))
}

fn commit(run: ArmView<'_>) -> Line {
    run.commit.as_ref().map_or("no commit".into(), |commit| {
        let dirty = if commit.dirty { " (dirty) " } else { " " };
        Line::from(commit.short()).and(dirty).and(&commit.subject)
    })
}

/// `tpot@1` over all prompts and processes; None where any has no speed.
pub(super) fn mean_tpot_ms(run: ArmView<'_>) -> Option<f64> {
    summarise(&run).average?.mean.get(Metric::TimePerOutputToken)
}

/// What each pair of a record says. A pair that a guard invalidated counts where the user requested that.
pub fn pair_lines(record: &Experiment) -> Vec<PairLine> {
    let line = |pair: crate::judge::PairValues| {
        let reason = pair.invalidated_by.first().cloned();
        let (counts_despite, invalidated_by) =
            if record.sampling.ignore_guards { (reason, None) } else { (None, reason) };
        PairLine {
            first: pair.first,
            difference_percent: pair.tpot_ln().map(|ln| ln.exp_m1() * 100.0),
            invalidated_by,
            counts_despite,
        }
    };
    pair_values(record).into_iter().map(line).collect()
}

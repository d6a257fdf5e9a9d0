//! What to type next: a comparison of like with like, and each run again.

use serde::Serialize;

use crate::judge::comparability::{Breaks, Comparability, TwoRuns};
use crate::record::{ArmView, Commit};
use crate::report::reproduce::{
    bench_command, device_flag, model_flag, property_flags, reproduce_command, requested_flags, word,
    workload_flags,
};

/// A command to run next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommandRow {
    /// What for.
    pub purpose: String,
    /// The command.
    pub command: String,
}

/// The commands, the most useful first.
pub(super) fn commands(a: ArmView<'_>, b: ArmView<'_>, two: &TwoRuns) -> Vec<CommandRow> {
    let mut rows: Vec<CommandRow> = decide(a, b, two).into_iter().collect();
    let (again_a, again_b) = (again("A", a), again("B", b));
    if again_a.command == again_b.command && is_clean(a) && is_clean(b) {
        rows.push(CommandRow { purpose: "measure either again".to_owned(), ..again_a });
    } else {
        rows.extend([again_a, again_b]);
    }
    rows
}

/// What would tell more than these two records do.
fn decide(a: ArmView<'_>, b: ArmView<'_>, two: &TwoRuns) -> Option<CommandRow> {
    let breaks = |wanted: Breaks| two.differences.iter().any(|difference| difference.breaks == wanted);
    if let (Some(one), Some(other)) = (clean(a), clean(b)) {
        let (base, head) = (word(one.short(), "COMMIT"), word(other.short(), "COMMIT"));
        if one.sha != other.sha {
            let purpose = match two.comparability {
                Comparability::Same => "decide, in pairs",
                _ if breaks(Breaks::Machine) => "compare both commits in pairs, on one machine",
                _ => "compare both commits in pairs, all else equal",
            };
            return Some(row(
                purpose,
                format!("cargo xtask ab --base {base} --head {head} {}", flags(b, requested_flags(b))),
            ));
        }
    }
    if two.comparability == Comparability::Unlike {
        return Some(row(
            if breaks(Breaks::Machine) {
                "measure on B's machine as A was measured"
            } else {
                "measure B as A was measured"
            },
            bench_command(a),
        ));
    }
    let versions =
        [a, b].map(|run| run.arm.runtime.as_ref().map(|runtime| runtime.openvino_version.as_str()));
    if let [Some(one), Some(other)] = versions
        && one != other
    {
        let (one, other) = (word(one, "VERSION"), word(other, "VERSION"));
        let requested = workload_flags(b).into_iter().chain(model_flag(b)).chain(property_flags(b)).collect();
        let command =
            format!("cargo xtask ab --base openvino={one} --head openvino={other} {}", flags(b, requested));
        return Some(row("compare both versions of OpenVINO in pairs", command));
    }
    None
}

/// Where the second run ran, and what it was asked.
fn flags(run: ArmView<'_>, requested: Vec<String>) -> String {
    [device_flag(run)].into_iter().chain(requested).collect::<Vec<_>>().join(" ")
}

/// A run once more. What was changed over the commit is nowhere kept.
fn again(letter: &str, run: ArmView<'_>) -> CommandRow {
    let changes = if is_clean(run) { "" } else { ", with the changes that its tree had over the commit" };
    row(&format!("measure {letter} again{changes}"), reproduce_command(run))
}

fn is_clean(run: ArmView<'_>) -> bool {
    run.commit.as_ref().is_none_or(|commit| !commit.dirty)
}

fn clean(run: ArmView<'_>) -> Option<&Commit> {
    run.arm.commit.as_ref().filter(|commit| !commit.dirty)
}

fn row(purpose: &str, command: String) -> CommandRow {
    CommandRow { purpose: purpose.to_owned(), command }
}

//! Lines about the machine: guards that were observed and that were not, energy, roofline.

use std::collections::BTreeMap;

use crate::judge::environment::{Guard, GuardState, of_record};
use crate::judge::{Roofline, Summary, energy_per_token, roofline_of};
use crate::record::ArmView;

/// Whether the times can be believed, as far as the machine tells.
pub(super) fn validity(record: ArmView<'_>) -> Option<String> {
    let processes = of_record(&record);
    let invalid: Vec<String> = processes
        .iter()
        .filter(|process| process.is_invalid())
        .map(|process| (process.process + 1).to_string())
        .collect();
    if processes.is_empty() {
        return None;
    }
    Some(match invalid.len() {
        0 => "no guard tripped of those that were observed".to_owned(),
        _ => format!("INVALID in process {}: do not compare these times", invalid.join(", ")),
    })
}

/// Which guards looked, and which could not; None where none was asked.
pub(super) fn guards(record: ArmView<'_>) -> Option<String> {
    // The worst word of all processes: what vanished or tripped once is not clean.
    let mut worst: BTreeMap<Guard, GuardState> = BTreeMap::new();
    for finding in of_record(&record).into_iter().flat_map(|process| process.findings) {
        let word = worst.entry(finding.guard).or_insert(finding.state);
        if severity(finding.state) > severity(*word) {
            *word = finding.state;
        }
    }
    let named = |state: GuardState| -> Vec<&str> {
        worst.iter().filter(|(_, word)| **word == state).map(|(guard, _)| guard.id()).collect()
    };
    let reported: Vec<String> = [
        ("tripped", named(GuardState::Tripped)),
        ("vanished", named(GuardState::Vanished)),
        ("clean", named(GuardState::Clean)),
        ("not observed", named(GuardState::NotObserved)),
    ]
    .into_iter()
    .filter(|(_, guards)| !guards.is_empty())
    .map(|(word, guards)| format!("{word}: {}", guards.join(", ")))
    .collect();
    (!reported.is_empty()).then(|| reported.join("; "))
}

/// Something seen outweighs what could not be seen in another process.
fn severity(state: GuardState) -> u8 {
    match state {
        GuardState::NotObserved => 0,
        GuardState::Clean => 1,
        GuardState::Vanished => 2,
        GuardState::Tripped => 3,
    }
}

/// Energy a token; absent is absent.
pub(super) fn energy(record: ArmView<'_>) -> Option<String> {
    let figure = energy_per_token(&record)?;
    Some(format!("{:.3} J/token of the processor's package ({})", figure.value, figure.metric.id()))
}

/// How near decoding came to what memory allows.
pub(super) fn roofline(record: ArmView<'_>, summary: &Summary) -> Option<String> {
    summary.average.as_ref()?;
    record.experiment.bandwidth_after.as_ref()?;
    Some(match roofline_of(record, summary) {
        Roofline::NotMeaningful { reason } => format!("not meaningful: {reason}"),
        Roofline::Share { fastest_ms_per_token, share, caveat } => format!(
            "{:.0} % of what memory allows ({fastest_ms_per_token:.2} ms/token){}",
            share * 100.0,
            caveat.map(|caveat| format!("; {caveat}")).unwrap_or_default()
        ),
    })
}

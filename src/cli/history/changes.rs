//! `history changes`: the commits from which on something was slower or faster. Advice, never a gate: it
//! needs later commits to tell.

use std::fmt::Write;

use clap::Args;

use crate::cli::history::selection::{Selection, report_damaged};
use crate::cli::root::Root;
use crate::cli::settings::StoreFlag;
use crate::cli::{exit_code, print, say};
use crate::error::Result;
use crate::judge::change_point::{ChangePoint, Detection, change_points};
use crate::record::{Ancestry, Entry, EpochChange, keep_line};
use crate::visible::one_line;

#[derive(Debug, Args)]
pub(super) struct ChangesArgs {
    #[command(flatten)]
    selection: Selection,

    #[command(flatten)]
    store: StoreFlag,
}

/// Looks for changes of the time per output token in each series, and never across two epochs.
pub(super) fn changes(args: &ChangesArgs) -> Result<u8> {
    let root = Root::find();
    let history = args.store.find(&root)?;
    let index = history.index();
    report_damaged(&index);
    let mut chosen = args.selection.of(&index, &root)?;
    let ancestry = Ancestry::of_head(root.path())?;
    chosen.retain(|entry| entry.may_be_baseline());
    keep_line(&mut chosen, &ancestry);
    chosen.reverse();
    let mut text = String::new();
    for series in by_series(&chosen) {
        add_series(&series, &mut text)?;
    }
    if text.is_empty() {
        say(&format!(
            "no verified record of a clean commit in `{}`; `cargo xtask bench` makes one",
            history.root().display()
        ));
    }
    print(&text)?;
    Ok(exit_code::PASS)
}

/// Records of one series each, in the order of the first one's.
fn by_series<'a>(entries: &[&'a Entry]) -> Vec<Vec<&'a Entry>> {
    let mut series: Vec<Vec<&Entry>> = Vec::new();
    for entry in entries {
        let id = &entry.setting.series.id;
        match series.iter_mut().find(|other| other[0].setting.series.id == *id) {
            Some(known) => known.push(entry),
            None => series.push(vec![entry]),
        }
    }
    series
}

fn add_series(series: &[&Entry], text: &mut String) -> Result<()> {
    let known = &series[0].setting.series;
    let _ = writeln!(
        text,
        "{} on {}, {}: {} {}, tpot@1 (lower is better)",
        one_line(&known.model),
        one_line(&known.device),
        one_line(&known.machine),
        series.len(),
        if series.len() == 1 { "record" } else { "records" }
    );
    let (mut before, heading_ends) = (None::<&Entry>, text.len());
    for epoch in series.chunk_by(|one, other| one.setting.epoch.id == other.setting.epoch.id) {
        if let Some(before) = before {
            let changed = epoch[0].setting.epoch.changes_since(&before.setting.epoch);
            let changed: Vec<String> = changed.iter().map(changed_part).collect();
            let _ = writeln!(text, "  {}  a new epoch: {}", commit(epoch[0]), changed.join(", "));
        }
        before = epoch.last().copied();
        let metric_values: Vec<f64> =
            epoch.iter().filter_map(|entry| entry.metric_values.as_ref()).map(|it| it.tpot_ms).collect();
        for point in change_points(&metric_values, &Detection::default())? {
            if let Some(entry) = epoch.get(point.index) {
                let _ = writeln!(text, "  {}  {}", commit(entry), reported(&point));
            }
        }
    }
    if text.len() == heading_ends {
        let _ = writeln!(text, "  no change point");
    }
    Ok(())
}

fn reported(point: &ChangePoint) -> String {
    let percent = point.ratio().map_or(f64::NAN, |ratio| (ratio - 1.0) * 100.0);
    format!(
        "{percent:+.1} %: {:.2} ms/token before, {:.2} from here on (p {:.1e})",
        point.mean_before, point.mean_after, point.p_value
    )
}

fn changed_part(change: &EpochChange) -> String {
    let reported = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
    one_line(&format!("{} {} to {}", change.part, reported(&change.from), reported(&change.to)))
}

fn commit(entry: &Entry) -> &str {
    entry.commit.as_ref().map_or("-", |commit| commit.sha.get(..12).unwrap_or(&commit.sha))
}

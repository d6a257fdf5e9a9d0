//! `report --demo`: the pages of an invented history.

use std::path::PathBuf;
use std::{fs, process};

use crate::cli::report::make::Making;
use crate::cli::root::Root;
use crate::error::{Error, Result};
use crate::gate::{Asker, decide};
use crate::places;
use crate::record::{AbRecord, Ancestry, History};
use crate::report::demo::{DemoDecisions, DemoInputs, DemoPlan, commits, fill};

/// Along which commits the pages go, in words.
const ALONG: &str = "the first parents of an invented main";

/// Invents a history, renders its pages, and gives their folder. The records are kept only in the pages.
pub(super) fn make(root: &Root, output: PathBuf, anew: bool) -> Result<PathBuf> {
    let making = Making::of(root)?;
    let cache = places::cache_dir()
        .ok_or_else(|| Error::harness("this user has no home folder and so no cache folder"))?;
    let store = cache.join(format!("demo-{}", process::id()));
    let _ = fs::remove_dir_all(&store);
    let made = make_of(&making, &History::at(store.clone()), output, anew);
    let _ = fs::remove_dir_all(&store);
    made
}

fn make_of(making: &Making, history: &History, output: PathBuf, anew: bool) -> Result<PathBuf> {
    let plan = DemoPlan::sample();
    // The real gate, so that the demonstration cannot show what a gate would not say.
    let decide = |record: &AbRecord, judged_utc: &str| DemoDecisions {
        decision: decide(record, &making.policy, judged_utc, Asker::Ab),
        gate_decision: decide(record, &making.policy, judged_utc, Asker::Gate),
    };
    let inputs =
        DemoInputs { policy_text: &making.policy_text, published: &making.published, decide: &decide };
    fill(history, plan, inputs)?;
    let line = commits(&plan).into_iter().rev().map(|commit| commit.sha);
    making.make(history, &history.index(), &Ancestry::of_line(line), Some(ALONG), output, anew, true)
}

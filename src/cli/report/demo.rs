//! `report --demo`: the pages of an invented history.

use std::path::{Path, PathBuf};
use std::{fs, process};

use crate::cli::report::make::{Making, Records};
use crate::cli::root::Root;
use crate::error::{Error, Result};
use crate::gate::{Strictness, decide};
use crate::places;
use crate::record::{Ancestry, Experiment, History};
use crate::report::demo::{DemoDecisions, DemoInputs, DemoPlan, commits, fill};
use crate::sys::SysfsRoot;

/// Along which commits the pages go, in words.
const ALONG: &str = "the first parents of an invented main";
/// How the folders of invented records begin in the cache folder; the id of their process follows.
const STORE: &str = "demo-";

/// Invents a history, renders its pages, and gives their folder. The records are kept only in the pages.
pub(super) fn make(root: &Root, output: PathBuf, anew: bool) -> Result<PathBuf> {
    let making = Making::of(root)?;
    let cache = places::cache_dir()
        .ok_or_else(|| Error::harness("this user has no home folder and so no cache folder"))?;
    sweep(&cache, &SysfsRoot::this_machine());
    let store = cache.join(format!("{STORE}{}", process::id()));
    let _ = fs::remove_dir_all(&store);
    let made = make_of(&making, &History::at(store.clone()), output, anew);
    let _ = fs::remove_dir_all(&store);
    made
}

fn make_of(making: &Making, history: &History, output: PathBuf, anew: bool) -> Result<PathBuf> {
    let plan = DemoPlan::sample();
    // The real gate, so that the demonstration cannot show what a gate would not say.
    let decide = |record: &Experiment, judged_utc: &str| DemoDecisions {
        decision: decide(record, &making.policy, judged_utc, Strictness::Ab),
        gate_decision: decide(record, &making.policy, judged_utc, Strictness::Gate),
    };
    let inputs =
        DemoInputs { policy_text: &making.policy_text, published: &making.published, decide: &decide };
    fill(history, plan, inputs)?;
    let line = commits(&plan).into_iter().rev().map(|commit| commit.sha);
    let (index, ancestry) = (history.index(), Ancestry::of_line(line));
    let records = Records {
        history,
        index: &index,
        ancestry: &ancestry,
        along: Some(ALONG),
        forge: None,
        is_demo: true,
    };
    making.make(records, output, anew)
}

/// Removes what demonstrations left behind that were ended half-way. What cannot be removed is no trouble now.
fn sweep(cache: &Path, machine: &SysfsRoot) {
    if !machine.has("proc/self") {
        return;
    }
    for entry in fs::read_dir(cache).into_iter().flatten().flatten() {
        let process = process_of(&entry.file_name().to_string_lossy());
        if process.is_some_and(|process| !machine.has(&format!("proc/{process}"))) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The process that invented the records of a folder of this name, by its id.
fn process_of(name: &str) -> Option<u32> {
    name.strip_prefix(STORE)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_of_demonstrations_that_are_gone_go_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["demo-8", "demo-7", "demo-notes", "openvino"];
        let [gone, runs, notes, openvino] = names.map(|name| folder.path().join("cache").join(name));
        for store in [&gone, &runs, &notes, &openvino] {
            fs::create_dir_all(store.join("below")).unwrap();
        }
        let machine = SysfsRoot::at(folder.path());
        fs::create_dir_all(folder.path().join("proc/7")).unwrap();
        sweep(&folder.path().join("cache"), &machine);
        assert!(gone.exists(), "where processes are not listed, none is known to be gone");
        fs::create_dir(folder.path().join("proc/self")).unwrap();
        sweep(&folder.path().join("cache"), &machine);
        assert!(!gone.exists() && runs.exists() && notes.exists() && openvino.exists());
    }
}

//! An invented history: what the pages look like, before anything was measured; and pages of any length for
//! tests and benches.
//!
//! A function of its plan: the same seed gives the same bytes, on any machine and on any day. Nothing of it
//! was measured, and every record says so: by a warning named `demo`, by a machine whose name begins with
//! `demo-`, and by `(demo)` in every device's name.
//!
//! The gate stands after this room, so whoever asks brings its decisions along:
//!
//! ```no_run
//! use arcgauge::gate::{Strictness, decide};
//! use arcgauge::judge::policy::Policy;
//! use arcgauge::record::{Experiment, History, PublishedReference};
//! use arcgauge::report::demo::{DemoDecisions, DemoInputs, DemoPlan, fill};
//!
//! # fn main() -> arcgauge::error::Result<()> {
//! # let (policy_text, published_text) = ("", "");
//! let policy = Policy::parse(policy_text, "ci/gate.json")?;
//! let published = PublishedReference::parse(published_text)?;
//! let decide = |record: &Experiment, judged_utc: &str| DemoDecisions {
//!     decision: decide(record, &policy, judged_utc, Strictness::Ab),
//!     gate_decision: decide(record, &policy, judged_utc, Strictness::Gate),
//! };
//! let inputs = DemoInputs { policy_text, published: &published, decide: &decide };
//! let store = History::at("reports/demo-history".into());
//! let records = fill(&store, DemoPlan::sample(), inputs)?;
//! # Ok(())
//! # }
//! ```

mod machines;
mod process;
mod records;
mod specials;
mod story;
#[cfg(test)]
mod tests;

use records::{Scene, contests, runs};
use specials::specials;

use crate::error::Result;
use crate::record::{Experiment, History};

pub use records::{DemoDecisions, DemoInputs, WARNING_ID, published};
pub use story::{DemoPlan, commits};

/// Every record of the invented history, commit by commit, oldest first. They are made one commit at a
/// time, as they are requested.
///
/// # Errors
/// A policy that cannot be read.
pub fn records(plan: DemoPlan, inputs: DemoInputs<'_>) -> Result<impl Iterator<Item = Experiment>> {
    let scene = Scene::of(plan, inputs)?;
    Ok((0..plan.commits).flat_map(move |at| of_commit(&scene, at)))
}

fn of_commit(scene: &Scene<'_>, at: usize) -> Vec<Experiment> {
    let runs = scene.machines.iter().flat_map(|machine| runs(scene, machine, at));
    let mut records: Vec<Experiment> = runs.collect();
    records.extend(scene.machines.iter().take(1).flat_map(|machine| contests(scene, machine, at)));
    records.extend(scene.machines.iter().take(1).flat_map(|machine| specials(scene, machine, at)));
    records
}

/// Writes the invented history into a store, and gives the number of records.
///
/// # Errors
/// A policy that cannot be read; a store that cannot be written, or has one of these records.
pub fn fill(store: &History, plan: DemoPlan, inputs: DemoInputs<'_>) -> Result<usize> {
    let mut count = 0;
    for record in records(plan, inputs)? {
        store.add(&record)?;
        count += 1;
    }
    Ok(count)
}

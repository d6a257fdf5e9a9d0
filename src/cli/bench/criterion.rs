//! Criterion's estimates, taken along with a run.

use std::{fs, process};

use crate::cli::measuring::own_program;
use crate::cli::root::Root;
use crate::error::{Error, Result};
use crate::measure::supervisor::Control;
use crate::measure::{BenchesEnded, Estimate, read_estimates, run_benches};
use crate::places;
use crate::record::HarnessCost;
use crate::sys::{Clock, MonotonicClock};

/// Runs Criterion's benches and reads what they estimate; None where they were stopped.
pub(super) fn run(root: &Root, cost: &mut HarnessCost, control: &Control) -> Result<Option<Vec<Estimate>>> {
    let began_ns = MonotonicClock.now_ns();
    let cache = places::cache_dir()
        .ok_or_else(|| Error::harness("this user has no home folder and so no cache folder"))?;
    // Of its own, for Criterion leaves there what benches of other times have estimated.
    let home = cache.join(format!("criterion-{}", process::id()));
    fs::create_dir_all(&home).map_err(|cause| Error::io("write", &home, &cause))?;
    let estimates =
        run_benches(&own_program()?, root.path(), &home, &control.stop).and_then(|ended| match ended {
            BenchesEnded::Complete => read_estimates(&home).map(Some),
            BenchesEnded::Stopped => Ok(None),
        });
    let _ = fs::remove_dir_all(&home);
    cost.criterion_ns = MonotonicClock.now_ns() - began_ns;
    estimates
}

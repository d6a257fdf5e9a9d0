//! What is known of a run before it begins: commit, machine, program, environment.

use std::env;
use std::path::Path;

use crate::cli::loading::known_hashes;
use crate::cli::root::Root;
use crate::error::Result;
use crate::measure::{Clock, MonotonicClock};
use crate::record::{Commit, HarnessCost, Machine, WorkerRecord, run_id, utc_now, variables};

/// The identities of a run.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Identity {
    pub(in crate::cli) run_id: String,
    pub(in crate::cli) when_utc: String,
    pub(in crate::cli) commit: Option<Commit>,
    pub(in crate::cli) worker: WorkerRecord,
    pub(in crate::cli) environment_variables: std::collections::BTreeMap<String, String>,
    pub(in crate::cli) cost: HarnessCost,
}

impl Identity {
    /// Looks at the checkout and hashes the worker's program. Of a program that is not this one it is not
    /// known from which commit it was built, and so there is none.
    pub(in crate::cli) fn of(root: &Root, program: &Path, foreign: bool) -> Result<Self> {
        let started_ns = MonotonicClock.now_ns();
        let mut known = known_hashes();
        let sha256 = known.sha256_of(program, || ())?;
        known.save();
        let hashing_ns = MonotonicClock.now_ns() - started_ns;
        let named = env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        });
        Ok(Self {
            run_id: run_id(),
            when_utc: utc_now(),
            commit: if foreign { None } else { Commit::at(root.path())? },
            worker: WorkerRecord { sha256: Some(sha256), ..WorkerRecord::default() },
            environment_variables: variables::that_matter(named),
            cost: HarnessCost { hashing_ns, ..HarnessCost::default() },
        })
    }

    /// This machine, with the GPU that a worker saw.
    pub(in crate::cli) fn machine(gpu_name: Option<String>, gpu_driver: Option<String>) -> Result<Machine> {
        Ok(Machine { gpu_driver, ..Machine::of_this_host(gpu_name)? })
    }
}

//! What is known of a run before it begins: commit, machine, program, environment.

use std::env;
use std::path::Path;

use crate::error::Result;
use crate::measure::supervisor::Session;
use crate::record::{Commit, Machine, WorkerRecord, variables};
use crate::run::model::known_hashes;
use crate::sys::{Clock, MonotonicClock};

/// The identities of a run.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The commit that was measured.
    pub commit: Option<Commit>,
    /// The program that measures.
    pub worker: WorkerRecord,
    /// Variables that can change what a runtime does.
    pub environment_variables: std::collections::BTreeMap<String, String>,
    /// Time that hashing the worker took, ns.
    pub hashing_ns: u64,
}

impl Identity {
    /// Looks at the checkout and hashes the worker's program. Of a program that is not this one it is not
    /// known from which commit it was built, and so there is none.
    ///
    /// # Errors
    /// A program or a repository that cannot be read.
    pub fn of(checkout: &Path, program: &Path, foreign: bool) -> Result<Self> {
        let started_ns = MonotonicClock.now_ns();
        let mut known = known_hashes();
        let sha256 = known.sha256_of(program, || ())?;
        known.save();
        let hashing_ns = MonotonicClock.now_ns() - started_ns;
        let named = env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        });
        Ok(Self {
            commit: if foreign { None } else { Commit::at(checkout)? },
            worker: WorkerRecord { sha256: Some(sha256), ..WorkerRecord::default() },
            environment_variables: variables::that_matter(named),
            hashing_ns,
        })
    }

    /// This machine, with the GPU that the workers of a session saw.
    ///
    /// # Errors
    /// A system that does not report what it is.
    pub(super) fn machine(session: &Session) -> Result<Machine> {
        let resolved = session.processes.iter().find_map(|process| process.resolved.as_ref());
        let gpu_name = resolved.and_then(|resolved| resolved.gpu_name.clone());
        let gpu_driver = resolved.and_then(|resolved| resolved.facts.driver_version.clone());
        Ok(Machine { gpu_driver, ..Machine::of_this_host(gpu_name)? })
    }
}

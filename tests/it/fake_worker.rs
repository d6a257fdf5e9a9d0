//! Workers that misbehave, as programs: `tests/fake_worker.py` with a scenario.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::checkout::{Checkout, repository};

/// A program in the checkout that plays this scenario.
pub(crate) fn fake_worker(checkout: &Checkout, scenario: &str) -> PathBuf {
    let script = repository().join("tests/fake_worker.py");
    let program = checkout.path(format!("{scenario}.sh"));
    fs::write(&program, format!("#!/bin/sh\nexec python3 '{}' {scenario}\n", script.display())).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    program
}

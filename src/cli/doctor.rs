//! placeholder
use clap::Args;
use std::process::ExitCode;
/// Flags of `doctor`.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {}
pub(super) fn doctor(_: &DoctorArgs) -> crate::error::Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}

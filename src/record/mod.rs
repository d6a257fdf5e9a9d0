//! What is kept: the run record and the identities of what was measured.

mod commit;
mod history;
mod judged;
mod machine;
mod model;
mod run;
mod samples;
mod sealed;
mod whole_file;

pub use commit::{Commit, whoami};
pub use history::{History, Stored};
pub use judged::{judge_session, kept_samples};
pub use machine::Machine;
pub use model::{Manifest, ManifestCheck, ModelFile, ModelIdentity, sha256_of_file};
pub use run::{
    AskedPrompt, DeviceRecord, DivergenceText, ModelRecord, Outcome, PromptRecord, RunRecord, RuntimeRecord,
    Warning, WitnessRecord, WorkloadRecord, run_id, utc_now,
};
pub use samples::{SampleRecord, SampleRole, SampleTimes};
pub use sealed::{SCHEMA_MAJOR, SCHEMA_MINOR, open, seal};
pub use whole_file::{Overwrite, check_writable, write_whole};

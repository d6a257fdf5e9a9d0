//! What is kept: the run record and the identities of what was measured.

mod commit;
mod history;
mod machine;
mod model;
mod run;
mod samples;
mod sealed;

pub use commit::{Commit, whoami};
pub use history::{History, Overwrite, Stored, write_whole};
pub use machine::Machine;
pub use model::{Manifest, ManifestCheck, ModelFile, ModelIdentity, sha256_of_file};
pub use run::{
    AskedPrompt, DeviceRecord, DivergenceText, ModelRecord, Outcome, PromptRecord, RunRecord, RuntimeRecord,
    Warning, WitnessRecord, WorkloadRecord, run_id, utc_now,
};
pub use samples::{SampleRecord, SampleRole, SampleTimes};
pub use sealed::{SCHEMA_MAJOR, SCHEMA_MINOR, open, seal};

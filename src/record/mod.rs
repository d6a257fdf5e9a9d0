//! What is kept: the run record and the identities of what was measured; with repositories, copies of
//! their files, and folders of a cache.

mod ab;
mod archive;
mod commit;
mod commit_context;
mod cost;
mod decision;
mod device;
mod digest;
mod file_lock;
pub mod first_light;
pub mod foreign;
mod hash_cache;
mod history;
pub mod hub;
mod identified;
mod judged;
mod kept_folders;
mod machine;
mod model;
mod model_check;
mod model_description;
mod model_files;
mod model_name;
mod peers;
mod process;
mod prompts;
mod published;
mod repository;
mod run;
mod samples;
mod sealed;
mod sharing;
mod upgrade;
pub mod variables;
mod verified_models;
mod whole_file;
mod workload;

pub use ab::{AbRecord, ChangedInput, InputsRecord, PairRecord, PolicyText, Side, SideRecord, Undecided};
pub use archive::{AllowedFile, ArchivedFile, archive, unarchive};
pub use commit::{Commit, whoami};
pub use commit_context::{CommitContext, MergeCommit};
pub use cost::HarnessCost;
pub use decision::{
    CheckRecord, CheckWord, ComparisonRecord, ComparisonWord, DecisionRecord, SensitivityRecord, Status,
    Verdict,
};
pub use device::{DeviceEvidence, DeviceRecord, ProofGrade, ProvenDevice};
pub use digest::{sha256_of_bytes, sha256_of_files, sha256_source};
pub use file_lock::FileLock;
pub use foreign::ForeignRecord;
pub use hash_cache::HashCache;
pub use history::{
    AbHeadline, Ancestry, AnyRecord, Baseline, BaselineSearch, ChangeHeadline, Entry, EntryCommit, Epoch,
    EpochChange, ExaminedRecord, Headline, History, Index, Installation, Line, LoadHeadline, Origin,
    PromptHeadline, RecordKind, RecordSource, RecordsOfCommit, SERIES_COLUMNS, Series, SeriesColumn, Setting,
    Stored, Taken, keep_line, series_csv, sort_along,
};
pub use identified::{is_plain, is_sha};
pub use judged::{judge_session, kept_samples};
pub use kept_folders::{InUse, KeptFolders};
pub use machine::Machine;
pub use model::{Manifest, ManifestCheck, ModelFile, ModelIdentity, read_manifest, sha256_of_file};
pub use model_check::{FaultyFile, FileFault};
pub use model_description::{HashesFrom, KvBytes, ModelDescription};
pub use model_files::check_files;
pub use peers::{PeerRecord, PeersRecord, RoundRecord};
pub use process::{LoadRecord, MemoryRecord, PhaseMemoryRecord, ProcessPurpose, ProcessRecord};
pub use prompts::{DivergenceText, PromptRecord, WitnessRecord};
pub use published::{
    AcceptedModel, PublishedDevice, PublishedFigure, PublishedModel, PublishedReference, PublishedSeries,
    PublishedShape, with_accepted_model,
};
pub use repository::{CLONE_MARK, Repository, Source};
pub use run::{
    LogitDriftRecord, ModelRecord, Outcome, RunRecord, RuntimeRecord, Warning, WorkerRecord, run_id,
    seconds_of_utc, utc_now, utc_of_seconds,
};
pub use samples::{SampleRecord, SampleRole, SampleTimes};
pub use sealed::{Header, Kept, Place, Schema, header, open, seal};
pub use sharing::{Pulled, Pushed, Relay};
pub use verified_models::VerifiedModels;
pub use whole_file::{Overwrite, check_writable, write_whole};
pub use workload::{AskedPrompt, WorkloadRecord};

//! What is kept: the run record and the identities of what was measured; with repositories, copies of
//! their files, and folders of a cache.

mod archive;
mod arm;
mod commit;
mod commit_context;
mod consistency;
mod cost;
mod decision;
mod device;
mod digest;
mod encoded;
mod experiment;
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
mod personal;
mod process;
mod prompts;
mod published;
mod repository;
mod samples;
mod sharing;
mod unknown_field;
pub mod variables;
mod verified_models;
mod workload;

pub use archive::{AllowedFile, ArchivedFile, archive, unarchive};
pub use arm::{Arm, LogitDriftRecord, ModelRecord, Outcome, RuntimeRecord, Warning, WorkerRecord};
pub use commit::{Commit, whoami};
pub use commit_context::{CommitContext, MergeCommit};
pub use consistency::{Contradiction, check as check_consistency, check_answers, contradictions};
pub use cost::HarnessCost;
pub use decision::{
    CheckRecord, CheckResult, ComparisonRecord, ComparisonResult, DecisionRecord, SensitivityRecord, Status,
    Verdict,
};
pub use device::{DeviceEvidence, DeviceRecord, ProofGrade, ProvenDevice};
pub use digest::{sha256_of_bytes, sha256_of_files, sha256_source};
pub use encoded::{Header, Kept, Place, Schema, accept, encode, header, open};
pub use experiment::{
    ArmView, ChangedInput, Experiment, InputsRecord, PlanKind, PolicyText, Round, Sampling, Side, StopReason,
    run_id, seconds_of_utc, utc_now, utc_of_seconds,
};
pub use foreign::ForeignRecord;
pub use hash_cache::HashCache;
pub use history::{
    AbSummary, Ancestry, ChangeSummary, Entry, EntryCommit, Epoch, EpochChange, ExaminedRecord, FoundFiles,
    History, Index, Installation, Line, LoadSummary, Origin, PromptSummary, RecordSource, RecordsOfCommit,
    SERIES_COLUMNS, Series, SeriesColumn, Setting, Stored, SummaryRow, Taken, csv_text, keep_line,
    series_csv, sort_along,
};
pub use identified::is_sha;
pub use judged::{judge_session, kept_samples};
pub use kept_folders::{InUse, KeptFolders};
pub use machine::Machine;
pub use model::{Manifest, ManifestCheck, ModelFile, ModelIdentity, read_manifest, sha256_of_file};
pub use model_check::{FaultyFile, FileFault};
pub use model_description::{HashesFrom, KvBytes, ModelDescription};
pub use model_files::check_files;
pub use personal::{Personal, Trace};
pub use process::{LoadRecord, ProcessRecord};
pub use prompts::{DivergenceText, PromptRecord, ReplayRecord};
pub use published::{
    AcceptedModel, PublishedDevice, PublishedFigure, PublishedModel, PublishedReference, PublishedSeries,
    PublishedShape, with_accepted_model,
};
pub use repository::{CLONE_MARK, Repository, Source};
pub use samples::{SampleRecord, SampleTimes};
pub use sharing::{Pulled, Pushed, Relay};
pub use verified_models::VerifiedModels;
pub use workload::{RequestedPrompt, WorkloadRecord};

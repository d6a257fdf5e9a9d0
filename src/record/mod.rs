//! What is stored: the run record and the identities of what was measured; with repositories, copies of
//! their files, and folders of a cache.

mod archive;
mod arm;
mod bisect;
mod cache_folders;
mod commit;
mod consistency;
mod decision;
mod device;
mod encoded;
mod experiment;
pub mod first_light;
mod history;
pub mod hub;
pub mod imported;
mod machine;
mod model;
mod model_description;
mod personal;
mod published;
mod repository;
mod sharing;
mod unit;

pub use crate::measure::RequestedPrompt;
pub use crate::measure::protocol::ReplayRecord;
pub use archive::{AllowedFile, ArchivedFile, archive, unarchive};
pub use arm::{
    Arm, DistributionDriftRecord, DivergenceText, KvRecord, LoadRecord, LogitDriftRecord, ModelRecord,
    Outcome, ProcessRecord, PromptRecord, RuntimeRecord, SampleRecord, SampleTimes, Warning, WorkerRecord,
    WorkloadRecord, judge_session, stored_samples,
};
pub use bisect::BisectRecord;
pub use cache_folders::{CacheFolders, InUse};
pub use commit::{Commit, CommitContext, MergeCommit, whoami};
pub use consistency::{
    Contradiction, check as check_consistency, check_answers, contradictions, is_hex, is_sha,
};
pub use decision::{
    CheckRecord, CheckResult, ComparisonRecord, ComparisonResult, DecisionRecord, SensitivityRecord, Status,
    Verdict,
};
pub use device::{DeviceEvidence, DeviceRecord, ProofGrade, ProvenDevice};
pub use encoded::{
    Header, Place, Schema, StoredRecord, accept, encode, header, open, sha256_of_bytes, sha256_of_files,
    sha256_source,
};
pub use experiment::{
    ArmView, ChangedInput, Experiment, HarnessCost, InputsRecord, PlanKind, PolicyText, Round, Sampling,
    Side, StopReason, run_id, seconds_of_utc, utc_now, utc_of_seconds,
};
pub use history::{
    AbSummary, Ancestry, ChangeSummary, Entry, EntryCommit, Epoch, EpochChange, ExaminedRecord, FoundFiles,
    History, Index, Installation, Line, LoadSummary, Origin, PromptSummary, RecordFile, RecordSource,
    RecordsOfCommit, SERIES_COLUMNS, Series, SeriesColumn, Setting, Stored, SummaryRow, Taken, csv_text,
    keep_line, series_csv, sort_along,
};
pub use imported::ImportedRecord;
pub use machine::{Machine, variables_that_matter};
pub use model::{
    FaultyFile, FileFault, HashCache, Manifest, ManifestCheck, ModelFile, ModelIdentity, check_files,
    read_manifest, sha256_of_file,
};
pub use model_description::{HashesFrom, KvBytes, ModelDescription, VerifiedModels};
pub use personal::{Personal, Trace};
pub use published::{
    AcceptedModel, PublishedDevice, PublishedModel, PublishedReference, PublishedSeries, PublishedShape,
    PublishedValue, with_accepted_model,
};
pub use repository::{CLONE_MARK, Repository, Source};
pub use sharing::{Pulled, Pushed, Relay};
pub use unit::unit_id;

//! The verdict as it leaves the runner: a few words, and the record that they come from.
//!
//! | file | holds |
//! |---|---|
//! | `verdict.json` | which head of which pull request, against what, and how it ended |
//! | `record.json` | the encoded record of the A/B, where there is one: the verdict is computed again from it |
//!
//! To whoever receives it every byte is a claim.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files::{FileKind, Overwrite, write_whole};
use crate::gate::ci::event::{Candidate, Resolved};
use crate::gate::ci::forge::{parse, shortened};
use crate::record::{AllowedFile, Experiment, encode, open, unarchive};

/// What the artifact is called on the forge.
pub(super) const ARTIFACT: &str = "verdict";
/// The words.
pub const VERDICT_FILE: &str = "verdict.json";
/// The record.
const RECORD_FILE: &str = "record.json";
/// The most that is taken of a zip from the forge, bytes. A record of 18 pairs takes 2 MB.
pub(super) const LARGEST_ZIP_BYTES: u64 = FileKind::Artifact.largest_bytes();

const SCHEMA: &str = "arcgauge-verdict@2";
const ALLOWED: [AllowedFile; 2] = [
    AllowedFile { name: VERDICT_FILE, largest_bytes: 64 << 10 },
    AllowedFile { name: RECORD_FILE, largest_bytes: 64 << 20 },
];

/// How a gate ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateEnd {
    /// There is a record, and it was judged.
    Judged,
    /// The head may not be measured as it is.
    Refused,
    /// Building or measuring failed.
    Failed,
}

/// What a gate says of one head. The publisher looks at repository, pull request, head and word; the rest is reported
/// for people, and nothing follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictArtifact {
    /// The version of this form.
    pub schema: String,
    /// The version of arcgauge that wrote it.
    pub arcgauge_version: String,
    /// As in "owner/name".
    pub repository: String,
    /// The pull request's number.
    pub pull_request: u64,
    /// What was judged: 40 digits.
    pub head: String,
    /// The tip of the branch that it goes into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// What it was compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge_base: Option<String>,
    /// The forge's merge commit of both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge: Option<String>,
    /// How it ended.
    pub end: GateEnd,
    /// Why, where nothing was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// With what the gate ended: an exit code.
    pub exit_code: u8,
}

/// An artifact with its record.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedArtifact {
    /// The words.
    pub verdict: VerdictArtifact,
    /// The record; there is one where something was judged.
    pub record: Option<Experiment>,
}

impl JudgedArtifact {
    /// Of a head on which there is a verdict.
    pub fn judged(resolved: &Resolved, record: Experiment, exit_code: u8) -> Self {
        let verdict = VerdictArtifact {
            base: Some(resolved.tip.clone()),
            merge_base: Some(resolved.merge_base.clone()),
            ..bare(&resolved.candidate, GateEnd::Judged, exit_code)
        };
        Self { verdict, record: Some(record) }
    }

    /// Of a head on which there is none.
    pub fn without_verdict(candidate: &Candidate, word: GateEnd, reason: &Error, exit_code: u8) -> Self {
        let reason = match reason.hint_text() {
            Some(hint) => format!("{reason}; {hint}"),
            None => reason.to_string(),
        };
        let verdict = VerdictArtifact { reason: Some(reason), ..bare(candidate, word, exit_code) };
        Self { verdict, record: None }
    }

    /// Writes its files into a folder, the record first: who finds the words finds all.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).map_err(|cause| Error::io("create", folder, &cause))?;
        if let Some(record) = &self.record {
            write_whole(&folder.join(RECORD_FILE), &encode(record)?, Overwrite::Replace)?;
        }
        let words = serde_json::to_string_pretty(&self.verdict)
            .map_err(|cause| Error::harness(format!("the verdict cannot be written: {cause}")))?;
        write_whole(&folder.join(VERDICT_FILE), (words + "\n").as_bytes(), Overwrite::Replace)
    }

    /// Takes a zip from elsewhere apart.
    ///
    /// # Errors
    /// Anything but the files of a verdict, or such as are not of this form.
    pub fn of_zip(bytes: &[u8]) -> Result<Self> {
        let files = unarchive(bytes, &ALLOWED)?;
        let of = |name: &str| files.iter().find(|file| file.name == name).map(|file| file.bytes.as_slice());
        let words =
            of(VERDICT_FILE).ok_or_else(|| Error::input(format!("the artifact has no `{VERDICT_FILE}`")))?;
        let verdict: VerdictArtifact = parse(words, &format!("`{VERDICT_FILE}` of the artifact"))?;
        if verdict.schema != SCHEMA {
            let schema = shortened(&verdict.schema);
            return Err(Error::input(format!("the verdict is of schema `{schema}`, not `{SCHEMA}`")));
        }
        let record = of(RECORD_FILE).map(|bytes| open::<Experiment>(bytes, RECORD_FILE)).transpose()?;
        Ok(Self { verdict, record })
    }
}

fn bare(candidate: &Candidate, word: GateEnd, exit_code: u8) -> VerdictArtifact {
    VerdictArtifact {
        schema: SCHEMA.to_owned(),
        arcgauge_version: env!("CARGO_PKG_VERSION").to_owned(),
        repository: candidate.repository.clone(),
        pull_request: candidate.pull_request,
        head: candidate.head.clone(),
        base: candidate.base.clone(),
        merge_base: None,
        merge: candidate.merge.clone(),
        end: word,
        reason: None,
        exit_code,
    }
}

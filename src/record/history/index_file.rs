//! The index on disk: a header line with the hash of the rest, the settings, each once, and a line a
//! record. A file that is not just that is as good as none, for all of it can be made again.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::files::{self, FileKind};
use crate::golden::GoldenResult;
use crate::record::encoded::hex;
use crate::record::history::entry::{Entry, EntryCommit};
use crate::record::history::index::{Stamp, Stamped};
use crate::record::history::setting::Setting;
use crate::record::history::summary_row::{AbSummary, SummaryRow};
use crate::record::{Origin, Outcome, PlanKind};

/// Raised when an index of an older arcgauge says less, or something else.
const VERSION: u32 = 8;

#[derive(Serialize, Deserialize)]
struct Header {
    arcgauge: String,
    version: u32,
    payload_sha256: String,
}

/// A line, as short as it can be: the setting stands for itself by its number.
#[derive(Serialize, Deserialize)]
struct Line(
    PathBuf,
    u64,
    i128,
    String,
    PlanKind,
    String,
    String,
    Option<EntryCommit>,
    Outcome,
    Option<GoldenResult>,
    Option<SummaryRow>,
    Option<AbSummary>,
    Vec<String>,
    usize,
);

/// The bytes of an index.
pub(super) fn bytes(records: &[Stamped]) -> Result<Vec<u8>> {
    let unfit = |cause: serde_json::Error| Error::harness(format!("the index cannot be written: {cause}"));
    let mut numbers: HashMap<&Setting, usize> = HashMap::new();
    let mut settings: Vec<&Setting> = Vec::new();
    let mut lines = Vec::new();
    for Stamped { entry, stamp, payload_sha256 } in records {
        let number = *numbers.entry(&entry.setting).or_insert_with(|| {
            settings.push(&entry.setting);
            settings.len() - 1
        });
        let entry = entry.clone();
        let line = Line(
            entry.path,
            stamp.bytes,
            stamp.changed_ns,
            payload_sha256.clone(),
            entry.plan,
            entry.run_id,
            entry.when_utc,
            entry.commit,
            entry.outcome,
            entry.golden,
            entry.figures,
            entry.ab,
            entry.warning_ids,
            number,
        );
        serde_json::to_writer(&mut lines, &line).map_err(unfit)?;
        lines.push(b'\n');
    }
    let mut payload = serde_json::to_vec(&settings).map_err(unfit)?;
    payload.push(b'\n');
    payload.extend(lines);
    let header = Header {
        arcgauge: "history-index".to_owned(),
        version: VERSION,
        payload_sha256: hex(&Sha256::digest(&payload)),
    };
    let mut file = serde_json::to_vec(&header).map_err(unfit)?;
    file.push(b'\n');
    file.extend(payload);
    Ok(file)
}

/// What an index says; None where there is none that can be used.
pub(super) fn read(file: &Path) -> Option<Vec<Stamped>> {
    let bytes = files::read(file, FileKind::StoreList).ok()?;
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let header: Header = serde_json::from_slice(parts.next()?).ok()?;
    let payload = parts.next()?;
    if header.version != VERSION || header.payload_sha256 != hex(&Sha256::digest(payload)) {
        return None;
    }
    let mut lines = payload.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let settings: Vec<Arc<Setting>> =
        serde_json::from_slice::<Vec<Setting>>(lines.next()?).ok()?.into_iter().map(Arc::new).collect();
    lines.map(|line| stamped(serde_json::from_slice(line).ok()?, &settings)).collect()
}

fn stamped(line: Line, settings: &[Arc<Setting>]) -> Option<Stamped> {
    let Line(
        path,
        bytes,
        changed_ns,
        payload_sha256,
        plan,
        run_id,
        when_utc,
        commit,
        outcome,
        golden,
        figures,
        ab,
        warning_ids,
        number,
    ) = line;
    let setting = Arc::clone(settings.get(number)?);
    let entry = Entry {
        path,
        plan,
        run_id,
        when_utc,
        commit,
        outcome,
        golden,
        figures,
        ab,
        warning_ids,
        setting,
        origin: Origin::Unknown,
    };
    Some(Stamped { entry, stamp: Stamp { bytes, changed_ns }, payload_sha256 })
}

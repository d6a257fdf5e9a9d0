//! Records as a store has them, written without its syncs, which would take hours.

use std::fs;
use std::path::Path;

use arcgauge::record::{StoredRecord, encode};

/// Adds a record, and gives its bytes.
pub(crate) fn add<R: StoredRecord>(store: &Path, record: &R) -> Vec<u8> {
    let place = record.place();
    let folder = store.join(place.machine).join(place.commit.unwrap());
    fs::create_dir_all(&folder).unwrap();
    let when: String = place.when_utc.chars().filter(char::is_ascii_alphanumeric).collect();
    let encoded = encode(record).unwrap();
    fs::write(folder.join(format!("{when}-{}.json", place.run_id)), &encoded).unwrap();
    encoded
}

//! A record as a bare `bench` leaves it: nine measured generations of 200 tokens, the warm-ups, and the
//! machine's readings.

use std::path::Path;

use arcgauge::record::{History, RunRecord};

/// The fixture of today's schema.
pub(crate) fn record() -> RunRecord {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/records/schema-2.0.json");
    History::read(&file).unwrap().record
}

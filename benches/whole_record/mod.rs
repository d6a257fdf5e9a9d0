//! A record as a bare `bench` leaves it: nine measured generations of 200 tokens, the warm-ups, and the
//! machine's readings.

use std::path::Path;

use arcgauge::record::{Experiment, History};

/// The fixture of today's schema.
pub(crate) fn record() -> Experiment {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/records/bench-3.0.json");
    History::read(&file).unwrap().record
}

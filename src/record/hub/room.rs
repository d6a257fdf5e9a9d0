//! Whether there is room for what is still to come.

use std::path::Path;

use crate::error::{Error, Result};
use crate::measure::free_bytes;
use crate::record::hub::attendant::{Attendant, Event};

/// What a disk should keep free.
const MARGIN_BYTES: u64 = 256 << 20;

/// Looks before anything is fetched.
pub(super) fn check(folder: &Path, missing_bytes: u64, attendant: &mut dyn Attendant) -> Result<()> {
    let free = free_bytes(folder);
    attendant.hear(Event::Room { folder, missing_bytes, free_bytes: free });
    fits(folder, missing_bytes, free)
}

fn fits(folder: &Path, missing_bytes: u64, free_bytes: Option<u64>) -> Result<()> {
    let wanted = missing_bytes.saturating_add(MARGIN_BYTES);
    match free_bytes {
        Some(free) if missing_bytes > 0 && free < wanted => Err(Error::harness(format!(
            "there is not enough room for the model: {} are still to come, and `{}` has {} free",
            gigabytes(wanted),
            folder.display(),
            gigabytes(free)
        ))
        .hint("free some space, or name a folder on another disk: `--output DIR`; what has come is kept")),
        _ => Ok(()),
    }
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.2} GB", bytes as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_does_not_fit_is_refused_with_what_it_needs_and_where() {
        let folder = Path::new("/models/x");
        let error = fits(folder, 12_800_000_000, Some(12_900_000_000)).unwrap_err();
        let said = "13.07 GB are still to come, and `/models/x` has 12.90 GB free";
        assert!(error.to_string().contains(said), "{error}");
        assert!(fits(folder, 12_000_000_000, Some(12_900_000_000)).is_ok());
        assert!(fits(folder, u64::MAX, None).is_ok(), "nobody tells");
        assert!(fits(folder, 0, Some(0)).is_ok(), "nothing is to come");
    }
}

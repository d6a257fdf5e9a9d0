//! What was exchanged under a measurement, in words.

use crate::record::EpochChange;
use crate::report::one_line;

/// A part that was exchanged, in words.
pub(in crate::report) fn exchanged(change: &EpochChange) -> String {
    let told = |value: &Option<String>| {
        // A hash is told by its first digits.
        let value = value.as_deref().map_or_else(|| "unknown".to_owned(), one_line);
        let is_hash = value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hash { value[..12].to_owned() } else { value }
    };
    format!("{} {} -> {}", one_line(&change.part), told(&change.from), told(&change.to))
}

//! Environment changes, in words.

use crate::record::EpochChange;
use crate::visible::one_line;

/// A part that changed, in words.
pub(in crate::report) fn exchanged(change: &EpochChange) -> String {
    let reported = |value: &Option<String>| {
        // Of a hash the first digits are enough.
        let value = value.as_deref().map_or_else(|| "unknown".to_owned(), one_line);
        let is_hash = value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hash { value[..12].to_owned() } else { value }
    };
    format!("{} {} -> {}", one_line(&change.part), reported(&change.from), reported(&change.to))
}

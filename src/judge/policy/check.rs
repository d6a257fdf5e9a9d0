//! What a value of the policy has to be, and the words for one that is not. Each word completes "the
//! policy has ...", with the key as it stands in the file.

use std::collections::BTreeSet;
use std::fmt::Display;

/// The word on a value that cannot stand, or nothing.
pub(super) type Checked = Result<(), String>;

/// Hexadecimal digits of a sha256.
const SHA256_DIGITS: usize = 64;

pub(super) fn positive(key: &str, value: f64) -> Checked {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(format!("`{key}` of `{value}`; it has to be a number above 0"))
}

/// Positive, and below another value, which the words name.
pub(super) fn positive_below(key: &str, value: f64, limit: &str, limit_value: f64) -> Checked {
    positive(key, value)?;
    if value < limit_value {
        return Ok(());
    }
    Err(format!("`{key}` of `{value}`; it has to be below {limit} of {limit_value}"))
}

/// Something for people to read.
pub(super) fn said(key: &str, text: &str) -> Checked {
    if text.trim().is_empty() { Err(format!("nothing in `{key}`; say it in a few words")) } else { Ok(()) }
}

/// 64 hexadecimal digits in lower case, as arcgauge writes them.
pub(super) fn sha256(key: &str, text: &str) -> Checked {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() == SHA256_DIGITS && text.bytes().all(is_digit) {
        return Ok(());
    }
    Err(format!("`{key}` of `{text}`; it has to be the {SHA256_DIGITS} lower-case digits of a sha256"))
}

/// Each name stands once.
pub(super) fn once<T: Ord + Display>(key: &str, names: impl IntoIterator<Item = T>) -> Checked {
    let mut seen = BTreeSet::new();
    for name in names {
        if seen.contains(&name) {
            return Err(format!("`{key}` of `{name}` twice; keep one"));
        }
        seen.insert(name);
    }
    Ok(())
}

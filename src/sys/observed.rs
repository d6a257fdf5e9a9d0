//! What was read, or why it could not be: zero is never a stand-in for unknown.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable {
    /// The reason, in words, with the path.
    pub reason: String,
}

impl Unavailable {
    /// For this reason.
    pub fn because(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Unavailable {}

/// A reading, or the reason why there is none.
///
/// On disk a reading is the bare value, and a missing one is `{"not_observed": "reason"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Observed<T> {
    /// There is none. It stands first, for the other variant takes whatever fits.
    NotObserved {
        /// The reason, in words.
        #[serde(rename = "not_observed")]
        reason: String,
    },
    /// It was read.
    Observed(T),
}

impl<T> Observed<T> {
    /// Nothing, for this reason.
    pub fn not(reason: impl Into<String>) -> Self {
        Self::NotObserved { reason: reason.into() }
    }

    /// The value, if there is one.
    #[must_use]
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Observed(value) => Some(value),
            Self::NotObserved { .. } => None,
        }
    }

    /// The value, or the reason why there is none.
    ///
    /// # Errors
    /// When nothing was observed.
    pub fn known(&self) -> Result<&T, Unavailable> {
        match self {
            Self::Observed(value) => Ok(value),
            Self::NotObserved { reason } => Err(Unavailable::because(reason.as_str())),
        }
    }

    /// The same reading in another form; a reason stays what it is.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Observed<U> {
        match self {
            Self::Observed(value) => Observed::Observed(change(value)),
            Self::NotObserved { reason } => Observed::NotObserved { reason },
        }
    }
}

impl<T> From<Result<T, Unavailable>> for Observed<T> {
    fn from(read: Result<T, Unavailable>) -> Self {
        match read {
            Ok(value) => Self::Observed(value),
            Err(Unavailable { reason }) => Self::NotObserved { reason },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn through_json<T: Serialize + for<'a> Deserialize<'a>>(value: &T) -> (String, T) {
        let text = serde_json::to_string(value).unwrap();
        let back = serde_json::from_str(&text).unwrap();
        (text, back)
    }

    #[test]
    fn a_reading_and_a_reason_come_back_as_they_were() {
        let known = Observed::Observed(0.1 + 0.2);
        assert_eq!(through_json(&known), ("0.30000000000000004".to_owned(), known));
        let unknown = Observed::<u64>::not("no such file");
        assert_eq!(through_json(&unknown), (r#"{"not_observed":"no such file"}"#.to_owned(), unknown));
        let words = Observed::Observed("not_observed".to_owned());
        assert_eq!(through_json(&words).1, words);
        let map = Observed::Observed(BTreeMap::from([("TCPU".to_owned(), 41.5)]));
        assert_eq!(through_json(&map).1, map);
    }
}

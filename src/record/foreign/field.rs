//! Reading a field of another tool's file: there, missing, or wrong, and where it stands.

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::visible::one_line;

/// No name, setting or label is longer.
const LONGEST_TEXT: usize = 1000;
/// A wrong value is shown in so many letters at most.
const LONGEST_TOLD: usize = 60;

/// An object of a file, and the way to it.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    map: &'a Map<String, Value>,
    path: String,
}

impl<'a> Fields<'a> {
    /// What stands at this way, which must be an object.
    pub(super) fn at(value: &'a Value, path: &str) -> Result<Self> {
        match value {
            Value::Object(map) => Ok(Self { map, path: path.to_owned() }),
            other => Err(wrong(path, other, "not an object")),
        }
    }

    /// The fields of a row that was not JSON.
    pub(super) fn of(map: &'a Map<String, Value>, path: &str) -> Self {
        Self { map, path: path.to_owned() }
    }

    /// The way to a field.
    pub(super) fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The field as it is.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !is_missing(value))
    }

    /// An object in it.
    pub(super) fn object(&self, key: &str) -> Result<Option<Fields<'a>>> {
        self.get(key).map(|value| Fields::at(value, &self.path(key))).transpose()
    }

    /// A list in it that must be there.
    pub(super) fn list(&self, key: &str) -> Result<&'a Vec<Value>> {
        match self.get(key) {
            Some(Value::Array(list)) => Ok(list),
            Some(other) => Err(wrong(&self.path(key), other, "not a list")),
            None => Err(missing(&self.path(key))),
        }
    }

    /// A number of 0 or more; None where it is missing, for which some tools write -1 or "".
    pub(super) fn number(&self, key: &str) -> Result<Option<f64>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match value.as_f64() {
            Some(number) if number.is_finite() && number >= 0.0 => Ok(Some(number)),
            Some(_) => Err(wrong(&self.path(key), value, "less than nothing, or no number at all")),
            None => Err(wrong(&self.path(key), value, "not a number")),
        }
    }

    /// An average, which is used for nothing: one that cannot be is a warning.
    pub(super) fn average(&self, key: &str, warnings: &mut Vec<String>) -> Option<f64> {
        self.number(key).unwrap_or_else(|error| {
            warnings.push(format!("an average is left out: {error}"));
            None
        })
    }

    /// A number above 0 that must be there.
    pub(super) fn positive(&self, key: &str) -> Result<f64> {
        match self.number(key)? {
            Some(number) if number > 0.0 => Ok(number),
            Some(_) => Err(refused(format!("`{}` is `0`, and nothing takes no time", self.path(key)))),
            None => Err(missing(&self.path(key))),
        }
    }

    /// A whole number; None where it is missing.
    pub(super) fn count(&self, key: &str) -> Result<Option<u64>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        // A count may come as 32.0 from a table of floats.
        let whole = value.as_f64().filter(|number| number.fract() == 0.0 && (0.0..=1e15).contains(number));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, and in range")]
        whole.map(|number| Some(number as u64)).ok_or_else(|| wrong(&self.path(key), value, "not a count"))
    }

    /// A whole number that must be there.
    pub(super) fn needed_count(&self, key: &str) -> Result<u64> {
        self.count(key)?.ok_or_else(|| missing(&self.path(key)))
    }

    /// A text, or a number or a word in its place as text; None where it is missing.
    pub(super) fn text(&self, key: &str) -> Result<Option<String>> {
        // -1 is a setting, and no missing one.
        let Some(value) = self.map.get(key) else { return Ok(None) };
        let text = match value {
            Value::Null => return Ok(None),
            Value::String(text) if text.is_empty() => return Ok(None),
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            other => return Err(wrong(&self.path(key), other, "not a text")),
        };
        if text.chars().count() > LONGEST_TEXT {
            let what = format!("`{}` is longer than {LONGEST_TEXT} letters", self.path(key));
            return Err(refused(what));
        }
        Ok(Some(text))
    }
}

/// null, "" and -1 are how tools write "none".
fn is_missing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_f64() == Some(-1.0),
        _ => false,
    }
}

/// A field that is not what it should be.
pub(super) fn wrong(path: &str, value: &Value, what: &str) -> Error {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(_) => "[...]".to_owned(),
        Value::Object(_) => "{...}".to_owned(),
        other => other.to_string(),
    };
    refused(format!("`{path}` is `{}`: {what}", short(&text)))
}

/// A field that must be there.
pub(super) fn missing(path: &str) -> Error {
    refused(format!("`{path}` is missing"))
}

/// A file that is not taken.
pub(super) fn refused(what: String) -> Error {
    Error::input(what).hint("nothing was kept; docs/import.md lists what is read and what is refused")
}

/// As much of a text as a message has room for.
pub(super) fn short(text: &str) -> String {
    let reported: String = text.chars().take(LONGEST_TOLD).collect();
    one_line(&if reported.len() < text.len() { reported + "..." } else { reported })
}

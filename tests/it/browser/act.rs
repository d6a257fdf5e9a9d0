//! What a user would do on a page, step by step, and what came of it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::look::Fault;

/// A page and the steps on it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Act {
    pub(crate) page: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) scheme: &'static str,
    pub(crate) javascript: bool,
    /// Files that the page may load beside itself.
    pub(crate) allowed: Vec<String>,
    pub(crate) steps: Vec<Value>,
}

impl Act {
    /// On this page, which may end with a hash: on a laptop, in light colours, with JavaScript.
    pub(crate) fn on(page: impl AsRef<Path>) -> Self {
        Self {
            page: page.as_ref().to_str().unwrap().to_owned(),
            width: 1440,
            height: 900,
            scheme: "light",
            javascript: true,
            allowed: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// One more step, as `tests/browser/steps.mjs` lists them: `{"do": "press", "key": "Tab"}`. What a step
    /// with `as` gives is a value of that name.
    pub(crate) fn then(mut self, step: Value) -> Self {
        self.steps.push(step);
        self
    }
}

/// What the steps gave.
#[derive(Debug, Deserialize)]
pub(crate) struct Acted {
    values: BTreeMap<String, Value>,
    /// How long each named step took, which is mostly the way to the browser.
    pub(crate) milliseconds: BTreeMap<String, f64>,
    /// As for a look, but for what is seen.
    pub(crate) faults: Vec<Fault>,
}

impl Acted {
    /// # Panics
    /// Where no step has this name.
    #[track_caller]
    pub(crate) fn value(&self, name: &str) -> &Value {
        self.values.get(name).unwrap_or_else(|| panic!("no `{name}` in {:?}", self.values))
    }

    /// # Panics
    /// Where it is no text.
    #[track_caller]
    pub(crate) fn text(&self, name: &str) -> &str {
        let value = self.value(name);
        value.as_str().unwrap_or_else(|| panic!("`{name}` is {value}"))
    }

    /// # Panics
    /// Where it is no number.
    #[track_caller]
    pub(crate) fn number(&self, name: &str) -> f64 {
        let value = self.value(name);
        value.as_f64().unwrap_or_else(|| panic!("`{name}` is {value}"))
    }

    /// The milliseconds of work that each move of a step `hover` or `sweep` cost the page.
    ///
    /// # Panics
    /// Where a move went nowhere.
    #[track_caller]
    pub(crate) fn work_ms(&self, name: &str) -> Vec<f64> {
        let value = self.value(name);
        let moves = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        let work = |one: &Value| one["work_ms"].as_f64().unwrap_or_else(|| panic!("`{name}` is {value}"));
        moves.iter().map(work).collect()
    }
}

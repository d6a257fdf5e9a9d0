//! Any words in the place of every text that a record may hold: which those are is tried, so that a field of
//! tomorrow is among them.

use std::collections::BTreeMap;

use arcgauge::record::StoredRecord;
use serde_json::Value;

/// A text in a record: a value, or the name of one in a map.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    /// Of the value, as RFC 6901 has it.
    pointer: String,
    is_name: bool,
}

/// The texts of a record that may be any words. The same text in two places is one, as the id of a prompt is.
#[derive(Debug)]
pub(crate) struct Texts {
    record: Value,
    places: BTreeMap<String, Vec<Place>>,
}

impl Texts {
    /// Tries every text of a record.
    ///
    /// # Panics
    /// Where the record cannot be stored as it is.
    pub(crate) fn of<R: StoredRecord>(record: &R) -> Self {
        record.check().unwrap();
        record.agrees().unwrap();
        let record = serde_json::to_value(record).unwrap();
        let mut found = Vec::new();
        collect(&record, "", &mut found);
        let mut places: BTreeMap<String, Vec<Place>> = BTreeMap::new();
        for (text, place) in found {
            let mut tried = record.clone();
            put(&mut tried, &place, "any words");
            // What a record does not know is gone when it is written again, and a word of a list is refused.
            let read = serde_json::from_value::<R>(tried.clone());
            if read.is_ok_and(|read| serde_json::to_value(read).unwrap() == tried) {
                places.entry(text).or_default().push(place);
            }
        }
        let mut texts = Self { record, places };
        let may_be_any = |text: &String| {
            let words = |other: &str| if other == text { "any words".to_owned() } else { other.to_owned() };
            let tried = texts.with::<R>(words);
            tried.check().is_ok() && tried.agrees().is_ok()
        };
        let stored: Vec<String> = texts.places.keys().filter(|text| may_be_any(text)).cloned().collect();
        texts.places.retain(|text, _| stored.contains(text));
        texts
    }

    /// All of them, each once.
    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    /// The record with other words in their places.
    pub(crate) fn with<R: StoredRecord>(&self, words: impl Fn(&str) -> String) -> R {
        let mut record = self.record.clone();
        // First the values: with its name the way to a value goes.
        for is_name in [false, true] {
            for (text, places) in &self.places {
                let words = words(text);
                let places = places.iter().filter(|place| place.is_name == is_name);
                places.for_each(|place| put(&mut record, place, &words));
            }
        }
        let mut record: R = serde_json::from_value(record).unwrap();
        record.identify().unwrap();
        record
    }
}

fn collect(value: &Value, pointer: &str, found: &mut Vec<(String, Place)>) {
    let place = |is_name| Place { pointer: pointer.to_owned(), is_name };
    match value {
        Value::String(text) => found.push((text.clone(), place(false))),
        Value::Array(values) => {
            for (at, value) in values.iter().enumerate() {
                collect(value, &format!("{pointer}/{at}"), found);
            }
        }
        Value::Object(fields) => {
            // A map has texts alone; where there is something else, the names are those of fields.
            let may_be_map = fields.values().all(Value::is_string);
            for (name, value) in fields {
                let below = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
                if may_be_map {
                    found.push((name.clone(), Place { pointer: below.clone(), is_name: true }));
                }
                collect(value, &below, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn put(record: &mut Value, place: &Place, words: &str) {
    let Place { pointer, is_name } = place;
    if !is_name {
        *record.pointer_mut(pointer).unwrap() = words.into();
        return;
    }
    let (above, name) = pointer.rsplit_once('/').unwrap();
    let fields = record.pointer_mut(above).unwrap().as_object_mut().unwrap();
    let value = fields.remove(&name.replace("~1", "/").replace("~0", "~")).unwrap();
    fields.insert(words.to_owned(), value);
}

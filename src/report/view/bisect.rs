//! The page of all bisects, the newest first.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::record::{Entry, Experiment};
use crate::report::document::{Line, Place};
use crate::report::render::PageKind;
use crate::report::{bisect_document, stored_ending};
use crate::visible::one_line;

/// Digits of a question in an address.
const DIGITS: usize = 12;

/// Each question with its comparisons. `read` gives the record of an entry, where it can be read.
pub(in crate::report) fn bisects_page(
    entries: &[Entry],
    read: &dyn Fn(&Entry) -> Option<Experiment>,
) -> Value {
    let mut questions: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        if let Some(bisect) = &entry.bisect {
            questions.entry(&bisect.question_sha256).or_default().push(entry);
        }
    }
    let mut questions: Vec<(&str, Vec<&Entry>)> = questions.into_iter().collect();
    for (_, entries) in &mut questions {
        entries.sort_by_key(|entry| (entry.moment(), &entry.run_id));
    }
    questions.sort_by_key(|(_, entries)| entries.last().map(|entry| std::cmp::Reverse(entry.moment())));
    let parts = questions.iter().filter_map(|(question, entries)| {
        let newest = entries.last()?;
        let records: Vec<Experiment> = entries.iter().filter_map(|entry| read(entry)).collect();
        let anchor = question.get(..DIGITS)?;
        let place = Place { root: "", level: 3, of: &format!(" of {anchor}") };
        Some(json!({
            "anchor": anchor,
            "machine": one_line(&newest.setting.series.machine),
            "when_utc": one_line(&newest.when_utc),
            "report": bisect_document(&records, stored_ending(&records)).to_html(place),
        }))
    });
    json!({ "bisects": parts.collect::<Value>() })
}

/// The place of an A/B among the sides of its bisect, with the way to all comparisons; None of any other A/B.
pub(in crate::report) fn place_in_bisect(record: &Experiment) -> Option<Line> {
    let bisect = record.bisect.as_ref()?;
    let address = format!("{}#{}", PageKind::Bisects.file(), bisect.question_sha256.get(..DIGITS)?);
    let sides = format!("side {} with side {} of 0 to {}, ", bisect.head, bisect.base, bisect.last);
    Some(Line::from(sides).and(Line::link("all comparisons", Some(&address))))
}

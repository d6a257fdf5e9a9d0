//! Experiments of several arms, on the page of their commit and on the page of the newest of each machine: engines, and
//! changes of the KV cache.

use serde_json::{Value, json};

use crate::record::{Entry, Experiment, PlanKind};
use crate::report::document::{Document, Line, Place};
use crate::report::kv::{add_agreements, add_charts, kv_document};
use crate::report::mark::Badge;
use crate::report::peers::peers_document;
use crate::report::reproduce::{kv_command, peers_command};
use crate::report::view::{CommitLink, place_in};
use crate::visible::one_line;

/// The report on a record whose raw file is there.
pub(in crate::report) fn arms_document(record: &Experiment, file: &str) -> Document {
    let (mut document, command) = if record.plan == PlanKind::Kv {
        let (mut document, warnings) = kv_document(record).split_warnings(&[]);
        add_charts(&mut document, record);
        add_agreements(&mut document, record);
        document.extend(warnings);
        (document, kv_command(record))
    } else {
        (peers_document(record), peers_command(record))
    };
    add_command_and_file(&mut document, command, file);
    document
}

/// The end of a report on a page: how to measure it again, and the record itself.
pub(in crate::report) fn add_command_and_file(document: &mut Document, command: String, file: &str) {
    document.command("Measure it again", command);
    document.text(Line::link("The raw record", Some(file)).and(": every token and its time."));
}

/// The report and what stands above it on the page of all arms.
pub(in crate::report) fn arms_part(record: &Experiment, entry: &Entry, file: &str) -> Value {
    let mut part = summary(entry);
    part["anchor"] = one_line(&record.run_id).into();
    let place = Place { root: "", level: 3, of: &format!(" of {}", record.run_id) };
    part["report"] = arms_document(record, file).to_html(place).into();
    part
}

/// The newest record of each machine, model and device by `part_of`, which reads it, and the way to the others.
pub(in crate::report) fn arms_page(
    entries: &[Entry],
    plan: PlanKind,
    part_of: &dyn Fn(&Entry) -> Option<Value>,
) -> Value {
    let mut of_plan: Vec<&Entry> = entries.iter().filter(|entry| entry.plan == plan).collect();
    of_plan.sort_by(|one, other| (&other.when_utc, &other.run_id).cmp(&(&one.when_utc, &one.run_id)));
    let (mut lines, mut newest, mut earlier) = (Vec::new(), Vec::new(), Vec::new());
    for entry in of_plan {
        let known = lines.len();
        if place_in(&mut lines, entry.setting.line()) < known {
            earlier.push(summary(entry));
        } else {
            newest.extend(part_of(entry));
        }
    }
    json!({ "is_kv": plan == PlanKind::Kv, "newest": newest, "earlier": earlier })
}

fn summary(entry: &Entry) -> Value {
    json!({
        "when_utc": one_line(&entry.when_utc),
        "machine": one_line(&entry.setting.series.machine),
        "commit": CommitLink::of_entry(entry),
        "badge": Badge::of_entry(entry),
    })
}

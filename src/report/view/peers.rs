//! Engines side by side, on the page of their commit and on the page of the newest of each machine.

use serde_json::{Value, json};

use crate::record::{Entry, Experiment, PlanKind};
use crate::report::document::{Line, Place};
use crate::report::mark::Badge;
use crate::report::peers::peers_document;
use crate::report::reproduce::peers_command;
use crate::report::view::CommitLink;
use crate::visible::one_line;

/// A record whose raw file is there, for a page that this root leads to the site's folder.
pub(in crate::report) fn peers_part(record: &Experiment, entry: &Entry, file: &str, root: &str) -> Value {
    let mut document = peers_document(record);
    document.command("Measure it again", peers_command(record));
    document.text(Line::link("The raw record", Some(file)).and(": every token and its time."));
    let mut part = summary(entry);
    part["anchor"] = one_line(&record.run_id).into();
    part["report"] = document.to_html(Place { root, level: 3, of: &format!(" of {}", record.run_id) }).into();
    part
}

/// The newest record of each machine, model and device by `part_of`, which reads it, and the way to the others.
pub(in crate::report) fn peers_page(entries: &[Entry], part_of: &dyn Fn(&Entry) -> Option<Value>) -> Value {
    let mut peers: Vec<&Entry> = entries.iter().filter(|entry| entry.plan == PlanKind::Peers).collect();
    peers.sort_by(|one, other| (&other.when_utc, &other.run_id).cmp(&(&one.when_utc, &one.run_id)));
    let (mut lines, mut newest, mut earlier) = (Vec::new(), Vec::new(), Vec::new());
    for entry in peers {
        let line = entry.setting.line();
        if lines.contains(&line) {
            earlier.push(summary(entry));
        } else {
            lines.push(line);
            newest.extend(part_of(entry));
        }
    }
    json!({ "newest": newest, "earlier": earlier })
}

fn summary(entry: &Entry) -> Value {
    json!({
        "when_utc": one_line(&entry.when_utc),
        "machine": one_line(&entry.setting.series.machine),
        "commit": CommitLink::of_entry(entry),
        "badge": Badge::of_entry(entry),
    })
}

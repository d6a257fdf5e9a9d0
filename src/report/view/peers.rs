//! Engines side by side, on the page of their commit and on the page of the newest of each machine.

use serde::Serialize;

use crate::record::{Entry, Experiment, PlanKind};
use crate::report::badge::Badge;
use crate::report::document::{Line, Place};
use crate::report::peers::peers_document;
use crate::report::reproduce::{device_flag, requested_flags, word};
use crate::report::view::CommitLink;
use crate::visible::one_line;

/// One record of engines side by side.
#[derive(Debug, Clone, Serialize)]
pub struct PeersPart {
    anchor: String,
    when_utc: String,
    machine: String,
    badge: Badge,
    /// The commit's page; None on that page itself, and where there is no commit.
    commit: Option<CommitLink>,
    /// All of its report, as HTML.
    report: String,
}

impl PeersPart {
    /// Of a record whose raw file is there, for a page that this root leads to the site's folder.
    #[must_use]
    pub fn of(record: &Experiment, entry: &Entry, file: &str, root: &str) -> Self {
        let mut document = peers_document(record);
        document.command("Measure it again", peers_command(record));
        document.text(Line::link("The raw record", Some(file)).and(": every token and its time."));
        let place = Place { root, level: 3, of: &format!(" of {}", record.run_id) };
        Self {
            anchor: one_line(&record.run_id),
            when_utc: one_line(&record.when_utc),
            machine: one_line(&entry.setting.series.machine),
            badge: Badge::of_entry(entry),
            commit: entry.commit.as_ref().and_then(|commit| CommitLink::of(&commit.sha)),
            report: document.to_html(place),
        }
    }

    /// The same on the page of its own commit.
    #[must_use]
    pub fn on_its_page(self) -> Self {
        Self { commit: None, ..self }
    }
}

/// The command that measures the same again.
fn peers_command(record: &Experiment) -> String {
    let run = record.subject();
    let engines: Vec<&str> = record.arms.iter().map(|engine| word(&engine.label, "ENGINE")).collect();
    let checkout = run.commit.as_ref().map(|it| format!("git checkout {} && ", word(it.short(), "COMMIT")));
    let mut words = vec![
        format!("{}cargo xtask peers --engines {}", checkout.unwrap_or_default(), engines.join(",")),
        format!("--rounds {}", record.sampling.rounds_requested.unwrap_or_default()),
        device_flag(run),
    ];
    // What the reference has for itself stands with its name.
    let own = |flag: &String| record.arms[0].differences.iter().any(|own| flag.ends_with(own.as_str()));
    words.extend(requested_flags(run).into_iter().filter(|flag| !own(flag)));
    let foreign = record.arms.iter().filter(|engine| engine.is_foreign());
    words.extend(foreign.map(|engine| format!("--program {}=FILE", word(&engine.host_loop, "NAME"))));
    words.extend(record.sampling.ignore_guards.then(|| "--ignore-guards".to_owned()));
    words.join(" ")
}

/// The page: the newest record of each machine, model and device, and the way to the others.
#[derive(Debug, Clone, Serialize)]
pub struct PeersPage {
    newest: Vec<PeersPart>,
    earlier: Vec<EarlierPeers>,
}

/// A record that a newer one of the same stands above.
#[derive(Debug, Clone, Serialize)]
struct EarlierPeers {
    when_utc: String,
    machine: String,
    commit: Option<CommitLink>,
    badge: Badge,
}

impl PeersPage {
    /// The page of these entries; `part_of` reads a record.
    #[must_use]
    pub fn of(entries: &[Entry], part_of: &dyn Fn(&Entry) -> Option<PeersPart>) -> Self {
        let mut peers: Vec<&Entry> = entries.iter().filter(|entry| entry.plan == PlanKind::Peers).collect();
        peers.sort_by(|one, other| (&other.when_utc, &other.run_id).cmp(&(&one.when_utc, &one.run_id)));
        let mut lines = Vec::new();
        let mut page = Self { newest: Vec::new(), earlier: Vec::new() };
        for entry in peers {
            let line = entry.setting.line();
            if !lines.contains(&line) {
                lines.push(line);
                page.newest.extend(part_of(entry));
                continue;
            }
            page.earlier.push(EarlierPeers {
                when_utc: entry.when_utc.clone(),
                machine: one_line(&entry.setting.series.machine),
                commit: entry.commit.as_ref().and_then(|commit| CommitLink::of(&commit.sha)),
                badge: Badge::of_entry(entry),
            });
        }
        page
    }
}

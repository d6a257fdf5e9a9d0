//! Engines side by side, on the page of their commit and on the page of the newest of each machine.

use serde::Serialize;

use crate::record::{Entry, PeersRecord, RecordKind};
use crate::report::badge::Badge;
use crate::report::one_line;
use crate::report::peers::PeersView;
use crate::report::reproduce::{asked_flags, device_flag, word};
use crate::report::view::CommitLink;

/// One record of engines side by side.
#[derive(Debug, Clone, Serialize)]
pub struct PeersPart {
    anchor: String,
    when_utc: String,
    machine: String,
    badge: Badge,
    /// The commit's page; None on that page itself, and where there is no commit.
    commit: Option<CommitLink>,
    told: PeersView,
    command: String,
    /// The raw record, from the site's folder.
    file: String,
}

impl PeersPart {
    /// Of a record whose raw file is there.
    #[must_use]
    pub fn of(record: &PeersRecord, entry: &Entry, file: String) -> Self {
        Self {
            anchor: one_line(&record.run_id),
            when_utc: one_line(&record.when_utc),
            machine: one_line(&entry.setting.series.machine),
            badge: Badge::of_entry(entry),
            commit: entry.commit.as_ref().and_then(|commit| CommitLink::of(&commit.sha)),
            told: PeersView::of(record),
            command: peers_command(record),
            file,
        }
    }

    /// The same on the page of its own commit.
    #[must_use]
    pub fn on_its_page(self) -> Self {
        Self { commit: None, ..self }
    }
}

/// The command that measures the same again.
fn peers_command(record: &PeersRecord) -> String {
    let run = &record.reference.run;
    let engines: Vec<&str> = record.engines().map(|engine| word(&engine.asked, "ENGINE")).collect();
    let checkout = run.commit.as_ref().map(|it| format!("git checkout {} && ", word(it.short(), "COMMIT")));
    let mut words = vec![
        format!("{}cargo xtask peers --engines {}", checkout.unwrap_or_default(), engines.join(",")),
        format!("--rounds {}", record.rounds_asked),
        device_flag(run),
    ];
    // What the reference has for itself stands with its name.
    let own = |flag: &String| record.reference.differences.iter().any(|own| flag.ends_with(own.as_str()));
    words.extend(asked_flags(run).into_iter().filter(|flag| !own(flag)));
    let foreign = record.engines().filter(|engine| engine.is_foreign());
    words.extend(foreign.map(|engine| format!("--program {}=FILE", word(&engine.host_loop, "NAME"))));
    words.extend(record.despite_guards.then(|| "--despite-guards".to_owned()));
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
        let mut peers: Vec<&Entry> =
            entries.iter().filter(|entry| entry.kind == RecordKind::PeersRecord).collect();
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

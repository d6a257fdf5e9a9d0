//! What differs, in a few words.

use std::collections::BTreeSet;

use crate::judge::environment::{GuardFinding, of_record};
use crate::record::{ArmView, Commit, ProofGrade, RequestedPrompt, sha256_of_bytes};

/// The first digits of a hash.
pub(super) fn short(sha256: &str) -> String {
    sha256.chars().take(12).collect()
}

/// Values in a row; None where there are none.
pub(super) fn listed(values: &[String]) -> Option<String> {
    (!values.is_empty()).then(|| values.join(", "))
}

/// By its tokens, which decide: two texts may have as many.
pub(super) fn reported_prompt(prompt: &RequestedPrompt) -> String {
    let bytes: Vec<u8> = prompt.token_ids.iter().flat_map(|id| id.to_le_bytes()).collect();
    format!("{} tokens {}", prompt.token_ids.len(), short(&sha256_of_bytes(&bytes)))
}

/// What it means that one run has none of this.
pub(super) fn absent(what: &str) -> &'static str {
    match what.split(' ').next() {
        Some("prompt") => "not asked",
        Some("variable" | "property") => "not set",
        Some("guards" | "commit" | "Intel" | "emulation") => "none",
        _ => "not known",
    }
}

/// How well a device is proven.
pub(super) fn grade(grade: ProofGrade) -> String {
    match grade {
        ProofGrade::Property => "reported by OpenVINO alone",
        ProofGrade::PropertyAndCounters => "reported by OpenVINO, confirmed by the kernel's counters",
    }
    .to_owned()
}

/// The guards that tripped in any process.
pub(super) fn guards(run: ArmView<'_>) -> Option<String> {
    let findings = of_record(&run).into_iter().flat_map(|process| process.findings);
    let tripped: BTreeSet<&str> =
        findings.filter(GuardFinding::is_trouble).map(|finding| finding.guard.id()).collect();
    let tripped: Vec<String> = tripped.into_iter().map(str::to_owned).collect();
    listed(&tripped)
}

/// A commit with what was changed over it.
pub(super) fn reported_commit(commit: &Commit) -> String {
    let changed = commit.difference_sha256.as_deref().map(short).unwrap_or_default();
    format!(
        "{}{}",
        commit.short(),
        if commit.dirty { format!(" with changes {changed}") } else { String::new() }
    )
}

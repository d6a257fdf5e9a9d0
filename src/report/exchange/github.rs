//! For a step of GitHub's Actions: decisions as Markdown for its summary, and as annotations for its log.

use crate::error::{Error, Result};
use crate::record::{Experiment, PlanKind};
use crate::report::decision::{Subject, decision_markdown, github_annotations, pair_lines};
use crate::report::exchange::{Exchanged, invalidated};
use crate::report::number::counted;
use crate::visible::one_line;

pub(super) fn exchanged(records: &[Experiment]) -> Result<Exchanged> {
    let mut exchanged = Exchanged { text: String::new(), annotations: String::new(), warnings: Vec::new() };
    let mut runs = 0;
    for record in records {
        let id = one_line(&record.run_id);
        if record.plan != PlanKind::Ab {
            runs += 1;
            continue;
        }
        let Some(decision) = record.decision.as_ref().or(record.gate_decision.as_ref()) else {
            exchanged.warnings.push(format!("record `{id}` is left out: it came to no decision"));
            continue;
        };
        let pairs = pair_lines(record);
        let subject = Subject { record, pairs: &pairs };
        exchanged.text.push_str(&decision_markdown(subject, decision));
        exchanged.text.push('\n');
        exchanged.annotations.push_str(&github_annotations(subject, decision));
    }
    exchanged.warnings.extend(invalidated(records));
    if runs > 0 {
        let reported = counted(runs, "run");
        exchanged.warnings.push(format!("{reported} left out: only an A/B decides something"));
    }
    if exchanged.text.is_empty() {
        return Err(Error::input(format!("no decision in these records: {}", exchanged.warnings.join("; ")))
            .hint("`cargo xtask ab` makes one; `--format junit` tells runs, too"));
    }
    Ok(exchanged)
}

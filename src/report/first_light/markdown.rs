//! The report for an issue.

use std::fmt::Write;

use crate::report::decision::markdown::escape;
use crate::report::first_light::{FirstLight, first_light_tally};

/// The answers and the steps, as tables.
#[must_use]
pub fn first_light_markdown(told: &FirstLight<'_>) -> String {
    let mut text = format!("## First light: {}\n\n", escape(&told.subject()));
    let _ = writeln!(
        text,
        "arcgauge {}, {}, `--device {}`. {}.\n",
        escape(told.arcgauge_version),
        escape(told.when_utc),
        escape(told.requested),
        first_light_tally(told)
    );
    if let Some(folder) = told.kernel_files_below {
        let _ = writeln!(text, "The kernel's files are those below {}, not a machine's.\n", escape(folder));
    }
    text.push_str("| claim | | answer | what was seen |\n|---|---|---|---|\n");
    for answered in told.answers {
        let _ = writeln!(
            text,
            "| `{}` | {} | **{}** | {} |",
            answered.claim.id,
            escape(answered.claim.words),
            answered.word.answer.word(),
            escape(&answered.word.because)
        );
    }
    text.push_str("\n| step | ended | took s |\n|---|---|---|\n");
    for step in told.steps {
        let because = step.because.as_ref().map(|because| format!(": {}", escape(because)));
        let because = because.unwrap_or_default();
        let _ = writeln!(text, "| {} | {}{because} | {:.1} |", step.name, step.ended, step.took_s);
    }
    text
}

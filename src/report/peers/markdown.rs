//! For a page or an issue: the same as Markdown, every text of others escaped.

use std::fmt::Write;

use crate::record::PeersRecord;
use crate::report::decision::markdown::escape;
use crate::report::peers::view::PeersView;

/// A record of `peers` as Markdown.
#[must_use]
pub fn peers_markdown(record: &PeersRecord) -> String {
    let view = PeersView::of(record);
    let mut text = format!("### {}\n\n{}\n", escape(&view.title), escape(&view.asked));
    if let Some(failure) = &view.failure {
        let failed = if view.is_interrupted { "" } else { "**Failed:** " };
        let _ = writeln!(text, "\n{failed}{}", escape(failure));
    }
    text.push_str(
        "\n| engine | tokens | TTFT ms | TPOT ms | tok/s | host us/token | load s | peak RSS |\n\
         |---|---|--:|--:|--:|--:|--:|--:|\n",
    );
    for (row, tokens) in view.engines.iter().zip(&view.tokens) {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            escape(&row.engine),
            escape(&tokens.badge.word),
            row.ttft_ms,
            row.tpot_ms,
            row.throughput_tok_s,
            row.host_overhead_us,
            row.load_s,
            row.peak_rss
        );
    }
    if !view.multiples.is_empty() {
        let _ = write!(
            text,
            "\nAgainst {}:\n\n| engine | metric | multiple | 95 % interval | better | word |\n|---|---|--:|--:|---|---|\n",
            escape(&view.reference)
        );
        for row in &view.multiples {
            let _ = writeln!(
                text,
                "| {} | `{}` | {} | {} | {} | {} |",
                escape(&row.engine),
                row.metric,
                row.multiple,
                row.interval,
                row.better,
                row.badge.word
            );
        }
    }
    let _ = writeln!(text, "\n{}", escape(&view.finding.published));
    if !view.finding.steps.is_empty() {
        text.push_str("\n| what | from | to | tok/s x | 95 % interval |\n|---|---|---|--:|--:|\n");
        for row in &view.finding.steps {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} |",
                escape(&row.what),
                escape(&row.from),
                escape(&row.to),
                row.throughput,
                row.throughput_interval
            );
        }
    }
    for line in view.finding.whole.iter().chain(&view.finding.missing) {
        let _ = writeln!(text, "\n{}", escape(line));
    }
    for row in &view.warnings {
        let of = if row.engine.is_empty() { String::new() } else { format!(" ({})", escape(&row.engine)) };
        let _ = writeln!(text, "\n- warning{of}: {} {}", escape(&row.message), escape(&row.advice));
    }
    text
}

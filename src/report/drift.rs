//! The report on how far next-token distributions have moved.

use crate::golden::{DistributionDrift, DistributionLimit, TextDrift};
use crate::report::document::{Cell, Document, Table, number};

/// What `golden drift` prints: the texts, and the whole beside its limit.
pub fn drift_document(
    texts: &[TextDrift],
    whole: &DistributionDrift,
    limit: Option<&DistributionLimit>,
) -> Document {
    let mut document = Document::default();
    let row = |text: &TextDrift| -> [Cell; 6] {
        [
            text.text.as_str().into(),
            number(Some(format!("{} of {}", text.agreed_steps, text.steps))),
            number(Some(format!("{:.1e}", text.mean_kl_nats))),
            number(Some(format!("{:.1e}", text.largest_kl_nats))),
            number(Some(format!("{:.1e}", text.largest_logit_difference))),
            number(Some(format!("{:+.1e}", text.mean_entropy_change_nats))),
        ]
    };
    let headings = ["text", "same token", "mean KL nats", "max KL nats", "max logit diff", "entropy nats"];
    document.table(Table::new(headings).with_rows(texts.iter().map(row)));
    let (kl, logit) = (whole.mean_kl_nats, whole.largest_logit_difference);
    document.text(match limit {
        None => format!("mean KL {kl:.1e} nats, largest logit difference {logit:.1e}"),
        Some(limit) => format!(
            "{}: mean KL {kl:.1e} of {:.1e} nats, largest logit difference {logit:.1e} of {:.1e}",
            if limit.is_exceeded_by(whole) { "ABOVE LIMIT" } else { "within limit" },
            limit.mean_kl_nats,
            limit.largest_logit_difference
        ),
    });
    document
}

//! Flags of `ab`.

use std::time::Duration;

use clap::Args;

use crate::cli::flags::EngineFlags;
use crate::cli::measuring::SupervisionArgs;
use crate::cli::store::StoreFlag;
use crate::cli::verdict_format::VerdictFormat;

/// Tokens of each answer of the reference workload.
const NEW_TOKENS: usize = 200;

/// Flags of `ab`.
#[derive(Debug, Args)]
pub(in crate::cli) struct AbArgs {
    /// What the head is compared with: a revision, `.` for the working tree, or a difference
    /// (openvino=VERSION|DIR, model=DIR, device=DEVICE, PROPERTY=VALUE); may be repeated
    #[arg(long = "base", value_name = "REVISION|KEY=VALUE", required = true)]
    pub(super) base: Vec<String>,

    /// What is judged, likewise [default: HEAD where the base names a revision, else this program]
    #[arg(long = "head", value_name = "REVISION|KEY=VALUE")]
    pub(super) head: Vec<String>,

    /// The forge's merge of both sides, where a gate knows of one
    #[arg(skip)]
    pub(super) merge: Option<String>,

    /// Longest time for all pairs, as in 90s, 30m or 2h; what is undecided then is inconclusive
    #[arg(long, value_name = "TIME", value_parser = budget)]
    pub(super) budget: Option<Duration>,

    /// Measure although both sides are the same: from such runs `gate calibrate` learns the noise
    #[arg(long)]
    pub(super) measure_identical: bool,

    /// Let pairs count in which a guard tripped; a gate accepts no such record
    #[arg(long, alias = "despite-guards")]
    pub(super) ignore_guards: bool,

    /// What the random order of the sides is drawn from [default: another one each time]
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,

    /// Tokens of each answer, exactly
    #[arg(long, value_name = "N", default_value_t = NEW_TOKENS)]
    pub(super) max_new_tokens: usize,

    /// A reference prompt's id; may be repeated [default: all reference prompts]
    #[arg(long = "prompt", value_name = "ID|TEXT", allow_hyphen_values = true)]
    pub(super) prompts: Vec<String>,

    /// Measure without goldens; the head's answers are then compared with nothing
    #[arg(long)]
    pub(super) unverified: bool,

    /// How the result is reported
    #[arg(long, value_enum, default_value_t = VerdictFormat::Text)]
    pub(super) format: VerdictFormat,

    #[command(flatten)]
    pub(super) store: StoreFlag,

    #[command(flatten)]
    pub(super) engine: EngineFlags,

    #[command(flatten)]
    pub(super) supervision: SupervisionArgs,
}

/// Two commits that a gate compares, and how.
#[derive(Debug)]
pub(in crate::cli) struct Commits {
    pub(in crate::cli) base: String,
    pub(in crate::cli) head: String,
    /// The forge's merge of both, where there is one.
    pub(in crate::cli) merge: Option<String>,
    pub(in crate::cli) budget: Option<Duration>,
    /// Whether sides whose programs are the same are measured.
    pub(in crate::cli) measure_identical: bool,
    pub(in crate::cli) store: StoreFlag,
    pub(in crate::cli) engine: EngineFlags,
    pub(in crate::cli) supervision: SupervisionArgs,
}

impl AbArgs {
    /// The whole reference workload on two commits.
    pub(in crate::cli) fn of_commits(commits: Commits) -> Self {
        Self {
            base: vec![commits.base],
            head: vec![commits.head],
            merge: commits.merge,
            budget: commits.budget,
            measure_identical: commits.measure_identical,
            ignore_guards: false,
            seed: None,
            max_new_tokens: NEW_TOKENS,
            prompts: Vec::new(),
            unverified: false,
            format: VerdictFormat::Text,
            store: commits.store,
            engine: commits.engine,
            supervision: commits.supervision,
        }
    }
}

/// A number with `s`, `m` or `h`.
pub(in crate::cli) fn budget(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time; say it as in 90s, 30m or 2h");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        _ => return Err(wrong()),
    };
    let number: u64 = text.strip_suffix(unit).unwrap_or_default().parse().map_err(|_| wrong())?;
    let all = number.checked_mul(seconds).filter(|all| *all > 0 && *all <= 7 * 86_400);
    all.map(Duration::from_secs).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_a_number_with_a_unit() {
        assert_eq!(budget("30m"), Ok(Duration::from_mins(30)));
        assert_eq!(budget("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(budget("2h"), Ok(Duration::from_hours(2)));
        for wrong in ["", "30", "m", "-1m", "0s", "1.5h", "30mm", "99999999999999999999h", "30d", "ü"] {
            assert!(budget(wrong).unwrap_err().contains("say it as in"), "{wrong}");
        }
    }
}

//! The colours of the charts, each by the part it plays, in light and in dark.
//!
//! A chart is drawn in the light colours, which no two parts share. The page's stylesheet takes them for
//! names and puts its own colours in their place, so that one drawing serves both.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

/// What something on a chart is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Text to be read first.
    Ink,
    /// Text and lines beside it.
    Muted,
    /// Lines behind the data.
    Grid,
    /// What the chart lies on.
    Paper,
    /// Stretches of time or of values behind the data.
    Shade,
    /// The line that counts.
    Mean,
    /// What surrounds that line.
    Band,
    /// The first prompt of a workload.
    Prompt1,
    /// The second.
    Prompt2,
    /// The third.
    Prompt3,
    /// The fourth.
    Prompt4,
    /// The fifth.
    Prompt5,
    /// The sixth.
    Prompt6,
    /// A figure of elsewhere, to compare ours with.
    Reference,
    /// As it should be.
    Good,
    /// To be read.
    Warn,
    /// Not as it should be.
    Bad,
    /// What cannot be reported.
    Unknown,
    /// Where the history is cut into epochs.
    Epoch,
    /// What a reader has chosen.
    Accent,
    /// The side without the change.
    Base,
    /// The side with the change.
    Head,
    /// Times of tokens.
    Tokens,
}

/// A role's colours and its pattern.
#[derive(Clone, Copy)]
struct Look {
    role: Role,
    name: &'static str,
    light: &'static str,
    dark: &'static str,
    /// Lengths of drawn and of empty stretches of a line, px; none is a whole line.
    dashes: &'static [u32],
}

const fn look(role: Role, name: &'static str, light: &'static str, dark: &'static str) -> Look {
    Look { role, name, light, dark, dashes: &[] }
}

const fn dashed(look: Look, dashes: &'static [u32]) -> Look {
    Look { dashes, ..look }
}

/// In the order of the roles.
const LOOKS: [Look; 23] = [
    look(Role::Ink, "ink", "#1B1F24", "#E6EDF3"),
    look(Role::Muted, "muted", "#57606A", "#9BA5B0"),
    look(Role::Grid, "grid", "#D8DEE4", "#30363D"),
    look(Role::Paper, "paper", "#FFFFFF", "#0D1117"),
    look(Role::Shade, "shade", "#EDF0F3", "#1B222B"),
    look(Role::Mean, "mean", "#0B4FA8", "#79B8FF"),
    look(Role::Band, "band", "#C9DDF5", "#1E3A5C"),
    look(Role::Prompt1, "prompt-1", "#B35900", "#F0A35E"),
    dashed(look(Role::Prompt2, "prompt-2", "#00795C", "#4CC9A0"), &[7, 3]),
    dashed(look(Role::Prompt3, "prompt-3", "#A8407F", "#E58CC4"), &[3, 2]),
    dashed(look(Role::Prompt4, "prompt-4", "#5F6B00", "#C5D05A"), &[9, 2, 2, 2]),
    dashed(look(Role::Prompt5, "prompt-5", "#2C7DA0", "#8FD3F4"), &[12, 4]),
    dashed(look(Role::Prompt6, "prompt-6", "#7A5BD0", "#B9A2F8"), &[2, 3]),
    dashed(look(Role::Reference, "reference", "#6B4E16", "#D9BF8C"), &[10, 5]),
    look(Role::Good, "good", "#1A7F37", "#4AC26B"),
    look(Role::Warn, "warn", "#9A6700", "#E3B341"),
    look(Role::Bad, "bad", "#C9252D", "#FF7B72"),
    look(Role::Unknown, "unknown", "#6639BA", "#BC9CFF"),
    dashed(look(Role::Epoch, "epoch", "#4A535D", "#AEB8C3"), &[4, 4]),
    look(Role::Accent, "accent", "#0969DA", "#58A6FF"),
    look(Role::Base, "base", "#5C6773", "#A8B3BF"),
    look(Role::Head, "head", "#A8430B", "#FFA657"),
    look(Role::Tokens, "tokens", "#1F6F8B", "#5CC8E0"),
];
/// The prompts that have a line of their own.
const PROMPTS: [Role; 6] =
    [Role::Prompt1, Role::Prompt2, Role::Prompt3, Role::Prompt4, Role::Prompt5, Role::Prompt6];

impl Role {
    /// The prompt at this place of a workload; none behind the last that can be distinguished.
    pub(super) fn prompt(at: usize) -> Option<Self> {
        PROMPTS.get(at).copied()
    }

    /// The colour a chart is drawn in, as in `#0B4FA8`.
    pub(super) fn drawn(self) -> &'static str {
        LOOKS[self as usize].light
    }

    /// Lengths of drawn and of empty stretches of a line, px.
    pub(super) fn dashes(self) -> &'static [u32] {
        LOOKS[self as usize].dashes
    }
}

/// The roles whose lines are not whole.
pub(super) fn dashed_roles() -> impl Iterator<Item = Role> {
    LOOKS.iter().filter(|look| !look.dashes.is_empty()).map(|look| look.role)
}

/// The colours on light paper, as declarations for a `:root`.
#[must_use]
pub fn light_colours() -> String {
    declarations(|look| look.light)
}

/// The colours on dark paper, as declarations for a `:root`.
#[must_use]
pub fn dark_colours() -> String {
    declarations(|look| look.dark)
}

fn declarations(colour: impl Fn(&Look) -> &'static str) -> String {
    let mut css = String::new();
    for look in &LOOKS {
        // Text in memory takes whatever is written.
        let _ = write!(css, "--{}:{};", look.name, colour(look));
    }
    css
}

/// The rules that give every part of a chart the page's colour for it, and the chart its size.
#[must_use]
pub fn chart_rules() -> String {
    let mut css = ".chart{display:block;width:100%;height:auto;font-family:inherit}\
                   .chart text{font-variant-numeric:tabular-nums}\n"
        .to_owned();
    for Look { name, light, .. } in &LOOKS {
        let _ = writeln!(
            css,
            ".chart [stroke=\"{light}\"]{{stroke:var(--{name})}}.chart [fill=\"{light}\"]{{fill:var(--{name})}}"
        );
    }
    css
}

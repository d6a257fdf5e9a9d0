//! The colours of the charts, each by the part it plays, in light and in dark.
//!
//! A chart is drawn in the light colours, which no two parts share. The page's stylesheet takes them for
//! names and puts its own colours in their place, so that one drawing serves both.

use std::fmt::Write as _;

/// What something on a chart is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Text to be read first.
    Ink,
    /// Text and lines beside it.
    Muted,
    Grid,
    /// What the chart lies on.
    Paper,
    /// Stretches of time or of values behind the data.
    Shade,
    Mean,
    /// What surrounds the mean.
    Band,
    Prompt1,
    Prompt2,
    Prompt3,
    Prompt4,
    Prompt5,
    Prompt6,
    /// A value from elsewhere, to compare ours with.
    Reference,
    Good,
    Warn,
    Bad,
    Unknown,
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
        self.look().light
    }

    /// Lengths of drawn and of empty stretches of a line, px.
    pub(super) fn dashes(self) -> &'static [u32] {
        self.look().dashes
    }

    fn look(self) -> &'static Look {
        LOOKS.iter().find(|look| look.role == self).unwrap_or(&LOOKS[0])
    }
}

/// The colours on light paper, as declarations for a `:root`.
pub(in crate::report) fn light_colours() -> String {
    declarations(|look| look.light)
}

/// The colours on dark paper, as declarations for a `:root`.
pub(in crate::report) fn dark_colours() -> String {
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
pub(in crate::report) fn chart_rules() -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The ratio of contrast of two colours, as the accessibility guidelines for the web define it.
    fn contrast(one: &str, other: &str) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    fn luminance(colour: &str) -> f64 {
        let part = |at: usize| {
            let part = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    #[test]
    fn every_role_has_its_own_place_and_its_own_colour() {
        for (at, look) in LOOKS.iter().enumerate() {
            assert_eq!(look.role as usize, at, "{}", look.name);
            let same = LOOKS.iter().filter(|other| other.light == look.light || other.name == look.name);
            assert_eq!(same.count(), 1, "{} shares its colour or its name", look.name);
            assert_eq!(look.light, look.light.to_uppercase(), "the drawing writes capitals");
        }
    }

    #[test]
    fn text_and_lines_stand_out_on_both_papers_and_on_what_is_shaded() {
        let behind = [Role::Paper, Role::Grid, Role::Shade, Role::Band];
        let text =
            [Role::Ink, Role::Muted, Role::Good, Role::Warn, Role::Bad, Role::Unknown, Role::Reference];
        let on_paper = LOOKS
            .iter()
            .filter(|look| !behind.contains(&look.role))
            .map(|look| (look.role, Role::Paper, if text.contains(&look.role) { 4.5 } else { 3.0 }));
        let on_shades = [
            (Role::Mean, Role::Band, 3.0),
            (Role::Prompt1, Role::Band, 3.0),
            (Role::Prompt2, Role::Band, 3.0),
            (Role::Prompt3, Role::Band, 3.0),
            (Role::Tokens, Role::Shade, 3.0),
            (Role::Ink, Role::Shade, 4.5),
            (Role::Muted, Role::Shade, 4.5),
        ];
        for (role, behind, least) in on_paper.chain(on_shades) {
            for colour in [|look: &Look| look.light, |look: &Look| look.dark] {
                let ratio = contrast(colour(role.look()), colour(behind.look()));
                assert!(ratio >= least, "{role:?} on {behind:?}: {ratio:.2} to 1, at least {least}");
            }
        }
    }

    #[test]
    fn the_rules_give_every_colour_its_name_and_both_papers_know_the_names() {
        let (rules, light, dark) = (chart_rules(), light_colours(), dark_colours());
        for look in &LOOKS {
            assert!(rules.contains(&format!("[stroke=\"{}\"]{{stroke:var(--{})}}", look.light, look.name)));
            assert!(rules.contains(&format!("[fill=\"{}\"]{{fill:var(--{})}}", look.light, look.name)));
            assert!(light.contains(&format!("--{}:{};", look.name, look.light)));
            assert!(dark.contains(&format!("--{}:{};", look.name, look.dark)));
        }
    }

    #[test]
    fn prompts_differ_in_pattern_too() {
        for (at, prompt) in PROMPTS.iter().enumerate() {
            assert!(PROMPTS[at + 1..].iter().all(|other| other.dashes() != prompt.dashes()), "{prompt:?}");
        }
    }
}

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
fn black_on_white_has_the_highest_contrast() {
    assert!((contrast("#000000", "#FFFFFF") - 21.0).abs() < 1e-9);
    assert!((contrast("#777777", "#FFFFFF") - 4.48).abs() < 0.01);
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
fn text_and_lines_stand_out_on_both_papers() {
    let [light_paper, dark_paper] = ["#FFFFFF", "#0D1117"];
    let behind = [Role::Paper, Role::Grid, Role::Shade, Role::Band];
    let text = [Role::Ink, Role::Muted, Role::Good, Role::Warn, Role::Bad, Role::Unknown, Role::Reference];
    for look in LOOKS.iter().filter(|look| !behind.contains(&look.role)) {
        let least = if text.contains(&look.role) { 4.5 } else { 3.0 };
        for (colour, paper) in [(look.light, light_paper), (look.dark, dark_paper)] {
            let ratio = contrast(colour, paper);
            assert!(ratio >= least, "{} on {paper}: {ratio:.2} to 1, at least {least}", look.name);
        }
    }
}

#[test]
fn text_and_lines_stand_out_on_what_is_shaded() {
    let colour = |role: Role, is_dark: bool| {
        let look = &LOOKS[role as usize];
        if is_dark { look.dark } else { look.light }
    };
    for is_dark in [false, true] {
        for (role, behind, least) in [
            (Role::Mean, Role::Band, 3.0),
            (Role::Prompt1, Role::Band, 3.0),
            (Role::Prompt2, Role::Band, 3.0),
            (Role::Prompt3, Role::Band, 3.0),
            (Role::Tokens, Role::Shade, 3.0),
            (Role::Ink, Role::Shade, 4.5),
            (Role::Muted, Role::Shade, 4.5),
        ] {
            let ratio = contrast(colour(role, is_dark), colour(behind, is_dark));
            assert!(ratio >= least, "{role:?} on {behind:?}, dark {is_dark}: {ratio:.2} to 1");
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

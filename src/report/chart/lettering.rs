//! How wide a text will be. No font is read: the page's reader brings one, and the widest common one is
//! reckoned with.

use crate::visible::one_line;

/// The size of all text on a chart, px. On a screen of 320 px the narrow chart is drawn a little smaller
/// than it is, and its text stays above 11 px.
pub(super) const TEXT_SIZE: f64 = 13.0;
/// From one line of text to the next, px.
pub(super) const LINE_HEIGHT: f64 = 18.0;

/// How wide the text is at most, px.
pub(super) fn width(text: &str) -> f64 {
    text.chars().map(share_of_size).sum::<f64>() * TEXT_SIZE
}

/// The width of a letter as a share of the text's size.
fn share_of_size(letter: char) -> f64 {
    match letter {
        'i' | 'j' | 'l' | '\'' | '|' | ' ' | '.' | ',' | ':' | ';' | 'I' | '!' => 0.36,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '/' | '-' => 0.43,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 1.0,
        '+' | '<' | '>' | '=' | '~' => 0.84,
        'A'..='Z' | '&' | '#' => 0.79,
        ' '..='~' => 0.64,
        '\u{a0}'..='\u{2ff}' => 0.8,
        _ => 1.05,
    }
}

/// The text on one line, cut to the width; "..." says that it was cut.
pub(super) fn fitted(text: &str, most: f64) -> String {
    let text = one_line(text);
    if width(&text) <= most {
        return text;
    }
    let mut room = most - width("...");
    let mut kept = String::new();
    for letter in text.chars() {
        room -= share_of_size(letter) * TEXT_SIZE;
        if room < 0.0 {
            break;
        }
        kept.push(letter);
    }
    kept.truncate(kept.trim_end().len());
    kept + "..."
}

/// The text in as many lines as it needs, which are few: of a text without an end, the second is cut.
pub(super) fn wrapped(text: &str, most: f64) -> Vec<String> {
    let text = one_line(text);
    let mut first = String::new();
    let mut rest = text.as_str();
    while let Some(word) = rest.split_inclusive(' ').next() {
        if width(&first) + width(word.trim_end()) > most {
            break;
        }
        first.push_str(word);
        rest = &rest[word.len()..];
    }
    let lines = [first.trim_end().to_owned(), fitted(rest, most)];
    lines.into_iter().filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_fits_is_kept_and_a_longer_one_is_cut_and_says_so() {
        assert_eq!(fitted("short", 100.0), "short");
        let cut = fitted(&"long ".repeat(50), 100.0);
        assert!(cut.ends_with("...") && cut.starts_with("long"), "{cut}");
        assert!(width(&cut) <= 100.0);
    }

    #[test]
    fn a_long_text_has_a_second_line_and_no_third() {
        assert_eq!(wrapped("of two words", 1000.0), ["of two words"]);
        let lines = wrapped("one two three four", 60.0);
        assert_eq!(lines, ["one two", "three..."]);
        assert_eq!(wrapped("", 60.0), Vec::<String>::new());
        assert!(wrapped(&"x".repeat(1000), 60.0).iter().all(|line| width(line) <= 60.0));
    }

    #[test]
    fn a_text_without_room_is_only_the_sign_that_it_was_cut() {
        assert_eq!(fitted("anything", 1.0), "...");
    }

    #[test]
    fn wide_letters_need_more_room() {
        assert!(width("mmmm") > width("aaaa") && width("aaaa") > width("llll"));
        assert!(width("速い") > width("ab"));
    }
}

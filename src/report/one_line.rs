//! Text of others within a line of ours: names, subjects and reasons, on a terminal, in a log or on a page.

/// Letters that are shown of a text: a reason fits, and a subject can be as long as its author likes.
const LONGEST: usize = 500;
/// What a runner of GitHub's takes for a command anywhere in a line of a log, and at its beginning.
const COMMANDS: [&str; 2] = ["##[", "::"];

/// A text as part of one line: white space is one space, what cannot be seen or would turn the line
/// around is written as its number, and what is too long is cut.
///
/// What a runner would take for a command is set apart, so that the text may also begin a line.
#[must_use]
pub fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let words = words.join(" ");
    let mut line = String::new();
    for letter in words.chars().take(LONGEST) {
        if is_unseen(letter) {
            line.extend(letter.escape_unicode());
        } else {
            line.push(letter);
        }
    }
    if words.chars().nth(LONGEST).is_some() {
        line.push_str("...");
    }
    let [anywhere, first] = COMMANDS;
    let line = line.replace(anywhere, "## [");
    line.strip_prefix(first).map(|rest| format!(": :{rest}")).unwrap_or(line)
}

/// Control characters, those that set the direction of text, those without width, and those that no
/// text may hold.
fn is_unseen(letter: char) -> bool {
    let is_format = matches!(
        letter,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{fdd0}'..='\u{fdef}'
            | '\u{e0000}'..='\u{e007f}'
    );
    letter.is_control() || is_format || u32::from(letter) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_on_its_line() {
        assert_eq!(one_line(" two\r\nlines\tand\u{2028}more\u{85} "), "two lines and more");
    }

    #[test]
    fn what_cannot_be_seen_is_shown_as_its_number() {
        assert_eq!(one_line("a\0b\x1b[31m\u{202e}c\u{200b}"), "a\\u{0}b\\u{1b}[31m\\u{202e}c\\u{200b}");
        assert_eq!(one_line("\u{ffff}\u{1fffe}\u{fdd0}\u{e0041}\u{7f}").matches("\\u{").count(), 5);
        assert_eq!(one_line("Größer, 速い"), "Größer, 速い");
    }

    #[test]
    fn no_text_holds_a_command_to_a_runner() {
        assert_eq!(one_line("a ##[error]b ###[x"), "a ## [error]b ### [x");
        assert_eq!(one_line(" ::error::b std::fmt"), ": :error::b std::fmt");
    }

    #[test]
    fn a_long_text_is_cut() {
        let line = one_line(&"ä".repeat(100_000));
        assert_eq!(line, "ä".repeat(LONGEST) + "...");
        assert_eq!(one_line(&"a".repeat(LONGEST)).len(), LONGEST);
    }
}

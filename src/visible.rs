//! Text of others on its way to a terminal, a log, a table, a page or CSV.
//!
//! Device and model names, versions, prompt titles, commit subjects, file names, the words of workers and of
//! parsers: all of it passes here. What cannot be seen is written as Rust writes it (`\u{1b}`, and `\n` as the two
//! characters), and no line begins with what GitHub's runner takes for a command.

/// Characters of a name, subject or reason that are shown: a reason fits, and a subject can be as long as its
/// author likes.
const LONGEST: usize = 500;
/// What GitHub's runner takes for a command at the beginning of a line, and anywhere in it.
const COMMANDS: [&str; 2] = ["::", "##["];
/// What a spreadsheet takes for the beginning of a formula; of their wide forms it depends on the language.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// A text as part of a line of ours: everything invisible is shown, and what is too long is cut.
pub fn one_line(text: &str) -> String {
    let text = text.trim();
    let mut shown: String = text.chars().take(LONGEST).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    line(&shown)
}

/// A whole line of ours that holds text of others.
pub fn line(text: &str) -> String {
    without_command(&shown(text, &[]))
}

/// Lines of ours: their ends and tabs stay, and nothing else that is invisible does.
pub fn lines(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| without_command(&shown(line, &['\t']))).collect();
    lines.join("\n")
}

/// JSON that says the same, with its invisible characters and commands escaped as JSON has it.
pub fn json(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter != '\n' && is_invisible(letter) {
            let mut units = [0; 2];
            let units = letter.encode_utf16(&mut units);
            escaped.extend(units.iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            escaped.push(letter);
        }
    }
    escaped.replace(COMMANDS[1], "##\\u005b")
}

/// A cell of CSV. Before what a spreadsheet would take for a formula stands an apostrophe; a number is none.
pub fn cell(text: &str) -> String {
    let line = one_line(text);
    let is_number = line.parse().is_ok_and(f64::is_finite);
    if line.starts_with(FORMULA) && !is_number { format!("'{line}") } else { line }
}

fn shown(text: &str, kept: &[char]) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_invisible(letter) && !kept.contains(&letter) {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

fn without_command(line: &str) -> String {
    let [first, anywhere] = COMMANDS;
    let line = line.replace(anywhere, "## [");
    if line.trim_start().starts_with(first) { line.replacen(first, ": :", 1) } else { line }
}

/// Control characters, those that set the direction of text, those without width, ends of lines and paragraphs, and
/// those that no text may hold. The selectors of an emoji's form stay.
fn is_invisible(letter: char) -> bool {
    let is_format = matches!(
        letter,
        '\u{ad}'
            | '\u{34f}'
            | '\u{600}'..='\u{605}'
            | '\u{61c}'
            | '\u{6dd}'
            | '\u{70f}'
            | '\u{890}'..='\u{891}'
            | '\u{8e2}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fdd0}'..='\u{fdef}'
            | '\u{fe00}'..='\u{fe0d}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{110bd}'
            | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    );
    letter.is_control() || is_format || u32::from(letter) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    #[test]
    fn every_control_and_bidi_character_is_shown() {
        let controls = ('\0'..='\u{9f}').filter(|letter| letter.is_control());
        let bidi = "\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";
        let others = "\u{ad}\u{200b}\u{200d}\u{2060}\u{feff}\u{ffff}\u{1fffe}\u{e0041}";
        let text: String = controls.chain(bidi.chars()).chain(others.chars()).collect();
        assert_snapshot!(line(&text), @r"\u{0}\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\u{8}\t\n\u{b}\u{c}\r\u{e}\u{f}\u{10}\u{11}\u{12}\u{13}\u{14}\u{15}\u{16}\u{17}\u{18}\u{19}\u{1a}\u{1b}\u{1c}\u{1d}\u{1e}\u{1f}\u{7f}\u{80}\u{81}\u{82}\u{83}\u{84}\u{85}\u{86}\u{87}\u{88}\u{89}\u{8a}\u{8b}\u{8c}\u{8d}\u{8e}\u{8f}\u{90}\u{91}\u{92}\u{93}\u{94}\u{95}\u{96}\u{97}\u{98}\u{99}\u{9a}\u{9b}\u{9c}\u{9d}\u{9e}\u{9f}\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\u{ad}\u{200b}\u{200d}\u{2060}\u{feff}\u{ffff}\u{1fffe}\u{e0041}");
        let text = serde_json::to_string(&text).unwrap();
        assert_snapshot!(json(&text), @r#""\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f\u007f\u0080\u0081\u0082\u0083\u0084\u0085\u0086\u0087\u0088\u0089\u008a\u008b\u008c\u008d\u008e\u008f\u0090\u0091\u0092\u0093\u0094\u0095\u0096\u0097\u0098\u0099\u009a\u009b\u009c\u009d\u009e\u009f\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u00ad\u200b\u200d\u2060\ufeff\uffff\ud83f\udffe\udb40\udc41""#);
        let read = |json: &str| serde_json::from_str::<String>(json).unwrap();
        assert_eq!(read(&json(&text)), read(&text));
        assert_eq!(json("[\"##[error]\"]"), "[\"##\\u005berror]\"]");
    }

    #[test]
    fn a_text_stays_on_its_line_and_letters_stay_letters() {
        for (text, shown) in [
            (" two\r\nlines\tand\u{2028}more\u{85} ", r"two\r\nlines\tand\u{2028}more"),
            ("a\0b\x1b[31m\u{202e}c\u{200b}", r"a\u{0}b\u{1b}[31m\u{202e}c\u{200b}"),
            ("Größer, 速い e\u{301} ⚡\u{fe0f} C:\\new", "Größer, 速い e\u{301} ⚡\u{fe0f} C:\\new"),
            ("a ##[error]b ###[x", "a ## [error]b ### [x"),
            (" ::error::b std::fmt", ": :error::b std::fmt"),
        ] {
            assert_eq!(one_line(text), shown);
        }
        assert_eq!(lines("a\tb\n ::error::\x1b\n"), "a\tb\n : :error::\\u{1b}\n");
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(one_line(&"ä".repeat(100_000)), "ä".repeat(LONGEST) + "...");
        assert_eq!(one_line(&"a".repeat(LONGEST)).len(), LONGEST);
        assert_eq!(line(&"a".repeat(100_000)).len(), 100_000);
    }

    #[test]
    fn no_cell_is_a_formula() {
        for (text, shown) in [
            ("=1+1", "'=1+1"),
            ("+cmd|x", "'+cmd|x"),
            ("-inf", "'-inf"),
            ("@x", "'@x"),
            ("\t=1\r", "'=1"),
            ("\u{ff1d}1+1", "'\u{ff1d}1+1"),
            ("a\n=1", r"a\n=1"),
            ("-1.5e-3", "-1.5e-3"),
            ("Intel=1", "Intel=1"),
        ] {
            assert_eq!(cell(text), shown);
        }
    }
}

//! Taking out of a text what tells of a person: names, hosts, addresses, paths.
//!
//! What must go is handed in. It is looked for as whole words, whatever their case, so that a user who is
//! called Max does not empty every `max`imum of its meaning. Addresses of mail and of network cards are known
//! by their form.

use serde_json::Value;

/// Says nothing of a person, though an account or a machine may be called so.
const NOBODY: [&str; 18] = [
    "root",
    "user",
    "runner",
    "ubuntu",
    "debian",
    "fedora",
    "nobody",
    "localhost",
    "linux",
    "main",
    "master",
    "intel",
    "arc",
    "arcgauge",
    "gpu",
    "cpu",
    "model",
    "unknown",
];
const MAIL: &str = "<e-mail>";
const NETWORK_CARD: &str = "<address>";

/// Something that tells of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The text.
    pub text: String,
    /// What stands in its place.
    pub becomes: &'static str,
}

impl Trace {
    /// This text, which is to become that.
    pub fn new(text: impl Into<String>, becomes: &'static str) -> Self {
        Self { text: text.into(), becomes }
    }
}

/// All that tells of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Personal {
    /// The longest first: the home folder within a path before the user's name within it.
    traces: Vec<Trace>,
}

impl Personal {
    /// These traces, but for those that tell of nobody.
    #[must_use]
    pub fn of(traces: impl IntoIterator<Item = Trace>) -> Self {
        let tells = |trace: &Trace| {
            let text = trace.text.trim();
            !text.is_empty() && text != "/" && !NOBODY.iter().any(|word| word.eq_ignore_ascii_case(text))
        };
        let mut traces: Vec<Trace> = traces.into_iter().filter(tells).collect();
        traces.sort_by(|one, other| other.text.len().cmp(&one.text.len()).then(one.text.cmp(&other.text)));
        traces.dedup_by(|one, other| one.text == other.text);
        Self { traces }
    }

    /// The text without any of it.
    #[must_use]
    pub fn taken_from(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for trace in &self.traces {
            text = replaced(&text, trace);
        }
        without_addresses(&text)
    }

    /// What stands for the first of it that a text still has; None where it has none.
    #[must_use]
    pub fn left_in(&self, text: &str) -> Option<&'static str> {
        self.traces.iter().find(|trace| find(text, &trace.text, 0).is_some()).map(|trace| trace.becomes)
    }

    /// The same of a document: of its texts, and of names in it that are not those of our fields, as those of
    /// variables are.
    #[must_use]
    pub fn left_in_document(&self, value: &Value) -> Option<&'static str> {
        let is_field =
            |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        match value {
            Value::String(text) => self.left_in(text),
            Value::Array(values) => values.iter().find_map(|value| self.left_in_document(value)),
            Value::Object(fields) => fields.iter().find_map(|(name, value)| {
                let named = if is_field(name) { None } else { self.left_in(name) };
                named.or_else(|| self.left_in_document(value))
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) => None,
        }
    }

    /// Takes it from every text of a document; names of fields stay.
    pub fn take_from_all(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.taken_from(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.take_from_all(value)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.take_from_all(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn replaced(text: &str, trace: &Trace) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut at = 0;
    while let Some((start, end)) = find(text, &trace.text, at).map(|found| (found.start, found.end)) {
        kept.push_str(&text[at..start]);
        kept.push_str(trace.becomes);
        at = end;
    }
    kept.push_str(&text[at..]);
    kept
}

/// The first place from here on where this stands as a whole word or path.
fn find(text: &str, sought: &str, from: usize) -> Option<std::ops::Range<usize>> {
    let first = sought.chars().next()?;
    let begins_in_a_word = is_of_a_word(first);
    let ends_in_a_word = sought.chars().next_back().is_some_and(is_of_a_word);
    let mut before = text[..from].chars().next_back();
    for (offset, character) in text[from..].char_indices() {
        let start = from + offset;
        let is_apart = !begins_in_a_word || !before.is_some_and(is_of_a_word);
        before = Some(character);
        if !is_apart || !same_letter(character, first) {
            continue;
        }
        let Some(length) = length_of(&text[start..], sought) else { continue };
        let after = text[start + length..].chars().next();
        if !ends_in_a_word || !after.is_some_and(is_of_a_word) {
            return Some(start..start + length);
        }
    }
    None
}

fn is_of_a_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn same_letter(one: char, other: char) -> bool {
    if one.is_ascii() && other.is_ascii() {
        return one.eq_ignore_ascii_case(&other);
    }
    one.to_lowercase().eq(other.to_lowercase())
}

/// How many bytes of the text's beginning are this, whatever the case.
fn length_of(text: &str, sought: &str) -> Option<usize> {
    let mut letters = text.chars();
    let mut length = 0;
    for wanted in sought.chars() {
        let letter = letters.next().filter(|letter| same_letter(*letter, wanted))?;
        length += letter.len_utf8();
    }
    Some(length)
}

/// The text without addresses of mail and of network cards.
fn without_addresses(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut word = String::new();
    for character in text.chars() {
        if character.is_alphanumeric() || "@._+-:%".contains(character) {
            word.push(character);
        } else {
            kept.push_str(&told(&word));
            word.clear();
            kept.push(character);
        }
    }
    kept + &told(&word)
}

fn told(word: &str) -> String {
    let core = word.trim_matches(['.', ':', '-', '+']);
    let stands_for = if is_mail(core) {
        MAIL
    } else if is_network_card(core) {
        NETWORK_CARD
    } else {
        return word.to_owned();
    };
    word.replacen(core, stands_for, 1)
}

/// A definition's id, as in `tpot@1`, has no dot behind its sign.
fn is_mail(word: &str) -> bool {
    let Some((name, host)) = word.rsplit_once('@') else { return false };
    let ending = host.rsplit_once('.').map(|(_, ending)| ending);
    !name.is_empty() && ending.is_some_and(|ending| ending.starts_with(|c: char| c.is_alphabetic()))
}

fn is_network_card(word: &str) -> bool {
    let sign = if word.contains(':') { ':' } else { '-' };
    let parts: Vec<&str> = word.split(sign).collect();
    parts.len() == 6
        && parts.iter().all(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jane() -> Personal {
        Personal::of([
            Trace::new("jane", "<user>"),
            Trace::new("/home/jane", "~"),
            Trace::new("Jane Größe-Doe", "<author>"),
            Trace::new("janes-laptop", "<host>"),
            Trace::new("root", "<user>"),
            Trace::new("", "<host>"),
            Trace::new("/", "~"),
        ])
    }

    #[test]
    fn names_and_paths_go_and_what_they_are_part_of_stays() {
        let personal = jane();
        for (text, expected) in [
            ("`/home/jane/models/x` is there", "`~/models/x` is there"),
            ("/home/janet/x and /home/jane", "/home/janet/x and ~"),
            ("JANE's file in /srv/jane-work/", "<user>'s file in /srv/<user>-work/"),
            ("by JANE GRÖSSE-DOE, Jane größe-doe", "by <user> GRÖSSE-DOE, <author>"),
            ("janes-laptop.local: janet_jane jane_x", "<host>.local: janet_jane jane_x"),
            ("root at / is nobody", "root at / is nobody"),
        ] {
            assert_eq!(personal.taken_from(text), expected);
        }
    }

    #[test]
    fn addresses_go_by_their_form_and_ids_of_figures_stay() {
        let personal = Personal::default();
        for (text, expected) in [
            ("<someone.else+git@mail.example.org>, ok", "<<e-mail>>, ok"),
            ("tpot@1, e2e_latency@1.", "tpot@1, e2e_latency@1."),
            ("wlan0 3c:58:c2:0a:1B:ff.", "wlan0 <address>."),
            ("3C-58-C2-0A-1B-FF", "<address>"),
            ("0000:00:02.0 at 09:41:20", "0000:00:02.0 at 09:41:20"),
            ("8086:64a0", "8086:64a0"),
        ] {
            assert_eq!(personal.taken_from(text), expected);
        }
    }

    #[test]
    fn what_is_left_is_found_whatever_its_case() {
        let personal = jane();
        assert_eq!(personal.left_in("nothing of janet_jane"), None);
        assert_eq!(personal.left_in("\"name\":\"Jane\""), Some("<user>"));
        assert_eq!(personal.left_in(&personal.taken_from("JANE at janes-laptop in /home/jane")), None);
    }

    #[test]
    fn a_name_that_is_also_a_field_s_is_left_only_where_it_is_no_field() {
        let left = |value: &Value| jane().left_in_document(value);
        assert_eq!(left(&serde_json::json!({ "jane": 7, "b": ["janet"] })), None);
        assert_eq!(left(&serde_json::json!({ "a": { "OMP_PLACES of Jane": 1 } })), Some("<user>"));
        assert_eq!(left(&serde_json::json!({ "a": [{ "b": "jane" }] })), Some("<user>"));
    }

    #[test]
    fn every_text_of_a_document_is_cleaned_and_its_fields_keep_their_names() {
        let mut value = serde_json::json!({ "jane": ["/home/jane/x", { "a": "by Jane" }, 7, null] });
        jane().take_from_all(&mut value);
        assert_eq!(value, serde_json::json!({ "jane": ["~/x", { "a": "by <user>" }, 7, null] }));
    }
}

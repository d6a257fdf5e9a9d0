//! Taking out of a text what names a person: accounts, hosts, addresses, folders.
//!
//! Every record passes here before it is stored, so that what leaves by a push, an artifact, a page or an export
//! names nobody; the bundle of `first-light` passes with more to take out. It is looked for as whole words,
//! whatever their case, so that a user who is called Max does not empty every `max`imum of its meaning. Home
//! folders of other users and addresses of mail and of network cards are known by their form.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::{NoExpand, Regex};
use serde_json::Value;

use crate::record::StoredRecord;
use crate::sys::{SysfsRoot, canonicalize};

/// Names of accounts and machines that identify nobody.
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
/// Fields that say what was measured, by which goldens and other records are found: of these only folders go.
const IDENTITIES: [&str; 8] = ["slug", "id", "prompt_id", "prompt_order", "run_id", "sha", "sha256", "tree"];
/// Where the systems keep home folders: the next part of the path is the name of an account. Those of Windows are
/// `windows`: whatever their case, also with a backslash for each that a text has doubled or encoded.
const HOMES: &str = r"(?<windows>(?i)(?:\\+|%5C)(?:users|home)(?:\\+|%5C)|\b[a-z]:/+users/+)|/home/|/Users/|(?i)%2F(?:home|users)%2F";
/// The longest name of a Windows account that is looked for with blanks in it.
const LONGEST_ACCOUNT: usize = 64;
const ACCOUNT: &str = "<user>";
const MAIL: &str = "<e-mail>";
const NETWORK_CARD: &str = "<address>";

/// A text that identifies a person or a machine.
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

    /// A file or folder, by its name and by where it really lies.
    pub fn of_path(path: &Path, becomes: &'static str) -> Vec<Self> {
        let really = canonicalize(path).ok();
        // Without a slash at its end, which texts that lead into the folder would lose with it.
        let both = [Some(path.components().collect()), really].into_iter().flatten();
        both.filter_map(|path: PathBuf| Some(Self::new(path.to_str()?, becomes))).collect()
    }

    fn is_folder(&self) -> bool {
        self.text.contains(['/', '\\'])
    }

    /// The text as a whole word or path, whatever its case.
    fn pattern(&self) -> Option<Regex> {
        let is_of_a_word = |character: char| character.is_alphanumeric() || character == '_';
        let boundary = |character: Option<char>| if character.is_some_and(is_of_a_word) { r"\b" } else { "" };
        let (begin, end) = (self.text.chars().next(), self.text.chars().next_back());
        // A path of Windows is also written with slashes, and with its backslashes doubled.
        let text = regex::escape(&self.text).replace(r"\\", r"[\\/]+");
        Regex::new(&format!("(?i){}{text}{}", boundary(begin), boundary(end))).ok()
    }
}

/// All texts that identify this user or machine.
#[derive(Debug, Clone, Default)]
pub struct Personal {
    /// The longest first: the home folder within a path before the user's name within it.
    traces: Vec<(Trace, Regex)>,
}

impl Personal {
    /// These traces, except those that identify nobody.
    pub fn of(traces: impl IntoIterator<Item = Trace>) -> Self {
        let identifies = |trace: &Trace| {
            let text = trace.text.trim();
            !text.is_empty() && text != "/" && !NOBODY.iter().any(|word| word.eq_ignore_ascii_case(text))
        };
        let mut traces: Vec<Trace> = traces.into_iter().filter(identifies).collect();
        traces.sort_by(|one, other| other.text.len().cmp(&one.text.len()).then(one.text.cmp(&other.text)));
        traces.dedup_by(|one, other| one.text == other.text);
        let with_pattern = |trace: Trace| trace.pattern().map(|pattern| (trace, pattern));
        Self { traces: traces.into_iter().filter_map(with_pattern).collect() }
    }

    /// A record as it may be stored. What says what was measured stays, and so does a text without which it would
    /// be no record.
    pub fn taken_from_record<R: StoredRecord>(&self, record: R) -> R {
        let Ok(mut cleaned) = serde_json::to_value(&record) else { return record };
        let folders = self.traces.iter().filter(|(trace, _)| trace.is_folder());
        let folders = Self { traces: folders.cloned().collect() };
        let (mut changed, before) = (Vec::new(), cleaned.clone());
        each_text(&mut cleaned, "", "", &mut |text, pointer, is_identity| {
            let personal = if is_identity { &folders } else { self };
            let without = personal.taken_from(text);
            if without != *text {
                *text = without;
                changed.push(pointer.to_owned());
            }
        });
        if changed.is_empty() {
            return record;
        }
        let is_record = |value: &Value| {
            let mut read = serde_json::from_value::<R>(value.clone()).ok()?;
            read.identify().ok()?;
            Some(read).filter(|read| read.check().is_ok() || record.check().is_err())
        };
        if let Some(cleaned) = is_record(&cleaned) {
            return cleaned;
        }
        let mut kept = before;
        for pointer in changed {
            let (Some(text), mut tried) = (cleaned.pointer(&pointer), kept.clone()) else { continue };
            if let Some(place) = tried.pointer_mut(&pointer) {
                *place = text.clone();
            }
            if is_record(&tried).is_some() {
                kept = tried;
            }
        }
        is_record(&kept).unwrap_or(record)
    }

    /// What stands for the first of it in a record that [`Self::taken_from_record`] would take; None where it has none.
    pub fn left_in_record(&self, record: &Value) -> Option<&'static str> {
        let mut found = None;
        each_text(&mut record.clone(), "", "", &mut |text, _, is_identity| {
            let mut sought = self.traces.iter().filter(|(trace, _)| trace.is_folder() || !is_identity);
            let left = sought.find(|(_, pattern)| pattern.is_match(text));
            found = found.or(left.map(|(trace, _)| trace.becomes));
        });
        found
    }

    /// The text without any of it.
    pub fn taken_from(&self, text: &str) -> String {
        let without = |text: String, folders: bool| {
            let traces = self.traces.iter().filter(|(trace, _)| trace.is_folder() == folders);
            traces.fold(text, |text, (trace, pattern)| {
                pattern.replace_all(&text, NoExpand(trace.becomes)).into_owned()
            })
        };
        // An address before the names in it: of `jane@firm.example` the firm would stay.
        let text = without_addresses(&without_accounts(&without(text.to_owned(), true)));
        without(text, false)
    }

    /// What stands for the first of it that a text still has; None where it has none.
    pub fn left_in(&self, text: &str) -> Option<&'static str> {
        self.traces.iter().find(|(_, pattern)| pattern.is_match(text)).map(|(trace, _)| trace.becomes)
    }

    /// The same of a document: of its texts, and of names in it that are not those of our fields, as those of
    /// variables are.
    pub fn left_in_document(&self, value: &Value) -> Option<&'static str> {
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

    /// Takes it from every text of a document and every name in its maps; names of fields stay.
    pub fn take_from_all(&self, value: &mut Value) {
        each_text(value, "", "", &mut |text, _, _| *text = self.taken_from(text));
    }
}

/// A name of our own in a document, not one that a map has, as that of a variable.
fn is_field(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Every text of a document, and every name in its maps, with its place, as RFC 6901 has it, and whether it says what was measured.
pub(in crate::record) fn each_text(
    value: &mut Value,
    pointer: &str,
    field: &str,
    visit: &mut impl FnMut(&mut String, &str, bool),
) {
    match value {
        Value::String(text) => {
            let is_model = pointer.ends_with("/model/name") && !pointer.ends_with("/published/model/name");
            let is_identity = is_model || IDENTITIES.contains(&field);
            visit(text, pointer, is_identity);
        }
        Value::Array(values) => {
            for (at, value) in values.iter_mut().enumerate() {
                each_text(value, &format!("{pointer}/{at}"), field, visit);
            }
        }
        Value::Object(fields) => {
            let names: Vec<String> = fields.keys().filter(|name| !is_field(name)).cloned().collect();
            for name in names {
                let mut renamed = name.clone();
                visit(&mut renamed, pointer, false);
                if let Some(value) = fields.remove(&name) {
                    fields.insert(renamed, value);
                }
            }
            for (name, value) in fields {
                let below = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
                each_text(value, &below, name, visit);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The text without the names of accounts in paths of home folders.
fn without_accounts(text: &str) -> String {
    static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(HOMES).ok());
    let homes_in = |text| PATTERN.as_ref().and_then(|homes| homes.captures(text));
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(homes) = homes_in(rest) {
        let (before, after) = rest.split_at(homes.get_match().end());
        let name = account_of(after, homes.name("windows").is_some());
        let identifies = !name.is_empty() && !NOBODY.iter().any(|word| word.eq_ignore_ascii_case(name));
        kept.push_str(before);
        kept.push_str(if identifies { ACCOUNT } else { name });
        rest = &after[name.len()..];
    }
    kept + rest
}

/// The name at the beginning of a text. On Windows it may have blanks, where a folder follows.
fn account_of(text: &str, is_of_windows: bool) -> &str {
    let up_to = |is_of_it: fn(char) -> bool| &text[..text.find(|c| !is_of_it(c)).unwrap_or(text.len())];
    let longer = up_to(|character| is_of_an_account(character) || " '~()".contains(character));
    let is_folder = text[longer.len()..].starts_with(['\\', '/']) && longer.len() <= LONGEST_ACCOUNT;
    if is_of_windows && is_folder { longer } else { up_to(is_of_an_account) }
}

fn is_of_an_account(character: char) -> bool {
    character.is_alphanumeric() || "_.-@$".contains(character)
}

/// The text without addresses of mail and of network cards.
fn without_addresses(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut word = String::new();
    for character in text.chars() {
        if character.is_alphanumeric() || "@._+-:%".contains(character) {
            word.push(character);
        } else {
            kept.push_str(&without_address(&word));
            word.clear();
            kept.push(character);
        }
    }
    kept + &without_address(&word)
}

fn without_address(word: &str) -> String {
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
    let top_level = host.rsplit_once('.').map(|(_, top_level)| top_level);
    !name.is_empty() && top_level.is_some_and(|domain| domain.starts_with(|c: char| c.is_alphabetic()))
}

fn is_network_card(word: &str) -> bool {
    let sign = if word.contains(':') { ':' } else { '-' };
    let parts: Vec<&str> = word.split(sign).collect();
    parts.len() == 6
        && parts.iter().all(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Variables with the name of an account.
const ACCOUNT_VARIABLES: [&str; 4] = ["USER", "LOGNAME", "SUDO_USER", "USERNAME"];

impl Personal {
    /// The user's home folder, account and temporary folder, the machine's name and id, and what else is to go.
    pub fn of_this_user(more: Vec<Trace>) -> Self {
        let home = env::home_dir();
        let mut traces = more;
        if let Some(home) = &home {
            traces.extend(Trace::of_path(home, "~"));
            traces.extend(home.file_name().and_then(|name| name.to_str()).map(|it| Trace::new(it, "<user>")));
        }
        traces.extend(Trace::of_path(&env::temp_dir(), "<temporary>"));
        traces.extend(
            ACCOUNT_VARIABLES.iter().filter_map(|it| env::var(it).ok()).map(|it| Trace::new(it, "<user>")),
        );
        traces.extend(host());
        let machine_id = SysfsRoot::this_machine().text("etc/machine-id").unwrap_or_default();
        traces.push(Trace::new(machine_id.trim(), "<machine>"));
        Self::of(traces)
    }
}

/// By which a system names this host.
const HOST_VARIABLES: [&str; 2] = ["HOSTNAME", "COMPUTERNAME"];

fn host() -> Vec<Trace> {
    let reported = SysfsRoot::this_machine().text("proc/sys/kernel/hostname").ok();
    let names = reported.into_iter().chain(HOST_VARIABLES.iter().filter_map(|name| env::var(name).ok()));
    let names: Vec<String> = names.map(|name| name.trim().to_owned()).collect();
    let short = names.iter().filter_map(|name| name.split('.').next()).map(str::to_owned);
    names.iter().cloned().chain(short).map(|name| Trace::new(name, "<host>")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_folder_that_is_named_with_a_slash_is_the_same_folder() {
        let personal = Personal::of(Trace::of_path(Path::new("/home//jane/"), "~"));
        assert_eq!(personal.taken_from("/home/jane/lib:/home/janet:/home/jane"), "~/lib:/home/<user>:~");
    }

    #[test]
    fn a_home_folder_of_windows_goes_however_it_is_written() {
        let personal = Personal::of([Trace::new(r"C:\Users\jane", "~"), Trace::new("jane", "<user>")]);
        let text = r"C:\Users\jane\m, c:/users/jane/m, {C:\\Users\\jane\\m}, C:\Users\janet\m";
        assert_eq!(personal.taken_from(text), r"~\m, ~/m, {~\\m}, C:\Users\<user>\m");
        let measured = personal.traces.iter().filter(|(trace, _)| trace.is_folder()).count();
        assert_eq!(measured, 1, "a folder, which also goes from what says what was measured");
    }

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
            ("/srv/janet/x and /home/jane", "/srv/janet/x and ~"),
            ("JANE's file in /srv/jane-work/", "<user>'s file in /srv/<user>-work/"),
            ("by JANE GRÖSSE-DOE, Jane größe-doe", "by <user> GRÖSSE-DOE, <author>"),
            ("janes-laptop.local: janet_jane jane_x", "<host>.local: janet_jane jane_x"),
            ("root at / is nobody", "root at / is nobody"),
        ] {
            assert_eq!(personal.taken_from(text), expected);
        }
    }

    #[test]
    fn home_folders_of_other_users_go_by_their_form_and_accounts_that_name_nobody_stay() {
        let personal = jane();
        for (text, expected) in [
            ("/home/max.m/lib:/opt/x", "/home/<user>/lib:/opt/x"),
            ("file:///home/max and /Users/ann-b/y", "file:///home/<user> and /Users/<user>/y"),
            ("file=%2Fhome%2Fcarol%2Fmodels", "file=%2Fhome%2F<user>%2Fmodels"),
            (r"C:\Users\Max\AppData", r"C:\Users\<user>\AppData"),
            (r"c:\users\carol d'arc\m, C:\USERS\CAROLD~1\T", r"c:\users\<user>\m, C:\USERS\<user>\T"),
            (r"{C:\\Users\\carol\\models} c:/users/carol", r"{C:\\Users\\<user>\\models} c:/users/<user>"),
            (
                r"\\wsl$\Debian\home\carol\m of C:\Users\max and ann",
                r"\\wsl$\Debian\home\<user>\m of C:\Users\<user> and ann",
            ),
            ("file=C%3A%5CUsers%5Ccarol%5Cmodels", "file=C%3A%5CUsers%5C<user>%5Cmodels"),
            (r"a/users/7 and \Users\ and C:\Users", r"a/users/7 and \Users\ and C:\Users"),
            ("/home/runner/work, /home/, /home/<user>", "/home/runner/work, /home/, /home/<user>"),
        ] {
            assert_eq!(personal.taken_from(text), expected);
        }
    }

    #[test]
    fn addresses_go_by_their_form_and_ids_of_values_stay() {
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
    fn an_address_with_the_user_s_name_goes_whole() {
        let text = "jane@firm.example, /home/jane/x of janes-laptop.firm.example";
        assert_eq!(jane().taken_from(text), "<e-mail>, ~/x of <host>.firm.example");
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

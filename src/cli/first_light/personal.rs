//! What of this machine and its user tells of a person.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::root::Root;
use crate::places;
use crate::record::{Commit, whoami};
use crate::report::first_light::{Personal, Trace};

/// Shorter parts of a name are words of a language more often than names.
const SHORTEST_PART: usize = 3;

/// Names and folders that the bundle must not have; `named` are those that the user named.
pub(super) fn traces(root: &Root, model: &Path, named: &[NamedPath]) -> Personal {
    let home = env::home_dir();
    let mut traces = Vec::new();
    for (folder, becomes) in [
        (home.clone(), "~"),
        (Some(root.path().to_owned()), "<checkout>"),
        (Some(model.to_owned()), "<model>"),
        (places::cache_dir(), "<cache>"),
        (places::config_dir(), "<config>"),
        (env::current_dir().ok(), "<here>"),
        (Some(env::temp_dir()), "<temporary>"),
    ] {
        traces.extend(folder.iter().flat_map(|folder| of_folder(folder, becomes)));
    }
    traces.extend(named.iter().flat_map(|named| of_folder(&named.path, named.becomes)));
    traces.extend(user(home.as_deref()));
    traces.extend(host());
    traces.extend(author(&whoami(root.path())));
    if let Some(commit) = Commit::at(root.path()).ok().flatten() {
        traces.extend(commit.branch.map(|branch| Trace::new(branch, "<branch>")));
        traces.push(Trace::new(commit.subject, "<subject>"));
    }
    let machine_id = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    traces.push(Trace::new(machine_id.trim(), "<machine>"));
    Personal::of(traces)
}

/// A file or folder that the user named.
pub(super) struct NamedPath {
    pub(super) path: PathBuf,
    /// What stands in its place.
    pub(super) becomes: &'static str,
}

/// A folder by its name and by where it really lies.
fn of_folder(folder: &Path, becomes: &'static str) -> Vec<Trace> {
    let really = fs::canonicalize(folder).ok();
    let both = [Some(folder.to_owned()), really].into_iter().flatten();
    both.filter_map(|folder: PathBuf| Some(Trace::new(folder.to_str()?, becomes))).collect()
}

/// The user by the variables, by the home folder, and by the system's list.
fn user(home: Option<&Path>) -> Vec<Trace> {
    let named = ["USER", "LOGNAME", "SUDO_USER", "USERNAME"].iter().filter_map(|name| env::var(name).ok());
    let folder = home.and_then(|home| Some(home.file_name()?.to_str()?.to_owned()));
    let mut traces: Vec<Trace> = named.chain(folder).map(|name| Trace::new(name, "<user>")).collect();
    let list = fs::read_to_string("/etc/passwd").unwrap_or_default();
    traces.extend(list.lines().flat_map(|line| listed(line, home)));
    traces
}

/// Name and full name of whoever has this home folder.
fn listed(line: &str, home: Option<&Path>) -> Vec<Trace> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, _, _, full, folder, ..] = fields[..] else { return Vec::new() };
    if home != Some(Path::new(folder)) {
        return Vec::new();
    }
    let full = full.split(',').next().unwrap_or_default();
    [vec![Trace::new(name, "<user>")], parts_of(full, "<user>")].concat()
}

fn host() -> Vec<Trace> {
    let told = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let names = told.into_iter().chain(env::var("HOSTNAME").ok());
    let names: Vec<String> = names.map(|name| name.trim().to_owned()).collect();
    let short = names.iter().filter_map(|name| name.split('.').next()).map(str::to_owned);
    names.iter().cloned().chain(short).map(|name| Trace::new(name, "<host>")).collect()
}

/// Whoever commits here, as in `Jane Doe <jane@example.org>`.
fn author(signature: &str) -> Vec<Trace> {
    let (name, mail) = signature.split_once('<').unwrap_or((signature, ""));
    let mail = mail.trim_end_matches('>');
    let before_the_sign = mail.split('@').next().unwrap_or_default();
    let mut traces = parts_of(name, "<author>");
    traces.extend([Trace::new(mail, "<e-mail>"), Trace::new(before_the_sign, "<author>")]);
    traces
}

/// A name as a whole, and its parts.
fn parts_of(name: &str, becomes: &'static str) -> Vec<Trace> {
    let name = name.trim();
    let parts = name.split_whitespace().filter(|part| part.chars().count() >= SHORTEST_PART);
    std::iter::once(name).chain(parts).map(|part| Trace::new(part, becomes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_author_goes_whole_in_parts_and_by_the_address() {
        let personal = Personal::of(author("Jane Q Zimmer <jz77@mail.example.org>"));
        let text = "by Jane Q Zimmer, zimmer or jz77 <jz77@mail.example.org> about Q";
        assert_eq!(personal.taken_from(text), "by <author>, <author> or <author> <<e-mail>> about Q");
    }

    #[test]
    fn the_full_name_is_that_of_whoever_has_the_home_folder() {
        let personal = |home| {
            let line = "jz:x:1000:1000:Jane Zimmer,room 7,,:/home/jz:/bin/bash";
            Personal::of(listed(line, Some(Path::new(home))))
        };
        assert_eq!(personal("/home/jz").taken_from("jz is Jane Zimmer"), "<user> is <user>");
        assert_eq!(personal("/home/other"), Personal::default());
    }
}

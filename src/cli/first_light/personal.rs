//! What of this machine and its user tells of a person.

use std::env;
use std::fs;
use std::path::Path;

use crate::cli::root::Root;
use crate::places;
use crate::record::{Commit, Personal, Trace, whoami};

/// Shorter parts of a name are words of a language more often than names.
const SHORTEST_PART: usize = 3;

/// All that the bundle must not have: besides what no record has, the author, the user's full name, and the folders
/// that are `named`.
pub(super) fn traces(root: &Root, model: &Path, named: Vec<Trace>) -> Personal {
    let mut traces = named;
    for (folder, becomes) in [
        (Some(root.path().to_owned()), "<checkout>"),
        (Some(model.to_owned()), "<model>"),
        (places::cache_dir(), "<cache>"),
        (places::config_dir(), "<config>"),
        (env::current_dir().ok(), "<here>"),
    ] {
        traces.extend(folder.iter().flat_map(|folder| Trace::of_path(folder, becomes)));
    }
    let home = env::home_dir();
    let list = fs::read_to_string("/etc/passwd").unwrap_or_default();
    traces.extend(list.lines().flat_map(|line| listed(line, home.as_deref())));
    traces.extend(author(&whoami(root.path())));
    if let Some(commit) = Commit::at(root.path()).ok().flatten() {
        traces.extend(commit.branch.map(|branch| Trace::new(branch, "<branch>")));
        traces.push(Trace::new(commit.subject, "<subject>"));
    }
    Personal::of_this_user(traces)
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
        assert_eq!(personal("/home/other").taken_from("jz is Jane Zimmer"), "jz is Jane Zimmer");
    }
}

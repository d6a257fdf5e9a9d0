//! What no text may hold: promises to finish it later, and the hosts of package registries.

use super::Breach;
use super::tree::{File, Tree};

/// Code, and what is configured like code.
const CODE: [&str; 13] =
    ["rs", "py", "js", "mjs", "cpp", "h", "html", "css", "sh", "toml", "yml", "yaml", "tera"];
/// Words that mean "not done". In halves, so that this file does not hold them.
const MARKERS: [[&str; 2]; 5] =
    [["todo", "!"], ["unimplemented", "!"], ["TO", "DO"], ["FIX", "ME"], ["XX", "X"]];
/// Where packages come from is a matter of the machine's settings. In halves for the same reason.
const HOSTS: [[&str; 2]; 10] = [
    ["crates", ".io"],
    ["npmjs", ".com"],
    ["npmjs", ".org"],
    ["yarnpkg", ".com"],
    ["pypi", ".org"],
    ["pythonhosted", ".org"],
    ["proxy.golang", ".org"],
    ["debian", ".org"],
    ["archive.ubuntu", ".com"],
    ["security.ubuntu", ".com"],
];
/// Written by cargo, which names where each package came from. A lock file of npm's can do without.
const LOCK_FILE: &str = "Cargo.lock";

/// Code is finished, or is not there.
pub(super) fn no_markers(tree: &Tree) -> Vec<Breach> {
    let markers = MARKERS.map(|halves| halves.concat());
    let mut breaches = Vec::new();
    for (file, text) in texts(tree).filter(|(file, text)| is_code(file, text)) {
        for (at, line) in text.lines().enumerate() {
            if let Some(marker) = markers.iter().find(|marker| has_word(line, marker)) {
                let advice = format!("finish what `{marker}` marks, or take it out and open an issue");
                breaches.push(Breach::new(&file.path, at + 1, "marker", advice));
            }
        }
    }
    breaches
}

/// No registry is named, so that every machine may use its own.
pub(super) fn no_registry_hosts(tree: &Tree) -> Vec<Breach> {
    let hosts = HOSTS.map(|halves| halves.concat());
    let mut breaches = Vec::new();
    for (file, text) in texts(tree).filter(|(file, _)| file.name() != LOCK_FILE) {
        for (at, line) in text.lines().enumerate() {
            let line = line.to_ascii_lowercase();
            if let Some(host) = hosts.iter().find(|host| line.contains(host.as_str())) {
                let advice =
                    format!("take `{host}` out; name the package, and let the user's settings find it");
                breaches.push(Breach::new(&file.path, at + 1, "registry", advice));
            }
        }
    }
    breaches
}

fn texts(tree: &Tree) -> impl Iterator<Item = (&File, &str)> {
    tree.files.iter().filter_map(|file| Some((file, file.text()?)))
}

/// A script without an extension names its interpreter in the first line.
fn is_code(file: &File, text: &str) -> bool {
    CODE.contains(&file.extension()) || file.extension().is_empty() && text.starts_with("#!")
}

/// Whether the word stands alone; a part of a longer one is another word.
fn has_word(line: &str, word: &str) -> bool {
    let is_word = |char: char| char.is_alphanumeric() || char == '_';
    line.match_indices(word).any(|(at, _)| {
        let after = &line[at + word.len()..];
        !line[..at].ends_with(is_word) && (word.ends_with('!') || !after.starts_with(is_word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::fixture::{places, tree};

    #[test]
    fn every_marker_is_found_in_code_and_in_comments() {
        for marker in MARKERS.map(|halves| halves.concat()) {
            let text = format!("fn f() {{}}\n// {marker}: later\n");
            assert_eq!(places(&no_markers(&tree(&[("a.rs", &text)]))), ["a.rs:2"], "{marker}");
        }
    }

    #[test]
    fn a_script_is_code_and_prose_is_not() {
        let marker = MARKERS[2].concat();
        let script = format!("#!/bin/bash\n# {marker}\n");
        assert_eq!(
            places(&no_markers(&tree(&[("run", &script), ("a.md", &marker), ("b", &marker)]))),
            ["run:2"]
        );
    }

    #[test]
    fn a_marker_inside_a_longer_word_is_another_word() {
        let text =
            format!("mktemp a.{}\nlet {}_count = 1;\n", MARKERS[4].concat().repeat(2), MARKERS[2].concat());
        assert!(no_markers(&tree(&[("a.sh", &text)])).is_empty());
    }

    #[test]
    fn every_host_is_found_in_every_text() {
        for host in HOSTS.map(|halves| halves.concat()) {
            let text = format!("\nsee https://Files.{}/x\n", host.to_uppercase());
            assert_eq!(places(&no_registry_hosts(&tree(&[("a.md", &text)]))), ["a.md:2"], "{host}");
        }
    }

    #[test]
    fn cargos_lock_file_and_other_hosts_may_be_named() {
        let host = HOSTS[0].concat();
        let files = [("Cargo.lock", host.as_str()), ("a.md", "https://example.org")];
        assert!(no_registry_hosts(&tree(&files)).is_empty());
    }

    #[test]
    fn a_lock_file_of_npm_names_no_registry() {
        let resolved = format!("{{\n\"resolved\": \"https://registry.{}/x.tgz\"\n}}", HOSTS[2].concat());
        let tree = tree(&[("web/package-lock.json", &resolved)]);
        assert_eq!(places(&no_registry_hosts(&tree)), ["web/package-lock.json:2"]);
    }
}

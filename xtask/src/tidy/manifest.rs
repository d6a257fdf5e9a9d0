//! Manifests: every dependency says why it is there.

use super::Breach;
use super::tree::Tree;

/// Above each dependency stands a comment. The workspace's own list only holds versions; its users give reasons.
pub(super) fn reasons(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in tree.files.iter().filter(|file| file.name() == "Cargo.toml") {
        for (line, name) in without_reason(file.text().unwrap_or_default()) {
            let advice = format!("say in a comment above `{name}` why it is needed");
            breaches.push(Breach::new(&file.path, line, "reason", advice));
        }
    }
    breaches
}

/// The dependencies without a comment, each with its line.
fn without_reason(manifest: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_list = false;
    let mut open: usize = 0; // brackets of a value over several lines
    let mut above = "";
    for (at, line) in manifest.lines().map(str::trim).enumerate() {
        let mut dependency = None;
        if open == 0 && line.starts_with('[') {
            let header = line.trim_start_matches('[').split(']').next().unwrap_or_default();
            let (list, name) = header.rsplit_once('.').unwrap_or((header, header));
            in_list = name.ends_with("dependencies") && list != "workspace";
            dependency = (list.ends_with("dependencies") && list != name).then_some(name);
        } else {
            if in_list && open == 0 && !line.is_empty() && !line.starts_with('#') {
                dependency = line.split(['=', '.', ' ']).next();
            }
            let code = line.split('#').next().unwrap_or_default();
            open = (open + code.matches(['[', '{']).count()).saturating_sub(code.matches([']', '}']).count());
        }
        if let Some(name) = dependency.filter(|_| !above.starts_with('#')) {
            found.push((at + 1, name.to_owned()));
        }
        above = line;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::fixture::{places, tree};

    fn found(manifest: &str) -> Vec<(usize, String)> {
        without_reason(manifest)
    }

    #[test]
    fn a_comment_above_is_enough() {
        let manifest = "[dependencies]\n# engine\na = \"1\"\n\n# cli\nb = {\n  version = \"1\",\n}\n";
        let held = [("Cargo.toml", manifest), ("xtask/Cargo.toml", "[package]\nname = \"x\"\n")];
        assert!(reasons(&tree(&held)).is_empty());
    }

    #[test]
    fn a_dependency_without_a_comment_is_found_in_every_manifest() {
        let broken = [
            ("Cargo.toml", "[dependencies]\na = \"1\"\n"),
            ("x/Cargo.toml", "[build-dependencies]\n\nb = \"1\""),
        ];
        assert_eq!(places(&reasons(&tree(&broken))), ["Cargo.toml:2", "x/Cargo.toml:3"]);
    }

    #[test]
    fn a_comment_counts_for_the_next_line_only() {
        assert_eq!(
            found("[dev-dependencies]\n# both\na = \"1\"\nb.workspace = true\n"),
            [(4, "b".to_owned())]
        );
        assert_eq!(found("[dependencies]\n# apart\n\na = \"1\"\n"), [(4, "a".to_owned())]);
    }

    #[test]
    fn tables_of_a_target_and_of_one_dependency_are_lists_too() {
        assert_eq!(found("[target.'cfg(unix)'.dependencies]\na = \"1\"\n"), [(2, "a".to_owned())]);
        assert_eq!(found("[dependencies.a]\nversion = \"1\"\n"), [(1, "a".to_owned())]);
        assert!(found("# engine\n[dependencies.a]\nversion = \"1\"\n").is_empty());
    }

    #[test]
    fn the_workspaces_list_and_other_sections_need_no_reasons() {
        assert!(
            found("[workspace.dependencies]\na = \"1\"\n[package]\nname = \"x\"\n[lints]\nworkspace = true")
                .is_empty()
        );
    }

    #[test]
    fn values_over_several_lines_are_one_dependency() {
        let manifest = "[dependencies]\n# a\na = { version = \"1\", features = [\n  \"x\",\n  \"y\",\n] }\n";
        assert!(found(manifest).is_empty());
    }
}

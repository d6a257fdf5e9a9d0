//! Which files of the tree are for which linter.

use crate::failure::Failure;
use crate::tidy::tree::{File, Tree};

/// Where a workflow must lie to be one.
const WORKFLOWS: &str = ".github/workflows/";
/// Shells whose scripts shellcheck reads.
const SHELLS: [&str; 3] = ["bash", "dash", "sh"];

/// All workflows. That there are none is no clean bill: it says that this looks in the wrong place.
pub(super) fn workflows(tree: &Tree) -> Result<Vec<&str>, Failure> {
    let is_workflow =
        |file: &&File| file.path.starts_with(WORKFLOWS) && ["yml", "yaml"].contains(&file.extension());
    let found: Vec<_> = tree.files.iter().filter(is_workflow).map(|file| file.path.as_str()).collect();
    if found.is_empty() {
        return Err(Failure::harness(format!("no workflow in `{WORKFLOWS}`"), "git status .github"));
    }
    Ok(found)
}

/// All scripts for a shell, by their names or by their first lines.
pub(super) fn scripts(tree: &Tree) -> Vec<&str> {
    let is_script =
        |file: &&File| SHELLS.contains(&file.extension()) || file.text().is_some_and(names_a_shell);
    tree.files.iter().filter(is_script).map(|file| file.path.as_str()).collect()
}

/// `#!/bin/sh`, `#!/usr/bin/env bash` and the like.
fn names_a_shell(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    first.strip_prefix("#!").is_some_and(|line| line.split(['/', ' ']).any(|word| SHELLS.contains(&word)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::fixture::tree;

    #[test]
    fn a_script_is_known_by_its_name_or_by_its_first_line() {
        let files = [
            ("a.sh", "echo\n"),
            ("b/run", "#!/usr/bin/env bash\n"),
            ("c", "#!/bin/sh -e\n"),
            ("d", "#!/usr/bin/env python3\n# not bash\n"),
            ("e.rs", "//! sh\n"),
            ("f.md", "see\n#!/bin/sh\n"),
        ];
        assert_eq!(scripts(&tree(&files)), ["a.sh", "b/run", "c"]);
    }

    #[test]
    fn workflows_are_those_of_github_and_none_is_a_failure() {
        let files =
            [(".github/workflows/a.yml", ""), (".github/dependabot.yml", ""), ("workflows/b.yml", "")];
        assert_eq!(workflows(&tree(&files)).expect("one"), [".github/workflows/a.yml"]);
        assert!(workflows(&tree(&files[1..])).is_err());
    }
}

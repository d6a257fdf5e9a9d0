//! What comes from elsewhere is pinned by its hash: wheels, npm's packages, actions; and nothing is piped to a shell.

use serde_json::Value;

use super::Breach;
use super::tree::{File, Tree};

/// What fetches a text that a shell could be given.
const FETCHERS: [&str; 2] = ["curl", "wget"];
/// What would run it.
const RUNNERS: [&str; 6] = ["bash", "dash", "node", "python", "python3", "sh"];

/// Each line of what pip is given names one version and the hashes of its files.
pub(super) fn wheels(tree: &Tree) -> Vec<Breach> {
    let is_list = |file: &&File| file.name().starts_with("requirements") && file.extension() == "txt";
    let mut breaches = Vec::new();
    for file in tree.files.iter().filter(is_list) {
        for (line, requirement) in requirements(file.text().unwrap_or_default()) {
            let has_version = requirement.split(' ').next().is_some_and(|name| name.contains("=="));
            let mut hashes =
                requirement.split(' ').filter_map(|word| word.strip_prefix("--hash=")).peekable();
            let has_hash = hashes.peek().is_some() && hashes.all(is_sha256);
            if !has_version || !has_hash {
                let advice = "pin it by `==` and `--hash=sha256:...`: compile the list as its .in file says";
                breaches.push(Breach::new(&file.path, line, "pin", advice));
            }
        }
    }
    breaches
}

/// Each package that npm installs has its hash, and each list of packages its lock file.
pub(super) fn packages(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in &tree.files {
        if file.name() == "package.json" {
            let lock = format!("{}package-lock.json", file.path.trim_end_matches("package.json"));
            if !tree.files.iter().any(|other| other.path == lock) {
                let advice = "has no lock file beside it: npm install --package-lock-only --ignore-scripts";
                breaches.push(Breach::new(&file.path, 1, "pin", advice));
            }
        }
        if file.name() == "package-lock.json" {
            breaches.extend(locked(file));
        }
    }
    breaches
}

/// Each action is named by its commit, and its version stands behind it for people and for Dependabot.
pub(super) fn actions(tree: &Tree) -> Vec<Breach> {
    let is_ours =
        |file: &&File| file.path.starts_with(".github/") && ["yml", "yaml"].contains(&file.extension());
    let mut breaches = Vec::new();
    for file in tree.files.iter().filter(is_ours) {
        for (at, line) in file.text().unwrap_or_default().lines().enumerate() {
            let key = line.trim_start().trim_start_matches("- ").trim_start();
            if key.strip_prefix("uses:").is_some_and(|value| !is_pinned_action(value.trim())) {
                let advice = "name the action by the 40 digits of its commit, and its version as a comment: `# v1.2.3`";
                breaches.push(Breach::new(&file.path, at + 1, "pin", advice));
            }
        }
    }
    breaches
}

/// A text from the network is never run as it comes.
pub(super) fn no_piped_installs(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in &tree.files {
        for (at, line) in file.text().unwrap_or_default().lines().enumerate() {
            if runs_what_it_fetches(line) {
                let advice =
                    "fetch a package by name and hash instead of giving a shell what the network says";
                breaches.push(Breach::new(&file.path, at + 1, "pin", advice));
            }
        }
    }
    breaches
}

/// The requirements of a list, those over several lines as one, each with its first line's number.
fn requirements(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (at, line) in text.lines().enumerate() {
        let code = line.split('#').next().unwrap_or_default().trim();
        let (code, goes_on) = code.strip_suffix('\\').map_or((code, false), |code| (code.trim(), true));
        if code.is_empty() && open.is_none() {
            continue;
        }
        let (_, whole) = open.get_or_insert_with(|| (at + 1, String::new()));
        if !whole.is_empty() && !code.is_empty() {
            whole.push(' ');
        }
        whole.push_str(code);
        if !goes_on {
            found.extend(open.take());
        }
    }
    found.extend(open);
    found
}

fn locked(file: &File) -> Vec<Breach> {
    let text = file.text().unwrap_or_default();
    let root: Value = serde_json::from_str(text).unwrap_or_default();
    let Some(packages) = root["packages"].as_object() else {
        return vec![Breach::new(&file.path, 1, "pin", "is no lock file of npm 7 or newer; make it anew")];
    };
    // The one without a name is ours.
    let others = packages.iter().filter(|(name, _)| !name.is_empty());
    let loose = others.filter(|(_, package)| !package["integrity"].as_str().is_some_and(is_sha512));
    loose
        .map(|(name, _)| {
            let quoted = format!("\"{name}\"");
            let line =
                text.lines().position(|line| line.trim_start().starts_with(&quoted)).map_or(1, |at| at + 1);
            Breach::new(
                &file.path,
                line,
                "pin",
                format!("`{name}` has no `integrity` of sha512; lock it anew"),
            )
        })
        .collect()
}

/// `owner/name@` and 40 digits, `# v` and a version behind it. What lies in this repository needs no pin.
fn is_pinned_action(value: &str) -> bool {
    let (action, comment) = value.split_once('#').unwrap_or((value, ""));
    let action = action.trim().trim_matches(['"', '\'']);
    if action.starts_with("./") {
        return true;
    }
    let names_version = comment
        .trim()
        .strip_prefix('v')
        .is_some_and(|version| version.starts_with(|digit: char| digit.is_ascii_digit()));
    let names_commit =
        action.split_once('@').is_some_and(|(name, commit)| name.contains('/') && is_hex(commit, 40));
    names_commit && names_version
}

fn is_sha256(hash: &str) -> bool {
    hash.strip_prefix("sha256:").is_some_and(|digits| is_hex(digits, 64))
}

fn is_sha512(integrity: &str) -> bool {
    integrity.strip_prefix("sha512-").is_some_and(|digest| digest.len() == 88)
}

fn is_hex(digits: &str, length: usize) -> bool {
    digits.len() == length && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A fetcher piped to a shell, and a shell that is given a fetcher's output as a file or as its text.
fn runs_what_it_fetches(line: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let parts = text.split(|char: char| !(char.is_alphanumeric() || "_-./".contains(char)));
        parts
            .filter(|word| !word.is_empty())
            .map(|word| word.rsplit('/').next().unwrap_or(word).to_owned())
            .collect()
    };
    let fetches = |text: &str| words(text).iter().any(|word| FETCHERS.contains(&word.as_str()));
    let runs = |text: &str| {
        let words = words(text);
        let first = words.iter().find(|word| !["sudo", "env", "exec", "-E"].contains(&word.as_str()));
        first.is_some_and(|word| RUNNERS.contains(&word.as_str()))
    };
    let mut pieces = line.split('|');
    let before = pieces.next().unwrap_or_default();
    let is_piped = fetches(before) && pieces.any(runs);
    let is_substituted = ["<(", "$("].iter().any(|sign| {
        line.split_once(sign).is_some_and(|(before, after)| {
            let is_run = words(before).iter().any(|word| RUNNERS.contains(&word.as_str()) || word == "eval");
            let first = words(after).first().cloned().unwrap_or_default();
            is_run && FETCHERS.contains(&first.as_str())
        })
    });
    is_piped || is_substituted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::fixture::{places, tree};

    /// Of the right form; nothing is fetched by it.
    fn hash() -> String {
        format!("--hash=sha256:{}", "0f".repeat(32))
    }

    #[test]
    fn a_wheel_with_version_and_hashes_is_pinned_over_several_lines() {
        let list =
            format!("# by hand\na==1.0 \\\n    {0} \\\n    {0}\n    # via b\n\nb==2 ; x < '3' {0}\n", hash());
        assert!(wheels(&tree(&[("a/requirements.txt", &list), ("a/requirements.in", "a\n")])).is_empty());
    }

    #[test]
    fn a_wheel_without_a_hash_or_a_version_is_found() {
        let list = format!(
            "a==1 \\\n    {0}\nb==1\nc {0}\nd>=1 {0}\n-r other.txt\ne==1 --hash=md5:00\nf==1 {0}0\ng==1 \\\n",
            hash()
        );
        let found = places(&wheels(&tree(&[("requirements-dev.txt", &list)])));
        let lines = [3, 4, 5, 6, 7, 8, 9].map(|line| format!("requirements-dev.txt:{line}"));
        assert_eq!(found, lines);
    }

    #[test]
    fn a_package_of_npm_needs_its_hash() {
        let good = format!("sha512-{}==", "A".repeat(86));
        let lock = |integrity: &str| {
            format!("{{\"packages\": {{\n\"\": {{}},\n\"node_modules/a\": {{ {integrity} }}\n}}}}")
        };
        let pinned = lock(&format!("\"integrity\": \"{good}\""));
        assert!(packages(&tree(&[("w/package.json", "{}"), ("w/package-lock.json", &pinned)])).is_empty());
        for loose in [lock(""), lock("\"integrity\": \"sha1-AAAA\""), lock("\"integrity\": 7")] {
            assert_eq!(
                places(&packages(&tree(&[("w/package-lock.json", &loose)]))),
                ["w/package-lock.json:3"]
            );
        }
    }

    #[test]
    fn a_list_without_a_lock_file_and_a_lock_file_that_is_none_are_found() {
        let held = [("a/package.json", "{}"), ("b/package-lock.json", "{"), ("c/package-lock.json", "{}")];
        let expected = ["a/package.json:1", "b/package-lock.json:1", "c/package-lock.json:1"];
        assert_eq!(places(&packages(&tree(&held))), expected);
    }

    #[test]
    fn an_action_is_pinned_by_its_commit_with_its_version_behind_it() {
        let sha = "3d3c42e5aac5ba805825da76410c181273ba90b1";
        let workflow =
            format!("steps:\n  - uses: a/b@{sha} # v7.0.1\n  - uses: ./.github/c\n    # uses: x\n");
        assert!(actions(&tree(&[(".github/workflows/a.yml", &workflow)])).is_empty());
        for loose in [
            "a/b@v7".to_owned(),
            format!("a/b@{sha}"),
            format!("a/b@{} # v7", &sha[1..]),
            format!("a/b@{} # v7", sha.to_uppercase()),
            format!("a/b@{sha} # the newest"),
            "a/b # v1".to_owned(),
            "docker://alpine:3 # v3".to_owned(),
        ] {
            for step in [format!("  - uses: {loose}\n"), format!("  - name: x\n    uses: {loose}\n")] {
                let found = actions(&tree(&[(".github/actions/x/action.yml", &step)]));
                assert_eq!(found.len(), 1, "{step}");
            }
        }
    }

    #[test]
    fn a_fetched_text_is_given_to_no_shell() {
        for fetch in FETCHERS {
            for line in [
                format!("{fetch} -sSf https://example.org/x | sh"),
                format!("x && {fetch} https://example.org/x | sudo -E bash -s --"),
                format!("bash <({fetch} https://example.org/x)"),
                format!("sh -c \"$({fetch} https://example.org/x)\""),
                format!("eval \"$({fetch} https://example.org/x)\""),
            ] {
                let found = no_piped_installs(&tree(&[("a.md", &format!("first\n{line}\n"))]));
                assert_eq!(places(&found), ["a.md:2"], "{line}");
            }
        }
    }

    #[test]
    fn fetching_alone_and_pipes_of_other_things_are_fine() {
        let text = [
            "curl -o x https://example.org/x",
            "curl https://example.org/x | sha256sum",
            "echo sh | sh",
            "| `bash` | curl |",
            "x=$(curl https://example.org)",
        ];
        assert!(no_piped_installs(&tree(&[("a.sh", &text.join("\n"))])).is_empty());
    }
}

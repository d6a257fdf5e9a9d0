//! `cargo xtask tidy`: the house rules that no compiler or linter checks, each a function from the tree to its
//! breaches. They search lines of text: comments are skipped, and so are the test modules at the end of a file where
//! a rule is about the product alone.

pub(crate) mod tree;

use std::ffi::OsString;
use std::fmt;
use std::process::ExitCode;

use crate::failure::Failure;
use crate::{root, say};
use tree::{File, Tree};

/// The exit code when a rule is broken.
const UNTIDY: u8 = 1;
/// All rules.
const RULES: [fn(&Tree) -> Vec<Breach>; 6] =
    [imports_point_left, crates_at_home, judge_is_pure, sizes, names, no_registry_hosts];
/// What every floor may use, and what uses none.
const GROUND: [&str; 5] = ["error", "files", "places", "sys", "visible"];
/// The floors in the order of the data flow; each may use those before it.
const FLOORS: [&str; 10] =
    ["workload", "engine", "golden", "measure", "record", "judge", "run", "report", "gate", "cli"];
/// The crate map and the door may use everything.
const EXEMPT: [&str; 2] = ["lib", "main"];
/// Each external crate and the floors that may name it; `main` is `src/main.rs`.
const HOMES: [(&str, &[&str]); 28] = [
    ("argminmax", &["engine"]),
    ("base64", &["record"]),
    ("cl3", &["engine"]),
    ("clap", &["cli", "main"]),
    ("comfy_table", &["report"]),
    ("csv", &["record", "report"]),
    ("dunce", &["sys"]),
    ("fastrand", &["engine", "gate", "report", "run"]),
    ("git2", &["record"]),
    ("half", &["engine"]),
    ("httparse", &["cli"]),
    ("indicatif", &["cli"]),
    ("jiff", &["record"]),
    ("libloading", &["engine"]),
    ("openvino", &["engine"]),
    ("openvino_sys", &["engine"]),
    ("roxmltree", &["engine"]),
    ("rustix", &["files", "measure", "sys"]),
    ("sha2", &["record"]),
    ("signal_hook", &["sys"]),
    ("statrs", &["judge"]),
    ("strsim", &["engine"]),
    ("sysinfo", &["record", "sys"]),
    ("tempfile", &["cli", "files", "record", "sys"]),
    ("tera", &["report"]),
    ("tokenizers", &["workload"]),
    ("windows_sys", &["sys"]),
    ("zip", &["record"]),
];
/// The judge reads no disk, no clock, no process and no environment.
const NOT_FOR_THE_JUDGE: [&str; 4] = ["std::fs", "std::time", "std::process", "std::env"];
/// What people read from top to bottom.
const READ: [&str; 6] = ["rs", "py", "js", "mjs", "cpp", "html"];
/// A file is as long as its subject, and no longer than this.
const LONGEST_LINES: usize = 600;
/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 5] = ["util", "utils", "common", "helpers", "misc"];
/// Where packages come from is a setting of the machine. In halves, so that this file does not hold them.
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

/// A place where a rule is broken.
#[derive(Debug, PartialEq, Eq)]
struct Breach {
    path: String,
    line: usize,
    rule: &'static str,
    advice: String,
}

impl Breach {
    fn new(path: &str, line: usize, rule: &'static str, advice: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule, advice: advice.into() }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.advice)
    }
}

/// Prints every breach, then how many there are.
pub(crate) fn run(args: &[OsString]) -> Result<ExitCode, Failure> {
    if let Some(arg) = args.first() {
        let message = format!("`tidy` does not take `{}`", arg.to_string_lossy());
        return Err(Failure::usage(message, "cargo xtask tidy"));
    }
    let tree = Tree::read(&root())?;
    let breaches: Vec<Breach> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    for breach in &breaches {
        say(&breach.to_string());
    }
    match breaches.len() {
        0 => {
            say(&format!("tidy: {} files, {} rules, no breach", tree.files.len(), RULES.len()));
            Ok(ExitCode::SUCCESS)
        }
        count => Err(Failure {
            message: format!("{count} breaches of the house rules in `{}`", root().display()),
            hint: "do what each line says, then: cargo xtask tidy".to_owned(),
            code: UNTIDY,
        }),
    }
}

/// A module imports only from its own floor and from those before it, tests included.
fn imports_point_left(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (file, text) in tree.rust() {
        let Some(floor) = file.floor().filter(|floor| !EXEMPT.contains(floor)) else { continue };
        let Some(own) = height(floor) else {
            let advice = format!("`{floor}` is no floor; put it in {}", FLOORS.join(", "));
            breaches.push(Breach::new(&file.path, 1, "floors", advice));
            continue;
        };
        for (line, code) in code(text) {
            for used in code.split("crate::").skip(1).map(first_word) {
                let advice = match height(used) {
                    Some(other) if other <= own => continue,
                    Some(_) => format!("`{floor}` comes before `{used}` and may not use it; pass it in"),
                    None => format!("write the floor right after `crate::`, not `{used}`"),
                };
                breaches.push(Breach::new(&file.path, line, "floors", advice));
            }
        }
    }
    breaches
}

/// The position of a floor in the data flow; the ground is 0.
fn height(floor: &str) -> Option<usize> {
    if GROUND.contains(&floor) {
        return Some(0);
    }
    FLOORS.iter().position(|other| *other == floor).map(|at| at + 1)
}

/// External crates are named on their own floors only. A test may use any.
fn crates_at_home(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (file, text) in tree.rust() {
        let Some(floor) = file.floor().filter(|_| !file.path.ends_with("/tests.rs")) else { continue };
        for (line, code) in code(without_tests(text)) {
            for (name, homes) in HOMES.iter().filter(|(_, homes)| !homes.contains(&floor)) {
                if names_crate(code, name) {
                    let advice = format!("`{name}` is used in {}; call what it offers", homes.join(" and "));
                    breaches.push(Breach::new(&file.path, line, "crate-home", advice));
                }
            }
        }
    }
    breaches
}

/// A verdict is a function of records alone.
fn judge_is_pure(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (file, text) in tree.rust().filter(|(file, _)| file.floor() == Some("judge")) {
        for (line, code) in code(text) {
            for module in NOT_FOR_THE_JUDGE.iter().filter(|module| names_crate(code, module)) {
                let advice = format!("the judge may not use `{module}`; pass the value in");
                breaches.push(Breach::new(&file.path, line, "judge", advice));
            }
        }
    }
    breaches
}

/// A file can be read in one sitting.
fn sizes(tree: &Tree) -> Vec<Breach> {
    let read = tree.files.iter().filter(|file| READ.contains(&file.extension()));
    let long = read
        .map(|file| (file, file.text().map_or(0, |text| text.lines().count())))
        .filter(|(_, lines)| *lines > LONGEST_LINES);
    long.map(|(file, lines)| {
        let advice = format!("{lines} lines, more than {LONGEST_LINES}; split it by what it does");
        Breach::new(&file.path, lines, "size", advice)
    })
    .collect()
}

/// Every file and folder says what it holds.
fn names(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in &tree.files {
        let stems = file.path.split('/').map(|part| part.split_once('.').map_or(part, |(stem, _)| stem));
        for name in stems.filter(|stem| EMPTY_NAMES.contains(stem)) {
            let advice = format!("`{name}` says nothing; name what is inside");
            breaches.push(Breach::new(&file.path, 1, "name", advice));
        }
    }
    breaches
}

/// No registry is named, so that every machine may use its own. Cargo's lock file cannot do without.
fn no_registry_hosts(tree: &Tree) -> Vec<Breach> {
    let hosts = HOSTS.map(|halves| halves.concat());
    let mut breaches = Vec::new();
    for file in tree.files.iter().filter(|file| file.name() != "Cargo.lock") {
        for (at, line) in file.text().unwrap_or_default().lines().enumerate() {
            let line = line.to_ascii_lowercase();
            if let Some(host) = hosts.iter().find(|host| line.contains(host.as_str())) {
                let advice = format!("take `{host}` out; name the package alone");
                breaches.push(Breach::new(&file.path, at + 1, "registry", advice));
            }
        }
    }
    breaches
}

/// The lines that are no comments, from 1.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// What stands before the test module at the end of a file; a module of tests in a file of its own ends nothing.
fn without_tests(text: &str) -> &str {
    let starts = text.match_indices("#[cfg(test)]\nmod ");
    let inline = starts
        .map(|(at, _)| at)
        .find(|at| text[*at..].lines().nth(1).is_some_and(|line| line.ends_with('{')));
    &text[..inline.unwrap_or(text.len())]
}

fn first_word(text: &str) -> &str {
    text.split(|char: char| !is_word(char)).next().unwrap_or_default()
}

/// Whether `NAME::` stands there as a path of its own, or `use NAME`.
fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        let is_path = after.starts_with("::") || before.ends_with("use ") && !after.starts_with(is_word);
        let is_first = !before.ends_with(is_word) && (!before.ends_with("::") || before.ends_with(" ::"));
        is_path && is_first
    })
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

impl File {
    /// The floor of a file below `src/`: `src/engine/mod.rs` and `src/engine.rs` are both on `engine`.
    fn floor(&self) -> Option<&str> {
        let first = self.path.strip_prefix("src/")?.split('/').next()?;
        Some(first.strip_suffix(".rs").unwrap_or(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tree::fixture::tree;

    /// Where a rule finds what, as `path:line`.
    fn found(rule: fn(&Tree) -> Vec<Breach>, files: &[(&str, &str)]) -> Vec<String> {
        rule(&tree(files)).iter().map(|breach| format!("{}:{}", breach.path, breach.line)).collect()
    }

    #[test]
    fn a_breach_reads_as_path_line_rule_advice() {
        let breach = Breach::new("src/a.rs", 7, "size", "split it");
        assert_eq!(breach.to_string(), "src/a.rs:7: size: split it");
    }

    #[test]
    fn a_floor_uses_those_before_it_and_no_other_tests_included() {
        let fine = "//! [`crate::judge::V`]\nuse crate::engine::Engine;\nuse crate::error::Error;\n";
        assert!(found(imports_point_left, &[("src/golden/check.rs", fine)]).is_empty());
        let cases = [
            ("src/engine/a.rs", "\nuse crate::golden::Check;", "src/engine/a.rs:2"),
            ("src/engine.rs", "fn f(it: &crate::cli::Verb) {}", "src/engine.rs:1"),
            ("src/engine/a.rs", "#[cfg(test)]\nmod tests {\n use crate::cli::V;\n}", "src/engine/a.rs:3"),
            ("src/error.rs", "use crate::engine::Engine;", "src/error.rs:1"),
            ("src/judge/a.rs", "use crate::{record, report};", "src/judge/a.rs:1"),
            ("src/attic/a.rs", "use crate::cli::X;", "src/attic/a.rs:1"),
        ];
        for (path, text, breach) in cases {
            assert_eq!(found(imports_point_left, &[(path, text)]), [breach]);
        }
        let exempt = [("src/main.rs", "use crate::cli::V;"), ("tests/all.rs", "use crate::cli::V;")];
        assert!(found(imports_point_left, &exempt).is_empty());
    }

    #[test]
    fn a_crate_is_named_in_its_home_and_in_tests_alone() {
        let test = "#[cfg(test)]\nmod tests {\n fn f() { tempfile::tempdir(); }\n}\n";
        for (path, text) in [
            ("src/engine/a.rs", "use openvino::Core;"),
            ("src/engine/b.rs", test),
            ("src/judge/a/tests.rs", "fn f() { tempfile::tempdir(); }"),
            ("src/measure/a.rs", "use crate::engine::openvino::Pipeline;"),
            ("tests/a.rs", "use git2::Repository;"),
        ] {
            assert!(found(crates_at_home, &[(path, text)]).is_empty(), "{path}");
        }
        for text in ["use csv;", "fn f() { ::csv::f() }", "use git2 as g;", "#[derive(clap::Args)]"] {
            assert_eq!(found(crates_at_home, &[("src/judge/a.rs", text)]), ["src/judge/a.rs:1"], "{text}");
        }
    }

    #[test]
    fn the_judge_reads_no_clock() {
        let text = "use std::collections::BTreeMap;\nuse std::time::Instant;\n";
        assert_eq!(found(judge_is_pure, &[("src/judge/a.rs", text)]), ["src/judge/a.rs:2"]);
        assert!(found(judge_is_pure, &[("src/record/a.rs", text)]).is_empty());
    }

    #[test]
    fn a_file_of_more_than_600_lines_is_a_breach_and_a_text_may_be_longer() {
        let lines = |count: usize| "x\n".repeat(count);
        let files = [("a.py", &*lines(600)), ("c.js", &lines(601)), ("p.txt", &lines(900))];
        assert_eq!(found(sizes, &files), ["c.js:601"]);
    }

    #[test]
    fn names_that_say_nothing_are_found_in_files_and_folders() {
        let files = [("src/utils/a.rs", ""), ("b/common.test.js", ""), ("src/common_prefix.rs", "")];
        assert_eq!(found(names, &files), ["b/common.test.js:1", "src/utils/a.rs:1"]);
    }

    #[test]
    fn every_registry_host_is_found_in_every_case() {
        for host in HOSTS.map(|halves| halves.concat().to_uppercase()) {
            let text = format!("a\nhttps://files.{host}/x");
            let files = [("a.md", &*text), ("Cargo.lock", &text)];
            assert_eq!(found(no_registry_hosts, &files), ["a.md:2"], "{host}");
        }
    }
}

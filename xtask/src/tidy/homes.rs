//! One home for each thing: external crates, unsafe code, printing; and what the judge must not touch.

use super::Breach;
use super::paths::named_paths;
use super::tokens::{Token, outside_tests, tokens};
use super::tree::Tree;

/// Each external crate and the rooms that may name it; `main` is `src/main.rs`.
const HOMES: [(&str, &[&str]); 25] = [
    ("openvino", &["engine"]),
    ("openvino_sys", &["engine"]),
    ("argminmax", &["engine"]),
    ("cl3", &["engine"]),
    ("libloading", &["engine"]),
    ("roxmltree", &["engine"]),
    ("tokenizers", &["workload"]),
    ("git2", &["record"]),
    ("sha2", &["record"]),
    ("base64", &["record"]),
    ("tempfile", &["record"]),
    ("jiff", &["record"]),
    ("zip", &["record"]),
    ("ureq", &["record"]),
    ("tera", &["report"]),
    ("plotters", &["report"]),
    ("comfy_table", &["report"]),
    ("rustix", &["measure"]),
    ("sysinfo", &["measure", "record"]),
    ("statrs", &["judge"]),
    ("fastrand", &["report", "gate"]),
    ("csv", &["record", "report"]),
    ("indicatif", &["cli"]),
    ("tiny_http", &["cli"]),
    ("signal_hook", &["cli"]),
];
/// The one crate with a home outside the rooms.
const CLAP: (&str, &[&str]) = ("clap", &["cli", "main"]);
/// The judge is pure: no disk, no clock, no process, no environment.
const NOT_FOR_THE_JUDGE: [&str; 4] = ["fs", "time", "process", "env"];
/// Leans on the layout of another library's handles, which only unsafe code can.
const UNSAFE_HOME: &str = "src/engine/openvino/state.rs";
/// The loop of C calls that a bench holds ours against.
const BARE_LOOP: &str = "benches/bare_loop/mod.rs";
/// The macros that print.
const PRINT: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];

/// External crates are named in their own rooms only. A test may lean on any, for a temporary folder say.
pub(super) fn crates_at_home(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (file, text) in tree.rust() {
        let Some(room) = file.room().filter(|_| !file.path.ends_with("/tests.rs")) else { continue };
        for path in named_paths(file, outside_tests(&tokens(text))).iter().filter(|path| !path.is_inside) {
            let home = HOMES
                .iter()
                .chain([&CLAP])
                .find(|(name, _)| path.segments.first().is_some_and(|it| it == name));
            if let Some((name, homes)) = home.filter(|(_, homes)| !homes.contains(&room)) {
                let advice = format!("`{name}` lives in {}; call what that room offers", homes.join(" and "));
                breaches.push(Breach::new(&file.path, path.line, "crate-home", advice));
            }
        }
    }
    breaches
}

/// A verdict is a function of records alone.
pub(super) fn judge_is_pure(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (file, text) in tree.rust().filter(|(file, _)| file.room() == Some("judge")) {
        for path in named_paths(file, tokens(text)).iter().filter(|path| !path.is_inside) {
            let [root, module, ..] = &path.segments[..] else { continue };
            if ["std", "core"].contains(&root.as_str()) && NOT_FOR_THE_JUDGE.contains(&module.as_str()) {
                let advice =
                    format!("the judge is pure and may not use `{root}::{module}`; hand the value in");
                breaches.push(Breach::new(&file.path, path.line, "judge", advice));
            }
        }
    }
    breaches
}

/// `unsafe` stands in one file of the product.
pub(super) fn unsafe_at_home(tree: &Tree) -> Vec<Breach> {
    let advice = format!("`unsafe` lives in {UNSAFE_HOME} only; call what that file offers");
    find(
        tree,
        |path| path != UNSAFE_HOME && path != BARE_LOOP,
        |token, _| token.text == "unsafe",
        "unsafe",
        &advice,
    )
}

/// The command line prints; everything else returns what is to be told.
pub(super) fn print_at_home(tree: &Tree) -> Vec<Breach> {
    // A build script talks to cargo by printing.
    let looked_at = |path: &str| {
        let prints = path.starts_with("src/cli/") || ["src/cli.rs", "src/main.rs"].contains(&path);
        path.starts_with("src/") && !prints && !path.ends_with("/build.rs")
    };
    let advice = "only src/cli/ and src/main.rs print; return the value, or a warning";
    find(tree, looked_at, |token, next| PRINT.contains(&token.text) && next == Some("!"), "print", advice)
}

fn find(
    tree: &Tree,
    looked_at: impl Fn(&str) -> bool,
    is_breach: impl Fn(&Token<'_>, Option<&str>) -> bool,
    rule: &'static str,
    advice: &str,
) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (file, text) in tree.rust().filter(|(file, _)| looked_at(&file.path)) {
        let tokens = tokens(text);
        for (at, token) in tokens.iter().enumerate() {
            if is_breach(token, tokens.get(at + 1).map(|next| next.text)) {
                breaches.push(Breach::new(&file.path, token.line, rule, advice));
            }
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::fixture::{places, tree};

    fn found(rule: fn(&Tree) -> Vec<Breach>, path: &str, text: &str) -> Vec<String> {
        places(&rule(&tree(&[(path, text)])))
    }

    #[test]
    fn a_crate_may_be_named_in_its_home() {
        assert!(found(crates_at_home, "src/engine/a.rs", "use openvino::Core;").is_empty());
        assert!(found(crates_at_home, "src/record/a.rs", "use sysinfo::System;").is_empty());
        assert!(found(crates_at_home, "src/main.rs", "use clap::Parser;").is_empty());
        assert!(found(crates_at_home, "tests/a.rs", "use git2::Repository;").is_empty());
    }

    #[test]
    fn a_crate_may_not_be_named_elsewhere() {
        assert_eq!(found(crates_at_home, "src/record/a.rs", "\nuse openvino::Core;"), ["src/record/a.rs:2"]);
        assert_eq!(found(crates_at_home, "src/judge/a.rs", "fn f() { ::csv::f() }"), ["src/judge/a.rs:1"]);
        assert_eq!(found(crates_at_home, "src/gate/a.rs", "use git2 as g;"), ["src/gate/a.rs:1"]);
        assert_eq!(found(crates_at_home, "src/engine/a.rs", "#[derive(clap::Args)]\nstruct A;").len(), 1);
    }

    #[test]
    fn a_test_may_name_any_crate_and_what_follows_it_may_not() {
        let test = "#[cfg(test)]\nmod tests {\n fn f() { tempfile::tempdir(); }\n}\n";
        assert!(found(crates_at_home, "src/engine/a.rs", test).is_empty());
        let alone = "fn f() { tempfile::tempdir(); }";
        assert!(found(crates_at_home, "src/judge/a/tests.rs", alone).is_empty());
        let more = format!("{test}fn g() {{ tempfile::tempdir(); }}");
        assert_eq!(found(crates_at_home, "src/engine/a.rs", &more), ["src/engine/a.rs:5"]);
    }

    #[test]
    fn a_room_of_the_same_name_is_no_crate() {
        assert!(
            found(crates_at_home, "src/measure/a.rs", "use crate::engine::{openvino::Pipeline};").is_empty()
        );
    }

    #[test]
    fn the_judge_may_count_and_may_not_look_around() {
        assert!(found(judge_is_pure, "src/judge/a.rs", "use std::collections::BTreeMap;").is_empty());
        assert_eq!(found(judge_is_pure, "src/judge/a.rs", "use std::{fmt, fs};"), ["src/judge/a.rs:1"]);
        assert_eq!(
            found(judge_is_pure, "src/judge.rs", "fn f() { std::env::var(\"A\"); }"),
            ["src/judge.rs:1"]
        );
        assert!(found(judge_is_pure, "src/measure/a.rs", "use std::time::Instant;").is_empty());
    }

    #[test]
    fn unsafe_code_has_one_home() {
        let text = "// unsafe\n#![deny(unsafe_code)]\nfn f() { unsafe { g() } }";
        assert!(found(unsafe_at_home, "src/engine/openvino/state.rs", text).is_empty());
        assert_eq!(found(unsafe_at_home, "src/engine/a.rs", text), ["src/engine/a.rs:3"]);
        assert!(found(unsafe_at_home, "benches/bare_loop/mod.rs", text).is_empty());
        assert_eq!(found(unsafe_at_home, "benches/a.rs", text), ["benches/a.rs:3"]);
        assert_eq!(found(unsafe_at_home, "tests/a.rs", text), ["tests/a.rs:3"]);
    }

    #[test]
    fn only_the_command_line_prints() {
        let text = "fn f() {\n println!(\"println!\");\n}";
        for path in ["src/cli/bench.rs", "src/main.rs", "src/engine/openvino/build.rs", "xtask/src/main.rs"] {
            assert!(found(print_at_home, path, text).is_empty(), "{path}");
        }
        assert_eq!(found(print_at_home, "src/report/a.rs", text), ["src/report/a.rs:2"]);
        assert!(found(print_at_home, "src/report/a.rs", "fn print() { print(1) }").is_empty());
    }
}

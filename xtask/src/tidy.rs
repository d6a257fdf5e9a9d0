//! `cargo xtask tidy`: the house rules, each a function from the tree to its breaches.

mod files;
mod homes;
mod manifest;
mod paths;
mod pins;
mod rooms;
mod text;
mod tokens;
pub(crate) mod tree;

use std::ffi::OsString;
use std::fmt;
use std::process::ExitCode;

use crate::failure::Failure;
use crate::{root, say};
use tree::Tree;

/// The exit code when a rule is broken: the task did its work, and the tree is not tidy.
const UNTIDY: u8 = 1;

/// All rules, in the order in which they are told.
const RULES: [fn(&Tree) -> Vec<Breach>; 16] = [
    rooms::imports_lead_down,
    homes::crates_at_home,
    homes::judge_is_pure,
    homes::unsafe_at_home,
    homes::print_at_home,
    files::sizes,
    files::names,
    files::weights,
    files::required,
    text::no_markers,
    text::no_registry_hosts,
    manifest::reasons,
    pins::wheels,
    pins::packages,
    pins::actions,
    pins::no_piped_installs,
];

/// A place where a rule is broken, or nearly.
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

/// Tells every breach, then how many there are.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breach_reads_as_path_line_rule_advice() {
        let breach = Breach::new("src/a.rs", 7, "size", "split it");
        assert_eq!(breach.to_string(), "src/a.rs:7: size: split it");
    }
}

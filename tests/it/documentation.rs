//! Every link in the documentation to a file of the repository has its file and its heading; the command reference is
//! the help of the binary; the methodology defines every metric.

use std::env;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use arcgauge::judge::environment::Guard;
use arcgauge::measure::Metric;
use arcgauge::report::fleet::{tables_json, tables_markdown};

use crate::checkout::{Checkout, repository};

const COMMANDS: &str = "docs/commands.md";
const WRITE_COMMANDS: &str = "WRITE_COMMANDS=1 cargo test --locked --test it command_reference";

#[test]
fn the_command_reference_is_the_help_of_the_binary() {
    let mut page = format!(
        "# Command reference\n\nThe `--help` of every command, generated. To write it again:\n\n    {WRITE_COMMANDS}\n\n\
         Exit codes are in [troubleshooting](troubleshooting.md#exit-codes). `setup`, `test`, `tidy` and `lint` are \
         commands of\n`cargo xtask` itself: `cargo xtask help` describes them.\n\n"
    );
    let mut sections = String::new();
    for verb in commands(&help(&[])) {
        let text = help(&[&verb]);
        let about = text.lines().next().unwrap();
        let _ = writeln!(page, "- [{verb}](#{verb}): {about}");
        let _ = write!(sections, "\n## {verb}\n\n```text\n{}\n```\n", text.trim_end());
        for nested in commands(&text) {
            let text = help(&[&verb, &nested]);
            let _ = write!(sections, "\n### {verb} {nested}\n\n```text\n{}\n```\n", text.trim_end());
        }
    }
    page += &sections;
    let file = repository().join(COMMANDS);
    if env::var_os("WRITE_COMMANDS").is_some() {
        fs::write(&file, &page).unwrap();
    }
    assert!(fs::read_to_string(file).unwrap() == page, "{COMMANDS} is not current: {WRITE_COMMANDS}");
}

/// The help of a command, as wide as it is without a terminal.
fn help(command: &[&str]) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_arcgauge"));
    let output = program.args(command).arg("--help").env_remove("COLUMNS").output().unwrap();
    assert!(output.status.success(), "{command:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// The commands that a help lists, without `help` itself.
fn commands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| !line.is_empty());
    // The description of a command goes on in lines that are indented further.
    let names = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !["", "help"].contains(name)).map(str::to_owned).collect()
}

const FLEET: &str = "docs/fleet.md";
const WRITE_TABLES: &str = "WRITE_TABLES=1 cargo test --locked --test it tables_of_the_data_set";

#[test]
fn the_tables_of_the_data_set_are_those_that_are_written() {
    let page = fs::read_to_string(repository().join(FLEET)).unwrap();
    let (before, _) = page.split_once("### runs").unwrap();
    let current = format!("{before}{}\n", tables_markdown().trim_end());
    for (file, current) in [(FLEET, current), ("reports/fleet/tables.json", tables_json())] {
        let path = repository().join(file);
        if env::var_os("WRITE_TABLES").is_some() {
            fs::write(&path, &current).unwrap();
        }
        assert!(fs::read_to_string(path).unwrap() == current, "{file} is not current: {WRITE_TABLES}");
    }
}

#[test]
fn the_methodology_defines_every_metric_by_its_id() {
    let page = fs::read_to_string(repository().join("docs/methodology.md")).unwrap();
    for metric in Metric::ALL {
        assert!(
            page.contains(&format!("| `{}` |", metric.id())),
            "docs/methodology.md lacks `{}`",
            metric.id()
        );
    }
}

#[test]
fn the_methodology_lists_every_guard() {
    let page = fs::read_to_string(repository().join("docs/methodology.md")).unwrap();
    let table = page.split("## Guards").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let listed: Vec<&str> =
        rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2)).collect();
    for guard in Guard::ALL {
        assert!(listed.contains(&guard.id()), "docs/methodology.md lacks `{}`", guard.id());
    }
    assert_eq!(listed.len(), Guard::ALL.len(), "{listed:?}");
}

#[test]
fn the_readme_is_short() {
    let page = fs::read_to_string(repository().join("README.md")).unwrap();
    let (lines, words) = (page.lines().count(), page.split_whitespace().count());
    assert!(lines <= 150 && words <= 1200, "README.md has {lines} lines and {words} words");
}

#[test]
fn the_readme_s_transcript_is_what_bench_prints_in_80_columns() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let transcript = readme.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    let (command, printed) = transcript.split_once('\n').unwrap();
    assert_eq!(command, "$ cargo xtask bench");
    let shown = Checkout::new().on_terminal(80, &["history", "show", "fixtures/records/bench-3.0.json"]);
    // The warnings come after it, on stderr.
    assert!(
        shown.starts_with(printed) && shown[printed.len()..].starts_with("warning: "),
        "{printed}\nis not\n{shown}"
    );
}

#[test]
fn every_link_of_the_documentation_leads_to_a_file_and_a_heading() {
    let listed = Command::new("git").args(["ls-files", "*.md"]).current_dir(repository()).output().unwrap();
    let pages = String::from_utf8(listed.stdout).unwrap();
    assert!(pages.lines().count() > 10, "{pages}");
    for page in pages.lines() {
        let text = fs::read_to_string(repository().join(page)).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            if file.contains("://") {
                continue;
            }
            let target = match file {
                "" => repository().join(page),
                file => repository().join(page).with_file_name(file),
            };
            assert!(target.exists(), "{page}: `{link}` leads nowhere");
            assert!(
                heading.is_empty() || has_heading(&target, heading),
                "{page}: `{link}` has no such heading"
            );
        }
    }
}

/// Whether a page has a heading whose anchor is this one, made as GitHub makes it.
fn has_heading(page: &Path, anchor: &str) -> bool {
    let text = fs::read_to_string(page).unwrap();
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchors = headings.map(|line| {
        let kept = line.trim_start_matches('#').trim().to_lowercase();
        kept.chars().filter(|char| char.is_alphanumeric() || " -_".contains(*char)).collect::<String>()
    });
    anchors.map(|heading| heading.replace(' ', "-")).any(|heading| heading == anchor)
}

//! Every verb that is not xtask's: the runtime is made ready, the binary is built, xtask becomes it.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, IsTerminal as _};
use std::path::PathBuf;
use std::process::{ChildStderr, Command, ExitCode, Stdio};
use std::thread;

use serde_json::Value;

use crate::cargo::{become_program, cargo};
use crate::failure::Failure;
use crate::{help, say, setup};

/// Verbs that load no OpenVINO: `doctor` must run where set-up fails, the others only read and write files.
const WITHOUT_RUNTIME: [&str; 9] =
    ["baseline", "compare", "completions", "doctor", "gate", "history", "man", "model", "report"];
/// Verbs that render pages; those of a library's charts can be zoomed.
const RENDERING: [&str; 8] = ["ab", "bench", "bisect", "compare", "first-light", "gate", "report", "soak"];
/// The one verb of these that is about pages and nothing else.
const REPORT: &str = "report";

/// Ends as the binary ends, with the binary's exit code.
pub(crate) fn run(args: &[OsString]) -> Result<ExitCode, Failure> {
    let compares_tokenizers = setup::compares_tokenizers(args) && !help::asks_for_help(args);
    if needs_runtime(args) || compares_tokenizers {
        setup::for_verb(args)?;
        if compares_tokenizers || setup::reads_tokenizer_ir(args) {
            setup::for_tokenizer_ir(args)?;
        }
    }
    if fetches_a_model(args) {
        setup::for_model_fetch()?;
    }
    if renders(args) {
        setup::for_pages(verb(args) == REPORT);
    }
    let mut binary = Command::new(build()?);
    binary.args(args);
    become_program(binary)
}

fn needs_runtime(args: &[OsString]) -> bool {
    let only_reads = WITHOUT_RUNTIME.contains(&verb(args)) || (verb(args) == "ci" && !measures(args));
    !only_reads && verb(args) != "help" && !help::asks_for_help(args)
}

/// The one verb of `ci` that runs a model.
fn measures(args: &[OsString]) -> bool {
    args.get(1).is_some_and(|verb| verb == "measure")
}

/// The one verb of `model` that runs Python.
fn fetches_a_model(args: &[OsString]) -> bool {
    verb(args) == "model" && args.get(1).is_some_and(|verb| verb == "fetch") && !help::asks_for_help(args)
}

fn renders(args: &[OsString]) -> bool {
    RENDERING.contains(&verb(args)) && !help::asks_for_help(args)
}

fn verb(args: &[OsString]) -> &str {
    args.first().and_then(|verb| verb.to_str()).unwrap_or_default()
}

/// Builds the binary and returns where it is, which cargo alone knows (`CARGO_TARGET_DIR`, `build.target`).
fn build() -> Result<PathBuf, Failure> {
    let failed = |how: String| {
        Failure::harness(format!("building `arcgauge` failed: {how}"), "cargo build --release --locked")
    };
    let mut command = cargo("build");
    command.args(["--release", "--package", "arcgauge", "--bin", "arcgauge"]);
    command.arg("--message-format=json-render-diagnostics");
    if io::stderr().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always"); // our pipe would take the colours away
    }
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(format!("cannot start cargo: {error}")))?;

    let progress = child.stderr.take().map(|stderr| thread::spawn(move || show_progress(stderr)));
    let messages = child.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines);
    let executable = messages.map_while(Result::ok).filter_map(|line| executable(&line)).last();
    let status = child.wait().map_err(|error| failed(error.to_string()))?;
    if let Some(progress) = progress {
        let _ = progress.join();
    }
    match executable {
        Some(path) if status.success() => Ok(path),
        _ => Err(failed(format!("cargo ended with {status}"))),
    }
}

/// Shows what cargo says when it has something to do; a build that was up to date needs no word.
fn show_progress(stderr: ChildStderr) {
    let mut said = false;
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        if line.contains("Finished") && line.contains("profile [") {
            continue;
        }
        if !said && line.contains("Compiling ") {
            say("building arcgauge (release)");
            said = true;
        }
        say(&line);
    }
}

/// The path in cargo's message about the finished binary; other messages have none.
fn executable(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let is_ours = message["reason"] == "compiler-artifact" && message["target"]["name"] == "arcgauge";
    if is_ours { message["executable"].as_str().map(PathBuf::from) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_that_runs_a_model_needs_the_runtime_and_one_that_renders_pages_the_chart_library() {
        for (words, runtime, pages) in [
            (&["bench"][..], true, true),
            (&["infer", "--prompt", "doctor"], true, false),
            (&["bench", "--", "--help"], true, true),
            (&["first-light", "--quick"], true, true),
            (&["ci", "measure"], true, false),
            (&["ci", "publish"], false, false),
            (&["ci"], false, false),
            (&["doctor"], false, false),
            (&["--version"], false, false),
            (&["bench", "--help"], false, false),
            (&["help", "bench"], false, false),
            (&["help", "report"], false, false),
            (&["model"], false, false),
            (&["history"], false, false),
            (&["gate", "--format", "json"], false, true),
            (&["compare", "main", "latest"], false, true),
            (&["report"], false, true),
            (&["report", "--help"], false, false),
        ] {
            let args: Vec<OsString> = words.iter().map(OsString::from).collect();
            assert_eq!((needs_runtime(&args), renders(&args)), (runtime, pages), "{words:?}");
        }
    }

    #[test]
    fn the_executable_is_taken_from_the_message_about_the_binary_alone() {
        let ours =
            r#"{"reason":"compiler-artifact","target":{"name":"arcgauge"},"executable":"/t/arcgauge"}"#;
        assert_eq!(executable(ours), Some(PathBuf::from("/t/arcgauge")));
        let library = r#"{"reason":"compiler-artifact","target":{"name":"arcgauge"},"executable":null}"#;
        assert_eq!(executable(library), None);
        let script = r#"{"reason":"compiler-artifact","target":{"name":"build"},"executable":"/t/build"}"#;
        assert_eq!(executable(script), None);
        assert_eq!(executable("not json"), None);
    }
}

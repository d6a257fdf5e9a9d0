//! Verbs and flags, each declared once. The only floor that prints: data to stdout, talk to stderr.

mod ab;
mod arms;
mod baseline;
mod bench;
mod bisect;
mod ci;
mod compare;
mod doctor;
mod examples;
pub mod exit_code;
mod first_light;
mod flags;
mod gate;
mod golden;
mod history;
mod infer;
mod kv;
mod loading;
mod measuring;
mod model;
mod named_record;
mod peers;
mod progress;
mod report;
mod reporting;
mod root;
mod settings;
mod shell;
mod soak;
mod states;
mod worker;
mod workload;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::ffi::OsString;
use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use clap::{CommandFactory, Parser, Subcommand};

use crate::error::{Error, Result};
use crate::record::Warning;
use crate::report::document::{Document, fit};
use crate::sys::{survive_large_files, terminal};
use crate::visible;

/// Measures GPT-OSS through OpenVINO's stateful inference, and checks every token it measures.
#[derive(Debug, Parser)]
#[command(name = "arcgauge", bin_name = "cargo xtask", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the reference prompts, check every token, print the table and store a record
    #[command(after_help = examples::BENCH)]
    Bench(bench::BenchArgs),
    /// Compare base and head in interleaved pairs until a test decides whether the head is slower, larger or wrong
    #[command(after_help = examples::AB)]
    Ab(ab::AbArgs),
    /// Find the commit, release or setting that made decoding slower or its output wrong
    #[command(after_help = examples::BISECT)]
    Bisect(bisect::BisectArgs),
    /// Measure engines side by side: equal tokens first, then speed and memory, interleaved
    #[command(after_help = examples::PEERS)]
    Peers(peers::PeersArgs),
    /// Measure changes of the KV cache side by side: agreement of the output, bytes, time, interleaved
    #[command(after_help = examples::KV)]
    Kv(kv::KvArgs),
    /// Measure for minutes or hours: speed, clocks, temperature, power and memory over time
    #[command(after_help = examples::SOAK)]
    Soak(soak::SoakArgs),
    /// Judge a commit by its stored records; measures nothing
    #[command(after_help = examples::GATE)]
    Gate(gate::GateArgs),
    /// Commands for continuous integration: resolve an event, measure its head, publish the verdict
    #[command(after_help = examples::CI)]
    Ci(ci::CiArgs),
    /// Pin a record's speed as a value that later ones are compared with; accept a model as the published one
    #[command(after_help = examples::BASELINE)]
    Baseline(baseline::BaselineArgs),
    /// Render the pages of all records, and print which one to open
    #[command(after_help = examples::REPORT)]
    Report(report::ReportArgs),
    /// Answer one prompt, streaming the text
    #[command(after_help = examples::INFER)]
    Infer(infer::InferArgs),
    /// Show the KV-cache states before a prompt, after it, and some tokens later
    #[command(after_help = examples::STATES)]
    States(states::StatesArgs),
    /// Check the golden fixtures, bless new ones, or calibrate what counts as a near-tie
    #[command(after_help = examples::GOLDEN)]
    Golden(golden::GoldenArgs),
    /// Fetch, verify, list and describe models; remember the one that bare verbs use
    #[command(after_help = examples::MODEL)]
    Model(model::ModelArgs),
    /// List, show, check, exchange and share the records
    #[command(after_help = examples::HISTORY)]
    History(history::HistoryArgs),
    /// Compare two records: first the differences between their environments, then the values; no verdict
    Compare(compare::CompareArgs),
    /// List what is ready and what is not, with the command that fixes it
    #[command(after_help = examples::DOCTOR)]
    Doctor(doctor::DoctorArgs),
    /// Check every claim that was never checked on an Intel GPU, and write a bundle for a bug report
    FirstLight(first_light::FirstLightArgs),
    /// Print the completions of a shell, to be sourced
    #[command(
        after_help = "Examples:\n  arcgauge completions bash > ~/.local/share/bash-completion/completions/arcgauge\n  arcgauge completions zsh > ~/.zfunc/_arcgauge"
    )]
    Completions(shell::CompletionsArgs),
    /// Print a man page
    #[command(after_help = "Examples:\n  arcgauge man > arcgauge.1\n  arcgauge man bench > arcgauge-bench.1")]
    Man(shell::ManArgs),
    /// One step of `first-light`, in a process of its own
    #[command(hide = true)]
    FirstLightStep(first_light::StepArgs),
    /// Measure as another process asks, by the worker's protocol on stdin and stdout
    #[command(hide = true)]
    Worker,
    /// Turn texts into token ids and back by a tokenizer IR, as another process asks on stdin
    #[command(hide = true)]
    Tokenizer(worker::TokenizerArgs),
    /// Run a worker, and end whatever it leaves behind
    #[command(hide = true)]
    Reaper(worker::ReaperArgs),
}

/// Parses the arguments, runs the verb and gives the process's exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    ExitCode::from(run_verb(&arguments.into_iter().collect::<Vec<_>>()))
}

fn run_verb(arguments: &[OsString]) -> u8 {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(usage) => {
            // The parser repeats what was typed, or came from a branch's name.
            let shown = arguments.iter().map(|argument| visible::line(&argument.to_string_lossy()));
            let usage = Cli::try_parse_from(shown).err().unwrap_or(usage);
            // Help and version are no errors; clap knows which stream each belongs to.
            if usage.use_stderr() {
                say_all(&usage.render().to_string());
                return exit_code::INPUT;
            }
            return ended(written(usage.print()).map(|()| exit_code::PASS));
        }
    };
    survive_large_files();
    panic::set_hook(Box::new(on_panic));
    let Ok(result) = catch_unwind(AssertUnwindSafe(|| perform(cli.verb))) else {
        // The message of the panic is on stderr already.
        say_all("\nhint: this is a fault of arcgauge; please report it with the lines above");
        return exit_code::HARNESS_FAILED;
    };
    ended(result)
}

/// Prints the message of a panic, which may hold text of others, and its backtrace where `RUST_BACKTRACE` requests one.
fn on_panic(panic: &PanicHookInfo<'_>) {
    let backtrace = Backtrace::capture();
    say_all(&format!("arcgauge {panic}"));
    if backtrace.status() == BacktraceStatus::Captured {
        say_all(&backtrace.to_string());
    }
}

fn ended(result: Result<u8>) -> u8 {
    result.unwrap_or_else(|error| {
        complain(&error);
        exit_code::of_kind(error.kind())
    })
}

fn perform(verb: Verb) -> Result<u8> {
    match verb {
        Verb::Bench(args) => bench::bench(&args),
        Verb::Ab(args) => ab::ab(&args),
        Verb::Bisect(args) => bisect::bisect(&args),
        Verb::Peers(args) => peers::peers(&args),
        Verb::Kv(args) => kv::kv(&args),
        Verb::Soak(args) => soak::soak(&args),
        Verb::Gate(args) => gate::gate(&args),
        Verb::Ci(args) => ci::ci(&args),
        Verb::Baseline(args) => baseline::baseline(&args),
        Verb::Report(args) => report::report(&args),
        Verb::Infer(args) => infer::infer(&args),
        Verb::States(args) => states::states(&args),
        Verb::Golden(args) => golden::golden(&args),
        Verb::Model(args) => model::model(&args),
        Verb::History(args) => history::history(&args),
        Verb::Compare(args) => compare::compare(&args),
        Verb::Doctor(args) => doctor::doctor(&args),
        Verb::FirstLight(args) => first_light::first_light(&args),
        Verb::Completions(args) => shell::completions(&args, Cli::command()),
        Verb::Man(args) => shell::man(&args, Cli::command()),
        Verb::FirstLightStep(args) => first_light::step(&args),
        Verb::Worker => Ok(worker::worker()),
        Verb::Tokenizer(args) => Ok(worker::tokenizer(&args)),
        Verb::Reaper(args) => worker::reaper(&args),
    }
}

/// A line to stderr, in which text of others is shown. Whoever has stopped listening is no failure of ours.
fn say(line: &str) {
    say_all(&visible::line(line));
}

/// Lines of ours to stderr, as wide as the terminal that reads it.
fn say_all(lines: &str) {
    // Where a line is wrapped, another one begins, and none may begin with a command to GitHub's runner.
    let lines = visible::lines(&fit(&visible::lines(lines), terminal::columns(io::stderr())));
    let _ = writeln!(io::stderr().lock(), "{}", lines.trim_end());
}

/// A command to GitHub's runner, which reads it on stderr, too.
fn command_github(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// What was warned of while something was measured; the report at the end does not repeat it.
static WARNED: Mutex<Vec<Warning>> = Mutex::new(Vec::new());

/// A warning, and below it what to do.
fn warn(warning: &Warning) {
    WARNED.lock().unwrap_or_else(PoisonError::into_inner).push(warning.clone());
    say(&format!("warning: {}", warning.message));
    say(&format!("  {}", warning.advice));
}

/// Text for people to stdout, as wide as the terminal that reads it.
///
/// # Errors
/// As [`print_data()`].
fn print(text: &str) -> Result<()> {
    print_data(&fit(text, terminal::columns(io::stdout())))
}

/// Text for programs to stdout, in which text of others is shown.
///
/// # Errors
/// What cannot be written, as on a full disk.
fn print_data(text: &str) -> Result<()> {
    print_shown(&visible::lines(text))
}

/// A report to stdout, as wide as the terminal that reads it, and its warnings to stderr.
///
/// # Errors
/// As [`print()`].
fn print_document(document: Document) -> Result<()> {
    let warned = WARNED.lock().unwrap_or_else(PoisonError::into_inner);
    let (report, warnings) = document.split_warnings(&warned);
    print_data(&report.to_text(terminal::columns(io::stdout())))?;
    let warnings = warnings.to_text(None);
    if !warnings.is_empty() {
        say_all(&warnings);
    }
    Ok(())
}

/// Text to stdout in which what is invisible is shown already.
///
/// # Errors
/// As [`print()`].
fn print_shown(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    written(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
}

/// A line to stdout.
///
/// # Errors
/// As [`print()`].
fn print_line(line: &str) -> Result<()> {
    print(&(visible::line(line) + "\n"))
}

/// A reader that has gone away, as `head` does, is no failure of ours; a full disk is.
fn written(result: io::Result<()>) -> Result<()> {
    match result {
        Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::harness(format!("cannot write to stdout: {cause}"))
                .hint("free some space, or send the output elsewhere, and run the command again"))
        }
        _ => Ok(()),
    }
}

fn complain(error: &Error) {
    let mut prefix = "error: ";
    for line in error.lines() {
        say(&format!("{prefix}{line}"));
        prefix = "";
    }
    if let Some(hint) = error.hint_text() {
        say("");
        say(&format!("hint: {hint}"));
    }
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::process::Command;

    use super::*;
    use crate::record::{DecisionRecord, Verdict, open};
    use crate::report::decision::{Subject, decision_document};

    #[test]
    fn the_message_of_a_panic_is_text_of_others() {
        const PANICS: &str = "ARCGAUGE_TEST_PANICS";
        if env::var_os(PANICS).is_some() {
            panic::set_hook(Box::new(on_panic));
            panic!("\x1b[2J\u{202e}\n::error::it");
        }
        // The hook is one for the whole process, so it is set in another.
        let name = "cli::tests::the_message_of_a_panic_is_text_of_others";
        let mut again = Command::new(env::current_exe().unwrap());
        let output = again.args(["--exact", name, "--nocapture"]).env(PANICS, "1").output().unwrap();
        let shown = String::from_utf8(output.stderr).unwrap();
        assert!(shown.contains("src/cli/mod.rs:"), "{shown}");
        assert!(shown.contains("\\u{1b}[2J\\u{202e}\n: :error::it"), "{shown}");
    }

    #[test]
    fn every_verb_has_two_examples_and_each_is_a_command() {
        for verb in Cli::command().get_subcommands().filter(|verb| !verb.is_hide_set()) {
            let help = verb.clone().render_long_help().to_string();
            let examples: Vec<&str> =
                help.lines().filter_map(|line| line.strip_prefix("  cargo xtask ")).collect();
            let installed = help.lines().filter_map(|line| line.strip_prefix("  arcgauge "));
            let examples: Vec<&str> = examples.into_iter().chain(installed).collect();
            assert!(examples.len() >= 2, "`{}`: {examples:?}", verb.get_name());
            for example in examples {
                let words = words(example.split(" > ").next().unwrap_or_default());
                let parsed = Cli::try_parse_from([&["arcgauge".to_owned()][..], &words].concat());
                let kind = parsed.err().map(|error| error.kind());
                assert!(
                    matches!(kind, None | Some(clap::error::ErrorKind::DisplayHelp)),
                    "{example}: {kind:?}"
                );
            }
        }
    }

    #[test]
    fn every_command_in_the_report_on_an_ab_is_one() {
        let record = open(include_bytes!("../../fixtures/records/ab-3.0.json"), "a record").unwrap();
        let subject = Subject::of(&record);
        let mut found = 0;
        for verdict in Verdict::ALL {
            let decision = DecisionRecord { verdict, ..record.decision.clone().unwrap() };
            let text = decision_document(subject, Some(&decision)).to_text(None);
            for command in
                text.split(['`', '\n']).filter_map(|part| part.trim_start().strip_prefix("cargo xtask "))
            {
                let parsed = Cli::try_parse_from([&["arcgauge".to_owned()][..], &words(command)].concat());
                assert!(parsed.is_ok(), "{command}: {:?}", parsed.err());
                found += usize::from(command.contains("--base ") && command.contains("--head "));
            }
        }
        assert!(found >= 2, "no command names both sides");
    }

    /// The words of a command, in which what is in quotes is one.
    fn words(command: &str) -> Vec<String> {
        let parts = command.split('\'').enumerate();
        let words = parts.flat_map(|(at, part)| -> Vec<String> {
            if at % 2 == 1 {
                vec![part.to_owned()]
            } else {
                part.split_whitespace().map(str::to_owned).collect()
            }
        });
        words.collect()
    }
}

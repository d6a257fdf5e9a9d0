//! Verbs and flags, each declared once. The only floor that prints: data to stdout, talk to stderr.

mod ab;
mod assemble;
mod baseline;
mod bench;
mod bless;
mod ci;
mod compare;
mod cross_check;
mod doctor;
mod edited_graph;
pub mod exit_code;
mod first_light;
mod flags;
mod gate;
mod golden;
mod history;
mod infer;
mod installation;
mod load_warnings;
mod loading;
mod measuring;
mod model;
mod named_run;
mod peers;
mod probe;
mod progress;
mod report;
mod root;
mod settings;
mod shell;
mod states;
mod store;
mod telling;
mod verdict_format;
mod worker;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::{Parser, Subcommand};
use signal_hook::consts::SIGXFSZ;
use signal_hook::flag;

use crate::error::{Error, Result};

/// Measures GPT-OSS through OpenVINO's stateful inference, and checks every token it measures.
#[derive(Debug, Parser)]
#[command(name = "arcgauge", bin_name = "cargo xtask", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the reference prompts, check every token, print the table and keep a record
    Bench(bench::BenchArgs),
    /// Measure two sides in turns until it is decided whether the head is slower, larger or wrong
    Ab(ab::AbArgs),
    /// Measure engines side by side: equal tokens first, then speed and memory, in turns
    Peers(peers::PeersArgs),
    /// Decide on a commit from what is stored of it; measures nothing
    Gate(gate::GateArgs),
    /// What continuous integration calls: resolve an event, measure its head, publish the verdict
    Ci(ci::CiArgs),
    /// Pin a record's speed as a figure that later ones are held against; accept a model as the published one
    Baseline(baseline::BaselineArgs),
    /// Make the pages of all records, and name the one to open
    Report(report::ReportArgs),
    /// Answer one prompt, streaming the text
    Infer(infer::InferArgs),
    /// Show the KV-cache states before a prompt, after it, and some tokens later
    States(states::StatesArgs),
    /// Check the golden fixtures, bless new ones, or calibrate what counts as a near-tie
    Golden(golden::GoldenArgs),
    /// Fetch, verify, list and describe models; remember the one that bare verbs use
    Model(model::ModelArgs),
    /// List, tell, check, exchange and share the records
    History(history::HistoryArgs),
    /// Hold two records against each other, what differs around them first; no verdict
    Compare(compare::CompareArgs),
    /// Say what is ready and what is not, with the command that mends it
    Doctor(doctor::DoctorArgs),
    /// Walk through every claim that was written without an Intel GPU, and bundle what was seen
    FirstLight(first_light::FirstLightArgs),
    /// One step of `first-light`, in a process of its own
    #[command(hide = true)]
    FirstLightStep(first_light::StepArgs),
    /// Measure as another process asks, by the worker's protocol on stdin and stdout
    #[command(hide = true)]
    Worker,
    /// Run a worker, and end whatever it leaves behind
    #[command(hide = true)]
    Reaper(worker::ReaperArgs),
}

/// Parses the arguments, runs the verb and gives the process's exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(usage) => {
            // Help and version are no errors; clap knows which stream each belongs to.
            let _ = usage.print();
            return ExitCode::from(if usage.use_stderr() { exit_code::INPUT } else { exit_code::PASS });
        }
    };
    // A file that may grow no more is an error of the write, not the end of the process.
    let _ = flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
    match catch_unwind(AssertUnwindSafe(|| perform(cli.verb))) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            complain(&error);
            exit_code::of(error.kind())
        }
        // The panic has told its story on stderr.
        Err(_) => {
            say("\nhint: this is a fault of arcgauge; please report it with the lines above");
            ExitCode::from(exit_code::HARNESS_FAILED)
        }
    }
}

fn perform(verb: Verb) -> Result<ExitCode> {
    match verb {
        Verb::Bench(args) => bench::bench(&args),
        Verb::Ab(args) => ab::ab(&args),
        Verb::Peers(args) => peers::peers(&args),
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
        Verb::FirstLightStep(args) => first_light::step(&args),
        Verb::Worker => Ok(worker::worker()),
        Verb::Reaper(args) => worker::reaper(&args),
    }
}

/// A line to stderr. Whoever has stopped listening is no failure of ours.
fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Text to stdout. A reader that has gone away, as `head` does, is no failure of ours.
fn print(text: &str) {
    use std::io::Write;
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

fn complain(error: &Error) {
    say(&format!("error: {error}"));
    if let Some(hint) = error.hint_text() {
        say(&format!("\nhint: {hint}"));
    }
}

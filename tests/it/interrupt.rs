//! Ctrl-C: what was measured is recorded, and has no speed.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use arcgauge::judge::soak::SoakResult;
use arcgauge::record::Outcome;

use crate::checkout::{Checkout, read_json};
use crate::ended::Ended;
use crate::living_worker::{Living, worker_that_decodes};

/// When a bench is stopped.
enum Moment {
    /// Its first worker is being started.
    AtOnce,
    /// Its first worker has made its warm-up.
    Measuring,
}

/// Starts a bench that would take minutes, and stops it by a signal.
fn stopped_by(signal: &str, moment: &Moment, checkout: &Checkout, more: &[&str]) -> Ended {
    let flags = ["bench", "--device", "CPU", "--runs", "1000", "--max-new-tokens", "8"];
    let words: Vec<&str> = flags.iter().chain(more).copied().collect();
    stopped_when(signal, "measuring", checkout, &words, |child| match moment {
        Moment::AtOnce => thread::sleep(Duration::from_millis(100)),
        Moment::Measuring => drop(worker_that_decodes(child.id())),
    })
}

/// Runs the words until stderr has `line`, waits on, and stops it by a signal.
fn stopped_when(
    signal: &str,
    line: &str,
    checkout: &Checkout,
    words: &[&str],
    wait: impl Fn(&Living),
) -> Ended {
    let mut command = checkout.command(words);
    let mut child = Living::of(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let mut stderr = BufReader::new(child.child().stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains(line) {
        assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "it ended by itself: {said}");
    }
    wait(&child);
    send(signal, &child);
    stderr.read_to_string(&mut said).unwrap();
    let mut output = child.ended();
    output.stderr = said.into_bytes();
    Ended::of(output)
}

fn send(signal: &str, child: &Living) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn ctrl_c_ends_a_bench_with_130_a_record_without_times_and_one_line_without_speed() {
    let checkout = Checkout::new();
    let output = checkout.path("results.json");
    let ended = stopped_by("-INT", &Moment::Measuring, &checkout, &["--output", output.to_str().unwrap()]);
    ended
        .exits(130)
        .prints("INTERRUPTED: after ")
        .prints("; no speed is reported")
        .says("record: ")
        .says("next: ");
    assert_eq!(ended.stdout.lines().count(), 1, "{ended}");
    let record = checkout.only_record();
    assert_eq!(record.outcome, Outcome::Interrupted);
    assert!(!record.arms[0].samples.is_empty(), "what was made is kept");
    assert!(
        record.arms[0].samples.iter().all(|sample| sample.times.is_none() && !sample.token_ids.is_empty())
    );
    let results = read_json(&output);
    assert_eq!(results["outcome"], "interrupted");
    assert!(results["average"]["throughput_tok_s"].is_null(), "{results:#}");
}

#[test]
fn a_termination_is_recorded_as_ctrl_c_is() {
    let checkout = Checkout::new();
    stopped_by("-TERM", &Moment::Measuring, &checkout, &["--prompt", "fibonacci"]).exits(130);
    assert_eq!(checkout.only_record().outcome, Outcome::Interrupted);
}

#[test]
fn a_bench_that_is_stopped_before_its_first_answer_says_so_in_one_line_and_leaves_no_record() {
    let checkout = Checkout::new();
    let ended = stopped_by("-INT", &Moment::AtOnce, &checkout, &["--prompt", "fibonacci"]);
    ended.exits(130).says("interrupted: nothing was measured");
    assert_eq!(ended.stdout, "", "{ended}");
    assert!(checkout.record_files().is_empty());
}

/// The words of a measurement whose values count on any machine.
fn in_turns(verb: &[&'static str]) -> Vec<&'static str> {
    let short = ["--device", "CPU", "--prompt", "fibonacci", "--max-new-tokens", "8", "--ignore-guards"];
    // A checkout gives `peers` the flag by itself.
    let at_once: &[&str] = if verb[0] == "ab" { &["--settle-limit-s", "0"] } else { &[] };
    [verb, &short, at_once].concat()
}

/// What was measured whole is shown again from its record, which no gate takes.
fn has_one_whole(ended: &Ended, checkout: &Checkout, of: &str) {
    ended.exits(130).prints(&format!("INTERRUPTED: after 1 complete {of}; nothing is decided"));
    let files = checkout.record_files();
    let [file] = &files[..] else { panic!("not one record but {files:?}\n{ended}") };
    let again = checkout.run(["history", "show", file.to_str().unwrap()]);
    assert_eq!(again.stdout, ended.stdout, "shown again from its file alone");
    let gated = checkout.run(["gate", "--replay", file.to_str().unwrap()]);
    assert!(!matches!(gated.code, Some(0 | 10)), "an interrupted record was gated\n{gated}");
}

#[test]
fn an_interrupted_ab_keeps_its_whole_pairs_and_decides_on_nothing() {
    let checkout = Checkout::new();
    let words = in_turns(&["ab", "--base", "device=CPU", "--head", "device=CPU", "--measure-identical"]);
    let ended = stopped_when("-INT", "pair 1 (", &checkout, &words, |_| ());
    has_one_whole(&ended, &checkout, "pair");
    ended.prints("tpot@1");
    assert!(["counts", "kept, guards ignored"].iter().any(|state| ended.stdout.contains(state)), "{ended}");
}

#[test]
fn interrupted_peers_keep_their_whole_rounds() {
    let checkout = Checkout::new();
    let engines = "stateful,stateful:INFERENCE_PRECISION_HINT=f32";
    let words = in_turns(&["peers", "--engines", engines]);
    let ended = stopped_when("-TERM", "round 1: TPOT", &checkout, &words, |_| ());
    has_one_whole(&ended, &checkout, "round");
    ended.prints("TPOT ms of each process, in the order");
}

#[test]
fn an_interrupted_soak_keeps_the_whole_passes_of_its_process() {
    let checkout = Checkout::new();
    let words = ["soak", "--time", "9m", "--device", "CPU", "--prompt", "fibonacci", "--max-new-tokens", "8"];
    let lock = checkout.lock();
    let more = ["--unverified", "--settle-limit-s", "0", "--lock", lock.to_str().unwrap()];
    let ended = stopped_when("-INT", "soak: ", &checkout, &[&words[..], &more].concat(), |child| {
        let _decodes = worker_that_decodes(child.id());
        thread::sleep(Duration::from_secs(3));
    });
    ended.exits(130).prints("INTERRUPTED: after ").prints("soak: 1 process, ").prints("last tenth to first");
    let record = checkout.only_record();
    assert_eq!((record.outcome, record.rounds.len()), (Outcome::Interrupted, 1));
    assert!(record.arms[0].samples.iter().all(|sample| sample.times.is_some()), "{ended}");
    assert!(SoakResult::of(&record.subject()).windows.len() > 2, "{ended}");
    let again = checkout.run(["history", "show", &record.run_id]);
    assert_eq!(again.stdout, ended.stdout, "shown again from its record");
    checkout.run(["history", "verify"]).exits(0);
}

#[test]
fn benches_of_criterion_are_stopped_with_the_bench_and_nothing_of_them_stays() {
    for signal in ["-INT", "-TERM", "-KILL"] {
        let checkout = Checkout::new();
        let (cargo, started) = (checkout.path("cargo"), checkout.path("started"));
        fs::write(&cargo, "#!/bin/sh\nsleep 3600 &\necho $! > started\nwait\n").unwrap();
        fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = checkout.command(["bench", "--device", "CPU", "--unverified", "--criterion"]);
        command.env("CARGO", &cargo).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut bench = Living::of(command.spawn().unwrap());
        let mut process = String::new();
        while !process.ends_with('\n') {
            assert!(bench.child().try_wait().unwrap().is_none(), "it ended by itself");
            thread::sleep(Duration::from_millis(20));
            process = fs::read_to_string(&started).unwrap_or_default();
        }
        send(signal, &bench);
        if signal == "-KILL" {
            // What goes on would hold its output open.
            bench.child().wait().unwrap();
        } else {
            Ended::of(bench.ended()).exits(130).says("interrupted: nothing was measured");
        }
        assert!(checkout.record_files().is_empty());
        let stat = Path::new("/proc").join(process.trim()).join("stat");
        let killed = Instant::now();
        while fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z")) {
            assert!(killed.elapsed() < Duration::from_mins(1), "a bench goes on after {signal}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn an_interrupted_run_cannot_be_blessed() {
    let checkout = Checkout::with_own_goldens();
    stopped_by("-INT", &Moment::Measuring, &checkout, &["--unverified", "--prompt", "fibonacci"]).exits(130);
    let ended = checkout.run(["golden", "bless", "--reason", "it looked right"]);
    ended.refuses("did not come to its end", "cargo xtask bench");
}

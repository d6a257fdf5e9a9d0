//! Ctrl-C: what was measured is recorded, and has no speed.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

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
    let mut command = checkout.command(flags.iter().chain(more));
    let mut child = Living::of(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let mut stderr = BufReader::new(child.child().stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("measuring") {
        assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "it ended by itself: {said}");
    }
    match moment {
        Moment::AtOnce => thread::sleep(Duration::from_millis(100)),
        Moment::Measuring => drop(worker_that_decodes(child.id())),
    }
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
fn ctrl_c_ends_a_bench_with_130_a_record_without_times_and_a_table_without_speed() {
    let checkout = Checkout::new();
    let output = checkout.path("results.json");
    let ended = stopped_by("-INT", &Moment::Measuring, &checkout, &["--output", output.to_str().unwrap()]);
    ended.exits(130).prints("interrupted: no speed is given").says("record: ").says("next: ");
    for title in ["MoE vs Dense", "Fibonacci", "OpenVINO", "average"] {
        let row = ended.stdout.lines().find(|line| line.trim_start().starts_with(title)).unwrap();
        assert!(!row.contains('.') && row.ends_with("not judged"), "a row has figures\n{ended}");
    }
    let record = checkout.only_record();
    assert_eq!(record.outcome, Outcome::Interrupted);
    assert!(!record.samples.is_empty(), "what was made is kept");
    assert!(record.samples.iter().all(|sample| sample.times.is_none() && !sample.token_ids.is_empty()));
    let results = read_json(&output);
    assert_eq!(results["outcome"], "interrupted");
    assert!(results["average"]["throughput_tok_s"].is_null(), "{results:#}");
}

#[test]
fn a_termination_is_recorded_as_ctrl_c_is() {
    let checkout = Checkout::new();
    stopped_by("-TERM", &Moment::AtOnce, &checkout, &["--prompt", "fibonacci"]).exits(130);
    assert_eq!(checkout.only_record().outcome, Outcome::Interrupted);
}

#[test]
fn benches_of_criterion_are_stopped_with_the_bench_and_nothing_of_them_stays() {
    for signal in ["-INT", "-TERM"] {
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
        Ended::of(bench.ended()).exits(130).says("interrupted: nothing was measured");
        assert!(checkout.record_files().is_empty());
        let stat = fs::read_to_string(format!("/proc/{}/stat", process.trim())).unwrap_or_default();
        assert!(stat.is_empty() || stat.contains(") Z"), "a bench goes on: {stat}");
    }
}

#[test]
fn an_interrupted_run_cannot_be_blessed() {
    let checkout = Checkout::with_own_goldens();
    stopped_by("-INT", &Moment::AtOnce, &checkout, &["--unverified", "--prompt", "fibonacci"]).exits(130);
    let ended = checkout.run(["golden", "bless", "--because", "it looked right"]);
    ended.refuses("did not come to its end", "cargo xtask bench");
}

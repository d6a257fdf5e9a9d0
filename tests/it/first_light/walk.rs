//! The walk itself: on this machine's CPU, on a made-up machine, through steps that hang, and to its end by
//! Ctrl-C.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::checkout::{Checkout, repository, shipped_model};
use crate::ended::Ended;
use crate::fake_worker::fake_worker;
use crate::first_light::bundle::Unpacked;
use crate::living_worker::{Living, worker_of, worker_that_decodes};
use crate::this_machine::has_a_gpu;

/// All steps but the one that a test is about.
fn only(step: &str) -> Vec<&str> {
    let steps = ["machine", "doctor", "bench", "states", "cross-check", "against-itself", "peers"];
    steps.into_iter().filter(|it| *it != step).flat_map(|it| ["--without", it]).collect()
}

/// Runs `first-light` with these flags.
fn walk(checkout: &Checkout, flags: &[&str]) -> Ended {
    checkout.run(["first-light", "--quick", "--output", "bundle.zip"].iter().chain(flags))
}

/// The answer's row of a claim, as one line.
#[track_caller]
fn line(ended: &Ended, claim: &str) -> String {
    let mut lines = ended.stdout.lines().skip_while(|line| line.split_whitespace().next() != Some(claim));
    let first = lines.next().unwrap_or_else(|| panic!("no line of {claim}\n{ended}"));
    let rest = lines.take_while(|line| line.starts_with(' ')).map(str::trim);
    [first].into_iter().chain(rest).collect::<Vec<_>>().join(" ")
}

/// An Arc 140V under xe, as the kernel shows it below a folder.
fn arc_below(root: &Path) {
    let device = root.join("sys/bus/pci/devices/0000:00:02.0");
    fs::create_dir_all(device.join("drm/renderD128")).unwrap();
    for (name, text) in [("class", "0x030000"), ("vendor", "0x8086"), ("device", "0x64a0")] {
        fs::write(device.join(name), format!("{text}\n")).unwrap();
    }
    symlink("../../../drivers/xe", device.join("driver")).unwrap();
    fs::create_dir_all(root.join("dev/dri")).unwrap();
    fs::write(root.join("dev/dri/renderD128"), "").unwrap();
}

#[test]
fn a_gpu_that_the_kernel_shows_and_openvino_does_not_list_is_a_no_and_fails_the_walk() {
    if has_a_gpu() {
        return;
    }
    let checkout = Checkout::new();
    let machine = tempfile::tempdir().unwrap();
    arc_below(machine.path());
    let flags = [&["--kernel-files", machine.path().to_str().unwrap()][..], &only("machine")].concat();
    let ended = walk(&checkout, &flags);
    ended.exits(20).prints("the kernel's files are those below");
    assert!(line(&ended, "pci-bus").contains(" yes "), "{ended}");
    assert!(line(&ended, "kernel-driver").contains("`8086:64a0` is held by `xe`"), "{ended}");
    assert!(line(&ended, "render-node").contains(" yes "), "{ended}");
    assert!(line(&ended, "openvino-lists-gpu").contains(" no "), "{ended}");
    assert!(line(&ended, "arc-140v").contains("not observed"), "{ended}");
}

#[test]
fn a_worker_that_hangs_is_recorded_and_the_walk_goes_on() {
    let checkout = Checkout::new();
    let worker = fake_worker(&checkout, "hangs-before-load");
    let mut flags = vec!["--worker", worker.to_str().unwrap(), "--load-limit-s", "1", "--device", "CPU"];
    flags.extend(["--without", "doctor", "--without", "states", "--without", "against-itself"]);
    let ended = walk(&checkout, &flags);
    ended.exits(13).says("step 3 of 7, bench").says("step 5 of 7, cross-check");
    let bundle = Unpacked::of(&checkout.path("bundle.zip"));
    assert!(bundle.text("bench-record.json").contains("timed-out"));
    assert!(line(&ended, "bench").contains("not observed"), "a CPU was requested\n{ended}");
}

#[test]
fn engines_of_which_one_does_not_load_leave_their_record_in_the_bundle() {
    let checkout = Checkout::new();
    symlink(repository().join("benches"), checkout.path("benches")).unwrap();
    let worker = fake_worker(&checkout, "fails-to-load");
    let flags = [&["--worker", worker.to_str().unwrap(), "--device", "CPU"][..], &only("peers")].concat();
    let ended = walk(&checkout, &flags);
    ended.exits(13).says("step 7 of 7, peers").says("step `peers` failed");
    let answer = line(&ended, "paged-attention");
    assert!(answer.contains("nothing ran: engine `stateful`: the fake cannot load"), "{ended}");
    let bundle = Unpacked::of(&checkout.path("bundle.zip"));
    assert!(bundle.text("peers-record.json").contains("the fake cannot load"));
    assert!(bundle.text("peers.txt").contains("`stateful`"), "its table");
}

#[test]
fn without_the_python_of_a_peer_its_step_is_not_run_and_says_how_to_get_it() {
    let checkout = Checkout::new();
    symlink(repository().join("benches"), checkout.path("benches")).unwrap();
    let mut command = checkout.command(["first-light", "--quick", "--output", "bundle.zip"]);
    command.args(only("peers")).env("XDG_CACHE_HOME", checkout.path("cache"));
    let ended = Ended::of(command.output().unwrap());
    ended.exits(13).says("step `peers` not-run");
    let answer = line(&ended, "paged-attention");
    assert!(answer.contains("not observed"), "{ended}");
    assert!(answer.ends_with("the peer `genai` is not set up: `cargo xtask setup --peers=genai`"), "{ended}");
}

#[test]
fn a_step_that_takes_too_long_is_ended_and_what_it_was_to_see_is_not_observed() {
    let checkout = Checkout::new();
    let worker = fake_worker(&checkout, "hangs-before-load");
    let began = Instant::now();
    let flags = [&["--worker", worker.to_str().unwrap(), "--step-limit-s", "2"][..], &only("bench")].concat();
    let ended = walk(&checkout, &flags);
    ended.exits(13).says("step `bench` was not done within 2 s and was ended");
    assert!(began.elapsed() < Duration::from_mins(1), "it waited for the worker");
    assert!(line(&ended, "gpu-decodes").contains("not observed"), "{ended}");
}

#[test]
fn ctrl_c_ends_the_walk_with_130_and_a_bundle_of_what_was_seen() {
    let checkout = Checkout::new();
    let mut flags = vec!["first-light", "--device", "CPU", "--output", "bundle.zip"];
    flags.extend(["--without", "doctor"]);
    let mut command = checkout.command(flags);
    let mut child = Living::of(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let mut stderr = BufReader::new(child.child().stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("measuring: ") {
        assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "it ended by itself: {said}");
    }
    worker_that_decodes(worker_of(child.id()).expect("a step runs"));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    stderr.read_to_string(&mut said).unwrap();
    let mut output = child.ended();
    output.stderr = said.into_bytes();
    let ended = Ended::of(output);
    ended.exits(130).says("interrupted").says("step `states` not-run");
    ended.prints("28 claims: 0 yes, ");
    let bundle = Unpacked::of(&checkout.path("bundle.zip"));
    assert!(bundle.text("bench-record.json").contains("\"interrupted\""));
}

#[test]
fn a_bundle_goes_over_no_file_and_into_no_model_and_nothing_is_run_for_it() {
    let checkout = Checkout::new();
    fs::write(checkout.path("bundle.zip"), "mine").unwrap();
    let ended = walk(&checkout, &[]);
    ended.refuses("it is there already", "--output FILE");
    assert!(!ended.stderr.contains("step "), "{ended}");
    assert_eq!(fs::read_to_string(checkout.path("bundle.zip")).unwrap(), "mine");
    let model = shipped_model().join("bundle.zip");
    let ended = checkout.run(["first-light", "--output", model.to_str().unwrap()]);
    ended.refuses("the model's folder is only read", "--output FILE");
    assert!(!model.exists());
}

#[test]
fn a_model_that_is_not_there_is_bad_input_before_anything_is_run() {
    let ended = Checkout::new().run(["first-light", "--model-dir", "/no/model"]);
    ended.exits(2);
    assert!(!ended.stderr.contains("step "), "{ended}");
}

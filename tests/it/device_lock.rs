//! One use of the device at a time: a verb that runs a model waits for whatever holds the device, says for
//! what, and can be interrupted while it waits.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use crate::checkout::Checkout;
use crate::ended::Ended;
use crate::living_worker::Living;

/// An `infer` that holds the device until it is ended.
fn holder(checkout: &Checkout) -> Living {
    let flags = ["infer", "--token-ids", "1,2,3", "--device", "CPU", "--max-new-tokens", "100000"];
    let mut child = checkout.command(flags).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // It prints its first token only after it has taken the lock.
    child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    Living::of(child)
}

/// A verb that was started while another held the device, and its first line.
struct Second {
    child: Living,
    stderr: BufReader<std::process::ChildStderr>,
    said: String,
}

impl Second {
    fn start(checkout: &Checkout, arguments: &[&str]) -> Self {
        let mut command = checkout.command(arguments);
        let mut child = Living::of(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
        let mut stderr = BufReader::new(child.child().stderr.take().unwrap());
        let mut said = String::new();
        stderr.read_line(&mut said).unwrap();
        Self { child, stderr, said }
    }

    fn ended(mut self) -> Ended {
        self.stderr.read_to_string(&mut self.said).unwrap();
        let mut output = self.child.ended();
        output.stderr = self.said.into_bytes();
        Ended::of(output)
    }
}

#[test]
fn whatever_runs_a_model_waits_for_an_infer_and_ctrl_c_ends_the_wait() {
    let checkout = Checkout::new();
    let holder = holder(&checkout);
    let waits = format!("waiting: the device is held by infer, process {} (`", holder.id());
    let verbs: [&[&str]; 5] = [
        &["infer", "--prompt", "Hello", "--device", "CPU"],
        &["states", "--prompt", "Hello", "--device", "CPU"],
        &["golden", "check", "--device", "CPU"],
        &["golden", "calibrate", "--device", "CPU"],
        &["golden", "probe", "--reason", "a test"],
    ];
    for verb in verbs {
        let second = Second::start(&checkout, verb);
        assert!(second.said.starts_with(&waits), "{verb:?}: {}", second.said);
        let id = second.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let ended = second.ended();
        ended.exits(130).says("interrupted while waiting for the device");
        assert_eq!(ended.stdout, "", "{verb:?} ran nothing");
    }
}

#[test]
fn the_second_of_two_runs_as_soon_as_the_first_has_ended_however_it_ends() {
    let checkout = Checkout::new();
    let holder = holder(&checkout);
    let flags = ["infer", "--token-ids", "1,2,3", "--device", "CPU", "--max-new-tokens", "1"];
    let second = Second::start(&checkout, &flags);
    assert!(second.said.starts_with("waiting: the device is held by infer"), "{}", second.said);
    // By a signal that nothing can catch.
    drop(holder);
    second.ended().exits(0).says("3 prompt tokens, 1 new");
}

#[test]
fn a_lock_that_is_no_file_is_a_wrong_flag() {
    let checkout = Checkout::new();
    for (lock, why) in
        [(".", "it is a folder"), ("/dev/null", "it is a device"), ("none/lock", "No such file")]
    {
        let ended = checkout.run(["kv", "--arm", "none", "--arm", "copy", "--device", "CPU", "--lock", lock]);
        ended.exits(2).says(&format!("cannot open the device lock `{lock}`: {why}")).says("`--lock FILE`");
    }
}

#[test]
fn a_wait_has_a_limit() {
    let checkout = Checkout::new();
    let _holder = holder(&checkout);
    let ended = checkout.run(["states", "--prompt", "Hello", "--device", "CPU", "--lock-wait-s", "1"]);
    ended.exits(20).says("was not free within 1 s").says("--lock-wait-s");
}

#[test]
fn ctrl_c_ends_an_answer_that_is_under_way_at_once() {
    let checkout = Checkout::new();
    let holder = holder(&checkout);
    let id = holder.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(holder.ended().status.code(), Some(130));
}

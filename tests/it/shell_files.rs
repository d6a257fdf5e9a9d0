//! `completions` and `man`: what a shell and `man` take.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::checkout::Checkout;

#[test]
fn completions_are_a_script_that_bash_reads_and_name_every_verb() {
    let script = Checkout::new().run(["completions", "bash"]).exits(0).stdout.clone();
    for verb in ["bench", "ab", "history", "doctor"] {
        assert!(script.contains(verb), "{verb}");
    }
    let mut bash = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
    bash.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(bash.wait().unwrap().success());
}

#[test]
fn there_is_a_page_of_all_verbs_and_one_of_each() {
    let checkout = Checkout::new();
    checkout.run(["man"]).exits(0).prints(".TH arcgauge ").prints("bench");
    checkout.run(["man", "bench"]).exits(0).prints(".TH arcgauge-bench ").prints("max\\-new\\-tokens");
    checkout.run(["man", "nothing"]).refuses("there is no verb `nothing`", "--help");
}

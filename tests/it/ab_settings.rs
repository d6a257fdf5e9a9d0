//! An A/B of settings: sides that differ by an environment variable of their workers.

use serde_json::json;

use crate::checkout::{Checkout, edit_json};
use crate::ended::Ended;
use crate::fake_worker::fake_worker;

/// An A/B of workers that play a scenario, in which the head takes twice as long for a token.
pub(crate) fn slower_head(checkout: &Checkout, scenario: &str) -> Ended {
    slower_head_over(checkout, scenario, &["--prompt", "fibonacci"])
}

fn slower_head_over(checkout: &Checkout, scenario: &str, prompts: &[&str]) -> Ended {
    let worker = fake_worker(checkout, scenario);
    let (worker, lock) = (worker.to_str().unwrap().to_owned(), checkout.lock());
    let sides = ["ab", "--base", "env:FAKE_TOKEN_NS=500000", "--head", "env:FAKE_TOKEN_NS=1000000"];
    let workload = [&["--device", "CPU", "--unverified", "--max-new-tokens", "4"], prompts].concat();
    let machine = ["--settle-limit-s", "0", "--ignore-guards", "--lock", lock.to_str().unwrap()];
    checkout.run([&sides[..], &workload, &machine, &["--worker", &worker]].concat())
}

#[test]
fn sides_may_differ_by_an_environment_variable_which_is_recorded_and_judged() {
    let checkout = Checkout::new();
    let ended = slower_head(&checkout, "well");
    ended.exits(10).prints("env:FAKE_TOKEN_NS=1000000").prints("+100");
    let record = checkout.only_record();
    let variables = |arm: usize| record.arms[arm].environment_variables["FAKE_TOKEN_NS"].as_str();
    assert_eq!([variables(0), variables(1)], ["500000", "1000000"]);
    // A worker of an older commit makes no profile, which changes nothing of the verdict.
    ended.says("the worker makes no profile");
    assert!(record.arms.iter().all(|arm| arm.profile.is_none()));
    checkout.run(["compare", &record.run_id, "--profile"]).refuses("has no profile", "bench --profile");
}

#[test]
fn the_policy_names_the_suite_that_the_sides_are_measured_on_and_its_verdict_is_of_all_depths() {
    let checkout = Checkout::new();
    edit_json(&checkout.path("ci/gate.json"), |policy| policy["suite"] = json!("depth"));
    slower_head_over(&checkout, "well", &[]).exits(10).prints("depth-4096");
    let record = checkout.only_record();
    assert_eq!(record.suite, "depth");
    // The scripted worker fills no cache, which the depth of 16,000 needs.
    let depths: Vec<&str> = record.arms[1].workload.prompts.iter().map(|prompt| prompt.id.as_str()).collect();
    assert_eq!(depths, ["depth-256", "depth-1024", "depth-4096"]);
}

//! An A/B of settings: sides that differ by an environment variable of their workers.

use crate::checkout::Checkout;
use crate::fake_worker::fake_worker;

#[test]
fn sides_may_differ_by_an_environment_variable_which_is_recorded_and_judged() {
    let checkout = Checkout::new();
    let worker = fake_worker(&checkout, "well");
    let (worker, lock) = (worker.to_str().unwrap().to_owned(), checkout.lock());
    let ended = checkout.run([
        "ab",
        "--base",
        "env:FAKE_TOKEN_NS=500000",
        "--head",
        "env:FAKE_TOKEN_NS=1000000",
        "--device",
        "CPU",
        "--worker",
        &worker,
        "--unverified",
        "--prompt",
        "fibonacci",
        "--max-new-tokens",
        "4",
        "--settle-limit-s",
        "0",
        "--ignore-guards",
        "--lock",
        lock.to_str().unwrap(),
    ]);
    ended.exits(10).prints("env:FAKE_TOKEN_NS=1000000").prints("+100");
    let record = checkout.only_record();
    let variables = |arm: usize| record.arms[arm].environment_variables["FAKE_TOKEN_NS"].as_str();
    assert_eq!([variables(0), variables(1)], ["500000", "1000000"]);
}

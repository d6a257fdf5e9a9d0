//! Every wrong flag has its message, its hint and its exit code, and leaves no record.

use std::time::Duration;

use arcgauge::measure::{Plan, RequestedPrompt};
use arcgauge::sys::{DeviceLock, Waiting};

use crate::checkout::{Checkout, edit_json};
use crate::model_copy::ModelCopy;
use crate::this_machine::has_a_gpu;

/// Arguments, what the error says, what the hint says. Every one ends with exit code 2.
type Case<'a> = (&'a [&'a str], &'a str, &'a str);

/// Runs all cases and leaves no record.
#[track_caller]
fn all_refused(cases: &[Case<'_>]) {
    let checkout = Checkout::new();
    for (arguments, fault, hint) in cases {
        checkout.run(*arguments).refuses(fault, hint);
        assert!(checkout.record_files().is_empty(), "{arguments:?} left a record");
    }
}

#[test]
fn verbs_and_flags_that_do_not_exist_are_faults_of_usage() {
    all_refused(&[
        (&["measure"], "unrecognized subcommand 'measure'", "--help"),
        (&["bench", "--fast"], "unexpected argument '--fast'", "--help"),
        (&["bench", "--runs", "three"], "invalid value 'three' for '--runs <N>'", "--help"),
        (&["bench", "--runs", "-1"], "unexpected argument '-1'", "--help"),
        (&["bench", "--output", ""], "a value is required for '--output <FILE>'", "--help"),
        (&["bench", "--property", "KEY"], "property `KEY` is not of the form KEY=VALUE", "--help"),
        (&["infer"], "the following required arguments were not provided", "--help"),
        (&["infer", "--prompt", "a", "--token-ids", "1"], "cannot be used with", "--help"),
        (&["infer", "--token-ids", "1,x"], "invalid value 'x'", "--help"),
        (&["infer", "--prompt", "a", "--format", "yaml"], "possible values: text, json", "--help"),
    ]);
}

#[test]
fn nothing_to_measure_is_bad_input() {
    all_refused(&[
        (&["bench", "--runs", "0"], "`--runs 0` measures nothing", "3 is the default"),
        (&["bench", "--max-new-tokens", "0"], "`--max-new-tokens 0` makes no token", "200 is the default"),
        (&["infer", "--prompt", "a", "--max-new-tokens", "0"], "makes no token", "200 is the default"),
        (&["bench", "--prompt", ""], "the prompt is empty", "--prompt \"Hello\""),
        (&["bench", "--prompt", "fibonacci", "--prompt", " \n"], "the prompt is empty", "--prompt \"Hello\""),
        (&["infer", "--prompt", ""], "the prompt is empty", "--prompt \"Hello\""),
        (&["states", "--prompt", ""], "the prompt is empty", "--prompt \"Hello\""),
    ]);
}

#[test]
fn a_device_other_than_those_there_are_is_refused_with_their_list() {
    if has_a_gpu() {
        return;
    }
    let devices =
        ["GPU.0", "GPU.3", "NPU", "AUTO", "AUTO:GPU,CPU", "HETERO:GPU,CPU", "MULTI:CPU", "BATCH:CPU", ""];
    for device in devices {
        let (fault, help) = if device.starts_with("GPU.") {
            ("is not on this machine", "devices on this machine: `CPU`; try `--device CPU`")
        } else {
            ("is not measured: arcgauge measures CPU and GPU", "try `--device CPU`")
        };
        all_refused(&[(&["bench", "--device", device], &format!("device `{device}` {fault}"), help)]);
    }
}

#[test]
fn more_tokens_than_the_context_holds_are_refused_however_many() {
    let fault = "more than the model's context of 131072";
    let hint = "lower `--max-new-tokens`";
    all_refused(&[
        (&["bench", "--max-new-tokens", "131072"], fault, hint),
        (&["infer", "--prompt", "a", "--max-new-tokens", "131072"], fault, hint),
        (&["bench", "--max-new-tokens", "18446744073709551615"], fault, hint),
        (&["infer", "--prompt", "a", "--max-new-tokens", "18446744073709551615"], fault, hint),
        (&["states", "--prompt", "a", "--tokens", "18446744073709551615"], fault, hint),
    ]);
}

#[test]
fn a_prompt_that_is_asked_twice_is_refused() {
    all_refused(&[(
        &["bench", "--prompt", "fibonacci", "--prompt", "fibonacci"],
        "prompt `fibonacci` is requested twice",
        "--runs N",
    )]);
}

#[test]
fn token_ids_beyond_the_vocabulary_are_refused() {
    let hint = "--tokenizer FILE";
    all_refused(&[
        (
            &["infer", "--token-ids", "99999999"],
            "has token `99999999`, but the model's vocabulary ends at 671",
            hint,
        ),
        (&["infer", "--token-ids", "1,672,3"], "has token `672`", hint),
    ]);
}

#[test]
fn a_tokenizer_that_is_not_the_model_s_is_refused() {
    let other = ModelCopy::new();
    edit_json(&other.file("tokenizer.json"), |tokenizer| {
        for id in tokenizer["model"]["vocab"].as_object_mut().unwrap().values_mut() {
            *id = (id.as_u64().unwrap() + 200_000).into();
        }
    });
    let other = other.file("tokenizer.json");
    let fault = "but the model's vocabulary ends at 671: the tokenizer is not this model's";
    let flags = ["--tokenizer", other.to_str().unwrap()];
    all_refused(&[
        (&[&["bench", "--prompt", "Hello"][..], &flags].concat(), fault, "--tokenizer FILE"),
        (&[&["infer", "--prompt", "Hello"][..], &flags].concat(), fault, "--tokenizer FILE"),
        (&[&["states", "--prompt", "Hello"][..], &flags].concat(), fault, "--tokenizer FILE"),
    ]);
}

#[test]
fn a_property_that_openvino_does_not_have_is_refused_by_its_name() {
    all_refused(&[
        (
            &["bench", "--device", "CPU", "--property", "NONSENSE=1"],
            "`NONSENSE=1` on `CPU`",
            "--property KEY=VALUE",
        ),
        (
            &["bench", "--device", "CPU", "--property", "INFERENCE_PRECISION_HINT=f65"],
            "Supported values: bf16, f16, f32",
            "--property KEY=VALUE",
        ),
    ]);
}

#[test]
fn an_openvino_that_is_not_there_is_refused() {
    all_refused(&[
        (
            &["bench", "--openvino", "2019.1"],
            "`2019.1` is neither a folder nor the version of a release",
            "--openvino 2026",
        ),
        (&["bench", "--openvino", "fixtures/"], "no `libopenvino_c.so` in or below", "runtime/lib/intel64"),
    ]);
}

#[test]
fn help_and_version_are_no_errors() {
    let checkout = Checkout::new();
    checkout.run(["--version"]).exits(0).prints(env!("CARGO_PKG_VERSION"));
    for verb in ["bench", "infer", "states", "golden", "model", "doctor"] {
        checkout.run(["--help"]).exits(0).prints(&format!("\n  {verb} "));
        checkout.run([verb, "--help"]).exits(0).prints("Usage: ");
    }
    let numbers = checkout.run(["bench", "--help"]);
    numbers.prints("[default: 3]").prints("[default: 200; 64 of").prints("[default: GPU]");
}

#[test]
fn a_plan_of_runs_without_number_is_checked_without_a_panic() {
    let prompts = ["a", "b"].map(|id| RequestedPrompt::new(id, vec![1]));
    let plan = Plan { prompts: prompts.to_vec(), processes: usize::MAX, new_tokens: usize::MAX };
    assert_eq!(plan.generations(), 3);
    assert_eq!(plan.order(usize::MAX).count(), 2);
    let error = plan.check(100, None).unwrap_err();
    assert!(error.to_string().contains("more than the model's context"), "{error}");
}

#[test]
fn what_is_wrong_with_the_arguments_of_an_ab_is_said_while_another_holds_the_device() {
    let checkout = Checkout::new();
    checkout.commit();
    let mut waiting = Waiting { patience: Duration::ZERO, goes_on: &mut |_, _| true };
    let _held = DeviceLock::take(&checkout.lock(), "bench, process 7", &mut waiting).unwrap();
    let lock = checkout.lock();
    let refuses = |sides: &[&str], fault: &str, help: &str| {
        let words = [&["ab", "--lock", lock.to_str().unwrap(), "--lock-wait-s", "1"], sides].concat();
        let ended = checkout.run(&words);
        ended.refuses(fault, help);
        assert!(!ended.stderr.contains("waiting"), "{ended}");
    };
    refuses(&["--base", "nosuch"], "revision `nosuch` is not there", "git fetch");
    refuses(&["--base", "HEAD", "--device", "NPU"], "device `NPU` is not measured", "--device CPU");
    refuses(
        &["--base", "device=cpu", "--head", "device=npu"],
        "device `NPU` is not measured",
        "--device CPU",
    );
    refuses(&["--base", "model=nowhere"], "model folder `nowhere` does not exist", "--model-dir DIR");
}

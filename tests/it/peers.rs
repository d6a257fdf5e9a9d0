//! `peers`: engines side by side, on the real runtime with the shipped model: this program, `openvino_genai`, and
//! programs of others that speak the worker's protocol.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use arcgauge::places;
use arcgauge::record::{Experiment, History, Outcome, PlanKind, sha256_of_file};

use crate::checkout::{Checkout, repository};
use crate::fake_worker::fake_worker;

/// A checkout with the peers' scripts.
fn checkout() -> Checkout {
    let checkout = Checkout::new();
    symlink(repository().join("benches"), checkout.path("benches")).unwrap();
    checkout
}

/// The Python that `cargo xtask test` sets up, with `openvino_genai` in it.
fn python() -> PathBuf {
    let list = repository().join("benches/peers/requirements-genai.txt");
    let folder = places::peer_dir("genai", &sha256_of_file(&list).unwrap()).unwrap();
    let python = folder.join("bin/python");
    assert!(python.is_file(), "`{}` is not there: `cargo xtask test` sets it up", python.display());
    python
}

/// A program that runs the example of `benches/peers`, each of these texts in it replaced.
fn example(checkout: &Checkout, name: &str, replaced: &[(&str, &str)]) -> String {
    let mut text = fs::read_to_string(repository().join("benches/peers/example.py")).unwrap();
    for (from, to) in replaced {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let (script, program) = (checkout.path(format!("{name}.py")), checkout.path(format!("{name}.sh")));
    fs::write(&script, text).unwrap();
    let call = format!("#!/bin/sh\nexec '{}' -E -s '{}'\n", python().display(), script.display());
    fs::write(&program, call).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    format!("{name}={}", program.display())
}

const SHORT: [&str; 8] =
    ["--device", "CPU", "--rounds", "1", "--max-new-tokens", "6", "--prompt", "fibonacci"];

fn only_record(checkout: &Checkout) -> Experiment {
    let files = checkout.record_files();
    let [file] = &files[..] else { panic!("not one record but {files:?}") };
    let record = History::read(file).unwrap().record;
    assert_eq!(record.plan, PlanKind::Peers);
    record
}

#[test]
fn engines_with_the_same_tokens_are_compared_and_one_with_others_has_no_speed() {
    let checkout = checkout();
    let right = example(&checkout, "right", &[]);
    // The last bit of every token is turned.
    let wrong = example(&checkout, "wrong", &[(".argmax())]", ".argmax()) ^ 1]")]);
    let engines = ["peers", "--engines", "stateful,genai,genai-pa-i8,right,wrong", "--ignore-guards"];
    let programs = ["--program", &right, "--program", &wrong];
    let ended = checkout.run(engines.iter().chain(&programs).chain(&SHORT));
    assert_eq!(ended.code, Some(11), "{}", ended.stderr);
    for row in [
        "stateful     ok match           every token of 2 generations matches the golden",
        "genai        ok match           every token of 2 generations matches the golden",
        "genai-pa-i8  ok match",
        "right        ok match",
        "wrong        FAIL wrong output  no speed is reported: `fibonacci` at token 1",
        "openvino_genai  sdpa       f32",
        "openvino_genai  paged      u8",
        "right        tpot@1",
    ] {
        assert!(ended.stdout.contains(row), "{row}\n{}", ended.stdout);
    }
    assert!(!ended.stdout.contains("wrong        tpot@1"), "{}", ended.stdout);

    let record = only_record(&checkout);
    assert_eq!(record.outcome, Outcome::WrongOutput);
    assert_eq!(record.rounds.len(), 1);
    let has_times = |place: usize| record.arms[place].samples.iter().any(|sample| sample.times.is_some());
    assert_eq!([0, 1, 2, 3, 4].map(has_times), [true, true, true, true, false]);
    let genai = &record.arms[1];
    assert_eq!(genai.worker.name.as_deref(), Some("openvino_genai 2026.4.1.0 SDPA"));
    let properties = &genai.runtime.as_ref().unwrap().properties_effective;
    assert_eq!(properties["KV_CACHE_PRECISION"], "f32", "read back from the pipeline itself");
    assert_eq!(properties["DYNAMIC_QUANTIZATION_GROUP_SIZE"], "0");

    let file = &checkout.record_files()[0];
    let again = checkout.run(["history".as_ref(), "show".as_ref(), file.as_os_str()]);
    assert_eq!(again.stdout, ended.stdout, "rendered again from its file alone");
    let page = fs::read_to_string(checkout.path("reports/site/peers.html")).unwrap();
    for part in ["Engines side by side", "openvino_genai 2026.4.1.0 PA", "wrong output"] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn an_engine_on_another_openvino_is_not_compared() {
    let checkout = checkout();
    let other = format!("other={}", fake_worker(&checkout, "well").display());
    let engines = ["peers", "--engines", "stateful,other", "--program", &other];
    let ended = checkout.run(engines.iter().chain(&SHORT));
    assert_eq!(ended.code, Some(2), "{}\n{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("engine `other` runs OpenVINO `"), "{}", ended.stderr);
    assert!(ended.stderr.contains("compare engines on one OpenVINO"), "{}", ended.stderr);
    assert!(checkout.record_files().is_empty());
}

#[test]
fn engines_that_cannot_be_meant_are_refused_with_what_could_be() {
    let checkout = checkout();
    for (engines, says, helps) in [
        ("stateful", "one engine is no comparison", "`--engines stateful,genai`"),
        ("stateful,stateful", "engine `stateful` is named twice", "--measure-identical"),
        ("stateful,mine", "there is no engine `mine`", "`--program mine=FILE`"),
        ("example,stateful --prompt a_text", "no golden, and `example` is named before", "`stateful` first"),
        ("stateful,genai --program genai=/bin/true", "has the name of an engine that is there", "NAME=FILE"),
        ("stateful,genai --program idle=/bin/true", "is no engine that is measured", "NAME=FILE"),
        ("stateful,a --program a=/bin/true --program a=/bin/false", "is given twice", "NAME=FILE"),
        ("stateful,a --program a=/etc", "cannot read `/etc`: it is a folder", "benches/peers/README.md"),
        ("stateful,", "an engine has no name", "`--engines stateful,genai,optimum`"),
        ("stateful,genai:A=1+A=2", "sets `A` twice", "each property of an engine once"),
        ("stateful,genai-pa-i8:KV_CACHE_PRECISION=u8", "sets `KV_CACHE_PRECISION` twice", "once"),
        ("stateful,genai:KV=", "property `KV=` is not of the form KEY=VALUE", "INFERENCE_PRECISION_HINT=f32"),
    ] {
        let words = ["peers", "--device", "CPU", "--engines"].into_iter().chain(engines.split(' '));
        let ended = checkout.run(words);
        assert_eq!(ended.code, Some(2), "{engines}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{engines}: {}", ended.stderr);
        assert!(ended.stderr.contains(helps), "{engines}: {}", ended.stderr);
    }
    let mut command = checkout.command(["peers", "--engines", "stateful,optimum", "--device", "CPU"]);
    let ended =
        crate::ended::Ended::of(command.env("XDG_CACHE_HOME", checkout.path("cache")).output().unwrap());
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("engine `optimum` is not set up"), "{}", ended.stderr);
    assert!(ended.stderr.contains("`cargo xtask setup --peers`"), "{}", ended.stderr);
}

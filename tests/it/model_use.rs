//! The model that bare verbs take: named once by `model use`, and for once by `--model-dir`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use crate::checkout::{Checkout, edit_json, read_json, shipped_model};
use crate::model_copy::{FILES, ModelCopy};

/// A bare bench as short as can be.
const BARE: [&str; 9] =
    ["bench", "--runs", "1", "--max-new-tokens", "1", "--prompt", "fibonacci", "--device", "CPU"];

fn settings(checkout: &Checkout) -> PathBuf {
    checkout.config().join("arcgauge/settings.json")
}

/// A copy whose manifest gives it another name.
fn named(name: &str) -> ModelCopy {
    let model = ModelCopy::new();
    edit_json(&model.file("manifest.json"), |manifest| manifest["name"] = name.into());
    model
}

#[test]
fn without_a_setting_the_shipped_model_is_used() {
    let checkout = Checkout::new();
    let shown = checkout.run(["model", "show"]);
    assert_eq!(
        fs::canonicalize(shown.exits(0).stdout.trim()).unwrap(),
        fs::canonicalize(shipped_model()).unwrap()
    );
    assert!(!settings(&checkout).exists(), "looking writes nothing");
}

#[test]
fn a_model_that_was_named_once_is_what_bare_verbs_use_and_they_say_so() {
    let (checkout, model) = (Checkout::new(), named("the-owner-s"));
    let before = model.listing();
    checkout.run(["model", "use", &model.argument()]).exits(0).says(&model.argument());
    assert_eq!(checkout.run(["model", "show"]).stdout.trim(), model.argument());

    let bare = checkout.run(BARE);
    bare.exits(0)
        .says(&format!("model: `{}` (by `model use`)", model.argument()))
        .prints("the-owner-s on CPU");
    assert_eq!(checkout.only_record().arms[0].model.name, "the-owner-s");
    assert_eq!(model.listing(), before, "the model's folder was written to");

    checkout.run(["model", "forget"]).exits(0);
    let forgotten = checkout.run(BARE);
    forgotten.exits(0).prints("tiny-gpt-oss on CPU");
    assert!(!forgotten.stderr.contains("by `model use`"), "{forgotten}");
}

#[test]
fn the_flag_wins_over_the_setting() {
    let (checkout, set, requested) = (Checkout::new(), named("set"), named("requested"));
    checkout.run(["model", "use", &set.argument()]).exits(0);
    let ended = checkout.run(BARE.iter().copied().chain(["--model-dir", &requested.argument()]));
    ended.exits(0).prints("requested on CPU");
    assert!(!ended.stderr.contains("by `model use`"), "{ended}");
}

#[test]
fn a_folder_is_remembered_whole_so_that_it_is_found_from_anywhere() {
    let checkout = Checkout::new();
    checkout.run(["model", "use", "fixtures/models/tiny-gpt-oss"]).exits(0);
    let remembered = read_json(&settings(&checkout))["model_dir"].as_str().unwrap().to_owned();
    assert_eq!(PathBuf::from(remembered), fs::canonicalize(shipped_model()).unwrap());
}

#[test]
fn a_repository_in_the_hugging_face_cache_is_used_by_its_own_folder() {
    let cache = tempfile::tempdir().unwrap();
    let repository = cache.path().join("models--OpenVINO--gpt-oss-tiny-int4-ov");
    let (blobs, revision) = (repository.join("blobs"), "0123456789abcdef0123456789abcdef01234567");
    let snapshot = repository.join("snapshots").join(revision);
    for folder in [&blobs, &snapshot, &repository.join("snapshots/an-older-one"), &repository.join("refs")] {
        fs::create_dir_all(folder).unwrap();
    }
    fs::write(repository.join("refs/main"), revision).unwrap();
    for (index, name) in FILES.iter().filter(|name| **name != "manifest.json").enumerate() {
        fs::copy(shipped_model().join(name), blobs.join(index.to_string())).unwrap();
        symlink(format!("../../blobs/{index}"), snapshot.join(name)).unwrap();
    }
    let checkout = Checkout::new();
    checkout.run(["model", "use", repository.to_str().unwrap()]).exits(0);
    assert!(checkout.run(["model", "show"]).stdout.trim().ends_with(&format!("/snapshots/{revision}")));
    // It has no goldens of its own name, and is known by its repository's.
    checkout.run(BARE).exits(0).prints("gpt-oss-tiny-int4-ov on CPU").prints("unverified");
    assert!(fs::read_dir(&snapshot).unwrap().all(|entry| entry.unwrap().path().is_symlink()));
}

#[test]
fn a_folder_that_no_verb_could_use_is_refused_and_the_earlier_one_stays() {
    let (checkout, good) = (Checkout::new(), ModelCopy::new());
    checkout.run(["model", "use", &good.argument()]).exits(0);
    let before = fs::read(settings(&checkout)).unwrap();
    let truncated = ModelCopy::new().with("openvino_model.bin", |bytes| bytes.truncate(1000));
    let empty = ModelCopy::empty();
    for (bad, fault, help) in [
        ("nowhere".to_owned(), "model folder `nowhere` does not exist", "model use DIR"),
        (empty.argument(), "has no `openvino_model.xml`", "model use DIR"),
        (truncated.argument(), "is truncated", "fetch the model again"),
    ] {
        let ended = checkout.run(["model", "use", &bad]);
        ended.refuses(fault, help);
        assert_eq!(fs::read(settings(&checkout)).unwrap(), before, "{ended}");
    }
}

#[test]
fn a_remembered_model_that_is_gone_is_said_and_not_passed_over() {
    let (checkout, model) = (Checkout::new(), ModelCopy::new());
    let folder = model.argument();
    checkout.run(["model", "use", &folder]).exits(0);
    drop(model);
    let ended = checkout.run(BARE);
    ended.refuses(&format!("model folder `{folder}` does not exist"), "cargo xtask model use DIR");
    ended.says("(by `model use`)");
    checkout.run(["model", "forget"]).exits(0);
}

#[test]
fn settings_of_a_later_version_are_kept_and_broken_ones_are_refused() {
    let (checkout, model) = (Checkout::new(), ModelCopy::new());
    fs::create_dir_all(settings(&checkout).parent().unwrap()).unwrap();
    fs::write(settings(&checkout), r#"{"store": "/somewhere", "labels": ["night"]}"#).unwrap();
    checkout.run(["model", "use", &model.argument()]).exits(0);
    let written = read_json(&settings(&checkout));
    assert_eq!((&written["store"], &written["labels"][0]), (&"/somewhere".into(), &"night".into()));

    fs::write(settings(&checkout), "{").unwrap();
    for verb in [&BARE[..], &["model", "show"], &["model", "use", &model.argument()]] {
        checkout.run(verb).refuses("settings.json` cannot be read", "delete it to start over");
    }
    assert_eq!(fs::read_to_string(settings(&checkout)).unwrap(), "{", "nothing is lost");
}

#[test]
fn the_flag_takes_a_repository_of_the_hugging_face_cache_as_model_use_does() {
    let cache = tempfile::tempdir().unwrap();
    let repository = cache.path().join("models--a--b");
    let snapshot = repository.join("snapshots/0123");
    fs::create_dir_all(&snapshot).unwrap();
    for name in FILES {
        symlink(shipped_model().join(name), snapshot.join(name)).unwrap();
    }
    let flags = ["--model-dir", repository.to_str().unwrap()];
    Checkout::new().run(BARE.iter().copied().chain(flags)).exits(0).prints("tiny-gpt-oss on CPU");
}

//! A model whose tokenizer is an OpenVINO graph: used where there is no `tokenizer.json`, compared with one, and refused
//! where it is of another release or damaged.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use arcgauge::error::Result;
use arcgauge::measure::start_tokenizer;
use arcgauge::places;
use arcgauge::workload::{TextTokenizer, TokenId};
use serde_json::{Value, json};

use crate::checkout::{Checkout, edit_json, read_json, repository};
use crate::ended::Ended;
use crate::model_copy::ModelCopy;
use crate::this_machine::tokenizer;

const RELEASES: [&str; 2] = ["2026.4.1", "2026.1.0"];
/// A text that no prompt's ids are pinned for.
const TEXT: &str = "Compute 3 caf\u{e9}s \u{1f44d}\u{1f3fd}\u{3000}<|end|>\tplease.";

impl ModelCopy {
    /// The copy with the tokenizer IR of a release in place of `tokenizer.json`.
    fn with_tokenizer_ir(release: &str) -> Self {
        Self::new().and_tokenizer_ir(release).without("tokenizer.json").without("manifest.json")
    }

    /// The copy with a tokenizer IR too.
    fn and_tokenizer_ir(self, release: &str) -> Self {
        for entry in fs::read_dir(repository().join("fixtures/tokenizers").join(release)).unwrap() {
            let file = entry.unwrap();
            fs::copy(file.path(), self.file(file.file_name().to_str().unwrap())).unwrap();
        }
        self
    }

    /// The copy with a manifest of what is in it.
    fn with_its_manifest(self) -> Self {
        let mut python = Command::new("python3");
        let listed =
            python.arg(repository().join("ci/runner/model-manifest.py")).arg(self.path()).output().unwrap();
        assert!(listed.status.success(), "{listed:?}");
        fs::write(self.file("manifest.json"), listed.stdout).unwrap();
        self
    }

    /// Its tokenizer IR, served by the binary.
    fn tokenizer_ir(&self, release: &str) -> Result<TextTokenizer> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_arcgauge"));
        command.args(["tokenizer", "--openvino", release]).arg(self.path());
        start_tokenizer(&mut command, &self.path())
    }
}

fn infer(checkout: &Checkout, release: &str, model: Option<&ModelCopy>, format: &str) -> Ended {
    let folder = model.map(|model| vec!["--model-dir".to_owned(), model.argument()]).unwrap_or_default();
    let mut words = vec!["infer", "--device", "CPU", "--openvino", release, "--max-new-tokens", "24"];
    words.extend(["--prompt", TEXT, "--format", format]);
    checkout.run(words.into_iter().map(str::to_owned).chain(folder))
}

#[test]
fn a_text_has_the_same_tokens_and_the_answer_the_same_words_as_with_the_tokenizer_json() {
    let checkout = Checkout::new();
    for (release, format) in [(RELEASES[0], "json"), (RELEASES[0], "text"), (RELEASES[1], "json")] {
        let model = ModelCopy::with_tokenizer_ir(release);
        let by_json = infer(&checkout, release, None, format);
        let by_ir = infer(&checkout, release, Some(&model), format);
        assert_eq!(by_ir.exits(0).stdout, by_json.exits(0).stdout);
    }
}

#[test]
fn bench_feeds_checks_and_words_by_a_tokenizer_ir_what_it_does_by_the_tokenizer_json() {
    let model = ModelCopy::with_tokenizer_ir(RELEASES[0]);
    let measured = |folder: &[&str]| {
        let checkout = Checkout::with_own_goldens();
        edit_json(&checkout.golden("fibonacci"), |golden| golden["token_ids"][3] = json!(71));
        let prompts = ["moe-vs-dense", "fibonacci", TEXT].into_iter().flat_map(|prompt| ["--prompt", prompt]);
        checkout.bench(&prompts.chain(folder.iter().copied()).collect::<Vec<_>>()).exits(11);
        let record = checkout.only_record();
        let run = record.subject();
        let fed: Vec<_> = run.workload.prompts.iter().map(|prompt| prompt.token_ids.clone()).collect();
        let checked: Vec<_> = run.prompts.iter().map(|it| (it.golden, it.divergence_text.clone())).collect();
        assert!(checked[0].1.is_none() && checked[1].1.is_some(), "{checked:?}");
        (fed, checked)
    };
    assert_eq!(measured(&["--model-dir", &model.argument()]), measured(&[]));
}

#[test]
fn both_are_compared_on_the_prompts_and_on_all_kinds_of_characters() {
    let checkout = Checkout::new();
    for release in RELEASES {
        let model = ModelCopy::new().and_tokenizer_ir(release).with_its_manifest();
        let verify = || checkout.run(["model", "verify", &model.argument(), "--openvino", release]);
        verify().exits(0).prints("`tokenizer.json` and the tokenizer IR are the same on 23 texts\n");
    }
}

#[test]
fn the_first_difference_is_named_with_its_text_its_place_and_both_ids() {
    let checkout = Checkout::new();
    let verify = |change: &dyn Fn(&mut Value)| {
        let model = ModelCopy::new().and_tokenizer_ir(RELEASES[0]);
        edit_json(&model.file("tokenizer.json"), change);
        let model = model.with_its_manifest();
        let ended = checkout.run(["model", "verify", &model.argument()]);
        ended.exits(2).prints("is whole").says("`tokenizer.json` is what is used");
        ended
    };
    let swapped = verify(&|json| {
        let vocabulary = &mut json["model"]["vocab"];
        (vocabulary["#"], vocabulary["%"]) = (vocabulary["%"].clone(), vocabulary["#"].clone());
    });
    swapped
        .says("differ: text `punctuation`, token ")
        .says("\u{2026} \u{2014}`: ids 11, 10, 9, ")
        .says(" and 9, 10, 11, ");
    let decoded = verify(&|json| json["decoder"] = json!({ "type": "Fuse" }));
    decoded.says("differ: text `moe-vs-dense`, decoded, character 7, after `Explain`: `\u{120}the");
}

#[test]
fn nothing_is_hidden_cut_off_or_padded() {
    // Where the graph has its limit, and where it says that it applies.
    for (release, limit, applies) in [(RELEASES[0], 15_985, Some(0_usize)), (RELEASES[1], 15_957, None)] {
        let model = ModelCopy::with_tokenizer_ir(release).with("openvino_tokenizer.bin", |bytes| {
            assert_eq!(bytes[limit..limit + 4], i32::MAX.to_le_bytes());
            bytes[limit..limit + 4].copy_from_slice(&3_i32.to_le_bytes());
            if let Some(at) = applies {
                bytes[at] = 1;
            }
        });
        let ir = model.tokenizer_ir(release).unwrap();
        let ids = ir.encode(TEXT).unwrap();
        assert_eq!(ids, tokenizer().encode(TEXT).unwrap(), "{release}");
        assert_eq!(ir.decode(&ids).unwrap(), TEXT);
        assert_eq!(ir.decode(&[]).unwrap(), "");
        assert_eq!(ir.vocabulary_size(), tokenizer().vocabulary_size());
        assert!(ir.encode("").unwrap_err().to_string().contains("the prompt is empty"));
    }
}

#[test]
fn a_character_of_several_tokens_appears_once_it_is_whole() {
    let model = ModelCopy::with_tokenizer_ir(RELEASES[0]);
    let pieces = |tokenizer: &TextTokenizer, ids: &[TokenId]| -> Vec<String> {
        let mut stream = tokenizer.stream();
        ids.iter().map(|id| stream.push(*id).unwrap()).collect()
    };
    let ids = tokenizer().encode(TEXT).unwrap();
    let by_json = pieces(&tokenizer(), &ids);
    assert_eq!(by_json.concat(), TEXT);
    assert!(by_json.contains(&String::new()), "no character has several tokens: {by_json:?}");
    assert_eq!(pieces(&model.tokenizer_ir(RELEASES[0]).unwrap(), &ids), by_json);
}

#[test]
fn one_of_another_release_is_refused_with_the_releases_and_what_to_do() {
    let checkout = Checkout::new();
    let model = ModelCopy::with_tokenizer_ir("2026.1.0");
    infer(&checkout, "2026.4.1", Some(&model), "text")
        .refuses("is of OpenVINO `2026.1.0`, and `2026.4.1` runs", "`--openvino 2026.1.0`");
    let doctor = checkout.run(["doctor", "--device", "CPU", "--model-dir", &model.argument()]);
    doctor.prints("is of OpenVINO `2026.1.0`").prints("`--openvino 2026.1.0`");
    let of_no_list = |bytes: &mut Vec<u8>| {
        let text = String::from_utf8(std::mem::take(bytes)).unwrap();
        *bytes = text.replace("\"2026.1.0", "\"2025.3.2").into_bytes();
    };
    let model = model.with("openvino_tokenizer.xml", of_no_list).with("openvino_detokenizer.xml", of_no_list);
    infer(&checkout, "2026.4.1", Some(&model), "text")
        .refuses("is of OpenVINO `2025.3.2`", "pip install openvino-tokenizers[transformers]==2026.4.1.0");
}

#[test]
fn without_the_extension_the_command_that_fetches_it_is_named() {
    let (checkout, cache) = (Checkout::new(), tempfile::tempdir().unwrap());
    fs::create_dir(cache.path().join("arcgauge")).unwrap();
    symlink(places::cache_dir().unwrap().join("openvino"), cache.path().join("arcgauge/openvino")).unwrap();
    let model = ModelCopy::with_tokenizer_ir(RELEASES[1]);
    let mut command = checkout.command(["infer", "--prompt", TEXT, "--model-dir", &model.argument()]);
    command.args(["--openvino", RELEASES[1]]).env("XDG_CACHE_HOME", cache.path());
    let ended = Ended::of(command.output().unwrap());
    ended.exits(20).says("the tokenizers extension of OpenVINO `2026.1.0` is not set up");
    ended.says("`cargo xtask setup --tokenizers --openvino 2026.1.0`");
}

#[test]
fn beside_a_tokenizer_json_one_of_another_release_is_not_compared_and_that_is_said() {
    let checkout = Checkout::new();
    let model = ModelCopy::new().and_tokenizer_ir("2026.1.0").with_its_manifest();
    checkout.run(["model", "verify", &model.argument()]).exits(0).says("was not compared").says("`2026.1.0`");
    infer(&checkout, "2026.4.1", Some(&model), "json").exits(0);
}

#[test]
fn prompts_whose_tokens_are_pinned_are_measured_though_the_tokenizer_ir_is_of_another_release() {
    let checkout = Checkout::with_own_goldens();
    edit_json(&checkout.path("fixtures/prompts/token-ids/tiny-gpt-oss.json"), |pins| {
        pins["recognised_by"] = json!({ "model_type": "gpt_oss", "vocabulary_size": 672 });
    });
    let model = ModelCopy::with_tokenizer_ir("2026.1.0");
    checkout.bench(&["--model-dir", &model.argument()]).exits(0);
    let record = checkout.only_record();
    let warnings = &record.subject().warnings;
    let warning = warnings.iter().find(|warning| warning.id == "no-tokenizer").unwrap();
    assert!(warning.message.contains("`2026.1.0`"), "{warning:?}");
}

#[test]
fn a_damaged_one_is_refused_with_its_file_and_never_crashes() {
    let checkout = Checkout::new();
    let cut = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2);
    let model = || ModelCopy::with_tokenizer_ir(RELEASES[0]);
    for (model, fault) in [
        (model().with("openvino_tokenizer.xml", cut), "openvino_tokenizer.xml` is no XML"),
        (
            model().with("openvino_detokenizer.xml", |bytes| bytes.fill(0xff)),
            "openvino_detokenizer.xml` is no text",
        ),
        (
            model().with("openvino_tokenizer.xml", |bytes| *bytes = b"<net/>".into()),
            "has no layers and edges",
        ),
        (
            model().with("openvino_tokenizer.bin", cut),
            "openvino_tokenizer.bin` is truncated: it has 8007 bytes",
        ),
        (model().with("openvino_detokenizer.bin", Vec::clear), "openvino_detokenizer.bin` is truncated"),
        (model().without("openvino_detokenizer.xml"), "openvino_detokenizer.xml`"),
        (model().with("openvino_tokenizer.bin", |bytes| bytes.fill(0)), "OpenVINO"),
        // Where the words of the vocabulary begin, and where they end.
        (
            model().with("openvino_tokenizer.bin", |bytes| bytes[403..3079].fill(0x7e)),
            "has no token for the text `a`: it is damaged",
        ),
        (
            model().with("openvino_tokenizer.bin", |bytes| bytes[3079..5755].fill(0x7e)),
            "OpenVINO crashed on it (signal ",
        ),
    ] {
        infer(&checkout, RELEASES[0], Some(&model), "text").refuses(fault, "`--tokenizer FILE`");
    }
    let beside = ModelCopy::new()
        .and_tokenizer_ir(RELEASES[0])
        .with("openvino_tokenizer.bin", |bytes| bytes[3079..5755].fill(0x7e))
        .with_its_manifest();
    checkout.run(["model", "verify", &beside.argument()]).exits(2).says("OpenVINO crashed on it (signal ");
}

#[test]
fn no_process_of_a_tokenizer_outlives_its_verb() {
    let model = ModelCopy::with_tokenizer_ir(RELEASES[0]);
    infer(&Checkout::new(), RELEASES[0], Some(&model), "json").exits(0);
    let folder = model.argument();
    let left = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let line = fs::read(entry.ok()?.path().join("cmdline")).ok()?;
        String::from_utf8_lossy(&line).contains(&folder).then_some(line)
    });
    assert_eq!(left.count(), 0);
    assert!(read_json(&model.file("config.json")).is_object(), "the folder is as it was");
}

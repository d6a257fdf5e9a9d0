//! `infer`: one answer, streamed as text, or whole as JSON.

use std::fs;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::checkout::{Checkout, read_json};
use crate::ended::Ended;
use crate::this_machine::tokenizer;

/// The text of a reference prompt.
fn text_of(checkout: &Checkout, id: &str) -> String {
    let prompts = read_json(&checkout.path("fixtures/prompts/reference.json"));
    let prompt = prompts.as_array().unwrap().iter().find(|prompt| prompt["id"] == id).unwrap();
    prompt["text"].as_str().unwrap().to_owned()
}

#[test]
fn the_text_is_the_golden_s_word_for_word_and_a_line_of_values_ends_it() {
    let checkout = Checkout::new();
    let golden = read_json(&checkout.golden("moe-vs-dense"));
    let ended = checkout.run(["infer", "--prompt", &text_of(&checkout, "moe-vs-dense"), "--device", "CPU"]);
    assert_eq!(ended.exits(0).stdout.strip_suffix('\n').unwrap(), golden["text"].as_str().unwrap());
    let prompt_tokens = golden["prompt_token_ids"].as_array().unwrap().len();
    ended.says(&format!("{prompt_tokens} prompt tokens, 200 new; first token "));
    ended.says(" token/s in all (unverified: no golden was checked");
    assert!(checkout.record_files().is_empty(), "an answer is no measurement");
}

#[test]
fn as_json_the_ids_and_gaps_are_the_golden_s() {
    let checkout = Checkout::new();
    let golden = read_json(&checkout.golden("fibonacci"));
    let prompt = text_of(&checkout, "fibonacci");
    let flags = ["--device", "CPU", "--max-new-tokens", "20", "--format", "json"];
    let ended = checkout.run(["infer", "--prompt", &prompt].iter().chain(&flags));
    let answer: Value = serde_json::from_str(&ended.exits(0).stdout).unwrap();
    let first = |list: &str| golden[list].as_array().unwrap()[..20].to_vec();
    assert_eq!(answer["prompt_token_ids"], golden["prompt_token_ids"]);
    assert_eq!(answer["token_ids"], Value::from(first("token_ids")));
    assert_eq!(answer["runner_up_ids"], Value::from(first("runner_up_ids")));
    let close = |(reported, golden): (&Value, Value)| {
        (reported.as_f64().unwrap() - golden.as_f64().unwrap()).abs() < 0.5
    };
    assert!(
        answer["top_logit_margins"].as_array().unwrap().iter().zip(first("logit_margins")).all(close),
        "{answer:#}"
    );
}

#[test]
fn token_ids_are_asked_as_they_are_and_their_number_is_exact() {
    let checkout = Checkout::new();
    let golden = read_json(&checkout.golden("fibonacci"));
    let ids: Vec<String> =
        golden["prompt_token_ids"].as_array().unwrap().iter().map(Value::to_string).collect();
    let flags = ["--device", "CPU", "--max-new-tokens", "1"];
    let ended = checkout.run(["infer", "--token-ids", &ids.join(",")].iter().chain(&flags));
    let word =
        tokenizer().decode(&[u32::try_from(golden["token_ids"][0].as_u64().unwrap()).unwrap()]).unwrap();
    assert_eq!(ended.exits(0).stdout, format!("{word}\n"));
    // A single token has no time between tokens.
    ended.says("1 new; ").says(", - a token after it, ");
}

/// What `infer` feeds for a text, by the shipped tokenizer with one field of its file changed.
fn fed(checkout: &Checkout, field: &str, value: Value, words: &[&str]) -> (Value, Ended) {
    let mut file = read_json(&checkout.path("fixtures/models/tiny-gpt-oss/tokenizer.json"));
    file[field] = value;
    let path = checkout.path("tokenizer.json");
    fs::write(&path, file.to_string()).unwrap();
    let path = path.display().to_string();
    let flags = ["--tokenizer", &path, "--device", "CPU", "--max-new-tokens", "1", "--format", "json"];
    let ended = checkout.run(["infer"].iter().chain(words).chain(&flags));
    let answer: Value = serde_json::from_str(&ended.exits(0).stdout).unwrap();
    (answer["prompt_token_ids"].clone(), ended)
}

#[test]
fn a_tokenizer_that_was_saved_with_padding_or_truncation_feeds_the_whole_prompt_and_says_so() {
    let checkout = Checkout::new();
    let words = ["--prompt", "hello world"];
    let (expected, plain) = fed(&checkout, "padding", Value::Null, &words);
    assert!(!plain.stderr.contains("tokenizer"), "{plain}");
    let padding = json!({
        "strategy": {"Fixed": 12}, "direction": "Right", "pad_to_multiple_of": null,
        "pad_id": 1, "pad_type_id": 0, "pad_token": "<|endoftext|>",
    });
    let (ids, ended) = fed(&checkout, "padding", padding, &words);
    assert_eq!(ids, expected);
    ended.says("warning: the tokenizer was saved with padding: not done here");
    let truncation = json!({"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0});
    let (ids, ended) = fed(&checkout, "truncation", truncation, &words);
    assert_eq!(ids, expected);
    ended.says("saved with truncation to 4 tokens: not done here");
}

#[test]
fn tokens_of_the_tokenizer_s_own_template_are_fed_and_named() {
    let checkout = Checkout::new();
    let words = ["--prompt", "hello world"];
    let (plain, _) = fed(&checkout, "post_processor", Value::Null, &words);
    let special = json!({"id": "<|startoftext|>", "ids": [0], "tokens": ["<|startoftext|>"]});
    let template = json!({
        "type": "TemplateProcessing",
        "single": [
            {"SpecialToken": {"id": "<|startoftext|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
        ],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
        "special_tokens": {"<|startoftext|>": special},
    });
    let (ids, ended) = fed(&checkout, "post_processor", template, &words);
    let expected: Vec<Value> =
        std::iter::once(json!(0)).chain(plain.as_array().unwrap().iter().cloned()).collect();
    assert_eq!(ids, Value::from(expected));
    ended.says("tokenizer: its template puts `<|startoftext|>` (0) before the text");
    let file = checkout.path("tokenizer.json").display().to_string();
    let doctor = checkout.run(["doctor", "--tokenizer", &file, "--device", "CPU"]);
    doctor.prints("its template puts `<|startoftext|>` (0) before the text");
}

#[test]
fn a_prompt_may_begin_like_a_flag_and_ids_may_have_spaces_between_them() {
    let checkout = Checkout::new();
    let (ids, _) = fed(&checkout, "padding", Value::Null, &["--prompt", "-5 degrees"]);
    assert_eq!(ids, json!(tokenizer().encode("-5 degrees").unwrap()));
    let (ids, _) = fed(&checkout, "padding", Value::Null, &["--token-ids", "1, 2 ,3"]);
    assert_eq!(ids, json!([1, 2, 3]));
}

#[test]
fn a_prompt_of_any_script_is_answered_in_whole_characters() {
    let checkout = Checkout::new();
    let prompt = "Größe 🦀 日本語 \u{202e}";
    // `Ended` refuses an answer that is no UTF-8.
    let ended = checkout.run(["infer", "--prompt", prompt, "--device", "CPU", "--max-new-tokens", "24"]);
    ended.exits(0).says("24 new; ");
}

#[test]
fn characters_of_several_tokens_are_streamed_whole() {
    let tokenizer = tokenizer();
    let text = "Größe 🦀 日本語, naïve café – “quoted” ½ 👩‍💻.";
    let ids = tokenizer.encode(text).unwrap();
    assert!(ids.len() > text.chars().count() / 2 + 10, "some characters are several tokens");
    let mut stream = tokenizer.stream();
    let pieces: Vec<String> = ids.iter().map(|id| stream.push(*id).unwrap()).collect();
    assert_eq!(pieces.concat(), text);
    assert!(pieces.iter().any(String::is_empty), "what makes no character yet is held back");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let checkout = Checkout::new();
    let mut command =
        checkout.command(["infer", "--prompt", "Hello", "--device", "CPU", "--max-new-tokens", "8"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

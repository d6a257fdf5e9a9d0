//! Files of other tools through `history`: taken in, reported, stored apart, reported again and refused.

use std::fs;
use std::path::Path;

use arcgauge::record::History;

use crate::checkout::Checkout;
use crate::ended::Ended;
use crate::forged;
use crate::history_index::verified;

fn import(checkout: &Checkout, words: &[&str]) -> Ended {
    checkout.run(["history", "import"].iter().chain(words))
}

fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/exchange").join(name).display().to_string()
}

#[test]
fn a_file_of_another_tool_is_told_kept_apart_and_told_again_byte_for_byte() {
    let checkout = Checkout::new();
    forged::store(&checkout, &verified("00000000000a"));
    let store = checkout.path("reports/history");
    let listed = checkout.run(["history", "list", "--format", "json"]).exits(0).stdout.clone();
    let (json, csv) = (fixture("llm_bench/genai.json"), fixture("llm_bench/genai.csv"));
    let first = import(&checkout, &[&json]);
    first.exits(0).says("taken for llm_bench (JSON): `").says("1 added, 0 there already, 0 refused");
    first.prints("Measured by another tool: llm_bench (JSON). Its tokens were never verified");
    first.prints("own averages differ").prints("-6.32 %");
    import(&checkout, &[&csv]).exits(0).says("taken for llm_bench (CSV): `");
    let again = import(&checkout, &[&json]);
    again.exits(0).says("0 added, 1 there already, 0 refused");
    assert_eq!(again.stdout, first.stdout);
    let [_, stored] = &History::at(store.clone()).imported_found().files[..] else {
        panic!("two are stored")
    };
    let shown = checkout.run([Path::new("history"), Path::new("show"), stored]);
    assert_eq!(shown.exits(0).stdout, first.stdout);
    // What is ours is as it was.
    assert_eq!(checkout.run(["history", "list", "--format", "json"]).exits(0).stdout, listed);
    let list = checkout.run(["history", "list"]);
    list.exits(0).prints("a-machine").prints("Of other tools, compared with nothing:");
    list.prints("llm_bench (JSON)  genai.json: gpt on CPU");
    checkout.run(["history", "verify"]).exits(0).prints("3 intact, 0 damaged");
    // As a word of a list with a filter it would be noise.
    assert!(!checkout.run(["history", "list", "--limit", "1"]).exits(0).stdout.contains("other tools"));
    fs::write(stored, "altered").unwrap();
    checkout.run(["history", "verify"]).exits(20).prints("2 intact, 1 damaged");
}

#[test]
fn a_file_that_is_refused_leaves_nothing_behind_and_the_next_is_still_read() {
    let checkout = Checkout::new();
    let [batch, llama] = ["llm_bench/batch-of-2.json", "llama-bench/depths.json"].map(fixture);
    let ended = import(&checkout, &[&batch, &llama]);
    ended.exits(2).says("1 added, 0 there already, 1 refused");
    ended.says("batch-of-2.json`: `metadata.batch_size` is `2`, and only 1 is read");
    ended.prints("pp16+tg32 @ d64");
    assert_eq!(History::at(checkout.path("reports/history")).imported_found().files.len(), 1);
    let other = checkout.path("other.json");
    fs::write(&other, "{\"a\": 1}").unwrap();
    let other = other.display().to_string();
    import(&checkout, &[&other]).refuses("neither a record nor a file of a tool", "`--as FORMAT`");
    import(&checkout, &["--as", "llama-bench-json", &other]).refuses("not a list of tests", "docs/import.md");
    import(&checkout, &["--as", "yaml", &other]).exits(2).says("llm-bench-json, llm-bench-csv");
    let large = checkout.path("large.json");
    fs::File::create(&large).unwrap().set_len((16 << 20) + 2).unwrap();
    import(&checkout, &["--as", "llm-bench-json", &large.display().to_string()])
        .refuses("it has more than 16777216 bytes", "nothing was stored");
}

#[test]
fn beside_a_run_of_ours_values_of_one_id_are_shown_and_never_compared() {
    let checkout = Checkout::new();
    forged::store(&checkout, &verified("00000000000a"));
    import(&checkout, &[&fixture("llm_bench/genai.json"), &fixture("llama-bench/tiny-llama.json")]).exits(0);
    let files = History::at(checkout.path("reports/history")).imported_found().files;
    let [llama, genai] = &files[..] else { panic!("two are stored") };
    let [llama, genai] = [llama, genai].map(|file| file.display().to_string());
    let shown = checkout.run(["compare", "latest", &genai]);
    shown.exits(13).prints("Shown, not compared: the tokens of B were never verified");
    shown.prints("e2e_per_token@1").prints("26.96").prints("32 tokens a prompt");
    assert!(!shown.stdout.contains("ttft") && !shown.stdout.contains('%'), "{shown}");
    checkout.run(["compare", "latest", &llama]).exits(13).prints("they have none of one definition");
    checkout.run(["compare", &genai, "latest"]).refuses("it can be B alone", "cargo xtask compare RUN FILE");
    checkout.run(["compare", "latest", &genai, "--format", "json"]).refuses("as text alone", "compare");
}

#[test]
fn no_record_of_ours_can_hide_where_no_index_looks() {
    let scene = tempfile::tempdir().unwrap();
    let mut record = verified("00000000000a");
    record.machine.slug = "foreign".to_owned();
    let error = History::at(scene.path().to_owned()).add(&record).unwrap_err();
    assert!(error.to_string().contains("`foreign`, which is the folder of other tools"), "{error}");
}

#[test]
fn a_pipe_is_refused_and_not_waited_for() {
    let checkout = Checkout::new();
    let pipe = checkout.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    import(&checkout, &[&pipe.display().to_string()]).exits(2).says("is neither a file nor a folder");
}

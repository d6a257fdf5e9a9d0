use serde_json::Value;

use crate::golden::{Divergence, GoldenResult};
use crate::judge::peers::example::all_engines;
use crate::record::{Experiment, Outcome, Warning};
use crate::report::peers::{peers_document, peers_json};

/// One engine wrong, and what it said kept from every figure.
fn with_a_wrong_engine() -> Experiment {
    let mut record = all_engines();
    record.outcome = Outcome::WrongOutput;
    let run = &mut record.arms[4];
    run.outcome = Outcome::WrongOutput;
    for prompt in &mut run.prompts {
        prompt.golden = GoldenResult::Break;
        let divergence = Divergence { position: 4, expected: 7, got: 9, logit_margin: 6.25, flips: vec![4] };
        prompt.divergence = Some(divergence);
    }
    run.samples.iter_mut().for_each(|sample| sample.times = None);
    record.rounds[1].order.retain(|engine| *engine != 4);
    record.rounds[2].order.retain(|engine| *engine != 4);
    record
}

#[test]
fn engines_are_told_by_their_tokens_their_figures_and_what_sets_them_apart() {
    insta::assert_snapshot!(peers_document(&all_engines()).to_text(None));
    insta::assert_snapshot!(peers_document(&all_engines()).to_markdown());
}

#[test]
fn a_wrong_engine_has_no_speed_in_any_form() {
    let record = with_a_wrong_engine();
    let text = peers_document(&record).to_text(Some(200));
    assert!(
        text.contains("optimum      FAIL wrong output  no speed is reported: `moe-vs-dense` at token 5"),
        "{text}"
    );
    let row = text.lines().find(|line| line.trim_start().starts_with("optimum      optimum-intel")).unwrap();
    assert!(row.contains(" - "), "{row}");
    assert!(!text.contains("optimum      tpot@1") && !text.contains("optimum-intel to"), "{text}");
    let json: Value = serde_json::from_str(&peers_json(&record)).unwrap();
    let optimum = &json["engines"][4];
    assert_eq!(optimum["asked"], "optimum");
    assert!(optimum["figures"]["tpot@1"].is_null() && optimum["figures"]["e2e_throughput@1"].is_null());
    assert_eq!(optimum["tokens"][0]["result"], "break");
    assert!(json["multiples"].as_array().unwrap().iter().all(|row| row["engine"] != "optimum"));
}

#[test]
fn what_is_not_isolated_is_named_with_the_engines_that_would() {
    let mut record = all_engines();
    record.arms.truncate(2);
    record.rounds.iter_mut().for_each(|round| round.order = vec![0, 1]);
    let text = peers_document(&record).to_text(Some(200));
    assert!(
        text.contains("attention and its scheduler was not isolated: `--engines genai,genai-pa` isolates it"),
        "{text}"
    );
    assert!(text.contains("KV-cache precision was not isolated"), "{text}");
    assert!(!text.contains("host loop was not"), "{text}");
}

#[test]
fn a_warning_of_several_engines_is_told_once_and_hostile_text_stays_text() {
    let mut record = all_engines();
    let hostile = "##[error]\\u{1b}[31m<b>|x|</b>\nnext";
    for engine in &mut record.arms[1..] {
        engine.warnings = vec![Warning::new("one", hostile, "advice")];
        engine.label.push_str("|<i>");
    }
    record.arms[0].warnings.clear();
    let text = peers_document(&record).to_text(Some(200));
    assert_eq!(text.matches("warning").count(), 1, "{text}");
    assert!(!text.contains("##[error]") && !text.contains("</b>\n"), "{text}");
    let markdown = peers_document(&record).to_markdown();
    assert!(
        !markdown.contains("<b>") && !markdown.contains("|x|") && !markdown.contains("<i>"),
        "{markdown}"
    );
    assert!(!peers_json(&record).contains("##["));
}

use serde_json::Value;

use crate::golden::{Divergence, GoldenResult};
use crate::judge::peers::example::all_engines;
use crate::record::{Outcome, PeersRecord, Warning};
use crate::report::peers::{peers_json, peers_markdown, peers_text};

/// One engine wrong, and what it said kept from every figure.
fn with_a_wrong_engine() -> PeersRecord {
    let mut record = all_engines();
    record.outcome = Outcome::WrongOutput;
    let run = &mut record.others[3].run;
    run.outcome = Outcome::WrongOutput;
    for prompt in &mut run.prompts {
        prompt.golden = GoldenResult::Break;
        let divergence = Divergence { position: 4, expected: 7, got: 9, gap_logit: 6.25, flips: vec![4] };
        prompt.divergence = Some(divergence);
    }
    run.samples.iter_mut().for_each(|sample| sample.times = None);
    record.rounds[1].order.retain(|engine| *engine != 4);
    record.rounds[2].order.retain(|engine| *engine != 4);
    record
}

#[test]
fn engines_are_told_by_their_tokens_their_figures_and_what_sets_them_apart() {
    insta::assert_snapshot!(peers_text(&all_engines()));
    insta::assert_snapshot!(peers_markdown(&all_engines()));
}

#[test]
fn a_wrong_engine_has_no_speed_in_any_form() {
    let record = with_a_wrong_engine();
    let text = peers_text(&record);
    assert!(
        text.contains("FAIL  optimum      wrong output  no speed is given: `moe-vs-dense` at token 5"),
        "{text}"
    );
    let row = text.lines().find(|line| line.trim_start().starts_with("optimum      optimum-intel")).unwrap();
    assert!(row.contains(" - "), "{row}");
    assert!(!text.contains("optimum      tpot@1") && !text.contains("optimum-intel to"), "{text}");
    let json: Value = serde_json::from_str(&peers_json(&record)).unwrap();
    let optimum = &json["engines"][4];
    assert_eq!(optimum["asked"], "optimum");
    assert!(optimum["figures"]["tpot@1"].is_null() && optimum["figures"]["e2e_throughput@1"].is_null());
    assert_eq!(optimum["tokens"][0]["word"], "break");
    assert!(json["multiples"].as_array().unwrap().iter().all(|row| row["engine"] != "optimum"));
}

#[test]
fn what_is_not_told_apart_is_named_with_the_engines_that_would() {
    let mut record = all_engines();
    record.others.truncate(1);
    record.rounds.iter_mut().for_each(|round| round.order = vec![0, 1]);
    let text = peers_text(&record);
    assert!(
        text.contains("attention and its scheduler was not told apart: `--engines genai,genai-pa` does"),
        "{text}"
    );
    assert!(text.contains("KV-cache precision was not told apart"), "{text}");
    assert!(!text.contains("host loop was not"), "{text}");
}

#[test]
fn a_warning_of_several_engines_is_told_once_and_hostile_text_stays_text() {
    let mut record = all_engines();
    let hostile = "##[error]\\u{1b}[31m<b>|x|</b>\nnext";
    for engine in &mut record.others {
        engine.run.warnings = vec![Warning::new("one", hostile, "advice")];
        engine.asked.push_str("|<i>");
    }
    record.reference.run.warnings.clear();
    let text = peers_text(&record);
    assert_eq!(text.matches("warning").count(), 1, "{text}");
    assert!(!text.contains("##[error]") && !text.contains("</b>\n"), "{text}");
    let markdown = peers_markdown(&record);
    assert!(
        !markdown.contains("<b>") && !markdown.contains("|x|") && !markdown.contains("<i>"),
        "{markdown}"
    );
    assert!(!peers_json(&record).contains("##["));
}

//! The pages that compare, in a browser: two runs are chosen, and the address keeps the choice.

use std::fs;
use std::path::PathBuf;

use arcgauge::golden::GoldenResult;
use arcgauge::record::{Experiment, Warning};
use serde_json::{Value, json};

use super::{SECOND, one, other, paced, with_pages};
use crate::browser::{self, Act, Look};
use crate::checkout::Checkout;
use crate::hostile_text::payloads;

fn page(checkout: &Checkout) -> PathBuf {
    checkout.path("reports/site/compare.html")
}

fn newer(run_id: &str, hour: u32) -> Experiment {
    Experiment { when_utc: format!("2026-11-23T{hour:02}:00:00Z"), ..paced(run_id, SECOND, &[50, 52, 51]) }
}

/// Two runs of one thing, then one on another kernel, one of another model, and one that a guard invalidated.
fn some() -> Vec<Experiment> {
    let mut kernel = newer("00000000000c", 6);
    kernel.machine.kernel = Some("6.2".into());
    let mut model = newer("00000000000d", 7);
    model.arms[0].model.sha256 = "9".repeat(64);
    model.arms[0].model.name = "another-model".into();
    let mut invalidated = newer("00000000000e", 3);
    invalidated.warnings.push(Warning::new("guard-cpu-throttle", "hot", "cool it"));
    vec![one(), other(), kernel, model, invalidated]
}

/// What a reader of the result sees.
const SEEN: &str = "({ hidden: document.querySelector('.result').hidden, \
    chosen: ['a', 'b'].map((name) => document.querySelector(`[name=${name}]`).value).join(' '), \
    answer: document.querySelector('.answer').innerText, \
    differs: [...document.querySelectorAll('.differences tbody tr')].map((row) => row.innerText), \
    first: document.querySelector('.figures tbody tr:nth-child(2)')?.innerText, \
    values: document.querySelector('.figures').innerText, \
    notes: [...document.querySelectorAll('main .note')].filter((it) => it.checkVisibility()).map((it) => it.innerText).join(), \
    command: document.querySelector('.command').textContent })";

fn choose(name: &str, run_id: &str) -> Value {
    json!({"do": "choose", "selector": format!("[name={name}]"), "value": run_id})
}

fn see(name: &str) -> Value {
    json!({"do": "evaluate", "expression": SEEN, "as": name})
}

#[test]
fn the_pages_are_faultless_in_every_combination() {
    let Some(browser) = browser::here() else { return };
    let checkout = with_pages(&some());
    checkout.run(["compare", "00000000000a", "00000000000c"]).exits(0);
    checkout.run(["compare", "00000000000a", "00000000000d"]).exits(13);
    let unlike = format!("{}#a=00000000000a&b=00000000000d", page(&checkout).display());
    let of_pair = |name: &str| checkout.path("reports/site/compare").join(name);
    let pages = [
        page(&checkout),
        unlike.into(),
        of_pair("00000000000a-00000000000c.html"),
        of_pair("00000000000a-00000000000d.html"),
    ];
    browser.look(&Look::at(&pages)).are_faultless();
}

/// Tables that are wider than what holds them, by their labels: a reader would have to scroll for a column.
const TOO_WIDE: &str = "[...document.querySelectorAll('main .scroll')] \
    .filter((it) => it.checkVisibility() && it.scrollWidth > it.clientWidth + 1) \
    .map((it) => `${it.ariaLabel}: ${it.scrollWidth} in ${it.clientWidth} px`)";

#[test]
fn on_a_wide_window_every_column_of_every_table_is_seen() {
    let Some(browser) = browser::here() else { return };
    let mut records = some();
    let commits = ["5".repeat(12), "555555666666".to_owned()];
    for record in &mut records {
        record.machine.slug = "amd-epyc-2-cores-24-gib".into();
        record.arms[0].prompts.iter_mut().for_each(|prompt| prompt.golden = GoldenResult::NearTie);
    }
    let checkout = with_pages(&records);
    let of_commits = commits.map(|short| checkout.path("reports/site/commit").join(short + ".html"));
    let pages = of_commits.iter().chain([&page(&checkout)]).cloned().collect::<Vec<_>>();
    let mut act = Act::on(&pages[0]);
    let mut names = Vec::new();
    for page in &pages {
        act = act.then(json!({"do": "goto", "page": page}));
        for width in [768, 1440] {
            let name = format!("{} at {width}", page.display());
            act = act
                .then(json!({"do": "resize", "width": width}))
                .then(json!({"do": "evaluate", "expression": TOO_WIDE, "as": name}));
            names.push(name);
        }
    }
    let acted = browser.act(&act);
    for name in &names {
        assert_eq!(acted.value(name), &json!([]), "{name}");
    }
}

#[test]
fn a_site_without_two_runs_says_what_to_do() {
    let Some(browser) = browser::here() else { return };
    let sites = [(with_pages(&[]), "There is no run yet"), (with_pages(&[one()]), "There is one run of")];
    let pages = [page(&sites[0].0), page(&sites[1].0)];
    browser.look(&Look { widths: vec![320], ..Look::at(&pages) }).are_faultless();
    for (checkout, reported) in sites {
        let text = fs::read_to_string(page(&checkout)).unwrap();
        assert!(text.contains(reported) && !text.contains("<form"), "{text}");
    }
}

#[test]
fn two_runs_are_chosen_and_the_address_keeps_them() {
    let Some(browser) = browser::here() else { return };
    let checkout = with_pages(&some());
    let act = Act::on(page(&checkout))
        .then(see("first"))
        .then(choose("a", "00000000000a"))
        .then(choose("b", "00000000000c"))
        .then(see("chosen"))
        .then(json!({"do": "address", "as": "address"}))
        .then(json!({"do": "reload"}))
        .then(see("reloaded"))
        .then(json!({"do": "click", "selector": ".swap"}))
        .then(see("swapped"));
    let acted = browser.act(&act);
    let (first, chosen, swapped) = (acted.value("first"), acted.value("chosen"), acted.value("swapped"));
    assert_eq!(first["chosen"], "00000000000b 00000000000c", "the newest two of one line: {first}");
    assert_eq!(
        chosen["differs"],
        json!(["kernel\t6.1\t6.2\tepoch", "commit\t555555555555\t555555666666\tnothing"])
    );
    assert!(chosen["answer"].as_str().unwrap().contains("environment differs"), "{chosen}");
    assert_eq!(chosen["first"], "mean\t47.00\t51.00\t+8.51 %");
    assert_eq!(chosen["command"], "cargo xtask compare 00000000000a 00000000000c");
    assert!(acted.text("address").ends_with("/compare.html#a=00000000000a&b=00000000000c"));
    assert_eq!(acted.value("reloaded"), chosen);
    assert_eq!(swapped["first"], "mean\t51.00\t47.00\t-7.84 %");
    assert!(acted.faults.is_empty(), "{acted:?}");
}

#[test]
fn of_one_thing_unlike_things_and_invalidated_times_each_is_said_what_the_verb_says() {
    let Some(browser) = browser::here() else { return };
    let checkout = with_pages(&some());
    let at = |b: &str| format!("{}#a=00000000000a&b={b}", page(&checkout).display());
    let act = Act::on(at("00000000000b"))
        .then(see("same"))
        .then(json!({"do": "goto", "page": at("00000000000d")}))
        .then(see("unlike"))
        .then(json!({"do": "goto", "page": at("00000000000e")}))
        .then(see("invalidated"))
        .then(json!({"do": "goto", "page": at("00000000000a")}))
        .then(see("one"))
        .then(json!({"do": "goto", "page": at("%3Cimg%20src=x%3E")}))
        .then(see("hostile"))
        .then(json!({"do": "goto", "page": at("00000000000f")}))
        .then(see("unknown"));
    let acted = browser.act(&act);
    let text = |name: &str, key: &str| acted.value(name)[key].as_str().unwrap().to_owned();
    let same = text("same", "answer");
    assert!(same.contains("comparable same series") && same.contains("two runs of one thing"), "{same}");
    assert!(!same.contains('\u{2713}'), "{same}");
    assert!(text("unlike", "answer").contains("not the same model, so nothing is compared"), "{acted:?}");
    let metric_values = text("unlike", "values");
    assert!(
        metric_values.contains("51.00") && !metric_values.contains('%') && !metric_values.contains("Change"),
        "{metric_values}"
    );
    assert!(text("invalidated", "notes").contains("B's times are not compared"), "{acted:?}");
    assert_eq!(text("invalidated", "first"), "mean\t47.00\t51.00\t-");
    assert!(text("invalidated", "values").contains("160.0\t160.0\t0.00 %"), "memory is no time: {acted:?}");
    assert_eq!(acted.value("one")["hidden"], true);
    assert!(text("one", "notes").contains("A and B are one run"));
    assert!(text("hostile", "notes").contains("what stands in the address"), "{acted:?}");
    assert!(text("unknown", "notes").contains("Not a run of this page: 00000000000f"), "{acted:?}");
    assert!(acted.faults.is_empty(), "{acted:?}");
}

#[test]
fn a_keyboard_is_enough() {
    let Some(browser) = browser::here() else { return };
    let checkout = with_pages(&some());
    let act = Act::on(page(&checkout))
        .then(json!({"do": "focus", "selector": "main p a"}))
        .then(json!({"do": "press", "key": "Tab", "times": 2}))
        .then(json!({"do": "press", "key": "Home"}))
        .then(see("home"))
        .then(json!({"do": "press", "key": "Tab"}))
        .then(json!({"do": "press", "key": "Enter"}))
        .then(see("swapped"));
    let acted = browser.act(&act);
    assert_eq!(acted.value("home")["chosen"], "00000000000b 00000000000d");
    assert_eq!(acted.value("swapped")["chosen"], "00000000000d 00000000000b");
    assert!(acted.value("swapped")["answer"].as_str().unwrap().contains("not the same model"), "{acted:?}");
    assert!(acted.faults.is_empty(), "{acted:?}");
}

#[test]
fn hostile_names_stay_text_in_lists_tables_and_pairs() {
    let Some(browser) = browser::here() else { return };
    let hostile = payloads().into_iter().zip(10_u32..).map(|(payload, at)| {
        let mut record = newer(&format!("0000000000{at}"), at % 24);
        record.arms[0].model.name.clone_from(&payload);
        record.machine.kernel = Some(payload.clone());
        record.arms[0].runtime.as_mut().unwrap().openvino_version = payload;
        record
    });
    let records: Vec<Experiment> = hostile.take(60).collect();
    let checkout = with_pages(&records);
    checkout.run(["compare", "000000000010", "000000000028"]);
    let pair = checkout.path("reports/site/compare/000000000010-000000000028.html");
    let pages = [page(&checkout), pair];
    let look = Look { schemes: vec!["light"], tabs: 0, axe: false, ..Look::at(&pages) };
    browser.look(&look).are_faultless();
    let every =
        records.iter().fold(Act::on(page(&checkout)), |act, record| act.then(choose("b", &record.run_id)));
    let acted = browser
        .act(&every.then(json!({"do": "evaluate", "expression": "window.pwned ?? 'safe'", "as": "ran"})));
    assert_eq!(acted.text("ran"), "safe");
    assert!(acted.faults.is_empty(), "{acted:?}");
}

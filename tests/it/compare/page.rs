//! The page of two runs, which the verb writes.

use std::fs;
use std::path::Path;

use arcgauge::judge::comparability::TwoRuns;
use arcgauge::record::Experiment;
use arcgauge::report::comparison::ComparedRecord;
use arcgauge::report::render::Renderer;
use arcgauge::report::site::comparison_page;

use super::{one, other, with, with_pages};
use crate::checkout::Checkout;
use crate::hostile_text::payloads;

const PAGE: &str = "compare/00000000000a-00000000000b.html";

fn page(checkout: &Checkout, more: &[&str]) -> String {
    let verb = ["compare", "00000000000a", "00000000000b"];
    let ended = checkout.run(verb.iter().chain(more));
    let named = ended.stderr.lines().find_map(|line| line.strip_prefix("page: "));
    fs::read_to_string(checkout.path(named.unwrap_or_else(|| panic!("{ended}")))).unwrap()
}

#[test]
fn the_page_is_written_below_the_site_and_tells_the_environment_first() {
    let mut b = other();
    b.machine.kernel = Some("6.2".into());
    let checkout = with(&[one(), b]);
    let text = page(&checkout, &[]);
    assert_eq!(text, fs::read_to_string(checkout.path("reports/site").join(PAGE)).unwrap());
    let place = |part: &str| text.find(part).unwrap_or_else(|| panic!("no `{part}` in {text}"));
    assert!(place(">kernel<") < place("environment differs</span>"));
    assert!(place("environment differs</span>") < place("+8.51 %"));
    assert!(place("+8.51 %") < place("A: Fibonacci"), "the steps of both are drawn");
    assert!(place("A: Fibonacci") < place("B: Fibonacci"));
    assert!(place("B: Fibonacci") < place("cargo xtask ab --base"));
    assert!(text.contains("An observation, not a test"), "{text}");
    assert!(text.contains("href=\"../compare.html\" aria-current=\"page\""), "{text}");
}

#[test]
fn runs_of_one_thing_are_comparable_and_nothing_is_judged_of_their_values() {
    let text = page(&with(&[one(), other()]), &[]);
    assert!(text.contains("comparable</span>") && !text.contains("> same</span>"), "{text}");
    assert!(text.contains("interval excludes 0"), "{text}");
    assert!(text.contains("from run to run is not in that interval"), "{text}");
    assert!(!text.contains("looks worse") && !text.contains("looks better"), "{text}");
}

#[test]
fn unlike_runs_have_no_difference_on_their_page() {
    let mut b = other();
    b.arms[0].model.sha256 = "9".repeat(64);
    let text = page(&with(&[one(), b]), &[]);
    let main = &text[text.find("<main").unwrap()..text.find("</main>").unwrap()];
    assert!(
        main.contains(">not the same model, so nothing is compared<") && main.contains("51.00"),
        "{main}"
    );
    assert!(!main.contains(" %") && !main.contains(">Change<") && !main.contains("<svg"), "{main}");
}

#[test]
fn only_what_the_site_has_is_linked_and_another_folder_can_be_named() {
    let checkout = with(&[one(), other()]);
    let alone = page(&checkout, &["--output", "elsewhere"]);
    assert!(checkout.path("elsewhere").join(PAGE).is_file() && !checkout.path("reports/site").exists());
    assert!(!alone.contains("../commit/") && !alone.contains("../records/"), "{alone}");
    fs::create_dir_all(checkout.path("elsewhere/commit")).unwrap();
    fs::write(checkout.path("elsewhere/commit/555555666666.html"), "").unwrap();
    let beside = page(&checkout, &["--output", "elsewhere"]);
    assert!(beside.contains("href=\"../commit/555555666666.html\""), "{beside}");
    assert!(!beside.contains("../commit/555555555555.html"), "{beside}");
}

#[test]
fn a_page_that_cannot_be_written_is_said_and_changes_no_code() {
    let checkout = with(&[one(), other()]);
    fs::write(checkout.path("in-the-way"), "").unwrap();
    let ended = checkout.run(["compare", "00000000000a", "00000000000b", "--output", "in-the-way"]);
    ended.exits(0).prints("tpot@1 ").says("the page of the two is not written: ");
    let json = checkout.run(["compare", "00000000000a", "00000000000b", "--format", "json"]);
    assert!(!json.exits(0).stderr.contains("page"), "{json}");
    assert!(!checkout.path("reports/site").exists(), "a program asks for no page");
}

#[test]
fn a_report_leaves_the_page_alone() {
    let checkout = with_pages(&[one(), other()]);
    page(&checkout, &[]);
    checkout.run(["report"]).exits(0);
    checkout.run(["report", "--all"]).exits(0);
    assert!(checkout.path("reports/site").join(PAGE).is_file());
    assert!(page(&checkout, &[]).contains("href=\"../commit/555555555555.html\""));
}

#[test]
fn hostile_text_stays_text_on_the_page() {
    let page_with = |text: &str| {
        let mut b = other();
        text.clone_into(&mut b.arms[0].commit.as_mut().unwrap().subject);
        b.arms[0].environment_variables.insert(text.to_owned(), text.to_owned());
        text.clone_into(&mut b.arms[0].warnings[0].message);
        b.machine.kernel = Some(text.to_owned());
        page_of(&one(), &b)
    };
    // What stands in backticks is code, whoever wrote it, and the only markup that a text brings.
    let elements = |text: &str| text.replace("<code>", "").replace("</code>", "").matches('<').count();
    let harmless = elements(&page_with("a text"));
    for payload in payloads().iter().filter(|payload| payload.contains(['<', '"', '\'', '{'])) {
        let reported = page_with(payload);
        assert_eq!(elements(&reported), harmless, "{}", payload.chars().take(80).collect::<String>());
        assert!(!reported.contains("\" onmouseover"), "{reported}");
    }
}

/// The page without a checkout.
fn page_of(a: &Experiment, b: &Experiment) -> String {
    let record = |run| ComparedRecord { run, file: "a.json" };
    let nowhere = Path::new("/not/there");
    let renderer = Renderer::new(None).unwrap();
    comparison_page(
        nowhere,
        record(a.subject()),
        record(b.subject()),
        &TwoRuns::of(a.subject(), b.subject()),
        &renderer,
    )
    .unwrap()
    .text
}

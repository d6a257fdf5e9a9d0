//! The browser tests see what they are for: a page with one fault is found out, and a good one is let pass.

mod bad_pages;

use std::fs;
use std::path::PathBuf;

use serde_json::json;
use tempfile::TempDir;

use crate::browser::{self, Act, Browser, Look};
use bad_pages::BAD;

/// Pages in a folder of their own.
struct Site(TempDir);

impl Site {
    fn new() -> Self {
        let site = Self(tempfile::tempdir().unwrap());
        fs::write(site.0.path().join("beside.css"), "p { margin: 0 }").unwrap();
        site.page("beside", "", "");
        site
    }

    fn page(&self, name: &str, head: &str, body: &str) -> PathBuf {
        let path = self.0.path().join(format!("{name}.html"));
        let text = format!(
            "<!doctype html><html lang=en><head><meta charset=utf-8>{head}<title>{name}</title>\
             <meta name=viewport content='width=device-width'></head>\
             <body><main><h1>{name}</h1>{body}</main></body></html>"
        );
        fs::write(&path, text).unwrap();
        path
    }
}

#[test]
fn every_kind_of_fault_is_found_and_no_other_is_seen_in_its_place() {
    let Some(browser) = browser::here() else { return };
    let site = Site::new();
    let pages = BAD.each_ref().map(|bad| site.page(bad.name, bad.head, bad.body));
    let look = Look { widths: vec![320], schemes: vec!["light"], ..Look::at(&pages) };
    let seen = browser.look(&look).looks;
    assert_eq!(seen.len(), 2 * BAD.len());
    for (bad, seen) in BAD.iter().zip(seen.chunks(2)) {
        let [with_script, without] = seen else { panic!("{seen:?}") };
        assert!(with_script.page.ends_with(&format!("/{}.html", bad.name)) && with_script.javascript);
        assert_eq!(with_script.kinds(), bad.kinds, "{}: {:?}", bad.name, with_script.faults);
        let seen = if bad.by_script { &[] } else { bad.kinds };
        assert_eq!(without.kinds(), seen, "{} without JavaScript: {:?}", bad.name, without.faults);
    }
}

/// A chart with two texts that are near, a form, a table that scrolls, a script that the policy knows.
const GOOD: &str = "<p><a href='#x'>a link</a> <button>a button</button></p>\
    <label>machine <select><option>one</select></label>\
    <svg width=200 height=50 role=img aria-label='token/s by commit'><text x=10 y=20>one two</text>\
    <text x=10 y=42>three</text><text x=150 y=20></text></svg>\
    <p style='width: 4em; overflow: hidden; white-space: nowrap; text-overflow: ellipsis'>ends in dots</p>\
    <p style='width: 2em; overflow-x: auto; white-space: nowrap' tabindex=0>scrolls and is not cut</p>";

#[test]
fn a_good_page_is_faultless_in_every_combination_and_each_has_its_picture() {
    let Some(browser) = browser::here() else { return };
    let site = Site::new();
    let policy = "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; \
                  style-src 'unsafe-inline' file:\"><link rel=stylesheet href=beside.css>\
                  <style>html, a { background: #fff; color: #222 }</style>";
    let page = site.page("good", policy, GOOD);
    let pictures = tempfile::tempdir().unwrap();
    let look = Look {
        screenshots: Some(pictures.path().to_owned()),
        allowed: vec![site.0.path().join("beside.css").to_str().unwrap().to_owned()],
        ..Look::at(&[&page])
    };
    let looks = browser.look(&look);
    looks.are_faultless();
    assert_eq!(looks.looks.len(), 12);
    for seen in &looks.looks {
        assert_eq!(seen.tabbed, 4, "{seen:?}");
        assert!(seen.milliseconds > 0.0);
        let script = if seen.javascript { "script" } else { "plain" };
        let picture = format!("good-{}-{}-{script}.png", seen.width, seen.scheme);
        assert!(pictures.path().join(&picture).is_file(), "{picture}");
    }
}

#[test]
fn a_page_that_is_not_there_is_a_fault() {
    let Some(browser) = browser::here() else { return };
    let look = Look { widths: vec![320], schemes: vec!["dark"], ..Look::at(&["/not/there.html"]) };
    let failed = browser.look(&look);
    assert_eq!(failed.looks[0].kinds(), ["load"], "{failed:?}");
}

/// Answers a mouse and a keyboard as a chart would, and takes five milliseconds for a move.
const CHART: &str = "<div id=chart tabindex=0 style='width: 300px; height: 100px'></div><p id=at></p><script>\
    let down = 0;\
    chart.onmousemove = (event) => {\
        for (const from = performance.now(); performance.now() - from < 5;);\
        at.textContent = event.offsetX };\
    chart.onmousedown = (event) => { down = event.offsetX };\
    chart.onmouseup = (event) => { location.hash = `${down}-${event.offsetX}` };\
    chart.ondblclick = () => { location.hash = 'all' };\
    chart.onkeydown = (event) => { at.textContent = event.key };\
    performance.mark('first-chart');\
    </script>";

#[test]
fn what_a_user_does_reaches_the_page_and_its_answers_come_back_with_their_times() {
    let Some(browser) = browser::here() else { return };
    let site = Site::new();
    let page = site.page("chart", "", CHART);
    let act = Act::on(format!("{}#5-9", page.display()))
        .then(json!({"do": "address", "as": "restored"}))
        .then(json!({"do": "first_chart", "as": "first chart"}))
        .then(json!({"do": "hover", "selector": "#chart", "as": "hover"}))
        .then(json!({"do": "evaluate", "expression": "at.textContent", "as": "hovered"}))
        .then(json!({"do": "sweep", "selector": "#chart", "count": 5, "as": "sweep"}))
        .then(json!({"do": "drag", "selector": "#chart", "from": 0.2, "to": 0.6}))
        .then(json!({"do": "address", "as": "dragged"}))
        .then(json!({"do": "dblclick", "selector": "#chart"}))
        .then(json!({"do": "address", "as": "reset"}))
        .then(json!({"do": "focus", "selector": "#chart"}))
        .then(json!({"do": "press", "key": "ArrowRight"}))
        .then(json!({"do": "wait", "expression": "at.textContent == 'ArrowRight'", "as": "pressed"}))
        .then(json!({"do": "reload"}))
        .then(json!({"do": "evaluate", "expression": "[location.hash, innerWidth]", "as": "reloaded"}));
    let acted = browser.act(&Act { width: 800, ..act });
    assert!(acted.text("restored").ends_with("/chart.html#5-9"));
    assert!((0.0..5000.0).contains(&acted.number("first chart")), "{acted:?}");
    assert_eq!(acted.text("hovered"), "150");
    assert!(acted.text("dragged").ends_with("#60-180"), "{acted:?}");
    assert!(acted.text("reset").ends_with("#all"), "{acted:?}");
    assert_eq!(acted.value("pressed"), true);
    assert_eq!(*acted.value("reloaded"), json!(["#all", 800]));
    assert!(acted.faults.is_empty(), "{acted:?}");
    assert!(acted.milliseconds["hover"] > 0.0);
    let moves = [acted.work_ms("hover"), acted.work_ms("sweep")].concat();
    assert_eq!(moves.len(), 6);
    assert!(moves.iter().all(|work| (5.0..1000.0).contains(work)), "a move takes five: {moves:?}");
}

#[test]
fn faults_of_a_page_under_use_are_told_and_a_step_that_cannot_be_done_is_named() {
    let Some(browser) = browser::here() else { return };
    let site = Site::new();
    let page = site.page("faulty", "", "<button onclick='fetch(`http://127.0.0.1:9/`)'>ask</button>");
    let acted = browser.act(&Act::on(&page).then(json!({"do": "click", "selector": "button"})));
    assert!(acted.faults.iter().any(|fault| fault.kind == "request"), "{acted:?}");
    for (step, complaint) in [("fly", "there is goto, "), ("evaluate", "step 1 ")] {
        let act = Act::on(&page).then(json!({"do": step, "expression": "not.there"}));
        let failed = std::panic::catch_unwind(|| browser.act(&act)).unwrap_err();
        let said = failed.downcast_ref::<String>().unwrap();
        assert!(said.contains(complaint) && said.contains(step), "{said}");
    }
}

#[test]
fn what_is_missing_is_named_with_the_ways_out_and_a_build_machine_has_but_one() {
    let there = || Some(PathBuf::from("/there"));
    let missing = |program, node, modules| Browser::of(program, node, modules).unwrap_err();
    assert!(missing(None, there(), there()).contains("Chromium"));
    assert!(missing(there(), None, there()).contains("`node`"));
    assert!(missing(there(), there(), None).contains("not fetched"));
    assert!(Browser::of(there(), there(), there()).is_ok());
    for (is_ci, ways_out) in [(true, 1), (false, 2)] {
        let advice = browser::advice("no Chromium on the PATH", is_ci);
        assert!(advice.starts_with("no Chromium on the PATH, so no page can be tested\n"), "{advice}");
        assert_eq!(advice.matches("cargo xtask test").count(), ways_out, "{advice}");
        assert_eq!(advice.contains("ARCGAUGE_WITHOUT_BROWSER=1"), !is_ci, "{advice}");
    }
}

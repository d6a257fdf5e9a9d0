//! The page of the history under use: a pointer and a keyboard come to every commit, what is shown can be
//! narrowed and is kept in the address, and without the chart library the page is whole.

use std::path::Path;

use serde_json::{Value, json};

use crate::browser::{self, Act, Acted};
use crate::demo_site::demo_site;

/// The first chart.
const PLOT: &str = ".live .u-over";
/// What a reader sees of a view.
const VIEW: &str = "({ chart: document.querySelector('.live').getAttribute('aria-label'), \
    card: document.querySelector('.card').innerText, \
    commit: document.querySelector('.card a')?.getAttribute('href') ?? null, \
    pressed: [...document.querySelectorAll('.filters [aria-pressed=true]')].map((it) => it.textContent), \
    values: [...document.querySelectorAll('.timeline:not([hidden]) .figure')].filter((it) => it.checkVisibility()) \
      .map((it) => it.dataset.name) })";

fn view(name: &str) -> Value {
    json!({"do": "evaluate", "expression": VIEW, "as": name})
}

fn press(key: &str) -> Value {
    json!({"do": "press", "key": key})
}

/// The page is written to its address a moment later.
fn a_moment() -> Value {
    json!({"do": "evaluate", "expression": "new Promise((done) => setTimeout(done, 200))"})
}

fn click(words: &str) -> Value {
    json!({"do": "click", "selector": format!(".filters button:text-is('{words}')")})
}

/// Of how many commits how many are shown.
#[track_caller]
fn shown(acted: &Acted, name: &str) -> (usize, usize) {
    let label = acted.value(name)["chart"].as_str().unwrap();
    let before = label.split(" commits shown").next().unwrap();
    let words: Vec<&str> = before.rsplit(' ').take(3).collect();
    let [all, "of", some] = words[..] else { panic!("{label}") };
    (some.parse().unwrap(), all.parse().unwrap())
}

#[track_caller]
fn faultless(acted: &Acted) {
    assert!(acted.faults.is_empty(), "{:?}", acted.faults);
}

#[test]
fn a_pointer_tells_a_commit_and_a_drag_shows_a_range_until_all_is_wanted_again() {
    let Some(browser) = browser::here() else { return };
    let site = demo_site();
    let page = site.page("history.html");
    let act = Act::on(&page)
        .then(json!({"do": "hover", "selector": PLOT, "x": 0.3, "as": "moved"}))
        .then(view("hovered"))
        .then(json!({"do": "drag", "selector": PLOT, "from": 0.25, "to": 0.5}))
        .then(view("dragged"))
        .then(json!({"do": "dblclick", "selector": PLOT}))
        .then(view("all"))
        .then(click("Last 30"))
        .then(view("last"))
        .then(click("Axes from 0"))
        .then(view("from zero"))
        .then(json!({"do": "focus", "selector": ".live"}))
        .then(press("Escape"))
        .then(view("escaped"));
    let acted = browser.act(&act);
    faultless(&acted);
    let hovered = acted.value("hovered");
    let commit = hovered["commit"].as_str().unwrap();
    assert!(page.with_file_name(commit).is_file(), "{commit}");
    assert!(hovered["card"].as_str().unwrap().contains("ms/token"), "{hovered}");
    let (some, all) = shown(&acted, "dragged");
    assert!((all / 5..all / 3).contains(&some), "a quarter of the width is {some} of {all}");
    assert_eq!(shown(&acted, "all"), (all, all));
    assert_eq!(shown(&acted, "last"), (30, all));
    let pressed = &acted.value("from zero")["pressed"];
    assert!(pressed.as_array().unwrap().contains(&json!("Axes from 0")), "{pressed}");
    let (before, after) = (&acted.value("last")["chart"], &acted.value("from zero")["chart"]);
    assert!(before.as_str().unwrap().contains("The axis does not start at 0."), "{before}");
    assert!(after.as_str().unwrap().contains("The axis starts at 0."), "{after}");
    assert_eq!(shown(&acted, "escaped"), (all, all));
}

#[test]
fn the_keyboard_comes_to_every_commit_and_enter_opens_its_page() {
    let Some(browser) = browser::here() else { return };
    let site = demo_site();
    let page = site.page("history.html");
    let watch = "window.seen = []; new MutationObserver(() => { \
        const at = document.querySelector('.card a').getAttribute('href'); \
        if (seen.at(-1) !== at) seen.push(at); }).observe(document.querySelector('.card'), { childList: true }); 0";
    let focused = Act::on(&page).then(json!({"do": "focus", "selector": ".live"}));
    let act = focused
        .clone()
        .then(press("End"))
        .then(view("last"))
        .then(json!({"do": "evaluate", "expression": watch}))
        .then(press("Home"))
        .then(view("first"))
        // More than there are: the last one is the end.
        .then(json!({"do": "press", "key": "ArrowRight", "times": 150}))
        .then(view("end"))
        .then(json!({"do": "evaluate", "expression": "seen", "as": "seen"}))
        .then(press("ArrowLeft"))
        .then(view("back"));
    let acted = browser.act(&act);
    faultless(&acted);
    let (_, all) = shown(&acted, "first");
    let seen = acted.value("seen").as_array().unwrap();
    assert_eq!(seen.len(), all, "every commit, one after the other");
    let missing = |commit: &&Value| !page.with_file_name(commit.as_str().unwrap()).is_file();
    assert_eq!(seen.iter().find(missing), None, "each has its page");
    assert_eq!(seen[0], acted.value("first")["commit"]);
    assert_eq!(seen[all - 1], acted.value("last")["commit"]);
    assert_eq!(acted.value("end"), acted.value("last"));
    assert_eq!(seen[all - 2], acted.value("back")["commit"]);

    let commit = seen[all - 1].as_str().unwrap();
    let open = focused
        .then(json!({"do": "allow", "page": page.with_file_name(commit)}))
        .then(press("End"))
        .then(press("Enter"))
        .then(json!({"do": "wait", "expression": "location.pathname.includes('/commit/')"}))
        .then(json!({"do": "address", "as": "opened"}));
    let opened = browser.act(&open);
    faultless(&opened);
    assert!(opened.text("opened").ends_with(commit), "{opened:?}");
}

/// The steps to a view that is none of those that a page opens with, and the view.
fn narrowed(page: &Path) -> Act {
    Act::on(page)
        .then(json!({"do": "choose", "selector": "[name=machine]", "value": "demo-arc-140v-laptop"}))
        .then(click("Last 30"))
        .then(click("Axes from 0"))
        .then(json!({"do": "click", "selector": ".figures button >> nth=0"}))
        .then(json!({"do": "wait", "expression": "document.querySelector('.timeline:not([hidden]) .figure:not([hidden]) .live')"}))
}

#[test]
fn what_is_shown_stands_in_the_address_and_is_shown_again_by_it() {
    let Some(browser) = browser::here() else { return };
    let site = demo_site();
    let page = site.page("history.html");
    let seen = "(() => { const section = document.querySelector('.timeline:not([hidden]) .figure:not([hidden])'); \
        return { chart: section.querySelector('.live').getAttribute('aria-label'), \
          card: section.querySelector('.card').innerText, name: section.dataset.name, \
          machine: document.querySelector('[name=machine]').value, \
          pressed: [...document.querySelectorAll('.filters [aria-pressed=true]')].map((it) => it.textContent) }; })()";
    let see = |name: &str| json!({"do": "evaluate", "expression": seen, "as": name});
    let act = narrowed(&page)
        .then(json!({"do": "focus", "selector": ".timeline:not([hidden]) .figure:not([hidden]) .live"}))
        .then(press("End"))
        .then(json!({"do": "press", "key": "ArrowLeft", "times": 3}))
        .then(a_moment())
        .then(see("before"))
        .then(json!({"do": "address", "as": "address"}))
        .then(json!({"do": "reload"}))
        .then(see("reloaded"));
    let acted = browser.act(&act);
    faultless(&acted);
    let before = acted.value("before");
    assert_eq!(before["machine"], "demo-arc-140v-laptop");
    assert_eq!(before["name"], "ttft", "the time per output token is hidden: {before}");
    assert!(before["chart"].as_str().unwrap().contains(" 30 of "), "{before}");
    assert_eq!(acted.value("reloaded"), before);
    let (_, hash) = acted.text("address").split_once('#').unwrap();
    // Somebody else opens the address.
    let fresh = browser.act(&Act::on(format!("{}#{hash}", page.display())).then(see("opened")));
    faultless(&fresh);
    assert_eq!(fresh.value("opened"), before);
}

#[test]
fn without_the_chart_library_every_value_is_drawn_and_in_its_table() {
    let Some(browser) = browser::here() else { return };
    let site = demo_site();
    let look = "({ live: document.querySelectorAll('.live').length, \
        ranges: document.querySelector('.ranges').checkVisibility(), \
        machine: document.querySelector('.timeline:not([hidden]) h2').innerText, \
        charts: [...document.querySelectorAll('.timeline:not([hidden]) .figure:not([hidden])')] \
          .map((it) => [...it.querySelectorAll('svg')].filter((svg) => svg.checkVisibility()).length), \
        rows: [...document.querySelectorAll('.timeline:not([hidden]) .figure:not([hidden])')] \
          .map((it) => it.querySelectorAll('tbody tr').length) })";
    let act = Act::on(site.plain_page("history.html"))
        .then(json!({"do": "evaluate", "expression": look, "as": "first"}))
        .then(json!({"do": "choose", "selector": "[name=machine]", "value": "demo-processor-8c"}))
        .then(json!({"do": "evaluate", "expression": look, "as": "other"}));
    let acted = browser.act(&act);
    faultless(&acted);
    let (first, other) = (acted.value("first"), acted.value("other"));
    for seen in [first, other] {
        assert_eq!((&seen["live"], &seen["ranges"]), (&json!(0), &json!(false)), "{seen}");
        let rows: Vec<u64> =
            seen["rows"].as_array().unwrap().iter().map(|rows| rows.as_u64().unwrap()).collect();
        assert!(rows.len() >= 4 && rows.iter().all(|rows| *rows > 10), "{seen}");
    }
    assert!(first["charts"].as_array().unwrap().iter().all(|charts| *charts == 1), "{first}");
    assert_ne!(first["machine"], other["machine"]);
}

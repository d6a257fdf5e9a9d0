//! `report --fleet`: the results of the queries as a page.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::checkout::Checkout;
use crate::ended::Ended;
use crate::fleet::export;
use crate::fleet::queries::{QUERIES, a_fleet, python, query_files, query_script};

/// The results of every query on an invented fleet, in `results`.
fn queried() -> Checkout {
    let checkout = a_fleet();
    export(&checkout, &[]).exits(0);
    let output = Command::new(python())
        .arg(query_script())
        .arg(checkout.path("data"))
        .args(query_files())
        .arg("--output")
        .arg(checkout.path("results"))
        .output()
        .unwrap();
    Ended::of(output).exits(0);
    checkout
}

fn results() -> Vec<String> {
    QUERIES.iter().map(|name| format!("results/{name}.csv")).collect()
}

fn report(checkout: &Checkout, files: &[String]) -> Ended {
    let words = ["report", "--output", "site", "--fleet"].map(str::to_owned);
    checkout.run(words.iter().chain(files))
}

fn page(checkout: &Checkout) -> String {
    fs::read_to_string(checkout.path("site/fleet.html")).unwrap()
}

#[test]
fn the_results_of_all_queries_are_a_page_with_what_was_planted_at_its_top() {
    let checkout = queried();
    let ended = report(&checkout, &results());
    ended.exits(0);
    assert_eq!(ended.stdout, format!("{}\n", Path::new("site/fleet.html").display()));
    let page = page(&checkout);
    for words in [
        "<dt>slow units</dt><dd>1</dd>",
        "<dt>units that become slower</dt><dd>1</dd>",
        "<dt>driver updates</dt><dd>1</dd>",
        "Speed by machine class",
        "00000000000000000000000000000007",
        "No A/B.",
        "from 6 query results",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    // One result alone, in other places of its columns, as another tool may write it; without a row.
    fs::write(checkout.path("one.csv"), "guard,machine_class,runs,tripped,percent\n").unwrap();
    report(&checkout, &["one.csv".to_owned()]).exits(0);
    let page = self::page(&checkout);
    assert!(page.contains("No guard tripped.") && !page.contains("Speed by machine class"), "{page}");
}

#[test]
fn a_page_of_a_fleet_stays_when_the_site_is_made_again() {
    let checkout = Checkout::new();
    fs::write(checkout.path("one.csv"), "machine_class,guard,tripped,runs,percent\n").unwrap();
    report(&checkout, &["one.csv".to_owned()]).exits(0);
    let before = page(&checkout);
    for _ in 0..2 {
        checkout.run(["report", "--output", "site"]).exits(0);
        assert_eq!(page(&checkout), before);
    }
}

#[test]
fn what_is_no_result_of_a_query_is_refused_and_leaves_no_page() {
    let checkout = Checkout::new();
    let write = |name: &str, text: &str| fs::write(checkout.path(name), text).unwrap();
    write("other.csv", "a,b\u{1b}\n1,2\n");
    write("number.csv", "machine_class,guard,tripped,runs,percent\nx,y,many,2,3\n");
    write("infinite.csv", "machine_class,guard,tripped,runs,percent\nx,y,1,2,inf\n");
    write("ragged.csv", "machine_class,guard,tripped,runs,percent\nx,y\n");
    write("good.csv", "machine_class,guard,tripped,runs,percent\n");
    write("empty.csv", "");
    let of =
        |names: &[&str]| report(&checkout, &names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    let how = "python3 reports/fleet/query.py";
    of(&["other.csv"]).exits(2).refuses(r"no query has a result with the columns `a, b\u{1b}`", how);
    of(&["number.csv"]).exits(2).refuses("`tripped` of row 1 is `many`, not a number", how);
    of(&["infinite.csv"]).exits(2).refuses("`percent` of row 1 is `inf`, not a number", how);
    of(&["ragged.csv"]).exits(2).refuses("`ragged.csv`: this is no CSV", how);
    of(&["empty.csv"]).exits(2).refuses("no query has a result with the columns", how);
    write("wide.csv", &"column,".repeat(100_000));
    let wide = of(&["wide.csv"]);
    assert!(wide.exits(2).stderr.len() < 1_000, "{} bytes", wide.stderr.len());
    of(&["good.csv", "good.csv"]).exits(2).refuses("are both results of `invalid.sql`", "name one of them");
    of(&["nosuch.csv"]).refuses("nosuch.csv", how);
    assert!(!checkout.path("site/fleet.html").exists());
}

//! `report`: pages that are the same for the same records, made again only where they would differ, and
//! never outside of their folder.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::SystemTime;

use arcgauge::golden::GoldenResult;
use arcgauge::record::{Experiment, History};

use crate::checkout::Checkout;
use crate::forged;

/// Every file of a folder, by its path below it.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(open) = folders.pop() {
        for entry in fs::read_dir(&open).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// A verified run of the commit whose sha is this digit forty times, after another.
fn run(digit: char, parent: char) -> Experiment {
    let mut record = Experiment { run_id: digit.to_string().repeat(12), ..forged::record() };
    record.arms[0].prompts[0].golden = GoldenResult::Match;
    let commit = record.arms[0].commit.as_mut().unwrap();
    commit.sha = digit.to_string().repeat(40);
    commit.author_date_utc = format!("2026-11-0{digit}T04:00:00Z");
    commit.parents = vec![parent.to_string().repeat(40)];
    record
}

fn store(checkout: &Checkout) -> History {
    History::at(checkout.path("reports/history"))
}

/// A checkout with the pages of these runs.
fn with_site_of(runs: &[(char, char)]) -> Checkout {
    let checkout = Checkout::new();
    for (digit, parent) in runs {
        store(&checkout).add(&run(*digit, *parent)).unwrap();
    }
    checkout.run(["report"]).exits(0);
    checkout
}

/// A file of the site, by its path there.
fn site_text(checkout: &Checkout, file: &str) -> String {
    fs::read_to_string(checkout.path("reports/site").join(file)).unwrap()
}

fn page(digit: char) -> String {
    format!("commit/{}.html", digit.to_string().repeat(12))
}

fn modified(checkout: &Checkout, file: &str) -> SystemTime {
    fs::metadata(checkout.path("reports/site").join(file)).unwrap().modified().unwrap()
}

#[test]
fn without_records_the_first_page_says_what_to_do() {
    let checkout = Checkout::new();
    let ended = checkout.run(["report"]);
    ended.exits(0);
    let first = checkout.path("reports/site/index.html");
    assert_eq!(ended.stdout, format!("{}\n", first.display()));
    let text = fs::read_to_string(first).unwrap();
    assert!(text.contains("There is no record yet") && text.contains("cargo xtask bench"), "{text}");
    for page in ["history.html", "machines.html", "method.html", "compare.html"] {
        assert!(checkout.path("reports/site").join(page).is_file(), "{page}");
    }
}

#[test]
fn the_same_records_give_the_same_bytes_wherever_and_whenever_they_are_rendered() {
    let checkout = with_site_of(&[('1', '0'), ('2', '1'), ('3', '2')]);
    store(&checkout).add(&forged::ab_record()).unwrap();
    checkout.run(["report"]).exits(0);
    let once = files(&checkout.path("reports/site"));
    let elsewhere = tempfile::tempdir().unwrap();
    checkout.run(["report", "--output", elsewhere.path().to_str().unwrap()]).exits(0);
    assert_eq!(files(elsewhere.path()), once);
    checkout.run(["report", "--all"]).exits(0);
    assert_eq!(files(&checkout.path("reports/site")), once);
    assert!(once.len() > 10, "{:?}", once.keys());
}

#[test]
fn a_new_record_changes_the_pages_that_tell_of_it_and_leaves_the_others_untouched() {
    let checkout = with_site_of(&[('1', '0'), ('2', '1')]);
    let one = modified(&checkout, &page('1'));
    let first = site_text(&checkout, "index.html");
    store(&checkout).add(&run('3', '2')).unwrap();
    checkout.run(["report"]).exits(0);
    assert!(checkout.path("reports/site").join(page('3')).is_file());
    assert_ne!(site_text(&checkout, "index.html"), first);
    assert_eq!(one, modified(&checkout, &page('1')));
    let two = site_text(&checkout, &page('2'));
    assert!(two.contains(&format!("Next <a class=\"sha\" href=\"../{}\"", page('3'))), "{two}");
    // A page that was cut is made again, though nothing that it is made of has changed.
    fs::write(checkout.path("reports/site").join(page('1')), "half").unwrap();
    checkout.run(["report"]).exits(0);
    assert!(site_text(&checkout, &page('1')).ends_with("</html>\n"));
}

#[test]
fn a_base_without_a_page_is_no_link_until_it_has_one() {
    let checkout = Checkout::new();
    let mut ab = forged::ab_record();
    for (side, digit) in ab.arms.iter_mut().zip(['1', '2']) {
        let commit = side.commit.as_mut().unwrap();
        commit.sha = digit.to_string().repeat(40);
        commit.parents = vec!["9".repeat(40)];
    }
    store(&checkout).add(&ab).unwrap();
    let reported = || {
        checkout.run(["report"]).exits(0);
        let text = site_text(&checkout, &page('2'));
        assert!(text.contains(&format!(">{}", "1".repeat(12))), "{text}");
        text.contains(&format!("href=\"../{}\"", page('1')))
    };
    assert!(!reported());
    store(&checkout).add(&run('1', '0')).unwrap();
    assert!(reported());
}

#[test]
fn a_page_whose_records_are_gone_goes_and_nothing_else_does() {
    let checkout = Checkout::new();
    let file = store(&checkout).add(&run('1', '0')).unwrap();
    store(&checkout).add(&run('2', '1')).unwrap();
    checkout.run(["report"]).exits(0);
    let site = checkout.path("reports/site");
    let own = [site.join("notes.txt"), site.join("commit/mine.txt")];
    for own in &own {
        fs::write(own, "mine").unwrap();
    }
    fs::remove_file(file).unwrap();
    checkout.run(["report"]).exits(0);
    assert!(!site.join(page('1')).exists() && site.join(page('2')).is_file());
    assert_eq!(fs::read_dir(site.join("records")).unwrap().count(), 1);
    assert!(own.iter().all(|own| own.is_file()));
}

#[test]
fn a_site_is_never_made_through_a_link_and_what_lies_behind_one_stays() {
    let elsewhere = tempfile::tempdir().unwrap();
    for name in ["commit", "records", "csv", "compare", "index.html", "made.json", ".lock"] {
        let checkout = Checkout::new();
        store(&checkout).add(&run('1', '0')).unwrap();
        let site = checkout.path("reports/site");
        fs::create_dir_all(&site).unwrap();
        fs::write(elsewhere.path().join("mine.html"), "mine").unwrap();
        let sources = r#"{"sources_sha256":"","bytes":4}"#;
        let planted =
            format!(r#"{{"files":{{"commit/mine.html":{sources},"records/mine.html":{sources}}}}}"#);
        fs::write(site.join("made.json"), planted).unwrap();
        let _ = fs::remove_file(site.join(name));
        symlink(elsewhere.path(), site.join(name)).unwrap();
        let fault = format!("{name}` is a symbolic link");
        checkout.run(["report"]).refuses(&fault, "remove the link, or name another folder");
        assert_eq!(files(elsewhere.path()), [("mine.html".into(), b"mine".to_vec())].into(), "{name}");
    }
}

#[test]
fn a_link_in_the_place_of_a_page_is_replaced_and_not_written_through() {
    let checkout = with_site_of(&[('1', '0')]);
    let mine = checkout.path("mine.txt");
    let bytes = fs::read(checkout.path("reports/site").join(page('1'))).unwrap();
    fs::write(&mine, &bytes).unwrap();
    let links = [page('1'), format!("{}.partial", page('1')), "made.json.partial".to_owned()]
        .map(|name| checkout.path("reports/site").join(name));
    for link in &links {
        let _ = fs::remove_file(link);
        symlink(&mine, link).unwrap();
    }
    checkout.run(["report"]).exits(0);
    assert!(!fs::symlink_metadata(&links[0]).unwrap().is_symlink());
    assert!(!links[1].exists() && !links[2].exists(), "they became what was written");
    assert_eq!(fs::read(&mine).unwrap(), bytes);
}

#[test]
fn a_folder_with_a_page_that_arcgauge_did_not_make_is_refused() {
    let checkout = Checkout::new();
    fs::create_dir(checkout.path("mine")).unwrap();
    fs::write(checkout.path("mine/index.html"), "mine").unwrap();
    checkout.run(["report", "--output", "mine"]).refuses("`mine/index.html`", "name another folder");
    assert_eq!(fs::read_to_string(checkout.path("mine/index.html")).unwrap(), "mine");
    assert!(!checkout.path("mine/made.json").exists());
    // Other files are no trouble.
    fs::rename(checkout.path("mine/index.html"), checkout.path("mine/notes.html")).unwrap();
    checkout.run(["report", "--output", "mine"]).exits(0);
    assert!(checkout.path("mine/notes.html").is_file());
}

#[test]
fn pages_stay_where_making_them_again_fails_half_way() {
    let checkout = Checkout::new();
    let file = store(&checkout).add(&run('1', '0')).unwrap();
    checkout.run(["report"]).exits(0);
    let site = checkout.path("reports/site");
    let before = files(&site);
    // A folder in the place of a copy cannot be replaced.
    let copy = site.join("records").join(file.file_name().unwrap());
    fs::remove_file(&copy).unwrap();
    fs::create_dir_all(copy.join("below")).unwrap();
    let ended = checkout.run(["report", "--all"]);
    assert!(!ended.stderr.is_empty() && ended.stdout.is_empty(), "{ended}");
    for (path, bytes) in before.iter().filter(|(path, _)| !path.starts_with("records")) {
        assert_eq!(&fs::read(site.join(path)).unwrap(), bytes, "{}", path.display());
    }
    fs::remove_dir_all(&copy).unwrap();
    checkout.run(["report", "--all"]).exits(0);
    assert_eq!(files(&site), before);
}

#[test]
fn a_store_that_is_named_and_not_there_is_a_slip_and_one_that_is_empty_is_none() {
    let checkout = Checkout::new();
    for arguments in [&["report", "--store", "storr"][..], &["report", "--card", "--store", "storr"]] {
        checkout.run(arguments).refuses("no folder `storr`", "--store");
    }
    assert!(!checkout.path("reports/site").exists());
    fs::create_dir(checkout.path("storr")).unwrap();
    checkout.run(["report", "--store", "storr"]).exits(0);
}

#[test]
fn a_damaged_record_is_counted_and_named_and_the_others_have_their_pages() {
    let checkout = Checkout::new();
    let file = store(&checkout).add(&run('1', '0')).unwrap();
    store(&checkout).add(&run('2', '1')).unwrap();
    let mut bytes = fs::read(&file).unwrap();
    let last = bytes.len() - 10;
    bytes[last] ^= 1;
    fs::write(&file, bytes).unwrap();
    let ended = checkout.run(["report"]);
    ended.exits(0);
    assert!(ended.stderr.contains("warning: ") && ended.stderr.contains(file.to_str().unwrap()), "{ended}");
    let first = site_text(&checkout, "index.html");
    assert!(first.contains("<strong>1 file</strong> of the store cannot be read"), "{first}");
    assert!(checkout.path("reports/site").join(page('2')).is_file());
}

#[test]
fn the_raw_record_on_a_page_is_the_record_of_the_store() {
    let checkout = Checkout::new();
    let file = store(&checkout).add(&run('1', '0')).unwrap();
    checkout.run(["report"]).exits(0);
    let name = file.file_name().unwrap().to_str().unwrap();
    let text = site_text(&checkout, &page('1'));
    assert!(text.contains(&format!("href=\"../records/{name}\"")), "{text}");
    assert_eq!(fs::read(checkout.path("reports/site/records").join(name)).unwrap(), fs::read(&file).unwrap());
}

#[test]
fn pages_that_cannot_be_written_are_an_error_and_a_policy_that_is_missing_is_named() {
    let checkout = Checkout::new();
    fs::write(checkout.path("a-file"), "").unwrap();
    for output in ["a-file", "a-file/site"] {
        let ended = checkout.run(["report", "--output", output]);
        ended.refuses(&format!("`{output}`"), "name a folder with `--output DIR`");
        assert!(ended.stderr.contains("`a-file` is a file"), "{ended}");
    }
    fs::remove_file(checkout.path("ci/gate.json")).unwrap();
    let ended = checkout.run(["report"]);
    ended.exits(2);
    assert!(ended.stderr.contains("ci/gate.json"), "{ended}");
}

#[test]
fn what_was_measured_is_kept_though_its_page_cannot_be_made() {
    let checkout = Checkout::new();
    fs::create_dir(checkout.path("reports")).unwrap();
    fs::write(checkout.path("reports/site"), "").unwrap();
    let ended = checkout.bench(&["--prompt", "fibonacci"]);
    ended.exits(0);
    assert!(ended.stderr.contains("the pages are not brought up to date: "), "{ended}");
    assert_eq!(checkout.record_files().len(), 1);
}

#[test]
fn the_demonstration_says_on_every_page_that_it_is_one_and_leaves_the_store_alone() {
    let checkout = Checkout::new();
    let ended = checkout.run(["report", "--demo"]);
    ended.exits(0);
    assert!(ended.stdout.ends_with("/reports/demo/index.html\n"), "{ended}");
    let files = files(&checkout.path("reports/demo"));
    let pages = files.iter().filter(|(path, _)| path.extension().is_some_and(|it| it == "html"));
    for (path, bytes) in pages {
        let text = String::from_utf8_lossy(bytes);
        assert!(text.contains("<strong>Demonstration.</strong>"), "{}", path.display());
    }
    assert!(files.keys().filter(|path| path.starts_with("commit")).count() > 100);
    assert!(checkout.record_files().is_empty());
}

#[test]
fn a_card_is_of_the_newest_run_or_of_the_one_that_is_named() {
    let checkout = Checkout::new();
    let ended = checkout.run(["report", "--card"]);
    assert!(ended.stderr.contains("no record of `latest`"), "{ended}");
    store(&checkout).add(&run('1', '0')).unwrap();
    for arguments in [&["report", "--card"][..], &["report", "--card", "111111111111"]] {
        let ended = checkout.run(arguments);
        ended.exits(0);
        assert!(ended.stdout.contains("| Fibonacci |"), "{ended}");
        assert!(!checkout.path("reports/site").exists(), "only the card was requested");
    }
}

#[test]
fn pages_are_served_on_loopback_to_those_who_ask_for_it_by_name() {
    let checkout = Checkout::new();
    store(&checkout).add(&run('1', '0')).unwrap();
    fs::write(checkout.path("secret.html"), "a secret").unwrap();
    let site = checkout.path("reports/site");
    for (name, text) in
        [("notes.html", "secret\n"), ("compare/a-b.html", "the two"), ("compare/a.txt", "secret\n")]
    {
        fs::create_dir_all(site.join("compare")).unwrap();
        fs::write(site.join(name), text).unwrap();
    }
    let mut server =
        checkout.command(["report", "--serve"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().ends_with("index.html"));
    let address = lines.next().unwrap().unwrap();
    let host = address.strip_prefix("http://").unwrap().trim_end_matches('/').to_owned();
    assert!(host.starts_with("127.0.0.1:"), "{address}");
    let ask = |method: &str, path: &str, name: &str| {
        let mut stream = TcpStream::connect(&host).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let first = ask("GET", "/", &host);
    assert!(first.starts_with("HTTP/1.1 200") && first.contains("<h1>Status</h1>"), "{first}");
    assert!(first.contains("text/html") && first.contains("nosniff"), "{first}");
    assert!(ask("GET", &format!("/{}", page('1')), &host).starts_with("HTTP/1.1 200"));
    assert!(ask("GET", "/compare/a-b.html", &host).ends_with("the two"));
    fs::remove_file(site.join("method.html")).unwrap();
    symlink(checkout.path("secret.html"), site.join("method.html")).unwrap();
    symlink(checkout.path("secret.html"), site.join("compare/c-d.html")).unwrap();
    fs::rename(site.join("csv"), checkout.path("csv")).unwrap();
    symlink(checkout.path("csv"), site.join("csv")).unwrap();
    let csv = fs::read_dir(checkout.path("csv")).unwrap().next().unwrap().unwrap().file_name();
    for path in [
        "/../../secret.html",
        "/%2e%2e/%2e%2e/secret.html",
        "/nothing.html",
        "/commit/../../../secret.html",
        "/notes.html",
        "/made.json",
        "/compare/a.txt",
        "/method.html",
        "/compare/c-d.html",
        &format!("/csv/{}", csv.to_str().unwrap()),
    ] {
        let answer = ask("GET", path, &host);
        assert!(answer.starts_with("HTTP/1.1 404") && !answer.contains("secret"), "{path}: {answer}");
    }
    assert!(ask("GET", "/", "elsewhere.example").starts_with("HTTP/1.1 403"));
    assert!(ask("POST", "/", &host).starts_with("HTTP/1.1 405"));
    server.kill().unwrap();
    server.wait().unwrap();
}

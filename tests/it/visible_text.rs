//! Text of others through every verb that prints: whatever a record, a file's name or a flag holds, a terminal, a
//! log and a spreadsheet get it as text. A store is printed once by each verb, so that a field of tomorrow is among
//! them.

use std::fs;
use std::path::PathBuf;

use arcgauge::record::{History, ImportedRecord, Personal, Trace, sha256_of_bytes};
use serde_json::Value;

use crate::checkout::Checkout;
use crate::ended::Ended;
use crate::every_text::Texts;
use crate::forged;
use crate::history_index::verified;
use crate::hostile_pages::SAMPLES;

/// A formula, an escape, a bidi override, DEL, C1, a line of its own and two commands to GitHub's runner.
const TEXT: &str =
    "=1+1 \x1b[2J\u{202e}\u{7f}\u{9b}31m\u{feff}\r\nFORGED\n::error::FORGED ##[error]FORGED\t\x07";

/// A store with every kind of record, each text of which is the hostile one.
struct Scene {
    checkout: Checkout,
    files: Vec<PathBuf>,
}

impl Scene {
    fn of(words: &dyn Fn(&str, usize) -> String) -> Self {
        let checkout = Checkout::new();
        checkout.commit();
        let store = History::at(checkout.path("store"));
        SAMPLES.add(&store, 0, words);
        let fixture = env!("CARGO_MANIFEST_DIR").to_owned() + "/fixtures/exchange/llm_bench/genai.json";
        checkout.run(["history", "import", &fixture, "--store", "store"]).exits(0);
        let imported = store.imported_found().files.remove(0);
        let record: ImportedRecord = History::read_imported(&imported).unwrap().record;
        fs::remove_file(imported).unwrap();
        let texts = Texts::of(&record);
        let number = |text: &str| texts.all().position(|one| one == text).unwrap();
        store.take_imported(&texts.with(|text| words(text, number(text)))).unwrap();
        let files = store.files().into_iter().chain(store.imported_found().files).collect();
        Self { checkout, files }
    }

    fn run(&self, words: &str, more: &[&str]) -> Ended {
        let words = words.split(' ').chain(more.iter().copied());
        self.checkout.run(words.chain(["--store", "store"]))
    }
}

/// Nothing of the hostile text is more than text.
#[track_caller]
fn is_text(name: &str, printed: &str) {
    let acts = |letter: char| {
        (letter.is_control() && !"\n\t".contains(letter))
            || "\u{202e}\u{feff}\u{2066}\u{2028}".contains(letter)
    };
    assert!(!printed.contains(acts), "`{name}` prints what acts on a terminal: {printed:?}");
    assert!(!printed.contains("##["), "`{name}` prints a command: {printed}");
    for line in printed.lines().map(str::trim_start) {
        let begins = ["FORGED", "::error::FORGED"].iter().any(|text| line.starts_with(text));
        assert!(!begins, "`{name}` prints a line of others: {line}\n{printed}");
    }
}

#[test]
fn every_verb_that_prints_records_prints_their_texts_as_text() {
    let scene = Scene::of(&|_, number| format!("{TEXT} {number}"));
    let runs: Vec<String> =
        ["list", "verify", "changes", "rebuild"].map(|verb| format!("history {verb}")).into();
    let formats = ["csv --rows sample", "csv", "otava", "llama-bench", "bmf", "benchstat", "junit", "github"];
    let exports = formats.map(|format| format!("history export --format {format}"));
    let others = [
        "history export --format benchmark-action --direction smaller",
        "history export --output copied",
        "report --output site",
        "gate",
        "gate calibrate",
    ];
    let mut ended: Vec<(String, Ended)> = runs
        .into_iter()
        .chain(exports)
        .chain(others.map(str::to_owned))
        .map(|words| (words.clone(), scene.run(&words, &[])))
        .collect();
    for file in &scene.files {
        let file = file.to_str().unwrap();
        let alone = |words: &[&str]| (words.join(" "), scene.checkout.run(words));
        ended.push(alone(&["history", "show", file, "--explain"]));
        ended.push(alone(&["history", "show", file, "--wide"]));
        ended.push(alone(&["history", "import", file, "--store", "another"]));
        for verb in [["golden", "bless"], ["baseline", "pin"], ["baseline", "accept-model"]] {
            ended.push((format!("{verb:?} {file}"), scene.run(&verb.join(" "), &["--reason", TEXT, file])));
        }
        for format in ["text", "markdown", "junit"] {
            ended.push(alone(&["gate", "--replay", file, "--format", format]));
        }
        ended.push((
            format!("export {file}"),
            scene.run("history export --format csv --rows sample", &[file]),
        ));
        let run = scene.files[0].to_str().unwrap();
        ended.push((format!("compare {file}"), scene.run("compare", &[run, file])));
        ended.push((
            format!("compare {file} as Markdown"),
            scene.run("compare --format markdown", &[run, file]),
        ));
        ended.push((format!("card of {file}"), scene.run("report --card", &[file])));
    }
    for (words, ended) in &ended {
        is_text(words, &ended.stdout);
        is_text(words, &ended.stderr);
    }
    let printed = |words: &str| &ended.iter().find(|(name, _)| name == words).unwrap().1.stdout;
    assert!(
        printed("history list").contains(r"=1+1 \u{1b}[2J\u{202e}\u{7f}\u{9b}31m\u{feff}\r\nFORGED\n::error")
    );
    let tables = ended.iter().filter(|(words, _)| words.starts_with("export "));
    let rows: Vec<_> = tables
        .flat_map(|(_, ended)| csv::Reader::from_reader(ended.stdout.as_bytes()).into_records())
        .map(Result::unwrap)
        .collect();
    assert!(!rows.is_empty());
    for cell in rows.iter().flatten() {
        assert!(!cell.starts_with(['=', '+', '@', '\t']), "{cell}");
    }
}

/// Files of other tools with the hostile text in the place of each of their texts, one after the other, and of all.
#[test]
fn files_of_other_tools_are_imported_refused_and_shown_as_text() {
    let checkout = Checkout::new();
    checkout.commit();
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/exchange");
    fs::create_dir(checkout.path("in")).unwrap();
    let mut files = Vec::new();
    for fixture in walk(&fixtures) {
        let whole = fs::read_to_string(&fixture).unwrap();
        let name = fixture.strip_prefix(&fixtures).unwrap().display().to_string().replace('/', "-");
        let variants = match fixture.extension().and_then(|extension| extension.to_str()) {
            Some("json") => hostile_json(&serde_json::from_str(&whole).unwrap()),
            Some("csv") => hostile_csv(&whole),
            _ => continue,
        };
        for (at, text) in variants.into_iter().enumerate() {
            let file = checkout.path(format!("in/{at}-{name}"));
            fs::write(&file, text).unwrap();
            files.push(file);
        }
    }
    assert!(files.len() > 100, "{}", files.len());
    let imported = checkout.run(["history", "import", "in", "--store", "store"]);
    let taken = History::at(checkout.path("store")).imported_found().files;
    assert!(taken.len() > 20 && taken.len() < files.len(), "{} of {}", taken.len(), files.len());
    is_text("history import", &imported.stdout);
    is_text("history import", &imported.stderr);
    let stored = |words: &str| checkout.run(words.split(' ').chain(["--store", "store"]));
    for words in ["list", "verify", "export --format csv", "export --format csv --rows sample"] {
        let ended = stored(&format!("history {words}"));
        is_text(words, &ended.stdout);
        is_text(words, &ended.stderr);
        if words.contains("csv") {
            for row in csv::Reader::from_reader(ended.stdout.as_bytes()).into_records() {
                let row = row.unwrap();
                assert!(row.iter().all(|cell| !cell.starts_with(['=', '+', '@', '\t'])), "{row:?}");
            }
        }
    }
    for file in taken.iter().step_by(5) {
        let file = file.to_str().unwrap();
        let shown = checkout.run(["history", "show", file]);
        is_text(file, &shown.stdout);
        assert!(shown.stdout.len() > 100, "{shown}");
    }
}

/// The value with the text in the place of every text, and of each alone; names of fields too.
fn hostile_json(value: &Value) -> Vec<String> {
    let mut count = 0;
    each(value, &mut |_| count += 1);
    let alone = (0..count).map(|only| {
        let mut at = 0;
        replaced(value, &mut |_| {
            at += 1;
            at == only + 1
        })
    });
    let all = replaced(value, &mut |_| true);
    let named = value.to_string().replacen("\":", &format!("{}:", &Value::from(TEXT).to_string()[1..]), 1);
    alone.chain([all]).map(|value| value.to_string()).chain([named]).collect()
}

fn replaced(value: &Value, is_meant: &mut impl FnMut(&str) -> bool) -> Value {
    match value {
        Value::String(text) if is_meant(text) => TEXT.into(),
        Value::Array(values) => values.iter().map(|value| replaced(value, is_meant)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), replaced(value, is_meant))).collect()
        }
        _ => value.clone(),
    }
}

/// The table with the text in the place of each cell of its first two lines.
fn hostile_csv(table: &str) -> Vec<String> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(table.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let places = (0..2).flat_map(|row| (0..rows[row].len()).map(move |cell| (row, cell)));
    let variants = places.map(|place| {
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        for (row, cells) in rows.iter().enumerate() {
            let cells = cells.iter().enumerate();
            let cells = cells.map(|(cell, text)| if (row, cell) == place { TEXT } else { text });
            writer.write_record(cells).unwrap();
        }
        String::from_utf8(writer.into_inner().unwrap()).unwrap()
    });
    variants.collect()
}

#[test]
fn no_verb_prints_a_line_that_is_wider_than_the_terminal() {
    let scene = Scene::of(&|_, number| format!("some words of others {number}"));
    let all = [
        "history list",
        "history list --wide",
        "history verify",
        "history changes",
        "gate",
        "gate calibrate",
        "report --output site",
        "baseline list",
    ];
    let mut runs: Vec<String> = all.iter().map(|words| format!("{words} --store store")).collect();
    for file in &scene.files {
        let file = file.to_str().unwrap();
        runs.push(format!("history show {file} --explain"));
        runs.push(format!("gate --replay {file}"));
        runs.push(format!("compare {} {file} --store store", scene.files[0].display()));
    }
    let others = [
        "doctor",
        "model describe",
        "model list",
        "model verify",
        "--help",
        "ab --help",
        "bench --device XPU",
    ];
    runs.extend(others.map(str::to_owned));
    for columns in [80, 60] {
        for words in &runs {
            let shown = scene.checkout.on_terminal(columns, &words.split(' ').collect::<Vec<_>>());
            assert!(!shown.trim().is_empty(), "`{words}` shows nothing");
            for line in shown.lines().filter(|line| line.chars().count() > columns) {
                // A path and a hash are never broken: whoever copies them must get them whole. A command may go on.
                let line = line.trim_end_matches(" \\");
                let last = line.split(' ').next_back().unwrap_or_default();
                let before = line.chars().count() - last.chars().count();
                let is_hash = last.len() == 64 && last.bytes().all(|byte| byte.is_ascii_hexdigit());
                assert!(
                    before < columns / 2 && (is_hash || last.contains('/')),
                    "`{words}` at {columns}: {line}\n{shown}"
                );
            }
        }
    }
}

#[test]
fn json_has_the_texts_as_they_are_and_acts_on_no_terminal() {
    let scene = Scene::of(&|_, number| format!("{TEXT} {number}"));
    let file = scene.files[0].to_str().unwrap();
    for (words, more) in [
        ("history list --format json", &[][..]),
        ("history export --format llama-bench", &[]),
        ("compare --format json", &[file, scene.files[1].to_str().unwrap()]),
    ] {
        let ended = scene.run(words, more);
        is_text(words, &ended.stdout);
        let value: Value =
            serde_json::from_str(&ended.stdout).unwrap_or_else(|cause| panic!("{cause}: {ended}"));
        let mut found = 0;
        each(&value, &mut |text| found += usize::from(text.contains(TEXT) || text.contains(r"\u{1b}[2J")));
        assert!(found > 0, "`{words}` has none of the texts: {ended}");
    }
}

fn each(value: &Value, visit: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(values) => values.iter().for_each(|value| each(value, visit)),
        Value::Object(fields) => fields.values().for_each(|value| each(value, visit)),
        _ => {}
    }
}

#[test]
fn names_of_files_flags_and_what_a_parser_says_are_text_too() {
    let checkout = Checkout::new();
    checkout.commit();
    let whole = forged::store(&checkout, &forged::record());
    let hostile = checkout.path(TEXT.replace('/', "_"));
    fs::create_dir_all(&hostile).unwrap();
    let text = fs::read_to_string(whole).unwrap();
    let (header, payload) = text.split_once('\n').unwrap();
    let outcome = format!("\"outcome\":{}", Value::from(TEXT));
    for (name, text) in [
        ("kind.json", format!("{}\n", header.replace("\"experiment\"", &Value::from(TEXT).to_string()))),
        ("cut.json", text[..900].to_owned()),
        ("field.json", encoded(&payload.replacen("\"outcome\":\"complete\"", &outcome, 1))),
    ] {
        fs::write(hostile.join(name), text).unwrap();
    }
    let path = |name: &str| hostile.join(name).display().to_string();
    let folder = hostile.display().to_string();
    for words in [
        vec!["history", "show", &path("kind.json")],
        vec!["history", "show", &path("cut.json")],
        vec!["history", "show", &path("field.json")],
        vec!["history", "import", &folder],
        vec!["history", "list", "--store", &folder],
        vec!["history", "list", "--machine", TEXT],
        vec!["history", "use", &folder],
        vec!["history", "pull", "--branch", TEXT],
        vec!["history", "pull", "--remote", TEXT],
        vec!["gate", "--head", TEXT],
        vec!["compare", TEXT, "latest"],
        vec!["bench", "--device", TEXT],
        vec!["bench", "--model-dir", TEXT],
        vec!["ab", "--base", TEXT],
        vec!["model", "describe", "--model-dir", &folder],
        vec!["infer", "--prompt", "x", "--max-new-tokens", TEXT],
        vec![TEXT],
    ] {
        let ended = checkout.run(&words);
        is_text(&words.join(" "), &ended.stdout);
        is_text(&words.join(" "), &ended.stderr);
        assert_ne!((ended.stderr.len(), ended.stdout.len()), (0, 0), "{words:?}");
    }
}

/// A record's file of this payload, whatever that is.
fn encoded(payload: &str) -> String {
    let sha256 = sha256_of_bytes(payload.as_bytes());
    format!(
        "{{\"arcgauge\":\"experiment\",\"schema\":{{\"major\":3,\"minor\":0}},\"payload_sha256\":\"{sha256}\"}}\n{payload}"
    )
}

/// What can be written nowhere is an error of every verb that prints.
#[test]
fn a_full_disk_behind_stdout_is_an_error_and_a_reader_that_went_away_is_none() {
    let checkout = Checkout::new();
    checkout.commit();
    let record = forged::store(&checkout, &verified("00000000000a"));
    let record = record.to_str().unwrap();
    for words in [
        &["--help"][..],
        &["bench", "--help"],
        &["--version"],
        &["history", "list"],
        &["history", "list", "--format", "json"],
        &["history", "show", record],
        &["history", "verify"],
        &["history", "export", record, "--format", "llama-bench"],
        &["report"],
        &["report", "--card", record],
        &["model", "list"],
        &["model", "describe"],
        &["doctor", "--device", "CPU"],
    ] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ended = Ended::of(checkout.command(words).stdout(full).output().unwrap());
        ended.exits(20).says("error: cannot write to stdout: ").says("No space left on device");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ended = Ended::of(checkout.command(words).stdout(writer).output().unwrap());
        assert!(!ended.stderr.contains("cannot write"), "{words:?}: {ended}");
    }
}

/// Text that names a person, in every text of every kind of record, at every way out.
#[test]
fn what_is_stored_names_nobody_and_so_nothing_that_leaves_does() {
    // Of what says what was measured (a model's name, a prompt's id), which is one word, folders alone go.
    let folders = "in /home/zebulonix/models, below /tmp/x";
    let names = format!("{folders} of Zebulonix at velocirap");
    let personal = Personal::of([
        Trace::new("/home/zebulonix", "~"),
        Trace::new("/tmp", "<temporary>"),
        Trace::new("zebulonix", "<user>"),
        Trace::new("velocirap", "<host>"),
    ]);
    let scene = Scene::of(&|text, number| {
        format!("{} {number}", if text.contains(' ') { names.as_str() } else { folders })
    });
    let checkout = &scene.checkout;
    let kept = History::at(checkout.path("kept"));
    for file in &scene.files {
        if History::is_imported(file) {
            let record = History::read_imported(file).unwrap().record;
            kept.take_imported(&personal.taken_from_record(record)).map(drop).unwrap();
            continue;
        }
        kept.add(&personal.taken_from_record(History::read(file).unwrap().record)).unwrap();
    }
    let remote = checkout.lock().with_file_name("remote.git");
    checkout.git(&["init", "--quiet", "--bare", remote.to_str().unwrap()]);
    checkout.git(&["remote", "add", "origin", remote.to_str().unwrap()]);
    let run = |words: &str| {
        let store: &[&str] = if words.contains("--store") { &[] } else { &["--store", "kept"] };
        let words = words.split(' ').chain(store.iter().copied());
        let mut command = checkout.command(words);
        command.env("XDG_CACHE_HOME", checkout.lock().with_file_name("cache")).env("HOME", "/home/zebulonix");
        Ended::of(command.env("USER", "zebulonix").env("HOSTNAME", "velocirap").output().unwrap())
    };
    let push = run("history push");
    push.exits(0).says("leaves this machine: ").says("5 records added");
    run("history pull --store theirs").exits(0);
    for words in ["report --output site", "history export --output copied"] {
        run(words).exits(0);
    }
    for format in ["llama-bench", "bmf", "benchstat", "junit", "github"] {
        run(&format!("history export --format {format} --output out-{}", &format[..3])).exits(0);
    }
    let mut looked = 0;
    for entry in walk(&checkout.path("")) {
        let text = String::from_utf8_lossy(&fs::read(&entry).unwrap()).to_lowercase();
        looked += 1;
        for name in ["zebu", "velocirap"] {
            let found: String = text.find(name).map_or("", |at| &text[at..]).chars().take(80).collect();
            assert!(found.is_empty(), "{} has {found}", entry.display());
        }
    }
    assert!(looked > 20, "{looked}");

    // A record of before is not pushed, for its stored bytes stay as they are.
    let mut older = forged::record();
    older.arms[0].environment_variables.insert("LD_LIBRARY_PATH".into(), "/home/zebulonix/lib".into());
    older.run_id = "0123456789ab".into();
    kept.add(&older).unwrap();
    run("history push").exits(20).says("is not pushed: it has the text that `~` stands for");
}

fn walk(folder: &std::path::Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_ours = path.ends_with(".git") || path.ends_with("store") || path.is_symlink();
        match path.is_dir() {
            _ if is_ours => {}
            true => files.extend(walk(&path)),
            false => files.push(path),
        }
    }
    files
}

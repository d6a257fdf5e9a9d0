//! Files of others in every place that is read: none makes a verb wait or fill the memory, each is named with its
//! reason, and the good ones beside it are taken.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use arcgauge::files::{FileKind, beginning, open_with, read, read_if_there};
use arcgauge::record::{Experiment, History, encode};
use serde_json::Value;

use crate::checkout::Checkout;
use crate::ended::Ended;
use crate::forged;
use crate::git_repository::git_in;
use crate::history_index::verified;

/// More than any file that is read may have.
const THREE_GIB: u64 = 3 << 30;

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn sparse(path: &Path) {
    File::create(path).unwrap().set_len(THREE_GIB).unwrap();
}

/// Makes a record one that may not be stored.
type Edit = fn(&mut Value);

/// Puts what is no record beside the records in a folder, each under the name of one.
fn spoil(folder: &Path) -> [(String, &'static str); 6] {
    let file = |digit: char| folder.join(format!("20260101T000000Z-{}.json", digit.to_string().repeat(12)));
    pipe(&file('1'));
    symlink("/dev/zero", file('2')).unwrap();
    symlink(file('4'), file('3')).unwrap();
    symlink(file('3'), file('4')).unwrap();
    sparse(&file('5'));
    let long = folder.join(format!("{}.json", "x".repeat(250)));
    File::create(&long).unwrap();
    let name = |digit: char| format!("{}.json", digit.to_string().repeat(12));
    [
        (name('1'), "is a pipe"),
        (name('2'), "is a symbolic link"),
        (name('3'), "is a symbolic link"),
        (name('4'), "is a symbolic link"),
        (name('5'), " bytes"),
        ("x.json".to_owned(), "has no header line"),
    ]
}

#[test]
fn what_is_no_regular_file_is_refused_at_once_with_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    pipe(&path("pipe"));
    let _socket = UnixListener::bind(path("socket")).unwrap();
    fs::create_dir(path("folder")).unwrap();
    for (link, target) in [("to-pipe", "pipe"), ("to-device", "/dev/zero"), ("a", "b"), ("b", "a")] {
        symlink(target, path(link)).unwrap();
    }
    for (name, what) in [
        ("pipe", "it is a pipe"),
        ("socket", "it is a socket"),
        ("folder", "it is a folder"),
        ("to-pipe", "it is a"),
        ("to-device", "it is a"),
        ("a", "symbolic link"),
    ] {
        let file = path(name);
        for kind in [FileKind::Record, FileKind::Fixture, FileKind::Text, FileKind::Program, FileKind::Large]
        {
            let error = read(&file, kind).unwrap_err().to_string();
            assert!(error.contains(what) && error.contains(&format!("`{}`", file.display())), "{error}");
        }
        assert!(beginning(&file, 10).is_err() && read_if_there(&file, FileKind::Record).is_err(), "{name}");
        for options in [OpenOptions::new().read(true), OpenOptions::new().append(true).create(true)] {
            assert!(open_with(options, &file).is_err(), "{name}");
        }
    }
}

#[test]
fn what_is_no_record_in_a_store_is_named_and_the_records_are_read() {
    let checkout = Checkout::new();
    let good = forged::store(&checkout, &verified("00000000000a"));
    let bad = spoil(good.parent().unwrap());
    let store = checkout.path("reports/history");
    symlink(".", store.join("a")).unwrap();
    symlink(".", store.join("b")).unwrap();
    for words in [
        &["history", "list"][..],
        &["history", "verify"],
        &["history", "rebuild"],
        &["history", "import", "reports/history", "--store", "taken"],
        &["history", "export", "--output", "copied"],
        &["report"],
        &["doctor"],
    ] {
        let ended = checkout.run(words);
        let text = format!("{}{}", ended.stdout, ended.stderr);
        for (name, what) in &bad {
            let is_named = |line: &str| line.contains(name.as_str()) && line.contains(what);
            assert!(text.lines().any(is_named), "{words:?} does not say of `{name}` that it {what}: {ended}");
        }
        assert!(text.contains("reports/history/b` is a symbolic link"), "{words:?}: {ended}");
    }
    checkout.run(["history", "list", "--wide"]).exits(0).prints(" bench ");
    checkout.run(["history", "verify"]).exits(20).prints("1 intact, 8 damaged");
    assert_eq!(History::at(checkout.path("taken")).files().len(), 1);
    assert_eq!(History::at(checkout.path("copied")).files().len(), 1);
    checkout.run(["report", "--card", "latest"]).exits(0);
    for (name, _) in &bad[..5] {
        let file = good.with_file_name(format!("20260101T000000Z-{name}"));
        for words in [["history", "show"], ["history", "import"]] {
            let ended = checkout.run(words.map(Path::new).iter().copied().chain([file.as_path()]));
            ended.exits(2).says(name);
        }
    }
}

#[test]
fn nothing_is_written_behind_a_link_in_a_store() {
    let checkout = Checkout::new();
    forged::store(&checkout, &verified("00000000000a"));
    let (store, theirs) = (checkout.path("reports/history"), checkout.path("theirs"));
    fs::write(&theirs, "precious").unwrap();
    fs::create_dir(checkout.path("elsewhere")).unwrap();
    let other = Experiment { run_id: "00000000000b".into(), ..verified("00000000000b") };
    let moved = checkout.path("moved");
    fs::rename(store.join("a-machine"), &moved).unwrap();
    for name in ["index.json", "origins.jsonl"] {
        let _ = fs::remove_file(store.join(name));
        symlink(&theirs, store.join(name)).unwrap();
    }
    symlink(checkout.path("elsewhere"), store.join("a-machine")).unwrap();
    let file = checkout.path("b.json");
    fs::write(&file, encode(&other).unwrap()).unwrap();
    let import = |from: &Path| {
        checkout
            .run([Path::new("history"), Path::new("import"), from])
            .exits(2)
            .says("is a symbolic link")
            .says("0 added");
    };
    import(&file);
    fs::remove_file(store.join("a-machine")).unwrap();
    fs::rename(&moved, store.join("a-machine")).unwrap();
    checkout.run(["history", "rebuild"]).exits(0);
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "precious");
    assert_eq!(fs::read_dir(checkout.path("elsewhere")).unwrap().count(), 0);
    assert!(store.join("index.json").symlink_metadata().unwrap().is_file());
}

#[test]
fn a_record_whose_name_would_be_no_file_is_refused_and_those_beside_it_are_taken() {
    let checkout = Checkout::new();
    let good = checkout.path("good.json");
    fs::write(&good, encode(&verified("00000000000a")).unwrap()).unwrap();
    let edits: [(&str, Edit); 7] = [
        ("is no time", |record| record["when_utc"] = format!("2026{}", "1".repeat(280)).into()),
        ("is no time", |record| record["when_utc"] = "".into()),
        ("is no time", |record| record["when_utc"] = "../../../x".into()),
        ("is no plain name", |record| record["machine"]["slug"] = "a".repeat(300).into()),
        ("is no plain name", |record| record["machine"]["slug"] = "a".repeat(200).into()),
        ("which is the index", |record| record["machine"]["slug"] = "index.json".into()),
        ("not 12 hexadecimal digits", |record| record["run_id"] = "a".repeat(280).into()),
    ];
    for (number, (fault, edit)) in edits.into_iter().enumerate() {
        let bad = checkout.path("a-bad.json");
        fs::write(&bad, crate::history_verbs::edited(&verified("00000000000b"), edit)).unwrap();
        let store = format!("store-{number}");
        let words = ["history", "import", "a-bad.json", "good.json", "--store", &store];
        checkout.run(words).exits(2).says(fault).says("1 added, 0 there already, 1 refused");
    }
}

#[test]
fn a_golden_that_is_a_pipe_or_a_link_is_refused_with_the_reason() {
    let checkout = Checkout::with_own_goldens();
    let golden = checkout.golden("fibonacci");
    let whole = golden.with_extension("stored");
    fs::rename(&golden, &whole).unwrap();
    let make: [(&str, &dyn Fn()); 3] = [
        ("it is a pipe", &|| pipe(&golden)),
        ("it is a symbolic link", &|| symlink(&whole, &golden).unwrap()),
        ("it has 3221225472 bytes", &|| sparse(&golden)),
    ];
    for (what, make) in make {
        make();
        checkout.run(["golden", "check", "--device", "CPU"]).refuses(what, "git checkout");
        fs::remove_file(&golden).unwrap();
    }
    let folder = golden.parent().unwrap();
    fs::rename(folder, checkout.path("moved")).unwrap();
    symlink(checkout.path("moved"), folder).unwrap();
    checkout.run(["golden", "check", "--device", "CPU"]).refuses("is a symbolic link", "in its place");
}

#[test]
fn prompts_that_are_no_file_are_refused_and_those_of_another_checkout_are_not_measured() {
    let checkout = Checkout::with_own_goldens();
    let prompts = checkout.path("fixtures/prompts/reference.json");
    let make: [(&str, &dyn Fn()); 3] = [
        ("it is a pipe", &|| pipe(&prompts)),
        ("it is a symbolic link", &|| symlink("/dev/zero", &prompts).unwrap()),
        ("it has 3221225472 bytes", &|| sparse(&prompts)),
    ];
    for (what, make) in make {
        fs::remove_file(&prompts).unwrap();
        make();
        checkout.run(["golden", "check", "--device", "CPU"]).exits(2).says("reference.json").says(what);
    }
}

#[test]
fn what_git_reads_whole_is_refused_where_it_is_a_pipe_or_without_end() {
    for name in ["HEAD", "index", "config", "packed-refs"] {
        for make in [pipe, sparse] {
            let checkout = Checkout::new();
            checkout.commit();
            let file = checkout.path(".git").join(name);
            let _ = fs::remove_file(&file);
            make(&file);
            let began = Instant::now();
            let ended = checkout.run(["gate"]);
            assert!(began.elapsed() < Duration::from_secs(5), "{name}: {ended}");
            assert!(ended.code == Some(2), "{name}: {ended}");
        }
    }
}

#[test]
fn a_pipe_anywhere_in_a_repository_is_refused_and_a_socket_does_no_harm() {
    let object = |checkout: &Checkout| {
        let head = checkout.git(&["rev-parse", "HEAD"]);
        let (folder, name) = head.trim().split_at(2);
        format!(".git/objects/{folder}/{name}")
    };
    let names: [&dyn Fn(&Checkout) -> String; 7] = [
        &|_| ".git/refs/heads/another".to_owned(),
        &|_| ".git/info/exclude".to_owned(),
        &|_| ".git/shallow".to_owned(),
        &|_| ".git/objects/info/alternates".to_owned(),
        &|_| ".gitignore".to_owned(),
        &|_| "fixtures/.gitignore".to_owned(),
        &object,
    ];
    for name in names {
        let checkout = Checkout::new();
        checkout.commit();
        let name = name(&checkout);
        let file = checkout.path(&name);
        let _ = fs::remove_file(&file);
        pipe(&file);
        let began = Instant::now();
        let ended = checkout.run(["gate"]);
        assert!(began.elapsed() < Duration::from_secs(5), "{name}: {ended}");
        ended.exits(2).says(&format!("{name}`: it is a pipe, not a regular file"));
    }
    let checkout = Checkout::new();
    checkout.commit();
    let ignored = checkout.path("ignored");
    pipe(&ignored);
    checkout.git(&["config", "core.excludesFile", ignored.to_str().unwrap()]);
    checkout.run(["gate"]).exits(2).says("ignored`: it is a pipe, not a regular file");
    let checkout = Checkout::new();
    checkout.commit();
    fs::write(checkout.path("first"), "[include]\n  path = included\n").unwrap();
    checkout.git(&["worktree", "add", "-q", "beside"]);
    checkout.git(&["config", "include.path", "../first"]);
    // From here on git itself waits.
    pipe(&checkout.path("included"));
    for folder in ["", "beside"] {
        let ended =
            Ended::of(checkout.command(["gate"]).current_dir(checkout.path(folder)).output().unwrap());
        ended.exits(2).says("included`: it is a pipe, not a regular file");
    }
    let checkout = Checkout::new();
    checkout.commit();
    let _listens =
        std::os::unix::net::UnixListener::bind(checkout.path(".git/fsmonitor--daemon.ipc")).unwrap();
    checkout.run(["history", "list"]).exits(0);
}

#[test]
fn what_is_named_and_cannot_be_used_is_refused_before_anything_is_hashed_or_waited_for() {
    let checkout = Checkout::new();
    let (large, pipe_at, long) = (checkout.path("large"), checkout.path("pipe"), "x".repeat(300));
    sparse(&large);
    fs::set_permissions(&large, PermissionsExt::from_mode(0o755)).unwrap();
    pipe(&pipe_at);
    fs::write(checkout.path("file"), "{}").unwrap();
    symlink("file", checkout.path("link")).unwrap();
    let calibrated = |file: &str| format!("triattention:128,calibration={file}");
    let of_kv = |arm: &str| -> Vec<String> {
        ["kv", "--arm", "none", "--arm", arm, "--device", "CPU"].map(str::to_owned).to_vec()
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let began = Instant::now();
    for (words, says) in [
        (words(&["bench", "--quick", "--worker", "large"]), "it has 3221225472 bytes"),
        (words(&["peers", "--engines", "stateful,a", "--program", "a=large"]), "it has 3221225472 bytes"),
        (words(&["bench", "--quick", "--output", &long]), "File name too long"),
        (words(&["bench", "--quick", "--store", "file"]), "is not a folder"),
        (words(&["history", "list", "--store", "file"]), "is not a folder"),
        (words(&["history", "verify", "--store", "pipe"]), "is not a folder"),
        (words(&["gate", "--store", &long]), "File name too long"),
        (of_kv(&calibrated("pipe")), "it is a pipe"),
        (of_kv(&calibrated("large")), "it has 3221225472 bytes"),
        (of_kv(&calibrated("link")), "`link` is not a calibration"),
        (of_kv("absmax:int4,group=7"), "groups of `7` do not fill a head of 64"),
        (of_kv("plugin:A=B+A=C"), "sets `A` twice"),
    ] {
        let ended = checkout.run(&words);
        assert_eq!(ended.code, Some(2), "{words:?}: {ended}");
        assert!(ended.stderr.contains(says) && ended.stderr.contains("hint: "), "{words:?}: {ended}");
    }
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert!(checkout.record_files().is_empty());
}

/// A tree of a few objects that unfolds to a thousand million files, and one large blob of zeros.
#[test]
fn a_branch_that_unfolds_without_end_is_read_as_far_as_records_lie() {
    let checkout = Checkout::new();
    checkout.commit();
    let remote = checkout.path("remote.git");
    git_in(&checkout.path(""), &["init", "--quiet", "--bare", remote.to_str().unwrap()]);
    let fed = |words: &[&str], input: &[u8]| {
        let mut git = Command::new("git");
        git.arg("--git-dir").arg(&remote).args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut git = git.spawn().unwrap();
        git.stdin.take().unwrap().write_all(input).unwrap();
        String::from_utf8(git.wait_with_output().unwrap().stdout).unwrap().trim().to_owned()
    };
    let blob = |bytes: &[u8]| fed(&["hash-object", "-w", "--stdin", "--no-filters"], bytes);
    let tree = |lines: Vec<String>| fed(&["mktree"], lines.join("\n").as_bytes());
    let entries =
        |of: &str, kind: &str, id: &str| (0..10).map(|at| format!("{of} {kind} {id}\t{at}")).collect();
    let mut bomb = tree((0..10).map(|at| format!("100644 blob {}\t{at}.json", blob(b"x"))).collect());
    for _ in 0..8 {
        bomb = tree(entries("040000", "tree", &bomb));
    }
    let record = verified("00000000000a");
    let good = tree(vec![format!(
        "100644 blob {}\t20261123T044920Z-00000000000a.json",
        blob(&encode(&record).unwrap())
    )]);
    let good = tree(vec![format!("040000 tree {good}\t{}", "5".repeat(40))]);
    let zeros = blob(&vec![0; (64 << 20) + 1]);
    let root = tree(vec![
        format!("040000 tree {good}\ta-machine"),
        format!("040000 tree {bomb}\tbomb"),
        format!("120000 blob {}\tlink.json", blob(b"/etc/passwd")),
        format!("100644 blob {}\t{}.json", blob(b"x"), "n".repeat(230)),
        format!("100644 blob {zeros}\tzeros.json"),
    ]);
    let commit = fed(&["-c", "user.name=a", "-c", "user.email=a@b", "commit-tree", &root, "-m", "x"], b"");
    fed(&["update-ref", "refs/heads/arcgauge-history", &commit], b"");
    let mut pull =
        checkout.command(["history", "pull", "--remote", remote.to_str().unwrap(), "--store", "taken"]);
    let pull = crate::ended::Ended::of(pull.env("XDG_CACHE_HOME", checkout.path("cache")).output().unwrap());
    pull.exits(20).says("1 records taken").says("zeros.json` is not taken: it has 67108865 bytes");
    pull.says("folders lie deeper than records do")
        .says("link.json` of the branch is not taken: it is a link");
    pull.says("no record has such a name");
}

#[test]
fn no_request_ends_the_server_of_the_pages() {
    let checkout = Checkout::new();
    forged::store(&checkout, &verified("00000000000a"));
    let mut server =
        checkout.command(["report", "--serve"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let address = lines.nth(1).unwrap().unwrap();
    let host = address.strip_prefix("http://").unwrap().trim_end_matches('/').to_owned();
    let ask = |request: &[u8]| {
        let mut stream = TcpStream::connect(&host).unwrap();
        // The server may have answered and closed before all of it was sent.
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    };
    let with =
        |method: &str, more: &str| format!("{method} / HTTP/1.1\r\nHost: {host}\r\n{more}\r\n").into_bytes();
    for (request, status) in [
        (with("POST", "Content-Length: 99999999999\r\n"), "413"),
        (with("GET", "Content-Length: 99999999999\r\n"), "413"),
        (with("GET", "Content-Length: 18446744073709551616\r\n"), "413"),
        (with("GET", "Transfer-Encoding: chunked\r\n"), "413"),
        (with("PUT", ""), "405"),
        (b"\xff\x00\n\n".repeat(100), "400"),
        (with("GET", &"a: b\r\n".repeat(100)), "431"),
        (with("GET", &format!("a: {}\r\n", "a".repeat(20_000))), "431"),
        (with("GET", ""), "200"),
    ] {
        let answer = ask(&request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{status}: {answer}");
    }
    let head = ask(&with("HEAD", ""));
    assert!(head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"), "{head}");
    assert!(server.try_wait().unwrap().is_none(), "it has ended");
    server.kill().unwrap();
    server.wait().unwrap();
}

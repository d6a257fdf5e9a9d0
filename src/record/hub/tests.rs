//! Every way in which a fetch can go, without a network.

use std::fs;

use super::scripted::*;
use super::*;
use crate::error::ErrorKind;
use crate::record::{HashCache, check_files, read_manifest};

fn repeated(text: &serde_json::Value) -> impl Fn(usize, &Request) -> Vec<Heard> + 'static {
    let text = text.to_string();
    move |_, _| ok(text.as_bytes())
}

#[test]
fn a_model_that_was_fetched_is_whole_by_a_manifest_and_a_second_fetch_asks_for_nothing() {
    let mut scene = Scene::new();
    let model = scene.fetch(|_, request| honest(request)).unwrap().unwrap();
    assert_eq!((model.files, model.fetched_files), (3, 3));
    assert_eq!(fs::read(scene.file("openvino_model.bin")).unwrap(), WEIGHTS);
    let manifest = read_manifest(&scene.folder()).unwrap().unwrap();
    assert_eq!((manifest.name.as_str(), manifest.files.len()), ("model", 3));
    let faulty = check_files(&scene.folder(), &manifest, &mut HashCache::default(), &mut |_, _| {}).unwrap();
    assert_eq!(faulty, []);
    let from = FetchedFrom::read(&scene.folder()).unwrap();
    assert_eq!((from.repository.as_str(), from.commit.as_str()), ("owner/model", COMMIT));
    assert!(!unfinished(&scene.folder()).exists());
    assert!(scene.asked().iter().all(|request| request.address.contains(COMMIT)), "not pinned to the commit");

    let again = scene.fetch(|_, _| panic!("nothing is to be asked")).unwrap().unwrap();
    assert_eq!(again.fetched_files, 0);
    assert_eq!(again.manifest, manifest);
}

#[test]
fn a_connection_that_is_cut_goes_on_where_it_was() {
    let mut scene = Scene::new();
    let answers = |_, request: &Request| match request.from_byte {
        0 if is_weights(request) => {
            vec![head(200, &[]), Heard::Piece(WEIGHTS[..10].to_vec()), Heard::Failed("reset".into())]
        }
        _ => honest(request),
    };
    scene.fetch(answers).unwrap().unwrap();
    assert_eq!(fs::read(scene.file("openvino_model.bin")).unwrap(), WEIGHTS);
    let from: Vec<u64> = scene.asked().iter().filter(|it| is_weights(it)).map(|it| it.from_byte).collect();
    assert_eq!(from, [0, 10]);
    assert_eq!(scene.waited.pauses_s, [1]);
}

#[test]
fn whoever_stops_keeps_what_has_come_and_goes_on_from_there() {
    let mut scene = Scene::new();
    scene.waited.stop_at_bytes = Some(WEIGHTS.len() as u64 - 2);
    let pieces = |_, request: &Request| match is_weights(request) {
        true => {
            vec![head(200, &[]), Heard::Piece(WEIGHTS[..30].to_vec()), Heard::Piece(WEIGHTS[30..].to_vec())]
        }
        false => honest(request),
    };
    assert_eq!(scene.fetch(pieces).unwrap(), None);
    assert_eq!(fs::metadata(scene.part()).unwrap().len(), 30);
    assert!(!scene.file("openvino_model.bin").exists() && !scene.file("manifest.json").exists());

    scene.waited = Waited::default();
    scene.fetch(|_, request| honest(request)).unwrap().unwrap();
    assert_eq!(fs::read(scene.file("openvino_model.bin")).unwrap(), WEIGHTS);
    assert_eq!(scene.asked()[0].from_byte, 30);
}

#[test]
fn a_server_without_ranges_or_with_others_than_asked_begins_anew() {
    for status in [200, 206, 416] {
        let mut scene = Scene::new();
        let answers = move |_, request: &Request| match (is_weights(request), request.from_byte) {
            (true, 0) => ok(WEIGHTS),
            (true, _) if status == 200 => ok(WEIGHTS),
            (true, _) => {
                let range = [("content-range", "bytes 0-31/32")];
                vec![head(status, &range), Heard::Piece(WEIGHTS.to_vec()), Heard::End]
            }
            (false, _) => honest(request),
        };
        fs::create_dir_all(unfinished(&scene.folder())).unwrap();
        fs::write(scene.part(), &WEIGHTS[..10]).unwrap();
        scene.fetch(answers).unwrap().unwrap();
        assert_eq!(fs::read(scene.file("openvino_model.bin")).unwrap(), WEIGHTS, "{status}");
        assert_eq!(scene.waited.begun_anew, 1, "{status}");
    }
}

#[test]
fn wrong_bytes_are_removed_and_said_and_the_next_fetch_mends_them() {
    for wrong in [&b"weights that are many bytes l0ng"[..], b"weights that are many bytes long and longer"] {
        let mut scene = Scene::new();
        let answers =
            move |_, request: &Request| if is_weights(request) { ok(wrong) } else { honest(request) };
        let error = scene.fetch(answers).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Harness);
        assert!(error.to_string().contains("openvino_model.bin"), "{error}");
        assert!(!scene.file("openvino_model.bin").exists() && !scene.file("manifest.json").exists());
        assert_eq!(fs::metadata(scene.part()).map_or(0, |told| told.len()), 0, "the wrong bytes were kept");
        assert_eq!(scene.fetch(|_, request| honest(request)).unwrap().unwrap().fetched_files, 2);
    }
}

#[test]
fn a_part_that_holds_other_bytes_is_found_out_by_the_hash() {
    let mut scene = Scene::new();
    fs::create_dir_all(unfinished(&scene.folder())).unwrap();
    fs::write(scene.part(), [0; 10]).unwrap();
    let error = scene.fetch(|_, request| honest(request)).unwrap_err();
    assert!(error.to_string().contains("came wrong") && error.to_string().contains("removed"), "{error}");
    assert!(!scene.part().exists());
}

#[test]
fn a_file_that_changed_on_the_hub_since_it_was_listed_is_refused_before_it_comes() {
    let mut scene = Scene::new();
    let other = "f".repeat(64);
    let error = scene
        .fetch(move |_, request| {
            if !is_weights(request) {
                return honest(request);
            }
            vec![
                head(200, &[("x-linked-etag", &format!("\"{other}\""))]),
                Heard::Piece(WEIGHTS.to_vec()),
                Heard::End,
            ]
        })
        .unwrap_err();
    assert!(error.to_string().contains("another `openvino_model.bin` now"), "{error}");
    assert_eq!(fs::metadata(scene.part()).unwrap().len(), 0);
}

#[test]
fn what_may_yet_succeed_is_tried_again_for_as_long_as_patience_lasts() {
    let mut scene = Scene::new();
    let text = listing(&files()).to_string();
    let listed = scene.list(None, move |count, _| match count {
        0 => only(429, &[("retry-after", "9")]),
        1 => only(503, &[]),
        2 => vec![Heard::Failed("timeout".into())],
        _ => ok(text.as_bytes()),
    });
    assert_eq!(listed.unwrap().unwrap().files.len(), 3);
    assert_eq!(scene.waited.pauses_s, [9, 2, 4]);

    let mut scene = Scene::new();
    let error = scene.list(None, |_, _| only(503, &[])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Harness);
    assert!(error.to_string().contains("answered 503"), "{error}");
    assert!(error.hint_text().unwrap().contains("same command again"));
    assert_eq!(scene.waited.pauses_s.len(), 6);

    let error = scene.list(None, |_, _| only(429, &[("retry-after", "86400")])).unwrap_err();
    assert!(error.to_string().contains("left alone for 86400 s"), "{error}");
}

#[test]
fn a_connection_that_never_gets_further_is_given_up_though_bytes_come() {
    let mut scene = Scene::new();
    let error = scene
        .fetch(|_, request| match is_weights(request) {
            true => vec![head(200, &[]), Heard::Piece(WEIGHTS[..5].to_vec()), Heard::Failed("reset".into())],
            false => honest(request),
        })
        .unwrap_err();
    assert!(error.to_string().contains("reset"), "{error}");
    // The first five bytes were progress; the same five again and again are none.
    assert_eq!(scene.waited.pauses_s, [1, 2, 4, 8, 16, 30]);
}

#[test]
fn a_refusal_says_what_is_wrong_and_what_to_do() {
    let refused = |token: Option<&str>, status: u16, code: &str| {
        let code = code.to_owned();
        let error =
            Scene::new().list(token, move |_, _| only(status, &[("x-error-code", &code)])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Input, "{error}");
        format!("{error}\n{}", error.hint_text().unwrap())
    };
    let cases = [
        (refused(None, 401, ""), ["wants a token for `owner/model`", "HF_TOKEN=hf_"]),
        (refused(Some("hf_secret"), 401, ""), ["does not accept the token", "make a new one"]),
        (refused(Some("hf_secret"), 403, "GatedRepo"), ["it is gated", "accept its terms"]),
        (refused(None, 404, "RepoNotFound"), ["has no repository `owner/model`", "check owner and name"]),
        (refused(None, 404, "RevisionNotFound"), ["has no revision `main`", "--revision"]),
    ];
    for (said, [fault, help]) in &cases {
        assert!(said.contains(fault) && said.contains(help), "{said}");
        assert!(!said.contains("hf_secret"), "{said}");
    }
    let missing = Scene::new().fetch(|_, _| only(404, &[("x-error-code", "EntryNotFound")])).unwrap_err();
    assert!(missing.to_string().contains("`owner/model` has no `config.json` at `0123"), "{missing}");
}

#[test]
fn the_token_goes_to_the_hub_and_to_nobody_it_sends_on_to() {
    let mut scene = Scene::new();
    let text = listing(&files()).to_string();
    let listed = scene.list(Some("hf_secret"), move |count, _| match count {
        0 => only(307, &[("location", "/api/models/owner/renamed")]),
        1 => only(302, &[("location", "https://cdn.example/signed?key=1")]),
        2 => only(302, &[("location", "https://hub.example.cdn.example/x")]),
        _ => ok(text.as_bytes()),
    });
    assert!(listed.unwrap().is_some());
    let tokens: Vec<bool> = scene.asked().iter().map(|request| request.token.is_some()).collect();
    assert_eq!(tokens, [true, true, false, false]);
}

#[test]
fn nobody_is_followed_out_of_tls_nor_in_circles_and_a_signed_address_is_not_told() {
    for location in [
        "http://cdn.example/x?signature=abc",
        "ftp://x/?signature=abc",
        "https://cdn.example/x?signature=abc",
    ] {
        let error = Scene::new().list(None, move |_, _| only(302, &[("location", location)])).unwrap_err();
        assert!(
            error.to_string().contains("sends on") && !error.to_string().contains("signature"),
            "{error}"
        );
    }
}

#[test]
fn a_repository_that_would_write_elsewhere_or_has_no_model_is_refused_whole() {
    let evil = |name: &'static str| {
        let files: Vec<Content> = files().into_iter().chain([Content { name, bytes: b"x" }]).collect();
        Scene::new().list(None, repeated(&listing(&files)))
    };
    for name in ["../../x.json", "/etc/x.json", "a/../../x.json", "..\\x.json", "a\nb.json"] {
        let error = evil(name).unwrap_err();
        assert!(error.to_string().contains("would not stay in its folder"), "{error}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
    for name in
        [".git/config", ".gitattributes", "original/config.json", "model.safetensors", "manifest.json"]
    {
        assert_eq!(evil(name).unwrap().unwrap().files.len(), 3, "{name}");
    }
    let error = Scene::new().list(None, repeated(&listing(&files()[..2]))).unwrap_err();
    assert!(error.to_string().contains("has no `openvino_model.xml`"), "{error}");
    assert!(error.hint_text().unwrap().contains("OpenVINO"));
}

#[test]
fn an_answer_that_is_no_hub_s_or_tells_no_hashes_is_refused() {
    let refused = |text: serde_json::Value| Scene::new().list(None, repeated(&text)).unwrap_err().to_string();
    assert!(refused("hello".into()).contains("cannot be read"));
    let mut no_commit = listing(&files());
    no_commit["sha"] = "main".into();
    assert!(refused(no_commit).contains("names no commit"));
    let mut no_hash = listing(&files());
    no_hash["siblings"][0]["blobId"] = serde_json::Value::Null;
    assert!(refused(no_hash).contains("no size and hash of `config.json`"));
    let mut short_hash = listing(&files());
    short_hash["siblings"][1]["lfs"]["sha256"] = "../../x".into();
    assert!(refused(short_hash).contains("no size and hash of `openvino_model.bin`"));
    let twice = files().into_iter().chain(files().into_iter().take(1)).collect::<Vec<_>>();
    assert!(refused(listing(&twice)).contains("`config.json` of `owner/model` twice"));
}

#[test]
fn a_model_that_no_disk_holds_is_refused_before_anything_comes() {
    let mut scene = Scene::new();
    let mut text = listing(&files());
    text["siblings"][1]["lfs"]["size"] = (1_u64 << 60).into();
    let listing = scene.list(None, repeated(&text)).unwrap().unwrap();
    scene.asked();
    let hub = Hub::new(HubAccess::new("https://hub.example", None).unwrap(), Box::new(Nobody));
    let folder = scene.folder();
    let error = Fetch { hub: &hub, listing: &listing, folder: &folder }
        .run(&mut HashCache::default(), &mut scene.waited)
        .unwrap_err();
    assert!(error.to_string().contains("not enough room"), "{error}");
    assert!(!folder.exists(), "a folder was made");
}

/// Whom nobody may ask.
struct Nobody;

impl Transport for Nobody {
    fn send(&self, request: Request) -> std::sync::mpsc::Receiver<Heard> {
        panic!("`{}` was asked", request.address)
    }
}

#[test]
fn a_folder_of_somebody_else_s_is_left_as_it_is_and_right_files_in_it_are_kept() {
    let mut scene = Scene::new();
    fs::create_dir(scene.folder()).unwrap();
    fs::write(scene.file("config.json"), "mine").unwrap();
    let error = scene.fetch(|_, request| honest(request)).unwrap_err();
    assert!(error.to_string().contains("config.json` is not as the hub has it"), "{error}");
    assert_eq!(fs::read(scene.file("config.json")).unwrap(), b"mine");

    fs::write(scene.file("config.json"), "{}").unwrap();
    fs::write(scene.file("notes.txt"), "mine").unwrap();
    let error = scene.fetch(|_, request| honest(request)).unwrap_err();
    assert!(error.to_string().contains("notes.txt` is none of the repository's"), "{error}");
    assert_eq!(fs::read_dir(scene.folder()).unwrap().count(), 2, "something was made in it");

    fs::remove_file(scene.file("notes.txt")).unwrap();
    fs::write(scene.file("openvino_model.bin"), WEIGHTS).unwrap();
    assert_eq!(scene.fetch(|_, request| honest(request)).unwrap().unwrap().fetched_files, 1);
}

#[test]
fn damage_in_a_fetched_folder_is_mended_by_fetching_what_differs() {
    let mut scene = Scene::new();
    scene.fetch(|_, request| honest(request)).unwrap().unwrap();
    fs::remove_file(scene.file("config.json")).unwrap();
    fs::remove_file(scene.file("openvino_model.bin")).unwrap();
    fs::write(scene.file("openvino_model.bin"), [0; 32]).unwrap();
    assert_eq!(scene.fetch(|_, request| honest(request)).unwrap().unwrap().fetched_files, 2);
    assert_eq!(fs::read(scene.file("openvino_model.bin")).unwrap(), WEIGHTS);
}

#[test]
fn a_fetch_waits_for_another_into_the_same_folder_and_then_has_nothing_to_do() {
    let mut scene = Scene::new();
    let folder = scene.folder();
    let lock = crate::record::FileLock::take(&folder.join(".lock"), &mut || true).unwrap();
    let holder = std::thread::spawn({
        let folder = folder.clone();
        move || {
            std::thread::sleep(std::time::Duration::from_millis(200));
            for Content { name, bytes } in files() {
                fs::write(folder.join(name), bytes).unwrap();
            }
            drop(lock);
        }
    });
    let model = scene.fetch(|_, _| panic!("the other has fetched it")).unwrap().unwrap();
    holder.join().unwrap();
    assert_eq!(model.fetched_files, 0);
}

//! Every way in which a fetch can go, without a network.

mod asked;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::time::SystemTime;

use super::scripted::*;
use super::*;
use crate::error::ErrorKind;
use crate::record::{HashCache, check_files, read_manifest};

/// When each file of the folder was last written.
fn listing_of(scene: &Scene) -> BTreeMap<OsString, SystemTime> {
    let entries = fs::read_dir(scene.folder()).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name(), entry.metadata().unwrap().modified().unwrap())).collect()
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

    let before = listing_of(&scene);
    let again = scene.fetch(|_, _| panic!("nothing is to be asked")).unwrap().unwrap();
    assert_eq!(again.fetched_files, 0);
    assert_eq!(again.manifest, manifest);
    assert_eq!(listing_of(&scene), before, "something was written to a model that is whole");
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
    let pieces = |_, request: &Request| {
        if is_weights(request) {
            vec![head(200, &[]), Heard::Piece(WEIGHTS[..30].to_vec()), Heard::Piece(WEIGHTS[30..].to_vec())]
        } else {
            honest(request)
        }
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
fn a_connection_that_never_gets_further_is_given_up_though_bytes_come() {
    let mut scene = Scene::new();
    let error = scene
        .fetch(|_, request| {
            if is_weights(request) {
                vec![head(200, &[]), Heard::Piece(WEIGHTS[..5].to_vec()), Heard::Failed("reset".into())]
            } else {
                honest(request)
            }
        })
        .unwrap_err();
    assert!(error.to_string().contains("reset"), "{error}");
    // The first five bytes were progress; the same five again and again are none.
    assert_eq!(scene.waited.pauses_s, [1, 2, 4, 8, 16, 30]);
}

#[test]
fn a_model_that_no_disk_holds_is_refused_before_anything_comes() {
    let mut scene = Scene::new();
    let mut text = listing(&files());
    text["siblings"][1]["lfs"]["size"] = (1_u64 << 60).into();
    let listing = scene.list(None, move |_, _| ok(text.to_string().as_bytes())).unwrap().unwrap();
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

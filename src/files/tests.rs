use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use rustix::fs::{CWD, FileType as NodeType, Mode, mknodat};
use tempfile::TempDir;

use super::*;

const KINDS: [FileKind; 10] = [
    FileKind::Record,
    FileKind::StoreList,
    FileKind::Fixture,
    FileKind::Text,
    FileKind::ModelText,
    FileKind::Graph,
    FileKind::Imported,
    FileKind::Artifact,
    FileKind::Event,
    FileKind::Page,
];

fn scene() -> (TempDir, impl Fn(&str) -> PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    (folder, move |name: &str| path.join(name))
}

#[test]
fn what_is_no_regular_file_is_refused_at_once_with_what_it_is() {
    let (_scene, path) = scene();
    mknodat(CWD, path("pipe"), NodeType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
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
        for kind in KINDS.into_iter().chain([FileKind::Large]) {
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
fn a_file_that_is_too_large_is_not_read_and_its_beginning_is() {
    let (_scene, path) = scene();
    let file = path("sparse");
    File::create(&file).unwrap().set_len(3 << 30).unwrap();
    for kind in KINDS {
        let error = read(&file, kind).unwrap_err().to_string();
        assert!(error.contains("it has 3221225472 bytes, and at most "), "{error}");
    }
    assert_eq!(beginning(&file, 5).unwrap(), [0; 5]);
    assert_eq!(read_if_there(&path("none"), FileKind::Record).unwrap(), None);
}

#[test]
fn a_link_stands_for_a_file_where_its_kind_says_so() {
    let (_scene, path) = scene();
    fs::write(path("file"), "text").unwrap();
    symlink("file", path("link")).unwrap();
    for kind in KINDS {
        let strict = [FileKind::StoreList, FileKind::Fixture, FileKind::Page].contains(&kind);
        assert_eq!(read(&path("link"), kind).is_err(), strict, "{kind:?}");
        assert_eq!(read(&path("file"), kind).unwrap(), b"text");
    }
}

#[test]
fn a_text_is_read_with_its_mark() {
    let (_scene, path) = scene();
    let utf_16: Vec<u8> = "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [b"{}".to_vec(), b"\xef\xbb\xbf{}".to_vec(), utf_16] {
        fs::write(path("text"), bytes).unwrap();
        assert_eq!(read_text(&path("text"), FileKind::Text).unwrap(), "{}");
    }
    fs::write(path("text"), b"\xfc").unwrap();
    let error = read_text(&path("text"), FileKind::Text).unwrap_err().to_string();
    assert!(error.contains(&path("text").display().to_string()), "{error}");
}

#[test]
fn nothing_is_written_behind_a_link_that_no_user_has_named() {
    let (_scene, path) = scene();
    fs::write(path("theirs"), "precious").unwrap();
    fs::create_dir(path("folder")).unwrap();
    symlink("theirs", path("link")).unwrap();
    symlink("folder", path("elsewhere")).unwrap();
    write_whole(&path("link"), b"named", Overwrite::ReplaceBehindLink).unwrap();
    assert_eq!(fs::read(path("theirs")).unwrap(), b"named");
    write_whole(&path("link"), b"ours", Overwrite::Replace).unwrap();
    assert_eq!(fs::read(path("theirs")).unwrap(), b"named");
    assert!(!path("link").is_symlink());
    assert!(refuse_links(&path("elsewhere/file"), 1).is_ok(), "only the last part counts");
    let error = refuse_links(&path("elsewhere/file"), 2).unwrap_err().to_string();
    assert!(error.contains(&path("elsewhere").display().to_string()), "{error}");
}

#[test]
fn a_name_that_leaves_its_folder_or_is_too_long_is_none_of_a_file() {
    for name in ["", "..", "../golden", "a/b", ".hidden", "a b", "a\n", "\u{202e}a", &"a".repeat(200)] {
        assert!(!is_file_name(name), "`{name}`");
    }
    for name in ["gpt-oss-20b_int4.v2", &"a".repeat(199)] {
        assert!(is_file_name(name), "`{name}`");
    }
}

//! What a hub is asked, and what its answers mean.

use crate::error::ErrorKind;
use crate::record::hub::scripted::*;
use crate::record::hub::*;

fn repeated(text: &serde_json::Value) -> impl Fn(usize, &Request) -> Vec<Heard> + 'static {
    let text = text.to_string();
    move |_, _| ok(text.as_bytes())
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
fn what_will_never_succeed_is_not_tried_again() {
    let mut scene = Scene::new();
    let untrusted = |_, _: &Request| vec![Heard::Hopeless("invalid peer certificate".into())];
    let error = scene.list(None, untrusted).unwrap_err();
    assert!(error.to_string().contains("cannot be asked: invalid peer certificate"), "{error}");
    assert!(error.hint_text().unwrap().contains("SSL_CERT_FILE"));
    assert!(scene.waited.pauses_s.is_empty());
}

#[test]
fn a_store_that_refuses_an_address_which_has_grown_old_is_no_refusal_of_the_hub() {
    let mut scene = Scene::new();
    let text = listing(&files()).to_string();
    let listed = scene.list(Some("hf_secret"), move |count, _| match count {
        0 | 2 => only(302, &[("location", "https://cdn.example/x?expires=1")]),
        1 => only(403, &[]),
        _ => ok(text.as_bytes()),
    });
    assert!(listed.unwrap().is_some());
    assert_eq!(scene.waited.pauses_s, [1]);
}

//! `model fetch` from a hub on this machine, by real processes: killed, resumed, refused, and mended.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::checkout::{Checkout, shipped_model};
use crate::ended::Ended;
use crate::hub_server::{COMMIT, HubServer, Mischief, REPOSITORY, Refusal};
use crate::living_worker::Living;
use crate::model_copy::FILES;

const SOON: Duration = Duration::from_secs(30);
/// The weights are 8 280 029 bytes.
const SOME_BYTES: usize = 3_000_000;

/// A hub and a user who has a cache of their own and no token.
struct Scene {
    hub: HubServer,
    checkout: Checkout,
}

impl Scene {
    fn new() -> Self {
        Self { hub: HubServer::start(), checkout: Checkout::new() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.checkout.command([&["model"], arguments].concat());
        command
            .env("XDG_CACHE_HOME", self.checkout.path("cache"))
            .env("HF_ENDPOINT", &self.hub.address)
            .env("HF_HOME", self.checkout.path("hub"))
            .env("NO_PROXY", "127.0.0.1");
        for variable in ["HF_TOKEN", "HF_TOKEN_PATH", "HF_HUB_OFFLINE", "SSL_CERT_FILE"] {
            command.env_remove(variable);
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).output().unwrap())
    }

    fn fetch(&self) -> Ended {
        self.run(&["fetch", REPOSITORY])
    }

    /// Where the model is unless another folder is named.
    fn folder(&self) -> PathBuf {
        self.checkout.path("cache/arcgauge/models/somebody--tiny-gpt-oss").join(COMMIT)
    }

    /// What has come of the weights; none where they are whole or have not begun.
    fn part_bytes(&self) -> Option<u64> {
        let parts = fs::read_dir(self.folder().join(".unfinished")).ok()?.flatten();
        let mut parts =
            parts.filter(|entry| entry.file_name().to_string_lossy().starts_with("openvino_model.bin"));
        Some(parts.next()?.metadata().ok()?.len())
    }

    /// Begins a fetch whose weights stop coming in the middle, and sends it a signal then; gives what had come.
    fn stop_midway(&self, signal: &str) -> (Ended, u64) {
        self.hub.misbehave(Mischief { stall_after: Some(SOME_BYTES), ..Mischief::default() });
        let mut command = self.command(&["fetch", REPOSITORY]);
        let child = Living::of(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
        let start = Instant::now();
        while self.part_bytes() != Some(SOME_BYTES as u64) {
            assert!(start.elapsed() < SOON, "only {:?} bytes came", self.part_bytes());
            thread::sleep(Duration::from_millis(20));
        }
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let ended = Ended::of(child.ended());
        self.hub.misbehave(Mischief::default());
        (ended, self.part_bytes().unwrap())
    }
}

/// The folder holds the shipped model, byte for byte, with its manifest.
#[track_caller]
fn is_the_shipped_model(folder: &Path) {
    for name in FILES.iter().chain(&["README.md"]) {
        let (found, shipped) = (fs::read(folder.join(name)), fs::read(shipped_model().join(name)));
        assert!(found.unwrap() == shipped.unwrap(), "`{name}` is another");
    }
    assert!(!folder.join(".unfinished").exists(), "something unfinished was left");
}

#[test]
fn a_fetch_that_is_killed_goes_on_where_it_was_and_ends_with_the_model_byte_for_byte() {
    let scene = Scene::new();
    let (killed, there) = scene.stop_midway("-KILL");
    assert_eq!(killed.code, None, "{killed}");
    assert!(
        !scene.folder().join("manifest.json").exists() && !scene.folder().join("openvino_model.bin").exists()
    );
    scene.run(&["list"]).exits(0).prints("unfinished").says("the same `model fetch` goes on");
    let first: usize = fs::read_dir(scene.folder())
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().is_file())
        .map(|entry| usize::try_from(entry.metadata().unwrap().len()).unwrap())
        .sum();
    scene.hub.seen();

    let resumed = scene.fetch();
    resumed.exits(0).says(", 3.0 MB of it there already").says("next: cargo xtask model use");
    assert_eq!(Path::new(resumed.stdout.trim()), fs::canonicalize(scene.folder()).unwrap());
    is_the_shipped_model(&scene.folder());
    let seen = scene.hub.seen();
    let sent: usize = seen.iter().map(|seen| seen.sent_bytes).sum();
    assert_eq!(sent, scene.hub.size_bytes() - first - SOME_BYTES, "more than the rest came: {seen:#?}");
    assert_eq!(there, SOME_BYTES as u64);

    scene
        .run(&["verify", resumed.stdout.trim()])
        .exits(0)
        .prints("`tiny-gpt-oss` is whole: 4 files, 11.3 MB");
    scene.run(&["list"]).exits(0).prints("tiny-gpt-oss").prints(&COMMIT[..12]);
    let nothing = scene.fetch();
    nothing.exits(0).says("nothing had to be fetched");
    assert_eq!(scene.hub.seen().len(), 1, "more than the list was asked for");
}

#[test]
fn ctrl_c_ends_a_fetch_with_130_and_keeps_what_has_come() {
    let scene = Scene::new();
    let (stopped, there) = scene.stop_midway("-INT");
    stopped.exits(130).says("interrupted: what has come is kept");
    assert_eq!((stopped.stdout.as_str(), there), ("", SOME_BYTES as u64));
    scene.fetch().exits(0);
    is_the_shipped_model(&scene.folder());
}

#[test]
fn a_token_goes_to_the_hub_alone_and_is_written_nowhere() {
    let scene = Scene::new();
    let token = "hf_ThisIsSecret";
    let output = scene.checkout.path("model with spaces");
    let mut command = scene.command(&["fetch", REPOSITORY, "--output", output.to_str().unwrap()]);
    let ended = Ended::of(command.env("HF_TOKEN", token).output().unwrap());
    ended.exits(0).says(&format!("next: cargo xtask model use '{}'", output.display()));
    is_the_shipped_model(&output);
    fs::remove_file(output.join("config.json")).unwrap();
    let mend = format!("model fetch {REPOSITORY} --revision {COMMIT} --output '{}'`", output.display());
    scene.run(&["verify", output.to_str().unwrap()]).exits(2).prints("missing  config.json").says(&mend);
    let seen = scene.hub.seen();
    assert!(seen.iter().any(|seen| seen.is_cdn) && seen.iter().any(|seen| !seen.is_cdn));
    for seen in &seen {
        let expected = (!seen.is_cdn).then(|| format!("Bearer {token}"));
        assert_eq!(seen.authorization, expected, "{seen:?}");
    }
    assert!(!ended.stdout.contains(token) && !ended.stderr.contains(token), "{ended}");
    let found = Command::new("grep").args(["-r", token]).arg(scene.checkout.path("")).output().unwrap();
    assert!(found.stdout.is_empty(), "{}", String::from_utf8_lossy(&found.stdout));
}

#[test]
fn a_connection_that_ends_early_and_a_hub_that_asks_for_a_pause_are_waited_out() {
    let scene = Scene::new();
    let busy = Refusal { status: 429, header: "Retry-After: 1" };
    let mischief = Mischief { refusals: [busy].into(), cut_after: Some(SOME_BYTES), ..Mischief::default() };
    scene.hub.misbehave(mischief);
    scene.fetch().exits(0).says("answered 429; trying again in 1 s").says("; trying again in 1 s");
    is_the_shipped_model(&scene.folder());
    let asked_for_rest = scene.hub.seen().iter().filter(|seen| seen.is_cdn && seen.from_byte > 0).count();
    assert_eq!(asked_for_rest, 1);
}

#[test]
fn a_refusal_of_the_hub_is_told_with_what_helps_and_leaves_no_folder() {
    let scene = Scene::new();
    let refused = |status: u16, header: &'static str| {
        let refusals = [Refusal { status, header }].into();
        scene.hub.misbehave(Mischief { refusals, ..Mischief::default() });
        scene.fetch()
    };
    refused(401, "X-Error-Code: RepoNotFound").refuses("wants a token", "HF_TOKEN=hf_");
    refused(403, "X-Error-Code: GatedRepo").refuses("it is gated", "accept its terms");
    scene
        .run(&["fetch", "somebody/other"])
        .refuses("has no repository `somebody/other`", "check owner and name");
    scene.run(&["fetch", REPOSITORY, "--revision", "v9"]).refuses("has no revision `v9`", "--revision");
    scene.run(&["fetch", "gpt2"]).refuses("`gpt2` is no repository", "OpenVINO/gpt-oss-20b-int4-ov");
    assert!(!scene.checkout.path("cache/arcgauge/models").exists());
}

#[test]
fn wrong_bytes_are_refused_and_damage_is_named_and_mended_by_the_command_that_is_shown() {
    let scene = Scene::new();
    scene.hub.misbehave(Mischief { is_wrong: true, ..Mischief::default() });
    let wrong = scene.fetch();
    wrong.exits(20).says("`openvino_model.bin` of `somebody/tiny-gpt-oss` came wrong").says("it was removed");
    assert_eq!(scene.part_bytes(), None);
    scene.hub.misbehave(Mischief::default());
    scene.fetch().exits(0);

    let file = |name: &str| scene.folder().join(name);
    fs::remove_file(file("config.json")).unwrap();
    fs::remove_file(file("tokenizer.json")).unwrap();
    fs::write(file("tokenizer.json"), "{}").unwrap();
    fs::write(file("extra.json"), "{}").unwrap();
    let folder = file("").to_str().unwrap().to_owned();
    let found = scene.run(&["verify", &folder]);
    found
        .exits(2)
        .prints("damaged  tokenizer.json has 2 bytes")
        .prints("missing  config.json")
        .prints("extra    extra.json")
        .says("3 files differ")
        .says(&format!("cargo xtask model fetch {REPOSITORY} --revision {COMMIT}`"));
    fs::remove_file(file("extra.json")).unwrap();
    scene.run(&["fetch", REPOSITORY, "--revision", COMMIT]).exits(0).says("2 of 5 files came");
    scene.run(&["verify", &folder]).exits(0);
    is_the_shipped_model(&scene.folder());
}

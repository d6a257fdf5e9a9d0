//! `model fetch` from a hub on this machine, by the real `huggingface_hub`: killed, resumed, refused, and repaired.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use arcgauge::places;
use arcgauge::record::sha256_of_file;

use crate::checkout::{Checkout, repository, shipped_model};
use crate::ended::Ended;
use crate::hub_server::{COMMIT, HubServer, Mischief, REPOSITORY, Refusal};
use crate::living_worker::Living;
use crate::model_copy::FILES;

const SOON: Duration = Duration::from_secs(30);
/// The weights are 8 280 029 bytes. Of what comes whole MiB are written.
const SOME_BYTES: usize = 3 << 20;
const TOKEN: &str = "hf_ThisIsSecret";

/// A hub and a user who has a cache of their own and no token.
struct Scene {
    hub: HubServer,
    checkout: Checkout,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { hub: HubServer::start(), checkout: Checkout::new() };
        symlink(repository().join("xtask"), scene.checkout.path("xtask")).unwrap();
        let list = repository().join("xtask/hub/requirements.txt");
        let client = places::hub_client_dir(&sha256_of_file(&list).unwrap()).unwrap();
        assert!(client.is_dir(), "`{}` is not there: `cargo xtask test` sets it up", client.display());
        fs::create_dir_all(scene.checkout.path("cache/arcgauge")).unwrap();
        symlink(client.parent().unwrap(), scene.checkout.path("cache/arcgauge/hub-client")).unwrap();
        scene
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.checkout.command([&["model"], arguments].concat());
        command
            .env("XDG_CACHE_HOME", self.checkout.path("cache"))
            .env("HF_ENDPOINT", &self.hub.address)
            .env("HF_HOME", self.checkout.path("hub"))
            .env("NO_PROXY", "127.0.0.1");
        for variable in ["HF_TOKEN", "HF_TOKEN_PATH", "HF_HUB_OFFLINE", "HF_HUB_CACHE", "HF_HUB_DISABLE_XET"]
        {
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

    /// What is there of the weights; none where they are whole or have not begun.
    fn part(&self) -> Option<PathBuf> {
        let begun = self.folder().join(".unfinished/.cache/huggingface/download");
        let mut begun = fs::read_dir(begun).ok()?.flatten().map(|entry| entry.path());
        begun.find(|path| path.extension() == Some("incomplete".as_ref()))
    }

    fn part_bytes(&self) -> Option<u64> {
        Some(fs::metadata(self.part()?).ok()?.len())
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
        let start = Instant::now();
        let ended = Ended::of(child.ended());
        assert!(start.elapsed() < SOON / 3, "its end took {:?}", start.elapsed());
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
fn a_fetch_that_is_killed_is_resumed_and_ends_with_the_model_byte_for_byte() {
    let scene = Scene::new();
    let (killed, there) = scene.stop_midway("-KILL");
    assert_eq!(killed.code, None, "{killed}");
    assert!(
        !scene.folder().join("manifest.json").exists() && !scene.folder().join("openvino_model.bin").exists()
    );
    scene.run(&["list"]).exits(0).prints("unfinished").says("the same `model fetch` resumes it");
    scene.hub.seen();

    let resumed = scene.fetch();
    resumed.exits(0).says(", 3.1 MB of it there already)").says("next: cargo xtask model use");
    assert_eq!(Path::new(resumed.stdout.trim()), fs::canonicalize(scene.folder()).unwrap());
    is_the_shipped_model(&scene.folder());
    let weights = fs::metadata(shipped_model().join("openvino_model.bin")).unwrap().len();
    let seen = scene.hub.seen();
    let sent =
        seen.iter().filter(|seen| seen.path.contains("openvino_model.bin")).map(|seen| seen.sent_bytes);
    assert_eq!(sent.sum::<usize>(), usize::try_from(weights).unwrap() - SOME_BYTES, "{seen:#?}");
    assert_eq!(there, SOME_BYTES as u64);

    scene
        .run(&["verify", resumed.stdout.trim()])
        .exits(0)
        .prints("`tiny-gpt-oss` is whole: 4 files, 11.3 MB");
    scene.run(&["list"]).exits(0).prints("tiny-gpt-oss").prints(&COMMIT[..12]);
    let nothing = scene.fetch();
    nothing.exits(0).says("nothing had to be fetched");
    assert_eq!(scene.hub.seen().len(), 1, "more than the list was requested");
}

#[test]
fn ctrl_c_ends_a_fetch_with_130_and_keeps_what_was_downloaded() {
    let scene = Scene::new();
    let (stopped, there) = scene.stop_midway("-INT");
    stopped.exits(130).says("interrupted: what was downloaded stays there");
    assert_eq!((stopped.stdout.as_str(), there), ("", SOME_BYTES as u64));
    scene.fetch().exits(0);
    is_the_shipped_model(&scene.folder());
}

#[test]
fn a_part_that_is_longer_than_its_file_or_holds_other_bytes_is_downloaded_again() {
    let scene = Scene::new();
    scene.stop_midway("-INT");
    let part = scene.part().unwrap();
    fs::write(&part, vec![0; 9 << 20]).unwrap();
    scene.fetch().exits(0);
    is_the_shipped_model(&scene.folder());

    fs::remove_file(scene.folder().join("openvino_model.bin")).unwrap();
    fs::create_dir_all(part.parent().unwrap()).unwrap();
    fs::write(&part, vec![0; SOME_BYTES]).unwrap();
    scene.fetch().exits(20).says("`openvino_model.bin` of").says("the download was removed");
    scene.fetch().exits(0);
    is_the_shipped_model(&scene.folder());
}

#[test]
fn a_token_goes_to_the_hub_alone_and_is_written_nowhere() {
    let scene = Scene::new();
    let output = scene.checkout.path("model with spaces");
    let mut command = scene.command(&["fetch", REPOSITORY, "--output", output.to_str().unwrap()]);
    let ended = Ended::of(command.env("HF_TOKEN", TOKEN).output().unwrap());
    ended.exits(0).says(&format!("next: cargo xtask model use '{}'", output.display()));
    is_the_shipped_model(&output);
    fs::remove_file(output.join("config.json")).unwrap();
    let repair = format!("model fetch {REPOSITORY} --revision {COMMIT} --output '{}'`", output.display());
    scene.run(&["verify", output.to_str().unwrap()]).exits(2).prints("missing  config.json").says(&repair);
    let seen = scene.hub.seen();
    assert!(seen.iter().any(|seen| seen.is_cdn) && seen.iter().any(|seen| !seen.is_cdn));
    for seen in &seen {
        let expected = (!seen.is_cdn).then(|| format!("Bearer {TOKEN}"));
        assert_eq!(seen.authorization, expected, "{seen:?}");
    }
    assert!(!ended.stdout.contains(TOKEN) && !ended.stderr.contains(TOKEN), "{ended}");
    let found = Command::new("grep").args(["-r", TOKEN]).arg(scene.checkout.path("")).output().unwrap();
    assert!(found.stdout.is_empty(), "{}", String::from_utf8_lossy(&found.stdout));
}

#[test]
fn a_connection_that_ends_early_and_a_hub_that_is_busy_are_waited_out() {
    let scene = Scene::new();
    let busy = Refusal { status: 429, header: "Retry-After: 1" };
    let mischief = Mischief { refusals: [busy].into(), cut_after: Some(SOME_BYTES), ..Mischief::default() };
    scene.hub.misbehave(mischief);
    let ended = scene.fetch();
    ended.exits(0).says("huggingface_hub: ").says("429").says("; trying again in 1 s");
    assert!(!ended.stderr.contains("signature"), "a signed address is shown: {ended}");
    is_the_shipped_model(&scene.folder());
    let resumed = scene.hub.seen().iter().filter(|seen| seen.is_cdn && seen.from_byte == SOME_BYTES).count();
    assert_eq!(resumed, 1);
}

#[test]
fn a_refusal_of_the_hub_is_reported_with_a_hint_and_leaves_no_folder() {
    let scene = Scene::new();
    let refused = |status: u16, header: &'static str| {
        let refusals = [Refusal { status, header }].into();
        scene.hub.misbehave(Mischief { refusals, ..Mischief::default() });
        scene.fetch()
    };
    refused(401, "X-Error-Code: RepoNotFound").refuses("wants a token", "HF_TOKEN=hf_");
    refused(401, "X-Error-Code: GatedRepo").refuses("it is gated", "HF_TOKEN=hf_");
    refused(403, "X-Error-Code: GatedRepo").refuses("it is gated", "accept its terms");
    refused(401, "X-Error-Message: Invalid credentials in Authorization header")
        .refuses("does not accept the token", "`HF_TOKEN`");
    scene
        .run(&["fetch", "somebody/other"])
        .refuses("has no repository `somebody/other`", "check owner and name");
    scene.run(&["fetch", REPOSITORY, "--revision", "v9"]).refuses("has no revision `v9`", "--revision");
    scene.run(&["fetch", "gpt2"]).refuses("`gpt2` is no repository", "OpenVINO/gpt-oss-20b-int4-ov");
    let offline = Ended::of(scene.command(&["fetch"]).env("HF_HUB_OFFLINE", "1").output().unwrap());
    offline.refuses("`HF_HUB_OFFLINE` is set", "unset it");
    let no_hub = Ended::of(scene.command(&["fetch"]).env("HF_ENDPOINT", "hub.example").output().unwrap());
    no_hub.exits(20).says("cannot be fetched").says("`HF_ENDPOINT`");
    let mut command = scene.command(&["fetch"]);
    Ended::of(command.env("XDG_CACHE_HOME", scene.checkout.path("new")).output().unwrap())
        .refuses("huggingface_hub is not set up", "`cargo xtask model fetch`");
    assert!(!scene.checkout.path("cache/arcgauge/models").exists());
}

#[test]
fn a_model_that_does_not_fit_on_the_disk_is_refused_before_anything_is_downloaded() {
    let scene = Scene::new();
    scene.hub.misbehave(Mischief { listed_bytes: Some(1 << 60), ..Mischief::default() });
    scene.fetch().exits(20).says("not enough room for the model").says("`--output DIR`");
    assert_eq!(scene.hub.seen().len(), 1, "more than the list was requested");
    assert!(!scene.folder().exists());
}

#[test]
fn a_folder_of_somebody_else_is_left_as_it_is_and_right_files_in_it_are_kept() {
    let scene = Scene::new();
    let folder = scene.checkout.path("mine");
    let fetch = || scene.run(&["fetch", REPOSITORY, "--output", folder.to_str().unwrap()]);
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("config.json"), "mine").unwrap();
    fetch().refuses("config.json` is not as the hub has it", "--output DIR");
    assert_eq!(fs::read(folder.join("config.json")).unwrap(), b"mine");

    fs::copy(shipped_model().join("config.json"), folder.join("config.json")).unwrap();
    fs::write(folder.join("notes.txt"), "mine").unwrap();
    fetch().refuses("notes.txt` is none of the repository's", "remove that file");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "something was made in it");

    fs::remove_file(folder.join("notes.txt")).unwrap();
    let written = || fs::metadata(folder.join("config.json")).unwrap().modified().unwrap();
    let before = written();
    fetch().exits(0).says("fetched 4 of 5 files");
    assert_eq!(written(), before);
    is_the_shipped_model(&folder);
}

#[test]
fn two_fetches_into_one_folder_download_every_file_once() {
    let scene = Scene::new();
    let ended = thread::scope(|scope| {
        [(); 2].map(|()| scope.spawn(|| scene.fetch())).map(|fetch| fetch.join().unwrap())
    });
    for ended in &ended {
        ended.exits(0);
    }
    is_the_shipped_model(&scene.folder());
    let sent: usize = scene.hub.seen().iter().map(|seen| seen.sent_bytes).sum();
    assert_eq!(sent, scene.hub.size_bytes());
}

#[test]
fn wrong_bytes_are_refused_and_damage_is_named_and_repaired_by_the_command_that_is_shown() {
    let scene = Scene::new();
    scene.hub.misbehave(Mischief { is_wrong: true, ..Mischief::default() });
    let wrong = scene.fetch();
    wrong
        .exits(20)
        .says("`openvino_model.bin` of `somebody/tiny-gpt-oss` is not what the hub states")
        .says("the download was removed");
    assert_eq!(scene.part_bytes(), None);
    let file = |name: &str| scene.folder().join(name);
    assert!(!file("openvino_model.bin").exists() && !file("manifest.json").exists());
    scene.hub.misbehave(Mischief::default());
    scene.fetch().exits(0);

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
    scene.run(&["fetch", REPOSITORY, "--revision", COMMIT]).exits(0).says("fetched 2 of 5 files");
    scene.run(&["verify", &folder]).exits(0);
    is_the_shipped_model(&scene.folder());
}

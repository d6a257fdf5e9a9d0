//! A whole walk on this machine's CPU by somebody with a recognisable name, and the bundle that it leaves.

use std::fs;
use std::io::{Cursor, Read};
use std::os::unix::fs::symlink;
use std::path::Path;

use arcgauge::record::{Experiment, Personal, Trace, Verdict, open};
use serde_json::Value;

use crate::checkout::{Checkout, shipped_model};
use crate::ended::Ended;
use crate::first_light::arc;
use crate::forged_ab;
use crate::model_copy::FILES;
use crate::this_machine::has_a_gpu;

/// The files of a bundle.
pub(super) struct Unpacked {
    files: Vec<(String, Vec<u8>)>,
}

impl Unpacked {
    pub(super) fn of(bundle: &Path) -> Self {
        let mut zip = zip::ZipArchive::new(Cursor::new(fs::read(bundle).unwrap())).unwrap();
        let files = (0..zip.len()).map(|index| {
            let mut file = zip.by_index(index).unwrap();
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            (file.name().unwrap().into_owned(), bytes)
        });
        Self { files: files.collect() }
    }

    #[track_caller]
    pub(super) fn text(&self, name: &str) -> String {
        let found = self.files.iter().find(|(file, _)| file == name);
        let names: Vec<&str> = self.files.iter().map(|(name, _)| name.as_str()).collect();
        let (_, bytes) = found.unwrap_or_else(|| panic!("no {name} among {names:?}"));
        String::from_utf8(bytes.clone()).unwrap()
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.text(name)).unwrap()
    }
}

/// Parts of the names that must not be in a bundle.
const NAMES: [&str; 8] = [
    "zebulonix",
    "wilhelmina",
    "quistgaard",
    "wq77",
    "quistmail",
    "velocirap",
    "plan9secret",
    "somewhere-private",
];

#[test]
fn an_ab_is_kept_though_its_author_is_called_as_one_of_its_fields_is() {
    let mut record = forged_ab::ab(Verdict::Pass);
    record.arms[1].commit.as_mut().unwrap().branch = Some("seed/work".into());
    record.arms[1].environment_variables.insert("LD_PRELOAD".into(), "/home/seed/x.so".into());
    record.arms[1].failure = Some("no file in /home/seed".into());
    let personal = Personal::of([Trace::new("Seed", "<author>"), Trace::new("/home/seed", "~")]);
    let cleaned = personal.taken_from_record(record.clone());
    assert!(personal.left_in_document(&serde_json::to_value(&record).unwrap()).is_some());
    assert_eq!(personal.left_in_document(&serde_json::to_value(&cleaned).unwrap()), None);
    let head = &cleaned.arms[1];
    assert_eq!(head.failure.as_deref(), Some("no file in ~"));
    assert_eq!(head.environment_variables["LD_PRELOAD"], "~/x.so");
    let branch = head.commit.as_ref().unwrap().branch.as_deref();
    assert_eq!((branch, cleaned.sampling.seed), (Some("<author>/work"), record.sampling.seed));
}

#[test]
fn of_engines_side_by_side_each_is_kept_without_what_names_somebody() {
    let mut record = arc::peers();
    for engine in &mut record.arms {
        engine.commit.as_mut().unwrap().branch = Some("jane/work".into());
        engine.environment_variables.insert("LD_PRELOAD".into(), "/home/jane/x.so".into());
        engine.processes[0].output_tail = vec!["  File \"/home/jane/.cache/genai.py\", line 7".into()];
    }
    record.failure = Some("no file in /home/jane".into());
    let personal = Personal::of([Trace::new("jane", "<user>"), Trace::new("/home/jane", "~")]);
    let cleaned = personal.taken_from_record(record);
    assert_eq!(personal.left_in_document(&serde_json::to_value(&cleaned).unwrap()), None);
    assert_eq!(cleaned.failure.as_deref(), Some("no file in ~"));
    assert_eq!(cleaned.arms.len(), 4);
    for engine in &cleaned.arms {
        assert_eq!(engine.commit.as_ref().unwrap().branch.as_deref(), Some("<user>/work"));
        assert_eq!(engine.environment_variables["LD_PRELOAD"], "~/x.so");
        assert_eq!(engine.processes[0].output_tail, ["  File \"~/.cache/genai.py\", line 7"]);
    }
}

#[test]
#[ignore = "heavy: half a minute of both processors"]
fn a_walk_on_the_cpu_sees_all_that_a_cpu_can_show_and_its_bundle_names_nobody() {
    if has_a_gpu() {
        return;
    }
    let checkout = Checkout::new();
    checkout.commit();
    checkout.git(&["config", "user.name", "Wilhelmina Quistgaard"]);
    checkout.git(&["config", "user.email", "wq77@quistmail.example"]);
    checkout.git(&["checkout", "--quiet", "-b", "wilhelmina/plan9secret"]);
    checkout.git(&["commit", "--quiet", "--allow-empty", "--message", "Plan9secret of Wilhelmina"]);
    let home = checkout.path("config/home/zebulonix");
    let cache = home.join(".cache");
    fs::create_dir_all(&cache).unwrap();
    symlink(arcgauge::places::cache_dir().unwrap(), cache.join("arcgauge")).unwrap();
    let model = home.join("somewhere-private/tiny-gpt-oss");
    fs::create_dir_all(&model).unwrap();
    for name in FILES {
        fs::copy(shipped_model().join(name), model.join(name)).unwrap();
    }
    let store = home.join("records");

    let mut command = checkout.command(["first-light", "--quick", "--output", "bundle.zip"]);
    command.args(["--model-dir", model.to_str().unwrap(), "--store", store.to_str().unwrap()]);
    let library_path = home.join("lib");
    command
        .env("HOME", &home)
        .env("XDG_CACHE_HOME", &cache)
        .env("USER", "zebulonix")
        .env("LOGNAME", "Zebulonix")
        .env("HOSTNAME", "velocirap.quistmail.example")
        .env("OPENVINO_NOTE", library_path.join("x"))
        .env("OMP_PLACES", "of wilhelmina");
    let ended = Ended::of(command.output().unwrap());

    ended
        .exits(13)
        .prints("its results do not apply to a GPU")
        .prints("28 claims: 0 yes, 0 no, 28 not observed");
    ended.says("/zebulonix/records/");
    let bundle = Unpacked::of(&checkout.path("bundle.zip"));
    let answers = bundle.json("first-light.json");
    assert_eq!(answers["schema"], "arcgauge-first-light@2");
    assert_eq!((&answers["ran"], &answers["answers"].as_array().unwrap().len()), (&"CPU".into(), &28));
    let ends: Vec<_> =
        answers["steps"].as_array().unwrap().iter().map(|it| it["ended"].as_str().unwrap()).collect();
    assert_eq!(ends[..5], ["done"; 5], "{ended}");
    let states = bundle.json("states.json");
    for trial in ["read", "reset", "put_back"] {
        assert!(states[trial]["held"].is_string(), "{states}");
    }
    let checked = bundle.json("cross-check.json");
    assert_eq!(checked["answers"].as_array().unwrap().len(), 3);
    assert!(checked["answers"].as_array().unwrap().iter().all(|it| it["other_preferred"] == 0), "{checked}");
    let record: Experiment = open(bundle.text("bench-record.json").as_bytes(), "bench-record.json").unwrap();
    assert_eq!(record.arms[0].commit.as_ref().unwrap().branch.as_deref(), Some("<branch>"));
    assert_eq!(record.arms[0].samples.len(), 4);
    assert!(bundle.text("first-light.md").contains("| pci-bus |"));
    assert!(bundle.text("doctor.txt").contains("`<model>`"));
    assert!(bundle.text("bench.log.txt").contains("record: <store>/"));
    assert!(bundle.files.iter().all(|(name, _)| name != "left-out.txt"), "{}", bundle.text("left-out.txt"));

    let checkout_path = checkout.path("").to_str().unwrap().trim_end_matches('/').to_lowercase();
    for (name, bytes) in &bundle.files {
        let text = String::from_utf8_lossy(bytes).to_lowercase();
        for trace in NAMES.iter().copied().chain([checkout_path.as_str()]) {
            assert!(!text.contains(trace) && !name.contains(trace), "{name} has {trace}: {text}");
        }
        if let Ok(host) = fs::read_to_string("/proc/sys/kernel/hostname") {
            let host = host.trim().to_lowercase();
            assert!(host.len() < 4 || host == "localhost" || !text.contains(&host), "{name} has {host}");
        }
    }
}

//! `--model-dir` and `--output` mean exactly the folder and the file that they name, whatever the
//! name; one that cannot be used is refused. Nothing is written anywhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::checkout::{Checkout, edit_json, read_json, shipped_model};
use crate::ended::Ended;
use crate::fake_worker::fake_worker;
use crate::model_copy::{self, FILES};

/// All that a shell, a line or a column could stumble over.
const HOSTILE: &str = "a 'b' \"c\"\n$(touch x) `touch x`; & | * \\ \u{1b}[31m";
/// A name that is no UTF-8.
const NOT_UTF_8: &[u8] = b"m\xffodel";

/// A checkout in a folder, and beside it whatever a test names.
struct Scene {
    checkout: Checkout,
    /// A worker that needs no model.
    worker: PathBuf,
    around: TempDir,
}

/// What there is: the length of a file with its time, the target of a link.
type Tree = BTreeMap<PathBuf, String>;

impl Scene {
    fn new() -> Self {
        let around = tempfile::tempdir().unwrap();
        let checkout = Checkout::within(around.path());
        Self { worker: fake_worker(&checkout, "well"), checkout, around }
    }

    /// A path beside the checkout.
    fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.around.path().join(below)
    }

    fn folder(&self, below: impl AsRef<Path>) -> PathBuf {
        let folder = self.path(below);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// A model's folder, which is known by a file that no other has.
    fn model(&self, below: impl AsRef<Path>, known_by: &str) -> PathBuf {
        let folder = self.folder(below);
        for name in FILES.iter().filter(|name| **name != "manifest.json") {
            symlink(shipped_model().join(name), folder.join(name)).unwrap();
        }
        fs::write(folder.join(known_by), "").unwrap();
        folder
    }

    /// A bench with a worker that needs no model, or with a real one.
    fn bench(&self, is_real: bool, flags: &[(&str, &OsStr)]) -> Ended {
        let mut arguments: Vec<OsString> =
            ["bench", "--device", "CPU", "--runs", "1", "--max-new-tokens", "8", "--unverified"]
                .iter()
                .chain(&["--prompt", "fibonacci"])
                .map(OsString::from)
                .collect();
        if !is_real {
            arguments.extend(["--worker".into(), self.worker.clone().into()]);
        }
        for (flag, value) in flags {
            arguments.extend([OsString::from(flag), value.to_os_string()]);
        }
        self.checkout.run(arguments)
    }

    /// The folder around the checkout, without the store.
    fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        list(self.around.path(), &mut tree);
        let store = self.checkout.path("reports");
        tree.retain(|path, _| !path.starts_with(&store));
        tree
    }

    /// The bench is refused with a hint, and nothing has changed anywhere.
    #[track_caller]
    fn refuses(&self, flags: &[(&str, &OsStr)], fault: &str, hint: &str) {
        let (before, shipped) = (self.tree(), model_copy::listing(&shipped_model()));
        self.bench(false, flags).refuses(fault, hint);
        assert_eq!(differences(&before, &self.tree()), Vec::<PathBuf>::new());
        assert_eq!(model_copy::listing(&shipped_model()), shipped, "the shipped model was written to");
        assert!(self.checkout.record_files().is_empty(), "a record was written");
    }

    /// The bench measures the model that is known by a file, and writes the results and nothing else.
    #[track_caller]
    fn measures(&self, is_real: bool, row: &Row<'_>) {
        let (before, shipped) = (self.tree(), model_copy::listing(&shipped_model()));
        let ended = self.bench(is_real, &[("--model-dir", &row.model_dir), ("--output", &row.output)]);
        ended.exits(0);
        assert_eq!(differences(&before, &self.tree()), [row.written.as_path()], "{ended}");
        assert_eq!(model_copy::listing(&shipped_model()), shipped, "the shipped model was written to");

        let results = read_json(&row.written);
        assert_eq!(results["outcome"], "complete");
        let record = self.checkout.only_record();
        assert_eq!(results["run_id"], record.run_id.as_str());
        let files: Vec<&str> = record.arms[0].model.files.iter().map(|file| file.path.as_str()).collect();
        assert!(files.contains(&row.known_by), "another model was measured: {files:?}\n{ended}");
        assert_eq!(record.arms[0].model.name, row.name, "{ended}");
        fs::remove_file(&row.written).unwrap();
        fs::remove_dir_all(self.checkout.path("reports")).unwrap();
    }
}

/// Flags that work, and what they must lead to.
struct Row<'a> {
    model_dir: OsString,
    /// A file of the model that is to be measured.
    known_by: &'a str,
    /// What the model is called.
    name: &'a str,
    output: OsString,
    /// The file that is to be written.
    written: PathBuf,
}

/// Links are reported and not followed: what is behind them must lie in here to be compared.
fn list(folder: &Path, tree: &mut Tree) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let found = fs::symlink_metadata(&path).unwrap();
        let reported = if found.is_symlink() {
            format!("link to {}", fs::read_link(&path).unwrap().display())
        } else if found.is_dir() {
            list(&path, tree);
            "folder".to_owned()
        } else {
            format!("{} bytes, {:?}", found.len(), found.modified().unwrap())
        };
        tree.insert(path, reported);
    }
}

/// What was written, changed or removed.
fn differences(before: &Tree, after: &Tree) -> Vec<PathBuf> {
    let changed = |path: &&PathBuf| before.get(*path) != after.get(*path);
    let paths: BTreeSet<&PathBuf> = before.keys().chain(after.keys()).collect();
    paths.into_iter().filter(changed).cloned().collect()
}

#[test]
fn every_way_to_name_a_folder_and_a_file_leads_to_exactly_these() {
    let scene = Scene::new();
    scene.model("models/plain", "plain.txt");
    scene.model("models/other", "other.txt");
    scene.model(Path::new("models").join(HOSTILE), "hostile.txt");
    symlink("plain", scene.path("models/link")).unwrap();
    symlink(scene.path("models"), scene.path("linked")).unwrap();
    scene.folder("out/below");
    scene.folder(Path::new("out").join(HOSTILE));
    symlink(scene.path("out"), scene.checkout.path("to-out")).unwrap();
    let named = |model_dir: &dyn AsRef<OsStr>, output: &dyn AsRef<OsStr>, written: &dyn AsRef<Path>| Row {
        model_dir: model_dir.as_ref().to_owned(),
        known_by: "plain.txt",
        name: "plain",
        output: output.as_ref().to_owned(),
        written: scene.path(written.as_ref()),
    };
    let (in_checkout, hostile) = (scene.checkout.path("results.json"), Path::new("out").join(HOSTILE));
    let not_utf_8 = Path::new("out").join(OsStr::from_bytes(NOT_UTF_8));
    let rows = [
        named(&"../models/plain", &"results.json", &in_checkout),
        named(&scene.path("models/plain"), &scene.path("out/results.json"), &"out/results.json"),
        named(&"../models/other/../plain/.", &"../out/below/../results.json", &"out/results.json"),
        named(&"../models/link", &"to-out/results.json", &"out/results.json"),
        named(&"../linked/link/", &"./--results", &scene.checkout.path("--results")),
        named(&"../models/plain", &Path::new("..").join(&not_utf_8), &not_utf_8),
        Row {
            known_by: "hostile.txt",
            // What stands in tables, messages and names of folders is plain.
            name: "a--b---c----touch-x---touch-x-------------31m",
            ..named(
                &Path::new("../models").join(HOSTILE),
                &scene.path(&hostile).join(HOSTILE),
                &hostile.join(HOSTILE),
            )
        },
    ];
    for row in &rows {
        scene.measures(false, row);
    }
    // OpenVINO, too, must open what a name of this kind leads to.
    scene.measures(true, &rows[rows.len() - 1]);
}

#[test]
fn a_folder_that_is_no_model_s_is_refused_however_it_is_named() {
    let scene = Scene::new();
    scene.model("models/plain", "plain.txt");
    scene.model(Path::new("models").join(OsStr::from_bytes(NOT_UTF_8)), "not-utf-8.txt");
    symlink("nowhere", scene.path("models/dangling")).unwrap();
    symlink("loop", scene.path("models/loop")).unwrap();
    let hint = "--model-dir DIR";
    for (model_dir, fault) in [
        ("..", "has no `openvino_model.xml`"),
        ("../models/plain/..", "has no `openvino_model.xml`"),
        ("/", "has no `openvino_model.xml`"),
        ("../models/nowhere/../plain", "does not exist"),
        ("../models/dangling", "does not exist"),
        ("../models/loop", "does not exist"),
        ("../models/plain/openvino_model.xml", "has no `openvino_model.xml`"),
        ("$(echo ../models/plain)", "does not exist"),
        ("../models/*", "does not exist"),
        ("../models/plain\n", "does not exist"),
        ("~", "does not exist"),
    ] {
        scene.refuses(&[("--model-dir", model_dir.as_ref())], fault, hint);
    }
    let not_utf_8 = Path::new("../models").join(OsStr::from_bytes(NOT_UTF_8));
    scene.refuses(&[("--model-dir", not_utf_8.as_ref())], "is no UTF-8", "rename it");
}

#[test]
fn a_manifest_that_names_what_is_outside_its_folder_is_refused() {
    let scene = Scene::new();
    let model = scene.model("models/plain", "plain.txt");
    fs::copy(model.join("config.json"), scene.path("models/x")).unwrap();
    let manifest = model.join("manifest.json");
    let flags = [("--model-dir", model.as_os_str())];
    for outside in ["../x", "/etc/hostname", "./config.json", "below/../config.json"] {
        fs::copy(shipped_model().join("manifest.json"), &manifest).unwrap();
        fs::remove_file(model.join("plain.txt")).ok();
        edit_json(&manifest, |manifest| {
            let mut file = manifest["files"][0].clone();
            file["path"] = outside.into();
            manifest["files"].as_array_mut().unwrap().push(file);
        });
        scene.refuses(&flags, "is missing, the manifest lists it", "fetch the model again");
    }
    for name in ["../x", "..", "", "a\nb", "a b", "$(touch x)"] {
        fs::copy(shipped_model().join("manifest.json"), &manifest).unwrap();
        edit_json(&manifest, |manifest| manifest["name"] = name.into());
        scene.refuses(&flags, "which is no plain name", "use letters, digits");
    }
}

#[test]
fn a_repository_of_a_cache_that_names_a_revision_outside_itself_is_refused() {
    let scene = Scene::new();
    scene.model("elsewhere", "elsewhere.txt");
    let repository = scene.folder("models--a--b");
    scene.folder("models--a--b/snapshots");
    scene.folder("models--a--b/refs");
    for outside in [OsStr::new("../../elsewhere"), scene.path("elsewhere").as_os_str(), OsStr::new("..")] {
        fs::write(repository.join("refs/main"), outside.as_bytes()).unwrap();
        let flags = [("--model-dir", repository.as_os_str())];
        scene.refuses(&flags, "models--a--b` has no `openvino_model.xml`", "--model-dir DIR");
    }
}

#[test]
fn a_file_that_cannot_be_the_results_is_refused_however_it_is_named() {
    let scene = Scene::new();
    scene.folder("out/below");
    symlink("nowhere/results.json", scene.path("out/dangling")).unwrap();
    symlink("results.json", scene.path("out/dangling-beside")).unwrap();
    symlink("loop", scene.path("out/loop")).unwrap();
    for output in [
        "..",
        ".",
        "../out/below/..",
        "../out/nowhere/../results.json",
        "../out/nowhere\n/results.json",
        "../out/dangling",
        "../out/dangling-beside",
        "../out/loop",
        "$(echo ../out)/results.json",
    ] {
        let fault = format!("cannot write `{}`", output.replace('\n', "\\n"));
        scene.refuses(&[("--output", output.as_ref())], &fault, "name a file in a folder that is there");
    }
}

#[test]
fn a_model_s_folder_takes_no_results_and_none_of_its_files_gives_way_to_them() {
    let scene = Scene::new();
    let model = scene.model("models/plain", "plain.txt");
    symlink(&model, scene.path("models/link")).unwrap();
    symlink(model.join("plain.txt"), scene.path("to-a-file")).unwrap();
    for output in [
        "../models/plain/results.json",
        "../models/plain/openvino_model.bin",
        "../models/link/plain.txt",
        "../to-a-file",
        "fixtures/models/tiny-gpt-oss/results.json",
        "fixtures/models/../models/tiny-gpt-oss/openvino_model.bin",
    ] {
        scene.refuses(
            &[("--output", output.as_ref())],
            &format!("cannot write `{output}`: a model is in that folder, which is only read"),
            "name a file in a folder that is there",
        );
    }
}

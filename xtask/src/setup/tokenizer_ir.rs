//! Whether a verb will read a tokenizer that is an OpenVINO IR: only then its extension is fetched.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::places;

/// Whether the model of a verb has its tokenizer as an IR alone.
pub(crate) fn reads_tokenizer_ir(args: &[OsString]) -> bool {
    let names_a_file = |arg: &OsString| arg.to_string_lossy().starts_with("--tokenizer");
    !args.iter().any(names_a_file)
        && model_folders(args).iter().any(|folder| has_ir(folder) && !has_json(folder))
}

/// Whether `model verify` will compare the two tokenizers of a model.
pub(crate) fn compares_tokenizers(args: &[OsString]) -> bool {
    let is_verify =
        args.first().is_some_and(|verb| verb == "model") && args.get(1).is_some_and(|verb| verb == "verify");
    is_verify && model_folders(args).iter().any(|folder| has_ir(folder) && has_json(folder))
}

fn has_ir(folder: &Path) -> bool {
    folder.join("openvino_tokenizer.xml").is_file()
}

fn has_json(folder: &Path) -> bool {
    folder.join("tokenizer.json").is_file()
}

/// The folder of the model that a verb uses, or the revisions of its repository in the hub's cache. Which one the binary
/// decides; for a question of 4 MB all of them are looked at. The shipped model has no IR.
fn model_folders(args: &[OsString]) -> Vec<PathBuf> {
    let named = named(args).map(PathBuf::from).or_else(remembered);
    let Some(folder) = named else { return Vec::new() };
    let revisions = fs::read_dir(folder.join("snapshots")).into_iter().flatten().flatten();
    let revisions: Vec<PathBuf> = revisions.map(|entry| entry.path()).collect();
    [vec![folder], revisions].concat()
}

/// What `--model-dir` names, or the word behind `model verify`.
fn named(args: &[OsString]) -> Option<&OsStr> {
    let mut rest = args.iter().take_while(|arg| *arg != "--");
    while let Some(arg) = rest.next() {
        if arg == "--model-dir" {
            return rest.next().map(OsString::as_os_str);
        }
        if let Some(folder) = arg.to_str().and_then(|arg| arg.strip_prefix("--model-dir=")) {
            return Some(OsStr::new(folder));
        }
    }
    let word = args.get(2).filter(|_| args.first().is_some_and(|verb| verb == "model"))?;
    (!word.to_string_lossy().starts_with('-')).then_some(word)
}

/// The folder of `model use`.
fn remembered() -> Option<PathBuf> {
    let settings = fs::read_to_string(places::config_dir()?.join("settings.json")).ok()?;
    let settings: Value = serde_json::from_str(&settings).ok()?;
    settings["model_dir"].as_str().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_is_for_a_model_with_an_ir_alone_and_for_the_comparison_of_both() {
        let root = std::env::temp_dir().join(format!("xtask-tokenizer-ir-{}", std::process::id()));
        let (ir, both, json) = (root.join("cache/snapshots/1f"), root.join("both"), root.join("json"));
        for (folder, names) in [
            (&ir, &["openvino_tokenizer.xml"][..]),
            (&both, &["openvino_tokenizer.xml", "tokenizer.json"]),
            (&json, &["tokenizer.json"]),
        ] {
            fs::create_dir_all(folder).expect("a folder");
            for name in names {
                fs::write(folder.join(name), "").expect("a file");
            }
        }
        let cache = root.join("cache");
        let given = |folder: &Path| format!("--model-dir={}", folder.display());
        for (words, expected) in [
            (vec!["infer".into(), given(&ir)], (true, false)),
            (vec!["infer".into(), "--model-dir".into(), cache.display().to_string()], (true, false)),
            (vec!["infer".into(), given(&ir), "--tokenizer=t.json".into()], (false, false)),
            (vec!["bench".into(), given(&both)], (false, false)),
            (vec!["bench".into(), given(&json)], (false, false)),
            (vec!["model".into(), "verify".into(), both.display().to_string()], (false, true)),
            (vec!["model".into(), "verify".into(), json.display().to_string()], (false, false)),
            (vec!["model".into(), "use".into(), both.display().to_string()], (false, false)),
        ] {
            let args: Vec<OsString> = words.iter().map(OsString::from).collect();
            assert_eq!((reads_tokenizer_ir(&args), compares_tokenizers(&args)), expected, "{words:?}");
        }
        fs::remove_dir_all(root).expect("clean");
    }
}

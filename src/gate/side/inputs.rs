//! What both sides of a comparison are given and judged by: it is the base's, whatever the head says.

use std::path::Path;

use crate::error::{Error, Result};
use crate::files::is_file_name;
use crate::golden::GoldenSet;
use crate::record::{Arm, ChangedInput, Repository, Source, sha256_of_bytes, sha256_of_files};

const PROMPTS: &str = "fixtures/prompts";
const GOLDENS: &str = "fixtures/golden";
const BASELINES: &str = "fixtures/baselines";
/// The gate's policy.
pub(in crate::gate) const POLICY: &str = "ci/gate.json";
/// The published values, and the reference workload.
pub(in crate::gate) const PUBLISHED: &str = "fixtures/baselines/published.json";
/// Both sides are measured with the base's model and the caller's runtime, and so nothing is measured of these.
const MODELS: &str = "fixtures/models";
const RELEASES: &str = "src/engine/openvino/releases.json";
/// What a change could judge itself by, and what each is called.
const KINDS: [(&str, &str); 6] = [
    ("goldens", GOLDENS),
    ("prompts", PROMPTS),
    ("baselines", BASELINES),
    ("policy", POLICY),
    ("models", MODELS),
    ("openvino", RELEASES),
];
/// Folders of which nothing is built into the product or read while it is measured.
const UNUSED_FOLDERS: [&str; 9] = [
    ".ci/",
    ".github/",
    "benches/",
    "docs/",
    "examples/",
    "reports/",
    "tests/",
    "xtask/",
    "fixtures/records/",
];
/// Files of the same kind.
const UNUSED_FILES: [&str; 6] =
    [".gitattributes", ".gitignore", "LICENSE", "clippy.toml", "deny.toml", "rustfmt.toml"];

/// The files that differ between the commit of this sha and the head, and are built into the product or read while
/// it is measured: where there are none, both are the same program with the same inputs. What is not known counts.
///
/// # Errors
/// When a commit is missing, or git cannot read the repository.
pub fn changed_in_use(repository: &Repository, base: &str, head: &Source) -> Result<Vec<String>> {
    let is_unused = |path: &String| {
        let is_text = !path.contains('/') && Path::new(path).extension().is_some_and(|it| it == "md");
        is_text
            || UNUSED_FILES.contains(&path.as_str())
            || UNUSED_FOLDERS.iter().any(|folder| path.starts_with(folder))
    };
    let mut changed = repository.changed_between(base, head, &[])?;
    changed.retain(|path| !is_unused(path));
    Ok(changed)
}

/// The goldens by which a run's answers are judged at a commit.
///
/// # Errors
/// A model whose name is no plain one; when a commit is missing; goldens that are not of their form.
pub fn goldens_at(repository: &Repository, sha: &str, run: &Arm) -> Result<GoldenSet> {
    let model = &run.model.name;
    if !is_file_name(model) {
        return Err(Error::input(format!("the model's name is `{model}`, which is no plain name"))
            .hint("measure again: `cargo xtask ab`"));
    }
    // What is no plain name has no golden: it would be another file.
    let ids = run.workload.prompts.iter().map(|prompt| prompt.id.as_str()).filter(|id| is_file_name(id));
    GoldenSet::of_prompts(ids, |name| repository.file_at(sha, &format!("{GOLDENS}/{model}/{name}")))
}

/// A digest of the prompts, what the answers must be and what is accepted, as a checkout has them: equal ones are of
/// equal files. What is not there counts as empty.
///
/// # Errors
/// When a file that is there cannot be read.
pub fn inputs_sha256(checkout: &Path) -> Result<String> {
    let mut digests = String::new();
    for files in [&[PROMPTS][..], &[GOLDENS], &[BASELINES, POLICY]] {
        digests += &sha256_of_files(checkout, files)?;
        digests.push('\n');
    }
    Ok(sha256_of_bytes(digests.as_bytes()))
}

/// The files by which a change would judge itself that differ between the commit of this sha and the head: none, in
/// most.
///
/// # Errors
/// When a commit is missing, or git cannot read the repository.
pub fn changed_inputs(repository: &Repository, base: &str, head: &Source) -> Result<Vec<ChangedInput>> {
    let mut changed = Vec::new();
    for (kind, path) in KINDS {
        let files = repository.changed_between(base, head, &[path])?;
        changed.extend(files.into_iter().map(|path| ChangedInput { kind: kind.to_owned(), path }));
    }
    Ok(changed)
}

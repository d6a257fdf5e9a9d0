//! Files as such: how long, how heavy, how named, and whether they are there.

use super::Breach;
use super::tree::{File, Tree};

/// What people read top to bottom.
const READ: [&str; 6] = ["rs", "py", "js", "mjs", "cpp", "html"];
/// A file is as long as its subject, and no longer than this.
const LONGEST_LINES: usize = 600;
/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 5] = ["util", "utils", "common", "helpers", "misc"];
/// No file is heavier, but those of the small model.
const HEAVY: u64 = 2_000_000;
/// The model that the repository ships.
const MODELS: &str = "fixtures/models/";
/// All of it together.
const MODELS_BYTES: u64 = 12_000_000;
/// The top level that everybody relies on.
const REQUIRED: [&str; 8] =
    ["Cargo.toml", "benches", "src", "fixtures", "reports", "ci", "xtask", "README.md"];

/// A file can be read in one sitting.
pub(super) fn sizes(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in tree.files.iter().filter(|file| READ.contains(&file.extension())) {
        let lines = file.text().map_or(0, |text| text.lines().count());
        if lines > LONGEST_LINES {
            let advice = format!("{lines} lines, more than {LONGEST_LINES}; split it by what it does");
            breaches.push(Breach::new(&file.path, lines, "size", advice));
        }
    }
    breaches
}

/// Every file and folder says what it holds.
pub(super) fn names(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in &tree.files {
        let stems = file.path.split('/').map(|part| part.split_once('.').map_or(part, |(stem, _)| stem));
        for name in stems.filter(|stem| EMPTY_NAMES.contains(stem)) {
            breaches.push(Breach::new(
                &file.path,
                1,
                "name",
                format!("`{name}` says nothing; name what is inside"),
            ));
        }
    }
    breaches
}

/// A clone stays small.
pub(super) fn weights(tree: &Tree) -> Vec<Breach> {
    let (models, others): (Vec<&File>, Vec<&File>) =
        tree.files.iter().partition(|file| file.path.starts_with(MODELS));
    let mut breaches = Vec::new();
    for file in others.iter().filter(|file| file.bytes > HEAVY) {
        let advice =
            format!("{} bytes, more than {HEAVY}; make it smaller, or make it when it is needed", file.bytes);
        breaches.push(Breach::new(&file.path, 1, "weight", advice));
    }
    let total: u64 = models.iter().map(|file| file.bytes).sum();
    if total > MODELS_BYTES {
        let advice = format!("{total} bytes together, more than {MODELS_BYTES}; ship a smaller model");
        breaches.push(Breach::new(MODELS, 1, "weight", advice));
    }
    breaches
}

/// A fresh clone has all that the README and the workflows name.
pub(super) fn required(tree: &Tree) -> Vec<Breach> {
    let is_there = |name: &str| {
        let below = |file: &File| {
            file.path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        tree.files.iter().any(below)
    };
    let missing = REQUIRED.iter().filter(|name| !is_there(name));
    missing
        .map(|name| Breach::new(name, 1, "required", "is missing from the top level; a clone needs it"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::fixture::{places, tree};

    fn lines(count: usize) -> String {
        "x\n".repeat(count)
    }

    #[test]
    fn a_file_of_more_than_600_lines_is_a_breach_and_a_text_may_be_longer() {
        let breaches = sizes(&tree(&[("a.py", &lines(600)), ("c.js", &lines(601)), ("p.txt", &lines(900))]));
        assert_eq!(places(&breaches), ["c.js:601"]);
    }

    #[test]
    fn names_that_say_nothing_are_found_in_files_and_folders() {
        let tree = tree(&[("src/utils/a.rs", ""), ("b/common.test.js", ""), ("src/helpers.rs", "")]);
        let expected = ["b/common.test.js:1", "src/helpers.rs:1", "src/utils/a.rs:1"];
        assert_eq!(places(&names(&tree)), expected);
    }

    #[test]
    fn a_name_that_contains_such_a_word_is_fine() {
        assert!(names(&tree(&[("src/common_prefix.rs", ""), ("utility/a.rs", "")])).is_empty());
    }

    #[test]
    fn a_heavy_file_is_found_unless_it_is_the_model() {
        let heavy = "x".repeat(2_000_001);
        assert_eq!(places(&weights(&tree(&[("a.bin", &heavy)]))), ["a.bin:1"]);
        assert!(weights(&tree(&[("fixtures/models/small/a.bin", &heavy), ("b", "")])).is_empty());
    }

    #[test]
    fn the_models_together_have_a_limit() {
        let half = "x".repeat(6_000_001);
        let tree = tree(&[("fixtures/models/a", &half), ("fixtures/models/b", &half)]);
        assert_eq!(places(&weights(&tree)), ["fixtures/models/:1"]);
    }

    #[test]
    fn what_is_missing_at_the_top_level_is_named() {
        let all =
            ["Cargo.toml", "benches/a", "src/a", "fixtures/a", "reports/a", "ci/a", "xtask/a", "README.md"];
        let files: Vec<_> = all.iter().map(|path| (*path, "")).collect();
        assert!(required(&tree(&files)).is_empty());
        assert_eq!(places(&required(&tree(&files[1..7]))), ["Cargo.toml:1", "README.md:1"]);
        assert_eq!(places(&required(&tree(&[("srcs/a", "")]))).len(), 8);
    }
}

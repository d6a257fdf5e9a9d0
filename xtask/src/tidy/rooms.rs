//! The tower: each room leans only on the rooms below it.

use super::Breach;
use super::paths::{NamedPath, named_paths};
use super::tokens::tokens;
use super::tree::Tree;

const RULE: &str = "rooms";
/// The rooms in the order of the data flow; each may use those before it.
const ORDER: [&str; 9] =
    ["workload", "engine", "golden", "measure", "record", "judge", "report", "gate", "cli"];
/// What every room stands on, and what uses no room.
const GROUND: [&str; 2] = ["error", "places"];
/// The crate map and the door; they see everything.
const EXEMPT: [&str; 2] = ["lib", "main"];

/// A module imports only from its own room and from those below it, tests included.
pub(super) fn imports_lead_down(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (file, text) in tree.rust() {
        let Some(room) = file.room().filter(|room| !EXEMPT.contains(room)) else { continue };
        let Some(floor) = floor(room) else {
            let advice = format!("`{room}` is no room of the tower; put it in {}", ORDER.join(", "));
            breaches.push(Breach::new(&file.path, 1, RULE, advice));
            continue;
        };
        for path in named_paths(file, tokens(text)).iter().filter(|path| path.is_inside) {
            breaches.extend(advice(room, floor, path).map(|it| Breach::new(&file.path, path.line, RULE, it)));
        }
    }
    breaches
}

/// How high a room lies; the ground is 0.
fn floor(room: &str) -> Option<usize> {
    if GROUND.contains(&room) {
        Some(0)
    } else {
        ORDER.iter().position(|other| *other == room).map(|at| at + 1)
    }
}

fn advice(room: &str, own: usize, path: &NamedPath) -> Option<String> {
    let used = path.segments.first()?;
    match floor(used) {
        Some(floor) if floor <= own => None,
        Some(_) => Some(format!(
            "`{room}` lies below `{used}` and may not use it; hand it in as an argument, or move what both need down"
        )),
        None => Some(format!("name the room `crate::{used}` comes from")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::fixture::{places, tree};

    fn found(path: &str, text: &str) -> Vec<String> {
        places(&imports_lead_down(&tree(&[(path, text)])))
    }

    #[test]
    fn rooms_below_and_the_ground_may_be_used() {
        let text = "use crate::engine::Engine;\nuse super::state::X;\nuse crate::{error::Error, places};";
        assert!(found("src/golden/check.rs", text).is_empty());
        assert!(found("src/golden.rs", "mod check;\nuse self::check::Y;").is_empty());
    }

    #[test]
    fn rooms_above_may_not_however_they_are_written() {
        assert_eq!(found("src/engine/a.rs", "\nuse crate::golden::Check;"), ["src/engine/a.rs:2"]);
        assert_eq!(
            found("src/engine/a.rs", "use crate::{\n error::E,\n gate::G,\n};"),
            ["src/engine/a.rs:3"]
        );
        assert_eq!(found("src/engine/a.rs", "use super::super::judge::V;"), ["src/engine/a.rs:1"]);
        assert_eq!(found("src/engine.rs", "fn f() { arcgauge::cli::run() }"), ["src/engine.rs:1"]);
    }

    #[test]
    fn tests_are_not_exempt() {
        let text = "#[cfg(test)]\nmod tests {\n use crate::cli::Verb;\n}";
        assert_eq!(found("src/engine/a.rs", text), ["src/engine/a.rs:3"]);
    }

    #[test]
    fn the_ground_uses_no_room() {
        assert_eq!(found("src/error.rs", "use crate::engine::Engine;"), ["src/error.rs:1"]);
    }

    #[test]
    fn the_whole_crate_and_names_at_its_root_hide_the_room() {
        assert_eq!(found("src/judge/a.rs", "use crate::*;\nuse crate::Verdict;").len(), 2);
    }

    #[test]
    fn a_folder_that_is_no_room_is_told_once() {
        assert_eq!(found("src/attic/a.rs", "use crate::cli::X;\nuse crate::gate::X;"), ["src/attic/a.rs:1"]);
    }

    #[test]
    fn the_door_the_crate_map_and_other_packages_are_exempt() {
        let text = "use arcgauge::cli;\nuse crate::cli::Verb;";
        for path in ["src/main.rs", "src/lib.rs", "tests/all.rs", "xtask/src/main.rs"] {
            assert!(found(path, text).is_empty(), "{path}");
        }
    }

    #[test]
    fn a_link_in_a_comment_is_no_import() {
        assert!(found("src/engine/a.rs", "//! See [`crate::judge::Verdict`].\n").is_empty());
    }
}

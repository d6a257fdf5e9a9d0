//! The store of records: how many there are, and each that cannot be read.

use std::path::Path;

use crate::cli::doctor::check::Check;
use crate::cli::shell;
use crate::record::{ExaminedRecord, History};

const RECORDS: &str = "records";

/// Reads every record of a store.
pub(super) fn examine(store: &Path) -> Vec<Check> {
    let mut whole: usize = 0;
    let mut damaged = Vec::new();
    for examined in History::at(store.to_owned()).examine() {
        match examined {
            ExaminedRecord { record: Ok(_), .. } => whole += 1,
            ExaminedRecord { path, record: Err(error) } => {
                damaged.push(Check::fail(RECORDS, error.to_string(), fix(&path)));
            }
        }
    }
    let at = store.display();
    let first = match (whole, damaged.is_empty()) {
        (0, true) => Some(format!("none in `{at}` yet")),
        (0, false) => None,
        (_, true) => Some(format!("{whole} in `{at}`, all whole")),
        (_, false) => Some(format!("{whole} in `{at}` are whole")),
    };
    first.map(|found| Check::ok(RECORDS, found)).into_iter().chain(damaged).collect()
}

fn fix(path: &Path) -> String {
    let word = shell::word(path);
    if path.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        return format!("`chmod u+rx {word}`");
    }
    let aside = shell::word(Path::new(&format!("{}.damaged", path.display())));
    format!("read it with the arcgauge that wrote it, restore it, or move it away: `mv {word} {aside}`")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;
    use crate::cli::doctor::check::Status;

    #[test]
    fn a_store_without_records_is_in_order() {
        let store = tempfile::tempdir().unwrap();
        let checks = examine(&store.path().join("history"));
        assert_eq!(checks.iter().map(|check| check.status).collect::<Vec<_>>(), [Status::Ok]);
        assert!(checks[0].found.starts_with("none in `"), "{}", checks[0].found);
    }

    #[test]
    fn each_damaged_record_fails_with_its_path_its_reason_and_a_fix_that_mends() {
        let store = tempfile::tempdir().unwrap();
        let folder = store.path().join("a machine");
        fs::create_dir(&folder).unwrap();
        for name in ["a.json", "b.json"] {
            fs::write(folder.join(name), "{\"cut off").unwrap();
        }
        let checks = examine(store.path());
        assert_eq!(checks.len(), 2, "and none is called whole: {checks:?}");
        for (check, name) in checks.iter().zip(["a.json", "b.json"]) {
            assert_eq!(check.status, Status::Fail);
            assert!(check.found.contains(&folder.join(name).display().to_string()), "{}", check.found);
            assert!(check.found.contains("has no header line"), "{}", check.found);
            let command = check.fix.as_deref().and_then(|fix| fix.split('`').nth(1)).unwrap();
            assert!(Command::new("sh").args(["-c", command]).status().unwrap().success(), "{command}");
        }
        assert_eq!(examine(store.path())[0].status, Status::Ok);
        assert!(folder.join("a.json.damaged").is_file(), "moved, not lost");
    }
}

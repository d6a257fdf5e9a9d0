//! `--output`: a file that cannot be written fails before anything is measured, and one that is
//! there is replaced by a whole one or stays as it is. And what happens when the store is at fault.

use std::fs::{self, Permissions};
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::process::Command;

use arcgauge::record::Machine;

use crate::checkout::{Checkout, read_json};

#[test]
fn an_output_that_cannot_be_written_fails_before_anything_is_measured() {
    let checkout = Checkout::new();
    fs::create_dir(checkout.path("folder")).unwrap();
    for output in
        ["no/such/folder/results.json", "results/", "folder", "fixtures/prompts/reference.json/results.json"]
    {
        let ended = checkout.bench(&["--output", output]);
        ended.refuses(&format!("cannot write `{output}`"), "name a file in a folder that is there");
        assert!(!ended.stderr.contains("measuring"), "{ended}");
    }
    assert!(checkout.record_files().is_empty());
}

#[test]
fn an_output_in_a_folder_that_may_not_be_written_fails_before_anything_is_measured() {
    let checkout = Checkout::new();
    let folder = checkout.path("read-only");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o555)).unwrap();
    if fs::write(folder.join("a"), "").is_ok() {
        // Root may write everywhere.
        return;
    }
    checkout.bench(&["--output", "read-only/results.json"]).refuses("cannot write", "can be written");
}

#[test]
fn an_output_that_is_there_stays_as_it_is_when_a_run_is_refused() {
    let checkout = Checkout::new();
    let file = checkout.path("results.json");
    fs::write(&file, "of an earlier run").unwrap();
    for wrong in
        [["--device", "NPU"], ["--runs", "0"], ["--model-dir", "nowhere"], ["--property", "NONSENSE=1"]]
    {
        checkout.run(["bench", "--output", "results.json", wrong[0], wrong[1]]).exits(2);
        assert_eq!(fs::read_to_string(&file).unwrap(), "of an earlier run", "{wrong:?}");
    }
    let names: Vec<_> =
        fs::read_dir(checkout.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "nothing is left behind: {names:?}");
}

#[test]
fn an_output_that_is_there_is_replaced_by_a_finished_run() {
    let checkout = Checkout::new();
    fs::write(checkout.path("results.json"), "of an earlier run").unwrap();
    let ended = checkout.bench(&["--prompt", "fibonacci", "--output", "results.json"]);
    ended.exits(0).says("results: results.json");
    assert_eq!(read_json(&checkout.path("results.json"))["outcome"], "complete");
}

#[test]
fn there_is_no_output_where_none_is_requested() {
    let checkout = Checkout::new();
    checkout.bench(&["--prompt", "fibonacci"]).exits(0);
    let mut names: Vec<_> = fs::read_dir(checkout.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["ci", "fixtures", "reports"]);
}

#[test]
fn a_store_that_cannot_be_written_does_not_lose_what_was_measured() {
    let checkout = Checkout::new();
    let machine = checkout.path("reports/history").join(Machine::of_this_host(None).unwrap().slug);
    fs::create_dir_all(machine.parent().unwrap()).unwrap();
    fs::write(machine, "a file in the place of the machine's folder").unwrap();
    let ended = checkout.bench(&["--prompt", "fibonacci", "--output", "results.json"]);
    ended.exits(20).says("error: cannot write `").says("/reports/history/").prints("  match\n");
    assert_eq!(read_json(&checkout.path("results.json"))["outcome"], "complete");
}

#[test]
fn an_output_behind_a_link_is_written_where_the_link_leads() {
    let checkout = Checkout::new();
    let (link, target) = (checkout.path("link.json"), checkout.path("target.json"));
    fs::write(&target, "of an earlier run").unwrap();
    symlink(&target, &link).unwrap();
    checkout.bench(&["--output", "link.json", "--prompt", "fibonacci"]).exits(0);
    assert!(link.is_symlink());
    assert_eq!(read_json(&target)["outcome"], "complete");
}

#[test]
fn an_output_that_is_a_pipe_or_a_device_is_refused_and_never_replaced_by_a_file() {
    let checkout = Checkout::new();
    // What is true of a pipe is true of /dev/null, which no test should risk.
    let pipe = checkout.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    checkout
        .bench(&["--output", "pipe"])
        .refuses("cannot write `pipe`: it is not a plain file", "name a file");
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo(), "the pipe is gone");
}

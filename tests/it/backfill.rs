//! `bench --commit`: older commits built and measured afterwards, each stored under its own.

use std::fs;
use std::os::unix::fs::symlink;

use arcgauge::places;
use arcgauge::record::{Experiment, History};

use crate::checkout::{Checkout, SHORT};
use crate::small_product::{LOCK, MANIFEST};

/// A worker that is this product's, in a program of its own.
const WORKER: &str = "use std::os::unix::process::CommandExt;\n\
    fn main() {\n    let mut worker = std::process::Command::new(PRODUCT);\n    \
    panic!(\"{}\", worker.args(std::env::args().skip(1)).exec());\n}\n";

#[test]
fn the_commits_of_a_range_are_measured_in_their_order_and_one_that_cannot_be_built_stops_none() {
    let checkout = Checkout::new();
    let cache = checkout.config().join("cache/arcgauge");
    fs::create_dir_all(&cache).unwrap();
    symlink(places::cache_dir().unwrap().join("openvino"), cache.join("openvino")).unwrap();
    fs::create_dir(checkout.path("src")).unwrap();
    fs::write(checkout.path("Cargo.toml"), MANIFEST).unwrap();
    fs::write(checkout.path("Cargo.lock"), LOCK).unwrap();
    let program = WORKER.replace("PRODUCT", &format!("{:?}", env!("CARGO_BIN_EXE_arcgauge")));
    fs::write(checkout.path("src/main.rs"), &program).unwrap();
    let mut commits = vec![checkout.commit()];
    for text in
        [format!("{program}// another\n"), "no program\n".to_owned(), format!("{program}// a third\n")]
    {
        fs::write(checkout.path("src/main.rs"), text).unwrap();
        checkout.git(&["commit", "--quiet", "--all", "--message", "Another"]);
        commits.push(checkout.git(&["rev-parse", "HEAD"]).trim().to_owned());
    }

    let backfill = |range: &str| {
        let mut command = checkout.command(["bench", "--prompt", "fibonacci", "--commit", range]);
        command.args(SHORT).env("XDG_CACHE_HOME", checkout.config().join("cache"));
        crate::ended::Ended::of(command.output().unwrap())
    };
    let ended = backfill(&format!("{}..HEAD", commits[0]));
    ended.exits(20).says("(2 of 3)").says("cannot build");
    let files = checkout.store().files();
    let records: Vec<Experiment> = files.iter().map(|file| History::read(file).unwrap().record).collect();
    let mut measured: Vec<&str> =
        records.iter().map(|record| record.arms[0].commit.as_ref().unwrap().sha.as_str()).collect();
    let mut expected = [commits[1].as_str(), commits[3].as_str()];
    measured.sort_unstable();
    expected.sort_unstable();
    assert_eq!(measured, expected);
    assert!(records.iter().all(|record| record.inputs.from_commit.as_ref() == Some(&commits[3])));
    let older = checkout.run(["history", "show", &commits[1]]);
    older.exits(0).prints(&format!("backfilled by {}", &commits[3][..12]));
    checkout
        .run(["golden", "bless", &records[0].run_id, "--reason", "it is right"])
        .refuses("is of an older commit, backfilled by", "bless a record of what is checked out");

    backfill("HEAD..HEAD").refuses("range `HEAD..HEAD` has no commit", "the older one first");
    backfill("nothing").refuses("`nothing`", "git");
}

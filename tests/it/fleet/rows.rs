//! What a row says is what its record says.

use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use arcgauge::record::{PlanKind, SampleRecord, encode, sha256_of_bytes};

use crate::checkout::Checkout;
use crate::fleet::{Row, a_store, at, export, files, names, records, rows};
use crate::forged;
use crate::forged_pairs::{ab, around, wrong};
use crate::history_index::verified;

fn number(row: &Row, column: &str) -> u64 {
    row[column].parse().unwrap()
}

fn place(row: &Row, column: &str) -> usize {
    row[column].parse().unwrap()
}

fn decode_ns(sample: &SampleRecord) -> u64 {
    let times = &sample.times.as_ref().unwrap().token_ns;
    times[times.len() - 1] - times[0]
}

#[test]
fn every_arm_generation_and_pair_has_a_row_with_the_numbers_of_its_record() {
    let checkout = a_store();
    export(&checkout, &["--tokens"]).exits(0).says("4 records in `data`, 0 of them there before");
    let (data, records) = (checkout.path("data"), records(&checkout));
    let runs = rows(&data, "runs");
    assert_eq!(runs.len(), 5, "three runs and two sides");
    for row in &runs {
        let record = &records[&row["record_sha256"]];
        let arm = &record.arms[place(row, "arm")];
        let measured: Vec<&SampleRecord> = arm.measured_samples().collect();
        let steps: u64 = measured.iter().map(|sample| sample.token_ids.len() as u64 - 1).sum();
        assert_eq!(number(row, "decode_steps"), steps);
        assert_eq!(number(row, "decode_ns"), measured.iter().map(|sample| decode_ns(sample)).sum::<u64>());
        assert_eq!((&row["run_id"], &row["model"]), (&record.run_id, &arm.model.name));
        assert_eq!(row["golden"], "match");
        assert_eq!(row["plan"], record.plan.as_str());
    }
    let samples = rows(&data, "samples");
    let tokens = rows(&data, "tokens");
    assert_eq!(samples.len(), tokens.len());
    for row in &samples {
        let arm = &records[&row["record_sha256"]].arms[place(row, "arm")];
        let sample = arm.measured_samples().nth(place(row, "sample")).unwrap();
        assert_eq!(number(row, "decode_ns"), decode_ns(sample));
        assert_eq!(row["prompt_id"], sample.prompt_id);
    }
    let verdicts = rows(&data, "verdicts");
    assert_eq!(verdicts.len(), 1);
    let ab = records.values().find(|record| record.plan == PlanKind::Ab).unwrap();
    let decision = ab.decision.as_ref().unwrap();
    assert_eq!(verdicts[0]["verdict"], decision.verdict.as_str());
    let ratio = number(&verdicts[0], "tpot_ratio_ppm") as f64 / 1e6;
    assert!((ratio - decision.comparisons[0].ratio).abs() < 1e-6, "{ratio}");
    let pairs = rows(&data, "pairs");
    assert_eq!(pairs.len(), ab.rounds.len());
    for pair in &pairs {
        let ratio = number(pair, "head_decode_ns") as f64 / number(pair, "base_decode_ns") as f64;
        assert!((1.1..1.3).contains(&ratio), "{pair:?}");
    }
}

#[test]
fn wrong_output_has_no_speed_in_a_row_either() {
    let checkout = Checkout::new();
    let mut record = ab(&around(20.0, 0.3, 5));
    wrong(&mut record);
    let path = forged::store(&checkout, &at("2026-08-30T10:00:00Z", record));
    export(&checkout, &[path.to_str().unwrap()]).exits(0);
    let runs = rows(&checkout.path("data"), "runs");
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[1]["golden"], "break");
    for column in ["ttft_ns", "decode_ns", "e2e_ns", "infer_ns"] {
        assert!(!runs[1].contains_key(column), "{column}: {:?}", runs[1]);
    }
    assert!(runs[1].contains_key("generations"));
}

#[test]
fn the_same_records_give_the_same_files_in_whatever_order_and_however_often() {
    let checkout = a_store();
    export(&checkout, &["00000000000c", "00000000000b"]).exits(0);
    export(&checkout, &[]).exits(0);
    let all = files(&checkout.path("data"));
    export(&checkout, &[]).exits(0).says("4 records in `data`, 4 of them there before");
    assert_eq!(files(&checkout.path("data")), all);
    fs::remove_dir_all(checkout.path("data")).unwrap();
    export(&checkout, &["00000000000c", "00000000000b", "00000000000a"]).exits(0);
    let three = files(&checkout.path("data"));
    assert!(three.iter().all(|(path, bytes)| all.get(path) == Some(bytes)), "{:?}", three.keys());
    let place = "data/runs/machine_class=";
    assert!(all.keys().any(|path| path.to_str().unwrap().contains(place)), "{:?}", all.keys());
}

#[test]
fn nothing_private_is_in_a_row() {
    let checkout = a_store();
    export(&checkout, &["--tokens"]).exits(0);
    let record = forged::record();
    let commit = record.arms[0].commit.as_ref().unwrap();
    let all: Vec<Row> = ["runs", "samples", "tokens", "guards", "verdicts", "pairs"]
        .iter()
        .flat_map(|table| rows(&checkout.path("data"), table))
        .collect();
    for private in [commit.subject.as_str(), "OMP_NUM_THREADS", commit.branch.as_deref().unwrap()] {
        let found = all.iter().flat_map(Row::iter).find(|(_, value)| value.contains(private));
        assert_eq!(found, None, "{private}");
    }
}

#[test]
fn exports_that_are_killed_and_eight_at_once_leave_no_row_lost_or_double() {
    let checkout = a_store();
    export(&checkout, &["--tokens"]).exits(0);
    let expected = files(&checkout.path("data"));
    fs::remove_dir_all(checkout.path("data")).unwrap();
    let words = ["history", "export", "--format", "parquet", "--tokens", "--output", "data"];
    let start = || {
        let mut command = checkout.command(words);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    for round in 0..100_u64 {
        let mut child = start();
        thread::sleep(Duration::from_micros(round * 400));
        child.kill().unwrap();
        child.wait().unwrap();
        let found = files(&checkout.path("data"));
        let whole = |name: &str| name.ends_with(".parquet");
        for (path, bytes) in found.iter().filter(|(path, _)| whole(path.to_str().unwrap())) {
            assert_eq!(Some(bytes), expected.get(path), "round {round}: {}", path.display());
        }
    }
    let mut all: Vec<_> = (0..8).map(|_| start()).collect();
    assert!(all.iter_mut().all(|child| child.wait().unwrap().success()));
    export(&checkout, &["--tokens"]).exits(0);
    assert_eq!(files(&checkout.path("data")), expected);
    assert_eq!(names(&rows(&checkout.path("data"), "runs")).len(), 5);
}

#[test]
fn two_records_of_one_id_are_two() {
    let checkout = Checkout::new();
    for when_utc in ["2026-08-30T10:00:00Z", "2026-08-30T11:00:00Z"] {
        forged::store(&checkout, &at(when_utc, verified("00000000000a")));
    }
    let files = checkout.record_files();
    let files: Vec<&str> = files.iter().map(|file| file.to_str().unwrap()).collect();
    export(&checkout, &files).exits(0).says("2 records in `data`");
    assert_eq!(rows(&checkout.path("data"), "runs").len(), 2);
    export(&checkout, &[]).exits(0).says("2 records in `data`, 2 of them there before");
    checkout
        .run(["history", "show", "00000000000a"])
        .exits(2)
        .refuses("`00000000000a` is the id of 2 records: `", "name the file of one of them");
    let ended = checkout.run(["compare", files[0], files[1]]);
    assert!(!ended.stderr.contains("are one record"), "{ended}");
    checkout.run(["compare", files[0], files[0]]).refuses("are one record", "name another");
}

#[test]
fn a_record_whose_machine_leads_out_of_the_folder_writes_nothing() {
    let checkout = Checkout::new();
    let mut record = verified("00000000000a");
    record.machine.slug = "../../../../out".to_owned();
    // No store takes it, and so somebody has written it by hand.
    let whole = encode(&verified("00000000000a")).unwrap();
    let end = whole.iter().position(|byte| *byte == b'\n').unwrap();
    let payload = format!("{}\n", serde_json::to_string(&record).unwrap());
    let header = String::from_utf8(whole[..end].to_vec()).unwrap();
    let sealed = header.replace(
        &arcgauge::record::header(&whole, "forged").unwrap().payload_sha256,
        &sha256_of_bytes(&payload),
    );
    fs::write(checkout.path("forged.json"), format!("{sealed}\n{payload}")).unwrap();
    export(&checkout, &["forged.json"]).refuses("has a machine that is no name", "leave it out");
    assert!(!checkout.path("data").exists());
}

#[test]
fn what_cannot_be_exported_so_is_refused() {
    let checkout = a_store();
    let ended = checkout.run(["history", "export", "--format", "parquet"]);
    ended.exits(2).refuses("`--format parquet` writes a folder of files", "--output DIR");
    let ended = checkout.run(["history", "export", "--format", "csv", "--tokens"]);
    ended.exits(2).refuses("`--tokens` is of `--format parquet` alone", "parquet");
    fs::write(checkout.path("data"), "a file").unwrap();
    assert!(export(&checkout, &[]).code != Some(0));
    assert_eq!(fs::read_to_string(checkout.path("data")).unwrap(), "a file");
}

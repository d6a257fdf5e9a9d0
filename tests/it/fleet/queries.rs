//! The queries of `reports/fleet/*.sql` on DuckDB: the same numbers as the records', and what was planted in an invented
//! fleet is found, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use arcgauge::places;
use arcgauge::record::{Experiment, sha256_of_file, utc_of_seconds};

use crate::checkout::{Checkout, repository};
use crate::ended::Ended;
use crate::fleet::{Row, a_store, export, records};
use crate::forged;
use crate::forged_pairs::{ab_by_prompt, head_alone};

/// Every query of `reports/fleet`.
pub(super) const QUERIES: [&str; 6] =
    ["creep", "driver-effect", "invalid", "regressions", "slow-units", "speed"];

pub(super) fn query_files() -> Vec<PathBuf> {
    QUERIES.iter().map(|name| repository().join("reports/fleet").join(name).with_extension("sql")).collect()
}

pub(super) fn query_script() -> PathBuf {
    repository().join("reports/fleet/query.py")
}

/// That has DuckDB.
pub(super) fn python() -> PathBuf {
    let list = repository().join("reports/fleet/requirements.txt");
    places::peer_dir("duckdb", &sha256_of_file(&list).unwrap()).unwrap().join("bin/python")
}

fn query(data: &Path, file: &Path) -> Ended {
    Ended::of(Command::new(python()).arg(query_script()).args([data, file]).output().unwrap())
}

/// The rows of a result that lies in a folder.
pub(super) fn result_in(folder: &Path, name: &str) -> Vec<Row> {
    let file = folder.join(name).with_extension("csv");
    csv::Reader::from_path(file).unwrap().deserialize().map(Result::unwrap).collect()
}

/// The result, a row a line.
fn result(ended: &Ended) -> Vec<Row> {
    let mut csv = csv::Reader::from_reader(ended.exits(0).stdout.as_bytes());
    csv.deserialize().map(Result::unwrap).collect()
}

fn result_of(data: &Path, name: &str) -> Vec<Row> {
    result(&query(data, &repository().join("reports/fleet").join(name)))
}

#[test]
fn every_generation_has_the_same_times_in_the_result_as_in_its_record() {
    let checkout = a_store();
    let data = checkout.path("data");
    // In two files each, as after an export of other records of the same day.
    for records in [&["00000000000a"][..], &[]] {
        export(&checkout, records).exits(0);
    }
    let file = checkout.path("query.sql");
    std::fs::write(&file, GENERATIONS).unwrap();
    let rows = result(&query(&data, &file));
    let found: BTreeSet<String> = rows.iter().map(in_one_line).collect();
    assert_eq!(rows.len(), found.len(), "none is double");
    assert_eq!(found, generations_of(&records(&checkout)));
}

/// The times of each generation.
pub(super) const GENERATIONS: &str =
    "SELECT record_sha256, arm, sample, decode_steps, ttft_ns, decode_ns, infer_ns FROM samples;";

/// The values of a row in the order of their columns' names.
pub(super) fn in_one_line(row: &Row) -> String {
    row.values().map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// The rows that [`GENERATIONS`] has to give for these records.
pub(super) fn generations_of(records: &BTreeMap<String, Experiment>) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for (sha256, record) in records {
        for (arm, of_arm) in record.arms.iter().enumerate() {
            for (number, sample) in of_arm.measured_samples().enumerate() {
                let times = sample.times.as_ref().unwrap();
                let ttft_ns = times.token_ns[0] - times.submitted_ns;
                let decode_ns = times.token_ns[times.token_ns.len() - 1] - times.token_ns[0];
                let (steps, infer_ns) = (sample.token_ids.len() - 1, times.infer_ns.iter().sum::<u64>());
                lines.insert(format!("{arm} {decode_ns} {steps} {infer_ns} {sha256} {number} {ttft_ns}"));
            }
        }
    }
    lines
}

/// The beginning of June 2026, UTC.
pub(super) const JUNE: i64 = 1_780_272_000;
pub(super) const DAY_S: i64 = 86_400;
const UNITS: usize = 12;
const SLOW: usize = 7;
const CREEPS: usize = 9;
/// Units before this one have a new driver from August on, by which they are 10 % slower.
const NEW_DRIVER: usize = 6;

pub(super) fn unit(number: usize) -> String {
    format!("{number:032x}")
}

/// A run a week of each unit over three months, with half a percent of noise.
pub(super) fn a_fleet() -> Checkout {
    let checkout = Checkout::new();
    let mut chance = fastrand::Rng::with_seed(22);
    for number in 0..UNITS {
        for week in 0..13 {
            let at_s = JUNE + i64::try_from(week * 7 + number % 7).unwrap() * DAY_S;
            let has_new_driver = number < NEW_DRIVER && at_s >= JUNE + 61 * DAY_S;
            let mut factor = 1.0 + 0.01 * (chance.f64() - 0.5);
            factor *= if number == SLOW { 1.2 } else { 1.0 };
            factor *= if has_new_driver { 1.1 } else { 1.0 };
            factor *= if number == CREEPS { 1.0 + 0.1 * week as f64 / 13.0 } else { 1.0 };
            let mut run = head_alone(&ab_by_prompt(&[[0.0; 3]; 2], 2e7 * factor));
            run.run_id = format!("{:012x}", number * 100 + week + 1);
            run.when_utc = utc_of_seconds(at_s).unwrap();
            run.unit_id = Some(unit(number));
            run.machine.gpu_driver = Some(if has_new_driver { "26.2" } else { "26.1" }.to_owned());
            forged::store(&checkout, &run);
        }
    }
    checkout
}

#[test]
fn what_was_planted_in_a_fleet_is_found_and_nothing_besides() {
    let checkout = a_fleet();
    export(&checkout, &[]).exits(0);
    let data = checkout.path("data");
    let slow = result_of(&data, "slow-units.sql");
    let units: Vec<&str> = slow.iter().map(|row| row["unit_id"].as_str()).collect();
    assert_eq!(units, [unit(SLOW)], "{slow:?}");
    let over: f64 = slow[0]["over_median"].parse().unwrap();
    assert!((1.18..1.22).contains(&over), "{over}");
    let drivers = result_of(&data, "driver-effect.sql");
    assert_eq!(drivers.len(), 1, "{drivers:?}");
    assert_eq!((drivers[0]["before"].as_str(), drivers[0]["after"].as_str()), ("26.1", "26.2"));
    let ratio: f64 = drivers[0]["tpot_ratio"].parse().unwrap();
    assert!((1.07..1.12).contains(&ratio), "{ratio}");
    let creep = result_of(&data, "creep.sql");
    let units: Vec<&str> = creep.iter().map(|row| row["unit_id"].as_str()).collect();
    assert_eq!(units, [unit(CREEPS)], "{creep:?}");
    let speed = result_of(&data, "speed.sql");
    assert_eq!((speed.len(), speed[0]["units"].as_str()), (1, "12"), "{speed:?}");
    let all: Vec<Experiment> = records(&checkout).into_values().collect();
    let newest = all.iter().map(|record| &record.when_utc).max().unwrap();
    let newest_s = arcgauge::record::seconds_of_utc(newest).unwrap();
    let recent = all.iter().filter(|record| {
        arcgauge::record::seconds_of_utc(&record.when_utc).unwrap() >= newest_s - 30 * DAY_S
    });
    let decode_ns: u64 = recent
        .flat_map(|record| record.arms[0].measured_samples())
        .map(|sample| {
            let times = &sample.times.as_ref().unwrap().token_ns;
            times[times.len() - 1] - times[0]
        })
        .sum();
    assert_eq!(speed[0]["decode_ns"], decode_ns.to_string());
}

#[test]
fn verdicts_and_guards_are_counted() {
    let checkout = a_store();
    export(&checkout, &[]).exits(0);
    let regressions = result_of(&checkout.path("data"), "regressions.sql");
    assert_eq!(regressions.len(), 1, "{regressions:?}");
    assert_eq!((regressions[0]["experiments"].as_str(), regressions[0]["regressed"].as_str()), ("1", "1"));
    let invalid = result_of(&checkout.path("data"), "invalid.sql");
    assert!(invalid.iter().all(|row| row["tripped"] != "0"), "{invalid:?}");
}

#[test]
fn a_query_that_cannot_be_run_is_refused_with_its_cause() {
    let checkout = Checkout::new();
    for (data, file) in [("nosuch", "speed.sql"), ("nosuch", "nosuch.sql")] {
        let ended = query(&checkout.path(data), &repository().join("reports/fleet").join(file));
        assert!(ended.code == Some(1) && ended.stderr.starts_with("error: the query"), "{ended}");
        assert!(ended.stderr.contains(file) && ended.stderr.contains("hint: name the folder"), "{ended}");
        assert!(ended.stdout.is_empty(), "{ended}");
    }
}

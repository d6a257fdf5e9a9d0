//! The index never says anything but what the records say, and baselines are chosen by ancestry.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use arcgauge::engine::openvino::DeviceFacts;
use arcgauge::golden::GoldenResult;
use arcgauge::judge::summarise;
use arcgauge::measure::Metric;
use arcgauge::record::{Ancestry, Entry, Epoch, Experiment, History, Series, series_csv, sort_along};

use crate::checkout::Checkout;
use crate::forged;
use crate::history::a_store;

/// A run that others may be compared with.
pub(crate) fn verified(run_id: &str) -> Experiment {
    let mut record = Experiment { run_id: run_id.to_owned(), ..forged::record() };
    record.arms[0].prompts[0].golden = GoldenResult::Match;
    record
}

/// The same of a commit.
fn of_commit(run_id: &str, sha: &str) -> Experiment {
    let mut record = verified(run_id);
    sha.clone_into(&mut record.arms[0].commit.as_mut().unwrap().sha);
    record
}

fn ids(entries: &[Entry]) -> BTreeSet<&str> {
    entries.iter().map(|entry| entry.run_id.as_str()).collect()
}

#[test]
fn only_what_is_new_is_opened_and_what_is_gone_is_forgotten() {
    let (_folder, history) = a_store();
    assert!(history.index().entries.is_empty() && !history.root().exists(), "it only looks");
    let first = history.add(&verified("00000000000a")).unwrap();
    history.add(&forged::ab_record()).unwrap();
    assert_eq!(history.index().opened, 2);
    let again = history.index();
    assert_eq!((again.opened, ids(&again.entries)), (0, ["00000000000a", "abababababab"].into()));
    history.add(&verified("00000000000b")).unwrap();
    assert_eq!(history.index().opened, 1);
    fs::remove_file(first).unwrap();
    let index = history.index();
    assert_eq!((index.opened, ids(&index.entries)), (0, ["00000000000b", "abababababab"].into()));
    assert_eq!(history.rebuilt_index().entries, index.entries);
}

#[test]
fn an_index_that_is_damaged_or_of_another_store_changes_nothing() {
    let (folder, history) = a_store();
    history.add(&verified("00000000000a")).unwrap();
    let reported = history.index().entries;
    let file = history.root().join("index.json");
    let whole = fs::read(&file).unwrap();
    // Not each byte, for each time the index is rebuilt and synced.
    for at in (0..whole.len()).step_by(9) {
        let mut altered = whole.clone();
        altered[at] ^= 1;
        fs::write(&file, &altered).unwrap();
        assert_eq!(history.index().entries, reported, "byte {at}");
    }
    for length in (0..whole.len()).step_by(9) {
        fs::write(&file, &whole[..length]).unwrap();
        assert_eq!(history.index().entries, reported, "cut off at {length}");
    }
    let other = History::at(folder.path().join("other"));
    fs::create_dir(other.root()).unwrap();
    fs::write(other.root().join("index.json"), &whole).unwrap();
    assert!(other.index().entries.is_empty(), "it names records that are not there");
}

#[test]
fn a_damaged_or_misplaced_record_is_named_and_not_listed_even_where_it_was_listed_before() {
    let (_folder, history) = a_store();
    let path = history.add(&verified("00000000000a")).unwrap();
    assert_eq!(history.index().entries.len(), 1);
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 9;
    bytes[last] ^= 1;
    // The size is the same, and so may be the time of the last write.
    let written = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, &bytes).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(written).unwrap();
    let index = history.index();
    assert!(index.entries.is_empty());
    assert!(index.damaged[0].1.to_string().contains("is altered"), "{:?}", index.damaged);

    bytes[last] ^= 1;
    fs::write(&path, &bytes).unwrap();
    assert_eq!(history.index().entries.len(), 1, "fixed");
    let elsewhere = path.with_file_name("20991124T050000Z-00000000000a.json");
    fs::rename(&path, elsewhere).unwrap();
    let error = &history.index().damaged[0].1;
    assert!(error.to_string().contains("` belongs at `a-machine/5555"), "{error}");
}

#[test]
fn a_store_that_takes_no_index_is_read_all_the_same() {
    let (folder, history) = a_store();
    history.add(&verified("00000000000a")).unwrap();
    // A link to nowhere can be written by nobody, not even root.
    symlink(folder.path().join("no/where"), history.root().join("index.json")).unwrap();
    fs::write(folder.path().join("no"), "").unwrap();
    let index = history.index();
    assert_eq!(index.entries.len(), 1);
}

#[test]
fn the_values_of_a_list_are_those_of_the_table() {
    let record = verified("00000000000a");
    let entry = Entry::of("a".into(), &record.clone());
    let (metric_values, average) =
        (entry.metric_values.unwrap(), summarise(&record.arms[0]).average.unwrap().mean);
    assert_eq!(metric_values.ttft_ms.to_bits(), average.get_or_nan(Metric::TimeToFirstToken).to_bits());
    assert_eq!(metric_values.tpot_ms.to_bits(), average.get_or_nan(Metric::TimePerOutputToken).to_bits());
    assert_eq!(metric_values.latency_s.to_bits(), average.get_or_nan(Metric::EndToEndLatency).to_bits());
    assert_eq!(
        metric_values.throughput_tok_s.to_bits(),
        average.get_or_nan(Metric::EndToEndThroughput).to_bits()
    );
    let summary = summarise(&record.arms[0]);
    for (metric_values, prompt) in metric_values.prompts.iter().zip(&summary.prompts) {
        let mean = prompt.metric_values.as_ref().unwrap().mean.clone();
        assert_eq!(metric_values.id, prompt.id);
        assert_eq!(metric_values.tpot_ms.to_bits(), mean.get_or_nan(Metric::TimePerOutputToken).to_bits());
        assert_eq!(metric_values.ttft_ms.to_bits(), mean.get_or_nan(Metric::TimeToFirstToken).to_bits());
        assert_eq!(
            metric_values.throughput_tok_s.to_bits(),
            mean.get_or_nan(Metric::EndToEndThroughput).to_bits()
        );
    }
    assert_eq!(metric_values.prompts.len(), summary.prompts.len());
    assert_eq!(metric_values.process_tpot_ms, [metric_values.tpot_ms], "there is one process");
    assert_eq!(metric_values.peak_rss_bytes, summary.peak_rss_bytes);
    assert!((metric_values.load.unwrap().mean_s - 1.5).abs() < 1e-9);
    assert_eq!(metric_values.published_tok_s, None, "it is of another model");
    assert_eq!(entry.warning_ids, ["a-kind"]);
    assert_eq!(entry.golden, Some(GoldenResult::Match));
}

#[test]
fn whatever_makes_values_unlike_begins_another_series_or_another_epoch() {
    let record = verified("00000000000a");
    let (series, epoch) = (Series::of(record.subject()), Epoch::of(record.subject()));
    let begins_a_series = |edit: fn(&mut Experiment)| {
        let mut other = record.clone();
        edit(&mut other);
        assert_ne!(Series::of(other.subject()).id, series.id);
    };
    begins_a_series(|it| it.machine.sha256 = "9".repeat(64));
    begins_a_series(|it| it.arms[0].model.sha256 = "9".repeat(64));
    begins_a_series(|it| it.arms[0].workload.sha256 = "9".repeat(64));
    begins_a_series(|it| it.arms[0].device = forged::a_gpu());
    begins_a_series(|it| it.arms[0].runtime.as_mut().unwrap().openvino_version = "2027.0.0".into());
    begins_a_series(|it| {
        it.arms[0].runtime.as_mut().unwrap().properties_effective.clear();
    });
    let mut later = record.clone();
    later.machine.kernel = Some("6.2".into());
    later.machine.gpu_driver = Some("32.0.1".into());
    later.machine.gpu = Some("Another name".into());
    assert_eq!(Series::of(later.subject()), series, "a driver is no other machine");
    let later = Epoch::of(later.subject());
    assert_ne!(later.id, epoch.id);
    let changes = later.changes_since(&epoch);
    let reported: Vec<_> =
        changes.iter().map(|it| (it.part.as_str(), it.from.as_deref(), it.to.as_deref())).collect();
    assert_eq!(reported, [("gpu driver", None, Some("32.0.1")), ("kernel", Some("6.1"), Some("6.2"))]);
}

/// The part of an epoch, and what changes it.
type DriverChange<'a> = (&'a str, fn(&mut DeviceFacts));

#[test]
fn any_change_of_the_gpu_s_drivers_begins_an_epoch_of_one_series() {
    let with = |edit: fn(&mut DeviceFacts)| {
        let mut facts = DeviceFacts {
            driver_version: Some("26.05.1".into()),
            opencl_version: Some("OpenCL 3.0 NEO".into()),
            kernel_driver: Some("xe".into()),
            ..forged::arc(Some(true)).ran.unwrap().facts().clone()
        };
        edit(&mut facts);
        let mut record = verified("00000000000a");
        record.machine.gpu_driver = facts.driver_version.clone();
        record.arms[0].device = forged::gpu_with(facts);
        (Series::of(record.subject()), Epoch::of(record.subject()))
    };
    let (series, epoch) = with(|_| ());
    let cases: [DriverChange<'_>; 5] = [
        ("gpu driver", |facts| facts.driver_version = Some("26.18.1".into())),
        ("gpu driver", |facts| facts.driver_version = None),
        ("gpu driver's opencl", |facts| facts.opencl_version = Some("OpenCL 3.1 NEO".into())),
        ("gpu kernel driver", |facts| facts.kernel_driver = Some("i915".into())),
        ("gpu kernel driver", |facts| facts.kernel_driver_version = Some("1.2".into())),
    ];
    for (part, edit) in cases {
        let (later_series, later) = with(edit);
        let changes = later.changes_since(&epoch);
        assert_eq!(changes.iter().map(|it| it.part.as_str()).collect::<Vec<_>>(), [part]);
        assert_eq!(later_series.id, series.id, "{part}");
    }
}

#[test]
fn an_emulated_device_is_no_baseline_and_in_a_series_of_its_own() {
    let entry = |device| {
        let mut record = verified("00000000000a");
        record.arms[0].device = device;
        Entry::of("a".into(), &record)
    };
    let (genuine, emulated) = (entry(forged::arc(Some(true))), entry(forged::an_emulated_arc()));
    assert!(genuine.may_be_baseline() && !emulated.may_be_baseline());
    assert_ne!(genuine.setting.series.id, emulated.setting.series.id);
    assert_ne!(genuine.setting.line(), emulated.setting.line());
}

/// A repository with so many commits on a line, the first one first.
fn line(checkout: &Checkout, commits: usize) -> Vec<String> {
    let mut line = vec![checkout.commit()];
    for number in 1..commits {
        checkout.git(&["commit", "--quiet", "--allow-empty", "--message", &format!("Commit {number}")]);
        line.push(checkout.git(&["rev-parse", "HEAD"]).trim().to_owned());
    }
    line
}

#[test]
fn a_merged_branch_is_no_ancestor_and_a_shallow_clone_says_that_it_is_one() {
    let checkout = Checkout::new();
    let line = line(&checkout, 2);
    checkout.git(&["checkout", "--quiet", "-b", "side", &line[0]]);
    checkout.git(&["commit", "--quiet", "--allow-empty", "--message", "Aside"]);
    let aside = checkout.git(&["rev-parse", "HEAD"]).trim().to_owned();
    checkout.git(&["checkout", "--quiet", "-"]);
    checkout.git(&["checkout", "--quiet", "--detach", &line[1]]);
    checkout.git(&["merge", "--quiet", "--no-ff", "--message", "Merge", "side"]);
    let ancestry = Ancestry::of_head(&checkout.path("")).unwrap();
    assert_eq!((ancestry.distance(&line[1]), ancestry.distance(&line[0])), (Some(1), Some(2)));
    assert_eq!(ancestry.distance(&aside), None);
    assert_eq!(ancestry.warning(), None);

    let clones = tempfile::tempdir().unwrap();
    let from = format!("file://{}", checkout.path("").display());
    let to = clones.path().join("shallow");
    checkout.git(&["clone", "--quiet", "--depth", "1", &from, to.to_str().unwrap()]);
    let shallow = Ancestry::of_head(&to).unwrap();
    assert_eq!(shallow.warning().unwrap().id, "shallow-history");
    assert_eq!(shallow.distance(&line[0]), None);
}

#[test]
fn lists_follow_the_commits_and_not_the_clock() {
    let checkout = Checkout::new();
    let line = line(&checkout, 3);
    let at = |run_id: &str, sha: &str, when: &str, author: &str| {
        let mut record = of_commit(run_id, sha);
        record.when_utc = when.into();
        record.arms[0].commit.as_mut().unwrap().author_date_utc = author.into();
        Entry::of(Path::new(run_id).to_owned(), &record)
    };
    let stray = "a".repeat(40);
    let entries = [
        at("measured late", &line[0], "2026-12-24T00:00:00Z", "2026-01-01T00:00:00Z"),
        at("tip", &line[2], "2026-11-01T00:00:00Z", "2026-01-03T00:00:00Z"),
        at("tip again", &line[2], "2026-11-02T00:00:00Z", "2026-01-03T00:00:00Z"),
        at("stray, old", &stray, "2026-12-25T00:00:00Z", "2025-01-01T00:00:00Z"),
        at("stray, young", &stray, "2026-10-25T00:00:00Z", "2026-06-01T00:00:00Z"),
    ];
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sort_along(&mut sorted, &Ancestry::of_head(&checkout.path("")).unwrap());
    let order: Vec<&str> = sorted.iter().map(|entry| entry.run_id.as_str()).collect();
    assert_eq!(order, ["tip again", "tip", "measured late", "stray, young", "stray, old"]);
}

#[test]
fn a_series_is_a_table_of_times_commits_and_values_without_gaps() {
    let entries = [verified("00000000000a"), forged::record()].map(|record| Entry::of("a".into(), &record));
    let csv = series_csv(&entries.iter().collect::<Vec<_>>()).unwrap();
    let sha = "5".repeat(40);
    assert_eq!(
        csv,
        format!(
            "time,commit,ttft@1,tpot@1,e2e_latency@1,e2e_throughput@1\n\
             2026-11-23T04:00:00Z,{sha},200,47,0.294,10.204081632653061\n"
        ),
        "an unverified run has no row"
    );
}

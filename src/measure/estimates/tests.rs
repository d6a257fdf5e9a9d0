//! Small folders made by hand, of the form that Criterion's own have.

use tempfile::TempDir;

use super::*;
use crate::error::ErrorKind as Kind;

const ESTIMATES: &str = r#"{
    "mean":{"confidence_interval":{"confidence_level":0.95,"lower_bound":90.5,"upper_bound":112.25},
            "point_estimate":100.0,"standard_error":5.5},
    "median":{"confidence_interval":{"confidence_level":0.95,"lower_bound":1.0,"upper_bound":3.0},
              "point_estimate":2.0,"standard_error":0.5},
    "slope":null}"#;
const SAMPLE: &str = r#"{"sampling_mode":"Flat","iters":[1.0,1.0,2.0],"times":[100.0,90.0,220.0]}"#;

/// Puts a benchmark's last run into a home.
fn add(home: &Path, folder: &str, id: &str) -> PathBuf {
    let run = home.join(folder).join("new");
    fs::create_dir_all(&run).unwrap();
    let benchmark = format!(r#"{{"group_id":"g","function_id":null,"full_id":"{id}","title":"{id}"}}"#);
    fs::write(run.join("benchmark.json"), benchmark).unwrap();
    fs::write(run.join("estimates.json"), ESTIMATES).unwrap();
    fs::write(run.join("sample.json"), SAMPLE).unwrap();
    run
}

fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn every_benchmark_is_read_whatever_its_depth_and_sorted_by_its_full_name() {
    let home = home();
    add(home.path(), "prefill/ttft@1/fibonacci", "prefill/ttft@1/fibonacci");
    add(home.path(), "argmax over 201,088 logits/hot", "argmax over 201,088 logits/hot");
    add(home.path(), "alone", "alone");
    let estimates = read_estimates(home.path()).unwrap();
    let ids: Vec<&str> = estimates.iter().map(|estimate| estimate.id.as_str()).collect();
    assert_eq!(ids, ["alone", "argmax over 201,088 logits/hot", "prefill/ttft@1/fibonacci"]);
    assert_eq!(
        estimates[0],
        Estimate {
            id: "alone".into(),
            mean_ns: 100.0,
            mean_lower_ns: 90.5,
            mean_upper_ns: 112.25,
            confidence: 0.95,
            samples: 3,
        }
    );
}

#[test]
fn links_lead_in_no_circle() {
    let home = home();
    add(home.path(), "one", "one");
    for name in ["a", "b"] {
        std::os::unix::fs::symlink(".", home.path().join(name)).unwrap();
    }
    assert_eq!(read_estimates(home.path()).unwrap().len(), 1);
}

#[test]
fn earlier_runs_and_criterion_s_own_pages_are_no_benchmarks() {
    let home = home();
    let run = add(home.path(), "one", "one");
    for other in ["base", "change", "report"] {
        let folder = run.with_file_name(other);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("estimates.json"), "{}").unwrap();
    }
    fs::create_dir(home.path().join("report")).unwrap();
    assert_eq!(read_estimates(home.path()).unwrap().len(), 1);
}

#[test]
fn a_home_without_results_is_an_error_that_says_how_to_get_some() {
    let home = home();
    for folder in [home.path().to_owned(), home.path().join("no-such-folder")] {
        let error = read_estimates(&folder).unwrap_err();
        assert_eq!(error.kind(), Kind::Input);
        assert!(error.to_string().contains(&folder.display().to_string()), "{error}");
        assert!(error.hint_text().unwrap().contains("cargo bench --locked"));
    }
}

#[test]
fn a_missing_or_damaged_file_is_an_error_with_its_path_and_no_benchmark_left_out() {
    for name in ["benchmark.json", "estimates.json", "sample.json"] {
        let home = home();
        add(home.path(), "whole", "whole");
        let file = add(home.path(), "damaged", "damaged").join(name);
        for damage in ["", "{\"mean\":", "[]", "{\"mean\":{\"point_estimate\":null}}"] {
            fs::write(&file, damage).unwrap();
            let error = read_estimates(home.path()).unwrap_err();
            assert!(error.to_string().contains(&file.display().to_string()), "{error}");
            assert!(error.hint_text().is_some());
        }
        fs::remove_file(&file).unwrap();
        let error = read_estimates(home.path()).unwrap_err();
        assert!(error.to_string().contains(&file.display().to_string()), "{error}");
    }
}

#[test]
fn figures_that_cannot_be_a_mean_and_its_interval_are_refused() {
    let home = home();
    let run = add(home.path(), "one", "one");
    for (right, wrong) in [
        ("90.5", "-1.0"),
        ("90.5", "100.5"),
        ("112.25", "99.0"),
        ("\"confidence_level\":0.95,\"lower_bound\":90", "\"confidence_level\":95.0,\"lower_bound\":90"),
    ] {
        fs::write(run.join("estimates.json"), ESTIMATES.replace(right, wrong)).unwrap();
        let error = read_estimates(home.path()).unwrap_err();
        assert!(error.to_string().contains("estimates.json"), "{wrong}: {error}");
    }
    fs::write(run.join("estimates.json"), ESTIMATES).unwrap();
    fs::write(run.join("sample.json"), r#"{"times":[]}"#).unwrap();
    assert!(read_estimates(home.path()).unwrap_err().to_string().contains("from `0` measurements"));
}

//! What the Criterion benches found, read from the files that they leave, and running them.
//!
//! Criterion 0.8 keeps each benchmark's last run in a folder `new` below its home:
//! `benchmark.json` (which one it is), `estimates.json` (statistics over the sample, ns an iteration)
//! and `sample.json` (the sample).

mod running;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files::{self, FileKind};

pub use running::{BenchesEnded, run_benches};

/// The folder of a benchmark's last run, and the file in it that names the benchmark.
const LAST_RUN: &str = "new";
const BENCHMARK: &str = "benchmark.json";

const AGAIN: &str = "remove the folder and run the benches again: `cargo bench --locked`";

/// How long one iteration of a benchmark takes: the mean over its sample, with the confidence interval
/// that Criterion found by bootstrap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The benchmark's full name, as in "prefill/ttft@1/fibonacci".
    pub id: String,
    /// The mean, ns.
    pub mean_ns: f64,
    /// Lower end of the mean's confidence interval, ns.
    pub mean_lower_ns: f64,
    /// Upper end of the mean's confidence interval, ns.
    pub mean_upper_ns: f64,
    /// The interval's level, as in 0.95.
    pub confidence: f64,
    /// Measurements in the sample; each is of one iteration or of many.
    pub samples: usize,
}

/// `benchmark.json`.
#[derive(Deserialize)]
struct Benchmark {
    full_id: String,
}

/// `estimates.json`.
#[derive(Deserialize)]
struct Statistics {
    mean: Mean,
}

#[derive(Deserialize)]
struct Mean {
    confidence_interval: Interval,
    point_estimate: f64,
}

#[derive(Deserialize)]
struct Interval {
    confidence_level: f64,
    lower_bound: f64,
    upper_bound: f64,
}

/// `sample.json`.
#[derive(Deserialize)]
struct SampleFile {
    times: Vec<f64>,
}

/// Reads the estimates of all benchmarks below Criterion's home, sorted by id.
///
/// # Errors
/// When there is none, or a file of one is missing or damaged.
pub fn read_estimates(criterion_home: &Path) -> Result<Vec<Estimate>> {
    let mut runs = Vec::new();
    collect_runs(criterion_home, &mut runs)?;
    if runs.is_empty() {
        return Err(Error::input(format!("no bench has left results in `{}`", criterion_home.display()))
            .hint("run them: `cargo bench --locked`"));
    }
    let mut estimates: Vec<Estimate> = runs.iter().map(|run| read_estimate(run)).collect::<Result<_>>()?;
    estimates.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(estimates)
}

fn collect_runs(folder: &Path, runs: &mut Vec<PathBuf>) -> Result<()> {
    let unreadable = |cause| Error::io("read", folder, &cause).as_input().hint(AGAIN);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(()),
        Err(cause) => return Err(unreadable(cause)),
    };
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        // A link may lead in a circle.
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let path = entry.path();
        if path.file_name().is_some_and(|name| name == LAST_RUN) {
            runs.push(path);
        } else {
            collect_runs(&path, runs)?;
        }
    }
    Ok(())
}

fn read_estimate(run: &Path) -> Result<Estimate> {
    let benchmark: Benchmark = read(&run.join(BENCHMARK))?;
    let file = run.join("estimates.json");
    let Mean { confidence_interval: interval, point_estimate } = read::<Statistics>(&file)?.mean;
    let SampleFile { times } = read(&run.join("sample.json"))?;
    let estimate = Estimate {
        id: benchmark.full_id,
        mean_ns: point_estimate,
        mean_lower_ns: interval.lower_bound,
        mean_upper_ns: interval.upper_bound,
        confidence: interval.confidence_level,
        samples: times.len(),
    };
    let Estimate { mean_ns, mean_lower_ns, mean_upper_ns, confidence, samples, .. } = estimate;
    let in_order = 0.0 <= mean_lower_ns && mean_lower_ns <= mean_ns && mean_ns <= mean_upper_ns;
    if !in_order || !(0.0..=1.0).contains(&confidence) || samples == 0 {
        return Err(damaged(
            &file,
            &format!(
                "a mean of `{mean_ns}` ns between `{mean_lower_ns}` and `{mean_upper_ns}` at confidence \
                 `{confidence}` from `{samples}` measurements"
            ),
        ));
    }
    Ok(estimate)
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = files::read(path, FileKind::Text).map_err(|error| error.hint(AGAIN))?;
    serde_json::from_slice(&text).map_err(|cause| damaged(path, &cause.to_string()))
}

fn damaged(path: &Path, what: &str) -> Error {
    Error::input(format!("`{}` is not what Criterion writes: {what}", path.display())).hint(AGAIN)
}

#[cfg(test)]
mod tests;

//! Compares two experiments: what differs in their environment first, then every metric that may be compared.
//!
//! `cargo run --release --example judge_two_experiments -- A.json B.json`
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::env;
use std::path::PathBuf;

use arcgauge::error::{Error, Result};
use arcgauge::judge::comparability::TwoRuns;
use arcgauge::record::{Experiment, History};

fn main() -> Result<()> {
    let files: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [a, b] = files.as_slice() else {
        return Err(
            Error::input("name the files of two records").hint("`cargo xtask history list` names them")
        );
    };
    for line in lines(&History::read(a)?.record, &History::read(b)?.record) {
        println!("{line}");
    }
    Ok(())
}

/// The result in lines. Two separate runs have no verdict: only interleaved pairs (`cargo xtask ab`) have one.
pub(crate) fn lines(a: &Experiment, b: &Experiment) -> Vec<String> {
    let judged = TwoRuns::of(a.subject(), b.subject());
    let mut lines = vec![format!("comparability: {:?}", judged.comparability)];
    for (name, side) in [("A", &judged.a), ("B", &judged.b)] {
        let reason = side.no_speed_reason.as_ref().or(side.doubted_reason.as_ref());
        lines.extend(reason.map(|reason| format!("{name} has no valid times: {reason}")));
    }
    for it in &judged.differences {
        let [a, b] = [&it.a, &it.b].map(|value| value.as_deref().unwrap_or("none"));
        lines.push(format!("differs: {}: {a} / {b}", it.what));
    }
    let compared = judged.metric_values.iter().filter_map(|pair| Some((pair, pair.change?)));
    lines.extend(compared.map(|(pair, change)| {
        format!("{} {}: x {:.3}", pair.metric.id(), pair.prompt.as_deref().unwrap_or("mean"), change.ratio)
    }));
    lines
}

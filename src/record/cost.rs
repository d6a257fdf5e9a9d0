//! Where the time of a run went.

use serde::{Deserialize, Serialize};

/// Wall time of a run by what it was spent on, ns. What is left over is the harness's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HarnessCost {
    /// From the command's begin until the record was ready to be written; telling it comes after.
    pub wall_ns: u64,
    /// Waiting for the device lock.
    pub lock_wait_ns: u64,
    /// Hashing the model's files and the worker's.
    pub hashing_ns: u64,
    /// Waiting for the machine to become idle before the first process, and to cool down before others.
    pub cool_down_ns: u64,
    /// The bandwidth reference kernel.
    pub bandwidth_reference_ns: u64,
    /// Criterion's benches, where they were requested.
    pub criterion_ns: u64,
    /// Loads of all workers.
    pub load_ns: u64,
    /// Generations of all workers, the warm-ups among them.
    pub generation_ns: u64,
    /// Untimed passes of the last worker: judging and the probe.
    pub untimed_pass_ns: u64,
}

impl HarnessCost {
    /// Wall time less what is reported apart (cool-down, bandwidth reference, hashing, lock, Criterion, and the untimed
    /// passes by which outputs are judged), over what the workers took for loading and generating; None
    /// where they took nothing.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        let apart = [
            self.lock_wait_ns,
            self.hashing_ns,
            self.cool_down_ns,
            self.bandwidth_reference_ns,
            self.criterion_ns,
            self.untimed_pass_ns,
        ];
        // In floating point: a record may say anything, and these sums of it do not overflow.
        let apart: f64 = apart.iter().map(|ns| *ns as f64).sum();
        let workers = self.load_ns as f64 + self.generation_ns as f64;
        (workers > 0.0).then(|| (self.wall_ns as f64 - apart).max(0.0) / workers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reported_apart_does_not_count_as_the_harness_s_own() {
        let cost = HarnessCost {
            wall_ns: 170,
            lock_wait_ns: 10,
            hashing_ns: 10,
            cool_down_ns: 10,
            bandwidth_reference_ns: 10,
            criterion_ns: 10,
            load_ns: 40,
            generation_ns: 60,
            untimed_pass_ns: 10,
        };
        assert!((cost.ratio().unwrap() - 1.1).abs() < 1e-12);
        assert_eq!(HarnessCost::default().ratio(), None);
    }

    #[test]
    fn times_of_any_size_have_a_ratio() {
        let most = u64::MAX;
        let cost = HarnessCost {
            wall_ns: most,
            lock_wait_ns: most,
            cool_down_ns: most,
            load_ns: most,
            generation_ns: most,
            ..HarnessCost::default()
        };
        assert_eq!(cost.ratio(), Some(0.0));
    }
}

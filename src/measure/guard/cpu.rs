//! The processor: how its clock is governed, and how often it had to slow down for heat.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::sys::{Observed, SysfsRoot, Unavailable};

const CPU: &str = "sys/devices/system/cpu";

/// How the clock is governed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuPolicy {
    /// The governors in use, each once; one on most machines.
    pub governors: Observed<Vec<String>>,
    /// The energy preferences in use, each once.
    pub energy_preferences: Observed<Vec<String>>,
    /// Whether turbo is switched off.
    pub is_turbo_off: Observed<bool>,
}

impl CpuPolicy {
    /// What is set now.
    #[must_use]
    pub fn read(root: &SysfsRoot) -> Self {
        let no_turbo = root.number::<u32>(&format!("{CPU}/intel_pstate/no_turbo"));
        Self {
            governors: each_once(root, "cpufreq/scaling_governor").into(),
            energy_preferences: each_once(root, "cpufreq/energy_performance_preference").into(),
            is_turbo_off: no_turbo.map(|off| off != 0).into(),
        }
    }
}

/// How often the processor throttled for heat since it was started: the sum over the cores, and the
/// package's own count once, for every core repeats it.
///
/// # Errors
/// When no core tells.
pub(super) fn throttle_count(root: &SysfsRoot) -> Result<u64, Unavailable> {
    let mut cores: Option<u64> = None;
    let mut package: Option<u64> = None;
    let mut reason = None;
    for core in root.numbered(CPU, "cpu")? {
        let count = |which: &str| {
            root.number::<u64>(&format!("{CPU}/cpu{core}/thermal_throttle/{which}_throttle_count"))
        };
        match count("core") {
            Ok(more) => cores = Some(cores.unwrap_or_default().saturating_add(more)),
            // A core that is switched off has no counts.
            Err(unavailable) => reason = reason.or(Some(unavailable)),
        }
        package = package.max(count("package").ok());
    }
    match (cores, package, reason) {
        (None, None, Some(reason)) => Err(reason),
        (cores, package, _) => Ok(cores.unwrap_or_default().saturating_add(package.unwrap_or_default())),
    }
}

/// The values of a file of every core, each once, sorted.
fn each_once(root: &SysfsRoot, file: &str) -> Result<Vec<String>, Unavailable> {
    let mut values = BTreeSet::new();
    let mut reason = Unavailable::because(format!("there is no `/{CPU}/cpu*/{file}`"));
    for core in root.numbered(CPU, "cpu")? {
        match root.text(&format!("{CPU}/cpu{core}/{file}")) {
            Ok(value) => drop(values.insert(value)),
            Err(unavailable) => reason = unavailable,
        }
    }
    if values.is_empty() { Err(reason) } else { Ok(values.into_iter().collect()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::kernel_tree::Tree;

    #[test]
    fn the_policy_names_every_setting_once() {
        let tree = Tree::xe().file(&format!("{CPU}/cpu1/cpufreq/scaling_governor"), "powersave");
        let policy = CpuPolicy::read(&tree.root());
        assert_eq!(policy.governors, Observed::Observed(vec!["performance".into(), "powersave".into()]));
        assert_eq!(policy.energy_preferences, Observed::Observed(vec!["performance".into()]));
        assert_eq!(policy.is_turbo_off, Observed::Observed(false));
    }

    #[test]
    fn a_virtual_machine_without_governors_says_so() {
        let tree = Tree::new().file(&format!("{CPU}/cpu0/online"), "1").file(&format!("{CPU}/cpufreq/x"), "");
        let policy = CpuPolicy::read(&tree.root());
        assert!(policy.governors.known().unwrap_err().reason.contains("scaling_governor"));
        assert!(policy.is_turbo_off.value().is_none());
        assert!(throttle_count(&tree.root()).is_err());
    }

    #[test]
    fn throttle_counts_add_up_over_the_cores_and_count_the_package_once() {
        assert_eq!(throttle_count(&Tree::xe().root()), Ok(3 + 3 + 7));
        let off = Tree::xe();
        off.remove(&format!("{CPU}/cpu1/thermal_throttle"));
        assert_eq!(throttle_count(&off.root()), Ok(3 + 7));
    }
}

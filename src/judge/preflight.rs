//! What to fix before measuring: advice, not a verdict.

use crate::judge::environment::{Guard, threshold};
use crate::measure::guard::{MachineFacts, MachineReading};

/// Something that will show in the measurement, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// The guard that it will trip, or would have to excuse.
    pub guard: Guard,
    /// What is fault, with the reading.
    pub problem: String,
    /// What to do.
    pub fix: String,
}

/// Looks at a machine on which nothing of ours runs yet. What cannot be read gives no advice.
pub fn preflight(facts: &MachineFacts, reading: &MachineReading) -> Vec<Advice> {
    let checks =
        [on_battery(reading), wrong_governor(facts), background_load(reading), memory_short(reading)];
    checks.into_iter().flatten().collect()
}

fn on_battery(reading: &MachineReading) -> Option<Advice> {
    let on_battery = !reading.is_on_ac_power.value()?;
    on_battery.then(|| Advice {
        guard: Guard::AcPower,
        problem: "the machine runs on battery".to_owned(),
        fix: "plug the power supply in".to_owned(),
    })
}

fn wrong_governor(facts: &MachineFacts) -> Option<Advice> {
    let governors = facts.cpu.governors.value()?;
    // With an energy preference the driver chooses the clock itself, and both governors are steady.
    let saves = |governor: &String| governor == "powersave" && facts.cpu.energy_preferences.value().is_none();
    let wavers = |governor: &String| !["performance", "powersave"].contains(&governor.as_str());
    let wrong = governors.iter().find(|governor| saves(governor) || wavers(governor))?;
    Some(Advice {
        guard: Guard::CpuPolicy,
        problem: format!("the processor's clock follows the governor `{wrong}`"),
        fix: "`sudo cpupower frequency-set --governor performance`".to_owned(),
    })
}

fn background_load(reading: &MachineReading) -> Option<Advice> {
    let percent = *reading.cpu_some_avg10_percent.value()?;
    (percent >= threshold::CPU_PRESSURE_PERCENT).then(|| Advice {
        guard: Guard::CpuPressure,
        problem: format!("tasks waited for a processor for {percent:.1} % of the last ten seconds"),
        fix: "close other programs; `top` shows which ones work".to_owned(),
    })
}

fn memory_short(reading: &MachineReading) -> Option<Advice> {
    let percent = *reading.memory_full_avg10_percent.value()?;
    (percent > threshold::MEMORY_PRESSURE_PERCENT).then(|| Advice {
        guard: Guard::MemoryPressure,
        problem: format!("all tasks waited for memory for {percent:.1} % of the last ten seconds"),
        fix: "close other programs; `top -o %MEM` shows which ones hold memory".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::guard::{MachineReader, Phase};
    use crate::sys::Observed;
    use crate::sys::kernel_tree::Tree;

    fn advice(tree: &Tree, change: impl FnOnce(&mut MachineFacts, &mut MachineReading)) -> Vec<Guard> {
        let mut reader = MachineReader::new(tree.root(), None);
        let (mut facts, mut reading) = (reader.facts(), reader.read(0, Phase::Before));
        change(&mut facts, &mut reading);
        let advice = preflight(&facts, &reading);
        assert!(advice.iter().all(|it| !it.problem.is_empty() && !it.fix.is_empty()));
        advice.into_iter().map(|it| it.guard).collect()
    }

    #[test]
    fn a_machine_in_order_needs_no_advice_and_one_that_tells_nothing_gets_none() {
        assert_eq!(advice(&Tree::xe(), |_, _| ()), []);
        assert_eq!(advice(&Tree::new(), |_, _| ()), []);
    }

    #[test]
    fn battery_load_and_memory_are_each_told() {
        let tree = Tree::xe();
        assert_eq!(advice(&tree, |_, it| it.is_on_ac_power = Observed::Observed(false)), [Guard::AcPower]);
        let loaded = advice(&tree, |_, it| it.cpu_some_avg10_percent = Observed::Observed(5.0));
        assert_eq!(loaded, [Guard::CpuPressure]);
        let short = advice(&tree, |_, it| it.memory_full_avg10_percent = Observed::Observed(0.2));
        assert_eq!(short, [Guard::MemoryPressure]);
    }

    #[test]
    fn a_governor_that_wavers_or_saves_is_told() {
        let governed = |governor: &str, has_preference: bool| {
            advice(&Tree::xe(), |facts, _| {
                facts.cpu.governors = Observed::Observed(vec!["performance".into(), governor.into()]);
                if !has_preference {
                    facts.cpu.energy_preferences = Observed::not("no such file");
                }
            })
        };
        assert_eq!(governed("ondemand", true), [Guard::CpuPolicy]);
        assert_eq!(governed("powersave", false), [Guard::CpuPolicy]);
        assert_eq!(governed("powersave", true), [], "the usual setting of Intel's own driver");
        assert_eq!(governed("performance", false), []);
    }
}

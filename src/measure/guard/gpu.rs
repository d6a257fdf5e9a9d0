//! Intel GPUs by their kernel driver: clock and throttle reasons, of the first tile's main engines.
//!
//! The paths are those that the xe and i915 drivers document. Tested on fixtures.

use serde::{Deserialize, Serialize};

use crate::sys::{Observed, SysfsRoot, Unavailable};

const DRM: &str = "sys/class/drm";

/// The kernel's driver of an Intel GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GpuDriver {
    /// Lunar Lake and newer.
    Xe,
    /// Older.
    I915,
}

/// What does not change while a GPU is measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuFacts {
    /// As in `0000:00:02.0`.
    pub pci_address: String,
    /// Its driver.
    pub driver: GpuDriver,
    /// Lowest clock that may be requested, MHz.
    pub min_mhz: Observed<u32>,
    /// Highest clock that may be requested, MHz.
    pub max_mhz: Observed<u32>,
    /// The throttle reasons that this kernel reports, such as `thermal`.
    pub throttle_reasons: Observed<Vec<String>>,
}

/// A GPU at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuReading {
    /// As in `0000:00:02.0`.
    pub pci_address: String,
    /// The clock it runs at, MHz; 0 is a GPU that sleeps.
    pub actual_mhz: Observed<u32>,
    /// The clock that was requested, MHz.
    pub requested_mhz: Observed<u32>,
    /// The reasons that hold the clock back at this moment; none when nothing does.
    pub throttled_by: Observed<Vec<String>>,
}

/// Where a driver reports what.
struct Card {
    pci_address: String,
    driver: GpuDriver,
    /// The folder of the clocks.
    clocks: String,
    /// The folder of the throttle reasons.
    throttle: String,
    /// What stands before a reason's name.
    reason_prefix: &'static str,
}

/// The facts of every Intel GPU, by card number. Errors: when there is none.
pub(super) fn facts(root: &SysfsRoot) -> Result<Vec<GpuFacts>, Unavailable> {
    Ok(cards(root)?
        .into_iter()
        .map(|card| GpuFacts {
            min_mhz: card.clock(root, "min").into(),
            max_mhz: card.clock(root, "max").into(),
            throttle_reasons: card.reasons(root).into(),
            pci_address: card.pci_address,
            driver: card.driver,
        })
        .collect())
}

/// A reading of every Intel GPU, by card number. Errors: when there is none.
pub(super) fn readings(root: &SysfsRoot) -> Result<Vec<GpuReading>, Unavailable> {
    Ok(cards(root)?
        .into_iter()
        .map(|card| GpuReading {
            actual_mhz: card.clock(root, "act").into(),
            requested_mhz: card.clock(root, "cur").into(),
            throttled_by: card.throttled_by(root).into(),
            pci_address: card.pci_address,
        })
        .collect())
}

fn cards(root: &SysfsRoot) -> Result<Vec<Card>, Unavailable> {
    let numbers = root.numbered(DRM, "card")?;
    let cards: Vec<Card> = numbers.into_iter().filter_map(|number| Card::find(root, number)).collect();
    if cards.is_empty() {
        return Err(Unavailable::because(format!("no card in `/{DRM}` has the driver xe or i915")));
    }
    Ok(cards)
}

impl Card {
    fn find(root: &SysfsRoot, number: u32) -> Option<Self> {
        let card = format!("{DRM}/card{number}");
        let uevent = root.text(&format!("{card}/device/uevent")).ok()?;
        let reported = |key: &str| uevent.lines().find_map(|line| line.strip_prefix(key));
        let pci_address = reported("PCI_SLOT_NAME=")?.to_owned();
        match reported("DRIVER=")? {
            "xe" => {
                let clocks = format!("{card}/device/tile0/gt0/freq0");
                let throttle = format!("{clocks}/throttle");
                Some(Self { pci_address, driver: GpuDriver::Xe, clocks, throttle, reason_prefix: "reason_" })
            }
            "i915" => {
                let clocks = format!("{card}/gt/gt0");
                let throttle = clocks.clone();
                let reason_prefix = "throttle_reason_";
                Some(Self { pci_address, driver: GpuDriver::I915, clocks, throttle, reason_prefix })
            }
            _ => None,
        }
    }

    fn clock(&self, root: &SysfsRoot, which: &str) -> Result<u32, Unavailable> {
        match self.driver {
            GpuDriver::Xe => root.number(&format!("{}/{which}_freq", self.clocks)),
            GpuDriver::I915 => root.number(&format!("{}/rps_{which}_freq_mhz", self.clocks)),
        }
    }

    /// The names differ by kernel, so they are listed and not known beforehand.
    fn reasons(&self, root: &SysfsRoot) -> Result<Vec<String>, Unavailable> {
        let names = root.entries(&self.throttle)?;
        let reasons = names.iter().filter_map(|name| name.strip_prefix(self.reason_prefix));
        // Of i915 the overall state is named like a reason.
        let reasons: Vec<String> = reasons.filter(|name| *name != "status").map(str::to_owned).collect();
        if reasons.is_empty() {
            let sought = format!("there is no `/{}/{}*`", self.throttle, self.reason_prefix);
            return Err(Unavailable::because(sought));
        }
        Ok(reasons)
    }

    fn throttled_by(&self, root: &SysfsRoot) -> Result<Vec<String>, Unavailable> {
        let mut active = Vec::new();
        for reason in self.reasons(root)? {
            let holds: u32 = root.number(&format!("{}/{}{reason}", self.throttle, self.reason_prefix))?;
            if holds != 0 {
                active.push(reason);
            }
        }
        Ok(active)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::kernel_tree::{CARD, PCI, Tree};

    #[test]
    fn clocks_are_read_from_either_driver() {
        for (tree, driver, actual, max) in
            [(Tree::xe(), GpuDriver::Xe, 1950, 2050), (Tree::i915(), GpuDriver::I915, 1300, 1350)]
        {
            let facts = facts(&tree.root()).unwrap();
            assert_eq!((facts[0].driver, facts[0].pci_address.as_str()), (driver, PCI));
            assert_eq!(facts[0].max_mhz, Observed::Observed(max));
            let reading = &readings(&tree.root()).unwrap()[0];
            assert_eq!(reading.actual_mhz, Observed::Observed(actual));
            assert_eq!(reading.throttled_by, Observed::Observed(vec![]));
        }
    }

    #[test]
    fn throttle_reasons_are_those_that_this_kernel_names() {
        let throttle = format!("{CARD}/device/tile0/gt0/freq0/throttle");
        let tree = Tree::xe()
            .file(&format!("{throttle}/status"), "1")
            .file(&format!("{throttle}/reason_soc_thermal"), "1")
            .file(&format!("{throttle}/reason_pl1"), "1");
        let reading = &readings(&tree.root()).unwrap()[0];
        assert_eq!(reading.throttled_by, Observed::Observed(vec!["pl1".into(), "soc_thermal".into()]));
        let tree = Tree::i915()
            .file(&format!("{CARD}/gt/gt0/throttle_reason_status"), "1")
            .file(&format!("{CARD}/gt/gt0/throttle_reason_thermal"), "1");
        let reading = &readings(&tree.root()).unwrap()[0];
        assert_eq!(reading.throttled_by, Observed::Observed(vec!["thermal".into()]));
    }

    #[test]
    fn a_clock_that_is_gone_or_no_number_is_not_observed() {
        let clock = format!("{CARD}/device/tile0/gt0/freq0/act_freq");
        let tree = Tree::xe();
        tree.remove(&clock);
        assert_eq!(
            readings(&tree.root()).unwrap()[0].actual_mhz,
            Observed::not(format!("there is no `/{clock}`"))
        );
        tree.write(&clock, "fast");
        assert!(readings(&tree.root()).unwrap()[0].actual_mhz.value().is_none());
    }

    #[test]
    fn without_an_intel_gpu_the_reason_says_so() {
        assert!(readings(&Tree::new().root()).unwrap_err().reason.contains("there is no `/sys/class/drm`"));
        let other = Tree::new().file(&format!("{CARD}/device/uevent"), "DRIVER=bochs\nPCI_SLOT_NAME=a\n");
        assert!(readings(&other.root()).unwrap_err().reason.contains("xe or i915"));
    }
}

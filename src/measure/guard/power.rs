//! The firmware's power profile, and how much energy was used.

use std::collections::BTreeMap;

use crate::measure::guard::PackageCounters;
use crate::sys::{SysfsRoot, Unavailable};

const ZONES: &str = "sys/class/powercap";

/// The firmware's power profile, such as `balanced`. Errors: when the firmware has none.
pub(super) fn platform_profile(root: &SysfsRoot) -> Result<String, Unavailable> {
    root.text("sys/firmware/acpi/platform_profile")
}

/// The energy counters of the processor's packages, which hold an integrated GPU too, by zone. Errors: when
/// there is none, or one cannot be read; many systems let only root read them.
pub(super) fn energy_microjoules(root: &SysfsRoot) -> Result<PackageCounters, Unavailable> {
    of_packages(root, "energy_uj")
}

/// Where each of them begins again, microjoules. Errors: as [`energy_microjoules`].
pub(super) fn energy_range_microjoules(root: &SysfsRoot) -> Result<PackageCounters, Unavailable> {
    of_packages(root, "max_energy_range_uj")
}

/// One file of every zone whose name is a package's. The number in a folder's name says nothing: zone 0
/// is `psys`, the whole platform, on some laptops. A package that has a zone in model-specific registers
/// and one in memory-mapped ones has one counter.
fn of_packages(root: &SysfsRoot, file: &str) -> Result<PackageCounters, Unavailable> {
    let mut zones = root.entries(ZONES)?;
    zones.retain(|zone| zone.starts_with("intel-rapl"));
    zones.sort_by_key(|zone| !zone.starts_with("intel-rapl:"));
    let mut counters = BTreeMap::new();
    for zone in zones {
        let Ok(name) = root.text(&format!("{ZONES}/{zone}/name")) else { continue };
        if name.starts_with("package-") && !counters.contains_key(&name) {
            counters.insert(name, root.number(&format!("{ZONES}/{zone}/{file}"))?);
        }
    }
    if counters.is_empty() {
        return Err(Unavailable::because(format!("no zone in `/{ZONES}` is named `package-*`")));
    }
    Ok(PackageCounters::from(counters))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::kernel_tree::Tree;

    #[test]
    fn profile_and_energy_are_read_or_absent() {
        let tree = Tree::xe();
        assert_eq!(platform_profile(&tree.root()).as_deref(), Ok("balanced"));
        assert_eq!(energy_microjoules(&tree.root()), Ok(1_000_000.into()));
        assert_eq!(energy_range_microjoules(&tree.root()), Ok(262_143_328_850.into()));
        assert!(platform_profile(&Tree::new().root()).is_err());
        assert!(energy_microjoules(&Tree::new().root()).is_err());
    }

    fn zone(tree: Tree, folder: &str, name: &str, energy: &str) -> Tree {
        tree.file(&format!("{ZONES}/{folder}/name"), name)
            .file(&format!("{ZONES}/{folder}/energy_uj"), energy)
    }

    #[test]
    fn energy_is_that_of_every_package_and_of_nothing_else() {
        let tree = zone(Tree::new(), "intel-rapl:0", "psys\n", "900000000");
        assert!(energy_microjoules(&tree.root()).unwrap_err().reason.contains("`package-*`"));
        let tree = zone(tree, "intel-rapl:1", "package-0\n", "5000000");
        let tree = zone(tree, "intel-rapl:1:0", "core\n", "4000000");
        let tree = zone(tree, "intel-rapl-mmio:0", "package-0\n", "4999000");
        assert_eq!(energy_microjoules(&tree.root()).unwrap().total(), 5_000_000);
        let tree = zone(tree, "intel-rapl:2", "package-1\n", "7000000");
        assert_eq!(energy_microjoules(&tree.root()).unwrap().total(), 12_000_000);
        tree.remove(&format!("{ZONES}/intel-rapl:2/energy_uj"));
        assert!(energy_microjoules(&tree.root()).is_err(), "a sum without one of them would be too small");
    }
}

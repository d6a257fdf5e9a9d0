//! Where the power comes from, and how much was used.

use crate::measure::{SysfsRoot, Unavailable};

const SUPPLIES: &str = "sys/class/power_supply";
const PACKAGE: &str = "sys/class/powercap/intel-rapl:0";

/// Whether the machine runs on mains: an adapter says so, or, where none is listed, the battery.
/// Batteries of mice and keyboards do not count.
///
/// # Errors
/// When no supply tells, as on a desktop.
pub(super) fn on_mains(root: &SysfsRoot) -> Result<bool, Unavailable> {
    let mut adapter = None;
    let mut battery = None;
    for name in root.entries(SUPPLIES)? {
        let told = |file: &str| root.text(&format!("{SUPPLIES}/{name}/{file}"));
        match told("type").as_deref() {
            Ok("Mains" | "USB") => {
                if let Ok(online) = root.number::<u32>(&format!("{SUPPLIES}/{name}/online")) {
                    adapter = Some(adapter.unwrap_or(false) || online != 0);
                }
            }
            Ok("Battery") if told("scope").as_deref() != Ok("Device") => {
                if let Ok(status) = told("status") {
                    battery = Some(battery.unwrap_or(true) && status != "Discharging");
                }
            }
            _ => {}
        }
    }
    let nothing =
        || Unavailable::because(format!("nothing in `/{SUPPLIES}` tells where the power comes from"));
    adapter.or(battery).ok_or_else(nothing)
}

/// The firmware's power profile, such as `balanced`.
///
/// # Errors
/// When the firmware has none.
pub(super) fn platform_profile(root: &SysfsRoot) -> Result<String, Unavailable> {
    root.text("sys/firmware/acpi/platform_profile")
}

/// The energy counter of the processor's package, which holds an integrated GPU too, microjoules.
/// It begins again at [`energy_range_microjoules`].
///
/// # Errors
/// When there is none; many systems let only root read it.
pub(super) fn energy_microjoules(root: &SysfsRoot) -> Result<u64, Unavailable> {
    root.number(&format!("{PACKAGE}/energy_uj"))
}

/// Where the energy counter begins again, microjoules.
///
/// # Errors
/// When it cannot be read.
pub(super) fn energy_range_microjoules(root: &SysfsRoot) -> Result<u64, Unavailable> {
    root.number(&format!("{PACKAGE}/max_energy_range_uj"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::guard::tests::Tree;

    fn supply(tree: Tree, name: &str, files: &[(&str, &str)]) -> Tree {
        files.iter().fold(tree, |tree, (file, text)| tree.file(&format!("{SUPPLIES}/{name}/{file}"), text))
    }

    #[test]
    fn one_adapter_online_is_mains_and_none_is_battery() {
        let off = supply(Tree::new(), "ADP1", &[("type", "Mains"), ("online", "0")]);
        let off = supply(off, "BAT0", &[("type", "Battery"), ("status", "Charging")]);
        assert_eq!(on_mains(&off.root()), Ok(false));
        let usb = supply(off, "ucsi-source-psy-USBC000:001", &[("type", "USB"), ("online", "1")]);
        assert_eq!(on_mains(&usb.root()), Ok(true));
    }

    #[test]
    fn without_an_adapter_the_battery_tells_and_a_mouse_does_not() {
        let mouse = [("type", "Battery"), ("scope", "Device"), ("status", "Discharging")];
        let tree = supply(Tree::new(), "hidpp_battery_0", &mouse);
        assert!(on_mains(&tree.root()).unwrap_err().because.contains("nothing in"));
        let tree = supply(tree, "BAT0", &[("type", "Battery"), ("status", "Full")]);
        assert_eq!(on_mains(&tree.root()), Ok(true));
        tree.write(&format!("{SUPPLIES}/BAT0/status"), "Discharging\n");
        assert_eq!(on_mains(&tree.root()), Ok(false));
    }

    #[test]
    fn an_adapter_whose_state_is_no_number_tells_nothing() {
        let tree = supply(Tree::new(), "ADP1", &[("type", "Mains"), ("online", "yes")]);
        assert!(on_mains(&tree.root()).is_err());
    }

    #[test]
    fn profile_and_energy_are_read_or_absent() {
        let tree = Tree::xe();
        assert_eq!(platform_profile(&tree.root()).as_deref(), Ok("balanced"));
        assert_eq!(energy_microjoules(&tree.root()), Ok(1_000_000));
        assert_eq!(energy_range_microjoules(&tree.root()), Ok(262_143_328_850));
        assert!(platform_profile(&Tree::new().root()).is_err());
        assert!(energy_microjoules(&Tree::new().root()).is_err());
    }
}

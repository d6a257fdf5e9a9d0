//! Where the power comes from, by `sysfs`.

use crate::sys::{SysfsRoot, Unavailable};

const SUPPLIES: &str = "sys/class/power_supply";

/// Whether the machine runs on AC power. Nothing runs on a battery where no system battery is listed: a USB-C
/// port of a desktop is a supply that is offline. Batteries and chargers of mice and keyboards do not count,
/// nor does the slot of a battery that is not there.
///
/// # Errors
/// When no supply of the system is listed, as on most desktops.
pub fn on_ac_power(root: &SysfsRoot) -> Result<bool, Unavailable> {
    let (mut adapters, mut batteries, mut has_mains) = (Vec::new(), Vec::new(), false);
    for name in root.entries(SUPPLIES)? {
        let text = |file: &str| root.text(&format!("{SUPPLIES}/{name}/{file}"));
        let Ok(kind) = text("type") else { continue };
        if text("scope").as_deref() == Ok("Device") || text("present").as_deref() == Ok("0") {
            continue;
        }
        if matches!(kind.as_str(), "Mains" | "Wireless") || kind.starts_with("USB") {
            let online = root.number::<u32>(&format!("{SUPPLIES}/{name}/online"));
            has_mains |= kind == "Mains" && online.is_ok();
            adapters.extend(online);
        } else if kind == "Battery" {
            batteries.push(text("status").ok().filter(|status| status != "Unknown"));
        }
    }
    let is_online = adapters.iter().any(|online| *online != 0);
    let says = |wanted: &&str| batteries.iter().flatten().any(|status| status == wanted);
    match (&adapters[..], &batteries[..]) {
        ([], []) => Err(nothing()),
        (_, []) => Ok(true),
        ([], _) if batteries.iter().all(Option::is_none) => Err(nothing()),
        ([], _) => Ok(!says(&"Discharging")),
        // A port that is offline says nothing of the machine's other connector, nor does a full battery.
        _ if !is_online && !has_mains && !["Discharging", "Charging", "Not charging"].iter().any(says) => {
            Err(nothing())
        }
        // A supply that is not listed may charge it, or hold it at its limit.
        _ => Ok(is_online || says(&"Charging") || (says(&"Not charging") && !says(&"Discharging"))),
    }
}

fn nothing() -> Unavailable {
    Unavailable::because(format!("nothing in `/{SUPPLIES}` says where the power comes from"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::kernel_tree::Tree;

    fn supply(tree: Tree, name: &str, files: &[(&str, &str)]) -> Tree {
        files.iter().fold(tree, |tree, (file, text)| tree.file(&format!("{SUPPLIES}/{name}/{file}"), text))
    }

    #[test]
    fn one_adapter_online_is_mains_and_none_is_battery() {
        let off = supply(Tree::new(), "ADP1", &[("type", "Mains"), ("online", "0")]);
        let off = supply(off, "BAT0", &[("type", "Battery"), ("status", "Discharging")]);
        assert_eq!(on_ac_power(&off.root()), Ok(false));
        let usb = supply(off, "ucsi-source-psy-USBC000:001", &[("type", "USB"), ("online", "1")]);
        assert_eq!(on_ac_power(&usb.root()), Ok(true));
    }

    #[test]
    fn without_an_adapter_the_battery_tells_and_a_mouse_does_not() {
        let mouse = [("type", "Battery"), ("scope", "Device"), ("status", "Discharging")];
        let tree = supply(Tree::new(), "hidpp_battery_0", &mouse);
        assert!(on_ac_power(&tree.root()).unwrap_err().reason.contains("nothing in"));
        let tree = supply(tree, "BAT0", &[("type", "Battery"), ("status", "Full")]);
        assert_eq!(on_ac_power(&tree.root()), Ok(true));
        tree.write(&format!("{SUPPLIES}/BAT0/status"), "Discharging\n");
        assert_eq!(on_ac_power(&tree.root()), Ok(false));
    }

    #[test]
    fn nothing_runs_on_a_battery_where_no_system_battery_is_listed() {
        let port = |scope| [("type", "USB"), ("online", "0"), ("scope", scope)];
        let desktop = supply(Tree::new(), "ucsi-source-psy-USBC000:001", &port("System"));
        assert_eq!(on_ac_power(&desktop.root()), Ok(true));
        let desktop = supply(
            desktop,
            "hidpp_battery_0",
            &[("type", "Battery"), ("scope", "Device"), ("status", "Discharging")],
        );
        let desktop =
            supply(desktop, "BAT1", &[("type", "Battery"), ("present", "0"), ("status", "Unknown")]);
        assert_eq!(on_ac_power(&desktop.root()), Ok(true));
        let only_a_pad = supply(Tree::new(), "pad", &port("Device"));
        assert!(on_ac_power(&only_a_pad.root()).is_err());
    }

    #[test]
    fn a_battery_that_charges_is_fed_by_a_supply_even_if_none_is_listed_as_online() {
        let laptop = supply(Tree::new(), "ADP1", &[("type", "Mains"), ("online", "0")]);
        let laptop = supply(laptop, "BAT0", &[("type", "Battery"), ("status", "Charging")]);
        assert_eq!(on_ac_power(&laptop.root()), Ok(true));
        laptop.write(&format!("{SUPPLIES}/BAT0/status"), "Full\n");
        assert_eq!(on_ac_power(&laptop.root()), Ok(false));
    }

    #[test]
    fn a_battery_that_is_held_at_its_limit_is_fed_and_one_that_discharges_beside_it_is_not() {
        let laptop = supply(Tree::new(), "ADP1", &[("type", "Mains"), ("online", "0")]);
        let laptop = supply(laptop, "BAT0", &[("type", "Battery"), ("status", "Not charging")]);
        assert_eq!(on_ac_power(&laptop.root()), Ok(true));
        let laptop = supply(laptop, "BAT1", &[("type", "Battery"), ("status", "Discharging")]);
        assert_eq!(on_ac_power(&laptop.root()), Ok(false));
    }

    #[test]
    fn a_port_that_is_offline_beside_a_battery_of_unknown_state_says_nothing() {
        for status in [&[("status", "Unknown")][..], &[]] {
            let battery = [&[("type", "Battery")], status].concat();
            let tree =
                supply(Tree::new(), "ucsi-source-psy-USBC000:001", &[("type", "USB"), ("online", "0")]);
            let tree = supply(tree, "BAT0", &battery);
            assert!(on_ac_power(&tree.root()).is_err());
            let tree = supply(tree, "ADP1", &[("type", "Mains"), ("online", "0")]);
            assert_eq!(on_ac_power(&tree.root()), Ok(false), "nothing else feeds a laptop");
        }
    }

    #[test]
    fn a_battery_that_is_full_beside_a_port_that_is_offline_says_nothing() {
        let port = [("type", "USB"), ("online", "0")];
        let tree = supply(Tree::new(), "ucsi-source-psy-USBC000:001", &port);
        let tree = supply(tree, "BAT0", &[("type", "Battery"), ("status", "Full")]);
        assert!(on_ac_power(&tree.root()).is_err(), "its other connector may be the one that is used");
        tree.write(&format!("{SUPPLIES}/BAT0/status"), "Discharging");
        assert_eq!(on_ac_power(&tree.root()), Ok(false));
    }

    #[test]
    fn a_wireless_charger_that_is_online_is_a_supply() {
        let tree = supply(Tree::new(), "ADP1", &[("type", "Mains"), ("online", "0")]);
        let tree = supply(tree, "wireless", &[("type", "Wireless"), ("online", "1")]);
        let tree = supply(tree, "BAT0", &[("type", "Battery"), ("status", "Full")]);
        assert_eq!(on_ac_power(&tree.root()), Ok(true));
    }

    #[test]
    fn an_adapter_whose_state_is_no_number_tells_nothing() {
        let tree = supply(Tree::new(), "ADP1", &[("type", "Mains"), ("online", "yes")]);
        assert!(on_ac_power(&tree.root()).is_err());
    }
}

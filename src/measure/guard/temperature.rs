//! Temperatures: every thermal zone, and the sensors of the processor's package and of Intel GPUs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::sys::{SysfsRoot, Unavailable};

const ZONES: &str = "sys/class/thermal";
const SENSORS: &str = "sys/class/hwmon";
/// Drivers whose sensors lie in the chip that computes.
const CHIP_DRIVERS: [&str; 4] = ["coretemp", "k10temp", "xe", "i915"];
/// Thermal zones that lie in it.
const CHIP_ZONES: [&str; 4] = ["x86_pkg_temp", "TCPU", "TCPU_PCI", "B0D4"];
/// Outside of this a sensor is broken or switched off, degrees Celsius.
const PLAUSIBLE_CELSIUS: std::ops::RangeInclusive<f64> = -40.0..=150.0;

/// Degrees Celsius by the sensor's name; never empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Temperatures {
    /// By name, as in `x86_pkg_temp` or `coretemp Package id 0`.
    pub by_sensor_celsius: BTreeMap<String, f64>,
}

impl Temperatures {
    /// What can be read now.
    ///
    /// # Errors
    /// When there is no sensor that reports a plausible temperature.
    pub fn read(root: &SysfsRoot) -> Result<Self, Unavailable> {
        let by_sensor_celsius: BTreeMap<String, f64> = zones(root).chain(sensors(root)).collect();
        if by_sensor_celsius.is_empty() {
            return Err(Unavailable::because(format!(
                "no sensor in `/{ZONES}` or `/{SENSORS}` reports a temperature"
            )));
        }
        Ok(Self { by_sensor_celsius })
    }

    /// The sensors of the chip that computes; all where none of them is known to be one. A wireless
    /// card's temperature says nothing about the next measurement.
    pub fn of_the_chip(&self) -> BTreeMap<&str, f64> {
        let all = || self.by_sensor_celsius.iter().map(|(name, celsius)| (name.as_str(), *celsius));
        let chip: BTreeMap<&str, f64> = all().filter(|(name, _)| is_of_the_chip(name)).collect();
        if chip.is_empty() { all().collect() } else { chip }
    }
}

fn is_of_the_chip(name: &str) -> bool {
    let driver = name.split(' ').next().unwrap_or(name);
    CHIP_DRIVERS.contains(&driver) || CHIP_ZONES.contains(&name)
}

fn zones(root: &SysfsRoot) -> impl Iterator<Item = (String, f64)> {
    let numbers = root.numbered(ZONES, "thermal_zone").unwrap_or_default();
    let mut seen = BTreeMap::<String, u32>::new();
    numbers.into_iter().filter_map(move |number| {
        let zone = format!("{ZONES}/thermal_zone{number}");
        let kind = root.text(&format!("{zone}/type")).ok()?;
        // Zones of one type are distinguished by their order.
        let before = seen.entry(kind.clone()).or_default();
        *before += 1;
        let name = if *before == 1 { kind } else { format!("{kind} {before}") };
        Some((name, celsius(root, &format!("{zone}/temp"))?))
    })
}

fn sensors(root: &SysfsRoot) -> impl Iterator<Item = (String, f64)> {
    let numbers = root.numbered(SENSORS, "hwmon").unwrap_or_default();
    numbers.into_iter().flat_map(move |number| {
        let folder = format!("{SENSORS}/hwmon{number}");
        let driver = root.text(&format!("{folder}/name")).unwrap_or_default();
        let is_chip = CHIP_DRIVERS.contains(&driver.as_str());
        let files = if is_chip { root.entries(&folder).unwrap_or_default() } else { Vec::new() };
        files.into_iter().filter_map(move |file| {
            let sensor = file.strip_suffix("_input").filter(|name| name.starts_with("temp"))?;
            let label = root.text(&format!("{folder}/{sensor}_label")).unwrap_or_else(|_| sensor.to_owned());
            // The single cores say no more than their package.
            if label.starts_with("Core ") {
                return None;
            }
            Some((format!("{driver} {label}"), celsius(root, &format!("{folder}/{file}"))?))
        })
    })
}

/// A file of thousandths of a degree.
fn celsius(root: &SysfsRoot, path: &str) -> Option<f64> {
    let thousandths: i32 = root.number(path).ok()?;
    Some(f64::from(thousandths) / 1_000.0).filter(|celsius| PLAUSIBLE_CELSIUS.contains(celsius))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::kernel_tree::Tree;

    #[test]
    fn zones_and_packages_are_read_in_degrees_and_cores_are_left_out() {
        let read = Temperatures::read(&Tree::xe().root()).unwrap();
        let expected = [("coretemp Package id 0", 49.0), ("iwlwifi_1", 55.0), ("x86_pkg_temp", 48.0)];
        let expected = expected.map(|(name, celsius)| (name.to_owned(), celsius));
        assert_eq!(read.by_sensor_celsius, expected.into());
    }

    #[test]
    fn only_the_chip_s_sensors_count_where_they_are_known() {
        let read = Temperatures::read(&Tree::xe().root()).unwrap();
        assert!(!read.of_the_chip().contains_key("iwlwifi_1"));
        assert_eq!(read.of_the_chip().len(), 2);
        let unknown = Tree::new().file("sys/class/thermal/thermal_zone0/type", "acpitz");
        let unknown = unknown.file("sys/class/thermal/thermal_zone0/temp", "27800");
        let read = Temperatures::read(&unknown.root()).unwrap();
        assert_eq!(read.of_the_chip(), [("acpitz", 27.8)].into());
    }

    #[test]
    fn a_sensor_that_is_broken_or_no_number_is_left_out() {
        let tree = Tree::new();
        for (zone, temperature) in [("0", "-273200"), ("1", "warm"), ("2", "-5000"), ("3", "41000")] {
            tree.write(&format!("sys/class/thermal/thermal_zone{zone}/type"), "acpitz");
            tree.write(&format!("sys/class/thermal/thermal_zone{zone}/temp"), temperature);
        }
        let read = Temperatures::read(&tree.root()).unwrap();
        let expected = [("acpitz 3", -5.0), ("acpitz 4", 41.0)];
        assert_eq!(read.by_sensor_celsius, expected.map(|(name, value)| (name.to_owned(), value)).into());
    }

    #[test]
    fn a_machine_without_sensors_has_no_temperature() {
        assert!(Temperatures::read(&Tree::new().root()).unwrap_err().reason.contains("no sensor"));
    }
}

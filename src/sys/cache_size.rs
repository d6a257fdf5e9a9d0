//! How much the processor's last cache holds: weights that fit into it are not read from memory.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Bytes of the last-level cache by the system's `sysfs` (usually `/sys`): of all its parts, where
/// groups of cores have one each. None where the system does not report.
///
/// A cache on the memory's side, behind the processor's own, is not in there.
#[must_use]
pub fn last_level_cache_bytes(sysfs: &Path) -> Option<u64> {
    let mut last_level = 0;
    // Every core lists the caches that it uses: those of the same cores are the same.
    let mut bytes_by_cores: BTreeMap<String, u64> = BTreeMap::new();
    for core in folders(&sysfs.join("devices/system/cpu"), "cpu") {
        for cache in folders(&core.join("cache"), "index") {
            let read = |name: &str| Some(fs::read_to_string(cache.join(name)).ok()?.trim().to_owned());
            if read("type")? == "Instruction" {
                continue;
            }
            let level: u32 = read("level")?.parse().ok()?;
            if level > last_level {
                last_level = level;
                bytes_by_cores.clear();
            }
            if level == last_level {
                bytes_by_cores.insert(read("shared_cpu_list")?, bytes(&read("size")?)?);
            }
        }
    }
    Some(bytes_by_cores.values().sum()).filter(|bytes| *bytes > 0)
}

/// Folders of a name and a number, as in `cpu0`.
fn folders(parent: &Path, name: &str) -> Vec<PathBuf> {
    let is_numbered = |path: &PathBuf| {
        let number = path.file_name().and_then(|file| file.to_str()).and_then(|file| file.strip_prefix(name));
        number.is_some_and(|digits| digits.parse::<u32>().is_ok())
    };
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(is_numbered).collect()
}

/// From `12288K`.
fn bytes(size: &str) -> Option<u64> {
    let digits = size.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let unit = match &size[digits.len()..] {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Level, type, size, and the cores that share it.
    type Cache<'a> = [&'a str; 4];

    /// A `sysfs` with these caches of each core.
    fn machine(cores: &[&[Cache]]) -> tempfile::TempDir {
        let sysfs = tempfile::tempdir().unwrap();
        fs::create_dir_all(sysfs.path().join("devices/system/cpu/cpufreq")).unwrap();
        for (core, caches) in cores.iter().enumerate() {
            for (index, cache) in caches.iter().enumerate() {
                let folder = sysfs.path().join(format!("devices/system/cpu/cpu{core}/cache/index{index}"));
                fs::create_dir_all(&folder).unwrap();
                for (name, value) in ["level", "type", "size", "shared_cpu_list"].iter().zip(cache) {
                    fs::write(folder.join(name), format!("{value}\n")).unwrap();
                }
            }
        }
        sysfs
    }

    #[test]
    fn a_cache_that_cores_share_counts_once() {
        let core = |own| {
            [["1", "Data", "48K", own], ["1", "Instruction", "64K", own], ["3", "Unified", "12M", "0-1"]]
        };
        let sysfs = machine(&[&core("0"), &core("1")]);
        assert_eq!(last_level_cache_bytes(sysfs.path()), Some(12 << 20));
    }

    #[test]
    fn caches_of_several_groups_of_cores_are_added_up() {
        let group = |cores| [["2", "Unified", "1024K", cores], ["3", "Unified", "32768K", cores]];
        let sysfs = machine(&[&group("0"), &group("1"), &group("1")]);
        assert_eq!(last_level_cache_bytes(sysfs.path()), Some(64 << 20));
    }

    #[test]
    fn cores_without_the_last_level_do_not_hide_it() {
        let small: &[Cache] = &[["2", "Unified", "4096K", "2-3"]];
        let large: &[Cache] = &[["2", "Unified", "2560K", "0"], ["3", "Unified", "12288K", "0-1"]];
        for cores in [[large, small], [small, large]] {
            assert_eq!(last_level_cache_bytes(machine(&cores).path()), Some(12288 << 10));
        }
    }

    #[test]
    fn a_machine_that_does_not_tell_is_unknown_and_not_zero() {
        assert_eq!(last_level_cache_bytes(machine(&[]).path()), None);
        assert_eq!(last_level_cache_bytes(Path::new("/nowhere")), None);
        assert_eq!(last_level_cache_bytes(machine(&[&[["3", "Unified", "0K", "0"]]]).path()), None);
        assert_eq!(last_level_cache_bytes(machine(&[&[["3", "Unified", "lots", "0"]]]).path()), None);
        let sysfs = machine(&[&[["3", "Unified", "8M", "0"]], &[["3", "Unified", "8M", "1"]]]);
        fs::remove_file(sysfs.path().join("devices/system/cpu/cpu1/cache/index0/size")).unwrap();
        assert_eq!(last_level_cache_bytes(sysfs.path()), None, "half of the caches is not the cache");
    }
}

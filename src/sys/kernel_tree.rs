//! What the tests of the readings share: trees of kernel files, built in a temporary folder.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::sys::SysfsRoot;

pub(crate) const CARD: &str = "sys/class/drm/card0";
pub(crate) const PCI: &str = "0000:00:02.0";

pub(crate) struct Tree {
    folder: TempDir,
}

impl Tree {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A machine with an Arc GPU on the xe driver, on AC power, cool, idle.
    pub(crate) fn xe() -> Self {
        let frequency = format!("{CARD}/device/tile0/gt0/freq0");
        let mut tree = Self::new().quiet().file(
            &format!("{CARD}/device/uevent"),
            &format!("DRIVER=xe\nPCI_ID=8086:64A0\nPCI_SLOT_NAME={PCI}\n"),
        );
        for (name, text) in
            [("act_freq", "1950"), ("cur_freq", "2000"), ("min_freq", "400"), ("max_freq", "2050")]
        {
            tree = tree.file(&format!("{frequency}/{name}"), text);
        }
        for reason in ["reason_pl1", "reason_pl2", "reason_thermal", "reason_prochot", "reason_vr_tdc"] {
            tree = tree.file(&format!("{frequency}/throttle/{reason}"), "0\n");
        }
        tree.file(&format!("{frequency}/throttle/status"), "0\n")
    }

    /// A machine with an Intel GPU on the i915 driver.
    pub(crate) fn i915() -> Self {
        let mut tree = Self::new().quiet().file(
            &format!("{CARD}/device/uevent"),
            &format!("DRIVER=i915\nPCI_ID=8086:9A49\nPCI_SLOT_NAME={PCI}\n"),
        );
        for (name, text) in [
            ("rps_act_freq_mhz", "1300"),
            ("rps_cur_freq_mhz", "1300"),
            ("rps_min_freq_mhz", "100"),
            ("rps_max_freq_mhz", "1350"),
            ("throttle_reason_status", "0"),
            ("throttle_reason_pl1", "0"),
            ("throttle_reason_thermal", "0"),
        ] {
            tree = tree.file(&format!("{CARD}/gt/gt0/{name}"), text);
        }
        tree
    }

    /// What every laptop has: sensors, cores, AC power, pressure, counters.
    fn quiet(self) -> Self {
        let cpu = "sys/devices/system/cpu";
        let mut tree = self;
        for core in ["cpu0", "cpu1"] {
            for (name, text) in [
                ("cpufreq/scaling_governor", "performance"),
                ("cpufreq/energy_performance_preference", "performance"),
                ("thermal_throttle/core_throttle_count", "3"),
                ("thermal_throttle/package_throttle_count", "7"),
            ] {
                tree = tree.file(&format!("{cpu}/{core}/{name}"), text);
            }
        }
        let pressure = |some: &str| {
            format!(
                "some avg10={some} avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
            )
        };
        let this = std::process::id();
        tree.file(&format!("{cpu}/intel_pstate/no_turbo"), "0")
            .file(
                "proc/stat",
                "cpu  80 0 0 9000 0 0 0 0 0 0\ncpu0 50 0 0 4500 0 0 0 0 0 0\ncpu1 30 0 0 4500 0 0 0 0 0 0\n",
            )
            .file(&format!("proc/{this}/stat"), &process_stat(this, [20, 5, 0, 0]))
            .client(this, 0, "pos:\t0\n")
            .file("sys/class/thermal/thermal_zone0/type", "x86_pkg_temp")
            .file("sys/class/thermal/thermal_zone0/temp", "48000\n")
            .file("sys/class/thermal/thermal_zone1/type", "iwlwifi_1")
            .file("sys/class/thermal/thermal_zone1/temp", "55000\n")
            .file("sys/class/hwmon/hwmon0/name", "coretemp")
            .file("sys/class/hwmon/hwmon0/temp1_label", "Package id 0")
            .file("sys/class/hwmon/hwmon0/temp1_input", "49000")
            .file("sys/class/hwmon/hwmon0/temp2_label", "Core 0")
            .file("sys/class/hwmon/hwmon0/temp2_input", "90000")
            .file("sys/class/power_supply/ADP1/type", "Mains")
            .file("sys/class/power_supply/ADP1/online", "1")
            .file("sys/firmware/acpi/platform_profile", "balanced\n")
            .file("sys/class/powercap/intel-rapl:0/name", "package-0\n")
            .file("sys/class/powercap/intel-rapl:0/energy_uj", "1000000")
            .file("sys/class/powercap/intel-rapl:0/max_energy_range_uj", "262143328850")
            .file("proc/pressure/cpu", &pressure("1.25"))
            .file("proc/pressure/memory", &pressure("0.00"))
            .file("proc/pressure/io", &pressure("0.50"))
            .file("proc/vmstat", "nr_free_pages 5\npswpin 12\npswpout 9\n")
            .file("proc/self/cgroup", "0::/user.slice/arc.scope\n")
            .file("sys/fs/cgroup/user.slice/arc.scope/memory.events", "low 0\noom 1\noom_kill 2\n")
    }

    /// The same tree with a file more, or with another text in it.
    pub(crate) fn file(self, path: &str, text: &str) -> Self {
        self.write(path, text);
        self
    }

    /// The same tree with a client of the GPU in a process.
    pub(crate) fn client(self, pid: u32, descriptor: u32, fdinfo: &str) -> Self {
        self.file(&format!("proc/{pid}/fdinfo/{descriptor}"), fdinfo)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let file = self.path(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// A file with this many bytes of nothing.
    pub(crate) fn sparse(&self, path: &str, bytes: u64) {
        self.write(path, "");
        fs::File::options().write(true).open(self.path(path)).unwrap().set_len(bytes).unwrap();
    }

    /// A pipe into which nobody writes.
    pub(crate) fn pipe(&self, path: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(self.path(path)).status().unwrap().success());
    }

    pub(crate) fn remove(&self, path: &str) {
        let path = self.path(path);
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn root(&self) -> SysfsRoot {
        SysfsRoot::at(self.folder.path())
    }
}

/// The file of a process with these ticks: user, system, and both of its children that ended.
pub(crate) fn process_stat(pid: u32, [user, system, children_user, children_system]: [u64; 4]) -> String {
    format!(
        "{pid} (a) b) S 1 1 1 0 -1 0 5 0 0 0 {user} {system} {children_user} {children_system} 20 0 3 0 100 0 0"
    )
}

pub(crate) fn xe_client(id: u32, ccs: u64, total: u64, resident_kib: u64) -> String {
    format!(
        "pos:\t0\nflags:\t0100002\ndrm-driver:\txe\ndrm-client-id:\t{id}\ndrm-pdev:\t{PCI}\n\
         drm-total-gtt:\t9 MiB\ndrm-resident-system:\t0\ndrm-resident-gtt:\t{resident_kib} KiB\n\
         drm-resident-vram0:\t1 MiB\ndrm-cycles-rcs:\t0\ndrm-total-cycles-rcs:\t{total}\n\
         drm-cycles-ccs:\t{ccs}\ndrm-total-cycles-ccs:\t{total}\ndrm-engine-capacity-ccs:\t1\n"
    )
}

pub(crate) fn i915_client(id: u32, render_ns: u64) -> String {
    format!(
        "drm-driver:\ti915\ndrm-client-id:\t{id}\ndrm-pdev:\t{PCI}\ndrm-resident-system0:\t2 MiB\n\
         drm-resident-local0:\t4096\ndrm-engine-render:\t{render_ns} ns\ndrm-engine-copy:\t0 ns\n"
    )
}

//! `ci/prepare-runner.sh`, on a tree in a temporary folder, with stand-ins for the commands that reach
//! beyond files; and the hook that refuses jobs, as it lies in that tree.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::ended::Ended;

mod hook;
mod job;

const MODEL: &str = "srv/arcgauge/models/some-model";
const SETTINGS: &str = "etc/arcgauge-runner/settings";
const CREDENTIAL: &str = "etc/arcgauge-runner/credential";
const GOVERNOR: &str = "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
const CLOCKS: &str = "sys/class/drm/card0/device/tile0/gt0/freq0";

/// A machine with an Arc and a freshly installed system.
struct Machine {
    root: TempDir,
}

impl Machine {
    fn fresh() -> Self {
        let machine = Self { root: tempfile::tempdir().unwrap() };
        machine.write("state/packages", "git\nlinux-image-6.14\n");
        machine.write("commands/fake", include_str!("fake-command.sh"));
        machine.chmod("commands/fake", 0o755);
        for name in ["id", "useradd", "usermod", "dpkg-query", "apt-get", "apt-mark", "systemctl"] {
            symlink("fake", machine.at("commands").join(name)).unwrap();
        }
        machine.write(GOVERNOR, "powersave\n");
        machine.write(&GOVERNOR.replace("governor", "available_governors"), "performance powersave\n");
        machine.write("sys/class/drm/card0/device/vendor", "0x8086\n");
        symlink("/drivers/xe", machine.at("sys/class/drm/card0/device/driver")).unwrap();
        for (name, mhz) in [("rpn", 400), ("rp0", 1950), ("min", 400), ("max", 1950)] {
            machine.write(&format!("{CLOCKS}/{name}_freq"), &format!("{mhz}\n"));
        }
        machine
    }

    /// Prepared, and all done that only a maintainer can do.
    fn ready() -> Self {
        let machine = Self::fresh();
        machine.prepare(&[]).exits(1);
        machine.do_the_rest();
        machine.prepare(&[]).exits(0);
        machine
    }

    /// What `to do` lines ask for.
    fn do_the_rest(&self) {
        self.write("root/runner/bin/Runner.Listener", "#!/bin/sh\n");
        let tar = ["-C", "root/runner", "-czf", "root/runner.tar.gz", "."];
        assert!(Command::new("tar").args(tar).current_dir(self.root.path()).status().unwrap().success());
        let sha256 = arcgauge::record::sha256_of_file(&self.at("root/runner.tar.gz")).unwrap();
        self.write(
            SETTINGS,
            &format!(
                "REPOSITORY=owner/arcgauge\nREGISTER_AT=orgs/owner\nRUNNER_GROUP_ID=3\n\
                 RUNNER_ARCHIVE=/root/runner.tar.gz\nRUNNER_SHA256={sha256}\nMODEL=some-model\n\
                 GPU_MHZ=1800\nREADABLE_ENERGY=no\nFREE_GB=60\n"
            ),
        );
        self.write(CREDENTIAL, "secret\n");
        self.write(&format!("{MODEL}/openvino_model.bin"), "weights");
        self.write(&format!("{MODEL}/manifest.json"), "{}");
        self.write("opt/arcgauge-rust/bin/cargo", "");
        self.chmod("opt/arcgauge-rust/bin/cargo", 0o755);
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap()
    }

    fn chmod(&self, path: &str, mode: u32) {
        fs::set_permissions(self.at(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn mode(&self, path: &str) -> u32 {
        fs::metadata(self.at(path)).unwrap().permissions().mode() & 0o7777
    }

    fn prepare(&self, flags: &[&str]) -> Ended {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("ci/prepare-runner.sh");
        let mut command = Command::new(script);
        Ended::of(command.arg("--root").arg(self.root.path()).args(flags).output().unwrap())
    }
}

#[test]
fn a_check_of_a_fresh_machine_names_what_is_missing_and_changes_nothing() {
    let machine = Machine::fresh();
    let reported = machine.prepare(&["--check"]);
    reported.exits(1);
    for missing in [
        "/etc/arcgauge-runner/settings",
        "packages: curl ca-certificates python3",
        "user arcgauge-runner",
        "arcgauge-runner in the group render",
        "folder /srv/arcgauge/models of mode 755",
        "/usr/local/lib/arcgauge-runner/job-started.sh",
        "/etc/systemd/system/arcgauge-runner.service",
        "/etc/arcgauge-runner/config/arcgauge/settings.json",
        "suspend.target masked",
        "apt-daily-upgrade.timer masked",
        "arcgauge-tune.service at each start",
        "processor's governor: powersave instead of performance",
        "linux-image-6.14 held",
    ] {
        assert!(reported.stdout.contains(&format!("missing: {missing}")), "{missing}\n{reported}");
    }
    assert!(!reported.stdout.contains("changed"), "{reported}");
    assert!(reported.stderr.contains("to do: install Rust"), "{reported}");
    for path in ["etc", "srv", "usr", "opt", "state/groups", "state/masked"] {
        assert!(!machine.at(path).exists(), "{path}");
    }
    assert_eq!(machine.read(GOVERNOR), "powersave\n");
}

#[test]
fn the_first_run_tells_every_change_and_what_only_a_maintainer_can_do() {
    let machine = Machine::fresh();
    let reported = machine.prepare(&[]);
    reported.exits(1);
    for change in ["installed intel-opencl-icd", "made the user arcgauge-runner", "processor's governor"] {
        assert!(reported.stdout.contains(&format!("changed: {change}")), "{change}\n{reported}");
    }
    assert!(reported.stdout.lines().all(|line| line.starts_with("changed: ")), "{reported}");
    for left in ["set REPOSITORY", "set RUNNER_SHA256", "put the credential", "put the model", "install Rust"]
    {
        assert!(reported.stderr.contains(&format!("to do: {left}")), "{left}\n{reported}");
    }
}

#[test]
fn a_machine_that_is_ready_passes_the_check_and_a_further_run_is_silent() {
    let machine = Machine::ready();
    for flags in [&["--check"][..], &[]] {
        let reported = machine.prepare(flags);
        reported.exits(0);
        assert_eq!((reported.stdout.as_str(), reported.stderr.as_str()), ("", ""), "{flags:?}");
    }
    assert_eq!(machine.read("state/reloads"), "reloaded\n", "systemd reloads its units once");
}

#[test]
fn what_a_job_may_not_read_or_write_has_the_modes_for_that() {
    let machine = Machine::ready();
    assert_eq!(machine.mode(CREDENTIAL), 0o600);
    assert_eq!(machine.mode("srv/arcgauge/seed"), 0o700);
    assert_eq!(machine.mode("srv/arcgauge/work"), 0o700);
    assert_eq!(machine.mode("srv/arcgauge/records"), 0o750);
    let library = "usr/local/lib/arcgauge-runner";
    let current = "opt/arcgauge-runner/current/bin/Runner.Listener";
    let weights = format!("{MODEL}/openvino_model.bin");
    for path in [MODEL, &weights, SETTINGS, library, &format!("{library}/job-started.sh"), current] {
        assert_eq!(machine.mode(path) & 0o022, 0, "{path} can be written by others");
    }
    assert_eq!(machine.mode(MODEL), 0o555);
    assert_eq!(machine.mode(&weights), 0o444);
    assert_eq!(
        machine.read("etc/arcgauge-runner/config/arcgauge/settings.json"),
        "{ \"model_dir\": \"/srv/arcgauge/models/some-model\", \"store\": \"/srv/arcgauge/job/records\" }\n"
    );
}

#[test]
fn the_clock_of_the_gpu_is_pinned_where_the_driver_allows_it_and_refused_beyond() {
    let machine = Machine::ready();
    let clock = |name: &str| machine.read(&format!("{CLOCKS}/{name}_freq"));
    assert_eq!((clock("min"), clock("max")), ("1800\n".to_owned(), "1800\n".to_owned()));
    let settings = machine.read(SETTINGS).replace("GPU_MHZ=1800", "GPU_MHZ=9000");
    machine.write(SETTINGS, &settings);
    let reported = machine.prepare(&[]);
    reported.exits(1);
    assert!(reported.stderr.contains("this GPU does 400 to 1950 MHz"), "{reported}");
    assert_eq!(clock("max"), "1800\n");
}

#[test]
fn what_was_loosened_is_found_by_the_check_and_fixed_by_a_run() {
    let machine = Machine::ready();
    machine.chmod(CREDENTIAL, 0o644);
    machine.chmod(&format!("{MODEL}/openvino_model.bin"), 0o666);
    machine.write("usr/local/lib/arcgauge-runner/admit.py", "print('admitted: all')\n");
    machine.write(GOVERNOR, "powersave\n");
    let reported = machine.prepare(&["--check"]);
    reported.exits(1);
    assert_eq!(reported.stdout.lines().count(), 4, "{reported}");
    let reported = machine.prepare(&[]);
    reported.exits(0);
    assert_eq!(reported.stdout.lines().count(), 4, "{reported}");
    machine.prepare(&["--check"]).exits(0);
}

#[test]
fn a_runner_of_another_hash_is_not_unpacked() {
    let machine = Machine::fresh();
    machine.prepare(&[]).exits(1);
    machine.do_the_rest();
    machine.write("root/runner.tar.gz", "something else");
    let reported = machine.prepare(&[]);
    reported.exits(1);
    assert!(reported.stderr.contains("its sha256 is not RUNNER_SHA256"), "{reported}");
    assert!(!machine.at("opt/arcgauge-runner").exists());
}

#[test]
fn a_package_may_have_another_name_and_one_that_there_is_not_is_left_to_do() {
    let machine = Machine::fresh();
    machine.write("state/unknown", "libze-intel-gpu1\n");
    let reported = machine.prepare(&[]);
    reported.exits(1);
    assert!(reported.stdout.contains("changed: installed intel-level-zero-gpu"), "{reported}");
    machine.write("state/unknown", "libze-intel-gpu1\nintel-level-zero-gpu\n");
    machine.write("state/packages", "git\n");
    let reported = machine.prepare(&[]);
    assert!(
        reported.stderr.contains("to do: install libze-intel-gpu1 or intel-level-zero-gpu"),
        "{reported}"
    );
    assert!(reported.stdout.contains("changed: installed libze1\n"), "{reported}");
}

#[test]
fn help_and_wrong_use_say_how_it_is_used() {
    let machine = Machine::fresh();
    let help = machine.prepare(&["--help"]);
    help.exits(0);
    for word in ["--check", "--root DIR", "Exit codes", "/etc/arcgauge-runner/settings"] {
        assert!(help.stdout.contains(word), "{word}\n{help}");
    }
    let wrong = machine.prepare(&["--chek"]);
    wrong.exits(2);
    assert!(wrong.stderr.contains("unknown option `--chek`"), "{wrong}");
}

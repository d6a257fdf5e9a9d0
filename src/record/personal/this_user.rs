//! The list of what names this user and this machine.

use std::env;
use std::fs;

use super::{Personal, Trace};

/// Variables with the name of an account.
const ACCOUNT: [&str; 4] = ["USER", "LOGNAME", "SUDO_USER", "USERNAME"];

impl Personal {
    /// The user's home folder, account and temporary folder, the machine's name and id, and what else is to go.
    #[must_use]
    pub fn of_this_user(more: Vec<Trace>) -> Self {
        let home = env::home_dir();
        let mut traces = more;
        if let Some(home) = &home {
            traces.extend(Trace::of_path(home, "~"));
            traces.extend(home.file_name().and_then(|name| name.to_str()).map(|it| Trace::new(it, "<user>")));
        }
        traces.extend(Trace::of_path(&env::temp_dir(), "<temporary>"));
        traces.extend(ACCOUNT.iter().filter_map(|it| env::var(it).ok()).map(|it| Trace::new(it, "<user>")));
        traces.extend(host());
        let machine_id = fs::read_to_string("/etc/machine-id").unwrap_or_default();
        traces.push(Trace::new(machine_id.trim(), "<machine>"));
        Self::of(traces)
    }
}

fn host() -> Vec<Trace> {
    let reported = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let names = reported.into_iter().chain(env::var("HOSTNAME").ok());
    let names: Vec<String> = names.map(|name| name.trim().to_owned()).collect();
    let short = names.iter().filter_map(|name| name.split('.').next()).map(str::to_owned);
    names.iter().cloned().chain(short).map(|name| Trace::new(name, "<host>")).collect()
}

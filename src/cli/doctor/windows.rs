//! What is known of Windows: what OpenVINO needs there, and what cannot be judged yet.

use std::env;
use std::env::consts::OS;
use std::path::{Path, PathBuf};

use crate::record::first_light::Check;

/// Of Microsoft's C++ runtime, with which OpenVINO is built.
const LIBRARIES: [&str; 3] = ["msvcp140.dll", "vcruntime140.dll", "vcruntime140_1.dll"];

/// On other systems there is nothing to say.
pub(super) fn examine() -> Vec<Check> {
    let system = env::var_os("SystemRoot").map_or_else(|| PathBuf::from(r"C:\Windows"), PathBuf::from);
    if OS == "windows" { of_system(&system.join("System32")) } else { Vec::new() }
}

fn of_system(folder: &Path) -> Vec<Check> {
    let missing: Vec<&str> = LIBRARIES.into_iter().filter(|name| !folder.join(name).is_file()).collect();
    let runtime = if missing.is_empty() {
        Check::ok("C++ runtime", format!("`{}` has Microsoft's", folder.display()))
    } else {
        let what = format!("`{}` has no {}", folder.display(), missing.join(", "));
        Check::fail("C++ runtime", what, "install it: winget install Microsoft.VCRedist.2015+.x64")
    };
    let unknown = "tested under Wine only: no guard but a suspend of the machine and its AC power is observed, so neither the gate nor the \
                   published 21.24 tok/s is available";
    vec![runtime, Check::skip("windows", unknown)]
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::record::first_light::CheckStatus;

    #[test]
    fn a_runtime_that_lacks_a_library_is_named_with_the_command_that_installs_it() {
        let folder = tempfile::tempdir().unwrap();
        for name in &LIBRARIES[..2] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let check = &of_system(folder.path())[0];
        assert_eq!(check.status, CheckStatus::Fail);
        assert!(check.render().contains("has no vcruntime140_1.dll"), "{}", check.render());
        assert!(check.render().contains("winget install"), "{}", check.render());
        fs::write(folder.path().join(LIBRARIES[2]), "").unwrap();
        assert_eq!(of_system(folder.path())[0].status, CheckStatus::Ok);
    }

    #[test]
    fn what_cannot_be_judged_there_is_said() {
        let checks = of_system(Path::new("/nowhere"));
        assert!(checks[1].found.contains("neither the gate nor the published 21.24"), "{checks:?}");
        assert_eq!(examine().is_empty(), OS != "windows");
    }
}

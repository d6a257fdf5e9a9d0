//! The Python engines that `peers` runs: whether each was set up.

use crate::cli::doctor::check::Check;
use crate::cli::peers::{environment, python_of};
use crate::cli::root::Root;

/// Those that `setup --peers` makes.
const PEERS: [&str; 2] = ["genai", "optimum"];

/// A line for each.
pub(super) fn examine(root: &Root) -> Vec<Check> {
    PEERS.iter().map(|peer| of(root, peer)).collect()
}

fn of(root: &Root, peer: &str) -> Check {
    let subject = format!("peer {peer}");
    match environment(root, peer) {
        Ok(folder) if python_of(&folder).is_file() => {
            Check::ok(&subject, format!("in `{}`", folder.display()))
        }
        Ok(_) => Check::skip(&subject, "not set up, and `peers` alone needs it: `cargo xtask setup --peers`"),
        Err(error) => Check::skip(&subject, error.to_string()),
    }
}

//! What the kernel tells of a process's use of an Intel GPU: `/proc/PID/fdinfo`, as the xe and i915
//! drivers document it. Tested on fixtures.

mod client;
mod others;

use std::collections::BTreeMap;

pub use client::{ClientId, GpuClient, compute_work};
pub use others::{OtherClients, OtherGpuUse};

use crate::sys::{SysfsRoot, Unavailable};

/// The clients of the GPU that these processes hold, each once, however many descriptors lead to it.
///
/// # Errors
/// When none of the processes may be looked at, or all have ended.
pub fn clients_of(root: &SysfsRoot, processes: &[u32]) -> Result<BTreeMap<ClientId, GpuClient>, Unavailable> {
    let mut clients = BTreeMap::new();
    let mut was_read = false;
    let mut reason = Unavailable::because("there is no process to look at");
    for process in processes {
        match client::add_clients_of(root, *process, &mut clients) {
            Ok(()) => was_read = true,
            Err(unavailable) => reason = unavailable,
        }
    }
    if was_read { Ok(clients) } else { Err(reason) }
}

/// A process and all that it started, directly or not, and that still run.
#[must_use]
pub fn family(root: &SysfsRoot, process: u32) -> Vec<u32> {
    let mut family = vec![process];
    let mut at = 0;
    while let Some(parent) = family.get(at).copied() {
        at += 1;
        // Every thread may have started some.
        for thread in root.entries(&format!("proc/{parent}/task")).unwrap_or_default() {
            let children = root.text(&format!("proc/{parent}/task/{thread}/children")).unwrap_or_default();
            for child in children.split(' ').filter_map(|child| child.parse().ok()) {
                // A number that was given anew must not lead in a circle.
                if !family.contains(&child) {
                    family.push(child);
                }
            }
        }
    }
    family
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::kernel_tree::{Tree, xe_client};

    #[test]
    fn several_descriptors_of_one_client_count_once() {
        let tree = Tree::new()
            .client(7, 3, &xe_client(1, 10, 100, 64))
            .client(7, 4, &xe_client(1, 10, 100, 64))
            .client(7, 5, &xe_client(2, 30, 100, 64))
            .client(7, 6, "pos:\t0\nflags:\t02\n")
            .client(8, 3, &xe_client(1, 10, 100, 64));
        let clients = clients_of(&tree.root(), &[7, 8]).unwrap();
        assert_eq!(clients.len(), 2);
        assert_eq!(clients.values().map(|client| client.busy_cycles["ccs"]).sum::<u64>(), 40);
    }

    #[test]
    fn a_process_without_the_gpu_has_no_client_and_one_that_ended_is_unknown() {
        let tree = Tree::new().client(7, 3, "pos:\t0\n");
        assert!(clients_of(&tree.root(), &[7]).unwrap().is_empty());
        assert!(clients_of(&tree.root(), &[9]).is_err());
        assert!(clients_of(&tree.root(), &[9, 7]).is_ok(), "one of them can be looked at");
    }

    #[test]
    fn a_descriptor_that_leads_elsewhere_is_not_opened() {
        let tree =
            Tree::new().client(7, 3, &xe_client(1, 10, 100, 64)).client(7, 4, &xe_client(2, 9, 100, 64));
        std::fs::create_dir_all(tree.path("proc/7/fd")).unwrap();
        std::os::unix::fs::symlink("/tmp/log", tree.path("proc/7/fd/3")).unwrap();
        std::os::unix::fs::symlink("/dev/dri/renderD128", tree.path("proc/7/fd/4")).unwrap();
        let clients = clients_of(&tree.root(), &[7]).unwrap();
        assert_eq!(clients.values().map(|client| client.busy_cycles["ccs"]).collect::<Vec<_>>(), [9]);
    }

    #[test]
    fn children_belong_to_the_family() {
        let tree = Tree::new()
            .file("proc/7/task/7/children", "8 ")
            .file("proc/7/task/70/children", "9 ")
            .file("proc/9/task/9/children", "10 7 ");
        assert_eq!(family(&tree.root(), 7), [7, 8, 9, 10]);
        assert_eq!(family(&tree.root(), 99), [99]);
    }
}

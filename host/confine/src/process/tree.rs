//! The processes that came from one, by what `/proc` says.

use std::collections::BTreeSet;
use std::fs;

use rustix::process::Pid;

/// Whether a process of this system can become the parent of what its children leave behind.
pub(crate) const CAN_ADOPT: bool = cfg!(target_os = "linux");

/// A process, and how many stand between it and the one that was asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Descendant {
    pub(crate) pid: u32,
    pub(crate) depth: u32,
}

impl Descendant {
    pub(crate) fn as_pid(&self) -> Option<Pid> {
        i32::try_from(self.pid).ok().and_then(Pid::from_raw)
    }
}

/// Makes this process the parent of whatever its descendants leave behind.
#[cfg(target_os = "linux")]
pub(crate) fn adopt_orphans() {
    // Linux takes any process id as yes, and refuses none.
    let _refused = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn adopt_orphans() {}

/// What came from a process and still runs: its children have depth 1. No more than so many: who multiplies is to be ended, not counted.
pub(crate) fn descendants(of: u32, most: usize) -> Vec<Descendant> {
    let all = if has_children_files() { None } else { Some(parents()) };
    let children = |parent: u32| match &all {
        None => children(parent),
        Some(all) => all.iter().filter(|(_, known)| *known == parent).map(|(pid, _)| *pid).collect(),
    };
    let mut found = vec![Descendant { pid: of, depth: 0 }];
    // Process ids are used again: a list that is read bit by bit can seem to hold a circle.
    let mut known = BTreeSet::from([of]);
    let mut next = 0;
    while let Some(Descendant { pid, depth }) = found.get(next).copied().filter(|_| found.len() <= most) {
        let new = children(pid).into_iter().filter(|child| known.insert(*child));
        found.extend(new.map(|pid| Descendant { pid, depth: depth + 1 }));
        next += 1;
    }
    found.remove(0);
    found
}

/// Whether the kernel lists children (`CONFIG_PROC_CHILDREN`), so that not every process of the machine need be looked at.
fn has_children_files() -> bool {
    fs::exists("/proc/thread-self/children").unwrap_or(false)
}

fn children(parent: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{parent}/task")) else { return vec![] };
    let lists = threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
}

/// Every process with its parent.
fn parents() -> Vec<(u32, u32)> {
    let Ok(all) = fs::read_dir("/proc") else { return vec![] };
    let pids = all.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| {
        // proc_pid_stat(5): the name in parentheses may hold anything; the state and the parent stand behind it.
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let parent = text.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
        Some((pid, parent))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn both_ways_find_the_same_children() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let own = std::process::id();
        let listed: Vec<_> = parents().into_iter().filter(|(_, parent)| *parent == own).map(|(pid, _)| pid).collect();
        assert!(listed.contains(&child.id()));
        assert!(descendants(own, 1000).contains(&Descendant { pid: child.id(), depth: 1 }));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

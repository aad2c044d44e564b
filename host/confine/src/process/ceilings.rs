//! Limits that the kernel holds for each process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::spec::Ceilings;

/// Sets the limits, none of them above what this process has.
///
/// `RLIMIT_AS` is not among them: numeric libraries and garbage collectors reserve address space by the gigabyte and touch little of it.
pub(crate) fn set(ceilings: &Ceilings, has_own_users: bool) -> Result<(), String> {
    let mut limits = vec![
        ("core", Resource::Core, 0),
        ("data", Resource::Data, ceilings.data),
        ("fsize", Resource::Fsize, ceilings.file),
        ("nofile", Resource::Nofile, ceilings.open_files),
    ];
    // The kernel counts all processes and threads of a user within the user namespace: here this one and its parent are among them. Without a namespace it counts all
    // that the user runs, so that the limit can only be a bound for who multiplies; what is exact is sampled.
    let others = if has_own_users { 3 } else { tasks_of_this_user().saturating_add(1024) };
    limits.push(("nproc", Resource::Nproc, ceilings.processes.saturating_add(others)));
    for (name, resource, value) in limits {
        lower(name, resource, value, value)?;
    }
    // A second between the signal that can be caught and the one that cannot.
    ceilings.cpu_seconds.map_or(Ok(()), |seconds| lower("cpu", Resource::Cpu, seconds, seconds.saturating_add(1)))
}

fn lower(name: &str, resource: Resource, current: u64, maximum: u64) -> Result<(), String> {
    let bound = |value: u64, known: Option<u64>| Some(known.map_or(value, |known| known.min(value)));
    let found = getrlimit(resource);
    let new = Rlimit { current: bound(current, found.maximum), maximum: bound(maximum, found.maximum) };
    setrlimit(resource, new).map_err(|error| format!("failed to limit `{name}` to {current}: {error}"))
}

/// How many processes and threads this user has on the machine.
fn tasks_of_this_user() -> u64 {
    use std::os::unix::fs::MetadataExt;
    let own = rustix::process::getuid().as_raw();
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let its = all.filter(|entry| entry.metadata().is_ok_and(|found| found.uid() == own));
    its.filter_map(|entry| Some(std::fs::read_dir(entry.path().join("task")).ok()?.count() as u64)).sum()
}

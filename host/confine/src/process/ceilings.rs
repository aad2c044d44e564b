//! Limits that the kernel holds for each process.

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};

use super::spec::Ceilings;

/// Sets the limits but that of data, none of them above what this process has.
///
/// `RLIMIT_AS` is not among them: numeric libraries and garbage collectors reserve address space by the gigabyte and touch little of it.
pub(crate) fn set(ceilings: &Ceilings, has_own_users: bool) -> Result<(), String> {
    let mut limits = vec![
        ("core", Resource::Core, 0),
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

/// Limits the data of a process that has just begun, or of this one that is about to become it.
///
/// Not before that: this program's own allocator has reserved more than many limits are, and what goes beyond its limit can start nothing more.
pub(crate) fn set_data(process: Option<u32>, ceilings: &Ceilings) -> Result<(), String> {
    let pid = process.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let limit = Rlimit { current: Some(ceilings.data), maximum: Some(ceilings.data) };
    match prlimit(pid, Resource::Data, limit) {
        // One that has ended by itself needs none.
        Ok(_) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(format!("failed to limit `data` to {}: {error}", ceilings.data)),
    }
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

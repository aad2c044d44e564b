//! Rights that a process gives up for good.

/// Drops all capabilities, and the way to get any: `no_new_privs`. Whether it did.
#[cfg(target_os = "linux")]
pub(crate) fn drop_all() -> bool {
    use rustix::thread::{
        CapabilitySet, CapabilitySets, clear_ambient_capability_set, no_new_privs, remove_capability_from_bounding_set,
        set_capabilities, set_no_new_privs,
    };

    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    // Without the right to change it, the bounding set stays as it is. Root then gets its capabilities back by `exec`: hence the look at what came of it.
    let bounded = CapabilitySet::all().iter().map(remove_capability_from_bounding_set).collect::<Result<Vec<_>, _>>();
    let _unsupported = clear_ambient_capability_set();
    let dropped = set_capabilities(None, none).is_ok();
    let is_root = rustix::process::geteuid().is_root();
    let fixed = set_no_new_privs(true).is_ok() && no_new_privs().unwrap_or(false);
    fixed && dropped && (bounded.is_ok() || !is_root || is_bounded())
}

/// Whether the bounding set is empty already, as bubblewrap leaves it.
#[cfg(target_os = "linux")]
fn is_bounded() -> bool {
    use rustix::thread::{CapabilitySet, capability_is_in_bounding_set};
    CapabilitySet::all().iter().all(|capability| !capability_is_in_bounding_set(capability).unwrap_or(false))
}

/// Lets the kernel end this process with its parent.
#[cfg(target_os = "linux")]
pub(crate) fn die_with_parent() {
    // The kernel refuses no valid signal.
    let _refused = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
}

/// Keeps this process's files and memory from others of its user. A program that it starts is not kept from them.
#[cfg(target_os = "linux")]
pub(crate) fn hide() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    // The kernel refuses no valid value.
    let _refused = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn drop_all() -> bool {
    false
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn die_with_parent() {}

#[cfg(not(target_os = "linux"))]
pub(crate) fn hide() {}

//! Landlock: a process gives up the right to open anything but what is named, for itself and all that it starts.

use ::landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetStatus, Scope, path_beneath_rules,
};

/// The version that knows TCP.
pub(crate) const NETWORK: u32 = 4;

/// The newest version of the interface that these rules were written against. A newer kernel gives what this one asks for.
const NEWEST: ABI = ABI::V10;

/// What is given up.
pub(crate) struct Rules<'a> {
    /// What may be read and run, and what may be written; none where files are confined otherwise.
    pub(crate) files: Option<(&'a [String], &'a [String])>,
    /// Whether no socket may connect or listen.
    pub(crate) closes_network: bool,
}

/// What any program reads: devices that give nothing away, the processors, and the machine's own numbers. Python counts processors by them, numeric libraries their
/// features.
const ALWAYS_READABLE: [&str; 8] = [
    "/dev/random",
    "/dev/urandom",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
];
const ALWAYS_WRITABLE: [&str; 3] = ["/dev/null", "/dev/zero", "/dev/full"];

/// Gives up all but what the rules name. The version of the interface; none where the kernel has none. Paths that are not there are passed over.
pub(crate) fn restrict(rules: &Rules<'_>) -> Result<Option<u32>, String> {
    let failed = |error: ::landlock::RulesetError| format!("Landlock: {error}");
    let mut set = Ruleset::default().set_compatibility(CompatLevel::BestEffort);
    if rules.files.is_some() {
        set = set.handle_access(AccessFs::from_all(NEWEST)).map_err(failed)?;
    }
    if rules.closes_network {
        set = set.handle_access(AccessNet::from_all(NEWEST)).map_err(failed)?;
    }
    // Whatever else confines: abstract sockets are no files, and belong to the network only where that is a namespace.
    set = set.scope(Scope::from_all(NEWEST)).map_err(failed)?;
    let mut set = set.create().map_err(failed)?;
    if let Some((readable, writable)) = rules.files {
        let read = AccessFs::from_read(NEWEST);
        // What a script wrote cannot be run as a program, nor be a device or a socket.
        let write =
            AccessFs::from_all(NEWEST) & !(AccessFs::Execute | AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::MakeSock);
        let readable = readable.iter().map(String::as_str).chain(ALWAYS_READABLE);
        let writable = writable.iter().map(String::as_str).chain(ALWAYS_WRITABLE);
        set = set.add_rules(path_beneath_rules(readable, read)).map_err(failed)?;
        set = set.add_rules(path_beneath_rules(writable, write)).map_err(failed)?;
    }
    let status = set.restrict_self().map_err(failed)?;
    Ok(match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, _) => None,
        (_, LandlockStatus::Available { effective_abi, .. }) => u32::try_from(effective_abi as i32).ok(),
        _ => None,
    })
}

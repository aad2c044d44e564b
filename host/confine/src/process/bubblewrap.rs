//! The command line of bubblewrap: a file system made of what is needed alone.

use std::fs;
use std::path::Path;

use super::job::NetworkGrant;

/// Where a process finds its working directory, whatever the machine: paths in its output are the same everywhere.
pub(crate) const JOB: &str = "/job";
/// Where bubblewrap finds the program that confines further.
pub(crate) const SHIM: &str = "/sprag-confined";

/// The system's own folders, which hold libraries and programs and nothing of anyone's.
pub(crate) const SYSTEM: [&str; 2] = ["/usr", "/nix/store"];
/// Links into `/usr` on most systems, folders on others.
pub(crate) const ROOT: [&str; 6] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];
/// What the linker and the C library read.
const SETTINGS: [&str; 5] = ["/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime"];
/// What a client of the network reads.
pub(crate) const NETWORK: [&str; 7] =
    ["/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/services", "/etc/ssl", "/etc/pki", "/etc/ca-certificates"];

/// What is put into the new file system beside the system's libraries.
pub(crate) struct Places<'a> {
    /// The environment and its interpreter, found where they are.
    pub(crate) readable: &'a [String],
    /// The working directory, found as [`JOB`]; none to find out whether anything works at all.
    pub(crate) job: Option<&'a Path>,
    /// Of the working directory, what may be written.
    pub(crate) writable: &'a [&'a str],
    /// Bytes of `/dev/shm`.
    pub(crate) shared_memory: u64,
}

/// bubblewrap with all that stands before the command that it runs.
pub(crate) fn command(program: &str, forbids_users: bool, shim: &str, network: NetworkGrant, places: &Places<'_>) -> Vec<String> {
    let mut words = Words(vec![program.to_owned()]);
    words.add(&["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]);
    if network == NetworkGrant::Closed {
        words.add(&["--unshare-net"]);
    }
    if forbids_users {
        // A user namespace within would be the way to much of the kernel that has been attacked before.
        words.add(&["--disable-userns"]);
    }
    words.add(&["--hostname", "sprag", "--die-with-parent", "--cap-drop", "ALL"]);
    for place in SYSTEM.into_iter().chain(SETTINGS) {
        words.add(&["--ro-bind-try", place, place]);
    }
    for name in ROOT {
        let place = format!("/{name}");
        match fs::read_link(&place) {
            Ok(target) => words.add(&["--symlink", &target.to_string_lossy(), &place]),
            Err(_) => words.add(&["--ro-bind-try", &place, &place]),
        }
    }
    if network == NetworkGrant::Open {
        NETWORK.iter().for_each(|place| words.add(&["--ro-bind-try", place, place]));
    }
    words.add(&["--proc", "/proc", "--dev", "/dev", "--ro-bind-try", "/sys/devices/system/cpu", "/sys/devices/system/cpu"]);
    // Both `/dev` and the root are in memory and of no bounded size: nothing may be written there.
    words.add(&["--size", &places.shared_memory.to_string(), "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]);
    if let Some(job) = places.job {
        words.bind("--ro-bind", job, JOB);
        for name in places.writable {
            words.bind("--bind", &job.join(name), &format!("{JOB}/{name}"));
        }
        // Some libraries know no other place. Where something is to be found below it, it must stay a folder.
        if places.readable.iter().any(|place| place.starts_with("/tmp/")) {
            words.add(&["--dir", "/tmp"]);
        } else {
            words.bind("--bind", &job.join("tmp"), "/tmp");
        }
    }
    for place in places.readable.iter().filter(|place| !is_system(place)) {
        words.add(&["--ro-bind", place, place]);
    }
    words.add(&["--ro-bind", shim, SHIM, "--remount-ro", "/"]);
    if places.job.is_some() {
        words.add(&["--chdir", JOB]);
    }
    words.add(&["--"]);
    words.0
}

/// Whether a path is there already, as one of the system's.
fn is_system(place: &str) -> bool {
    SYSTEM.iter().any(|system| Path::new(place).starts_with(system))
}

struct Words(Vec<String>);

impl Words {
    fn add(&mut self, words: &[&str]) {
        self.0.extend(words.iter().map(|word| (*word).to_owned()));
    }

    fn bind(&mut self, how: &str, from: &Path, to: &str) {
        self.add(&[how, &from.to_string_lossy(), to]);
    }
}

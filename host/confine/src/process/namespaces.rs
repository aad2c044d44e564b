//! The namespaces that a process is in. Told by what `/proc` links to and compared with those of the process that supervises: a wrapper's word is not taken.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The namespaces of one process, by what `/proc/self/ns` links to; empty where that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Namespaces {
    mnt: PathBuf,
    net: PathBuf,
    pid: PathBuf,
    user: PathBuf,
}

/// In which namespaces a process is by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Own {
    pub(crate) mnt: bool,
    pub(crate) net: bool,
    pub(crate) pid: bool,
    pub(crate) user: bool,
}

impl Namespaces {
    /// Those of this process.
    pub(crate) fn current() -> Self {
        let of = |kind: &str| std::fs::read_link(Path::new("/proc/self/ns").join(kind)).unwrap_or_default();
        Self { mnt: of("mnt"), net: of("net"), pid: of("pid"), user: of("user") }
    }

    /// Which of these are not those of another. What is not known counts as shared.
    pub(crate) fn apart_from(&self, other: &Self) -> Own {
        let differ = |one: &Path, two: &Path| one != two && one != Path::new("") && two != Path::new("");
        Own {
            mnt: differ(&self.mnt, &other.mnt),
            net: differ(&self.net, &other.net),
            pid: differ(&self.pid, &other.pid),
            user: differ(&self.user, &other.user),
        }
    }
}

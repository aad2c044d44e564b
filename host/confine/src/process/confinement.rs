//! What confinement a process got: found from within, after it was put in place and before the process started, and never assumed.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::job::NetworkGrant;

/// What confinement a process got, as a run's record holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Confinement {
    /// What keeps it from files that are not its own.
    pub file_system: FileSystem,
    /// What keeps it from the network.
    pub network: Network,
    /// What keeps it from other processes, and others from outliving it.
    pub processes: Processes,
    /// Whether it could get rights that its user has.
    pub privileges: Privileges,
}

/// What keeps a process from files that are not its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum FileSystem {
    /// It sees its environment, the system's libraries and its working directory: nothing else is there.
    MountNamespace,
    /// It may open nothing else. It still sees that files exist, and may change modes and times of those of its user.
    Landlock {
        /// The version of the kernel's interface.
        abi: u32,
    },
    /// Nothing.
    None,
}

/// What keeps a process from the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Network {
    /// It was granted.
    Granted,
    /// There is none but its own loopback.
    Namespace,
    /// It may neither connect nor listen by TCP, nor, from version 10 on, by UDP.
    Landlock {
        /// The version of the kernel's interface.
        abi: u32,
    },
    /// Nothing.
    None,
}

/// What keeps a process from other processes, and those that it starts from outliving it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Processes {
    /// It sees its own alone, and the kernel ends them with it.
    PidNamespace,
    /// It sees those of others. Its own are found and ended, wherever they moved to.
    Subreaper,
    /// Nothing.
    None,
}

/// Whether a process could get rights that its user has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Privileges {
    /// It has no capabilities and can get none (`no_new_privs`).
    Dropped,
    /// It has those of whoever started it.
    Kept,
}

impl Confinement {
    /// What is missing of what is demanded, as expectations.
    pub(crate) fn missing(&self, network: NetworkGrant) -> Vec<&'static str> {
        let mut missing = vec![];
        if self.file_system == FileSystem::None {
            missing.push("a mount namespace or Landlock");
        }
        if self.network == Network::None && network == NetworkGrant::Closed {
            missing.push("a network namespace or Landlock of version 4");
        }
        if self.privileges == Privileges::Kept {
            missing.push("`no_new_privs`");
        }
        missing
    }
}

impl fmt::Display for Confinement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file_system, network, processes, privileges } = self;
        write!(formatter, "file system: {file_system}; network: {network}; processes: {processes}; privileges: {privileges}")
    }
}

impl fmt::Display for FileSystem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MountNamespace => formatter.write_str("mount namespace"),
            Self::Landlock { abi } => write!(formatter, "Landlock {abi}"),
            Self::None => formatter.write_str("not confined"),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted => formatter.write_str("granted"),
            Self::Namespace => formatter.write_str("own namespace"),
            Self::Landlock { abi } if *abi < 10 => write!(formatter, "Landlock {abi} (TCP alone)"),
            Self::Landlock { abi } => write!(formatter, "Landlock {abi}"),
            Self::None => formatter.write_str("not confined"),
        }
    }
}

impl fmt::Display for Processes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::PidNamespace => "own namespace",
            Self::Subreaper => "found and ended",
            Self::None => "not confined",
        })
    }
}

impl fmt::Display for Privileges {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Dropped => "dropped",
            Self::Kept => "kept",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_says_what_there_was() {
        let full = Confinement {
            file_system: FileSystem::MountNamespace,
            network: Network::Namespace,
            processes: Processes::PidNamespace,
            privileges: Privileges::Dropped,
        };
        let text = "file system: mount namespace; network: own namespace; processes: own namespace; privileges: dropped";
        assert_eq!(full.to_string(), text);
        assert_eq!(full.missing(NetworkGrant::Closed), [""; 0]);
        let part = Confinement { file_system: FileSystem::Landlock { abi: 3 }, network: Network::None, ..full };
        let json = serde_json::to_string(&part).unwrap();
        let expected = r#"{"file-system":{"by":"landlock","abi":3},"network":{"by":"none"},"processes":{"by":"pid-namespace"},"privileges":"dropped"}"#;
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_str::<Confinement>(&json).unwrap(), part);
        assert_eq!(part.missing(NetworkGrant::Open), [""; 0]);
        assert_eq!(part.missing(NetworkGrant::Closed), ["a network namespace or Landlock of version 4"]);
    }
}

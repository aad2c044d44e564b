//! The ways in which this machine can confine a process, and which of them work.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::bubblewrap::{self, Places, SHIM};
use super::error::ProcessError;
use super::job::{Demand, NetworkGrant};
use super::namespaces::Namespaces;
use super::spec::{Ceilings, Spec, Step, View};
use crate::environment::on_path;

/// The program that is started to confine another: this one, with the hidden command that calls [`exec_confined`](super::exec_confined).
#[derive(Debug, Clone)]
pub struct Shim {
    /// The program.
    pub program: PathBuf,
    /// What stands before the one argument that says what is to be done.
    pub arguments: Vec<String>,
}

/// A way to confine a process. Whatever the way, limits are set, privileges dropped and Landlock rules put in place as far as the kernel has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Means {
    /// bubblewrap: a file system of its own, and namespaces.
    Bubblewrap {
        /// The program.
        program: PathBuf,
        /// Whether it can forbid further user namespaces (since 0.8).
        forbids_users: bool,
    },
    /// `unshare` of util-linux: namespaces, and Landlock for files.
    Namespaces {
        /// The program.
        program: PathBuf,
    },
    /// No namespaces: Landlock for files and for TCP. Where the program that supervises is killed without a warning, what a script started itself runs on; and as root, whom the
    /// kernel counts no processes, a script that multiplies is only stopped as fast as it is seen.
    Bare,
}

impl Means {
    /// The best way that works here, found out by running something in each.
    pub fn best(shim: &Shim) -> Self {
        let all = Self::candidates();
        all.into_iter().find(|means| means.works(shim)).unwrap_or(Self::Bare)
    }

    /// Every way that could work here, best first.
    fn candidates() -> Vec<Self> {
        let bubblewrap = on_path("bwrap").into_iter().next();
        let bubblewrap = bubblewrap
            .into_iter()
            .flat_map(|program| [true, false].map(|forbids_users| Self::Bubblewrap { program: program.clone(), forbids_users }));
        let namespaces = on_path("unshare").into_iter().next().map(|program| Self::Namespaces { program });
        bubblewrap.chain(namespaces).collect()
    }

    /// Whether something can be run in this way. That a program is there says little: containers and security modules forbid namespaces in ways that only trying shows.
    pub fn works(&self, shim: &Shim) -> bool {
        let places = Places { readable: &[], job: None, writable: &[], shared_memory: 4096 };
        let (Ok(mut words), Ok(inner)) = (self.wrapper(shim, NetworkGrant::Closed, &places), self.shim(shim)) else {
            return false;
        };
        words.extend(inner);
        words.push(serde_json::to_string(&probe()).expect("texts and numbers alone"));
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).env_clear();
        command.status().is_ok_and(|status| status.success())
    }

    /// What stands before the command that is confined.
    pub(crate) fn wrapper(&self, shim: &Shim, network: NetworkGrant, places: &Places<'_>) -> Result<Vec<String>, ProcessError> {
        Ok(match self {
            Self::Bubblewrap { program, forbids_users } => {
                let shim = text(&std::fs::canonicalize(&shim.program).unwrap_or_else(|_| shim.program.clone()))?;
                bubblewrap::command(&text(program)?, *forbids_users, &shim, network, places)
            }
            Self::Namespaces { program } => {
                let mut words = vec![text(program)?];
                // As root of the new user namespace, so that sockets can be covered; that right is dropped before anything else starts.
                let all = ["--map-root-user", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--mount-proc"];
                words.extend(all.map(str::to_owned));
                if network == NetworkGrant::Closed {
                    words.push("--net".to_owned());
                }
                words
            }
            Self::Bare => vec![],
        })
    }

    /// The hidden command as it is found within the wrapper.
    pub(crate) fn shim(&self, shim: &Shim) -> Result<Vec<String>, ProcessError> {
        let program = if matches!(self, Self::Bubblewrap { .. }) { SHIM.to_owned() } else { text(&shim.program)? };
        Ok([program].into_iter().chain(shim.arguments.iter().cloned()).collect())
    }

    pub(crate) fn view(&self) -> View {
        match self {
            Self::Bubblewrap { .. } => View::New,
            Self::Namespaces { .. } => View::Private,
            Self::Bare => View::Shared,
        }
    }

    /// How deep below the outermost helper the first process of the namespace stands: the kernel ends all others with it, however fast they multiply. None where there is no
    /// namespace.
    pub(crate) fn first_process(&self) -> Option<u32> {
        match self {
            Self::Bubblewrap { .. } | Self::Namespaces { .. } => Some(2),
            Self::Bare => None,
        }
    }

    /// How many helpers stand between the outermost and the process: those that are never asked to end.
    pub(crate) fn helpers(&self) -> u32 {
        match self {
            // bubblewrap itself, the first process of its namespace, and the innermost helper.
            Self::Bubblewrap { .. } => 3,
            // `unshare`, and the innermost helper, which is the first process of the namespace.
            Self::Namespaces { .. } => 2,
            // The innermost becomes the process.
            Self::Bare => 0,
        }
    }
}

fn probe() -> Spec {
    Spec {
        step: Step::Probe,
        supervisor: 0,
        wrapper: vec![],
        shim: vec![],
        program: vec![],
        directory: String::new(),
        view: View::Shared,
        readable: vec![],
        writable: vec![],
        ceilings: Ceilings { cpu_seconds: None, data: 0, file: 0, open_files: 0, processes: 0, shared_memory: 0 },
        network: NetworkGrant::Closed,
        demand: Demand::WhatThereIs,
        outside: Namespaces::current(),
    }
}

/// A path as text, since it goes through JSON and command lines.
pub(crate) fn text(path: &std::path::Path) -> Result<String, ProcessError> {
    path.to_str().map(str::to_owned).ok_or_else(|| ProcessError::Path(path.to_owned()))
}

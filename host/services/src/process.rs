//! Processes that others started: told apart from a later process of the same number by when they began.

use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

/// The variables that a supervisor and its services have of whoever deploys: where they keep compiled code and what is passing. All others stay behind: secrets
/// of a release among them would lie in the environment of processes that run for months.
const KEPT: [&str; 4] = ["HOME", "SPRAG_CACHE_DIR", "TMPDIR", "XDG_CACHE_HOME"];

/// Gives a command no more of this process's environment than it needs.
pub(crate) fn part_from_environment(command: &mut Command) {
    command.env_clear();
    command.envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
}

/// One process of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct ProcessId {
    pid: u32,
    /// When it began, in whatever form the system tells.
    began: String,
}

impl ProcessId {
    /// The process of this number that runs now; none where there is none.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        began(pid).map(|began| Self { pid, began })
    }

    /// Whether it still runs.
    pub(crate) fn is_alive(&self) -> bool {
        began(self.pid).as_ref() == Some(&self.began)
    }

    /// Asks it to finish what it has begun, and to end.
    pub(crate) fn ask_to_end(&self) {
        if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw).filter(|_| self.is_alive()) {
            // It may have ended just now, which is what was wanted.
            let _ended = kill_process(pid, Signal::TERM);
        }
    }
}

/// When the process of a number began; none where there is none, or where it is dead and only not yet collected.
#[cfg(target_os = "linux")]
fn began(pid: u32) -> Option<String> {
    // proc_pid_stat(5): the name in parentheses may hold anything, so fields are counted behind it. The third is the state, the 22nd the start in ticks.
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<_> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let is_dead = matches!(*fields.first()?, "Z" | "X");
    if is_dead { None } else { fields.get(19).map(|ticks| (*ticks).to_owned()) }
}

#[cfg(not(target_os = "linux"))]
fn began(pid: u32) -> Option<String> {
    let output = Command::new("ps").args(["-o", "lstart=", "-p", &pid.to_string()]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_alive_until_it_ends() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let process = ProcessId::of(child.id()).unwrap();
        assert!(process.is_alive());
        let recycled = ProcessId { began: "0".into(), ..process.clone() };
        recycled.ask_to_end();
        assert!(process.is_alive(), "a process of the same number that began at another time is left alone");
        process.ask_to_end();
        child.wait().unwrap();
        assert!(!process.is_alive());
    }
}

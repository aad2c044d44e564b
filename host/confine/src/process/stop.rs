//! Ends a process that must end: asks, waits, insists.

use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};

use super::means::Means;
use super::outcome::Event;
use super::tree::Descendant;

/// How far the end of a process has come.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stop {
    /// It runs.
    Not,
    /// It is to be asked, or was.
    Asking { since: Instant, was_heard: bool },
    /// It is being killed.
    Killing { since: Instant },
}

/// How long helpers have to end by themselves when the process has been killed. One that the process stopped by a signal never would.
const LAST_WORDS: Duration = Duration::from_millis(500);

impl Stop {
    /// Begins by asking; does nothing where that has begun.
    pub(crate) fn ask(&mut self) {
        if matches!(self, Self::Not) {
            *self = Self::Asking { since: Instant::now(), was_heard: false };
        }
    }

    /// Kills, whatever was asked.
    pub(crate) fn kill(&mut self) {
        if !self.is_killing() {
            *self = Self::Killing { since: Instant::now() };
        }
    }

    /// Whether it is being killed.
    pub(crate) fn is_killing(self) -> bool {
        matches!(self, Self::Killing { .. })
    }

    /// Does what is due, to all that came from the outermost helper.
    pub(crate) fn go_on(&mut self, all: &[Descendant], means: &Means, grace: Duration, tell: &dyn Fn(Event)) {
        if let Self::Asking { since, was_heard } = self {
            if !*was_heard {
                // Helpers are never asked: they would be gone before the process is, and bubblewrap would kill it.
                let asked: Vec<_> = all.iter().filter(|process| process.depth > means.helpers()).collect();
                asked.iter().for_each(|process| send(process, Signal::TERM));
                // Before it has started there is nobody to ask.
                *was_heard = !asked.is_empty();
                if *was_heard {
                    tell(Event::Asked);
                }
            }
            if since.elapsed() < grace {
                return;
            }
            tell(Event::Killed);
            self.kill();
        }
        if let Self::Killing { since } = *self {
            let is_over = since.elapsed() > LAST_WORDS;
            let is_meant = |process: &&Descendant| match means.first_process() {
                Some(depth) => is_over || process.depth == depth,
                None => is_over || process.depth > means.helpers(),
            };
            let meant: Vec<_> = all.iter().filter(is_meant).collect();
            // All are stopped before the first is killed: what is stopped starts no other.
            for signal in [Signal::STOP, Signal::KILL] {
                meant.iter().for_each(|process| send(process, signal));
            }
        }
    }
}

fn send(process: &Descendant, signal: Signal) {
    if let Some(pid) = process.as_pid() {
        // It may have ended just now, which is what was wanted.
        let _ended = kill_process(pid, signal);
    }
}

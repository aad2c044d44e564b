//! The outermost of the helpers: starts the wrapper, waits, and leaves nothing running.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use rustix::process::{Signal, WaitOptions, getppid, kill_process, setsid, wait};

use super::outcome::Ended;
use super::spec::{Said, Spec, Step, say};
use super::{privileges, tree};

pub(crate) fn run(spec: Spec) -> ExitCode {
    // A session of its own: Ctrl-C at the terminal is for the program that supervises, which then asks in order.
    let _leads_already = setsid();
    if !end_with(spec.supervisor) {
        return ExitCode::FAILURE;
    }
    // What detaches itself from its parents becomes a child of this process.
    tree::adopt_orphans();
    let next = if spec.wrapper.is_empty() { Step::Inner } else { Step::Leash };
    let json = serde_json::to_string(&Spec { step: next, supervisor: std::process::id(), ..spec.clone() })
        .expect("texts and numbers alone");
    // Here the hidden command is still where this one was found.
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => {
            say(&Said::Failed(format!("failed to find this program: {error}")));
            return ExitCode::FAILURE;
        }
    };
    let words = spec.shim.into_iter().skip(1).chain([json]);
    let child = match Command::new(&program).args(words).spawn() {
        Ok(child) => child,
        Err(error) => {
            say(&Said::Failed(format!("failed to start `{}`: {error}", program.display())));
            return ExitCode::FAILURE;
        }
    };
    let ended = wait_for(child.id());
    end_the_rest();
    if let Some(ended) = ended {
        say(&Said::Wrapper(ended));
    }
    ExitCode::SUCCESS
}

/// Becomes the wrapper. Not every wrapper ends with its parent, and what it started would run on with nobody to end it.
pub(crate) fn leash(spec: &Spec) -> ExitCode {
    if !end_with(spec.supervisor) {
        return ExitCode::FAILURE;
    }
    let inner = Spec { step: Step::Inner, wrapper: vec![], ..spec.clone() };
    let json = serde_json::to_string(&inner).expect("texts and numbers alone");
    let mut words = spec.wrapper.iter().chain(&spec.shim).chain([&json]);
    let program = words.next().expect("the shim is a program at least");
    let error = Command::new(program).args(words).exec();
    say(&Said::Failed(format!("failed to start `{program}`: {error}")));
    ExitCode::FAILURE
}

/// Lets the kernel end this process with its parent. False where that is gone already.
fn end_with(parent: u32) -> bool {
    privileges::die_with_parent();
    getppid().is_some_and(|found| u32::try_from(found.as_raw_nonzero().get()) == Ok(parent))
}

/// Waits for a child, and collects whatever else ends meanwhile.
pub(crate) fn wait_for(child: u32) -> Option<Ended> {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if u32::try_from(pid.as_raw_nonzero().get()) == Ok(child) => {
                return match (status.exit_status(), status.terminating_signal()) {
                    (Some(code), _) => Some(Ended::Exited(code)),
                    (None, Some(signal)) => Some(Ended::Signalled(signal)),
                    (None, None) => continue,
                };
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}

/// Ends every process that came from this one. A process that multiplies is stopped first, so that it cannot outrun this.
fn end_the_rest() {
    loop {
        let left = tree::descendants(std::process::id(), usize::MAX);
        if left.is_empty() {
            return;
        }
        for signal in [Signal::STOP, Signal::KILL] {
            for pid in left.iter().filter_map(|process| process.as_pid()) {
                // It may have ended just now, which is what was wanted.
                let _ended = kill_process(pid, signal);
            }
        }
        // All that is left are children of this process sooner or later; none left to wait for means that all is done.
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
        std::thread::yield_now();
    }
}

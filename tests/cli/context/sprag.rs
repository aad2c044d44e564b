//! The program with arguments, in clean surroundings.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::redact::Redactor;
use super::{Outcome, Project, Running};

/// One call of the program. The environment is empty but for what is set here.
#[must_use = "nothing happens before `run` or `start`"]
pub(crate) struct Sprag<'a> {
    project: &'a Project,
    command: Command,
}

/// The program that the tests are about.
const PROGRAM: &str = env!("CARGO_BIN_EXE_sprag");

/// Where all tests keep compiled code: beside the build, so that it serves the next run of the tests, too.
fn shared_cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli-cache")
}

impl<'a> Sprag<'a> {
    pub(super) fn new(project: &'a Project, args: &[&str]) -> Self {
        Self::of(project, PROGRAM.as_ref(), args)
    }

    /// Another program in the same surroundings: a copy, or a shell that starts `$SPRAG`.
    pub(crate) fn of(project: &'a Project, program: &OsStr, args: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(args).current_dir(project.root()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", project.outside().join("home"));
        command.env("SPRAG_CACHE_DIR", shared_cache()).env("SPRAG_USER", "tester").env("SPRAG", PROGRAM);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { project, command }
    }

    /// Adds an argument.
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Unsets an environment variable.
    pub(crate) fn env_remove(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Starts in another folder than the project's.
    pub(crate) fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Runs it to its end.
    pub(crate) fn run(mut self) -> Outcome {
        let output = self.command.output().unwrap();
        Outcome::new(output, self.redactor())
    }

    /// Starts it, to read its events as they come.
    pub(crate) fn start(mut self) -> Running {
        let child = self.command.spawn().unwrap();
        Running::new(child, self.redactor())
    }

    fn redactor(&self) -> Redactor {
        Redactor::new(self.project.outside())
    }
}

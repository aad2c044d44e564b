//! The tools of a language: found on the `PATH`, run in the project's folder, stopped where that is asked for.

use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, io, thread};

use crate::AuthoringError;

/// How often it is looked whether a tool has ended or should.
const PAUSE: Duration = Duration::from_millis(20);

/// A tool, and what to do where it is missing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool {
    /// The program's name.
    pub(crate) program: &'static str,
    /// What it is, for a person.
    pub(crate) what: &'static str,
    /// How to get it.
    pub(crate) advice: &'static str,
}

impl Tool {
    /// Where it is.
    pub(crate) fn find(&self) -> Result<PathBuf, AuthoringError> {
        let path = env::var_os("PATH").unwrap_or_default();
        let found = env::split_paths(&path).filter(|dir| !dir.as_os_str().is_empty()).map(|dir| dir.join(self.program));
        found.into_iter().find(|file| file.is_file()).ok_or_else(|| {
            AuthoringError::new(format!("expected `{}` ({}) on the PATH, found none", self.program, self.what)).hint(self.advice)
        })
    }
}

/// Whoever asks for a build may ask for its end, too.
pub type Stop<'a> = &'a dyn Fn() -> bool;

/// One call of a tool.
pub(crate) struct Call<'a> {
    command: Command,
    stop: Stop<'a>,
}

/// How a call ended.
pub(crate) struct Ended {
    /// Whether it went well.
    pub(crate) is_good: bool,
    /// Its standard output.
    pub(crate) stdout: String,
}

impl<'a> Call<'a> {
    /// A call in a folder. What the tool has to say goes to standard error: standard output is for what was asked.
    pub(crate) fn new(program: impl AsRef<OsStr>, dir: &Path, stop: Stop<'a>) -> Self {
        let mut command = Command::new(program);
        command.current_dir(dir).stdin(Stdio::null()).stdout(io::stderr()).stderr(Stdio::inherit());
        Self { command, stop }
    }

    /// Adds arguments.
    pub(crate) fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        let _same = self.command.args(args);
        self
    }

    /// Sets a variable of the environment.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        let _same = self.command.env(name, value);
        self
    }

    /// Keeps what it says to itself: for a question whose answer is whether it succeeds.
    pub(crate) fn quiet(mut self) -> Self {
        let _same = self.command.stdout(Stdio::null()).stderr(Stdio::null());
        self
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Result<bool, AuthoringError> {
        self.ended().map(|ended| ended.is_good)
    }

    /// Runs it and reads what it prints.
    pub(crate) fn read(mut self) -> Result<Ended, AuthoringError> {
        let _same = self.command.stdout(Stdio::piped());
        self.ended()
    }

    fn ended(mut self) -> Result<Ended, AuthoringError> {
        let name = self.command.get_program().display().to_string();
        let failed = |error: io::Error| AuthoringError::new(format!("failed to run `{name}`: {error}"));
        let mut child = self.command.spawn().map_err(failed)?;
        // A tool that prints more than a pipe holds would wait for a reader.
        let reader = child.stdout.take().map(|mut stdout| {
            thread::spawn(move || {
                let mut bytes = vec![];
                let _read = stdout.read_to_end(&mut bytes);
                String::from_utf8_lossy(&bytes).into_owned()
            })
        });
        let status = loop {
            if let Some(status) = child.try_wait().map_err(failed)? {
                break status;
            }
            if (self.stop)() {
                // It may have ended just now, which is as good.
                let _killed = child.kill();
                let _status = child.wait().map_err(failed)?;
                return Err(AuthoringError::cancelled());
            }
            thread::sleep(PAUSE);
        };
        if (self.stop)() {
            // Ctrl-C reached the tool, too: that it failed says nothing.
            return Err(AuthoringError::cancelled());
        }
        let stdout = reader.and_then(|reader| reader.join().ok()).unwrap_or_default();
        Ok(Ended { is_good: status.success(), stdout })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_run_read_and_stopped() {
        let here = Path::new("/");
        let call = |script: &'static str, stop: Stop<'static>| Call::new("sh", here, stop).args(["-c", script]);
        let go_on: Stop<'static> = &|| false;
        let ended = call("echo hello; exit 3", go_on).read().unwrap();
        assert_eq!((ended.is_good, ended.stdout.as_str()), (false, "hello\n"));
        assert!(call("true", go_on).run().unwrap());
        let error = call("sleep 60", &|| true).run().unwrap_err();
        assert!(error.is_cancelled);
        assert!(Call::new("/no/such/tool", here, go_on).run().unwrap_err().message.contains("/no/such/tool"));
    }

    #[test]
    fn a_tool_that_is_missing_comes_with_advice() {
        let tool = Tool { program: "no-such-tool", what: "for tests", advice: "get it" };
        let error = tool.find().unwrap_err();
        assert_eq!(error.message, "expected `no-such-tool` (for tests) on the PATH, found none");
        assert_eq!(error.hints, ["get it"]);
    }
}

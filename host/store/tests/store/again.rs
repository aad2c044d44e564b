//! Runs one test of this binary again in a process of its own, so that it can be killed or confined.

use std::path::Path;
use std::process::{Command, Stdio};

/// Names the folder that the other process works in. Absent in the process that runs all tests.
const FOLDER: &str = "SPRAG_STORE_TEST_FOLDER";

/// The folder to work in, in the other process.
pub(crate) fn folder() -> Option<std::path::PathBuf> {
    std::env::var_os(FOLDER).map(Into::into)
}

/// The command that runs the test `name` alone with `folder`, behind the words of `wrapper`.
pub(crate) fn command(wrapper: &[&str], name: &str, folder: &Path) -> Command {
    let binary = std::env::current_exe().unwrap();
    let words = wrapper.iter().map(std::ffi::OsStr::new).chain([binary.as_os_str()]).collect::<Vec<_>>();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).args([name, "--exact", "--nocapture", "--test-threads=1"]).env(FOLDER, folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

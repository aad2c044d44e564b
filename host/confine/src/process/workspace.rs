//! The working directory of a process: `in/` to read, `out/` and `tmp/` to write.
//!
//! It lies on disk and not in memory, whatever confines the process: what is in memory is bounded by the machine alone, and outputs may be larger than that.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::error::{ProcessError, at};
use super::job::{Input, InputSource, Job, Program};
use super::spec::View;

/// The script's file.
pub(crate) const SCRIPT: &str = "script.py";
/// What a process may write.
pub(crate) const WRITABLE: [&str; 2] = ["out", "tmp"];

/// A working directory. It goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Workspace {
    dir: Option<TempDir>,
    path: PathBuf,
}

impl Workspace {
    /// Makes one with the inputs of a job in it.
    pub(crate) fn new(job: &Job, view: View) -> Result<Self, ProcessError> {
        let dir = tempfile::Builder::new().prefix("sprag-job-").tempdir_in(&job.folder).map_err(at(&job.folder))?;
        let path = fs::canonicalize(dir.path()).map_err(at(dir.path()))?;
        let workspace = Self { dir: Some(dir), path };
        for name in ["in"].iter().chain(&WRITABLE) {
            let folder = workspace.path.join(name);
            fs::create_dir(&folder).map_err(at(&folder))?;
        }
        if let Program::Script(text) = &job.program {
            let script = workspace.path.join(SCRIPT);
            fs::write(&script, text).map_err(at(&script))?;
        }
        let mut names = BTreeSet::new();
        for input in &job.inputs {
            if !names.insert(&input.name) {
                return Err(ProcessError::InputTwice(input.name.clone()));
            }
            workspace.put(input, view)?;
        }
        Ok(workspace)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn put(&self, input: &Input, view: View) -> Result<(), ProcessError> {
        if !is_name(&input.name) {
            return Err(ProcessError::InputName(input.name.clone()));
        }
        let place = self.path.join("in").join(&input.name);
        match &input.source {
            InputSource::Bytes(bytes) => fs::write(&place, bytes).map_err(at(&place)),
            InputSource::File(file) => {
                let file = fs::canonicalize(file).map_err(at(file))?;
                // Landlock keeps nobody from changing a file's mode or times, and through a link those would be the original's.
                let linked = view == View::New && fs::hard_link(&file, &place).is_ok();
                if linked { Ok(()) } else { fs::copy(&file, &place).map(drop).map_err(at(&file)) }
            }
        }
    }

    /// Makes all that a process left readable for whoever collects and removes it.
    pub(crate) fn open_up(&self) {
        for name in WRITABLE {
            open(&self.path.join(name), 0);
        }
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        let Some(dir) = self.dir.take() else { return };
        let path = dir.keep();
        if fs::remove_dir_all(&path).is_err() {
            // Folders nested beyond what can be opened at once, which `rm` knows how to walk. What it leaves is a temporary folder, as a killed program's.
            let mut command = Command::new("rm");
            command.arg("-rf").arg("--").arg(&path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let _left: io::Result<_> = command.status();
        }
    }
}

/// Deeper folders stay as they are: nothing is read from there.
const DEPTH: usize = 64;

fn open(dir: &Path, depth: usize) {
    // Neither is fatal: what cannot be read is refused by name when outputs are collected.
    let _unchanged = fs::set_permissions(dir, Permissions::from_mode(0o700));
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth < DEPTH => open(&entry.path(), depth + 1),
            Ok(kind) if kind.is_file() => {
                let _unchanged = fs::set_permissions(entry.path(), Permissions::from_mode(0o600));
            }
            _ => {}
        }
    }
}

fn is_name(name: &str) -> bool {
    let is_fine = |found: char| found.is_ascii_alphanumeric() || "._-".contains(found);
    (1..=255).contains(&name.len()) && !name.starts_with('.') && name.chars().all(is_fine)
}

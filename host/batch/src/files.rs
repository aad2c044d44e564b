//! The files of a job: where they are, what they must not be, and how they come under their names all at once.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use crate::error::BatchError;

/// The paths of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Files {
    pub(crate) input: PathBuf,
    pub(crate) output: PathBuf,
    pub(crate) rejects: PathBuf,
}

/// Whether what is there already may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    Keep,
    Replace,
}

impl Files {
    /// Where the output lies until it is whole.
    pub(crate) fn output_part(&self) -> PathBuf {
        hidden(&self.output, "part")
    }

    /// Where the file of refused rows lies until the output is whole.
    pub(crate) fn rejects_part(&self) -> PathBuf {
        hidden(&self.rejects, "part")
    }

    /// Where the journal lies.
    pub(crate) fn journal(&self) -> PathBuf {
        hidden(&self.output, "progress")
    }

    /// Checks that the three are different and that the folders are there to be written in.
    pub(crate) fn check(&self) -> Result<(), BatchError> {
        for path in [&self.output, &self.rejects] {
            let folder = folder(path);
            if !folder.is_dir() {
                return Err(BatchError::NoFolder { path: folder.to_owned() });
            }
            if path.is_dir() {
                return Err(BatchError::io("write", path, std::io::ErrorKind::IsADirectory.into()));
            }
        }
        let pairs = [
            ("input", "output", &self.input, &self.output),
            ("input", "rejects", &self.input, &self.rejects),
            ("output", "rejects", &self.output, &self.rejects),
        ];
        for (first, second, a, b) in pairs {
            if is_same(a, b) {
                return Err(BatchError::Same { first, second, path: b.clone() });
            }
        }
        Ok(())
    }

    /// Refuses to replace what is there.
    pub(crate) fn check_free(&self, existing: Existing) -> Result<(), BatchError> {
        let there = [&self.output, &self.rejects].into_iter().find(|path| path.exists());
        match there {
            Some(path) if existing == Existing::Keep => Err(BatchError::Exists { path: path.clone() }),
            _ => Ok(()),
        }
    }

    /// Removes what an unfinished job has left.
    pub(crate) fn sweep(&self) {
        for path in [self.output_part(), self.rejects_part(), self.journal()] {
            let _gone = std::fs::remove_file(path);
        }
    }
}

/// Opens a file to go on with it, or to begin it.
pub(crate) fn open_part(path: &Path) -> Result<File, BatchError> {
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    opened.map_err(|error| BatchError::io("write", path, error))
}

/// Brings a file under its name, when it is on disk.
pub(crate) fn commit(file: &File, part: &Path, path: &Path) -> Result<(), BatchError> {
    file.sync_all().map_err(|error| BatchError::io("write", part, error))?;
    std::fs::rename(part, path).map_err(|error| BatchError::io("write", path, error))?;
    // The name, too, must be on disk; a file system that cannot say so has done what it can.
    if let Ok(folder) = File::open(folder(path)) {
        let _synced = folder.sync_all();
    }
    Ok(())
}

/// The name of a hidden file beside another.
fn hidden(path: &Path, what: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.sprag-{what}"))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether two paths name one file, as far as can be told where one is not there yet.
fn is_same(a: &Path, b: &Path) -> bool {
    let real = |path: &Path| match path.canonicalize() {
        Ok(path) => Some(path),
        Err(_) => Some(folder(path).canonicalize().ok()?.join(path.file_name()?)),
    };
    a == b || matches!((real(a), real(b)), (Some(a), Some(b)) if a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_files_lie_beside_the_output() {
        let files = Files { input: "in.csv".into(), output: "out/scored.parquet".into(), rejects: "bad.csv".into() };
        assert_eq!(files.output_part(), Path::new("out/.scored.parquet.sprag-part"));
        assert_eq!(files.journal(), Path::new("out/.scored.parquet.sprag-progress"));
        assert_eq!(files.rejects_part(), Path::new(".bad.csv.sprag-part"));
    }

    #[test]
    fn one_file_under_two_names_is_found_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("in.csv"), "x").unwrap();
        std::os::unix::fs::symlink(path("in.csv"), path("link.csv")).unwrap();
        let check = |input: &str, output: &str, rejects: &str| {
            let files = Files { input: path(input), output: path(output), rejects: path(rejects) };
            files.check().map_err(|error| error.to_string().split(',').next().unwrap_or_default().to_owned())
        };
        assert_eq!(check("in.csv", "out.csv", "bad.csv"), Ok(()));
        let same = |names: &str| Err(format!("expected different files for the {names}"));
        assert_eq!(check("in.csv", "link.csv", "bad.csv"), same("input and the output"));
        assert_eq!(check("in.csv", "out.csv", "./in.csv"), same("input and the rejects"));
        assert_eq!(check("in.csv", "out.csv", "out.csv"), same("output and the rejects"));
        assert!(check("in.csv", "none/out.csv", "bad.csv").unwrap_err().starts_with("expected a folder"));
    }
}

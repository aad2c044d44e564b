//! What a process left in `out/`: read after it and all that it started have ended, so that nothing changes meanwhile.

use std::fs::{self, Metadata};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use super::job::Limits;
use super::tail::escaped;

/// Deeper folders are not read.
const DEPTH: usize = 16;

/// A file that a process left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its name, with `/` between folders.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub size: u64,
}

/// Something in `out/` that is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its name, what is no text in it escaped.
    pub name: String,
    /// What was expected, and what was found.
    pub reason: String,
}

/// The regular files of a folder and of those in it, and all that is not taken, each sorted by name. Links are not followed.
pub(crate) fn collect(dir: &Path, limits: &Limits) -> (Vec<Output>, Vec<Refused>) {
    let mut collected = Collected { outputs: vec![], refused: vec![], bytes: 0, limits };
    collected.folder(dir, "", 0);
    let Collected { mut outputs, mut refused, .. } = collected;
    outputs.sort_by(|one, two| one.name.cmp(&two.name));
    refused.sort_by(|one, two| one.name.cmp(&two.name));
    (outputs, refused)
}

struct Collected<'a> {
    outputs: Vec<Output>,
    refused: Vec<Refused>,
    bytes: u64,
    limits: &'a Limits,
}

impl Collected<'_> {
    fn folder(&mut self, dir: &Path, prefix: &str, depth: usize) {
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) => return self.refuse(prefix.trim_end_matches('/'), format!("failed to read it: {error}")),
        };
        // In order, so that what passes a bound is the same each time.
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            self.entry(&path, prefix, depth);
            if self.refused.len() as u64 > self.limits.outputs {
                return;
            }
        }
    }

    fn entry(&mut self, path: &Path, prefix: &str, depth: usize) {
        let file_name = path.file_name().unwrap_or_default();
        let shown = format!("{prefix}{}", escaped(file_name.as_encoded_bytes()));
        let found = match fs::symlink_metadata(path) {
            Ok(found) => found,
            Err(error) => return self.refuse(&shown, format!("failed to read it: {error}")),
        };
        if found.is_dir() {
            if depth == DEPTH {
                return self.refuse(&shown, format!("expected at most {DEPTH} folders within each other"));
            }
            return self.folder(path, &format!("{shown}/"), depth + 1);
        }
        if !found.is_file() {
            return self.refuse(&shown, format!("expected a regular file, found {}", kind(&found)));
        }
        if file_name.to_str().is_none_or(|name| escaped(name.as_bytes()) != name) {
            return self.refuse(&shown, "expected a name of printable UTF-8".to_owned());
        }
        if self.outputs.len() as u64 == self.limits.outputs {
            return self.refuse(&shown, format!("expected at most {} files", self.limits.outputs));
        }
        let bytes = self.bytes.saturating_add(found.len());
        if bytes > self.limits.output_bytes {
            let most = self.limits.output_bytes;
            return self.refuse(
                &shown,
                format!("expected at most {most} bytes in all, found {} in this file after {}", found.len(), self.bytes),
            );
        }
        if let Err(error) = fs::File::open(path) {
            return self.refuse(&shown, format!("failed to read it: {error}"));
        }
        self.bytes = bytes;
        self.outputs.push(Output { name: shown, path: path.to_owned(), size: found.len() });
    }

    fn refuse(&mut self, name: &str, reason: String) {
        self.refused.push(Refused { name: name.to_owned(), reason });
    }
}

fn kind(found: &Metadata) -> &'static str {
    let found = found.file_type();
    if found.is_symlink() {
        "a symbolic link"
    } else if found.is_fifo() {
        "a pipe"
    } else if found.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

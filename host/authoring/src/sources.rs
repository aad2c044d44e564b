//! The files of a project that a person or a tool may change, without those that a build makes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::AuthoringError;

/// Folders that are made, not written.
const MADE: [&str; 5] = ["build", "target", "node_modules", "__pycache__", "venv"];

/// The files of a project by their path, with when each was changed and how long it is.
pub type Snapshot = BTreeMap<PathBuf, (SystemTime, u64)>;

/// How the files of a project stand. A file that goes away meanwhile is not among them.
pub fn snapshot(dir: &Path) -> Snapshot {
    let mut found = Snapshot::new();
    collect(dir, &mut found);
    found
}

fn collect(dir: &Path, found: &mut Snapshot) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // What begins with a dot or ends with a tilde is an editor's or a tool's own, but for the configuration of cargo.
        if MADE.contains(&&*name) || name.ends_with('~') || (name.starts_with('.') && name != ".cargo") {
            continue;
        }
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            collect(&entry.path(), found);
        } else if metadata.is_file() {
            let _none = found.insert(entry.path(), (metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), metadata.len()));
        }
    }
}

/// The digest over all files of a project: equal where nothing changed, whatever the files' times.
pub(crate) fn digest(dir: &Path) -> Result<String, AuthoringError> {
    let mut whole = Sha256::new();
    // Another sprag may build in another way.
    whole.update(env!("CARGO_PKG_VERSION"));
    for path in snapshot(dir).into_keys() {
        let bytes = fs::read(&path).map_err(|error| AuthoringError::io("read", &path, &error))?;
        let name = path.strip_prefix(dir).unwrap_or(&path).to_string_lossy().into_owned();
        whole.update((name.len() as u64).to_le_bytes());
        whole.update(name);
        whole.update(Sha256::digest(&bytes));
    }
    Ok(hex(&whole.finalize()))
}

/// The digest of a file; none where there is none.
pub(crate) fn digest_of_file(path: &Path) -> Option<String> {
    fs::read(path).ok().map(|bytes| hex(&Sha256::digest(&bytes)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_no_source() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        for path in ["src/lib.rs", "build/plugin.wasm", "sub/target/x", ".git/HEAD", ".cargo/config.toml", "a~", ".a.swp"] {
            fs::create_dir_all(dir.join(path).parent().unwrap()).unwrap();
            fs::write(dir.join(path), path).unwrap();
        }
        let names: Vec<_> = snapshot(dir).into_keys().map(|path| path.strip_prefix(dir).unwrap().to_owned()).collect();
        assert_eq!(names, [Path::new(".cargo/config.toml"), Path::new("src/lib.rs")]);
    }

    #[test]
    fn the_digest_is_that_of_names_and_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        fs::write(dir.join("a"), "1").unwrap();
        let first = digest(dir).unwrap();
        fs::write(dir.join("a"), "1").unwrap();
        assert_eq!(digest(dir).unwrap(), first, "written again with the same bytes");
        fs::rename(dir.join("a"), dir.join("b")).unwrap();
        let renamed = digest(dir).unwrap();
        fs::write(dir.join("b"), "2").unwrap();
        assert!(renamed != first && digest(dir).unwrap() != renamed);
    }
}

//! The folders that a stage is granted, by the text with which the project grants them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sprag_runtime::outside::{FolderEntry, FolderError, Folders};

/// The most that is read of one file.
const MOST: u64 = 1 << 20;

/// The folders that a stage may work in. None, unless it is granted some.
///
/// It keeps a stage inside of its folders. It does not keep another program of the same user from putting a link there at that very moment, who could go where
/// the link leads anyhow.
#[derive(Debug, Default)]
pub(crate) struct GrantedFolders(BTreeMap<String, PathBuf>);

impl GrantedFolders {
    /// The folders that grants name; those that are relative are below `root`.
    pub(crate) fn new(grants: &[String], root: &Path) -> Self {
        Self(grants.iter().map(|text| (text.clone(), root.join(text))).collect())
    }

    /// The path on this machine. No part of it below the folder is a link or leads upwards.
    fn place(&self, folder: &str, path: &str) -> Result<PathBuf, FolderError> {
        let root = self.0.get(folder).ok_or_else(|| {
            let granted: Vec<_> = self.0.keys().map(String::as_str).chain([folder]).map(|text| format!("\"{text}\"")).collect();
            FolderError::Denied(format!(
                "asked for the folder `{folder}`, which no grant of this stage allows; set `folders = [{}]` in its grants in sprag.toml",
                granted.join(", ")
            ))
        })?;
        let mut place = root.clone();
        for name in path.split('/').filter(|_| !path.is_empty()) {
            if name.is_empty() || name == "." || name == ".." || name.contains(['\0', '\\']) {
                return Err(FolderError::BadPath(format!("expected names joined by `/`, found `{path}`")));
            }
            place.push(name);
            if fs::symlink_metadata(&place).is_ok_and(|found| found.is_symlink()) {
                return Err(FolderError::BadPath(format!("expected no link at `{}`, found one", place.display())));
            }
        }
        Ok(place)
    }
}

impl Folders for GrantedFolders {
    fn look(&self, folder: &str, path: &str) -> Result<Option<FolderEntry>, FolderError> {
        let path = self.place(folder, path)?;
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => Ok(Some(FolderEntry::Folder)),
            Ok(found) if found.is_file() => Ok(Some(FolderEntry::File)),
            Ok(_) => Ok(Some(FolderEntry::Other)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("look at", &path, &error)),
        }
    }

    fn make(&self, folder: &str, path: &str) -> Result<bool, FolderError> {
        let place = self.place(folder, path)?;
        if self.look(folder, path)? == Some(FolderEntry::Folder) {
            return Ok(false);
        }
        fs::create_dir_all(&place).map(|()| true).map_err(|error| failed("make", &place, &error))
    }

    fn read(&self, folder: &str, path: &str) -> Result<Option<Vec<u8>>, FolderError> {
        let path = self.place(folder, path)?;
        let file = match fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("read", &path, &error)),
        };
        let mut bytes = vec![];
        file.take(MOST + 1).read_to_end(&mut bytes).map_err(|error| failed("read", &path, &error))?;
        if bytes.len() as u64 > MOST {
            return Err(FolderError::Io(format!("expected at most {MOST} bytes in `{}`, found more", path.display())));
        }
        Ok(Some(bytes))
    }

    fn write(&self, folder: &str, path: &str, bytes: &[u8]) -> Result<(), FolderError> {
        let place = self.place(folder, path)?;
        let (Some(parent), Some(name)) = (place.parent(), place.file_name()) else {
            return Err(FolderError::BadPath(format!("expected the path of a file, found `{path}`")));
        };
        // Under another name first, and under its own when it is on disk.
        let temporary = parent.join(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
        let write = || {
            let mut file = fs::File::create(&temporary)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, &place)
        };
        write().map_err(|error| {
            let _gone = fs::remove_file(&temporary);
            failed("write", &place, &error)
        })
    }
}

fn failed(what: &str, path: &Path, error: &io::Error) -> FolderError {
    FolderError::Io(format!("failed to {what} `{}`: {error}", path.display()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_stage_stays_in_its_folders() {
        let dir = tempfile::tempdir().unwrap();
        let folders = GrantedFolders::new(&["work".to_owned()], dir.path());
        assert_eq!(folders.look("work", ""), Ok(None));
        assert_eq!((folders.make("work", "a/b"), folders.make("work", "a/b")), (Ok(true), Ok(false)));
        assert_eq!(folders.look("work", "a"), Ok(Some(FolderEntry::Folder)));
        assert_eq!(folders.read("work", "a/f"), Ok(None));
        folders.write("work", "a/f", b"one").unwrap();
        folders.write("work", "a/f", b"two").unwrap();
        assert_eq!(folders.read("work", "a/f"), Ok(Some(b"two".to_vec())));
        let names: Vec<_> = fs::read_dir(dir.path().join("work/a")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "no other file is left: {names:?}");
        for bad in ["..", "a/../../x", "/etc/passwd", "a//b", ".", "a/./b", "a\\b"] {
            assert!(matches!(folders.read("work", bad), Err(FolderError::BadPath(_))), "{bad}");
        }
        std::os::unix::fs::symlink("/etc", dir.path().join("work/link")).unwrap();
        for (path, is_write) in [("link", true), ("link/passwd", false)] {
            let refused = if is_write { folders.write("work", path, b"") } else { folders.read("work", path).map(drop) };
            assert!(matches!(refused, Err(FolderError::BadPath(message)) if message.contains("expected no link")), "{path}");
        }
        fs::write(dir.path().join("work/large"), vec![0; MOST as usize + 1]).unwrap();
        assert!(matches!(folders.read("work", "large"), Err(FolderError::Io(_))));
    }

    #[test]
    fn a_folder_that_is_not_granted_names_the_line() {
        let told = GrantedFolders::new(&["work".to_owned()], Path::new("/p")).make("/home", "").unwrap_err().to_string();
        assert_eq!(
            told,
            "asked for the folder `/home`, which no grant of this stage allows; set `folders = [\"work\", \"/home\"]` in its grants in sprag.toml"
        );
        assert!(matches!(GrantedFolders::default().look("", ""), Err(FolderError::Denied(_))));
    }
}

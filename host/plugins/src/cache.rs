//! What all projects of a user share: components and manifests by their digests, which repository gave them, and their signatures.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use sprag_core::digest::Digest;
use sprag_lifecycle::signatures_beside;
use sprag_store::Store;

use crate::PluginError;

/// The cache. It lies outside of every project: what a project could write there, it could claim.
#[derive(Debug)]
pub struct Cache {
    pub(crate) store: Store,
    root: PathBuf,
}

impl Cache {
    /// Opens the cache in a folder of the user's.
    ///
    /// # Errors
    /// The folder cannot be made or written.
    pub fn open(root: &Path) -> Result<Self, PluginError> {
        Ok(Self { store: Store::open(root)?, root: root.to_owned() })
    }

    /// A component, held against its digest; none where it is not here.
    pub(crate) fn read(&self, digest: &Digest) -> Result<Option<Vec<u8>>, PluginError> {
        if self.store.contains(digest) { Ok(Some(self.store.read_blob(digest)?)) } else { Ok(None) }
    }

    /// Writes a component to a file, with its signatures beside it.
    ///
    /// # Errors
    /// It is not here, or a file cannot be written.
    pub fn export(&self, component: &Digest, path: &Path) -> Result<(), PluginError> {
        write(path, &self.store.read_blob(component)?)?;
        let signatures = self.signatures(component)?;
        if signatures.is_empty() {
            return Ok(());
        }
        let mut beside = path.as_os_str().to_owned();
        beside.push(".sig");
        write(Path::new(&beside), format!("{}\n", signatures.join("\n")).as_bytes())
    }

    /// Remembers that a repository has a manifest.
    pub(crate) fn came_from(&self, repository: &str, manifest: &Digest) -> Result<(), PluginError> {
        let path = self.mark(repository, manifest);
        write(&path, repository.as_bytes())
    }

    /// Whether a repository is known to have a manifest.
    pub(crate) fn is_from(&self, repository: &str, manifest: &Digest) -> bool {
        self.mark(repository, manifest).is_file()
    }

    fn mark(&self, repository: &str, manifest: &Digest) -> PathBuf {
        // Named by a digest: what a reference may contain is not what a file name may.
        let name = Digest::of(format!("{repository}@{manifest}").as_bytes());
        self.root.join("from").join(name.hex())
    }

    /// The signatures of a component.
    pub(crate) fn signatures(&self, component: &Digest) -> Result<Vec<String>, PluginError> {
        signatures_beside(&self.signed(component)).map_err(PluginError::Signature)
    }

    /// Remembers signatures of a component beside those that are known.
    pub(crate) fn add_signatures(&self, component: &Digest, new: &[String]) -> Result<(), PluginError> {
        let mut all = self.signatures(component)?;
        let known = all.len();
        for signature in new.iter().map(|text| text.trim().to_owned()) {
            if !all.contains(&signature) {
                all.push(signature);
            }
        }
        if all.len() == known {
            return Ok(());
        }
        let mut path = self.signed(component).into_os_string();
        path.push(".sig");
        write(Path::new(&path), format!("{}\n", all.join("\n")).as_bytes())
    }

    fn signed(&self, component: &Digest) -> PathBuf {
        self.root.join("signed").join(component.hex())
    }
}

/// Writes a file that is never seen in part.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), PluginError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = || -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
        }
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    written().map_err(PluginError::io("write", path))
}

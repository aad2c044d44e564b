//! Writes a package as an OCI layout: a folder, or the same as one tar archive.
//!
//! <https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md>. It is written under a temporary name, flushed and renamed: under its own
//! name it is whole, or there is nothing.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::json;
use sprag_schemas::package::Package;
use sprag_store::Store;
use tar::{EntryType, Header};

use crate::layout::{self, PackageError, parse};
use crate::oci::Descriptor;

/// Why a package was not written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The package cannot be read.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// Something is there already.
    #[error("expected nothing at `{}`, found a file or folder", .path.display())]
    Exists {
        /// The place.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("failed to write `{}`: {}", .path.display(), if is_full(.source) { "the disk is full".to_owned() } else { .source.to_string() })]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl ExportError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Package(_) => None,
            Self::Exists { .. } => Some("name another folder, or remove this one".to_owned()),
            Self::Write { source, .. } => {
                is_full(source).then(|| "free some space and run again; nothing is left half".to_owned())
            }
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// Writes a package as an OCI layout: as an archive where the path ends with `.tar`, which replaces what is there, else as a new folder. The same package
/// gives the same bytes.
///
/// # Errors
///
/// The package is not in the store, the place is taken, or it cannot be written. Nothing is left then.
pub fn export(store: &Store, package: &Package, path: &Path) -> Result<(), ExportError> {
    let files = layout::files(store, &package.digest)?;
    let root = &files.root().descriptor;
    let index = json!({
        "schemaVersion": 2,
        "mediaType": crate::oci::INDEX,
        "manifests": [{
            "mediaType": root.media_type, "digest": root.digest, "size": root.size,
            "annotations": {
                "org.opencontainers.image.ref.name": package.version.version.to_string(),
                // What an engine calls the image that it loads.
                "io.containerd.image.name": format!("localhost/{}:{}", repository(&package.version.name), package.version.version),
            },
        }],
    });
    let small = [
        ("oci-layout".to_owned(), json!({ "imageLayoutVersion": "1.0.0" }).to_string().into_bytes()),
        ("index.json".to_owned(), index.to_string().into_bytes()),
    ];
    let mut blobs: Vec<&Descriptor> = files.blobs.iter().chain(files.manifests.iter().map(|node| &node.descriptor)).collect();
    blobs.sort_by(|first, second| first.digest.cmp(&second.digest));
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let write = |source| ExportError::Write { path: path.to_owned(), source };
    fs::create_dir_all(parent).map_err(write)?;
    if path.extension().is_some_and(|extension| extension == "tar") {
        let mut file = tempfile::NamedTempFile::new_in(parent).map_err(write)?;
        let mut archive = io::BufWriter::with_capacity(1 << 16, file.as_file_mut());
        for (name, bytes) in &small {
            entry(&mut archive, name, bytes.len() as u64, &mut &bytes[..]).map_err(write)?;
        }
        for folder in ["blobs/", "blobs/sha256/"] {
            archive.write_all(header(folder, EntryType::Directory, 0).map_err(write)?.as_bytes()).map_err(write)?;
        }
        for blob in blobs {
            let digest = parse(&blob.digest)?;
            let mut content = store.open_blob(&digest).map_err(PackageError::from)?;
            entry(&mut archive, &format!("blobs/sha256/{}", digest.hex()), blob.size, &mut content).map_err(write)?;
        }
        archive.write_all(&[0; 1024]).and_then(|()| archive.flush()).map_err(write)?;
        drop(archive);
        readable(file.as_file()).and_then(|()| file.as_file().sync_all()).map_err(write)?;
        file.persist(path).map_err(|error| write(error.error))?;
    } else {
        if path.symlink_metadata().is_ok() {
            return Err(ExportError::Exists { path: path.to_owned() });
        }
        let folder = tempfile::Builder::new().prefix(".sprag-layout-").tempdir_in(parent).map_err(write)?;
        let blobs_folder = folder.path().join("blobs/sha256");
        fs::create_dir_all(&blobs_folder).map_err(write)?;
        for (name, bytes) in &small {
            copy(&mut &bytes[..], &folder.path().join(name)).map_err(write)?;
        }
        for blob in blobs {
            let digest = parse(&blob.digest)?;
            let mut content = store.open_blob(&digest).map_err(PackageError::from)?;
            copy(&mut content, &blobs_folder.join(digest.hex())).map_err(write)?;
        }
        // A temporary folder is for its owner alone; a layout is for everyone who may see where it lies.
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).map_err(write)?;
        fs::rename(folder.path(), path).map_err(write)?;
        // Renamed, it is no longer there to be removed.
        let _ = folder.keep();
    }
    File::open(parent).and_then(|parent| parent.sync_all()).map_err(write)
}

/// A model's name as that of a repository: lower-case letters and digits, single dashes for anything else.
fn repository(name: &str) -> String {
    let known = |character: char| if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { ' ' };
    let name = name.chars().map(known).collect::<String>().split_whitespace().collect::<Vec<_>>().join("-");
    if name.is_empty() { "model".to_owned() } else { name }
}

/// Writes one file of the store, the self-contained component say, under a name of its own.
///
/// # Errors
///
/// The store does not have it, or it cannot be written. Nothing is left then.
pub fn export_file(store: &Store, digest: &str, path: &Path) -> Result<(), ExportError> {
    let write = |source| ExportError::Write { path: path.to_owned(), source };
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(write)?;
    let mut content = store.open_blob(&parse(digest)?).map_err(PackageError::from)?;
    let mut file = tempfile::NamedTempFile::new_in(parent).map_err(write)?;
    io::copy(&mut content, file.as_file_mut()).map_err(write)?;
    readable(file.as_file()).and_then(|()| file.as_file().sync_all()).map_err(write)?;
    file.persist(path).map_err(|error| write(error.error))?;
    File::open(parent).and_then(|parent| parent.sync_all()).map_err(write)
}

fn copy(content: &mut impl Read, path: &Path) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    io::copy(content, &mut file)?;
    file.sync_all()
}

/// A temporary file is for its owner alone; what is exported is for everyone who may see where it lies.
fn readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

fn header(path: &str, kind: EntryType, size: u64) -> io::Result<Header> {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_path(path)?;
    header.set_mode(if kind == EntryType::Directory { 0o755 } else { 0o644 });
    header.set_size(size);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_cksum();
    Ok(header)
}

fn entry(archive: &mut impl Write, path: &str, size: u64, content: &mut impl Read) -> io::Result<()> {
    archive.write_all(header(path, EntryType::Regular, size)?.as_bytes())?;
    let copied = io::copy(&mut content.take(size), archive)?;
    if copied < size {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("expected {size} bytes for `{path}`, found {copied}")));
    }
    let padding = usize::try_from((512 - size % 512) % 512).expect("it is less than a block");
    archive.write_all(&[0; 512][..padding])
}

#[cfg(test)]
mod tests {
    use super::repository;

    #[test]
    fn any_model_s_name_is_that_of_a_repository() {
        for (name, expected) in
            [("diabetes", "diabetes"), ("Breast cancer", "breast-cancer"), ("a__b", "a-b"), ("-x.", "x"), ("日本", "model")]
        {
            assert_eq!(repository(name), expected);
        }
    }
}

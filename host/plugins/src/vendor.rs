//! The `vendor` folder of a project: every plugin of a registry as a file named by its digest, so that a machine without a network runs the project.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sprag_core::digest::Digest;
use sprag_core::plan::PluginRef;
use sprag_lifecycle::{Project, signatures_beside};

use crate::cache::write;
use crate::{Cache, PluginError};

/// The folder, in that of the project.
pub const FOLDER: &str = "vendor";

/// The file with the digests of all others, as `sha256sum --check` reads it.
const SUMS: &str = "SHA256SUMS";

fn file(root: &Path, component: &Digest) -> PathBuf {
    root.join(FOLDER).join(format!("{}.wasm", component.hex()))
}

/// A vendored component.
pub(crate) struct Vendored {
    /// Its bytes, held against their digest.
    pub(crate) bytes: Vec<u8>,
    /// The signatures beside it.
    pub(crate) signatures: Vec<String>,
}

/// The vendored component of a digest; none where it is not vendored.
pub(crate) fn read(root: &Path, component: &Digest) -> Result<Option<Vendored>, PluginError> {
    let path = file(root, component);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(PluginError::io("read", &path)(error)),
    };
    let found = Digest::of(&bytes);
    if found != *component {
        return Err(PluginError::Vendored { path, expected: component.to_string(), found: found.to_string() });
    }
    Ok(Some(Vendored { bytes, signatures: signatures_beside(&path).map_err(PluginError::Signature)? }))
}

/// Writes the plugins of a project that come from registries, with their signatures, and gives the files by stage. Files of plugins that the project no
/// longer names are removed.
///
/// # Errors
/// A file cannot be written.
pub fn vendor(project: &Project, cache: &Cache) -> Result<Vec<(String, PathBuf)>, PluginError> {
    let folder = project.root.join(FOLDER);
    let mut written = vec![];
    let mut sums = String::new();
    let stages = project.plan.all().filter(|stage| matches!(stage.plugin, PluginRef::Registry(_)));
    for stage in stages {
        let component = &project.components[&stage.name];
        let path = file(&project.root, &component.digest);
        let is_first = !written.iter().any(|(_, known)| *known == path);
        if is_first {
            write(&path, &component.bytes)?;
            let name = format!("{}.wasm", component.digest.hex());
            let _ = writeln!(sums, "{}  {name}", component.digest.hex());
            let mut signatures = cache.signatures(&component.digest)?;
            signatures.extend(signatures_beside(&path).map_err(PluginError::Signature)?);
            signatures.sort();
            signatures.dedup();
            if !signatures.is_empty() {
                let text = format!("{}\n", signatures.join("\n"));
                write(&folder.join(format!("{name}.sig")), text.as_bytes())?;
                let _ = writeln!(sums, "{}  {name}.sig", Digest::of(text.as_bytes()).hex());
            }
        }
        written.push((stage.name.clone(), path));
    }
    if written.is_empty() && !folder.exists() {
        return Ok(written);
    }
    remove_others(&folder, &sums)?;
    write(&folder.join(SUMS), sums.as_bytes())?;
    Ok(written)
}

/// Removes what an earlier call wrote and is needed no more: files named by a digest, and no others.
fn remove_others(folder: &Path, sums: &str) -> Result<(), PluginError> {
    let entries = fs::read_dir(folder).map_err(PluginError::io("read", folder))?;
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let stem = name.strip_suffix(".sig").unwrap_or(&name).strip_suffix(".wasm").unwrap_or_default();
        let is_ours = stem.len() == 64 && stem.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_ours && !sums.lines().any(|line| line.ends_with(&format!("  {name}"))) {
            fs::remove_file(entry.path()).map_err(PluginError::io("remove", &entry.path()))?;
        }
    }
    Ok(())
}

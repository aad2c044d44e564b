//! Compiled code between processes: one file for each engine configuration and component.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};

use sprag_core::digest::Digest;
use wasmtime::Engine;
use wasmtime::component::Component;

/// Where the compiled code of a component lies. The engine's compatibility hash covers its version, its settings and the processor's
/// features, so that code of another engine is never even looked at.
pub(crate) fn path(dir: &Path, engine: &Engine, digest: &Digest) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    dir.join(format!("{:016x}-{}.cwasm", hasher.finish(), digest.hex()))
}

/// Takes a component's code from the cache, else compiles it and tries to keep it. A cache that cannot be read or written is a slow
/// cache, not an error.
pub(crate) fn load(engine: &Engine, dir: Option<&Path>, digest: &Digest, binary: &[u8]) -> wasmtime::Result<Component> {
    let path = dir.map(|dir| path(dir, engine, digest));
    if let Some(path) = &path
        && let Some(component) = deserialize(engine, path)
    {
        return Ok(component);
    }
    let component = Component::from_binary(engine, binary)?;
    if let (Some(dir), Some(path)) = (dir, path) {
        let _kept = keep(dir, &path, &component);
    }
    Ok(component)
}

fn deserialize(engine: &Engine, path: &Path) -> Option<Component> {
    if !path.exists() {
        return None;
    }
    #[expect(unsafe_code, reason = "the one place that loads compiled code")]
    // SAFETY: the file was written by this program, under a name that holds the engine's compatibility hash, into a folder that only
    // the user can write. The engine checks version and settings itself and refuses what does not match.
    let loaded = unsafe { Component::deserialize_file(engine, path) };
    loaded.ok()
}

/// Writes under a temporary name and renames, so that no process ever maps half a file.
fn keep(dir: &Path, path: &Path, component: &Component) -> std::io::Result<()> {
    let code = component.serialize().map_err(std::io::Error::other)?;
    std::fs::create_dir_all(dir)?;
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(&code)?;
    file.as_file().sync_data()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

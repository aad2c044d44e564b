//! Compiled code between processes: one file for each engine configuration and component.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sprag_core::digest::Digest;
use wasmtime::component::Component;
use wasmtime::{Engine, Module};

/// Where the compiled code of a component lies. The engine's compatibility hash covers its version, its settings and the processor's
/// features, so that code of another engine is never even looked at.
pub(crate) fn path(dir: &Path, engine: &Engine, digest: &Digest) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    dir.join(format!("{:016x}-{}.cwasm", hasher.finish(), digest.hex()))
}

/// Takes code that was made beforehand, where it is there and fits this engine and processor.
pub(crate) fn load_prepared(engine: &Engine, dir: &Path, digest: &Digest) -> Option<Component> {
    deserialize(engine, &dir.join(format!("{}.cwasm", digest.hex())))
}

/// Takes a component's code from the cache, else compiles it and tries to keep it. A cache that cannot be read or written is a slow
/// cache, not an error.
pub(crate) fn load(engine: &Engine, dir: Option<&Path>, digest: &Digest, binary: &[u8]) -> wasmtime::Result<Component> {
    cached(engine, dir, digest, deserialize, || Component::from_binary(engine, binary), Component::serialize)
}

/// The same for a module that is no component, whose bytes are only read where it must be compiled.
pub(crate) fn load_module(
    engine: &Engine,
    dir: Option<&Path>,
    digest: &Digest,
    binary: impl FnOnce() -> std::io::Result<Vec<u8>>,
) -> wasmtime::Result<Module> {
    cached(engine, dir, digest, deserialize_module, || Module::from_binary(engine, &binary()?), Module::serialize)
}

fn cached<T>(
    engine: &Engine,
    dir: Option<&Path>,
    digest: &Digest,
    read: impl Fn(&Engine, &Path) -> Option<T>,
    compile: impl FnOnce() -> wasmtime::Result<T>,
    serialize: impl Fn(&T) -> wasmtime::Result<Vec<u8>>,
) -> wasmtime::Result<T> {
    let path = dir.map(|dir| path(dir, engine, digest));
    if let Some(path) = &path
        && let Some(code) = read(engine, path)
    {
        return Ok(code);
    }
    let code = compile()?;
    if let (Some(dir), Some(path)) = (dir, path) {
        let _kept = serialize(&code).map_err(std::io::Error::other).and_then(|bytes| keep(dir, &path, &bytes));
    }
    Ok(code)
}

fn deserialize(engine: &Engine, path: &Path) -> Option<Component> {
    if !path.exists() {
        return None;
    }
    #[expect(unsafe_code, reason = "this file is the one place that loads compiled code")]
    // SAFETY: the file was written by this program into a folder that only the user can write, or that the user named as one of such code.
    // The engine checks version, settings and processor itself and refuses what does not match.
    let loaded = unsafe { Component::deserialize_file(engine, path) };
    loaded.ok()
}

fn deserialize_module(engine: &Engine, path: &Path) -> Option<Module> {
    if !path.exists() {
        return None;
    }
    #[expect(unsafe_code, reason = "this file is the one place that loads compiled code")]
    // SAFETY: as above; the name of the file says which engine made it.
    let loaded = unsafe { Module::deserialize_file(engine, path) };
    loaded.ok()
}

/// How the name of a file begins that is being written.
const TEMPORARY: &str = ".writing-";

/// Removes what killed processes left half written. Nobody writes one file for an hour.
fn sweep(dir: &Path) {
    let is_left = |entry: &std::fs::DirEntry| {
        let age = entry.metadata().and_then(|metadata| metadata.modified()).ok().and_then(|at| at.elapsed().ok());
        entry.file_name().to_string_lossy().starts_with(TEMPORARY) && age.is_some_and(|age| age > Duration::from_secs(3600))
    };
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten().filter(is_left) {
        let _gone = std::fs::remove_file(entry.path());
    }
}

/// Writes under a temporary name and renames, so that no process ever maps half a file.
fn keep(dir: &Path, path: &Path, code: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(dir)?;
    sweep(dir);
    let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(dir)?;
    file.write_all(code)?;
    file.as_file().sync_data()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_is_swept() {
        let dir = tempfile::tempdir().unwrap();
        let names = [".writing-old", ".writing-new", "kept.cwasm"].map(|name| dir.path().join(name));
        for path in &names {
            std::fs::write(path, b"x").unwrap();
        }
        let two_hours_ago = std::time::SystemTime::now() - Duration::from_secs(7200);
        for path in [&names[0], &names[2]] {
            std::fs::File::options().write(true).open(path).unwrap().set_modified(two_hours_ago).unwrap();
        }
        sweep(dir.path());
        assert_eq!(names.map(|path| path.exists()), [false, true, true]);
    }
}

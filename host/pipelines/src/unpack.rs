//! A bundle as a folder that a project is read from.

use std::path::{Path, PathBuf};

use sprag_core::digest::Digest;
use sprag_lifecycle::{Project, Surroundings};
use sprag_schemas::manifest::Manifest;
use sprag_schemas::pipeline::{BUNDLE_FORMAT, Bundle, Publication};
use sprag_store::Store;

use crate::PipelineError;
use crate::bundle::inside;

/// Where bundles are unpacked, in the folder of the store.
const FOLDER: &str = "pipelines";

/// Unpacks a bundle beside its store, once, and gives its folder. Every file is held against its digest each time.
///
/// # Errors
/// The store lacks a part of it, or a file cannot be written.
pub fn unpack(store: &Store, digest: &Digest) -> Result<PathBuf, PipelineError> {
    let bundle = read(store, digest)?;
    let all = store.root().join(FOLDER);
    let folder = all.join(digest.hex());
    if is_whole(&folder, &bundle) {
        return Ok(folder);
    }
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| PipelineError::Write { path, source }
    };
    std::fs::create_dir_all(&all).map_err(failed(&all))?;
    let made = tempfile::Builder::new().prefix(".unpacking-").tempdir_in(&all).map_err(failed(&all))?;
    for (path, file) in &bundle.files {
        let no_bundle = |message: String| PipelineError::NoBundle { digest: digest.to_string(), message };
        let plain = inside(path).ok_or_else(|| no_bundle(format!("`{path}` is no path below a folder")))?;
        let content: Digest = file.digest.parse().map_err(|_| no_bundle(format!("`{}` is no digest", file.digest)))?;
        let to = made.path().join(plain);
        let parent = to.parent().unwrap_or(made.path());
        std::fs::create_dir_all(parent).map_err(failed(parent))?;
        std::fs::write(&to, store.read_blob(&content)?).map_err(failed(&to))?;
    }
    // What is there and not whole was changed by somebody: it is not run, and not kept.
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(failed(&folder))?;
    }
    let made = made.keep();
    match std::fs::rename(&made, &folder) {
        Ok(()) => Ok(folder),
        // Another process was first.
        Err(_) if is_whole(&folder, &bundle) => {
            let _gone = std::fs::remove_dir_all(&made);
            Ok(folder)
        }
        Err(error) => Err(failed(&folder)(error)),
    }
}

/// Opens a published pipeline as a project over the data and the store of the project that it was published from, which lies in `home`.
///
/// # Errors
/// It cannot be unpacked, or cannot be run here: a policy refuses it, or its files are not those of a project any more.
pub fn open(
    home: &Path,
    store: &Store,
    digest: &Digest,
    surroundings: Surroundings<'_>,
    overrides: &[String],
) -> Result<Project, PipelineError> {
    let folder = unpack(store, digest)?;
    Ok(Project::load(&folder, surroundings, overrides)?.at_home_in(home))
}

/// The project file of a published pipeline.
///
/// # Errors
/// The store lacks a part of it.
pub fn manifest(store: &Store, publication: &Publication) -> Result<Manifest, PipelineError> {
    let no_bundle = |message: String| PipelineError::NoBundle { digest: publication.digest.clone(), message };
    let digest = publication.digest.parse().map_err(|_| no_bundle("it is no digest".to_owned()))?;
    let bundle = read(store, &digest)?;
    let file = bundle.files.get("sprag.toml").ok_or_else(|| no_bundle("it has no `sprag.toml`".to_owned()))?;
    let content = file.digest.parse().map_err(|_| no_bundle(format!("`{}` is no digest", file.digest)))?;
    let text = String::from_utf8(store.read_blob(&content)?).map_err(|error| no_bundle(error.to_string()))?;
    Manifest::parse(&text).map_err(no_bundle)
}

fn read(store: &Store, digest: &Digest) -> Result<Bundle, PipelineError> {
    let no_bundle = |message: String| PipelineError::NoBundle { digest: digest.to_string(), message };
    let document = store.read_blob(digest)?;
    let bundle: Bundle = serde_json::from_slice(&document).map_err(|error| no_bundle(error.to_string()))?;
    if bundle.format != BUNDLE_FORMAT {
        return Err(no_bundle(format!("expected the format {BUNDLE_FORMAT}, found {}", bundle.format)));
    }
    Ok(bundle)
}

/// Whether every file is there as the bundle has it.
fn is_whole(folder: &Path, bundle: &Bundle) -> bool {
    bundle
        .files
        .iter()
        .all(|(path, file)| std::fs::read(folder.join(path)).is_ok_and(|bytes| Digest::of(&bytes).to_string() == file.digest))
}

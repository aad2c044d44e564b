//! Makes a package: composes the component, hands the parts to the packager plugin, and reads what it left.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use sprag_core::digest::Digest;
use sprag_core::model::model_digest;
use sprag_runtime::blobs::{ReadAt, ReaderHandle};
use sprag_runtime::{Finished, LoadError, PackageSubject, Packaged, Part, Parts, Runtime, StageCall, StageFailure};
use sprag_schemas::package::{ModelCard, Package};
use sprag_schemas::record::{Artifact, ModelVersion, StageReport};
use sprag_store::{Store, StoreError};

use crate::layout::{self, PackageError, parse};
use crate::{ComposeError, Server, ServerError, compose, server_bill};

/// What is packaged, and by what.
pub struct Making<'a> {
    /// Where the model is and where the package goes.
    pub store: &'a Store,
    /// What runs the packager.
    pub runtime: &'a Runtime,
    /// The version.
    pub version: &'a ModelVersion,
    /// The profile of the training data in the store, where there is one.
    pub profile: Option<Digest>,
    /// The program that serves, or why there is none: a package without an image needs none.
    pub server: Result<Server, ServerError>,
    /// The packager plugin's call.
    pub call: StageCall,
}

/// Why there is no package. Nothing of it is left but unnamed content in the store.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The model is not in the store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The model in the store is not the one that the registry names.
    #[error("expected a model with the digest `{expected}` as `{version}`, found `{found}`")]
    OtherModel {
        /// The version.
        version: String,
        /// The digest in the registry.
        expected: String,
        /// The digest of what is in the store.
        found: String,
    },
    /// There is no self-contained component to be had of this scorer.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// The scorer cannot be compiled for the server.
    #[error(transparent)]
    Compile(#[from] LoadError),
    /// The packager failed.
    #[error("the packager failed: {}", .failure.to_record().message)]
    Packager {
        /// How.
        failure: Box<StageFailure>,
        /// What it reported until then.
        report: Box<StageReport>,
        /// Why it had no program that serves, where it had none.
        server: Option<Box<ServerError>>,
    },
    /// What the packager left is not a package.
    #[error("expected a package from the packager: {0}")]
    NotAPackage(#[from] PackageError),
    /// The packager names a file that it did not leave.
    #[error("expected a package from the packager: it names the artifact `{name}`, and left {}", .left.join(", "))]
    NoSuchArtifact {
        /// The artifact.
        name: String,
        /// The names of what it left.
        left: Vec<String>,
    },
}

impl MakeError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Packager { server: Some(error), .. } => Some(format!(
                "the packager had no program that serves: {error}{}",
                error.hint().map(|hint| format!("; {hint}")).unwrap_or_default()
            )),
            // The store's own words: they come here through the handles that the packager wrote to.
            Self::Packager { failure, .. } if matches!(&**failure, StageFailure::Host(message) if message.contains("the disk is full")) => {
                Some("free some space and run again; nothing names what there is of the package".to_owned())
            }
            _ => None,
        }
    }
}

/// Packages a version: the same version, packager and program give the same package, to the byte.
///
/// # Errors
///
/// See [`MakeError`].
pub async fn make(making: Making<'_>) -> Result<(Package, StageReport), MakeError> {
    let Making { store, runtime, version, profile, server, call } = making;
    let card = ModelCard::new(version, profile.map(|digest| digest.to_string()));
    let (scorer, state) = (parse(&card.scorer)?, parse(&card.state)?);
    let found = model_digest(&scorer, &state).to_string();
    if found != card.digest {
        return Err(MakeError::OtherModel { version: version.version.to_string(), expected: card.digest, found });
    }
    let scorer_bytes = store.read_blob(&scorer)?;
    let component = compose(&card, &scorer_bytes, &store.read_blob(&state)?)?;
    let mut parts = Parts::from([
        (Part::Scorer, stored(store, &scorer, "application/wasm")?),
        (Part::State, stored(store, &state, &card.media_type)?),
        (Part::Card, in_memory(card.to_json().into_bytes(), "application/json")),
        (Part::ServerBill, in_memory(server_bill().as_bytes().to_vec(), "application/vnd.cyclonedx+json")),
        (Part::Component, in_memory(component, "application/wasm")),
    ]);
    if let Some(profile) = &profile {
        parts.insert(Part::Profile, stored(store, profile, "application/json")?);
    }
    let no_server = match server {
        Ok(server) => {
            if server.is_native() {
                let code = runtime.compile_for_any(scorer, &scorer_bytes)?;
                parts.insert(Part::Compiled, in_memory(code, "application/octet-stream"));
            }
            let bytes: Arc<dyn ReadAt> = Arc::new(Executable(server));
            parts.insert(Part::Server, ReaderHandle { bytes, media_type: "application/octet-stream".to_owned() });
            None
        }
        Err(error) => Some(Box::new(error)),
    };
    let subject = PackageSubject {
        name: card.name.clone(),
        version: card.version,
        digest: card.digest.clone(),
        created_at: card.created_at.clone(),
        labels: labels(version),
    };
    let Finished { report, result } = runtime.package(&call, &subject, parts).await;
    match result {
        Ok(packaged) => Ok((read(store, version, &packaged, &report.artifacts)?, report)),
        Err(failure) => Err(MakeError::Packager { failure: Box::new(failure), report: Box::new(report), server: no_server }),
    }
}

/// What the host labels every package with: where the version comes from.
fn labels(version: &ModelVersion) -> BTreeMap<String, String> {
    let lineage = &version.lineage;
    let mut labels = BTreeMap::from([
        ("sprag.version".to_owned(), version.version.to_string()),
        ("sprag.run".to_owned(), lineage.run_id.clone()),
        ("sprag.data.digest".to_owned(), lineage.data.file_digest.clone()),
    ]);
    if let (Some(commit), Some(false)) = (&lineage.origin.git_commit, lineage.origin.git_dirty) {
        labels.insert("org.opencontainers.image.revision".to_owned(), commit.clone());
    }
    labels
}

/// Reads what the packager left, and holds it to its word: the root names nothing that is not there.
fn read(store: &Store, version: &ModelVersion, packaged: &Packaged, artifacts: &[Artifact]) -> Result<Package, MakeError> {
    let digest_of = |name: &str| {
        let found = artifacts.iter().find(|artifact| artifact.name == name).map(|artifact| artifact.digest.clone());
        let left = || artifacts.iter().map(|artifact| format!("`{}`", artifact.name)).collect();
        found.ok_or_else(|| MakeError::NoSuchArtifact { name: name.to_owned(), left: left() })
    };
    let optional = |name: &Option<String>| name.as_deref().map(digest_of).transpose();
    let mut files = artifacts.to_vec();
    files.sort_by(|first, second| first.name.cmp(&second.name));
    let package = Package {
        version: version.version.clone(),
        model: version.model.digest.clone(),
        digest: digest_of(&packaged.root)?,
        image: optional(&packaged.image)?,
        component: optional(&packaged.component)?,
        files,
        pushed: None,
    };
    layout::files(store, &package.digest)?;
    Ok(package)
}

fn in_memory(bytes: Vec<u8>, media_type: &str) -> ReaderHandle {
    ReaderHandle { bytes: Arc::new(bytes), media_type: media_type.to_owned() }
}

fn stored(store: &Store, digest: &Digest, media_type: &str) -> Result<ReaderHandle, MakeError> {
    let file = store.open_blob(digest)?;
    let length = file.metadata().map(|metadata| metadata.len()).unwrap_or_default();
    Ok(ReaderHandle { bytes: Arc::new(Stored { file, length }), media_type: media_type.to_owned() })
}

/// Content of the store, read in place.
struct Stored {
    file: File,
    length: u64,
}

impl ReadAt for Stored {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }
}

/// The program that serves, read in place.
struct Executable(Server);

impl ReadAt for Executable {
    fn len(&self) -> u64 {
        self.0.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, buffer)
    }
}

//! What can go wrong with a published pipeline.

use std::path::PathBuf;

use sprag_lifecycle::{ProjectError, RunError};
use sprag_store::StoreError;

/// Why a pipeline could not be published or opened.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// A file that a run needs lies outside the project.
    #[error("{what}: expected a file below the project's folder, which a bundle can hold, found `{path}`")]
    Outside {
        /// What names the file.
        what: String,
        /// The path.
        path: String,
    },
    /// A file of the project cannot be read.
    #[error("failed to read `{}`: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of the bundle cannot be written.
    #[error("failed to write `{}`: {source}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What the store has under the digest is no bundle that this sprag knows.
    #[error("`{digest}` is no bundle of a pipeline: {message}")]
    NoBundle {
        /// The digest.
        digest: String,
        /// What is wrong.
        message: String,
    },
    /// The project cannot be read, or not as it is.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// The project differs from its lockfile.
    #[error(transparent)]
    Lock(#[from] RunError),
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PipelineError {
    /// What to do about it.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Outside { .. } => {
                vec!["copy it into the project; a plugin can also come from a registry (`sprag plugin publish`)".to_owned()]
            }
            Self::NoBundle { .. } => vec!["publish the project again with this sprag".to_owned()],
            Self::Project(error) => error.hints(),
            Self::Store(error) => error.hint().into_iter().collect(),
            Self::Read { .. } | Self::Write { .. } | Self::Lock(_) => vec![],
        }
    }
}

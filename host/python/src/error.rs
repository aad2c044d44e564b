//! Why there is no environment.

use sprag_confine::{EnvironmentError, VersionError};

use crate::hermetic::HermeticError;
use crate::lock::LockFault;

/// Why a stage's environments are not there.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// One could not be made.
    #[error("environment `{name}`: {source}")]
    Environment {
        /// Its name in the project file.
        name: String,
        /// Why.
        source: EnvironmentError,
    },
    /// Its lock was changed since the project was read.
    #[error("{0}")]
    Lock(Box<LockFault>),
    /// Its version is none.
    #[error("environment `{name}`: {source}")]
    Version {
        /// Its name in the project file.
        name: String,
        /// What was expected.
        source: VersionError,
    },
    /// The Python of the hermetic tier is not there.
    #[error("environment `{name}`: {source}")]
    Hermetic {
        /// Its name in the project file.
        name: String,
        /// Why.
        source: HermeticError,
    },
    /// The run was cancelled meanwhile.
    #[error("cancelled")]
    Cancelled,
}

impl PrepareError {
    /// What the user can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Environment { source, .. } => source.hint(),
            Self::Hermetic { source, .. } => source.hint(),
            Self::Lock(fault) => Some(fault.hint()),
            Self::Version { .. } | Self::Cancelled => None,
        }
    }
}

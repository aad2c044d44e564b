//! Which model a service answers with, as whoever knows a store says it.

use sprag_runtime::{ModelSource, Signature};

/// What tells one release from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseKey {
    /// The model's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The digest over scorer and state.
    pub digest: String,
}

impl std::fmt::Display for ReleaseKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}

/// A model that is to answer.
#[derive(Clone)]
pub struct Release {
    /// Which it is.
    pub key: ReleaseKey,
    /// Its scorer, ready to be instantiated, and its state.
    pub source: ModelSource,
    /// The columns that the registry says it has. The model's own word counts; this is what it is held against.
    pub expected: Option<Signature>,
}

/// Why a catalog gave no release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CatalogError(pub String);

/// Says which model is to answer. Its functions may block: they are called on threads that may.
pub trait Catalog: Send + Sync + 'static {
    /// The release that is to answer now, where it is another than `known`; none where it is that one. It is asked a few times a second, so that the answer
    /// "none" must be cheap.
    ///
    /// # Errors
    /// The reference names no version, or the version cannot be opened.
    fn poll(&self, known: Option<&ReleaseKey>) -> Result<Option<Release>, CatalogError>;

    /// Whether the answer can change at all: an alias can move, a version cannot.
    fn can_change(&self) -> bool;
}

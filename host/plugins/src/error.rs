//! What can go wrong with plugins of registries.

use std::io;
use std::path::PathBuf;

use sprag_core::component::ComponentError;
use sprag_package::registry::{ParseReferenceError, RegistryError};
use sprag_store::StoreError;

/// Why a plugin cannot be published or had.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// The registry did not do what was asked.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The cache failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The reference is none.
    #[error(transparent)]
    Reference(#[from] ParseReferenceError),
    /// The file is no component.
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// A component that does not say who it is.
    #[error("expected a plugin for one of the kinds of stage, with a section `sprag:plugin`, found {found}")]
    NotAPlugin {
        /// What it is instead.
        found: String,
    },
    /// What stands under a reference is something else.
    #[error("expected a plugin as `{reference}`, found {found}")]
    NotAnArtefact {
        /// The reference.
        reference: String,
        /// What it is instead.
        found: String,
    },
    /// The manifest names another component than the lockfile.
    #[error("expected the component {expected} as `{reference}`, as `sprag.lock` has it, found {found}")]
    OtherComponent {
        /// The reference.
        reference: String,
        /// What is locked.
        expected: String,
        /// What it names.
        found: String,
    },
    /// A file of the vendor folder is not what its name says.
    #[error("expected the component {expected} in `{}`, found {found}: the file was changed", .path.display())]
    Vendored {
        /// The file.
        path: PathBuf,
        /// The digest of its name.
        expected: String,
        /// The digest of its bytes.
        found: String,
    },
    /// A tag that stands for another component already.
    #[error("the tag `{reference}` stands for the component {found} already, and this one is {own}")]
    Taken {
        /// The reference.
        reference: String,
        /// What it stands for.
        found: String,
        /// What was to be published.
        own: String,
    },
    /// A file cannot be read or written.
    #[error("failed to {what} `{}`: {source}", .path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A signature cannot be made, read or does not hold.
    #[error("{0}")]
    Signature(String),
    /// There is no folder for a cache.
    #[error("expected a folder for the user's cache, found neither `SPRAG_CACHE_DIR`, `XDG_CACHE_HOME` nor `HOME`")]
    NoCache,
}

impl PluginError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Registry(error) => error.hint(),
            Self::Store(error) => error.hint().map(|hint| hint.to_string()),
            Self::Component(error) => error.hint().map(str::to_owned),
            Self::OtherComponent { .. } => Some("accept what the reference names now with `sprag plugin update`".to_owned()),
            Self::Vendored { .. } => {
                Some("remove the file, find out who changed it, and write it again with `sprag plugin vendor`".to_owned())
            }
            Self::Taken { .. } => Some("publish it under a version of its own, or move the tag with `--force`".to_owned()),
            _ => None,
        }
    }

    /// Whether what was asked for is at fault; otherwise the registry, the way to it, or the disk is.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Registry(error) => error.is_usage(),
            Self::Store(error) => error.is_usage(),
            Self::Io { .. } => false,
            _ => true,
        }
    }

    pub(crate) fn io(what: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, path: path.to_owned(), source }
    }
}

//! Why a service does not start.

use std::io;
use std::path::PathBuf;

use sprag_runtime::StageFailure;
use sprag_tls::TlsError;

use crate::catalog::CatalogError;

/// Why a service does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// There is no model to answer with.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The model could not be loaded.
    #[error("failed to load {model}: {failure}")]
    Model {
        /// Its name and version.
        model: String,
        /// The reason.
        failure: StageFailure,
    },
    /// The model's columns are not those of its record.
    #[error("expected {model} to have the columns of its record, found others: {found}")]
    Signature {
        /// Its name and version.
        model: String,
        /// The difference.
        found: String,
    },
    /// A challenger cannot answer for the champion.
    #[error("expected the challenger `{challenger}` to have the champion's columns, found others: {found}")]
    Columns {
        /// The name of its variant.
        challenger: String,
        /// The difference.
        found: String,
    },
    /// The challengers do not go together, or not with the analysis.
    #[error("{0}")]
    Challengers(String),
    /// The address could not be listened at.
    #[error("failed to listen at {place}: {source}")]
    Listen {
        /// The address, or what the socket is called.
        place: String,
        /// The reason.
        source: io::Error,
    },
    /// A file could not be read or written.
    #[error("failed to {what} `{}`: {source}", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("expected {expected} in `{}`, found {found}", path.display())]
    Content {
        /// What it should hold.
        expected: &'static str,
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: String,
    },
    /// The keys cannot be used.
    #[error("expected {expected} in {origin}, found {found}")]
    Keys {
        /// What was expected.
        expected: &'static str,
        /// Where they come from.
        origin: String,
        /// What was found, never a key.
        found: String,
    },
}

impl ServeError {
    /// What to do about it, where that can be said.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
                Some("another process has the port; `--listen 127.0.0.1:0` takes a free one")
            }
            Self::Content { expected, .. } if expected.contains("valid") => Some("renew the certificate and start again"),
            Self::Keys { .. } => Some("`openssl rand -hex 32` makes a good key"),
            _ => None,
        }
    }
}

impl From<TlsError> for ServeError {
    fn from(error: TlsError) -> Self {
        match error {
            TlsError::File { path, source } => Self::File { what: "read", path, source },
            TlsError::Content { expected, path, found } => Self::Content { expected, path, found },
        }
    }
}

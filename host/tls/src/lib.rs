//! TLS of servers: the certificate and its key, judged before they are shown to anybody, and exchanged while a server runs.

mod certificate;
mod identity;

use std::path::PathBuf;

pub use identity::{Identity, Read, config, day, read};

/// The files of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those that vouch for it, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read.
    #[error("failed to read `{}`: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
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
}

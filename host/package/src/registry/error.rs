//! What can go wrong between sprag and a registry.

use std::io;
use std::time::Duration;

use crate::layout::PackageError;

/// Why a registry did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The package or its content is not in the store.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// The registry cannot be reached, or the connection broke.
    #[error("failed to {action} at the registry `{host}`: {}", innermost(.error))]
    Connection {
        /// What was tried.
        action: String,
        /// The registry.
        host: String,
        /// Why. It is no source of this error: what it says beside the innermost cause is the address once more.
        error: reqwest::Error,
    },
    /// The registry is there, and nothing comes of it.
    #[error("failed to {action} at the registry `{host}`: {what} for {wait:?}")]
    Silent {
        /// What was tried.
        action: String,
        /// The registry.
        host: String,
        /// What it did not do.
        what: &'static str,
        /// How long that was waited for.
        wait: Duration,
    },
    /// The registry answered with an error.
    #[error("failed to {action} at the registry `{host}`: it answered {status}{}", if .message.is_empty() { String::new() } else { format!(": {}", .message) })]
    Refused {
        /// What was tried.
        action: String,
        /// The registry.
        host: String,
        /// The status of HTTP.
        status: u16,
        /// What it said.
        message: String,
    },
    /// The registry wants credentials that it was not given, or not these.
    #[error("failed to {action} at the registry `{host}`: {}", if *.had_credentials { "it refused the credentials" } else { "it wants credentials, and there are none" })]
    Denied {
        /// What was tried.
        action: String,
        /// The registry.
        host: String,
        /// Whether there were any.
        had_credentials: bool,
    },
    /// The credentials cannot be had.
    #[error("failed to read docker's credentials for the registry `{host}`: {message}")]
    Credentials {
        /// The registry.
        host: String,
        /// Why.
        message: String,
    },
    /// The registry does not speak the protocol.
    #[error("expected {expected} from the registry `{host}`, found {found}")]
    Protocol {
        /// The registry.
        host: String,
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },
    /// What came is not what was asked for.
    #[error("expected content with the digest `{expected}` from the registry `{host}`, found `{found}`")]
    OtherContent {
        /// The registry.
        host: String,
        /// The digest that was asked for.
        expected: String,
        /// The digest of what came.
        found: String,
    },
    /// A file of the store cannot be read.
    #[error("failed to read `{digest}` from the store: {source}")]
    Read {
        /// The content.
        digest: String,
        /// Why.
        source: io::Error,
    },
    /// A push broke off.
    #[error("{source}; {done} of {all} files had arrived")]
    Push {
        /// Why.
        source: Box<Self>,
        /// How many files are in the registry.
        done: usize,
        /// How many there are.
        all: usize,
    },
}

impl RegistryError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Push { source, .. } => {
                let again = "push again: what has arrived is not sent twice".to_owned();
                return Some(match source.hint() {
                    Some(hint) => format!("{hint}; then {again}"),
                    None => again,
                });
            }
            Self::Denied { host, had_credentials: false, .. } => format!("run `docker login {host}`, or set DOCKER_CONFIG to a folder with its `config.json`"),
            Self::Denied { host, had_credentials: true, .. } => format!("run `docker login {host}` again, and see that the user may do this"),
            Self::Refused { status: 403, .. } => "see that the user may push to this repository".to_owned(),
            Self::Credentials { .. } => "see `config.json` in DOCKER_CONFIG or ~/.docker, and the helper that it names".to_owned(),
            Self::Connection { error, .. } if error.is_connect() => {
                "see that the registry runs and is reached from here; one without TLS elsewhere than on this machine needs `--insecure-registry`".to_owned()
            }
            _ => return None,
        };
        Some(hint)
    }

    /// Whether the caller's credentials are at fault; otherwise the registry, the way to it, or the store is.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Push { source, .. } => source.is_usage(),
            Self::Denied { .. } | Self::Credentials { .. } | Self::Refused { status: 403, .. } => true,
            _ => false,
        }
    }

    /// Whether it may work when it is tried again at once.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Connection { .. } | Self::Silent { .. } => true,
            Self::Refused { status, .. } => *status >= 500 || *status == 429,
            _ => false,
        }
    }
}

/// What is behind an error of the client: the outermost says no more than that something failed.
fn innermost(error: &reqwest::Error) -> String {
    let mut found: &dyn std::error::Error = error;
    while let Some(cause) = found.source() {
        found = cause;
    }
    found.to_string()
}

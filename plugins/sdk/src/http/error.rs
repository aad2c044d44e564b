//! Why a request got no answer.

use crate::Failure;

/// Why a request got no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The request is none: its address or a header cannot be.
    BadRequest(String),
    /// The host did not send it, or would not take the answer: the words say what was asked and which grant is missing.
    Denied(String),
    /// No connection came about.
    Unreachable(String),
    /// The answer did not come in time.
    Timeout(String),
    /// The connection ended before the answer did.
    Broken(String),
}

impl Error {
    /// Whether the same request may get an answer later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Timeout(_) | Self::Broken(_))
    }

    /// The message for a person.
    #[must_use]
    pub fn message(&self) -> &str {
        match self {
            Self::BadRequest(message)
            | Self::Denied(message)
            | Self::Unreachable(message)
            | Self::Timeout(message)
            | Self::Broken(message) => message,
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Error {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::BadRequest(message) | Error::Denied(message) => Self::BadParams(message),
            Error::Unreachable(message) | Error::Timeout(message) | Error::Broken(message) => Self::Retry(message),
        }
    }
}

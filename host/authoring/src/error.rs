//! What can go wrong for an author.

use std::io;
use std::path::Path;

/// Why a project could not be started or built.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct AuthoringError {
    /// What was expected and what was found.
    pub message: String,
    /// What to do about it.
    pub hints: Vec<String>,
    /// Whether it ended because it was asked to.
    pub is_cancelled: bool,
}

impl AuthoringError {
    /// With what was expected and what was found.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hints: vec![], is_cancelled: false }
    }

    /// The same with advice.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// A stop that was asked for.
    pub(crate) fn cancelled() -> Self {
        Self { is_cancelled: true, ..Self::new("stopped, since it was asked to") }
    }

    /// A failure to read or write.
    pub(crate) fn io(what: &str, path: &Path, error: &io::Error) -> Self {
        Self::new(format!("failed to {what} `{}`: {error}", path.display()))
    }
}

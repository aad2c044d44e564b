//! What can go wrong for the person at the terminal.

use sprag_authoring::AuthoringError;
use sprag_egress::SecretProblem;
use sprag_lifecycle::{ProjectError, RunError, SourceError, with_causes};
use sprag_release::ReleaseError;
use sprag_runtime::StageFailure;
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_store::StoreError;

/// An error with the exit code that says so and advice on what to do.
#[derive(Debug)]
pub struct CommandError {
    /// The exit code.
    pub code: ExitCode,
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub hints: Vec<String>,
}

impl CommandError {
    /// An error in what the person asked for.
    pub fn user(message: impl Into<String>) -> Self {
        Self { code: exit_code::BAD_PROJECT, message: message.into(), hints: vec![] }
    }

    /// A fault of sprag or of the machine.
    pub fn internal(message: impl Into<String>) -> Self {
        Self { code: exit_code::INTERNAL, ..Self::user(message) }
    }

    /// A stage that failed.
    pub fn stage(name: &str, failure: &StageFailure) -> Self {
        let code = match failure {
            StageFailure::Cancelled => exit_code::CANCELLED,
            StageFailure::Limit(_) => exit_code::LIMIT,
            StageFailure::Host(_) => exit_code::INTERNAL,
            _ => exit_code::PLUGIN_FAILED,
        };
        Self { code, ..Self::user(format!("stage `{name}` failed: {}", failure.to_record().message)) }
    }

    /// The same with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// A failure to read or write a file.
    pub fn io(what: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::user(format!("failed to {what} `{}`: {error}", path.display()))
    }
}

impl From<RunError> for CommandError {
    fn from(error: RunError) -> Self {
        Self { code: error.exit_code(), message: with_causes(&error), hints: error.hints() }
    }
}

impl From<Vec<SecretProblem>> for CommandError {
    fn from(problems: Vec<SecretProblem>) -> Self {
        let text = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        let hints = problems.iter().map(SecretProblem::hint).collect();
        Self { hints, ..Self::user(text) }
    }
}

impl From<AuthoringError> for CommandError {
    fn from(error: AuthoringError) -> Self {
        let code = if error.is_cancelled { exit_code::CANCELLED } else { exit_code::BAD_PROJECT };
        Self { code, message: error.message, hints: error.hints }
    }
}

impl From<ProjectError> for CommandError {
    fn from(error: ProjectError) -> Self {
        RunError::from(error).into()
    }
}

impl From<SourceError> for CommandError {
    fn from(error: SourceError) -> Self {
        RunError::from(error).into()
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        let code = if error.is_usage() { exit_code::BAD_PROJECT } else { exit_code::INTERNAL };
        Self { code, message: with_causes(&error), hints: error.hint().into_iter().collect() }
    }
}

impl From<ReleaseError> for CommandError {
    fn from(error: ReleaseError) -> Self {
        Self { code: error.exit_code(), message: with_causes(&error), hints: error.hint().into_iter().collect() }
    }
}

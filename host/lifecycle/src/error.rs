//! Why there is no run.

use sprag_data::DataError;
use sprag_runtime::LoadError;
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_store::StoreError;

use crate::data::SourceError;
use crate::project::ProjectError;

/// Why a run could not begin, or could not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The project is wrong.
    #[error(transparent)]
    Project(Box<ProjectError>),
    /// The data is wrong.
    #[error(transparent)]
    Data(Box<SourceError>),
    /// A file that a stage is given cannot be read.
    #[error("stage `{stage}`: input `{input}`: {source}")]
    Input {
        /// The stage.
        stage: String,
        /// The name that the plugin asks for.
        input: String,
        /// Why.
        source: Box<DataError>,
    },
    /// The project differs from its lockfile in a way that must be accepted first.
    #[error("{summary}{}", .lines.iter().map(|line| format!("\n  {line}")).collect::<String>())]
    Lock {
        /// What is wrong, in short.
        summary: &'static str,
        /// One line for each difference.
        lines: Vec<String>,
    },
    /// There is no file of this name to score.
    #[error("expected a name under `[batch]` ({}), found `{name}`", .known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))]
    UnknownBatch {
        /// What was asked for.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// A policy revoked the scorer of a registered model: what was registered before it was is not scored with after.
    #[error("the model's scorer {scorer} is revoked by {policy}")]
    Revoked {
        /// The digest of the scorer.
        scorer: String,
        /// The policy, with the line.
        policy: String,
    },
    /// Another run holds the project.
    #[error("another run holds the project{}", .holder.as_deref().map(|run| format!(": {run}")).unwrap_or_default())]
    Busy {
        /// The run that holds it.
        holder: Option<String>,
    },
    /// The wait for another run was cancelled.
    #[error("cancelled while waiting for another run of the project")]
    Cancelled,
    /// The store failed.
    #[error(transparent)]
    Store(Box<StoreError>),
    /// A component could not be made ready.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl RunError {
    /// The exit code that says so.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Project(error) if error.is_refusal() => exit_code::REFUSED,
            Self::Project(error) if matches!(**error, ProjectError::Write { .. }) => exit_code::INTERNAL,
            Self::Project(_) | Self::Data(_) | Self::Input { .. } | Self::UnknownBatch { .. } => exit_code::BAD_PROJECT,
            Self::Lock { .. } | Self::Revoked { .. } => exit_code::REFUSED,
            Self::Busy { .. } => exit_code::BUSY,
            Self::Cancelled => exit_code::CANCELLED,
            Self::Store(_) => exit_code::INTERNAL,
            Self::Load(LoadError::Compile { .. }) => exit_code::BAD_PROJECT,
            Self::Load(LoadError::Engine(_)) => exit_code::INTERNAL,
        }
    }

    /// What to do about it.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Project(error) => error.hints(),
            Self::Data(error) => error.hint().into_iter().collect(),
            Self::Input { source, .. } => source.hint().into_iter().collect(),
            Self::Lock { .. } => vec!["look at what each component may do, then accept it with `sprag lock`".to_owned()],
            Self::Revoked { .. } => vec!["train again with a component that is allowed, and register that; an alias that points at the model can go back with `sprag rollback`".to_owned()],
            Self::Busy { .. } => vec!["leave out `--no-wait` to wait for it".to_owned()],
            Self::Store(error) => error.hint().into_iter().collect(),
            Self::Load(_) => vec!["build or copy the component again".to_owned()],
            Self::Cancelled | Self::UnknownBatch { .. } => vec![],
        }
    }
}

/// An error with all that caused it, in one line: what a library says short, a person needs in full. A cause that the message names
/// already is not named again.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}

impl From<DataError> for RunError {
    fn from(error: DataError) -> Self {
        SourceError::from(error).into()
    }
}

/// The large errors of other parts stand behind a box, so that a result which is mostly good stays small.
macro_rules! boxed {
    ($($from:ident => $variant:ident),+) => {
        $(impl From<$from> for RunError {
            fn from(error: $from) -> Self {
                Self::$variant(Box::new(error))
            }
        })+
    };
}

boxed!(ProjectError => Project, SourceError => Data, StoreError => Store);

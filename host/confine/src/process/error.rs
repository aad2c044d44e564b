//! Why a process was not run, or what became of it is not known.

use std::path::PathBuf;

/// Why a process was not run, or what became of it is not known. That it failed is no error but its [`Outcome`](super::Outcome).
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// An input has a name that no file in `in/` can have.
    #[error("expected letters, digits, `.`, `_` and `-` as the name of an input, found `{0}`")]
    InputName(String),
    /// Two inputs have one name.
    #[error("expected each input once, found `{0}` twice")]
    InputTwice(String),
    /// A program that is not in the environment.
    #[error("expected a program in the environment's `bin` folder, found no `{0}`")]
    NoProgram(String),
    /// A path is not UTF-8, as those of a confined process must be.
    #[error("expected a path in UTF-8, found `{}`", .0.display())]
    Path(PathBuf),
    /// The machine does not confine processes as was demanded.
    #[error("expected {} to confine the process, found none", .missing.join(" and "))]
    Unconfined {
        /// What would have been needed.
        missing: Vec<String>,
    },
    /// Confinement was begun and failed: the process never started.
    #[error("failed to confine the process: {message}")]
    Confine {
        /// Why, in the words of whatever failed.
        message: String,
    },
    /// It was cancelled, or its time was over, before the process started.
    #[error("ended before the process started")]
    Stopped,
    /// The process could not be started within its confinement.
    #[error("failed to start `{program}`: {message}")]
    Start {
        /// The program.
        program: String,
        /// Why.
        message: String,
    },
    /// A file could not be read or written.
    #[error("failed to use `{}`: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl ProcessError {
    /// What the user can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unconfined { .. } | Self::Confine { .. } => Some(
                "install bubblewrap, such as by `apt install bubblewrap`, on a system that allows user namespaces".to_owned(),
            ),
            _ => None,
        }
    }
}

/// An error of a file, with its path.
pub(crate) fn at(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> ProcessError {
    let path = path.into();
    move |source| ProcessError::Io { path, source }
}

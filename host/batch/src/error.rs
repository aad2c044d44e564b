//! Why a job did not end with an output.

use std::io;
use std::path::{Path, PathBuf};

use sprag_data::DataError;
use sprag_runtime::StageFailure;

/// Why a job did not end with an output.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// The input cannot be read, or not for this model, or the output cannot be encoded.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The model failed, by no fault of a row.
    #[error("the scorer of {model} {failure}")]
    Scorer {
        /// The model's version or digest.
        model: String,
        /// How.
        failure: StageFailure,
    },
    /// More rows were refused than may be.
    #[error("{refused} of {rows} rows cannot be scored, and {allowed} may be refused; the first is {first}")]
    TooManyRefused {
        /// How many were refused, up to where the job stopped.
        refused: u64,
        /// How many rows it had read by then.
        rows: u64,
        /// How many may be refused.
        allowed: String,
        /// The first of them, with the reason.
        first: String,
    },
    /// Something stands under the output's name.
    #[error("`{}` is there already", .path.display())]
    Exists {
        /// The path.
        path: PathBuf,
    },
    /// Two of the files are one.
    #[error("expected different files for the {first} and the {second}, found `{}` for both", .path.display())]
    Same {
        /// What the one is.
        first: &'static str,
        /// What the other is.
        second: &'static str,
        /// The path.
        path: PathBuf,
    },
    /// The folder of the output is not there.
    #[error("expected a folder `{}` to write in, found none", .path.display())]
    NoFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The output's format is not known.
    #[error("cannot tell the format of `{}`: expected an extension `csv` or `parquet`", .path.display())]
    UnknownFormat {
        /// The output.
        path: PathBuf,
    },
    /// Another job writes the same output.
    #[error("another job is writing `{}`", .path.display())]
    Busy {
        /// The output.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error("failed to {what} `{}`: {}", .path.display(), if is_full(.source) { "the disk is full".to_owned() } else { .source.to_string() })]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The job was asked to stop.
    #[error("the job was cancelled")]
    Cancelled,
}

impl BatchError {
    pub(crate) fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { what, path: path.to_owned(), source }
    }

    /// Whether what was done is kept, so that the same job goes on from there: where nothing is wrong with what was asked.
    pub fn keeps_progress(&self) -> bool {
        matches!(self, Self::Io { .. } | Self::Cancelled)
    }

    /// What to do about it, where something general can be said.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Data(DataError::OutputClash { .. }) => {
                Some("give the model's outputs other names with `--prefix`, or leave columns out with `--columns`".to_owned())
            }
            Self::Data(error) => error.hint(),
            Self::TooManyRefused { .. } => {
                Some("correct the rows, or allow some with `--max-errors`: they then go to a file of their own".to_owned())
            }
            Self::Exists { .. } => Some("replace it with `--force`".to_owned()),
            Self::Io { source, .. } if is_full(source) => {
                Some("free some space and run again: the job goes on where it stopped".to_owned())
            }
            Self::Cancelled => Some("run again: the job goes on where it stopped".to_owned()),
            _ => None,
        }
    }
}

/// Whether there is no room left, or a quota or a limit on file sizes was hit.
fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

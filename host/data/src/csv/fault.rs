//! What is wrong with a piece of a file, before it is known on which line of the file the piece begins.

use std::io;

use crate::error::shorten;
use crate::{DType, DataError, Source};

/// A fault, and where in its piece it is.
#[derive(Debug)]
pub(super) struct Fault {
    /// How many line ends of the piece come before it.
    pub(super) line: u64,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    NotText(&'static str),
    LineTooLong,
    Quote { expected: &'static str, found: &'static str },
    FieldCount(usize),
    Value { column: usize, expected: DType, found: String },
    Io(io::Error),
}

impl What {
    /// A value that is not of its column's declared type.
    pub(super) fn value(column: usize, expected: DType, found: &str) -> Self {
        Self::Value { column, expected, found: shorten(found) }
    }

    pub(super) const fn on_line(self, line: u64) -> Fault {
        Fault { line, what: self }
    }
}

impl Fault {
    /// The error for a fault in a piece that has `lines` line ends before it in the file.
    pub(super) fn locate(self, lines: u64, source: &Source, names: &[String]) -> DataError {
        let (path, limit, line) = (source.path.clone(), source.max_line_bytes, lines + self.line + 1);
        match self.what {
            What::NotText(found) => DataError::NotText { path, line, found },
            What::LineTooLong => DataError::LineTooLong { path, line, limit },
            What::Quote { expected, found } => DataError::Quote { path, line, expected, found },
            What::FieldCount(found) => DataError::FieldCount { path, line, expected: names.len(), found },
            What::Value { column, expected, found } => {
                DataError::Value { path, line, column: names[column].clone(), expected, found }
            }
            What::Io(source) => DataError::Io { path, source },
        }
    }
}

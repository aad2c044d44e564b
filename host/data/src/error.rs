//! What can be wrong with data, one variant per failure, and what to do about it.
//!
//! Messages are lower-case fragments that say where, what was expected and what was found; [`DataError::hint`] says what to change.
//! Values from a file are shortened here, so that no message grows with its input.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::DType;

/// Names to choose from, shown as a list in backticks; a long list is cut.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names(pub Vec<String>);

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 20;
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (i, name) in self.0.iter().take(SHOWN).enumerate() {
            write!(f, "{}`{}`", if i == 0 { "" } else { ", " }, shorten(name))?;
        }
        match self.0.len().checked_sub(SHOWN) {
            Some(more @ 1..) => write!(f, " and {more} more"),
            _ => Ok(()),
        }
    }
}

/// Why data could not be read, made or split.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// There is no such file.
    #[error("no file at `{}`", .path.display())]
    Missing {
        /// The path that was opened.
        path: PathBuf,
    },
    /// The path names a directory.
    #[error("expected a file at `{}`, found a directory", .path.display())]
    Directory {
        /// The path that was opened.
        path: PathBuf,
    },
    /// The operating system refused to read or write.
    #[error("cannot access `{}`", .path.display())]
    Io {
        /// The file concerned.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The extension names no known format and none was given.
    #[error("cannot tell the format of `{}`: expected an extension `csv`, `tsv`, `txt`, `parquet` or `pq`", .path.display())]
    UnknownFormat {
        /// The file concerned.
        path: PathBuf,
    },
    /// The delimiter cannot part fields.
    #[error("expected a delimiter that is one ASCII character, not a quote and not a line end, found `{}`", .found.escape_ascii())]
    Delimiter {
        /// The byte that was given.
        found: u8,
    },
    /// A CSV file holds nothing, not even its header.
    #[error("expected a header line in `{}`, found an empty file", .path.display())]
    NoHeader {
        /// The file concerned.
        path: PathBuf,
    },
    /// A CSV file holds bytes that no text holds.
    #[error("expected UTF-8 text in `{}`, found {found} on line {line}", .path.display())]
    NotText {
        /// The file concerned.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What was found there.
        found: &'static str,
    },
    /// A record of a CSV file goes on for too long.
    #[error("line {line} of `{}` is longer than the limit of {limit} bytes (`max-line`)", .path.display())]
    LineTooLong {
        /// The file concerned.
        path: PathBuf,
        /// The line on which the record begins, from 1.
        line: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A quoted field does not end, or goes on after its closing quote.
    #[error("expected {expected} in the quoted field that begins on line {line} of `{}`, found {found}", .path.display())]
    Quote {
        /// The file concerned.
        path: PathBuf,
        /// The line on which the field begins, from 1.
        line: u64,
        /// What should have come.
        expected: &'static str,
        /// What came.
        found: &'static str,
    },
    /// A record has too few or too many fields.
    #[error("expected {expected} fields on line {line} of `{}`, found {found}", .path.display())]
    FieldCount {
        /// The file concerned.
        path: PathBuf,
        /// The line on which the record begins, from 1.
        line: u64,
        /// How many columns the header names.
        expected: usize,
        /// How many fields the record has.
        found: usize,
    },
    /// Two columns bear one name.
    #[error("two columns of {of} are named `{}`: columns {first} and {second}", shorten(.name))]
    DuplicateColumn {
        /// The file, or what else was being made.
        of: String,
        /// The name.
        name: String,
        /// The position of the first, from 1.
        first: usize,
        /// The position of the second, from 1.
        second: usize,
    },
    /// A column has no name, or one with a line end in it.
    #[error("expected a name for column {position} of {of}, found {found}")]
    ColumnName {
        /// The file, or what else was being made.
        of: String,
        /// The position of the column, from 1.
        position: usize,
        /// What stands there.
        found: &'static str,
    },
    /// A declared column is not in the file.
    #[error("`{}` has no column `{}`, which is declared; its columns are {known}", .path.display(), shorten(.column))]
    DeclaredColumn {
        /// The file concerned.
        path: PathBuf,
        /// The declared name.
        column: String,
        /// The names that the file has.
        known: Names,
    },
    /// A value is not of its column's declared type.
    #[error("expected {expected} in column `{}` on line {line} of `{}`, found `{found}`", shorten(.column), .path.display())]
    Value {
        /// The file concerned.
        path: PathBuf,
        /// The line on which the record begins, from 1.
        line: u64,
        /// The column's name.
        column: String,
        /// The declared type.
        expected: DType,
        /// The value, shortened.
        found: String,
    },
    /// The file changed between two readings of it.
    #[error("`{}` changed while it was read", .path.display())]
    Changed {
        /// The file concerned.
        path: PathBuf,
    },
    /// A Parquet file is empty, truncated, corrupt, or something else.
    #[error("expected a Parquet file at `{}`: {found}", .path.display())]
    Parquet {
        /// The file concerned.
        path: PathBuf,
        /// What was found instead, shortened.
        found: String,
    },
    /// A Parquet column has a type that no table column has.
    #[error("column `{}` of `{}` has the unsupported type `{found}`", shorten(.column), .path.display())]
    UnsupportedType {
        /// The file concerned.
        path: PathBuf,
        /// The column's name.
        column: String,
        /// Its type in the file, shortened.
        found: String,
    },
    /// A Parquet column's values do not fit the type that it should have.
    #[error("column `{}` of `{}` cannot be read as {expected}: {found}", shorten(.column), .path.display())]
    Convert {
        /// The file concerned.
        path: PathBuf,
        /// The column's name.
        column: String,
        /// The type that it should have had.
        expected: DType,
        /// Why not, shortened.
        found: String,
    },
    /// The table has no column of this name.
    #[error("no column `{}`; known columns are {known}", shorten(.column))]
    UnknownColumn {
        /// The name that was asked for.
        column: String,
        /// The names that there are.
        known: Names,
    },
    /// A file has not all the columns that a model reads.
    #[error("`{}` lacks the columns {columns}, which the model reads; its columns are {known}", .path.display())]
    MissingColumns {
        /// The file concerned.
        path: PathBuf,
        /// The names that were looked for and not found.
        columns: Names,
        /// The names that the file has.
        known: Names,
    },
    /// A column that is to be written has the name of another.
    #[error("the output `{}` of the model has the name of a column of `{}`", shorten(.column), .path.display())]
    OutputClash {
        /// The file that is read.
        path: PathBuf,
        /// The name.
        column: String,
    },
    /// Rows cannot be written in a format.
    #[error("cannot write rows as {format}: {found}")]
    Write {
        /// The format's name.
        format: &'static str,
        /// What the writer said, shortened.
        found: String,
    },
    /// A feature is named twice, or is the target.
    #[error("column `{}` cannot be a feature: {reason}", shorten(.column))]
    Feature {
        /// The feature's name.
        column: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The column's type is not one that was asked for.
    #[error("expected a column of numbers, found `{}` of type {found}", shorten(.column))]
    WrongType {
        /// The column's name.
        column: String,
        /// Its type.
        found: DType,
    },
    /// Values that were handed over do not make a column.
    #[error("expected {expected} in column `{}`, found {found}", shorten(.column))]
    BadColumn {
        /// The column's name.
        column: String,
        /// What should have been there.
        expected: String,
        /// What was there.
        found: String,
    },
    /// The number of columns handed over is not that of the fields.
    #[error("expected {expected} columns, one for each field, found {found}")]
    ColumnCount {
        /// How many fields there are.
        expected: usize,
        /// How many columns there are.
        found: usize,
    },
    /// Rows were asked for that do not exist.
    #[error("expected rows within 0..{rows}, found {offset}..{end}")]
    OutOfRange {
        /// The first row that was asked for.
        offset: u64,
        /// The row after the last that was asked for.
        end: u64,
        /// How many rows the table has.
        rows: u64,
    },
    /// The text of one range is more than one column value can hold.
    #[error("rows {offset}..{end} of column `{}` hold more than 4 GiB of text", shorten(.column))]
    TooMuchText {
        /// The column's name.
        column: String,
        /// The first row that was asked for.
        offset: u64,
        /// The row after the last that was asked for.
        end: u64,
    },
    /// A part's size makes no sense for this table.
    #[error("`{key}` is {size}: expected {expected}")]
    SplitSize {
        /// `test_size` or `validation_size`.
        key: &'static str,
        /// The size that was given.
        size: String,
        /// What it should have been.
        expected: String,
    },
    /// A split would leave a part without rows.
    #[error("with {rows} rows and `{key}` {size} the {part} part would be empty")]
    EmptyPart {
        /// `test_size` or `validation_size`.
        key: &'static str,
        /// The size that was given.
        size: String,
        /// How many rows there are to part.
        rows: u64,
        /// The part that would have no rows.
        part: &'static str,
    },
    /// The table has more rows than row numbers of 32 bits can name.
    #[error("expected at most {} rows to choose from, found {rows}", u32::MAX)]
    TooManyRows {
        /// How many rows there are.
        rows: u64,
    },
    /// A table without rows has no profile.
    #[error("expected at least one row to profile, found none")]
    NothingToProfile,
}

impl DataError {
    pub(crate) fn read(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    /// What to do about it, where something general can be said.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::UnknownFormat { .. } => "give the data's `format`: `csv` or `parquet`".into(),
            Self::NotText { found, .. } if found.contains("Parquet") => "give the data's `format` as `parquet`".into(),
            Self::NotText { found, .. } if found.contains("gzip") => "decompress the file first".into(),
            Self::NotText { .. } => "save the file as UTF-8 text".into(),
            Self::LineTooLong { .. } => {
                "raise `max-line` if the file is right, or look for a missing line end or closing quote".into()
            }
            Self::Quote { .. } => "write a quote inside a quoted field twice".into(),
            Self::FieldCount { expected, found, .. } if found < expected => {
                "is the file truncated? otherwise check the `delimiter`".into()
            }
            Self::FieldCount { .. } => "quote a field that holds the delimiter, or check the `delimiter`".into(),
            Self::Value { column, .. } => {
                format!("correct the value, add it to `null-values`, or declare `{}` as `text`", shorten(column))
            }
            Self::Changed { .. } => "run again when nothing writes to the file".into(),
            Self::UnsupportedType { .. } => "drop the column or write it as numbers, booleans, text or timestamps".into(),
            Self::EmptyPart { key, .. } | Self::SplitSize { key, .. } => format!("change `{key}`, or give more rows"),
            _ => return None,
        })
    }
}

/// A value fit for a message: at most 60 characters, control characters escaped.
pub(crate) fn shorten(text: &str) -> String {
    const SHOWN: usize = 60;
    let mut short = String::new();
    for (i, c) in text.chars().enumerate() {
        if i == SHOWN {
            short.push('…');
            break;
        }
        match c.is_control() {
            true => short.extend(c.escape_default()),
            false => short.push(c),
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shortened_and_escaped() {
        assert_eq!(shorten("a\nb\0"), "a\\nb\\u{0}");
        assert_eq!(shorten(&"é".repeat(100)).chars().count(), 61);
    }

    #[test]
    fn long_lists_of_names_are_cut() {
        assert_eq!(Names::default().to_string(), "none");
        assert_eq!(Names(vec!["a".into(), "b".into()]).to_string(), "`a`, `b`");
        let many = Names((0..25).map(|i| i.to_string()).collect()).to_string();
        assert!(many.ends_with("`19` and 5 more"), "{many}");
    }

    #[test]
    fn every_hint_is_a_fragment() {
        let path = PathBuf::from("a.csv");
        let error = DataError::FieldCount { path: path.clone(), line: 3, expected: 4, found: 2 };
        assert_eq!(error.to_string(), "expected 4 fields on line 3 of `a.csv`, found 2");
        assert!(error.hint().unwrap().contains("truncated"));
        assert_eq!(DataError::Missing { path }.hint(), None);
    }
}

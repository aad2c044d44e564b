//! The header line, and what it and the source's options say of each column before any value is read.

use super::fault::{Fault, What};
use super::piece;
use super::pieces::Piece;
use super::records::Records;
use super::value::Nulls;
use crate::error::Names;
use crate::table::check_names;
use crate::{DType, DataError, Source};

/// What is known of a file's columns, and how to read its records.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) names: Vec<String>,
    /// The declared types; none where the type is inferred.
    pub(super) declared: Vec<Option<DType>>,
    pub(super) delimiter: u8,
    pub(super) nulls: Nulls,
    /// The most bytes of a record.
    pub(super) limit: u64,
}

/// The beginning of a file, up to and with its header.
#[derive(Default)]
pub(super) struct Start {
    /// How many line ends there are in it.
    pub(super) lines: u64,
    /// Where the records begin in the piece that has the header.
    pub(super) records: usize,
}

impl Start {
    /// Takes in a piece; what its header says, where it has one and more than empty lines.
    pub(super) fn take(&mut self, piece: &Piece, source: &Source) -> Result<Option<Plan>, DataError> {
        let at = |fault: Fault| fault.locate(self.lines, source, &[]);
        let text = piece::text(&piece.bytes[piece.skip..]).map_err(at)?;
        let mut records = Records::new(text, source.delimiter);
        let names = if records.advance() { Some(names(&mut records).map_err(at)?) } else { None };
        if names.is_some() && records.length() as u64 > source.max_line_bytes {
            return Err(at(What::LineTooLong.on_line(records.record_line)));
        }
        self.lines += records.line;
        self.records = piece.skip + records.position();
        names.map(|names| plan(names, source)).transpose()
    }
}

/// The names in a header line.
fn names(records: &mut Records<'_>) -> Result<Vec<String>, Fault> {
    let mut names = Vec::new();
    loop {
        let (field, last) = records.field()?;
        names.push(field.text().into_owned());
        if last {
            return Ok(names);
        }
    }
}

/// Checks the names and the declared columns against each other.
fn plan(names: Vec<String>, source: &Source) -> Result<Plan, DataError> {
    check_names(&format!("`{}`", source.path.display()), names.iter().map(String::as_str))?;
    if let Some(column) = source.columns.keys().find(|column| !names.contains(column)) {
        return Err(DataError::DeclaredColumn { path: source.path.clone(), column: column.clone(), known: Names(names) });
    }
    Ok(Plan {
        declared: names.iter().map(|name| source.columns.get(name).copied()).collect(),
        names,
        delimiter: source.delimiter,
        nulls: Nulls::new(&source.null_values),
        limit: source.max_line_bytes,
    })
}

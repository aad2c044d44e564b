//! The header line, and what it and the source's options say of each column before any value is read.

use super::fault::Fault;
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
    pub(super) limit: u64,
}

/// The names in a header line.
pub(super) fn names(records: &mut Records<'_>) -> Result<Vec<String>, Fault> {
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
pub(super) fn plan(names: Vec<String>, source: &Source) -> Result<Plan, DataError> {
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

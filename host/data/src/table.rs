//! The table: named, typed columns of one length, each one contiguous Arrow array, that never change.
//!
//! Makes, describes and reads tables; [`crate::cells`] picks rows, [`crate::load`] reads files.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use sprag_core::digest::Digest;

use crate::cells::Cells;
use crate::column::Column;
use crate::dtype::Field;
use crate::error::{DataError, Names};
use crate::{DType, cells, threads};

/// Below this many rows, gathering takes less time than starting threads.
const MANY_ROWS: usize = 100_000;

/// Named, typed columns of one length. Never changes, and is cheap to clone.
#[derive(Clone)]
pub struct Table {
    rows: u64,
    digest: Digest,
    columns: Arc<Columns>,
    target: Option<String>,
    features: Arc<[String]>,
}

pub(crate) struct Columns {
    pub(crate) fields: Vec<Field>,
    pub(crate) cells: Vec<Cells>,
    positions: HashMap<String, usize>,
}

impl Table {
    /// Makes a table of columns whose names are unique and whose lengths are `rows`; `nullable` of each field is set here.
    pub(crate) fn assemble(mut fields: Vec<Field>, cells: Vec<Cells>, rows: u64, digest: Digest) -> Self {
        for (field, cells) in fields.iter_mut().zip(&cells) {
            debug_assert_eq!(cells.len() as u64, rows);
            field.nullable = cells.has_nulls();
        }
        let positions = fields.iter().enumerate().map(|(i, field)| (field.name.clone(), i)).collect();
        let features = fields.iter().map(|field| field.name.clone()).collect();
        Self { rows, digest, columns: Arc::new(Columns { fields, cells, positions }), target: None, features }
    }

    /// Makes a table of values that a guest hands over. Its digest is that of its content; it has no target, and every column is a
    /// feature. `nullable` is taken from the values, not from the field.
    ///
    /// # Errors
    ///
    /// When names are empty or repeated, lengths differ, a list is not of its field's type, a boolean is neither 0 nor 1, a bitmap is
    /// not as long as its rows need, text is not UTF-8, or the ends of texts are not in order.
    pub fn from_columns(fields: Vec<Field>, columns: Vec<Column>) -> Result<Self, DataError> {
        if fields.len() != columns.len() {
            return Err(DataError::ColumnCount { expected: fields.len(), found: columns.len() });
        }
        check_names("the table", fields.iter().map(|field| field.name.as_str()))?;
        let rows = columns.first().map_or(0, |column| column.values.len());
        let mut cells = Vec::with_capacity(columns.len());
        for (field, column) in fields.iter().zip(columns) {
            cells.push(Cells::from_column(field, column, rows)?);
        }
        let digest = cells::content_digest(&fields, &cells, rows as u64);
        Ok(Self::assemble(fields, cells, rows as u64, digest))
    }

    /// The columns, in order.
    pub fn schema(&self) -> &[Field] {
        &self.columns.fields
    }

    /// How many rows there are.
    pub const fn row_count(&self) -> u64 {
        self.rows
    }

    /// The digest of the content: equal digests mean equal schema and rows. The roles have no part in it.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The column to predict, where one is chosen.
    pub fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }

    /// The columns that a model may use, in order.
    pub fn features(&self) -> &[String] {
        &self.features
    }

    /// This table with a target and features chosen. Without features, they are all columns but the target, in the table's order.
    ///
    /// # Errors
    ///
    /// When a name is unknown, a feature is named twice, or the target is among the features.
    pub fn with_roles(&self, target: Option<&str>, features: Option<&[String]>) -> Result<Self, DataError> {
        if let Some(target) = target {
            self.position(target)?;
        }
        let features: Arc<[String]> = match features {
            None => self.schema().iter().map(|field| &field.name).filter(|name| Some(name.as_str()) != target).cloned().collect(),
            Some(names) => {
                for (i, name) in names.iter().enumerate() {
                    self.position(name)?;
                    let reason = match name {
                        _ if Some(name.as_str()) == target => "it is the target",
                        _ if names[..i].contains(name) => "it is named twice",
                        _ => continue,
                    };
                    return Err(DataError::Feature { column: name.clone(), reason });
                }
                names.into()
            }
        };
        Ok(Self { target: target.map(str::to_owned), features, ..self.clone() })
    }

    /// The field of a column.
    ///
    /// # Errors
    ///
    /// When there is no such column.
    pub fn field(&self, column: &str) -> Result<&Field, DataError> {
        Ok(&self.columns.fields[self.position(column)?])
    }

    /// Rows `offset..offset + len` of a column, copied into flat lists.
    ///
    /// # Errors
    ///
    /// When there is no such column, the range ends past the last row, or it holds more than 4 GiB of text.
    pub fn read(&self, column: &str, offset: u64, len: u32) -> Result<Column, DataError> {
        let cells = self.cells(column)?;
        let end = offset.saturating_add(len.into());
        if end > self.rows {
            return Err(DataError::OutOfRange { offset, end, rows: self.rows });
        }
        // Both fit: they are within the length of an array in memory.
        let (start, len) = (offset as usize, len as usize);
        cells.read(start, len).ok_or_else(|| DataError::TooMuchText { column: column.to_owned(), offset, end })
    }

    /// A column of numbers as floats, for plots and statistics: nulls are NaN, booleans 0 or 1, timestamps microseconds. A `float`
    /// column without nulls is not copied.
    ///
    /// # Errors
    ///
    /// When there is no such column, or it is text.
    pub fn column_f64(&self, column: &str) -> Result<Cow<'_, [f64]>, DataError> {
        let cells = self.cells(column)?;
        cells.floats().ok_or_else(|| DataError::WrongType { column: column.to_owned(), found: DType::Text })
    }

    /// The rows of these numbers, in this order; a row may come more than once. The roles stay.
    ///
    /// # Errors
    ///
    /// When a row does not exist.
    pub fn rows(&self, rows: &[u32]) -> Result<Self, DataError> {
        if let Some(&row) = rows.iter().find(|row| u64::from(**row) >= self.rows) {
            return Err(DataError::OutOfRange { offset: row.into(), end: u64::from(row) + 1, rows: self.rows });
        }
        Ok(self.gather(rows, cells::rows_digest(self.digest, rows)))
    }

    /// The rows of these numbers, all of which exist, under a digest that the caller knows.
    pub(crate) fn gather(&self, rows: &[u32], digest: Digest) -> Self {
        let columns: Vec<&Cells> = self.columns.cells.iter().collect();
        let cells = threads::map(columns, rows.len() >= MANY_ROWS, |cells| cells.gather(rows));
        let gathered = Self::assemble(self.columns.fields.clone(), cells, rows.len() as u64, digest);
        Self { target: self.target.clone(), features: Arc::clone(&self.features), ..gathered }
    }

    pub(crate) fn columns(&self) -> &Columns {
        &self.columns
    }

    fn cells(&self, column: &str) -> Result<&Cells, DataError> {
        Ok(&self.columns.cells[self.position(column)?])
    }

    fn position(&self, column: &str) -> Result<usize, DataError> {
        self.columns.positions.get(column).copied().ok_or_else(|| DataError::UnknownColumn {
            column: column.to_owned(),
            known: Names(self.schema().iter().map(|field| field.name.clone()).collect()),
        })
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("digest", &self.digest)
            .field("rows", &self.rows)
            .field("schema", &self.schema())
            .field("target", &self.target)
            .field("features", &self.features)
            .finish()
    }
}

/// Checks that every name says something and none is repeated.
pub(crate) fn check_names<'a>(of: &str, names: impl Iterator<Item = &'a str>) -> Result<(), DataError> {
    let mut seen = HashMap::new();
    for (i, name) in names.enumerate() {
        let position = i + 1;
        let wrong = match name {
            _ if name.trim().is_empty() => Some("an empty name"),
            _ if name.contains(['\r', '\n']) => Some("a name with a line end in it"),
            _ => None,
        };
        if let Some(found) = wrong {
            return Err(DataError::ColumnName { of: of.to_owned(), position, found });
        }
        if let Some(first) = seen.insert(name, position) {
            return Err(DataError::DuplicateColumn { of: of.to_owned(), name: name.to_owned(), first, second: position });
        }
    }
    Ok(())
}

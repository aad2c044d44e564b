//! Rows by batches, wherever they lie.

use crate::{Column, Failure, Field, Table};

/// The rows of a batch, unless there is a reason for another number: with 64 Ki the hand-over runs at full speed.
pub const BATCH_ROWS: u32 = 1 << 16;

/// The rows of a batch of `columns` columns of numbers, so that the batch holds at most 32 MiB, however wide the table is.
pub fn batch_rows(columns: usize) -> u32 {
    let rows = (1 << 22) / columns.max(1);
    u32::try_from(rows).map_or(BATCH_ROWS, |rows| rows.clamp(256, BATCH_ROWS))
}

/// A walk over a source: for each batch the columns that were asked for.
pub type Batches<'a> = Box<dyn Iterator<Item = Result<Vec<Column>, Failure>> + 'a>;

/// A table that can be walked as often as needed: the host's [`Table`], or a [`Frame`](crate::Frame) in memory.
pub trait Source {
    /// The columns, in order.
    fn schema(&self) -> Vec<Field>;

    /// How many rows there are.
    fn row_count(&self) -> u64;

    /// The column to predict, where the project names one.
    fn target(&self) -> Option<String>;

    /// The columns that a model may use, in order.
    fn features(&self) -> Vec<String>;

    /// Walks the rows in order: batches of `batch_rows` rows, the last one shorter, with a column for each name.
    ///
    /// # Errors
    ///
    /// When a column is not there or the host cannot read; later ones come with the batches.
    fn batches(&self, columns: &[String], batch_rows: u32) -> Result<Batches<'_>, Failure>;

    /// The column of this name.
    ///
    /// # Errors
    ///
    /// [`Failure::BadInput`], with the names that there are.
    fn find_field(&self, name: &str) -> Result<Field, Failure> {
        let schema = self.schema();
        let found = schema.iter().find(|field| field.name == name).cloned();
        found.ok_or_else(|| {
            let known: Vec<_> = schema.iter().map(|field| format!("`{}`", field.name)).collect();
            Failure::bad_input(format!("expected a column `{name}`, found {}", known.join(", ")))
        })
    }
}

impl Source for Table {
    fn schema(&self) -> Vec<Field> {
        self.schema()
    }

    fn row_count(&self) -> u64 {
        self.row_count()
    }

    fn target(&self) -> Option<String> {
        self.target()
    }

    fn features(&self) -> Vec<String> {
        self.features()
    }

    fn batches(&self, columns: &[String], batch_rows: u32) -> Result<Batches<'_>, Failure> {
        let cursor = self.scan(columns, batch_rows)?;
        Ok(Box::new(std::iter::from_fn(move || cursor.next().map_err(Failure::from).transpose())))
    }
}

//! `sprag:data/tables`

use sprag_data::{Column as TableColumn, Table};
use wasmtime::component::Resource;

use super::convert::{column_bytes, column_to_raw, column_to_wit, error_to_wit, field_to_wit};
use crate::bindings::sprag::data::tables::{Column, DataError, Field, Host, HostCursor, HostTable, RawColumn};
use crate::failure::LimitHit;
use crate::state::StageState;

/// The most rows that one call hands over: a column of 8-byte values then takes 32 MiB of the guest's memory.
const MOST_ROWS: u32 = 4 << 20;

/// A walk over a table: the handle behind `sprag:data/tables.cursor`.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Cursor {
    table: Table,
    columns: Vec<String>,
    offset: u64,
    batch_rows: u32,
}

impl Host for StageState {}

impl HostTable for StageState {
    fn schema(&mut self, table: Resource<Table>) -> wasmtime::Result<Vec<Field>> {
        Ok(self.handles.get(&table)?.schema().iter().map(field_to_wit).collect())
    }

    fn row_count(&mut self, table: Resource<Table>) -> wasmtime::Result<u64> {
        Ok(self.handles.get(&table)?.row_count())
    }

    fn digest(&mut self, table: Resource<Table>) -> wasmtime::Result<String> {
        Ok(self.handles.get(&table)?.digest().to_string())
    }

    fn target(&mut self, table: Resource<Table>) -> wasmtime::Result<Option<String>> {
        Ok(self.handles.get(&table)?.target().map(str::to_owned))
    }

    fn features(&mut self, table: Resource<Table>) -> wasmtime::Result<Vec<String>> {
        Ok(self.handles.get(&table)?.features().to_vec())
    }

    fn read(
        &mut self,
        table: Resource<Table>,
        column: String,
        offset: u64,
        len: u32,
    ) -> wasmtime::Result<Result<Column, DataError>> {
        if len > MOST_ROWS {
            return Ok(Err(too_many(len)));
        }
        match self.handles.get(&table)?.read(&column, offset, len) {
            Ok(column) => {
                self.check_call(column_bytes(&column))?;
                Ok(Ok(column_to_wit(column)))
            }
            Err(error) => Ok(Err(error_to_wit(&error))),
        }
    }

    fn scan(
        &mut self,
        table: Resource<Table>,
        columns: Vec<String>,
        batch_rows: u32,
    ) -> wasmtime::Result<Result<Resource<Cursor>, DataError>> {
        let table = self.handles.get(&table)?.clone();
        if batch_rows == 0 || batch_rows > MOST_ROWS {
            return Ok(Err(too_many(batch_rows)));
        }
        if columns.len() > table.schema().len() {
            let (most, found) = (table.schema().len(), columns.len());
            return Ok(Err(DataError::OutOfRange(format!("expected at most {most} columns in one scan, found {found}"))));
        }
        for column in &columns {
            if let Err(error) = table.read(column, 0, 0) {
                return Ok(Err(error_to_wit(&error)));
            }
        }
        self.push(Cursor { table, columns, offset: 0, batch_rows }).map(Ok)
    }

    fn drop(&mut self, table: Resource<Table>) -> wasmtime::Result<()> {
        self.handles.delete(table)?;
        Ok(())
    }
}

impl HostCursor for StageState {
    fn next(&mut self, cursor: Resource<Cursor>) -> wasmtime::Result<Result<Option<Vec<Column>>, DataError>> {
        self.next_batch(&cursor, column_to_wit)
    }

    fn next_raw(&mut self, cursor: Resource<Cursor>) -> wasmtime::Result<Result<Option<Vec<RawColumn>>, DataError>> {
        self.next_batch(&cursor, column_to_raw)
    }

    fn drop(&mut self, cursor: Resource<Cursor>) -> wasmtime::Result<()> {
        self.handles.delete(cursor)?;
        Ok(())
    }
}

impl StageState {
    /// Moves a cursor on by a batch, whose columns take the form that was asked for.
    fn next_batch<T>(
        &mut self,
        cursor: &Resource<Cursor>,
        form: impl Fn(TableColumn) -> T,
    ) -> wasmtime::Result<Result<Option<Vec<T>>, DataError>> {
        let most = self.call.limits.call;
        let cursor = self.handles.get_mut(cursor)?;
        let left = cursor.table.row_count() - cursor.offset;
        if left == 0 {
            return Ok(Ok(None));
        }
        let rows = u32::try_from(left).unwrap_or(u32::MAX).min(cursor.batch_rows);
        // Checked column by column, so that the host never holds much more than one call may carry.
        let (mut bytes, mut columns) = (0, vec![]);
        for name in &cursor.columns {
            match cursor.table.read(name, cursor.offset, rows) {
                Ok(column) => {
                    bytes += column_bytes(&column);
                    if bytes > most {
                        return Err(LimitHit::call(&self.call.limits).into());
                    }
                    columns.push(form(column));
                }
                Err(error) => return Ok(Err(error_to_wit(&error))),
            }
        }
        cursor.offset += u64::from(rows);
        Ok(Ok(Some(columns)))
    }
}

fn too_many(rows: u32) -> DataError {
    DataError::OutOfRange(format!("expected 1 to {MOST_ROWS} rows in one call, found {rows}"))
}

//! `sprag:stage/harness`

use std::sync::{Arc, PoisonError};

use sprag_data::Table;
use wasmtime::component::Resource;

use super::convert::{column_bytes, column_from_wit, error_to_wit, field_from_wit};
use crate::bindings::sprag::data::tables::{Column, DataError, Field};
use crate::bindings::sprag::stage::harness::Host;
use crate::blobs::{MemorySink, ReaderHandle, WriterHandle};
use crate::session::SessionHandle;
use crate::state::StageState;

/// What a table costs the host beside its values and names, in bytes, so that a million empty ones are not free.
const PER_TABLE: usize = 512;

/// The same of a column.
const PER_COLUMN: usize = 512;

impl Host for StageState {
    fn make_table(
        &mut self,
        fields: Vec<Field>,
        target: Option<String>,
        columns: Vec<Column>,
    ) -> wasmtime::Result<Result<Resource<Table>, DataError>> {
        let fields: Vec<_> = fields.into_iter().map(field_from_wit).collect();
        let columns: Vec<_> = columns.into_iter().map(column_from_wit).collect();
        let named: usize = fields.iter().map(|field: &sprag_data::Field| field.name.len() + PER_COLUMN).sum();
        self.charge(columns.iter().map(column_bytes).sum::<u64>() + (named + PER_TABLE) as u64)?;
        let made = Table::from_columns(fields, columns).and_then(|table| table.with_roles(target.as_deref(), None));
        match made {
            Ok(table) => self.push(table).map(Ok),
            Err(error) => Ok(Err(error_to_wit(&error))),
        }
    }

    fn make_session(&mut self, params_json: String) -> wasmtime::Result<Result<Resource<SessionHandle>, String>> {
        let Some(trainer) = &self.trainer else { return Ok(Err("there is no trainer to test".to_owned())) };
        if let Err(message) = (trainer.check_params)(&params_json) {
            return Ok(Err(message));
        }
        let session = self.session.0.for_test(params_json);
        self.charge(session.params_json.len() as u64)?;
        self.push(SessionHandle(Arc::new(session))).map(Ok)
    }

    fn make_state(&mut self) -> wasmtime::Result<Resource<WriterHandle>> {
        let slot = Arc::default();
        let sink = Box::new(MemorySink(Vec::new(), Arc::clone(&slot)));
        // What a unit test writes stays in memory, and counts as such too.
        let budgets = vec![self.session.0.model_budget(), self.shared.memory.clone()];
        let writer = WriterHandle::new(sink, "application/octet-stream".to_owned(), budgets);
        let handle = self.push(writer)?;
        self.states.insert(handle.rep(), slot);
        Ok(handle)
    }

    fn open_state(&mut self, state: Resource<WriterHandle>) -> wasmtime::Result<Resource<ReaderHandle>> {
        let slot = self.states.remove(&state.rep()).unwrap_or_default();
        let writer = self.handles.delete(state)?;
        let finished = writer.finish()?;
        let media_type = finished.map_or_else(|| "application/octet-stream".to_owned(), |(_, _, media_type)| media_type);
        let bytes = slot.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default();
        self.push(ReaderHandle { bytes, media_type })
    }
}

//! `sprag:stage/parts`

use wasmtime::component::Resource;

use crate::bindings::sprag::stage::parts::{Host, Part};
use crate::bindings::sprag::stage::types::Failure;
use crate::blobs::ReaderHandle;
use crate::state::StageState;

impl Host for StageState {
    fn open(&mut self, part: Part) -> wasmtime::Result<Result<Option<Resource<ReaderHandle>>, Failure>> {
        let Some(reader) = self.parts.get(&part.into()).cloned() else { return Ok(Ok(None)) };
        Ok(Ok(Some(self.push(reader)?)))
    }
}

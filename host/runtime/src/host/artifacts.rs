//! `sprag:run/artifacts`

use wasmtime::component::Resource;

use crate::bindings::sprag::run::artifacts::{BlobError, Host};
use crate::blobs::WriterHandle;
use crate::state::StageState;

impl Host for StageState {
    fn create(&mut self, name: String, media_type: String) -> wasmtime::Result<Result<Resource<WriterHandle>, BlobError>> {
        let writer = self.session.0.create_artifact(&name, media_type)?;
        self.push(writer).map(Ok)
    }
}

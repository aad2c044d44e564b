//! `sprag:run/blobs`

use wasmtime::component::Resource;

use crate::bindings::sprag::run::blobs::{BlobError, Host, HostReader, HostWriter};
use crate::blobs::{ReaderHandle, WriteError, WriterHandle};
use crate::session::{MOST_NAME, check_length};
use crate::state::StageState;

impl Host for StageState {}

impl HostReader for StageState {
    fn len(&mut self, reader: Resource<ReaderHandle>) -> wasmtime::Result<u64> {
        Ok(self.handles.get(&reader)?.bytes.len())
    }

    fn media_type(&mut self, reader: Resource<ReaderHandle>) -> wasmtime::Result<String> {
        Ok(self.handles.get(&reader)?.media_type.clone())
    }

    fn read(&mut self, reader: Resource<ReaderHandle>, offset: u64, len: u32) -> wasmtime::Result<Result<Vec<u8>, BlobError>> {
        let reader = self.handles.get(&reader)?;
        let Some(left) = reader.bytes.len().checked_sub(offset) else { return Ok(Err(BlobError::OutOfRange)) };
        let length = left.min(u64::from(len)).min(self.call.limits.call);
        let mut bytes = vec![0; usize::try_from(length)?];
        Ok(match reader.bytes.read_at(offset, &mut bytes) {
            Ok(()) => Ok(bytes),
            Err(error) => Err(BlobError::Io(error.to_string())),
        })
    }

    fn drop(&mut self, reader: Resource<ReaderHandle>) -> wasmtime::Result<()> {
        self.handles.delete(reader)?;
        Ok(())
    }
}

impl HostWriter for StageState {
    fn set_media_type(&mut self, writer: Resource<WriterHandle>, media_type: String) -> wasmtime::Result<()> {
        check_length("a media type", &media_type, 0, MOST_NAME)?;
        self.handles.get(&writer)?.set_media_type(media_type);
        Ok(())
    }

    fn write(&mut self, writer: Resource<WriterHandle>, bytes: Vec<u8>) -> wasmtime::Result<Result<(), BlobError>> {
        match self.handles.get(&writer)?.write(&bytes) {
            Ok(()) => Ok(Ok(())),
            Err(WriteError::Limit(hit)) => Err(hit.into()),
            Err(WriteError::Finished) => Ok(Err(BlobError::Finished)),
            // A full disk is the host's failure: the stage cannot mend it, and must not hide it.
            Err(WriteError::Io(error)) => Err(crate::failure::StageFailure::Host(format!("failed to write: {error}")).into()),
        }
    }

    fn drop(&mut self, writer: Resource<WriterHandle>) -> wasmtime::Result<()> {
        self.handles.delete(writer)?;
        Ok(())
    }
}

//! The model's state as a blob, read from the bytes that are embedded in the package.

use crate::bindings::Imports;
use crate::bindings::exports::sprag::packaged::model_state;
use crate::bindings::exports::sprag::run::blobs::{self, BlobError, GuestReader, Reader};
use crate::bindings::sprag::packaged::embedded;
use crate::inert::NoWriter;

/// A reader of the embedded state.
pub(crate) struct State;

impl blobs::Guest for Imports {
    type Reader = State;
    type Writer = NoWriter;
}

impl GuestReader for State {
    fn len(&self) -> u64 {
        embedded::state_len()
    }

    fn media_type(&self) -> String {
        // A scorer knows the format that its own trainer wrote; the card names it for everyone else.
        "application/octet-stream".to_owned()
    }

    fn read(&self, offset: u64, len: u32) -> Result<Vec<u8>, BlobError> {
        Ok(embedded::state_read(offset, len))
    }
}

impl model_state::Guest for Imports {
    fn open() -> Reader {
        Reader::new(State)
    }
}

//! What a trainer's component names and its scorer is never handed.

use crate::bindings::Imports;
use crate::bindings::exports::sprag::data::tables::{
    self, Column, Cursor, DataError, Field, GuestCursor, GuestTable, RawColumn, TableBorrow,
};
use crate::bindings::exports::sprag::linalg::kernels::{
    self, ColumnStats, Factors, GuestMatrix, LinalgError, Matrix, MatrixBorrow, Solution, Spectrum,
};
use crate::bindings::exports::sprag::run::artifacts;
use crate::bindings::exports::sprag::run::blobs::{BlobError, GuestWriter, Reader, ReaderBorrow, Writer};
use crate::bindings::exports::sprag::run::context::{self, Finding, GuestSession, Level, Measurement};
use crate::bindings::exports::sprag::run::processes::{self, Finished, GuestJob, ProcessError};

/// There is none: a value of this type cannot be made, so its functions cannot be called.
pub(crate) enum NoWriter {}
/// There is none.
pub(crate) enum NoSession {}
/// There is none.
pub(crate) enum NoTable {}
/// There is none.
pub(crate) enum NoCursor {}
/// There is none.
pub(crate) enum NoMatrix {}

impl GuestWriter for NoWriter {
    fn set_media_type(&self, _media_type: String) {
        match *self {}
    }

    fn write(&self, _bytes: Vec<u8>) -> Result<(), BlobError> {
        match *self {}
    }
}

impl artifacts::Guest for Imports {
    fn create(_name: String, _media_type: String) -> Result<Writer, BlobError> {
        Err(BlobError::Io("a packaged model keeps no artifacts".to_owned()))
    }
}

impl context::Guest for Imports {
    type Session = NoSession;
}

impl GuestSession for NoSession {
    fn seed(&self) -> u64 {
        match *self {}
    }

    fn params_json(&self) -> String {
        match *self {}
    }

    fn input(&self, _name: String) -> Option<Reader> {
        match *self {}
    }

    fn log(&self, _level: Level, _message: String, _fields: Vec<(String, String)>) {
        match *self {}
    }

    fn measure(&self, _batch: Vec<Measurement>) {
        match *self {}
    }

    fn report(&self, _finding: Finding) {
        match *self {}
    }

    fn progress(&self, _done: u64, _total: Option<u64>) {
        match *self {}
    }

    fn should_stop(&self) -> bool {
        match *self {}
    }
}

impl tables::Guest for Imports {
    type Table = NoTable;
    type Cursor = NoCursor;
}

impl GuestTable for NoTable {
    fn schema(&self) -> Vec<Field> {
        match *self {}
    }

    fn row_count(&self) -> u64 {
        match *self {}
    }

    fn digest(&self) -> String {
        match *self {}
    }

    fn target(&self) -> Option<String> {
        match *self {}
    }

    fn features(&self) -> Vec<String> {
        match *self {}
    }

    fn read(&self, _column: String, _offset: u64, _len: u32) -> Result<Column, DataError> {
        match *self {}
    }

    fn scan(&self, _columns: Vec<String>, _batch_rows: u32) -> Result<Cursor, DataError> {
        match *self {}
    }
}

impl GuestCursor for NoCursor {
    fn next(&self) -> Result<Option<Vec<Column>>, DataError> {
        match *self {}
    }

    fn next_raw(&self) -> Result<Option<Vec<RawColumn>>, DataError> {
        match *self {}
    }
}

/// A job that never runs.
pub(crate) struct NoProcess;

impl processes::Guest for Imports {
    type Job = NoProcess;
}

impl GuestJob for NoProcess {
    fn new(_environment: Option<String>, _script: String) -> Self {
        Self
    }

    fn give_bytes(&self, _name: String, _bytes: Vec<u8>) {}

    fn give_blob(&self, _name: String, _blob: ReaderBorrow<'_>) {}

    fn give_table(&self, _name: String, _table: TableBorrow<'_>) {}

    fn run(&self) -> Result<Finished, ProcessError> {
        Err(ProcessError::Denied("a packaged model runs no scripts".to_owned()))
    }

    fn open(&self, _name: String) -> Option<Reader> {
        None
    }
}

/// A scorer computes by itself.
fn no_kernels<T>() -> Result<T, LinalgError> {
    Err(LinalgError::NoResult("a packaged model has no host that computes for it".to_owned()))
}

impl kernels::Guest for Imports {
    type Matrix = NoMatrix;

    fn describe(_data: TableBorrow<'_>, _columns: Vec<String>) -> Result<Vec<ColumnStats>, LinalgError> {
        no_kernels()
    }

    fn gram(
        _data: TableBorrow<'_>,
        _columns: Vec<String>,
        _shift: Vec<f64>,
        _weights: Option<MatrixBorrow<'_>>,
    ) -> Result<Matrix, LinalgError> {
        no_kernels()
    }

    fn cross(_data: TableBorrow<'_>, _columns: Vec<String>, _right: MatrixBorrow<'_>) -> Result<Matrix, LinalgError> {
        no_kernels()
    }

    fn multiply(_data: TableBorrow<'_>, _columns: Vec<String>, _right: MatrixBorrow<'_>) -> Result<Matrix, LinalgError> {
        no_kernels()
    }
}

impl GuestMatrix for NoMatrix {
    fn from_values(_rows: u64, _columns: u32, _values: Vec<f64>) -> Result<Matrix, LinalgError> {
        no_kernels()
    }

    fn from_table(_data: TableBorrow<'_>, _columns: Vec<String>) -> Result<Matrix, LinalgError> {
        no_kernels()
    }

    fn rows(&self) -> u64 {
        match *self {}
    }

    fn columns(&self) -> u32 {
        match *self {}
    }

    fn read(&self, _offset: u64, _len: u32) -> Result<Vec<f64>, LinalgError> {
        match *self {}
    }

    fn multiply(&self, _right: MatrixBorrow<'_>) -> Result<Matrix, LinalgError> {
        match *self {}
    }

    fn cholesky_solve(&self, _right: MatrixBorrow<'_>) -> Result<Matrix, LinalgError> {
        match *self {}
    }

    fn least_squares(&self, _right: MatrixBorrow<'_>, _cutoff: Option<f64>) -> Result<Solution, LinalgError> {
        match *self {}
    }

    fn qr(&self) -> Result<Factors, LinalgError> {
        match *self {}
    }

    fn eigen(&self) -> Result<Spectrum, LinalgError> {
        match *self {}
    }
}

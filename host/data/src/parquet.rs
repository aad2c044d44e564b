//! Reading Parquet.
use crate::{DataError, Source, Table};
pub(crate) fn load(source: &Source) -> Result<Table, DataError> {
    Err(DataError::UnknownFormat { path: source.path.clone() })
}

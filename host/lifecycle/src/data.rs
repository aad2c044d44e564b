//! The project's data: where it is, what its digests are, and its tables once somebody needs them.

use std::collections::BTreeMap;
use std::path::Path;

use sprag_core::digest::{Digest, Hasher};
use sprag_data::{DType, DataError, Format, Source, Split, SplitDigests, SplitSpec, Table, TestSize};
use sprag_schemas::manifest::{ColumnType, Data, DataFormat, Manifest, PartSize};
use sprag_schemas::quantity::ByteSize;
use sprag_schemas::record::DataRecord;
use sprag_store::{Store, StoreError};

/// What is wrong with the data or how the project names it.
#[derive(Debug, thiserror::Error)]
#[error("data: {0}")]
pub struct SourceError(#[from] pub DataError);

impl SourceError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        self.0.hint()
    }
}

/// The digests of the data, known without reading a row.
pub(crate) struct DataDigests {
    pub(crate) file: Digest,
    /// The table with its roles: two projects that predict different columns of one file differ here.
    pub(crate) table: Digest,
    pub(crate) parts: SplitDigests,
}

/// The project's tables.
pub(crate) struct Tables {
    pub(crate) whole: Table,
    pub(crate) split: Split,
}

/// How to read the project's data file.
pub(crate) fn source(root: &Path, data: &Data) -> Source {
    let mut source = Source::new(root.join(&data.path));
    source.format = data.format.map(|format| match format {
        DataFormat::Csv => Format::Csv,
        DataFormat::Parquet => Format::Parquet,
    });
    source.columns = data.columns.iter().map(|(name, column)| (name.clone(), dtype(*column))).collect::<BTreeMap<_, _>>();
    // A character that is no ASCII byte is refused where the file is read, as any bad delimiter is.
    source.delimiter = data.delimiter.map_or(source.delimiter, |c| u8::try_from(c).unwrap_or(u8::MAX));
    source.null_values = data.null_values.clone().unwrap_or(source.null_values);
    source.max_line_bytes = data.max_line.map_or(source.max_line_bytes, |ByteSize(bytes)| bytes);
    source
}

/// Reads the project's data, with its roles.
///
/// # Errors
/// The file cannot be read as the project says, or has not the columns that it names.
pub fn table_of(root: &Path, manifest: &Manifest) -> Result<Table, SourceError> {
    let table = sprag_data::load(&source(root, &manifest.data))?;
    Ok(table.with_roles(Some(&manifest.data.target), manifest.data.features.as_deref())?)
}

/// Reads the project's data, parted into the rows that a model is trained on and those that it is judged by.
///
/// # Errors
/// The file cannot be read or split as the project says.
pub fn split_of(root: &Path, manifest: &Manifest) -> Result<Split, SourceError> {
    Ok(sprag_data::split(&table_of(root, manifest)?, &split_spec(manifest))?)
}

/// The digests of the project's data. A file that has not changed since it was last digested is not read.
pub(crate) fn digests(root: &Path, manifest: &Manifest, store: Option<&Store>) -> Result<DataDigests, DataDigestError> {
    let source = source(root, &manifest.data);
    let remembered = store.map(|store| store.remembered_digest(&source.path)).transpose()?.flatten();
    let file = match remembered {
        Some(digest) => digest,
        None => {
            let digest = sprag_data::file_digest(&source.path)?;
            if let Some(store) = store {
                store.remember_digest(&source.path, &digest)?;
            }
            digest
        }
    };
    let mut hasher = Hasher::new();
    hasher.field(sprag_data::table_digest(file, &source).as_bytes()).field(manifest.data.target.as_bytes());
    for feature in manifest.data.features.iter().flatten() {
        hasher.field(feature.as_bytes());
    }
    let table = hasher.finish();
    Ok(DataDigests { file, table, parts: split_spec(manifest).digests(table) })
}

/// Why the data has no digests.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataDigestError {
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<DataDigestError> for crate::RunError {
    fn from(error: DataDigestError) -> Self {
        match error {
            DataDigestError::Data(error) => error.into(),
            DataDigestError::Store(error) => error.into(),
        }
    }
}

/// Reads and splits the project's data, and makes sure that it is the data that the cache keys were made of.
pub(crate) fn load(root: &Path, manifest: &Manifest, digests: &DataDigests) -> Result<Tables, SourceError> {
    let whole = table_of(root, manifest)?;
    let source = source(root, &manifest.data);
    if whole.digest() != sprag_data::table_digest(digests.file, &source) {
        return Err(DataError::Changed { path: source.path }.into());
    }
    // A table without rows has no parts, but the sanity check must see it to say so.
    let split = if whole.row_count() == 0 {
        Split { training: whole.clone(), validation: None, holdout: whole.clone() }
    } else {
        sprag_data::split(&whole, &split_spec(manifest))?
    };
    Ok(Tables { whole, split })
}

/// What the record says of the data.
pub(crate) fn record(manifest: &Manifest, digests: &DataDigests, root: &Path) -> DataRecord {
    let source = source(root, &manifest.data);
    let parquet = source.format == Some(Format::Parquet) || Format::of_extension(&source.path) == Some(Format::Parquet);
    DataRecord {
        path: manifest.data.path.clone(),
        file_digest: digests.file.to_string(),
        table_digest: digests.table.to_string(),
        format: if parquet { DataFormat::Parquet } else { DataFormat::Csv },
        target: manifest.data.target.clone(),
        training_digest: digests.parts.training.to_string(),
        holdout_digest: digests.parts.holdout.to_string(),
        rows: None,
    }
}

fn split_spec(manifest: &Manifest) -> SplitSpec {
    let size = |size: PartSize| match size {
        PartSize::Rows(rows) => TestSize::Rows(rows),
        PartSize::Share(share) => TestSize::Fraction(share),
    };
    let split = &manifest.split;
    SplitSpec {
        test_size: size(split.test_size),
        random_state: split.random_state,
        shuffle: split.shuffle,
        validation_size: split.validation_size.map(size),
    }
}

fn dtype(column: ColumnType) -> DType {
    match column {
        ColumnType::Float => DType::Float,
        ColumnType::Integer => DType::Integer,
        ColumnType::Boolean => DType::Boolean,
        ColumnType::Text => DType::Text,
        ColumnType::Timestamp => DType::Timestamp,
    }
}

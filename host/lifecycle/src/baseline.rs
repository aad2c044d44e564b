//! What a model was trained on, as a sketch by which later rows are judged: see [`sprag_core::drift`].

use std::path::Path;
use std::sync::Arc;

use sprag_core::digest::Digest;
use sprag_core::drift::Sketch;
use sprag_core::limits::Limits;
use sprag_data::Table;
use sprag_runtime::{Runtime, ScorerSettings, StageFailure};
use sprag_schemas::manifest::Manifest;
use sprag_schemas::record::{ModelField, ModelVersion};
use sprag_store::{Store, StoreError};

use crate::data::{self, DataDigestError};
use crate::{RunError, SourceError, models};

/// The most training rows that are counted, spread evenly over all of them. So many that chance alone moves no index by a thousandth.
const MOST_ROWS: u64 = 100_000;

/// Why a model has no sketch of its training rows.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// The project's data is other data by now.
    #[error("the training rows of `{version}` are no longer what they were: expected the digest `{expected}`, found `{found}`")]
    OtherData {
        /// The version.
        version: String,
        /// The digest of the rows that it was trained on.
        expected: String,
        /// The digest of the project's training rows.
        found: String,
    },
    /// The data cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The data has not the columns of the model, or no rows.
    #[error("data: {0}")]
    Data(#[from] sprag_data::DataError),
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The model cannot be opened.
    #[error(transparent)]
    Model(Box<RunError>),
    /// The model cannot score the rows that it was trained on.
    #[error("the scorer of `{version}` failed: {}", .failure.to_record().message)]
    Scorer {
        /// The version.
        version: String,
        /// Why.
        failure: StageFailure,
    },
}

impl BaselineError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::OtherData { .. } => Some(
                "the sketch is made when a version is registered, packaged or first asked for, as long as its data is there: \
                 put the data back, or go on with a version that was trained on today's"
                    .to_owned(),
            ),
            Self::Source(error) => error.hint(),
            Self::Data(error) => error.hint(),
            _ => None,
        }
    }
}

/// The sketch of the rows that a version was trained on: the one that is kept, else it is made and kept, as long as the project's data is what it was.
///
/// # Errors
/// None is kept, and the data has changed or cannot be read, or the model cannot score it.
pub async fn baseline(
    root: &Path,
    manifest: &Manifest,
    store: &Arc<Store>,
    runtime: &Runtime,
    version: &ModelVersion,
) -> Result<Sketch, BaselineError> {
    if let Some(kept) = kept_baseline(store, version)? {
        return Ok(kept);
    }
    make(manifest, store, runtime, version, &training_rows(root, manifest, store, version)?).await
}

/// The rows that a version was trained on, as long as the project's data has them.
///
/// # Errors
/// The data has changed or cannot be read.
pub fn training_rows(root: &Path, manifest: &Manifest, store: &Store, version: &ModelVersion) -> Result<Table, BaselineError> {
    let digests = data::digests(root, manifest, Some(store)).map_err(|error| match error {
        DataDigestError::Data(error) => BaselineError::Data(error),
        DataDigestError::Store(error) => BaselineError::Store(error),
    })?;
    let (expected, found) = (version.lineage.data.training_digest.clone(), digests.parts.training.to_string());
    if expected != found {
        return Err(BaselineError::OtherData { version: version.version.to_string(), expected, found });
    }
    Ok(data::load(root, manifest, &digests)?.split.training)
}

/// The sketch of the rows that a version was trained on, where one is kept.
///
/// # Errors
/// The file cannot be read, or is no sketch.
pub fn kept_baseline(store: &Store, version: &ModelVersion) -> Result<Option<Sketch>, StoreError> {
    store.drift().training(&digest(version))
}

/// Makes the sketch of a version's training rows, and keeps it.
pub(crate) async fn make(
    manifest: &Manifest,
    store: &Arc<Store>,
    runtime: &Runtime,
    version: &ModelVersion,
    training: &Table,
) -> Result<Sketch, BaselineError> {
    let inputs = inputs(&spread(training)?, &version.model.inputs)?;
    let failed = |failure| BaselineError::Scorer { version: version.version.to_string(), failure };
    let source = models::open_version(runtime, store, version).map_err(|error| BaselineError::Model(Box::new(error)))?;
    let settings = ScorerSettings { limits: Limits::default().with(&manifest.limits), seed: manifest.run.seed };
    let mut scorer = runtime.scorer(&source, &settings).await.map_err(failed)?;
    let outputs = scorer.predict(&inputs).await.map_err(failed)?;
    let sketch = sprag_data::sketch(&inputs, &outputs)?;
    store.drift().keep_training(&digest(version), &sketch)?;
    Ok(sketch)
}

fn digest(version: &ModelVersion) -> Digest {
    version.model.digest.parse().expect("the store reads back only records that it wrote")
}

/// Rows spread evenly over a table that has too many.
fn spread(table: &Table) -> Result<Table, sprag_data::DataError> {
    let step = table.row_count().div_ceil(MOST_ROWS).max(1);
    if step == 1 {
        return Ok(table.clone());
    }
    let rows = (0..table.row_count()).step_by(usize::try_from(step).unwrap_or(usize::MAX));
    table.rows(&rows.filter_map(|row| u32::try_from(row).ok()).collect::<Vec<_>>())
}

/// The columns that the model needs.
fn inputs(table: &Table, fields: &[ModelField]) -> Result<Table, sprag_data::DataError> {
    let rows = u32::try_from(table.row_count()).unwrap_or(u32::MAX);
    let column = |field: &ModelField| Ok((table.field(&field.name)?.clone(), table.read(&field.name, 0, rows)?));
    let columns = fields.iter().map(column).collect::<Result<Vec<_>, sprag_data::DataError>>()?;
    let (fields, columns) = columns.into_iter().unzip();
    Table::from_columns(fields, columns)
}

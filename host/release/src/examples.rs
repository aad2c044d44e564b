//! The rows that smoke tests send, with the predictions of the very scorer that was evaluated. They lie in the store as CSV, so that a rollback a year later
//! tries what it puts back by the same answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use sprag_core::digest::Digest;
use sprag_core::limits::Limits;
use sprag_data::{DType, Format, Source, Table, write_csv};
use sprag_lifecycle::{Project, open_version, refuse_revoked, split_of, with_causes};
use sprag_runtime::{Runtime, ScorerSettings};
use sprag_schemas::record::{ModelField, ModelVersion};
use sprag_store::Store;

/// How many rows of the hold-out are sent where the project does not say.
const ROWS: u32 = 8;

/// Makes the rows and the predictions, and gives their addresses in the store.
///
/// # Errors
/// The data or the model cannot be read, the columns do not fit, or the scorer failed: in one sentence.
pub(crate) async fn make(
    project: &Project,
    store: &Arc<Store>,
    runtime: &Runtime,
    version: &ModelVersion,
) -> Result<(Digest, Digest), String> {
    refuse_revoked(&project.policies, &version.model.scorer).map_err(|error| with_causes(&error))?;
    let holdout = split_of(&project.root, &project.manifest).map_err(|error| with_causes(&error))?.holdout;
    let wanted = project.manifest.release.smoke_rows.unwrap_or(ROWS);
    let count = u32::try_from(holdout.row_count()).unwrap_or(u32::MAX).min(wanted);
    if count == 0 {
        return Err("expected at least one row in the hold-out for the smoke tests, found none".to_owned());
    }
    let rows = inputs(&holdout, &version.model.inputs, count)?;
    let source = open_version(runtime, store, version).map_err(|error| with_causes(&error))?;
    let settings = ScorerSettings { limits: Limits::default().with(&project.manifest.limits), seed: project.manifest.run.seed };
    let mut scorer = runtime.scorer(&source, &settings).await.map_err(|failure| failure.to_record().message)?;
    let expected = scorer.predict(&rows).await.map_err(|failure| failure.to_record().message)?;
    Ok((keep(store, &rows)?, keep(store, &expected)?))
}

/// The first rows of the columns that the model needs.
fn inputs(table: &Table, fields: &[ModelField], count: u32) -> Result<Table, String> {
    let column = |field: &ModelField| -> Result<_, sprag_data::DataError> {
        Ok((table.field(&field.name)?.clone(), table.read(&field.name, 0, count)?))
    };
    let columns = fields.iter().map(column).collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    let (fields, columns) = columns.into_iter().unzip();
    Table::from_columns(fields, columns).map_err(|error| error.to_string())
}

fn keep(store: &Store, table: &Table) -> Result<Digest, String> {
    let mut bytes = vec![];
    write_csv(table, &mut bytes).map_err(|error| error.to_string())?;
    store.put_bytes(&bytes).map_err(|error| with_causes(&error))
}

/// Reads rows or predictions back.
///
/// # Errors
/// The store has them no longer, or they are damaged: in one sentence.
pub(crate) fn read(store: &Store, digest: &str, fields: &[ModelField]) -> Result<Table, String> {
    let digest: Digest = digest.parse().map_err(|error: sprag_core::digest::ParseDigestError| error.to_string())?;
    // Read whole first, so that damaged bytes are never compared with.
    store.read_blob(&digest).map_err(|error| with_causes(&error))?;
    let mut source = Source::new(store.blob_path(&digest));
    source.format = Some(Format::Csv);
    let types = fields.iter().filter_map(|field| Some((field.name.clone(), field.dtype.parse::<DType>().ok()?)));
    source.columns = types.collect::<BTreeMap<_, _>>();
    sprag_data::load(&source).map_err(|error| with_causes(&error))
}

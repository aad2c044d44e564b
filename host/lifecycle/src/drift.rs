//! How far the rows that a model sees have moved from those that it was trained on.

use std::collections::{BTreeMap, BTreeSet};

use sprag_core::drift::{ColumnSketch, MOVED, Movement, OtherBins, Role, Sketch, Thresholds, compare};
use sprag_data::{DataError, Source, Table};
use sprag_schemas::drift::{DriftColumn, DriftReport, DriftRole, DriftVerdict, ThenNow};
use sprag_schemas::record::ModelVersion;
use sprag_store::{Store, StoreError};

use crate::time::day_before;

/// Why it cannot be said how far rows have moved.
#[derive(Debug, thiserror::Error)]
pub enum DriftError {
    /// A sketch cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file cannot be read, or has not the columns of the model.
    #[error("`{file}`: {source}")]
    File {
        /// The file.
        file: String,
        /// Why.
        source: DataError,
    },
    /// A service counted in other bins than the training rows were counted in.
    #[error("what the service `{service}` saw of {version} on {day} cannot be held against its training rows: {source}")]
    OtherBins {
        /// The service.
        service: String,
        /// The version.
        version: String,
        /// The day.
        day: String,
        /// Which column.
        source: OtherBins,
    },
}

impl DriftError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::File { source, .. } => source.hint(),
            Self::OtherBins { .. } => Some(
                "the sketch of the training rows was made anew since; `--days 1` leaves older days out, and a service that is started again counts in the new bins"
                    .to_owned(),
            ),
        }
    }
}

/// Which part of what services saw is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeenBy {
    /// How many days back, today included.
    pub days: u32,
    /// The service; none for all.
    pub service: Option<String>,
}

/// Holds what services saw of a version against the rows that it was trained on.
///
/// # Errors
/// A sketch cannot be read, or was made in other bins.
pub fn drift_of_services(
    store: &Store,
    version: &ModelVersion,
    training: &Sketch,
    by: &SeenBy,
    threshold: f64,
) -> Result<DriftReport, DriftError> {
    let model = version.model.digest.parse().expect("the store reads back only records that it wrote");
    let from = day_before(by.days.saturating_sub(1));
    let mut seen = training.emptied();
    let mut services = BTreeSet::new();
    for one in store.drift().seen(&model, &from)? {
        if by.service.as_ref().is_some_and(|service| *service != one.service) {
            continue;
        }
        seen.merge(&one.sketch).map_err(|source| DriftError::OtherBins {
            service: one.service.clone(),
            version: one.version.clone(),
            day: one.day.clone(),
            source,
        })?;
        services.insert(one.service);
    }
    let report = report(version, training, &seen, threshold);
    Ok(DriftReport { from: Some(from), services: services.into_iter().collect(), ..report })
}

/// Holds the rows of a file against those that a version was trained on: the model's inputs, and those of its outputs that the file has.
///
/// # Errors
/// The file cannot be read, or lacks a column of the model.
pub fn drift_of_file(
    source: &Source,
    version: &ModelVersion,
    training: &Sketch,
    threshold: f64,
) -> Result<DriftReport, DriftError> {
    let file = source.path.display().to_string();
    let failed = |source| DriftError::File { file: file.clone(), source };
    let table = sprag_data::load(source).map_err(failed)?;
    for column in training.inputs.keys() {
        table.field(column).map_err(failed)?;
    }
    let training = without_missing(training, &table);
    let mut seen = training.emptied();
    sprag_data::count(&mut seen, &table, &table);
    Ok(DriftReport { file: Some(file), ..report(version, &training, &seen, threshold) })
}

/// A sketch without the outputs that a table does not have.
fn without_missing(sketch: &Sketch, table: &Table) -> Sketch {
    let is_there = |(name, _): &(&String, &ColumnSketch)| table.field(name).is_ok();
    let outputs = sketch.outputs.iter().filter(is_there).map(|(name, column)| (name.clone(), column.clone()));
    Sketch::new(sketch.inputs.clone(), outputs.collect::<BTreeMap<_, _>>())
}

fn report(version: &ModelVersion, training: &Sketch, seen: &Sketch, threshold: f64) -> DriftReport {
    let thresholds = Thresholds { moved: MOVED.min(threshold), far: threshold };
    let compared = compare(training, seen, thresholds).expect("both have the bins of the training rows");
    let columns: Vec<_> = compared.into_iter().map(column).collect();
    let rows = |sketch: &Sketch| sketch.inputs.values().chain(sketch.outputs.values()).next().map_or(0, ColumnSketch::rows);
    DriftReport {
        version: version.version.to_string(),
        model: version.model.digest.clone(),
        file: None,
        from: None,
        services: vec![],
        rows: rows(seen),
        training_rows: rows(training),
        threshold,
        drifted: columns.iter().any(|column| column.verdict == DriftVerdict::Drifted),
        columns,
    }
}

fn column(found: sprag_core::drift::ColumnDrift) -> DriftColumn {
    let shares = |(then, now): (f64, f64)| ThenNow { then, now };
    DriftColumn {
        column: found.column,
        role: match found.role {
            Role::Input => DriftRole::Input,
            Role::Output => DriftRole::Output,
        },
        verdict: match found.movement {
            Movement::Unknown => DriftVerdict::TooFewRows,
            Movement::Stable => DriftVerdict::Stable,
            Movement::Moved => DriftVerdict::Moved,
            Movement::MovedFar => DriftVerdict::Drifted,
        },
        psi: found.psi,
        psi_by_chance: found.chance,
        jensen_shannon: found.jensen_shannon,
        nulls: shares(found.nulls),
        other: shares(found.other),
    }
}

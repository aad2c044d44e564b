//! A model in memory: an instance of its scorer, in a store of its own.

use std::collections::HashSet;
use std::sync::Arc;

use sprag_data::{Column as TableColumn, DType, Field as TableField, Table, Values as TableValues};
use sprag_schemas::manifest::Kind;
use tokio::sync::{Mutex, MutexGuard};
use wasmtime::Store;
use wasmtime::component::{Resource, ResourceAny};

use crate::bindings::exports::sprag::stage::score;
use crate::bindings::sprag::data::tables::{Column, Dtype, Field};
use crate::bindings::sprag::stage::types::Failure;
use crate::blobs::ReaderHandle;
use crate::call::StageCall;
use crate::clock::StageClock;
use crate::engine::Runtime;
use crate::failure::StageFailure;
use crate::host::{column_bytes, column_from_wit, column_to_wit};
use crate::linker;
use crate::session::{Session, SessionHandle};
use crate::state::{Shared, StageState};

/// Rows that are handed to a scorer at once: the fastest size that was measured.
const BATCH_ROWS: u32 = 64 << 10;

/// Bytes of numbers that are handed to a scorer at once: a wide table goes in batches of fewer rows.
const BATCH_BYTES: usize = 32 << 20;

/// A model in memory.
pub struct Scorer {
    store: Store<StageState>,
    guest: score::Guest,
    model: ResourceAny,
    inputs: Vec<Field>,
    outputs: Vec<Field>,
}

/// The handle behind the imported `sprag:stage/score.model`.
#[derive(Clone)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct ScorerHandle(Arc<Mutex<Scorer>>);

impl ScorerHandle {
    pub(crate) fn new(scorer: Scorer) -> Self {
        Self(Arc::new(Mutex::new(scorer)))
    }

    pub(crate) async fn lock(&self) -> MutexGuard<'_, Scorer> {
        self.0.lock().await
    }
}

/// Why a model could not be loaded.
pub(crate) enum LoadFailure {
    /// The scorer refused the state.
    Refused(Failure),
    /// The scorer failed.
    Failed(StageFailure),
}

impl LoadFailure {
    pub(crate) fn into_failure(self, clock: &StageClock) -> StageFailure {
        match self {
            Self::Refused(failure) => clock.settle(failure),
            Self::Failed(failure) => failure,
        }
    }
}

impl From<StageFailure> for LoadFailure {
    fn from(failure: StageFailure) -> Self {
        Self::Failed(failure)
    }
}

impl Scorer {
    /// Instantiates the scorer of `call.component` and lets it read a model's state.
    pub(crate) async fn load(
        runtime: &Runtime,
        call: &StageCall,
        shared: Shared,
        state: ReaderHandle,
    ) -> Result<Self, LoadFailure> {
        let engine = |error| StageFailure::from_engine(error, &call.limits);
        let session = SessionHandle(Arc::new(Session::unrecorded(call)));
        let clock = shared.clock.clone();
        let mut store = StageState::store(runtime, call, session, shared);
        let pre = linker::instantiate_pre(runtime, Kind::Train, &call.component)?;
        let indices = score::GuestIndices::new(&pre).map_err(linker::misfit)?;
        let loaded = clock.bound(async {
            let instance = pre.instantiate_async(&mut store).await?;
            let guest = indices.load(&mut store, &instance)?;
            let handle = store.data_mut().push(state)?;
            let reader = Resource::new_borrow(handle.rep());
            let loaded = guest.model().call_load(&mut store, reader).await?;
            store.data_mut().handles.delete(handle)?;
            let model = match loaded {
                Ok(model) => model,
                Err(failure) => return Ok(Err(failure)),
            };
            let inputs = guest.model().call_inputs(&mut store, model).await?;
            let outputs = guest.model().call_outputs(&mut store, model).await?;
            wasmtime::Result::<Result<_, Failure>>::Ok(Ok((guest, model, inputs, outputs)))
        });
        match loaded.await?.map_err(engine)? {
            Ok((guest, model, inputs, outputs)) => {
                check_signature(&inputs, &outputs).map_err(StageFailure::Contract)?;
                Ok(Self { store, guest, model, inputs, outputs })
            }
            Err(failure) => Err(LoadFailure::Refused(failure)),
        }
    }

    pub(crate) fn inputs(&self) -> &[Field] {
        &self.inputs
    }

    pub(crate) fn outputs(&self) -> &[Field] {
        &self.outputs
    }

    /// Scores one batch as it is. The guest's own failure is the inner result.
    pub(crate) async fn predict_batch(
        &mut self,
        rows: u32,
        inputs: &[Column],
    ) -> Result<Result<Vec<Column>, Failure>, StageFailure> {
        let (clock, limits) = (self.store.data().shared.clock.clone(), self.store.data().call.limits.clone());
        let model = self.guest.model();
        let call = model.call_predict(&mut self.store, self.model, rows, inputs);
        clock.bound(call).await?.map_err(|error| StageFailure::from_engine(error, &limits))
    }

    /// Scores every row of a table: the model's outputs, row by row in the same order.
    ///
    /// What comes back counts as the stage's memory.
    pub(crate) async fn predict(&mut self, table: &Table) -> Result<Table, StageFailure> {
        let contract = StageFailure::Contract;
        let width = self.inputs.len().max(self.outputs.len());
        let most_rows = u32::try_from(BATCH_BYTES / 8 / width).unwrap_or(BATCH_ROWS).clamp(1, BATCH_ROWS);
        let mut outputs: Vec<TableColumn> = self.outputs.iter().map(|field| empty_column(field.dtype)).collect();
        let mut offset = 0;
        while offset < table.row_count() {
            let rows = u32::try_from(table.row_count() - offset).unwrap_or(u32::MAX).min(most_rows);
            let batch = self.inputs.iter().map(|field| input(table, field, offset, rows)).collect::<Result<Vec<_>, _>>()?;
            let clock = self.store.data().shared.clock.clone();
            let predicted = self.predict_batch(rows, &batch).await?.map_err(|failure| clock.settle(failure))?;
            if predicted.len() != outputs.len() {
                return Err(contract(format!(
                    "expected {} output columns from `predict`, found {}",
                    outputs.len(),
                    predicted.len()
                )));
            }
            for ((output, column), field) in outputs.iter_mut().zip(predicted).zip(&self.outputs) {
                let column = column_from_wit(column);
                self.store.data().shared.memory.spend(column_bytes(&column)).map_err(StageFailure::Limit)?;
                append(output, column, rows, field).map_err(contract)?;
            }
            offset += u64::from(rows);
        }
        let fields = self.outputs.iter().zip(&outputs);
        let fields = fields.map(|(field, column)| table_field(field, column.validity.is_some())).collect();
        Table::from_columns(fields, outputs).map_err(|error| contract(error.to_string()))
    }
}

/// What holds for every model, whatever it predicts.
fn check_signature(inputs: &[Field], outputs: &[Field]) -> Result<(), String> {
    if outputs.is_empty() {
        return Err("expected a model with at least one output column, found none".to_owned());
    }
    for (which, fields) in [("input", inputs), ("output", outputs)] {
        let mut names = HashSet::new();
        for Field { name, .. } in fields {
            if name.is_empty() {
                return Err(format!("expected a name for every {which} column of the model, found an empty one"));
            }
            if !names.insert(name) {
                return Err(format!("expected different names for the {which} columns of the model, found `{name}` twice"));
            }
        }
    }
    Ok(())
}

/// Rows of a table as the model wants them.
fn input(table: &Table, field: &Field, offset: u64, rows: u32) -> Result<Column, StageFailure> {
    let column = table
        .read(&field.name, offset, rows)
        .map_err(|error| StageFailure::Contract(format!("cannot score this data: {error}")))?;
    convert(column, field)
}

/// A column as the model wants it: an integer or boolean column serves where a float is asked for.
fn convert(column: TableColumn, field: &Field) -> Result<Column, StageFailure> {
    let TableColumn { values, validity } = column;
    let values = match (field.dtype, values) {
        (Dtype::Float, TableValues::Integers(values)) => TableValues::Floats(values.into_iter().map(|v| v as f64).collect()),
        (Dtype::Float, TableValues::Booleans(values)) => TableValues::Floats(values.into_iter().map(f64::from).collect()),
        (_, values) => values,
    };
    let found = match &values {
        TableValues::Floats(_) => "float",
        TableValues::Integers(_) => "integer",
        TableValues::Booleans(_) => "boolean",
        TableValues::Texts { .. } => "text",
    };
    let fits = matches!(
        (field.dtype, &values),
        (Dtype::Float, TableValues::Floats(_))
            | (Dtype::Integer | Dtype::Timestamp, TableValues::Integers(_))
            | (Dtype::Boolean, TableValues::Booleans(_))
            | (Dtype::Text, TableValues::Texts { .. })
    );
    if !fits {
        let message = format!("expected the column `{}` to be {}, found {found}", field.name, dtype_name(field.dtype));
        return Err(StageFailure::Contract(message));
    }
    Ok(column_to_wit(TableColumn { values, validity }))
}

fn empty_column(dtype: Dtype) -> TableColumn {
    let values = match dtype {
        Dtype::Float => TableValues::Floats(vec![]),
        Dtype::Integer | Dtype::Timestamp => TableValues::Integers(vec![]),
        Dtype::Boolean => TableValues::Booleans(vec![]),
        Dtype::Text => TableValues::Texts { bytes: vec![], ends: vec![] },
    };
    TableColumn { values, validity: None }
}

/// Adds a batch of predictions to what was predicted before.
fn append(output: &mut TableColumn, batch: TableColumn, rows: u32, field: &Field) -> Result<(), String> {
    let wrong = |found: &str| {
        format!("expected {rows} rows of {} for the output `{}`, found {found}", dtype_name(field.dtype), field.name)
    };
    if batch.values.len() != rows as usize {
        return Err(wrong(&format!("{} rows", batch.values.len())));
    }
    if batch.validity.is_some() {
        return Err(wrong("nulls"));
    }
    match (&mut output.values, batch.values) {
        (TableValues::Floats(all), TableValues::Floats(values)) => {
            if let Some(row) = values.iter().position(|value| !value.is_finite()) {
                return Err(wrong(&format!("{} in row {}", values[row], all.len() + row)));
            }
            all.extend(values);
        }
        (TableValues::Integers(all), TableValues::Integers(values)) => all.extend(values),
        (TableValues::Booleans(all), TableValues::Booleans(values)) => all.extend(values),
        (TableValues::Texts { bytes, ends }, TableValues::Texts { bytes: more, ends: more_ends }) => {
            let start = u32::try_from(bytes.len()).map_err(|_| wrong("more than 4 GiB of text"))?;
            bytes.extend(more);
            for end in more_ends {
                ends.push(start.checked_add(end).ok_or_else(|| wrong("more than 4 GiB of text"))?);
            }
        }
        _ => return Err(wrong("values of another type")),
    }
    Ok(())
}

pub(crate) fn dtype_name(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::Float => "float",
        Dtype::Integer => "integer",
        Dtype::Boolean => "boolean",
        Dtype::Text => "text",
        Dtype::Timestamp => "timestamp",
    }
}

fn table_field(field: &Field, nullable: bool) -> TableField {
    let dtype = match field.dtype {
        Dtype::Float => DType::Float,
        Dtype::Integer => DType::Integer,
        Dtype::Boolean => DType::Boolean,
        Dtype::Text => DType::Text,
        Dtype::Timestamp => DType::Timestamp,
    };
    TableField { name: field.name.clone(), dtype, nullable }
}

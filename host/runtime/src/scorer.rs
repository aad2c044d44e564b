//! A model in memory: an instance of its scorer, in a store of its own.

use std::collections::HashSet;
use std::sync::Arc;

use sprag_data::{Column as TableColumn, Field as TableField, Table};
use sprag_schemas::manifest::Kind;
use tokio::sync::{Mutex, MutexGuard};
use wasmtime::Store;
use wasmtime::component::{InstancePre, Resource, ResourceAny};

use crate::bindings::exports::sprag::stage::score;
use crate::bindings::sprag::data::tables::{Column, Field};
use crate::bindings::sprag::stage::types::Failure;
use crate::blobs::ReaderHandle;
use crate::call::StageCall;
use crate::clock::StageClock;
use crate::engine::{Loaded, Runtime};
use crate::failure::StageFailure;
use crate::host::{column_bytes, column_from_wit, field_from_wit};
use crate::linker;
use crate::scorer_columns::{append, check_batch, check_values, convert, empty_column, input, table_field};
use crate::session::{Session, SessionHandle};
use crate::state::{Shared, StageState};

/// Rows that are handed to a scorer at once: the fastest size that was measured.
const BATCH_ROWS: u32 = 64 << 10;

/// Bytes of numbers that are handed to a scorer at once: a wide table goes in batches of fewer rows.
const BATCH_BYTES: usize = 32 << 20;

/// A model in memory.
///
/// One that serves no stage has its whole time and memory for each call anew. It can be asked again after the model itself refused, and after
/// nothing else that went wrong: see [`Scorer::is_usable`].
pub struct Scorer {
    store: Store<StageState>,
    guest: score::Guest,
    model: ResourceAny,
    inputs: Vec<Field>,
    outputs: Vec<Field>,
    signature: Signature,
    serves: Serves,
    usable: bool,
}

/// The columns that a model takes and gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Signature {
    /// The columns that it needs, in order.
    pub inputs: Vec<TableField>,
    /// The columns that it gives, in order. The first is the prediction.
    pub outputs: Vec<TableField>,
}

/// Whom a scorer works for, and with it what its calls count against.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Serves {
    /// A stage: all calls share the stage's time, and predictions count as the stage's memory until it ends.
    Stage,
    /// A caller outside of any stage: each call has the whole time, and predictions are the caller's own.
    Caller,
}

/// A scorer's component with its imports linked: an instance of it costs microseconds.
#[derive(Clone)]
pub(crate) struct Linked {
    pre: InstancePre<StageState>,
    indices: Arc<score::GuestIndices>,
}

impl Linked {
    pub(crate) fn new(runtime: &Runtime, component: &Loaded) -> Result<Self, StageFailure> {
        let pre = linker::instantiate_pre(runtime, Kind::Train, component)?;
        let indices = Arc::new(score::GuestIndices::new(&pre).map_err(linker::misfit)?);
        Ok(Self { pre, indices })
    }
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
        let linked = Linked::new(runtime, &call.component)?;
        Self::start(runtime, &linked, call, shared, state, Serves::Stage).await
    }

    /// The same with a component that is linked.
    pub(crate) async fn start(
        runtime: &Runtime,
        linked: &Linked,
        call: &StageCall,
        shared: Shared,
        state: ReaderHandle,
        serves: Serves,
    ) -> Result<Self, LoadFailure> {
        let engine = |error| StageFailure::from_engine(error, &call.limits);
        let session = SessionHandle(Arc::new(Session::unrecorded(call)));
        let clock = shared.clock.clone();
        let mut store = StageState::store(runtime, call, session, shared);
        let loaded = clock.bound(async {
            let instance = linked.pre.instantiate_async(&mut store).await?;
            let guest = linked.indices.load(&mut store, &instance)?;
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
                let fields = |fields: &[Field]| fields.iter().cloned().map(field_from_wit).collect();
                let signature = Signature { inputs: fields(&inputs), outputs: fields(&outputs) };
                Ok(Self { store, guest, model, inputs, outputs, signature, serves, usable: true })
            }
            Err(failure) => Err(LoadFailure::Refused(failure)),
        }
    }

    /// The columns that it needs, in order.
    pub fn inputs(&self) -> &[TableField] {
        &self.signature.inputs
    }

    /// The columns that it gives, in order. The first is the prediction.
    pub fn outputs(&self) -> &[TableField] {
        &self.signature.outputs
    }

    /// The columns that it takes and gives.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Whether it can be asked again. One that trapped, passed a limit, broke the contract or was left in the middle of a call, because the
    /// caller dropped the future, cannot.
    pub fn is_usable(&self) -> bool {
        self.usable
    }

    /// The end of what it wrote to its standard output and error.
    pub fn last_words(&self) -> String {
        self.store.data().shared.output.text()
    }

    /// The columns that it needs, in the contract's types.
    pub(crate) fn wit_inputs(&self) -> &[Field] {
        &self.inputs
    }

    /// The columns that it gives, in the contract's types.
    pub(crate) fn wit_outputs(&self) -> &[Field] {
        &self.outputs
    }

    /// Scores one batch as it is. The guest's own failure is the inner result.
    pub(crate) async fn predict_batch(
        &mut self,
        rows: u32,
        inputs: &[Column],
    ) -> Result<Result<Vec<Column>, Failure>, StageFailure> {
        let state = self.store.data();
        let (clock, limits) = (state.shared.clock.clone(), state.call.limits.clone());
        let model = self.guest.model();
        let call = model.call_predict(&mut self.store, self.model, rows, inputs);
        clock.bound(call).await?.map_err(|error| StageFailure::from_engine(error, &limits))
    }

    /// Scores every row of a table: the model's outputs, row by row in the same order.
    ///
    /// What comes back counts as the memory of the stage that the scorer serves, where it serves one.
    ///
    /// # Errors
    /// The table lacks a column or has it in another type; the model refused, trapped, passed a limit or broke the contract.
    pub async fn predict(&mut self, table: &Table) -> Result<Table, StageFailure> {
        self.enter()?;
        let result = self.predict_table(table).await;
        self.leave(result)
    }

    /// Scores `rows` rows that lie in columns, one for each of [`Scorer::inputs`] and in that order, in one call. An integer or boolean column
    /// serves where a float is asked for. Gives a column for each of [`Scorer::outputs`], without nulls, and floats are finite.
    ///
    /// This is the short way for few rows: no table is made, and so no digest.
    ///
    /// # Errors
    /// Columns are not of that number, length or type; the model refused, trapped, passed a limit or broke the contract.
    pub async fn predict_columns(&mut self, rows: u32, inputs: Vec<TableColumn>) -> Result<Vec<TableColumn>, StageFailure> {
        let batch = prepare(&self.inputs, rows, inputs)?;
        self.predict_prepared(rows, &batch).await
    }

    /// Scores columns that [`prepare`] made.
    pub(crate) async fn predict_prepared(&mut self, rows: u32, batch: &[Column]) -> Result<Vec<TableColumn>, StageFailure> {
        self.enter()?;
        let predicted = self.checked_batch(rows, batch, 0).await;
        let result = predicted.and_then(|columns| {
            for (column, field) in columns.iter().zip(&self.outputs) {
                check_values(column, field).map_err(StageFailure::Contract)?;
            }
            Ok(columns)
        });
        self.leave(result)
    }

    /// Begins a call from outside: until it ends well, the scorer counts as broken.
    fn enter(&mut self) -> Result<(), StageFailure> {
        if !self.usable {
            return Err(StageFailure::Host("expected a scorer that can be asked again, found one that failed before".to_owned()));
        }
        self.usable = false;
        if self.serves == Serves::Caller {
            let state = self.store.data_mut();
            state.shared.clock = StageClock::start(&state.call.limits, &state.call.cancel);
        }
        Ok(())
    }

    fn leave<T>(&mut self, result: Result<T, StageFailure>) -> Result<T, StageFailure> {
        self.usable = matches!(result, Ok(_) | Err(StageFailure::Plugin { .. }));
        result
    }

    /// Scores one batch and holds the answer against the model's outputs; `before` rows were scored before it.
    async fn checked_batch(&mut self, rows: u32, batch: &[Column], before: usize) -> Result<Vec<TableColumn>, StageFailure> {
        let answered = self.predict_batch(rows, batch).await?;
        let predicted = answered.map_err(|failure| self.store.data().shared.clock.settle(failure))?;
        let (expected, found) = (self.outputs.len(), predicted.len());
        if expected != found {
            return Err(StageFailure::Contract(format!("expected {expected} output columns from `predict`, found {found}")));
        }
        let mut columns = Vec::with_capacity(found);
        for (column, field) in predicted.into_iter().zip(&self.outputs) {
            let column = column_from_wit(column);
            check_batch(&column, rows, field, before).map_err(StageFailure::Contract)?;
            columns.push(column);
        }
        Ok(columns)
    }

    async fn predict_table(&mut self, table: &Table) -> Result<Table, StageFailure> {
        let contract = StageFailure::Contract;
        let width = self.inputs.len().max(self.outputs.len());
        let most_rows = u32::try_from(BATCH_BYTES / 8 / width).unwrap_or(BATCH_ROWS).clamp(1, BATCH_ROWS);
        let mut outputs: Vec<TableColumn> = self.outputs.iter().map(|field| empty_column(field.dtype)).collect();
        let memory = self.store.data().shared.memory.clone();
        let (mut offset, mut charged) = (0_u64, 0);
        while offset < table.row_count() {
            // The guest has no say here, and so it is given no time to stop by itself.
            if self.store.data().shared.clock.is_cancelled() {
                return Err(StageFailure::Cancelled);
            }
            let rows = u32::try_from(table.row_count() - offset).unwrap_or(u32::MAX).min(most_rows);
            let batch = self.inputs.iter().map(|field| input(table, field, offset, rows)).collect::<Result<Vec<_>, _>>()?;
            let before = outputs[0].values.len();
            let predicted = self.checked_batch(rows, &batch, before).await?;
            for ((output, column), field) in outputs.iter_mut().zip(predicted).zip(&self.outputs) {
                let bytes = column_bytes(&column);
                memory.spend(bytes).map_err(StageFailure::Limit)?;
                charged += bytes;
                append(output, column, rows, field).map_err(contract)?;
            }
            offset += u64::from(rows);
        }
        if self.serves == Serves::Caller {
            memory.give_back(charged);
        }
        let fields = self.outputs.iter().zip(&outputs);
        let fields = fields.map(|(field, column)| table_field(field, column.validity.is_some())).collect();
        Table::from_columns(fields, outputs).map_err(|error| contract(error.to_string()))
    }
}

/// Columns as a model with these inputs takes them.
pub(crate) fn prepare(fields: &[Field], rows: u32, columns: Vec<TableColumn>) -> Result<Vec<Column>, StageFailure> {
    if columns.len() != fields.len() {
        let message = format!("expected {} input columns, found {}", fields.len(), columns.len());
        return Err(StageFailure::Contract(message));
    }
    let prepared = columns.into_iter().zip(fields).map(|(column, field)| {
        let found = column.values.len();
        if found != rows as usize {
            return Err(StageFailure::Contract(format!("expected {rows} rows in the column `{}`, found {found}", field.name)));
        }
        convert(column, field)
    });
    prepared.collect()
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

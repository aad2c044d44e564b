//! The data of one store: WASI, handles, memory count, deadline.

use std::time::{Duration, Instant};

use sprag_core::limits::Limits;
use sprag_schemas::quantity::{ByteSize, TimeSpan};
use wasmtime::{ResourceLimiter, Store, UpdateDeadline};
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_io::IoView;

use crate::call::{Cancel, StageCall};
use crate::engine::Runtime;
use crate::failure::{LimitHit, StageFailure};
use crate::inert_wasi::{self, Captured};
use crate::registry::RegistrySession;
use crate::session::SessionHandle;
use crate::stages::TrainerUnderTest;

/// How long a stage that was asked to stop may go on.
const GRACE: Duration = Duration::from_secs(2);

/// The data of one store.
pub(crate) struct StageState {
    wasi: WasiCtx,
    pub(crate) handles: ResourceTable,
    pub(crate) session: SessionHandle,
    pub(crate) clock: StageClock,
    pub(crate) runtime: Runtime,
    /// The call that the store was made for: scorers are made from it too.
    pub(crate) call: StageCall,
    /// The trainer behind the imported `train` and `score` of a unit test.
    pub(crate) trainer: Option<TrainerUnderTest>,
    pub(crate) registry: RegistrySession,
    /// The states that a unit test is writing, by the number of their handle.
    pub(crate) states: std::collections::HashMap<u32, crate::blobs::MemorySlot>,
    memory: Memory,
}

/// The time that a stage has.
#[derive(Clone)]
pub(crate) struct StageClock {
    deadline: Instant,
    limit: Duration,
    cancel: Cancel,
    cancelled_at: Option<Instant>,
}

impl StageClock {
    pub(crate) fn start(limits: &Limits, cancel: &Cancel) -> Self {
        let now = Instant::now();
        let deadline = now.checked_add(limits.time).unwrap_or_else(|| now + Duration::from_secs(u64::from(u32::MAX)));
        Self { deadline, limit: limits.time, cancel: cancel.clone(), cancelled_at: None }
    }

    /// The error that ends the stage now, if one does.
    fn check(&mut self) -> Result<(), StageFailure> {
        let now = Instant::now();
        if now >= self.deadline {
            return Err(self.limit_hit());
        }
        if self.cancel.is_requested() && now >= *self.cancelled_at.get_or_insert(now) + GRACE {
            return Err(StageFailure::Cancelled);
        }
        Ok(())
    }

    pub(crate) fn limit_hit(&self) -> StageFailure {
        StageFailure::Limit(LimitHit { key: "time", limit: TimeSpan(self.limit).to_string() })
    }

    /// Whether the stage should stop politely: it was asked to, or a twentieth of its time is left.
    pub(crate) fn should_stop(&self) -> bool {
        self.cancel.is_requested() || self.deadline.saturating_duration_since(Instant::now()) < self.limit / 20
    }

    /// Runs a call into a guest within the time. The engine's ticks end a guest that computes; this ends one that waits in the host.
    pub(crate) async fn bound<T>(&self, call: impl Future<Output = T>) -> Result<T, StageFailure> {
        let slack = Duration::from_millis(200);
        let until = tokio::time::Instant::from_std(self.deadline.checked_add(slack).unwrap_or(self.deadline));
        tokio::time::timeout_at(until, call).await.map_err(|_| self.limit_hit())
    }
}

/// Counts linear memory and tables over all instances of a store.
struct Memory {
    limit: u64,
    used: u64,
}

impl Memory {
    fn grow(&mut self, current: usize, desired: usize, unit: u64) -> wasmtime::Result<bool> {
        let used = self.used + (desired.saturating_sub(current) as u64).saturating_mul(unit);
        if used > self.limit {
            // An error, not a refusal: a refused guest would panic with words of its own, and the limit would go unnamed.
            return Err(LimitHit { key: "memory", limit: ByteSize(self.limit).to_string() }.into());
        }
        self.used = used;
        Ok(true)
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.grow(current, desired, 1)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.grow(current, desired, 16)
    }
}

impl WasiView for StageState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.handles }
    }
}

impl IoView for StageState {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.handles
    }
}

impl StageState {
    /// Makes the store of one attempt.
    pub(crate) fn store(
        runtime: &Runtime,
        call: &StageCall,
        session: SessionHandle,
        clock: StageClock,
        output: &Captured,
    ) -> Store<Self> {
        let wasi = inert_wasi::context(call.seed, call.clock, &call.env, output);
        let mut handles = ResourceTable::new();
        handles.set_max_capacity(call.limits.handles as usize);
        let state = Self {
            wasi,
            handles,
            session,
            clock,
            runtime: runtime.clone(),
            call: call.clone(),
            trainer: None,
            registry: RegistrySession::default(),
            states: std::collections::HashMap::new(),
            memory: Memory { limit: call.limits.memory, used: 0 },
        };
        let mut store = Store::new(runtime.engine(), state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(usize::try_from(call.limits.call).unwrap_or(usize::MAX));
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut context| {
            context.data_mut().clock.check()?;
            Ok(UpdateDeadline::Yield(1))
        });
        store
    }

    /// Puts a value behind a handle.
    pub(crate) fn push<T: Send + 'static>(&mut self, value: T) -> wasmtime::Result<wasmtime::component::Resource<T>> {
        let limit = self.call.limits.handles;
        self.handles.push(value).map_err(|error| match error {
            wasmtime::component::ResourceTableError::Full => LimitHit { key: "handles", limit: limit.to_string() }.into(),
            other => other.into(),
        })
    }
}

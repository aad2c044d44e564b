//! The data of one store: WASI, handles, memory count.

use sprag_schemas::manifest::Clock;
use wasmtime::component::Resource;
use wasmtime::{ResourceLimiter, Store, UpdateDeadline};
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_io::IoView;

use crate::budget::Budget;
use crate::call::StageCall;
use crate::clock::StageClock;
use crate::engine::Runtime;
use crate::failure::LimitHit;
use crate::http::Http;
use crate::inert_wasi::{self, Captured};
use crate::registry::RegistrySession;
use crate::session::SessionHandle;
use crate::stages::TrainerUnderTest;

/// The data of one store.
pub(crate) struct StageState {
    wasi: WasiCtx,
    pub(crate) handles: ResourceTable,
    pub(crate) session: SessionHandle,
    pub(crate) shared: Shared,
    pub(crate) runtime: Runtime,
    /// The call that the store was made for: scorers are made from it too.
    pub(crate) call: StageCall,
    /// The trainer behind the imported `train` and `score` of a unit test.
    pub(crate) trainer: Option<TrainerUnderTest>,
    pub(crate) registry: RegistrySession,
    /// What a `package` stage may read.
    pub(crate) parts: crate::stages::Parts,
    /// The states that a unit test is writing, by the number of their handle.
    pub(crate) states: std::collections::HashMap<u32, crate::blobs::MemorySlot>,
    pub(crate) http: Http,
    memory: Memory,
}

/// What all stores of one attempt share: the stage's own, and those of the scorers and trainers that it calls.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) clock: StageClock,
    /// Linear memory and tables of all instances, and the data that the host holds because a guest made it.
    pub(crate) memory: Budget,
    /// Standard output and error.
    pub(crate) output: Captured,
}

impl Shared {
    pub(crate) fn new(call: &StageCall) -> Self {
        Self {
            clock: StageClock::start(&call.limits, &call.cancel),
            memory: Budget::new("memory", call.limits.memory),
            output: Captured::new(call.limits.stderr),
        }
    }
}

/// Counts linear memory and tables of one store, and returns them when the store goes.
struct Memory {
    budget: Budget,
    used: u64,
}

impl Memory {
    fn grow(&mut self, current: usize, desired: usize, unit: u64) -> wasmtime::Result<bool> {
        let more = (desired.saturating_sub(current) as u64).saturating_mul(unit);
        // An error, not a refusal: a refused guest would panic with words of its own, and the limit would go unnamed.
        self.budget.spend(more)?;
        self.used += more;
        Ok(true)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.budget.give_back(self.used);
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.grow(current, desired, 1)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.grow(current, desired, size_of::<usize>() as u64)
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
    pub(crate) fn store(runtime: &Runtime, call: &StageCall, session: SessionHandle, shared: Shared) -> Store<Self> {
        let clock = if call.outbound.is_some() { Clock::Real } else { call.clock };
        let wasi = inert_wasi::context(call.seed, clock, &call.env, &shared.output);
        let memory = Memory { budget: shared.memory.clone(), used: 0 };
        let mut handles = ResourceTable::new();
        handles.set_max_capacity(call.limits.handles as usize);
        let state = Self {
            wasi,
            handles,
            http: Http::new(session.0.clone(), call.outbound.clone()),
            session,
            shared,
            runtime: runtime.clone(),
            call: call.clone(),
            trainer: None,
            registry: RegistrySession::default(),
            parts: crate::stages::Parts::new(),
            states: std::collections::HashMap::new(),
            memory,
        };
        let mut store = Store::new(runtime.engine(), state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(usize::try_from(call.limits.call).unwrap_or(usize::MAX));
        store.set_max_component_handles(call.limits.handles as usize);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|context| {
            context.data().shared.clock.check()?;
            Ok(UpdateDeadline::Yield(1))
        });
        store
    }

    /// Puts a value behind a handle.
    pub(crate) fn push<T: Send + 'static>(&mut self, value: T) -> wasmtime::Result<Resource<T>> {
        Ok(self.handles.push(value)?)
    }

    /// Counts data that the host holds from now on, because a guest made it, as the stage's memory. It counts until the stage ends: who else
    /// holds the data is not followed.
    pub(crate) fn charge(&self, bytes: u64) -> wasmtime::Result<()> {
        Ok(self.shared.memory.spend(bytes)?)
    }

    /// Refuses to hand over more in one call than the limit allows.
    pub(crate) fn check_call(&self, bytes: u64) -> wasmtime::Result<()> {
        if bytes > self.call.limits.call {
            return Err(LimitHit::call(&self.call.limits).into());
        }
        Ok(())
    }
}

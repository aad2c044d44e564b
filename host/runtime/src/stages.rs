//! Runs a stage of each kind: instantiate, hand over, call, collect.

use std::collections::HashSet;
use std::sync::Arc;

use sprag_core::digest::Digest;
use sprag_data::Table;
use sprag_schemas::manifest::Kind;
use sprag_schemas::record::{Decision, DecisionOutcome, ModelField, TestCase, TestOutcome};
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre, Resource};

use crate::bindings::exports::sprag::stage as exports;
use crate::bindings::sprag::data::tables::Field;
use crate::bindings::sprag::stage::types::{Decision as WitDecision, Failure, Outcome, Verdict as WitVerdict};
use crate::blobs::{ReaderHandle, WriterHandle};
use crate::call::{Finished, StageCall};
use crate::engine::{Loaded, Runtime};
use crate::failure::StageFailure;
use crate::linker;
use crate::model::{ModelHandle, ModelSource, name_failure};
use crate::registry::{RegisterEffects, RegistrySession, RegistryView};
use crate::scorer::{LoadFailure, Scorer};
use crate::scorer_columns::dtype_name;
use crate::session::{MOST_NAME, MOST_TEXT, Session, SessionHandle, check_length};
use crate::state::{Shared, StageState};

mod release;

pub use release::{
    Action, Change, DeployRelease, DeployService, DeployState, DeployTask, Deployed, Endpoint, PackageSubject, Packaged, Part,
    Parts, Phase, ProvisionTask, Ruling, Weight,
};

/// How a sanity check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All is well.
    Pass,
    /// The run must not go on.
    Fail,
    /// The check does not apply.
    Skip,
}

/// What a trainer made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trained {
    /// The digest of the model's state.
    pub state: Digest,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its media type.
    pub media_type: String,
    /// The columns that the model needs.
    pub inputs: Vec<ModelField>,
    /// The columns that it gives.
    pub outputs: Vec<ModelField>,
}

/// Checks parameters, as JSON, against a plugin's schema; the error says what does not fit.
pub type CheckParams = Arc<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// The trainer that a unit test calls.
#[derive(Clone)]
pub struct TrainerUnderTest {
    /// The trainer's component.
    pub component: Loaded,
    /// Checks the parameters that the test makes.
    pub check_params: CheckParams,
}

/// A store with a stage in it that is about to be called.
struct Attempt {
    store: Store<StageState>,
    session: Arc<Session>,
    shared: Shared,
}

impl Attempt {
    fn new(runtime: &Runtime, call: &StageCall) -> Self {
        let session = Arc::new(Session::new(call));
        let shared = Shared::new(call);
        let store = StageState::store(runtime, call, SessionHandle(session.clone()), shared.clone());
        Self { store, session, shared }
    }

    /// Instantiates the component and calls it through `work`, all within the stage's time.
    async fn run<T>(
        mut self,
        runtime: &Runtime,
        call: &StageCall,
        kind: Kind,
        work: impl AsyncFnOnce(&mut Store<StageState>, &InstancePre<StageState>, &Instance, &Arc<Session>) -> Result<T, StageFailure>,
    ) -> Finished<T> {
        let result = async {
            let pre = linker::instantiate_pre(runtime, kind, &call.component)?;
            let store = &mut self.store;
            let session = &self.session;
            let called = self.shared.clock.bound(async {
                let instance = pre.instantiate_async(&mut *store).await;
                let instance = instance.map_err(|error| StageFailure::from_engine(error, &call.limits))?;
                work(store, &pre, &instance, session).await
            });
            let value = called.await??;
            self.session.finish_artifacts()?;
            Ok(value)
        };
        let result = result.await;
        let mut report = self.session.take_report();
        report.stderr = self.shared.output.text();
        Finished { report, result }
    }
}

/// Puts a handle into the store and gives the borrow that a call takes.
fn lend<T: Send + 'static>(store: &mut Store<StageState>, value: T) -> Result<Resource<T>, StageFailure> {
    let pushed = store.data_mut().push(value);
    let handle = pushed.map_err(|error| StageFailure::from_engine(error, &store.data().call.limits))?;
    Ok(Resource::new_borrow(handle.rep()))
}

/// The stage's own failure, or the engine's, as one.
fn settle<T>(store: &Store<StageState>, called: wasmtime::Result<Result<T, Failure>>) -> Result<T, StageFailure> {
    let state = store.data();
    let answered = called.map_err(|error| StageFailure::from_engine(error, &state.call.limits))?;
    answered.map_err(|failure| state.shared.clock.settle(failure))
}

macro_rules! guest {
    ($interface:ident, $store:expr, $pre:expr, $instance:expr) => {
        exports::$interface::GuestIndices::new($pre)
            .and_then(|indices| indices.load(&mut *$store, $instance))
            .map_err(linker::misfit)?
    };
}

use guest;

impl Runtime {
    /// Instantiates a component as a stage of a kind and calls none of its exports: whether it fits and starts.
    pub async fn instantiate(&self, call: &StageCall, kind: Kind) -> Finished<()> {
        Attempt::new(self, call).run(self, call, kind, async |_, _, _, _| Ok(())).await
    }

    /// Runs a sanity check over the data.
    pub async fn sanity_check(&self, call: &StageCall, data: &Table) -> Finished<Verdict> {
        let attempt = Attempt::new(self, call);
        attempt
            .run(self, call, Kind::SanityCheck, async |store, pre, instance, session| {
                let guest = guest!(sanity_check, store, pre, instance);
                let session = lend(store, SessionHandle(session.clone()))?;
                let data = lend(store, data.clone())?;
                let called = guest.call_run(&mut *store, session, data).await;
                Ok(match settle(store, called)? {
                    WitVerdict::Pass => Verdict::Pass,
                    WitVerdict::Fail => Verdict::Fail,
                    WitVerdict::Skip => Verdict::Skip,
                })
            })
            .await
    }

    /// Runs a unit test against a trainer.
    pub async fn unit_test(&self, call: &StageCall, trainer: TrainerUnderTest) -> Finished<Vec<TestCase>> {
        let mut attempt = Attempt::new(self, call);
        attempt.store.data_mut().trainer = Some(trainer);
        attempt
            .run(self, call, Kind::UnitTest, async |store, pre, instance, session| {
                let guest = guest!(unit_test, store, pre, instance);
                let session = lend(store, SessionHandle(session.clone()))?;
                let called = guest.call_run(&mut *store, session).await;
                let cases = settle(store, called)?;
                test_cases(cases)
            })
            .await
    }

    /// Trains a model, and loads it once to learn its signature: a model that its own scorer refuses is a failure of the trainer.
    pub async fn train(&self, call: &StageCall, training: &Table, validation: Option<&Table>) -> Finished<Trained> {
        let attempt = Attempt::new(self, call);
        let shared = attempt.shared.clone();
        attempt
            .run(self, call, Kind::Train, async |store, pre, instance, session| {
                let guest = guest!(train, store, pre, instance);
                let writer = session.create_state()?;
                let session = lend(store, SessionHandle(session.clone()))?;
                let training = lend(store, training.clone())?;
                let validation = validation.map(|table| lend(store, table.clone())).transpose()?;
                let state = lend(store, writer.clone())?;
                let called = guest.call_run(&mut *store, session, training, validation, state).await;
                settle(store, called)?;
                let failed = |error: std::io::Error| StageFailure::Host(format!("failed to write the model: {error}"));
                let (state, bytes, media_type) = writer.finish().map_err(failed)?.expect("only this function ends the writer");
                let opened = call.blobs.open(&state).map_err(|error| crate::failure::host_failure("open", &state, &error))?;
                let reader = ReaderHandle { bytes: opened, media_type: media_type.clone() };
                let scorer =
                    Scorer::load(self, call, shared.clone(), reader).await.map_err(|failure| refused(failure, &shared))?;
                let fields = |fields: &[Field]| fields.iter().map(model_field).collect();
                Ok(Trained {
                    state,
                    bytes,
                    media_type,
                    inputs: fields(scorer.wit_inputs()),
                    outputs: fields(scorer.wit_outputs()),
                })
            })
            .await
    }

    /// Judges a candidate against the model in production on the hold-out.
    pub async fn evaluate(
        &self,
        call: &StageCall,
        candidate: ModelSource,
        production: Option<ModelSource>,
        holdout: &Table,
    ) -> Finished<Decision> {
        let attempt = Attempt::new(self, call);
        attempt
            .run(self, call, Kind::Evaluate, async |store, pre, instance, session| {
                let guest = guest!(evaluate, store, pre, instance);
                let session = lend(store, SessionHandle(session.clone()))?;
                let candidate = lend(store, ModelHandle::new(candidate))?;
                let production = production.map(|model| lend(store, ModelHandle::new(model))).transpose()?;
                let holdout = lend(store, holdout.clone())?;
                let called = guest.call_run(&mut *store, session, candidate, production, holdout).await;
                let decision = settle(store, called)?;
                let outcome = match decision.outcome {
                    Outcome::Promote => DecisionOutcome::Promote,
                    Outcome::Keep => DecisionOutcome::Keep,
                    Outcome::Blocked => DecisionOutcome::Blocked,
                };
                check_length("the reason of a decision", &decision.reason, 0, MOST_TEXT)?;
                Ok(Decision { outcome, reason: decision.reason })
            })
            .await
    }

    /// Registers a candidate that was promoted. What the stage asked for is returned, for the caller to enter in one transaction.
    pub async fn register(
        &self,
        call: &StageCall,
        candidate: ModelSource,
        decision: &Decision,
        view: RegistryView,
    ) -> Finished<RegisterEffects> {
        let mut attempt = Attempt::new(self, call);
        attempt.store.data_mut().registry = RegistrySession::new(view);
        attempt
            .run(self, call, Kind::Register, async |store, pre, instance, session| {
                let guest = guest!(register, store, pre, instance);
                let session = lend(store, SessionHandle(session.clone()))?;
                let candidate = lend(store, ModelHandle::new(candidate))?;
                let decision = WitDecision { outcome: Outcome::Promote, reason: decision.reason.clone() };
                let called = guest.call_run(&mut *store, session, candidate, &decision).await;
                let version = settle(store, called)?;
                let effects = std::mem::take(&mut store.data_mut().registry.effects);
                if effects.version != Some(version) {
                    let found = effects.version.map_or_else(|| "none".to_owned(), |version| version.to_string());
                    let message = format!("expected the version that was registered, {found}, found {version}");
                    return Err(StageFailure::Contract(message));
                }
                Ok(effects)
            })
            .await
    }
}

/// Calls a trainer's `train` in a store of its own, for a unit test.
pub(crate) async fn call_train(
    runtime: &Runtime,
    call: &StageCall,
    session: SessionHandle,
    shared: Shared,
    training: Table,
    validation: Option<Table>,
    state: WriterHandle,
) -> Result<Result<(), Failure>, StageFailure> {
    let engine = |error| StageFailure::from_engine(error, &call.limits);
    let clock = shared.clock.clone();
    let mut store = StageState::store(runtime, call, session.clone(), shared);
    let pre = linker::instantiate_pre(runtime, Kind::Train, &call.component)?;
    let called = clock.bound(async {
        let store = &mut store;
        let instance = pre.instantiate_async(&mut *store).await.map_err(engine)?;
        let guest = guest!(train, store, &pre, &instance);
        let session = lend(store, session)?;
        let training = lend(store, training)?;
        let validation = validation.map(|table| lend(store, table)).transpose()?;
        let state = lend(store, state)?;
        guest.call_run(store, session, training, validation, state).await.map_err(engine)
    });
    called.await?
}

/// The cases of a unit test, whose names tell them apart in a report.
fn test_cases(cases: Vec<exports::unit_test::TestCase>) -> Result<Vec<TestCase>, StageFailure> {
    let mut names = HashSet::new();
    let cases: Vec<_> = cases.into_iter().map(test_case).collect();
    for TestCase { name, message, .. } in &cases {
        check_length("the name of a test case", name, 1, MOST_NAME)?;
        check_length("the message of a test case", message, 0, MOST_TEXT)?;
        if !names.insert(name) {
            return Err(StageFailure::Contract(format!("expected test cases of different names, found `{name}` twice")));
        }
    }
    Ok(cases)
}

fn test_case(case: exports::unit_test::TestCase) -> TestCase {
    use exports::unit_test::CaseOutcome;
    let (outcome, message) = match case.outcome {
        CaseOutcome::Passed => (TestOutcome::Passed, String::new()),
        CaseOutcome::Failed(message) => (TestOutcome::Failed, message),
        CaseOutcome::Skipped(message) => (TestOutcome::Skipped, message),
    };
    TestCase { name: case.name, outcome, message }
}

fn model_field(field: &Field) -> ModelField {
    ModelField { name: field.name.clone(), dtype: dtype_name(field.dtype).to_owned() }
}

/// A model that its own scorer refuses.
fn refused(failure: LoadFailure, shared: &Shared) -> StageFailure {
    match failure.into_failure(&shared.clock) {
        StageFailure::Plugin { kind, message } => StageFailure::Contract(format!(
            "expected a model that its own scorer loads, found that the scorer refuses it ({kind}: {message})"
        )),
        other => name_failure("the model's own scorer", other),
    }
}

//! Runs the cases.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use sprag_core::component::Component;
use sprag_core::contract;
use sprag_core::contract::shape::mismatches;
use sprag_core::digest::Digest;
use sprag_core::limits::Limits;
use sprag_core::portrait::{Portrait, Reach, section_problems};
use sprag_core::{json, params};
use sprag_data::{Source, Table};
use sprag_runtime::blobs::ReaderHandle;
use sprag_runtime::{
    Cancel, DeployRelease, DeployService, DeployTask, Endpoint, LoadError, Loaded, PackageSubject, Part, ProvisionTask,
    RegistryView, Ruling, Runtime, ScorerSettings, Signal, StageCall, Trained, TrainerUnderTest, Verdict,
};
use sprag_schemas::manifest::{self, Clock, Kind};
use sprag_schemas::quantity::TimeSpan;
use sprag_schemas::record::{Decision, DecisionOutcome};

use crate::blobs::Memory;
use crate::case::{Act, Case, CaseError};
use crate::judge::{CaseReport, Status, judge, prediction_problem};
use crate::observed::{Observed, Outcome};
use crate::table::DataSpec;
use crate::trained::Model;

/// The time of a call, where a case says nothing: an interpreter in a component is given the time that it takes.
const TIME: Duration = Duration::from_secs(300);

/// How long a stage that is asked to stop may go on before the host ends it.
const GRACE: Duration = Duration::from_secs(2);

/// The model's name in what release plugins are handed.
const MODEL: &str = "golden";

/// The plugin under test.
#[derive(Debug)]
pub struct Subject {
    /// Its kind.
    pub kind: Kind,
    /// Its binary.
    pub bytes: Cow<'static, [u8]>,
    /// What the binary says.
    pub component: Component,
    /// The parameters of cases that name none.
    pub params: Map<String, Value>,
}

/// The trainer that stands beside a plugin which needs a model: a gate, a test of a trainer, a packager.
#[derive(Debug)]
pub struct Trainer {
    /// Its binary.
    pub bytes: Cow<'static, [u8]>,
    /// The schema of its parameters.
    pub schema: Value,
}

/// The kit, with a plugin that is ready to be tested.
pub struct Kit {
    runtime: Runtime,
    executor: tokio::runtime::Runtime,
    subject: Subject,
    plugin: Loaded,
    trainer: Trainer,
    asks: Vec<String>,
}

/// A call with what is needed to look at it afterwards.
struct Called {
    observed: Observed,
    model: Option<Trained>,
    blobs: Memory,
}

impl Kit {
    /// Compiles the plugin.
    ///
    /// # Errors
    /// It does not compile, or there is no executor.
    pub fn new(runtime: Runtime, subject: Subject, trainer: Trainer) -> Result<Self, LoadError> {
        let executor = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let executor = executor.map_err(|error| LoadError::Engine(error.to_string()))?;
        let plugin = runtime.load(subject.component.digest, &subject.bytes)?;
        let rights = Portrait::of(&subject.component).imports;
        let asks = rights.into_iter().filter(|right| right.reach == Reach::Granted).map(|right| right.import).collect();
        Ok(Self { runtime, executor, subject, plugin, trainer, asks })
    }

    /// Runs one case.
    ///
    /// # Errors
    /// A file of the case cannot be read.
    pub fn run(&self, case: &Case) -> Result<CaseReport, CaseError> {
        let started = Instant::now();
        let status = self.executor.block_on(self.status(case))?;
        let duration_ms = started.elapsed().as_secs_f64() * 1000.0;
        Ok(CaseReport { case: case.name.clone(), must: case.must.clone(), status, duration_ms })
    }

    async fn status(&self, case: &Case) -> Result<Status, CaseError> {
        if case.act == Act::Fit {
            return Ok(self.fit());
        }
        if let Some(message) = self.params_problem(case) {
            return Ok(Status::Failed(message));
        }
        let table = case.data.table(case)?;
        match case.act {
            Act::Fit => Ok(self.fit()),
            Act::Run => self.once(case, &table).await,
            Act::Denied if self.asks.is_empty() => Ok(Status::Skipped("it asks for nothing that a project grants".to_owned())),
            Act::Denied => Ok(judge(&case.expect, &self.call(case, &table, &Cancel::default()).await?.observed)),
            Act::Twice => self.twice(case, &table).await,
            Act::Cancel => self.cancelled(case, &table).await,
            Act::Pieces | Act::DamagedState => self.of_model(case, &table).await,
        }
    }

    /// Whether the binary keeps the contract of its kind.
    fn fit(&self) -> Status {
        let mut problems: Vec<_> = contract::check(&self.subject.component, self.subject.kind)
            .err()
            .unwrap_or_default()
            .iter()
            .map(ToString::to_string)
            .collect();
        match mismatches(&self.subject.bytes, self.subject.kind) {
            Ok(found) => problems.extend(found.iter().map(ToString::to_string)),
            Err(error) => problems.push(error.to_string()),
        }
        problems.extend(self.subject.component.plugin.as_ref().map(section_problems).unwrap_or_default());
        if problems.is_empty() { Status::Passed } else { Status::Failed(problems.join("\n")) }
    }

    /// What of a case's parameters the plugin's own schema refuses, which a host would not hand over. A case that is about just that is no mistake.
    fn params_problem(&self, case: &Case) -> Option<String> {
        let schema = &self.subject.component.plugin.as_ref()?.params_schema;
        if case.expect.outcomes.contains(&Outcome::BadParams) {
            return None;
        }
        let wrong = params::check(schema, &self.params(case)).err()?;
        let list: Vec<_> = wrong.iter().map(|error| format!("`{}`: {}", error.path.join("."), error.message)).collect();
        Some(format!("its parameters do not fit its schema, give it others with `--params`: {}", list.join("; ")))
    }

    fn params(&self, case: &Case) -> Map<String, Value> {
        case.params.clone().unwrap_or_else(|| self.subject.params.clone())
    }

    async fn once(&self, case: &Case, table: &Table) -> Result<Status, CaseError> {
        let called = self.call(case, table, &Cancel::default()).await?;
        if let Some(status) = self.needs_a_grant(&called.observed, case) {
            return Ok(status);
        }
        let status = judge(&case.expect, &called.observed);
        let Some(model) = self.model(&called).filter(|_| status == Status::Passed) else { return Ok(status) };
        if let Some(problem) = model.problem(table).await {
            return Ok(Status::Failed(problem));
        }
        let Some(predictions) = &case.expect.predictions else { return Ok(status) };
        let wrong = |message: String| CaseError::Data { case: case.name.clone(), message };
        let source = Source::new(case.folder.join(&predictions.file));
        let expected = sprag_data::load(&source).map_err(|error| wrong(error.to_string()))?;
        let found = model.predict(table).await.map_err(|failure| wrong(failure.to_string()))?;
        Ok(prediction_problem(&expected, &found, predictions.within).map_or(Status::Passed, Status::Failed))
    }

    /// What fails for want of a grant says nothing of the case.
    fn needs_a_grant(&self, observed: &Observed, case: &Case) -> Option<Status> {
        let allowed = &case.expect.outcomes;
        let is_for_that = !self.asks.is_empty() && observed.outcome.is_said() && !allowed.contains(&observed.outcome);
        is_for_that.then(|| Status::Skipped(format!("it asks for {}, which the kit does not grant", self.asks.join(", "))))
    }

    async fn twice(&self, case: &Case, table: &Table) -> Result<Status, CaseError> {
        let first = self.call(case, table, &Cancel::default()).await?;
        let second = self.call(case, table, &Cancel::default()).await?;
        if let Some(status) = self.needs_a_grant(&first.observed, case) {
            return Ok(status);
        }
        let status = judge(&case.expect, &first.observed);
        let (before, after) = (first.observed.print(), second.observed.print());
        if status != Status::Passed || before == after {
            return Ok(status);
        }
        let at = before.bytes().zip(after.bytes()).position(|(a, b)| a != b).unwrap_or(0);
        let part = |text: &str| {
            text.chars()
                .skip(text[..text.floor_char_boundary(at)].chars().count().saturating_sub(40))
                .take(120)
                .collect::<String>()
        };
        Ok(Status::Failed(format!("found something else the second time:\n{}\n{}", part(&before), part(&after))))
    }

    async fn cancelled(&self, case: &Case, table: &Table) -> Result<Status, CaseError> {
        let cancel = Cancel::default();
        let asked = async {
            // Long enough for the call to have begun; a stage that is done by then was not slow.
            tokio::time::sleep(Duration::from_millis(20)).await;
            cancel.request();
            Instant::now()
        };
        let call = async {
            let called = self.call(case, table, &cancel).await;
            (called, Instant::now())
        };
        let ((called, ended), asked) = tokio::join!(call, asked);
        let observed = called?.observed;
        if let Some(status) = self.needs_a_grant(&observed, case) {
            return Ok(status);
        }
        Ok(match observed.outcome {
            Outcome::Ok => Status::Skipped("it was done before it could be stopped".to_owned()),
            Outcome::Cancelled if ended.saturating_duration_since(asked) < GRACE => Status::Passed,
            Outcome::Cancelled => Status::Failed(format!(
                "it went on for {} s after it was asked to stop, until the host ended it; ask `should-stop` now and then",
                GRACE.as_secs()
            )),
            _ => judge(&case.expect, &observed),
        })
    }

    async fn of_model(&self, case: &Case, table: &Table) -> Result<Status, CaseError> {
        let called = self.call(case, table, &Cancel::default()).await?;
        if let Some(status) = self.needs_a_grant(&called.observed, case) {
            return Ok(status);
        }
        let Some(model) = self.model(&called) else { return Ok(judge(&case.expect, &called.observed)) };
        let problem = match case.act {
            Act::Pieces => model.in_pieces(table).await,
            _ => model.damaged(table).await,
        };
        Ok(problem.map_or(Status::Passed, Status::Failed))
    }

    /// The model that a trainer under test made.
    fn model(&self, called: &Called) -> Option<Model<'_>> {
        let trained = called.model.as_ref()?;
        // The case's limits are those of the training.
        Some(self.model_of(&self.plugin, trained, &called.blobs, limits(&manifest::Limits::default())))
    }

    fn model_of(&self, scorer: &Loaded, trained: &Trained, blobs: &Memory, limits: Limits) -> Model<'_> {
        Model {
            runtime: &self.runtime,
            scorer: scorer.clone(),
            state: blobs.bytes(&trained.state).unwrap_or_default(),
            media_type: trained.media_type.clone(),
            settings: ScorerSettings { limits, seed: 0 },
        }
    }

    fn stage_call(&self, case: &Case, cancel: &Cancel, blobs: &Memory) -> Result<StageCall, CaseError> {
        let mut inputs = BTreeMap::new();
        for (name, file) in &case.inputs {
            let bytes = Arc::new(case.file(file)?);
            inputs.insert(name.clone(), ReaderHandle { bytes, media_type: "application/octet-stream".to_owned() });
        }
        let params_json = json::canonical(&Value::Object(self.params(case)));
        let call = call_of(self.plugin.clone(), params_json, blobs, cancel);
        Ok(StageCall { inputs, limits: limits(&case.limits), ..call })
    }

    async fn call(&self, case: &Case, table: &Table, cancel: &Cancel) -> Result<Called, CaseError> {
        let blobs = Memory::default();
        let call = self.stage_call(case, cancel, &blobs)?;
        let runtime = &self.runtime;
        let no_word = |_: &_| None;
        let mut model = None;
        let observed = match self.subject.kind {
            Kind::SanityCheck => {
                Observed::new(runtime.sanity_check(&call, table).await, |verdict| Some(word(*verdict).to_owned())).0
            }
            Kind::Train => {
                let (observed, trained) = Observed::new(runtime.train(&call, table, None).await, |_| None);
                model = trained;
                observed
            }
            Kind::UnitTest => Observed::new(runtime.unit_test(&call, self.under_test(case)?).await, |_| None).0,
            Kind::Evaluate => {
                let (candidate, production) = (self.sample(case, table, 2).await?, self.sample(case, table, 3).await?);
                let decided = runtime.evaluate(&call, candidate.source(), Some(production.source()), table).await;
                Observed::new(decided, |decision: &Decision| Some(decided_word(decision.outcome).to_owned())).0
            }
            Kind::Register => {
                let candidate = self.sample(case, table, 2).await?;
                let decision = Decision { outcome: DecisionOutcome::Promote, reason: "it is better".to_owned() };
                Observed::new(runtime.register(&call, candidate.source(), &decision, RegistryView::default()).await, |_| None).0
            }
            Kind::Package => {
                let model = self.sample(case, table, 2).await?;
                let source = model.source();
                let file =
                    |bytes: Vec<u8>, media_type: &str| ReaderHandle { bytes: Arc::new(bytes), media_type: media_type.to_owned() };
                let parts = BTreeMap::from([
                    (Part::Scorer, file(self.trainer.bytes.to_vec(), "application/wasm")),
                    (Part::State, source.state.clone()),
                    (Part::Card, file(b"{}".to_vec(), "application/json")),
                ]);
                let subject = PackageSubject {
                    name: MODEL.to_owned(),
                    version: 1,
                    digest: source.digest.to_string(),
                    created_at: "2026-01-01T00:00:00Z".to_owned(),
                    labels: BTreeMap::new(),
                };
                Observed::new(runtime.package(&call, &subject, parts).await, |_| None).0
            }
            Kind::Provision => Observed::new(runtime.provision(&call, ProvisionTask::Plan).await, |_| None).0,
            Kind::Deploy => {
                let digest = Digest::of(MODEL.as_bytes()).to_string();
                let service = DeployService { environment: "staging".to_owned(), model: MODEL.to_owned(), key: None };
                let release = DeployRelease { version: 1, model_digest: digest.clone(), package: digest, image: None };
                Observed::new(runtime.deploy(&call, &service, &DeployTask::Plan(release)).await, |_| None).0
            }
            Kind::SmokeTest => {
                let endpoint = Endpoint {
                    url: "http://127.0.0.1:9".to_owned(),
                    key: None,
                    model: MODEL.to_owned(),
                    model_digest: Digest::of(MODEL.as_bytes()).to_string(),
                };
                Observed::new(runtime.smoke_test(&call, &endpoint, table, table).await, |verdict| Some(word(*verdict).to_owned()))
                    .0
            }
            Kind::Notify => Observed::new(runtime.notify(&call, &event(case)?).await, no_word).0,
            Kind::Approve => {
                Observed::new(runtime.approve(&call, &event(case)?).await, |ruling| Some(ruled(ruling).to_owned())).0
            }
        };
        Ok(Called { observed, model, blobs })
    }

    /// A model of the trainer beside, of every row but each `leave`th, so that two models differ.
    async fn sample(&self, case: &Case, table: &Table, leave: u32) -> Result<Model<'_>, CaseError> {
        let wrong = |message: String| CaseError::Data { case: case.name.clone(), message };
        // What is wrong with the rows is for the plugin to meet, not for the trainer beside it.
        let is_sound = case.data.with.is_none() && table.target().is_some() && table.row_count() > 3;
        let sound = DataSpec { columns: case.data.columns, ..DataSpec::default() };
        let golden = if is_sound { table.clone() } else { sound.table(case)? };
        let rows: Vec<u32> = (0..u32::try_from(golden.row_count()).unwrap_or(u32::MAX)).filter(|row| row % leave != 1).collect();
        let rows = golden.rows(&rows).map_err(|error| wrong(error.to_string()))?;
        let scorer = self.load_trainer(case)?;
        let blobs = Memory::default();
        let call = call_of(scorer.clone(), "{}".to_owned(), &blobs, &Cancel::default());
        let trained = self.runtime.train(&call, &rows, None).await.result;
        let trained = trained.map_err(|failure| {
            wrong(format!("the trainer beside the plugin made no model (`--trainer` names another): {failure}"))
        })?;
        Ok(self.model_of(&scorer, &trained, &blobs, call.limits))
    }

    fn load_trainer(&self, case: &Case) -> Result<Loaded, CaseError> {
        let loaded = self.runtime.load(Digest::of(&self.trainer.bytes), &self.trainer.bytes);
        loaded.map_err(|error| CaseError::Data { case: case.name.clone(), message: error.to_string() })
    }

    fn under_test(&self, case: &Case) -> Result<TrainerUnderTest, CaseError> {
        let schema = self.trainer.schema.clone();
        let check_params = Arc::new(move |text: &str| {
            let given: Map<String, Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
            params::check(&schema, &given)
                .map_err(|errors| errors.iter().map(|error| error.message.clone()).collect::<Vec<_>>().join("; "))
        });
        Ok(TrainerUnderTest { component: self.load_trainer(case)?, check_params })
    }
}

impl std::fmt::Debug for Kit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kit").field("subject", &self.subject).finish_non_exhaustive()
    }
}

fn call_of(component: Loaded, params_json: String, blobs: &Memory, cancel: &Cancel) -> StageCall {
    StageCall {
        component,
        params_json,
        seed: 0,
        inputs: BTreeMap::new(),
        env: vec![],
        clock: Clock::Frozen,
        limits: Limits::default(),
        blobs: Arc::new(blobs.clone()),
        observer: Arc::new(|_: Signal| {}),
        cancel: cancel.clone(),
        outbound: None,
        folders: None,
        services: None,
        processes: None,
    }
}

fn limits(over: &manifest::Limits) -> Limits {
    let usual = manifest::Limits { time: Some(TimeSpan(TIME)), ..manifest::Limits::default() };
    Limits::default().with(&usual).with(over)
}

fn event(case: &Case) -> Result<String, CaseError> {
    let bytes = case.event.as_deref().map_or_else(|| Ok(b"{}".to_vec()), |file: &Path| case.file(file))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::Skip => "skip",
    }
}

const fn decided_word(outcome: DecisionOutcome) -> &'static str {
    match outcome {
        DecisionOutcome::Promote => "promote",
        DecisionOutcome::Keep => "keep",
        DecisionOutcome::Blocked => "blocked",
    }
}

const fn ruled(ruling: &Ruling) -> &'static str {
    match ruling {
        Ruling::Approve(_) => "approve",
        Ruling::Wait(_) => "wait",
        Ruling::Reject(_) => "reject",
    }
}

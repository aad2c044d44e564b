//! One stage's work: made ready, called, and read as passed, blocked or failed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sprag_core::params;
use sprag_core::plan::PlannedStage;
use sprag_python::PrepareError;
use sprag_runtime::process::Processes;
use sprag_runtime::{
    Finished, ModelSource, RegisterEffects, Runtime, StageCall, StageFailure, Trained, TrainerUnderTest, Verdict,
};
use sprag_schemas::event::Event;
use sprag_schemas::manifest::Kind;
use sprag_schemas::record::{
    Decision, DecisionOutcome, Finding, LogLevel, LogLine, ModelRecord, Severity, StageError, StageReport, StageStatus, TestCase,
    TestOutcome,
};

use crate::RunError;
use crate::call::stage_call;
use crate::error::with_causes;
use crate::models;
use crate::policies::refuse_revoked;
use crate::run::Run;

/// What came of a stage.
pub(crate) struct Executed {
    pub(crate) status: StageStatus,
    pub(crate) reason: String,
    pub(crate) report: StageReport,
    pub(crate) error: Option<StageError>,
    /// What a `register` stage wants entered.
    pub(crate) effects: Option<RegisterEffects>,
}

/// The pauses before a stage that asked for it is tried again.
pub(crate) const RETRY_AFTER: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(500)];

impl Run<'_> {
    /// Runs a stage, again where the plugin says that this may help.
    pub(crate) async fn execute(&mut self, stage: &PlannedStage) -> Result<Executed, RunError> {
        for pause in RETRY_AFTER {
            let executed = self.attempt(stage).await?;
            if !asks_again(&executed) || self.cancel.is_requested() {
                return Ok(executed);
            }
            tokio::time::sleep(pause).await;
        }
        self.attempt(stage).await
    }

    async fn attempt(&mut self, stage: &PlannedStage) -> Result<Executed, RunError> {
        let runtime = self.runtime()?.clone();
        let mut call = self.call(&runtime, stage)?;
        match self.environments(stage).await {
            Ok(prepared) => call.processes = prepared,
            Err(failure) => return Ok(failed(StageReport::default(), &failure)),
        }
        Ok(match stage.kind {
            Kind::SanityCheck => {
                let data = self.tables()?.whole.clone();
                checked(runtime.sanity_check(&call, &data).await)
            }
            Kind::UnitTest => {
                let trainer = self.trainer_under_test(&runtime)?;
                tested(runtime.unit_test(&call, trainer).await)
            }
            Kind::Train => {
                let split = self.tables()?.split.clone();
                let finished = runtime.train(&call, &split.training, split.validation.as_ref()).await;
                trained(finished, stage)
            }
            Kind::Evaluate => {
                let holdout = self.tables()?.split.holdout.clone();
                let candidate = self.open_candidate(&runtime)?;
                let production = self.open_production(&runtime)?;
                evaluated(runtime.evaluate(&call, candidate, production, &holdout).await)
            }
            Kind::Register => {
                let candidate = self.open_candidate(&runtime)?;
                let name = self.project.manifest.model_name();
                let view = self.registry_view(name)?;
                let decision = self.decision.clone().expect("a plan has no `register` without an `evaluate` before it");
                registered(runtime.register(&call, candidate, &decision, view).await, name)
            }
            Kind::Package | Kind::Provision | Kind::Deploy | Kind::SmokeTest | Kind::Notify | Kind::Approve => {
                unreachable!("a run has none of the stages of a release")
            }
        })
    }

    /// The environments that a stage may run scripts in, made ready before its time begins.
    async fn environments(&self, stage: &PlannedStage) -> Result<Option<Arc<dyn Processes>>, StageFailure> {
        if stage.environments.is_empty() {
            return Ok(None);
        }
        let Some(machine) = self.options.machine.clone() else {
            return Err(StageFailure::Host("expected a program that runs scripts, found one that does not".to_owned()));
        };
        let (root, granted) = (self.project.root.clone(), stage.environments.clone());
        let network = stage.grants.process_network;
        let (observer, name, cancel) = (self.observer.clone(), stage.name.clone(), self.cancel.clone());
        let tell = move |text: &str| {
            let line = LogLine { level: LogLevel::Info, message: text.to_owned(), fields: BTreeMap::new() };
            observer(Event::Log { stage: name.clone(), line });
        };
        let prepared = tokio::task::spawn_blocking(move || {
            sprag_python::prepare(&root, &granted, network, &machine, &tell, &|| cancel.is_requested())
        });
        match prepared.await {
            Ok(Ok(prepared)) => Ok(Some(Arc::new(prepared))),
            Ok(Err(PrepareError::Cancelled)) => Err(StageFailure::Cancelled),
            Ok(Err(error)) => {
                let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
                Err(StageFailure::Host(format!("{}{hint}", with_causes(&error))))
            }
            Err(error) => Err(StageFailure::Host(format!("failed to make an environment: {error}"))),
        }
    }

    fn call(&mut self, runtime: &Runtime, stage: &PlannedStage) -> Result<StageCall, RunError> {
        stage_call(self.project, &self.store, runtime, stage, &self.observer, &self.cancel)
    }

    fn trainer_under_test(&self, runtime: &Runtime) -> Result<TrainerUnderTest, RunError> {
        let (stage, component) = self.project.trainer().expect("a plan has no `unit-test` without a `train`");
        let schema = stage.info.params_schema.clone();
        let check_params = move |text: &str| {
            let params = match serde_json::from_str(text) {
                Ok(Value::Object(params)) => params,
                Ok(other) => return Err(format!("expected parameters as a JSON object, found `{other}`")),
                Err(error) => return Err(format!("expected parameters as JSON: {error}")),
            };
            let describe = |error: params::ParamError| format!("`{}`: {}", error.path.join("."), error.message);
            params::check(&schema, &params).map_err(|errors| errors.into_iter().map(describe).collect::<Vec<_>>().join("; "))
        };
        Ok(TrainerUnderTest {
            component: runtime.load(component.digest, &component.bytes)?,
            check_params: Arc::new(check_params),
        })
    }

    fn open_candidate(&self, runtime: &Runtime) -> Result<ModelSource, RunError> {
        let candidate = self.record.candidate.as_ref().expect("a plan has no stage after `train` without one before it");
        models::open(runtime, &self.store, candidate, None, self.project.trainer().map(|(_, component)| component))
    }

    fn open_production(&self, runtime: &Runtime) -> Result<Option<ModelSource>, RunError> {
        let trainer = self.project.trainer().map(|(_, component)| component);
        let open = |version| {
            refuse_revoked(&self.project.policies, &model_of(version).scorer)?;
            models::open(runtime, &self.store, model_of(version), Some(version), trainer)
        };
        self.production.as_ref().map(open).transpose()
    }
}

fn model_of(version: &sprag_schemas::record::ModelVersion) -> &ModelRecord {
    &version.model
}

fn checked(finished: Finished<Verdict>) -> Executed {
    let Finished { report, result } = finished;
    let verdict = match result {
        Ok(verdict) => verdict,
        Err(failure) => return failed(report, &failure),
    };
    let count = |severity| report.findings.iter().filter(|finding| finding.severity == severity).count();
    let (status, reason) = match verdict {
        Verdict::Pass => {
            let warnings = count(Severity::Warning);
            (StageStatus::Passed, if warnings == 0 { "nothing to object to".to_owned() } else { plural(warnings, "warning") })
        }
        Verdict::Skip => (StageStatus::Skipped, "the check does not apply here".to_owned()),
        Verdict::Fail => {
            let errors = count(Severity::Error);
            (StageStatus::Blocked, format!("{}: {}", plural(errors, "finding"), first_finding(&report.findings)))
        }
    };
    Executed { status, reason, report, error: None, effects: None }
}

fn tested(finished: Finished<Vec<TestCase>>) -> Executed {
    let Finished { mut report, result } = finished;
    let cases = match result {
        Ok(cases) => cases,
        Err(failure) => return failed(report, &failure),
    };
    let failures: Vec<_> = cases.iter().filter(|case| case.outcome == TestOutcome::Failed).collect();
    let (status, reason) = match failures.as_slice() {
        [] if cases.is_empty() => (StageStatus::Blocked, "expected at least one test case, found none".to_owned()),
        [] => (StageStatus::Passed, format!("{} passed", plural(cases.len(), "test case"))),
        [first, ..] => {
            let reason =
                format!("{} of {} failed: {}: {}", failures.len(), plural(cases.len(), "test case"), first.name, first.message);
            (StageStatus::Blocked, reason)
        }
    };
    report.test_cases = cases;
    Executed { status, reason, report, error: None, effects: None }
}

fn trained(finished: Finished<Trained>, stage: &PlannedStage) -> Executed {
    let Finished { mut report, result } = finished;
    match result {
        Ok(trained) => {
            let model = models::record(trained, stage.component.digest);
            let reason = format!("a model of {} bytes ({})", model.state_bytes, model.media_type);
            report.model = Some(model);
            Executed { status: StageStatus::Passed, reason, report, error: None, effects: None }
        }
        Err(failure) => failed(report, &failure),
    }
}

fn evaluated(finished: Finished<Decision>) -> Executed {
    let Finished { mut report, result } = finished;
    match result {
        Ok(decision) => {
            let status = if decision.outcome == DecisionOutcome::Blocked { StageStatus::Blocked } else { StageStatus::Passed };
            let reason = decision.reason.clone();
            report.decision = Some(decision);
            Executed { status, reason, report, error: None, effects: None }
        }
        Err(failure) => failed(report, &failure),
    }
}

fn registered(finished: Finished<RegisterEffects>, name: &str) -> Executed {
    let Finished { report, result } = finished;
    match result {
        Ok(effects) => {
            let aliases: Vec<_> = effects.aliases.iter().map(|(alias, ..)| format!("`{alias}`")).collect();
            let version = effects.version.unwrap_or_default();
            let reason = if aliases.is_empty() {
                format!("{name}@{version}")
            } else {
                format!("{name}@{version} is {}", aliases.join(", "))
            };
            Executed { status: StageStatus::Passed, reason, report, error: None, effects: Some(effects) }
        }
        Err(failure) => failed(report, &failure),
    }
}

/// Whether the plugin says that the same may work later.
pub(crate) fn asks_again(executed: &Executed) -> bool {
    executed.error.as_ref().is_some_and(|error| error.message.starts_with("try again"))
}

pub(crate) fn failed(report: StageReport, failure: &StageFailure) -> Executed {
    let status = if *failure == StageFailure::Cancelled { StageStatus::Cancelled } else { StageStatus::Failed };
    let error = failure.to_record();
    Executed { status, reason: error.message.clone(), report, error: Some(error), effects: None }
}

fn first_finding(findings: &[Finding]) -> String {
    let worst = findings.iter().find(|finding| finding.severity == Severity::Error).or_else(|| findings.first());
    worst.map_or_else(|| "it gave no finding that says why".to_owned(), |finding| finding.message.clone())
}

fn plural(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

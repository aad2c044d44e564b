//! What a stage tells its run: collected, counted against the limits, and passed on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sprag_core::limits::Limits;
use sprag_schemas::quantity::ByteSize;
use sprag_schemas::record::{Artifact, Finding, LogLine, Metric, StageReport};

use crate::blobs::{Blobs, Budget, ReaderHandle, WriterHandle};
use crate::call::{Cancel, Observer, Signal, StageCall};
use crate::failure::{LimitHit, StageFailure};

/// The handle behind `sprag:run/context.session`.
#[derive(Clone)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct SessionHandle(pub(crate) Arc<Session>);

/// One attempt at one stage, as the stage sees it.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Session {
    pub(crate) seed: u64,
    pub(crate) params_json: String,
    pub(crate) inputs: BTreeMap<String, ReaderHandle>,
    pub(crate) cancel: Cancel,
    limits: Limits,
    blobs: Arc<dyn Blobs>,
    observer: Observer,
    /// Whether metrics and findings are kept: not for a session that a unit test made.
    records: bool,
    artifact_budget: Budget,
    collected: Arc<Mutex<Collected>>,
}

#[derive(Default)]
struct Collected {
    report: StageReport,
    log_bytes: u64,
    artifacts: BTreeMap<String, WriterHandle>,
}

impl Session {
    pub(crate) fn new(call: &StageCall) -> Self {
        Self {
            seed: call.seed,
            params_json: call.params_json.clone(),
            inputs: call.inputs.clone(),
            cancel: call.cancel.clone(),
            limits: call.limits.clone(),
            blobs: call.blobs.clone(),
            observer: call.observer.clone(),
            records: true,
            artifact_budget: Budget::new("artifacts", call.limits.artifacts),
            collected: Arc::default(),
        }
    }

    /// A session with other parameters, whose log lines join this one's and whose metrics and findings go nowhere.
    pub(crate) fn for_test(&self, params_json: String) -> Self {
        Self {
            seed: self.seed,
            params_json,
            inputs: BTreeMap::new(),
            cancel: self.cancel.clone(),
            limits: self.limits.clone(),
            blobs: self.blobs.clone(),
            observer: self.observer.clone(),
            records: false,
            artifact_budget: self.artifact_budget.clone(),
            collected: self.collected.clone(),
        }
    }

    pub(crate) fn log(&self, line: LogLine) -> Result<(), LimitHit> {
        let fields: usize = line.fields.iter().map(|(name, value)| name.len() + value.len()).sum();
        let mut collected = self.lock();
        collected.log_bytes += (line.message.len() + fields) as u64 + 1;
        if collected.log_bytes > self.limits.logs {
            return Err(LimitHit { key: "logs", limit: ByteSize(self.limits.logs).to_string() });
        }
        collected.report.logs.push(line.clone());
        drop(collected);
        (self.observer)(Signal::Log(line));
        Ok(())
    }

    pub(crate) fn measure(&self, batch: Vec<Metric>) -> Result<(), StageFailure> {
        if let Some(metric) = batch.iter().find(|metric| !metric.value.is_finite()) {
            let split = metric.split.as_deref().map(|split| format!(" of `{split}`")).unwrap_or_default();
            let message = format!("expected a finite value for the metric `{}`{split}, found {}", metric.name, metric.value);
            return Err(StageFailure::Contract(message));
        }
        if !self.records {
            return Ok(());
        }
        let mut collected = self.lock();
        if collected.report.metrics.len() + batch.len() > self.limits.metrics as usize {
            return Err(StageFailure::Limit(LimitHit { key: "metrics", limit: self.limits.metrics.to_string() }));
        }
        collected.report.metrics.extend(batch.iter().cloned());
        drop(collected);
        for metric in batch {
            (self.observer)(Signal::Metric(metric));
        }
        Ok(())
    }

    pub(crate) fn report(&self, finding: Finding) -> Result<(), LimitHit> {
        if !self.records {
            return Ok(());
        }
        let mut collected = self.lock();
        if collected.report.findings.len() >= self.limits.findings as usize {
            return Err(LimitHit { key: "findings", limit: self.limits.findings.to_string() });
        }
        collected.report.findings.push(finding.clone());
        drop(collected);
        (self.observer)(Signal::Finding(finding));
        Ok(())
    }

    pub(crate) fn progress(&self, done: u64, total: Option<u64>) {
        (self.observer)(Signal::Progress { done, total });
    }

    pub(crate) fn create_artifact(&self, name: &str, media_type: String) -> Result<WriterHandle, StageFailure> {
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.is_empty() || name.len() > 100 || name.starts_with('.') || !name.chars().all(good) {
            let message =
                format!("expected an artifact name of letters, digits, `.`, `_` and `-`, found `{}`", name.escape_debug());
            return Err(StageFailure::Contract(message));
        }
        let mut collected = self.lock();
        if collected.artifacts.contains_key(name) {
            return Err(StageFailure::Contract(format!("expected a new artifact name, found `{name}` a second time")));
        }
        // An artifact costs at least its entry, so that a million empty ones hit the limit too.
        self.artifact_budget.spend(name.len() as u64 + 100).map_err(StageFailure::Limit)?;
        let sink = self
            .blobs
            .create()
            .map_err(|error| StageFailure::Host(format!("failed to create the artifact `{name}`: {error}")))?;
        let writer = WriterHandle::new(sink, media_type, self.artifact_budget.clone());
        collected.artifacts.insert(name.to_owned(), writer.clone());
        Ok(writer)
    }

    /// A writer for the model's state.
    pub(crate) fn create_state(&self) -> Result<WriterHandle, StageFailure> {
        let sink = self.blobs.create().map_err(|error| StageFailure::Host(format!("failed to create the model: {error}")))?;
        Ok(WriterHandle::new(sink, "application/octet-stream".to_owned(), self.model_budget()))
    }

    pub(crate) fn model_budget(&self) -> Budget {
        Budget::new("model", self.limits.model)
    }

    /// Ends all artifacts, when the stage succeeded.
    pub(crate) fn finish_artifacts(&self) -> Result<(), StageFailure> {
        let mut collected = self.lock();
        for (name, writer) in std::mem::take(&mut collected.artifacts) {
            let finished =
                writer.finish().map_err(|error| StageFailure::Host(format!("failed to write the artifact `{name}`: {error}")))?;
            if let Some((digest, bytes, media_type)) = finished {
                collected.report.artifacts.push(Artifact { name, media_type, digest: digest.to_string(), bytes });
            }
        }
        Ok(())
    }

    /// What the stage reported so far.
    pub(crate) fn take_report(&self) -> StageReport {
        std::mem::take(&mut self.lock().report)
    }

    fn lock(&self) -> MutexGuard<'_, Collected> {
        self.collected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

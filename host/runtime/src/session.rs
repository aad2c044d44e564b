//! What a stage tells its run: collected, counted against the limits, and passed on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sprag_core::limits::Limits;
use sprag_schemas::quantity::ByteSize;
use sprag_schemas::record::{Artifact, Finding, LogLine, Metric, ProcessRecord, StageReport};

use crate::blobs::{BlobSink, Blobs, NoSink, ReaderHandle, WriterHandle};
use crate::budget::Budget;
use crate::call::{Cancel, Observer, Signal, StageCall};
use crate::failure::{LimitHit, StageFailure};
use crate::outside::SecretHandle;

/// The longest name of a metric, its split, an artifact, and the like, in bytes.
pub(crate) const MOST_NAME: usize = 200;

/// The longest message of a finding, a test case or a decision, in bytes. They are limited by their number at most, so that each must be bounded for itself.
pub(crate) const MOST_TEXT: usize = 64 << 10;

/// How often progress is passed on: a person sees no more, and a stage that reports without end floods nobody.
const PROGRESS_EVERY: Duration = Duration::from_millis(50);

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
    /// Whether metrics, findings and artifacts are kept: only those of the stage itself, not of a trainer or scorer that it calls.
    records: bool,
    artifact_budget: Budget,
    collected: Arc<Mutex<Collected>>,
}

#[derive(Default)]
struct Collected {
    report: StageReport,
    /// Whether the report was taken. What is told after that comes from work of the host that is being wound up, and nobody hears it.
    is_over: bool,
    log_bytes: u64,
    /// When progress was last passed on, and whether the work was done by then.
    progress: Option<(Instant, bool)>,
    artifacts: BTreeMap<String, WriterHandle>,
    /// The names of the secrets that the stage holds, by their placeholders.
    placeholders: BTreeMap<String, String>,
}

impl Session {
    /// The session of a stage.
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

    /// The session of a scorer that a stage calls: a scorer is given none, so that this one only bounds the artifacts that it may make.
    pub(crate) fn unrecorded(call: &StageCall) -> Self {
        Self { records: false, ..Self::new(call) }
    }

    /// A session with other parameters, whose log lines join this one's and whose metrics, findings and artifacts go nowhere.
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
            artifact_budget: Budget::new("artifacts", self.limits.artifacts),
            collected: self.collected.clone(),
        }
    }

    pub(crate) fn log(&self, line: LogLine) -> Result<(), LimitHit> {
        let fields: usize = line.fields.iter().map(|(name, value)| name.len() + value.len()).sum();
        let mut collected = self.lock();
        if collected.is_over {
            return Ok(());
        }
        collected.log_bytes += (line.message.len() + fields) as u64 + 1;
        if collected.log_bytes > self.limits.logs {
            return Err(LimitHit { key: "logs", limit: ByteSize(self.limits.logs).to_string() });
        }
        collected.report.logs.push(line.clone());
        drop(collected);
        (self.observer)(Signal::Log(line));
        Ok(())
    }

    /// Writes a line of the host's about what the stage asked for. It counts as the stage's own; past the limit it is left out, and the stage's next line of
    /// its own ends it.
    pub(crate) fn log_by_host(&self, line: LogLine) {
        let _full = self.log(line);
    }

    /// Keeps what is known of a script that the host ran. Each took a process, so that there are never many.
    pub(crate) fn record_process(&self, record: ProcessRecord) {
        if self.records {
            self.lock().report.processes.push(record);
        }
    }

    /// Remembers the placeholder of a secret, to leave it out of log lines about requests.
    pub(crate) fn know_placeholder(&self, secret: &SecretHandle) {
        self.lock().placeholders.insert(secret.placeholder.clone(), secret.name.clone());
    }

    /// A text with the names of secrets in place of their placeholders.
    pub(crate) fn without_placeholders(&self, text: &str) -> String {
        let known = self.lock();
        known
            .placeholders
            .iter()
            .fold(text.to_owned(), |text, (placeholder, name)| text.replace(placeholder, &format!("{{{name}}}")))
    }

    pub(crate) fn measure(&self, batch: Vec<Metric>) -> Result<(), StageFailure> {
        if let Some(metric) = batch.iter().find(|metric| !metric.value.is_finite()) {
            let split = metric.split.as_deref().map(|split| format!(" of `{split}`")).unwrap_or_default();
            let message = format!("expected a finite value for the metric `{}`{split}, found {}", metric.name, metric.value);
            return Err(StageFailure::Contract(message));
        }
        for metric in &batch {
            check_length("the name of a metric", &metric.name, 1, MOST_NAME)?;
            check_length("the split of a metric", metric.split.as_deref().unwrap_or_default(), 0, MOST_NAME)?;
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

    pub(crate) fn report(&self, finding: Finding) -> Result<(), StageFailure> {
        check_length("the code of a finding", &finding.code, 1, MOST_NAME)?;
        check_length("the subject of a finding", finding.subject.as_deref().unwrap_or_default(), 0, MOST_TEXT)?;
        check_length("the message of a finding", &finding.message, 0, MOST_TEXT)?;
        if !self.records {
            return Ok(());
        }
        let mut collected = self.lock();
        if collected.report.findings.len() >= self.limits.findings as usize {
            return Err(StageFailure::Limit(LimitHit { key: "findings", limit: self.limits.findings.to_string() }));
        }
        collected.report.findings.push(finding.clone());
        drop(collected);
        (self.observer)(Signal::Finding(finding));
        Ok(())
    }

    pub(crate) fn progress(&self, done: u64, total: Option<u64>) {
        let (now, complete) = (Instant::now(), total.is_some_and(|total| done >= total));
        let mut collected = self.lock();
        let is_due = collected
            .progress
            .is_none_or(|(last, was_complete)| now.duration_since(last) >= PROGRESS_EVERY || (complete && !was_complete));
        if is_due {
            collected.progress = Some((now, complete));
            drop(collected);
            (self.observer)(Signal::Progress { done, total });
        }
    }

    pub(crate) fn create_artifact(&self, name: &str, media_type: String) -> Result<WriterHandle, StageFailure> {
        check_length("the name of an artifact", name, 1, MOST_NAME)?;
        check_length("a media type", &media_type, 0, MOST_NAME)?;
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.starts_with('.') || !name.chars().all(good) {
            let message = format!(
                "expected an artifact name of letters, digits, `.`, `_` and `-` that does not begin with `.`, found `{}`",
                name.escape_debug()
            );
            return Err(StageFailure::Contract(message));
        }
        let budgets = vec![self.artifact_budget.clone()];
        let mut collected = self.lock();
        if self.records && collected.artifacts.contains_key(name) {
            return Err(StageFailure::Contract(format!("expected a new artifact name, found `{name}` a second time")));
        }
        // An artifact costs at least its entry, so that a million empty ones hit the limit too.
        self.artifact_budget.spend(name.len() as u64 + 100).map_err(StageFailure::Limit)?;
        if !self.records {
            let sink: Box<dyn BlobSink> = Box::new(NoSink::default());
            return Ok(WriterHandle::new(sink, media_type, budgets));
        }
        let sink = self
            .blobs
            .create()
            .map_err(|error| StageFailure::Host(format!("failed to create the artifact `{name}`: {error}")))?;
        let writer = WriterHandle::new(sink, media_type, budgets);
        collected.artifacts.insert(name.to_owned(), writer.clone());
        Ok(writer)
    }

    /// A writer for the model's state.
    pub(crate) fn create_state(&self) -> Result<WriterHandle, StageFailure> {
        let sink = self.blobs.create().map_err(|error| StageFailure::Host(format!("failed to create the model: {error}")))?;
        Ok(WriterHandle::new(sink, "application/octet-stream".to_owned(), vec![self.model_budget()]))
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
        let mut collected = self.lock();
        collected.is_over = true;
        std::mem::take(&mut collected.report)
    }

    fn lock(&self) -> MutexGuard<'_, Collected> {
        self.collected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Refuses a text that is shorter or longer, in bytes, than the contract has it.
pub(crate) fn check_length(what: &str, text: &str, least: usize, most: usize) -> Result<(), StageFailure> {
    if (least..=most).contains(&text.len()) {
        return Ok(());
    }
    Err(StageFailure::Contract(format!("expected {what} to have {least} to {most} bytes, found {}", text.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_bounded_on_both_sides() {
        assert_eq!(check_length("the name of a metric", "mse", 1, 3), Ok(()));
        let failure = check_length("the name of a metric", "", 1, 3).unwrap_err();
        assert_eq!(failure.to_string(), "expected the name of a metric to have 1 to 3 bytes, found 0");
        assert!(check_length("the name of a metric", "rmse", 1, 3).is_err());
    }
}

//! Who is told how a run ended. The run has ended so, and is recorded, before anyone is told: what fails here changes nothing of it.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use sprag_core::digest::Digest;
use sprag_core::plan::PlannedStage;
use sprag_runtime::blobs::{Blobs, ReaderHandle};
use sprag_runtime::outside::Outbound;
use sprag_runtime::{Cancel, Finished, Runtime, StageCall, StageFailure};
use sprag_schemas::event::Event;
use sprag_schemas::record::{RunRecord, StageRecord, StageReport, StageStatus};
use sprag_schemas::run_event::{RunEvent, RunEventKind, RunFile};
use sprag_store::Store;

use crate::blobs::StoreBlobs;
use crate::call::stage_call;
use crate::execute::{Executed, RETRY_AFTER, asks_again, failed};
use crate::records::told_record;
use crate::run::RunOptions;
use crate::{Observer, Project, RunError};

/// Gives a stage the network that it is granted. This crate opens no socket: whoever runs the project decides whether its stages may.
#[derive(Clone)]
pub struct Reach(Arc<Open>);

type Open = dyn Fn(&Project, &PlannedStage) -> Result<Arc<dyn Outbound>, String> + Send + Sync;

impl Reach {
    /// Asks `open` for the network of each stage that may use one.
    pub fn new(open: impl Fn(&Project, &PlannedStage) -> Result<Arc<dyn Outbound>, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(open))
    }
}

impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reach")
    }
}

/// What is done with the record of each run that ended, beside what the project asks for.
#[derive(Clone)]
pub struct Ended(Arc<Hear>);

type Hear = dyn Fn(RunRecord) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync;

impl Ended {
    /// Has `hear` do it.
    pub fn new(hear: impl Fn(RunRecord) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(hear))
    }

    pub(crate) async fn hear(&self, record: &RunRecord) {
        (self.0)(record.clone()).await;
    }
}

impl fmt::Debug for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ended")
    }
}

/// What telling needs of whoever tells.
pub(crate) struct Telling<'a> {
    pub(crate) project: &'a Project,
    pub(crate) store: &'a Arc<Store>,
    pub(crate) options: &'a RunOptions,
    pub(crate) observer: &'a Observer,
}

/// Tells everyone under `[run.notify]` how a run of the store ended, again where they were told before, and gives the record with what came of it.
///
/// # Errors
/// The engine cannot be made, or the record cannot be written. That somebody could not be told is in the record.
pub async fn tell(
    project: &Project,
    store: &Arc<Store>,
    mut record: RunRecord,
    options: &RunOptions,
    observer: &Observer,
) -> Result<RunRecord, RunError> {
    if project.plan.notify.is_empty() {
        return Ok(record);
    }
    let runtime = Runtime::new(options.code_dir.as_deref())?;
    Telling { project, store, options, observer }.all(&runtime, &mut record).await?;
    Ok(record)
}

impl Telling<'_> {
    /// Tells everyone, and writes into the record what came of it.
    pub(crate) async fn all(&self, runtime: &Runtime, record: &mut RunRecord) -> Result<(), RunError> {
        let is_told = |stage: &StageRecord| self.project.plan.notify.iter().any(|told| told.name == stage.name);
        record.stages.retain(|stage| !is_told(stage));
        let event = event_of(self.project, record);
        let text = serde_json::to_string(&event).expect("an event is made of structs with text keys, which JSON can hold");
        for stage in &self.project.plan.notify {
            (self.observer)(Event::StageStarted {
                stage: stage.name.clone(),
                kind: stage.kind,
                plugin: stage.plugin.to_string(),
            });
            let started = Instant::now();
            let executed = self.patiently(runtime, stage, &text, &event.files).await;
            let done = told_record(stage, executed, started.elapsed());
            record.stages.push(done.clone());
            (self.observer)(Event::StageFinished { record: Box::new(done) });
        }
        Ok(self.store.update_run(record, &[])?)
    }

    async fn patiently(&self, runtime: &Runtime, stage: &PlannedStage, text: &str, files: &[RunFile]) -> Executed {
        for pause in RETRY_AFTER {
            let executed = self.one(runtime, stage, text, files).await;
            if !asks_again(&executed) {
                return executed;
            }
            tokio::time::sleep(pause).await;
        }
        self.one(runtime, stage, text, files).await
    }

    async fn one(&self, runtime: &Runtime, stage: &PlannedStage, text: &str, files: &[RunFile]) -> Executed {
        let call = match self.call(runtime, stage, files) {
            Ok(call) => call,
            Err(message) => return failed(StageReport::default(), &StageFailure::Host(message)),
        };
        let Finished { report, result } = runtime.notify(&call, text).await;
        match result {
            Ok(()) => Executed { status: StageStatus::Passed, reason: "told".to_owned(), report, error: None, effects: None },
            Err(failure) => failed(report, &failure),
        }
    }

    /// The stage's call, with its network, and the run's files among its inputs.
    fn call(&self, runtime: &Runtime, stage: &PlannedStage, files: &[RunFile]) -> Result<StageCall, String> {
        // Who asked the run to stop still wants to know how it ended.
        let cancel = Cancel::default();
        let call = stage_call(self.project, self.store, runtime, stage, self.observer, &cancel);
        let mut call = call.map_err(|error| crate::with_causes(&error))?;
        call.inputs.extend(readers(self.store, files)?);
        if let Some(Reach(open)) = &self.options.reach {
            call.outbound = Some(open(self.project, stage)?);
        }
        Ok(call)
    }
}

/// What is told of a run.
fn event_of(project: &Project, record: &RunRecord) -> RunEvent {
    let mut files = vec![];
    for stage in &record.stages {
        if let Some(model) = &stage.report.model {
            files.push(RunFile {
                input: "run/model".to_owned(),
                stage: stage.name.clone(),
                name: None,
                media_type: model.media_type.clone(),
                digest: model.state.clone(),
                bytes: model.state_bytes,
            });
        }
        files.extend(stage.report.artifacts.iter().map(|artifact| RunFile {
            input: format!("run/{}/{}", stage.name, artifact.name),
            stage: stage.name.clone(),
            name: Some(artifact.name.clone()),
            media_type: artifact.media_type.clone(),
            digest: artifact.digest.clone(),
            bytes: artifact.bytes,
        }));
    }
    RunEvent {
        event: RunEventKind::RunEnded,
        project: project.manifest.project.name.clone(),
        model: project.manifest.model_name().to_owned(),
        run: record.clone(),
        files,
    }
}

fn readers(store: &Arc<Store>, files: &[RunFile]) -> Result<BTreeMap<String, ReaderHandle>, String> {
    let blobs = StoreBlobs(store.clone());
    let open = |file: &RunFile| {
        let digest: Digest = file.digest.parse().map_err(|error| format!("`{}`: {error}", file.input))?;
        let bytes = blobs.open(&digest).map_err(|error| format!("failed to open `{}`: {error}", file.input))?;
        Ok((file.input.clone(), ReaderHandle { bytes, media_type: file.media_type.clone() }))
    };
    files.iter().map(open).collect()
}

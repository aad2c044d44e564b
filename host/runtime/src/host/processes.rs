//! `sprag:run/processes`

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sprag_data::Table;
use sprag_schemas::quantity::{ByteSize, TimeSpan};
use sprag_schemas::record::LogLine;
use wasmtime::component::Resource;

use crate::bindings::sprag::run::processes::{Ending, Finished, Host, HostJob, Output, ProcessError as Refusal};
use crate::blobs::ReaderHandle;
use crate::clock::StageClock;
use crate::failure::{LimitHit, StageFailure};
use crate::process::{
    ProcessEnding, ProcessError, ProcessFinished, ProcessInput, ProcessJob, ProcessOutput, ProcessWatch, Processes,
};
use crate::session::SessionHandle;
use crate::state::StageState;

/// What is left of the stage's time for it to read what a script left, or why it failed.
const FOR_THE_STAGE: Duration = Duration::from_millis(500);

/// The handle behind `sprag:run/processes.job`.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct JobHandle {
    environment: Option<String>,
    script: String,
    inputs: Vec<(String, ProcessInput)>,
    has_run: bool,
    outputs: Vec<ProcessOutput>,
}

impl Host for StageState {}

impl HostJob for StageState {
    async fn new(&mut self, environment: Option<String>, script: String) -> wasmtime::Result<Resource<JobHandle>> {
        self.charge((script.len() + environment.as_ref().map_or(0, String::len)) as u64)?;
        self.push(JobHandle { environment, script, inputs: vec![], has_run: false, outputs: vec![] })
    }

    async fn give_bytes(&mut self, job: Resource<JobHandle>, name: String, bytes: Vec<u8>) -> wasmtime::Result<()> {
        self.charge(bytes.len() as u64)?;
        self.hand_to(&job, name, ProcessInput::Bytes(Arc::new(bytes)))
    }

    async fn give_blob(&mut self, job: Resource<JobHandle>, name: String, blob: Resource<ReaderHandle>) -> wasmtime::Result<()> {
        let blob = self.handles.get(&blob)?.clone();
        self.hand_to(&job, name, ProcessInput::Blob(blob))
    }

    async fn give_table(&mut self, job: Resource<JobHandle>, name: String, table: Resource<Table>) -> wasmtime::Result<()> {
        let table = self.handles.get(&table)?.clone();
        self.hand_to(&job, name, ProcessInput::Table(table))
    }

    async fn run(&mut self, job: Resource<JobHandle>) -> wasmtime::Result<Result<Finished, Refusal>> {
        let ready = self.handles.get_mut(&job)?;
        if std::mem::replace(&mut ready.has_run, true) {
            return Ok(Err(Refusal::BadJob("expected a job that has not run, found one that has; make another".to_owned())));
        }
        let (environment, script) = (ready.environment.take(), std::mem::take(&mut ready.script));
        let inputs = std::mem::take(&mut ready.inputs);
        let Some(processes) = self.call.processes.clone() else { return Ok(Err(denied(environment.as_deref()))) };
        let limits = self.call.limits.clone();
        let time = self.shared.clock.left().saturating_sub(FOR_THE_STAGE);
        let asked = ProcessJob { environment, script, inputs, seed: self.call.seed, limits, time };
        match self.supervise(processes, asked).await {
            Ok(finished) => {
                let outputs = finished.outputs.iter().map(|output| Output { name: output.name.clone(), len: output.bytes.len() });
                let outputs = outputs.collect();
                let ending = self.ending(&finished)?;
                self.handles.get_mut(&job)?.outputs = finished.outputs;
                Ok(Ok(Finished { ending, outputs }))
            }
            Err(ProcessError::Denied(message)) => Ok(Err(Refusal::Denied(message))),
            Err(ProcessError::BadJob(message)) => Ok(Err(Refusal::BadJob(message))),
            Err(ProcessError::Unconfined(message)) => Ok(Err(Refusal::Unconfined(message))),
            Err(ProcessError::Io(message)) => Ok(Err(Refusal::Io(message))),
            Err(ProcessError::Stopped) => Err(self.shared.clock.ended().into()),
        }
    }

    async fn open(&mut self, job: Resource<JobHandle>, name: String) -> wasmtime::Result<Option<Resource<ReaderHandle>>> {
        let found = self.handles.get(&job)?.outputs.iter().find(|output| output.name == name).map(|output| output.bytes.clone());
        let media_type = "application/octet-stream".to_owned();
        found.map(|bytes| self.push(ReaderHandle { bytes, media_type })).transpose()
    }

    async fn drop(&mut self, job: Resource<JobHandle>) -> wasmtime::Result<()> {
        self.handles.delete(job)?;
        Ok(())
    }
}

impl StageState {
    fn hand_to(&mut self, job: &Resource<JobHandle>, name: String, input: ProcessInput) -> wasmtime::Result<()> {
        // Each is a file at least, so that a million empty ones are not free.
        self.charge(name.len() as u64 + 4096)?;
        self.handles.get_mut(job)?.inputs.push((name, input));
        Ok(())
    }

    /// Runs a job, and ends it where the stage goes away meanwhile.
    async fn supervise(&mut self, processes: Arc<dyn Processes>, job: ProcessJob) -> Result<ProcessFinished, ProcessError> {
        let watch =
            Arc::new(Watch { session: self.session.clone(), clock: self.shared.clock.clone(), is_gone: AtomicBool::new(false) });
        let _gone = Gone(watch.clone());
        processes.run(job, watch).await
    }

    /// How a script ended, for the stage; a limit that it passed, and cancelling, end the stage itself.
    fn ending(&mut self, finished: &ProcessFinished) -> wasmtime::Result<Ending> {
        self.session.0.record_process(finished.record.clone());
        if finished.ending != ProcessEnding::Exited(0) {
            self.shared.output.push(finished.stderr.as_bytes());
        }
        match &finished.ending {
            ProcessEnding::Exited(code) => Ok(Ending::Exited(*code)),
            ProcessEnding::Signalled(signal) => Ok(Ending::Signalled(*signal)),
            ProcessEnding::Refused(what) => {
                Err(StageFailure::Contract(format!("a script left what is no output: {what}")).into())
            }
            ProcessEnding::Limit(key) => Err(StageFailure::Limit(self.hit(key)).into()),
            ProcessEnding::Cancelled => Err(self.shared.clock.ended().into()),
        }
    }

    fn hit(&self, key: &'static str) -> LimitHit {
        let limits = &self.call.limits;
        let limit = match key {
            "memory" => ByteSize(limits.memory).to_string(),
            "disk" => ByteSize(limits.disk).to_string(),
            "processes" => limits.processes.to_string(),
            _ => TimeSpan(limits.time).to_string(),
        };
        LimitHit { key, limit }
    }
}

fn denied(environment: Option<&str>) -> Refusal {
    let name = environment.unwrap_or("NAME");
    Refusal::Denied(format!(
        "asked to run a script, which no grant of this stage allows; add `processes = [\"{name}\"]` to its grants in sprag.toml"
    ))
}

/// The stage, as a script that runs for it sees it.
struct Watch {
    session: SessionHandle,
    clock: StageClock,
    is_gone: AtomicBool,
}

impl ProcessWatch for Watch {
    fn told(&self, line: LogLine) {
        self.session.0.log_by_host(line);
    }

    fn is_over(&self) -> bool {
        self.is_gone.load(Ordering::Relaxed) || self.clock.is_cancelled()
    }
}

/// Says that the stage is gone, when it is dropped.
struct Gone(Arc<Watch>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.is_gone.store(true, Ordering::Relaxed);
    }
}

//! A stage call with everything at its default, and short ways to run it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sprag_core::limits::Limits;
use sprag_core::model::model_digest;
use sprag_data::Table;
use sprag_runtime::blobs::{Blobs, ReaderHandle};
use sprag_runtime::{
    Cancel, Finished, Loaded, ModelSource, RegisterEffects, RegistryView, Signal, StageCall, StageFailure, Trained,
    TrainerUnderTest, Verdict,
};
use sprag_schemas::manifest::Clock;
use sprag_schemas::record::{Decision, DecisionOutcome, StageReport, TestCase};

use super::{MemoryBlobs, block_on, numbers, programs, runtime};

/// A stage call that a test changes where it matters.
pub(crate) struct Call {
    pub(crate) stage: StageCall,
    pub(crate) blobs: MemoryBlobs,
    pub(crate) signals: Arc<Mutex<Vec<Signal>>>,
}

impl Call {
    /// A call of a program with the parameter `act`.
    pub(crate) fn act(component: Loaded, act: &str) -> Self {
        Self::new(component, &format!(r#"{{"act":"{act}"}}"#))
    }

    /// A call of a program with parameters. Its limits are small, except for the time, which only a test of that limit may hit.
    pub(crate) fn new(component: Loaded, params: &str) -> Self {
        Self::stored(component, params, MemoryBlobs::default())
    }

    /// The same, with storage of the test's own.
    pub(crate) fn stored(component: Loaded, params: &str, blobs: MemoryBlobs) -> Self {
        let signals: Arc<Mutex<Vec<Signal>>> = Arc::default();
        let heard = signals.clone();
        let stage = StageCall {
            component,
            params_json: params.to_owned(),
            seed: 7,
            inputs: BTreeMap::new(),
            env: vec![],
            clock: Clock::Frozen,
            limits: Limits {
                memory: 64 << 20,
                time: Duration::from_secs(120),
                handles: 100,
                call: 4 << 20,
                logs: 64 << 10,
                stderr: 4 << 10,
                metrics: 100,
                findings: 100,
                artifacts: 64 << 10,
                model: 1 << 20,
                disk: 1 << 20,
                processes: 4,
            },
            blobs: Arc::new(blobs.clone()),
            observer: Arc::new(move |signal| heard.lock().unwrap().push(signal)),
            cancel: Cancel::default(),
            outbound: None,
            folders: None,
            services: None,
            processes: None,
        };
        Self { stage, blobs, signals }
    }

    /// Changes the limits.
    pub(crate) fn limit(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.stage.limits);
        self
    }

    pub(crate) fn check(&self, data: &Table) -> Finished<Verdict> {
        block_on(runtime().sanity_check(&self.stage, data))
    }

    /// Runs a check over three rows that must fail.
    pub(crate) fn check_fails(&self) -> (StageFailure, StageReport) {
        let finished = self.check(&numbers(3));
        (finished.result.unwrap_err(), finished.report)
    }

    pub(crate) fn train(&self) -> Finished<Trained> {
        block_on(runtime().train(&self.stage, &numbers(3), None))
    }

    /// Evaluates a candidate, and a production model where there is one, over `rows` rows.
    pub(crate) fn evaluate(&self, candidate: ModelSource, production: Option<ModelSource>, rows: u32) -> Finished<Decision> {
        block_on(runtime().evaluate(&self.stage, candidate, production, &numbers(rows)))
    }

    pub(crate) fn register(&self, view: RegistryView) -> Finished<RegisterEffects> {
        let decision = Decision { outcome: DecisionOutcome::Promote, reason: "it is better".to_owned() };
        block_on(runtime().register(&self.stage, model("double"), &decision, view))
    }

    /// Runs a unit test against a trainer whose schema wants the key `act`, unless it has no parameters.
    pub(crate) fn unit_test(&self, component: Loaded) -> Finished<Vec<TestCase>> {
        let check_params = |params: &str| match params {
            "{}" => Ok(()),
            params if params.contains(r#""act""#) => Ok(()),
            _ => Err("\"act\" is a required property".to_owned()),
        };
        let trainer = TrainerUnderTest { component, check_params: Arc::new(check_params) };
        block_on(runtime().unit_test(&self.stage, trainer))
    }
}

/// A model of the program `trainer` whose scorer does what `act` says; `double` is a good one.
pub(crate) fn model(act: &str) -> ModelSource {
    model_of(programs::trainer(), act.as_bytes())
}

/// A model of any scorer and state.
pub(crate) fn model_of(scorer: Loaded, state: &[u8]) -> ModelSource {
    let blobs = MemoryBlobs::default();
    let mut sink = blobs.create().unwrap();
    sink.write(state).unwrap();
    let (digest, _) = sink.finish().unwrap();
    let digest_of_both = model_digest(&scorer.digest, &digest);
    let state = ReaderHandle { bytes: blobs.open(&digest).unwrap(), media_type: "text/plain".to_owned() };
    ModelSource { scorer, state, digest: digest_of_both, version: None }
}

/// The messages of a report's log.
pub(crate) fn logs(report: &StageReport) -> Vec<&str> {
    report.logs.iter().map(|line| line.message.as_str()).collect()
}

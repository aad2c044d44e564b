//! A world to release into: it remembers what runs where, and goes wrong where a test says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use sprag_core::digest::Digest;
use sprag_core::plan::{PlannedEnvironment, PlannedStage};
use sprag_release::Actor;
use sprag_runtime::{
    Action, Change, DeployState, DeployTask, Deployed, Endpoint, Finished, Phase, Ruling, StageFailure, Verdict,
};
use sprag_schemas::record::{Finding, ModelVersion, Severity, StageReport};
use sprag_schemas::release::{PackageRecord, ReleaseEvent};
use tokio::sync::Notify;

/// Where a process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Before the call did anything.
    Before,
    /// After it did everything, and before anybody heard of it.
    After,
}

/// What happened, and what is to go wrong.
#[derive(Default)]
pub(crate) struct World {
    state: Mutex<State>,
    /// Rung when a killed process would have ended.
    pub(crate) killed: Notify,
}

#[derive(Default)]
struct State {
    /// The model's digest that runs in each environment, or was the last that got a share of it.
    runs: BTreeMap<String, String>,
    /// How the requests of each environment were last divided, by package.
    weights: BTreeMap<String, Vec<(String, u32)>>,
    /// Every call, in order: `package`, `apply staging`, `rollback production`, `traffic production`, `test staging`, `notify approval-requested`.
    calls: Vec<String>,
    /// Calls that fail, by how often they still do, and whether another try may help.
    broken: BTreeMap<String, (u32, &'static str)>,
    /// Models whose answers are wrong, by environment.
    wrong: BTreeSet<(String, String)>,
    /// The call at which the process is killed.
    kill: Option<(String, Moment)>,
    /// The packages do not come out the same again.
    rebuilt: u32,
    /// What the rules say.
    ruling: Option<Ruling>,
    /// What notifiers and rules were last told.
    told: Option<ReleaseEvent>,
    /// The smoke tests say that they do not apply.
    skips: bool,
}

impl World {
    pub(crate) fn calls(&self) -> Vec<String> {
        self.state.lock().unwrap().calls.clone()
    }

    pub(crate) fn forget_calls(&self) {
        self.state.lock().unwrap().calls.clear();
    }

    pub(crate) fn runs(&self, environment: &str) -> Option<String> {
        self.state.lock().unwrap().runs.get(environment).cloned()
    }

    /// How the requests of an environment were last divided, by package.
    pub(crate) fn weights(&self, environment: &str) -> Vec<(String, u32)> {
        self.state.lock().unwrap().weights.get(environment).cloned().unwrap_or_default()
    }

    /// A call fails so many times, each time as if another try might help.
    pub(crate) fn breaks(&self, call: &str, times: u32) {
        self.state.lock().unwrap().broken.insert(call.to_owned(), (times, "try again"));
    }

    /// A call fails so many times, and another try of the same does not help.
    pub(crate) fn refuses(&self, call: &str, times: u32) {
        self.state.lock().unwrap().broken.insert(call.to_owned(), (times, "bad parameters"));
    }

    /// What notifiers and rules were last told.
    pub(crate) fn told(&self) -> Option<ReleaseEvent> {
        self.state.lock().unwrap().told.clone()
    }

    /// A model answers wrongly in an environment.
    pub(crate) fn answers_wrongly(&self, environment: &str, version: &ModelVersion) {
        self.state.lock().unwrap().wrong.insert((environment.to_owned(), version.model.digest.clone()));
    }

    /// The process is killed at a call.
    pub(crate) fn dies_at(&self, call: &str, moment: Moment) {
        self.state.lock().unwrap().kill = Some((call.to_owned(), moment));
    }

    /// The next package has another digest.
    pub(crate) fn rebuilds(&self) {
        self.state.lock().unwrap().rebuilt += 1;
    }

    /// The smoke tests do not apply from now on.
    pub(crate) fn skips_tests(&self) {
        self.state.lock().unwrap().skips = true;
    }

    /// What the rules say from now on.
    pub(crate) fn rules(&self, ruling: Ruling) {
        self.state.lock().unwrap().ruling = Some(ruling);
    }

    async fn at(&self, call: &str, moment: Moment) {
        if self.is_killed_at(call, moment) {
            self.killed.notify_one();
            std::future::pending::<()>().await;
        }
    }

    fn is_killed_at(&self, call: &str, moment: Moment) -> bool {
        let mut state = self.state.lock().unwrap();
        if moment == Moment::Before {
            state.calls.push(call.to_owned());
        }
        state.kill.take_if(|(at, when)| at == call && *when == moment).is_some()
    }

    /// Ends what runs in an environment.
    fn destroyed(&self, name: &str) -> Result<Deployed, StageFailure> {
        let call = format!("destroy {name}");
        let _alive = self.is_killed_at(&call, Moment::Before);
        if let Some(failure) = self.fails(&call) {
            return Err(failure);
        }
        let was = self.state.lock().unwrap().runs.remove(name);
        let action = if was.is_some() { Action::Delete } else { Action::Keep };
        Ok(Deployed::Changes(vec![Change { action, subject: name.to_owned(), detail: String::new() }]))
    }

    fn fails(&self, call: &str) -> Option<StageFailure> {
        let mut state = self.state.lock().unwrap();
        let (left, kind) = state.broken.get_mut(call).filter(|(left, _)| *left > 0)?;
        *left -= 1;
        Some(StageFailure::Plugin { kind, message: format!("{call} is down") })
    }
}

fn finished<T>(result: Result<T, StageFailure>) -> Finished<T> {
    Finished { report: StageReport::default(), result }
}

impl Actor for World {
    async fn package(&self, version: &ModelVersion) -> Finished<PackageRecord> {
        self.at("package", Moment::Before).await;
        if let Some(failure) = self.fails("package") {
            return finished(Err(failure));
        }
        let rebuilt = self.state.lock().unwrap().rebuilt;
        let digest = |what: &str| Digest::of(format!("{what} {rebuilt} {}", version.model.digest).as_bytes()).to_string();
        self.at("package", Moment::After).await;
        finished(Ok(PackageRecord { digest: digest("package"), image: None, rows: digest("rows"), expected: digest("expected") }))
    }

    async fn prepare(&self, version: &ModelVersion) -> Finished<PackageRecord> {
        self.state.lock().unwrap().calls.push("prepare".to_owned());
        let digest = |what: &str| Digest::of(format!("{what} {}", version.model.digest).as_bytes()).to_string();
        finished(Ok(PackageRecord { digest: digest("package"), image: None, rows: digest("rows"), expected: digest("expected") }))
    }

    async fn deploy(&self, environment: &PlannedEnvironment, _model: &str, task: &DeployTask) -> Finished<Deployed> {
        let name = &environment.name;
        let (verb, release) = match task {
            DeployTask::Apply(release) => ("apply", release),
            DeployTask::Rollback(release) => ("rollback", release),
            DeployTask::Traffic(release, weights) => {
                let weights = weights.iter().map(|weight| (weight.package.clone(), weight.percent)).collect();
                self.state.lock().unwrap().weights.insert(name.clone(), weights);
                ("traffic", release)
            }
            DeployTask::Destroy => return finished(self.destroyed(name)),
            DeployTask::Plan(_) => return finished(Ok(Deployed::Changes(vec![]))),
            other => return finished(Err(StageFailure::Contract(format!("unexpected: {other:?}")))),
        };
        let call = format!("{verb} {name}");
        self.at(&call, Moment::Before).await;
        if let Some(failure) = self.fails(&call) {
            return finished(Err(failure));
        }
        self.state.lock().unwrap().runs.insert(name.clone(), release.model_digest.clone());
        self.at(&call, Moment::After).await;
        let phase = if self.fails(&format!("start {name}")).is_some() { Phase::Failed } else { Phase::Ready };
        finished(Ok(Deployed::State(DeployState {
            phase,
            message: "it says so".into(),
            endpoint: Some(format!("http://{name}")),
            releases: vec![],
        })))
    }

    async fn smoke_test(
        &self,
        stage: &PlannedStage,
        endpoint: &Endpoint,
        version: &ModelVersion,
        _package: &PackageRecord,
    ) -> Finished<Verdict> {
        assert_eq!(endpoint.model_digest, version.model.digest);
        let environment = stage.name.split('.').next().unwrap_or_default().to_owned();
        let call = format!("test {environment}");
        self.at(&call, Moment::Before).await;
        assert_eq!(endpoint.url, format!("http://{environment}"));
        if let Some(failure) = self.fails(&call) {
            return finished(Err(failure));
        }
        let runs = self.runs(&environment).unwrap_or_default();
        let is_wrong = runs != endpoint.model_digest || self.state.lock().unwrap().wrong.contains(&(environment, runs));
        self.at(&call, Moment::After).await;
        if !is_wrong {
            let skips = self.state.lock().unwrap().skips;
            return finished(Ok(if skips { Verdict::Skip } else { Verdict::Pass }));
        }
        let finding = Finding {
            code: "wrong-value".into(),
            severity: Severity::Error,
            message: "row 3: expected 151.0, found 7.0".into(),
            subject: None,
        };
        Finished { report: StageReport { findings: vec![finding], ..StageReport::default() }, result: Ok(Verdict::Fail) }
    }

    async fn notify(&self, _stage: &PlannedStage, event: &ReleaseEvent) -> Finished<()> {
        let call = format!("notify {}", event.event.name());
        self.state.lock().unwrap().told = Some(event.clone());
        self.at(&call, Moment::Before).await;
        let result = self.fails("notify").map_or(Ok(()), Err);
        self.at(&call, Moment::After).await;
        finished(result)
    }

    async fn approve(&self, _stage: &PlannedStage, event: &ReleaseEvent) -> Finished<Ruling> {
        self.state.lock().unwrap().told = Some(event.clone());
        self.at("rule", Moment::Before).await;
        let ruling = self.state.lock().unwrap().ruling.clone();
        finished(Ok(ruling.unwrap_or_else(|| Ruling::Approve("the margin is wide enough".into()))))
    }
}

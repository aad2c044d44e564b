//! The stages after registration: package, provision, deploy, smoke test, notify, approve.
//!
//! What they take and give is in plain types, so that callers know nothing of the contract's bindings.

use std::collections::BTreeMap;

use serde::Serialize;
use sprag_data::Table;
use sprag_schemas::manifest::Kind;

use super::{Attempt, Verdict, guest, lend, settle};
use crate::bindings::exports::sprag::stage as exports;
use crate::bindings::sprag::stage::parts::Part as WitPart;
use crate::bindings::sprag::stage::types::{Action as WitAction, Change as WitChange, Verdict as WitVerdict};
use crate::blobs::ReaderHandle;
use crate::call::{Finished, StageCall};
use crate::engine::Runtime;
use crate::failure::StageFailure;
use crate::linker;
use crate::session::{MOST_NAME, MOST_TEXT, SessionHandle, check_length};

/// The most changes, releases or labels that one answer may hold.
const MOST_ENTRIES: usize = 1000;

/// One part of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The component that scores.
    Scorer,
    /// The model's state.
    State,
    /// `model.json`.
    Card,
    /// The profile of the training data.
    Profile,
    /// The program that serves.
    Server,
    /// What the server is made of.
    ServerBill,
    /// The model as one self-contained component.
    Component,
    /// The scorer's machine code, for the server.
    Compiled,
}

impl From<WitPart> for Part {
    fn from(part: WitPart) -> Self {
        match part {
            WitPart::Scorer => Self::Scorer,
            WitPart::State => Self::State,
            WitPart::Card => Self::Card,
            WitPart::Profile => Self::Profile,
            WitPart::Server => Self::Server,
            WitPart::ServerBill => Self::ServerBill,
            WitPart::Component => Self::Component,
            WitPart::Compiled => Self::Compiled,
        }
    }
}

/// The parts that a `package` stage may read.
pub type Parts = BTreeMap<Part, ReaderHandle>;

/// The version that is packaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageSubject {
    /// The model's name.
    pub name: String,
    /// The version's number.
    pub version: u64,
    /// The digest over scorer and state.
    pub digest: String,
    /// When it was registered (RFC 3339, UTC).
    pub created_at: String,
    /// The image's labels.
    pub labels: BTreeMap<String, String>,
}

/// What a `package` stage made, by the names of its artifacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packaged {
    /// The root: an OCI image index or manifest.
    pub root: String,
    /// The manifest of the image that serves.
    pub image: Option<String>,
    /// The self-contained component.
    pub component: Option<String>,
}

/// What happens to something outside of sprag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is removed.
    Delete,
    /// It is as it should be.
    Keep,
}

impl Action {
    /// The action's name, as reports spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Keep => "keep",
        }
    }
}

/// One change to something outside of sprag, planned or done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Change {
    /// What happens to it.
    pub action: Action,
    /// What it is, in the target's own terms.
    pub subject: String,
    /// What differs.
    pub detail: String,
}

/// A packaged version, to be deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployRelease {
    /// The version's number.
    pub version: u64,
    /// The digest over scorer and state.
    pub model_digest: String,
    /// The digest of the package.
    pub package: String,
    /// The image in a registry, by digest.
    pub image: Option<String>,
}

/// The service that runs releases of one model in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployService {
    /// The environment's name.
    pub environment: String,
    /// The model's name.
    pub model: String,
    /// The name of the secret with the bearer key.
    pub key: Option<String>,
}

/// The share of the requests that a package gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Weight {
    /// The package's digest.
    pub package: String,
    /// Percent.
    pub percent: u32,
}

/// How far a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It does not exist.
    Absent,
    /// It is being made or changed.
    Progressing,
    /// It answers.
    Ready,
    /// It will not become ready by itself.
    Failed,
}

impl Phase {
    /// The phase's name, as reports spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Progressing => "progressing",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }
}

/// A service as its adapter saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct DeployState {
    /// How far it is.
    pub phase: Phase,
    /// What there is to say about it.
    pub message: String,
    /// Where it answers.
    pub endpoint: Option<String>,
    /// The packages that run, with their shares.
    pub releases: Vec<Weight>,
}

/// What a deploy adapter is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeployTask {
    /// Say what `Apply` would do.
    Plan(DeployRelease),
    /// Run the release for all requests.
    Apply(DeployRelease),
    /// Look.
    Status,
    /// Divide the requests.
    Traffic(DeployRelease, Vec<Weight>),
    /// Put an earlier release back.
    Rollback(DeployRelease),
    /// Remove everything.
    Destroy,
}

/// What a deploy adapter answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deployed {
    /// To `Plan` and `Destroy`.
    Changes(Vec<Change>),
    /// To the others.
    State(DeployState),
}

/// Where a service answers, for its smoke test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The root of its paths.
    pub url: String,
    /// The name of the secret with its bearer key.
    pub key: Option<String>,
    /// The model's name.
    pub model: String,
    /// The digest of the model that must answer.
    pub model_digest: String,
}

/// What an `approve` stage says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// The release may go on.
    Approve(String),
    /// Not yet.
    Wait(String),
    /// It may not.
    Reject(String),
}

/// Whether a `provision` stage says what it would do, or does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProvisionTask {
    /// It says.
    Plan,
    /// It does.
    Apply,
}

impl Runtime {
    /// Packages a registered version. The artifacts are in the report.
    pub async fn package(&self, call: &StageCall, subject: &PackageSubject, parts: Parts) -> Finished<Packaged> {
        let mut attempt = Attempt::new(self, call);
        attempt.store.data_mut().parts = parts;
        attempt
            .run(self, call, Kind::Package, async |store, pre, instance, session| {
                let guest = guest!(package, store, pre, instance);
                let session = lend(store, SessionHandle(session.clone()))?;
                let subject = exports::package::Subject {
                    name: subject.name.clone(),
                    version: subject.version,
                    digest: subject.digest.clone(),
                    created_at: subject.created_at.clone(),
                    labels: subject.labels.clone().into_iter().collect(),
                };
                let called = guest.call_run(&mut *store, session, &subject).await;
                let exports::package::Packaged { root, image, component } = settle(store, called)?;
                for name in [&root].into_iter().chain(&image).chain(&component) {
                    check_length("the name of an artifact", name, 1, MOST_NAME)?;
                }
                Ok(Packaged { root, image, component })
            })
            .await
    }

    /// Provisions, or says what provisioning would do.
    pub async fn provision(&self, call: &StageCall, task: ProvisionTask) -> Finished<Vec<Change>> {
        let attempt = Attempt::new(self, call);
        attempt
            .run(self, call, Kind::Provision, async |store, pre, instance, session| {
                let guest = guest!(provision, store, pre, instance);
                let session = lend(store, SessionHandle(session.clone()))?;
                let called = match task {
                    ProvisionTask::Plan => guest.call_plan(&mut *store, session).await,
                    ProvisionTask::Apply => guest.call_apply(&mut *store, session).await,
                };
                changes(settle(store, called)?)
            })
            .await
    }

    /// Asks a deploy adapter.
    pub async fn deploy(&self, call: &StageCall, service: &DeployService, task: &DeployTask) -> Finished<Deployed> {
        let attempt = Attempt::new(self, call);
        attempt
            .run(self, call, Kind::Deploy, async |store, pre, instance, session| {
                let guest = guest!(deploy, store, pre, instance);
                let session = lend(store, SessionHandle(session.clone()))?;
                let DeployService { environment, model, key } = service.clone();
                let service = exports::deploy::Service { environment, model, key };
                let called = match task {
                    DeployTask::Plan(to) => {
                        let called = guest.call_plan(&mut *store, session, &service, &release(to)).await;
                        return Ok(Deployed::Changes(changes(settle(store, called)?)?));
                    }
                    DeployTask::Destroy => {
                        let called = guest.call_destroy(&mut *store, session, &service).await;
                        return Ok(Deployed::Changes(changes(settle(store, called)?)?));
                    }
                    DeployTask::Apply(to) => guest.call_apply(&mut *store, session, &service, &release(to)).await,
                    DeployTask::Status => guest.call_status(&mut *store, session, &service).await,
                    DeployTask::Traffic(to, weights) => {
                        let weights: Vec<_> = weights.iter().map(weight).collect();
                        guest.call_traffic(&mut *store, session, &service, &release(to), &weights).await
                    }
                    DeployTask::Rollback(to) => guest.call_rollback(&mut *store, session, &service, &release(to)).await,
                };
                Ok(Deployed::State(state(settle(store, called)?)?))
            })
            .await
    }

    /// Tries a deployed service.
    pub async fn smoke_test(&self, call: &StageCall, endpoint: &Endpoint, rows: &Table, expected: &Table) -> Finished<Verdict> {
        let attempt = Attempt::new(self, call);
        attempt
            .run(self, call, Kind::SmokeTest, async |store, pre, instance, session| {
                let guest = guest!(smoke_test, store, pre, instance);
                let session = lend(store, SessionHandle(session.clone()))?;
                let rows = lend(store, rows.clone())?;
                let expected = lend(store, expected.clone())?;
                let Endpoint { url, key, model, model_digest } = endpoint.clone();
                let endpoint = exports::smoke_test::Endpoint { url, key, model, model_digest };
                let called = guest.call_run(&mut *store, session, &endpoint, rows, expected).await;
                Ok(match settle(store, called)? {
                    WitVerdict::Pass => Verdict::Pass,
                    WitVerdict::Fail => Verdict::Fail,
                    WitVerdict::Skip => Verdict::Skip,
                })
            })
            .await
    }

    /// Tells people of an event, given as JSON.
    pub async fn notify(&self, call: &StageCall, event_json: &str) -> Finished<()> {
        let attempt = Attempt::new(self, call);
        attempt
            .run(self, call, Kind::Notify, async |store, pre, instance, session| {
                let guest = guest!(notify, store, pre, instance);
                let session = lend(store, SessionHandle(session.clone()))?;
                let called = guest.call_run(&mut *store, session, event_json).await;
                settle(store, called)
            })
            .await
    }

    /// Asks a rule whether a release, given as JSON, may go on.
    pub async fn approve(&self, call: &StageCall, request_json: &str) -> Finished<Ruling> {
        let attempt = Attempt::new(self, call);
        attempt
            .run(self, call, Kind::Approve, async |store, pre, instance, session| {
                let guest = guest!(approve, store, pre, instance);
                let session = lend(store, SessionHandle(session.clone()))?;
                let called = guest.call_run(&mut *store, session, request_json).await;
                let (reason, ruling): (String, fn(String) -> Ruling) = match settle(store, called)? {
                    exports::approve::Ruling::Approve(reason) => (reason, Ruling::Approve),
                    exports::approve::Ruling::Wait(reason) => (reason, Ruling::Wait),
                    exports::approve::Ruling::Reject(reason) => (reason, Ruling::Reject),
                };
                check_length("the reason of a ruling", &reason, 1, MOST_TEXT)?;
                Ok(ruling(reason))
            })
            .await
    }
}

fn release(release: &DeployRelease) -> exports::deploy::Release {
    let DeployRelease { version, model_digest, package, image } = release.clone();
    exports::deploy::Release { version, model_digest, package, image }
}

fn weight(weight: &Weight) -> exports::deploy::Weight {
    exports::deploy::Weight { package: weight.package.clone(), percent: weight.percent }
}

/// A state, whose texts are short enough for a record.
fn state(state: exports::deploy::State) -> Result<DeployState, StageFailure> {
    let exports::deploy::State { phase, message, endpoint, releases } = state;
    check_length("the message of a state", &message, 0, MOST_TEXT)?;
    check_length("an endpoint", endpoint.as_deref().unwrap_or_default(), 0, MOST_TEXT)?;
    check_count("releases", releases.len())?;
    for release in &releases {
        check_length("the digest of a package", &release.package, 1, MOST_NAME)?;
    }
    let phase = match phase {
        exports::deploy::Phase::Absent => Phase::Absent,
        exports::deploy::Phase::Progressing => Phase::Progressing,
        exports::deploy::Phase::Ready => Phase::Ready,
        exports::deploy::Phase::Failed => Phase::Failed,
    };
    let releases = releases.into_iter().map(|weight| Weight { package: weight.package, percent: weight.percent });
    Ok(DeployState { phase, message, endpoint, releases: releases.collect() })
}

fn changes(changes: Vec<WitChange>) -> Result<Vec<Change>, StageFailure> {
    check_count("changes", changes.len())?;
    let change = |WitChange { action, subject, detail }| {
        check_length("the subject of a change", &subject, 1, MOST_TEXT)?;
        check_length("the detail of a change", &detail, 0, MOST_TEXT)?;
        let action = match action {
            WitAction::Create => Action::Create,
            WitAction::Update => Action::Update,
            WitAction::Delete => Action::Delete,
            WitAction::Keep => Action::Keep,
        };
        Ok(Change { action, subject, detail })
    };
    changes.into_iter().map(change).collect()
}

fn check_count(what: &str, count: usize) -> Result<(), StageFailure> {
    if count <= MOST_ENTRIES {
        return Ok(());
    }
    Err(StageFailure::Contract(format!("expected at most {MOST_ENTRIES} {what}, found {count}")))
}

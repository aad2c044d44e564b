//! `deploy-local` as the component that it is, over services that are real: each of its functions, in the order in which a life goes.

use std::net::TcpStream;
use std::sync::Arc;

use sprag_core::limits::Limits;
use sprag_runtime::blobs::{BlobSink, Blobs, ReadAt};
use sprag_runtime::{
    Action, Cancel, DeployRelease, DeployService, DeployState, DeployTask, Deployed, Phase, Runtime, StageCall, StageFailure,
};
use sprag_schemas::manifest::Clock;

use crate::context::{Hidden, Project, Serving};
use crate::supervised::{DEADLINE, MONDAY, OTHER, Site, TUESDAY, block_on, eventually, kill, scored, supervisor, version};

/// Storage that an adapter has no use for.
struct NoBlobs;

impl Blobs for NoBlobs {
    fn create(&self) -> std::io::Result<Box<dyn BlobSink>> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn open(&self, _: &sprag_core::digest::Digest) -> std::io::Result<Arc<dyn ReadAt>> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

/// The adapter over the services of a site.
struct Adapter<'a> {
    runtime: Runtime,
    site: &'a Site,
}

impl<'a> Adapter<'a> {
    fn of(site: &'a Site) -> Self {
        Self { runtime: Runtime::new(None).unwrap(), site }
    }

    fn ask(&self, task: &DeployTask) -> Result<Deployed, StageFailure> {
        let (_, binary, digest) = sprag_builtin::PLUGINS.iter().find(|(name, ..)| *name == "deploy-local").unwrap();
        let call = StageCall {
            component: self.runtime.load(*digest, binary).unwrap(),
            params_json: r#"{"name":"site"}"#.to_owned(),
            seed: 0,
            inputs: std::collections::BTreeMap::new(),
            env: vec![],
            clock: Clock::Frozen,
            limits: Limits { time: DEADLINE, ..Limits::default() },
            blobs: Arc::new(NoBlobs),
            observer: Arc::new(|_| ()),
            cancel: Cancel::default(),
            outbound: None,
            folders: None,
            services: Some(Arc::new(self.site.services.clone())),
            processes: None,
        };
        let service = DeployService { environment: "staging".to_owned(), model: "diabetes".to_owned(), key: None };
        block_on(self.runtime.deploy(&call, &service, task)).result
    }

    #[track_caller]
    fn state(&self, task: &DeployTask) -> DeployState {
        match self.ask(task) {
            Ok(Deployed::State(state)) => state,
            other => panic!("expected a state, found {other:?}"),
        }
    }

    /// The one change that a task would make or made.
    #[track_caller]
    fn change(&self, task: &DeployTask) -> (Action, String) {
        match self.ask(task) {
            Ok(Deployed::Changes(mut changes)) if changes.len() == 1 => {
                let change = changes.remove(0);
                assert_eq!(change.subject, "service site");
                (change.action, change.detail)
            }
            other => panic!("expected one change, found {other:?}"),
        }
    }
}

fn release(version: u64, package: &str) -> DeployRelease {
    DeployRelease { version, model_digest: String::new(), package: package.to_owned(), image: None }
}

#[test]
fn a_service_is_planned_made_changed_taken_back_and_ended() {
    let (site, packages) = Site::of(2);
    let adapter = Adapter::of(&site);
    let [first, second] = [release(1, &packages[0]), release(2, &packages[1])];
    let plan = |to: &DeployRelease| adapter.change(&DeployTask::Plan(to.clone()));
    assert_eq!(plan(&first), (Action::Create, format!("serves {} on a free port", packages[0])));
    assert_eq!(adapter.state(&DeployTask::Status).phase, Phase::Absent);

    let made = adapter.state(&DeployTask::Apply(first.clone()));
    assert_eq!(made.phase, Phase::Ready, "{}", made.message);
    let port = made.endpoint.as_ref().unwrap().rsplit_once(':').unwrap().1.parse().unwrap();
    assert_eq!(version(port).as_deref(), Some("diabetes@1"));
    assert_eq!(plan(&first), (Action::Keep, format!("serves {}", packages[0])));
    assert_eq!(plan(&second), (Action::Update, format!("serves {} -> {}", packages[0], packages[1])));
    // Again, it changes nothing.
    let server = site.server();
    assert_eq!((adapter.state(&DeployTask::Apply(first.clone())).endpoint, site.server()), (made.endpoint, server));

    let changed = adapter.state(&DeployTask::Apply(second.clone()));
    assert_eq!((changed.phase, changed.releases[0].package.as_str()), (Phase::Ready, packages[1].as_str()));
    eventually("the second answers alone", || version(port).as_deref() == Some("diabetes@2"));
    let back = adapter.state(&DeployTask::Rollback(first.clone()));
    assert_eq!((back.phase, back.releases[0].package.as_str()), (Phase::Ready, packages[0].as_str()));
    eventually("the first answers alone", || version(port).as_deref() == Some("diabetes@1"));

    // What is no package leaves what is there, and is told.
    let failed = adapter.state(&DeployTask::Apply(release(3, &format!("sha256:{}", "0".repeat(64)))));
    assert_eq!((failed.phase, failed.releases[0].package.as_str()), (Phase::Failed, packages[0].as_str()));
    assert!(failed.message.contains("the store has no content"), "{}", failed.message);
    assert_eq!(version(port).as_deref(), Some("diabetes@1"));

    // Whoever comes next finds what an adapter that died had made, and a supervisor that died is replaced.
    kill(site.supervisor().unwrap());
    eventually("it is lost", || adapter.state(&DeployTask::Status).phase == Phase::Failed);
    assert_eq!(plan(&first), (Action::Update, "its supervisor is gone -> a new one".to_owned()));
    assert_eq!(adapter.state(&DeployTask::Apply(first.clone())).phase, Phase::Ready);
    assert_eq!(adapter.state(&DeployTask::Status).phase, Phase::Ready);

    assert_eq!(adapter.change(&DeployTask::Destroy), (Action::Delete, "stopped".to_owned()));
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    assert_eq!(adapter.change(&DeployTask::Destroy), (Action::Keep, "there is none".to_owned()));
    assert_eq!(adapter.state(&DeployTask::Status).phase, Phase::Absent);
}

#[test]
fn a_key_that_changed_takes_effect_with_the_next_release_and_no_other_secret_stays() {
    let project = Serving::of(Project::diabetes());
    project.append(
        "\n[secrets.scoring]\nenv = \"SCORING_KEY\"\nhosts = [\"127.0.0.1\"]\n\n[environments.staging]\nkey = \"scoring\"\n\
         deploy = { plugin = \"deploy-local\", grants = { services = true } }\nsmoke-test = { plugin = \"smoke-test-http\" }\n",
    );
    let _ = project.run(&["run"]).ok();
    let release = |key: &str| {
        let sprag = project.sprag(&["release", "--verbose", "--json"]).env("SCORING_KEY", key);
        sprag.env("AZURE_CLIENT_SECRET", OTHER).run().ok()
    };
    let first = release(MONDAY);
    let port = project.address("diabetes-staging").port();
    assert_eq!((scored(port, MONDAY), scored(port, TUESDAY)), (200, 401));
    let second = release(TUESDAY);
    eventually("the new key alone lets in", || (scored(port, MONDAY), scored(port, TUESDAY)) == (401, 200));
    let listed = project.run(&["releases", "latest", "--json"]).ok();
    for secret in [MONDAY, TUESDAY, OTHER].map(Hidden::of) {
        secret.is_not_told(&[&first, &second, &listed]);
        secret.is_nowhere_under(project.outside());
    }
    let found: serde_json::Value = serde_json::from_str(&project.read(".sprag/services/diabetes-staging/found.json")).unwrap();
    for process in [found["server"]["pid"].as_u64().unwrap(), supervisor(&project.root().canonicalize().unwrap()).unwrap()] {
        let environment = std::fs::read(format!("/proc/{process}/environ")).unwrap();
        Hidden::of(OTHER).is_not_in("an environment", environment);
    }
}

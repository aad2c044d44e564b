//! The standard plugins as components: with the host's network, and the tokens that the host gets for them.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use emulator_azure::{Fault, Running, Settings, What};
use serde_json::{Value, json};
use sprag_core::digest::Digest;
use sprag_core::limits::Limits;
use sprag_egress::{Network, Vault};
use sprag_runtime::blobs::{BlobSink, Blobs, ReadAt};
use sprag_runtime::{
    Action, Cancel, DeployRelease, DeployService, DeployTask, Deployed, Finished, Loaded, Phase, ProvisionTask, Runtime,
    StageCall,
};
use sprag_schemas::manifest::{Clock, Grants};
use sprag_schemas::secrets::{AzureIdentity, Secret};

use super::{GROUP, azure};

const KEY: &str = "bearer-key-of-the-callers";

/// The caller's storage: these plugins leave nothing.
struct Nowhere;

impl Blobs for Nowhere {
    fn create(&self) -> io::Result<Box<dyn BlobSink>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn open(&self, _: &Digest) -> io::Result<Arc<dyn ReadAt>> {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// The engine, which is the same for all.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new(None).unwrap())
}

fn plugin(name: &str) -> Loaded {
    let (_, bytes, digest) = sprag_builtin::PLUGINS.iter().find(|(known, ..)| *known == name).unwrap();
    runtime().load(*digest, bytes).unwrap()
}

/// An identity of the emulator's directory: a service principal, or a workload identity whose token is in a file.
fn identity(url: &str, scope: Option<&str>, is_workload: bool) -> Secret {
    let variable = |name: &str| Some(name.to_owned());
    let azure = AzureIdentity {
        tenant: Settings::default().tenant,
        client_id: Settings::default().client_id,
        secret_env: variable("AZURE_CLIENT_SECRET").filter(|_| !is_workload),
        federated_token_file_env: variable("AZURE_FEDERATED_TOKEN_FILE").filter(|_| is_workload),
        scope: scope.map(str::to_owned),
        authority: Some(url.to_owned()),
    };
    Secret { azure: Some(azure), hosts: vec!["127.0.0.1".to_owned()], ..Secret::default() }
}

/// A plugin with its parameters, which may send to the emulator alone.
struct Stage<'a> {
    azure: &'a Running,
    plugin: Loaded,
    params: Value,
    is_workload: bool,
}

impl<'a> Stage<'a> {
    fn new(azure: &'a Running, name: &str, more: &Value) -> Self {
        let account = json!({
            "subscription": Settings::default().subscription,
            "resource_group": GROUP,
            "location": "westeurope",
            "endpoint": azure.url(),
        });
        let mut params = json!({ "azure": account });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Self { azure, plugin: plugin(name), params, is_workload: false }
    }

    fn call(&self, folder: &Path) -> StageCall {
        let url = self.azure.url();
        let token_file = folder.join("token");
        std::fs::write(&token_file, Settings::default().assertion).unwrap();
        let variables = BTreeMap::from([
            ("AZURE_CLIENT_SECRET", Settings::default().client_secret),
            ("AZURE_FEDERATED_TOKEN_FILE", token_file.display().to_string()),
            ("SCORING_KEY", KEY.to_owned()),
        ]);
        let key = Secret { env: Some("SCORING_KEY".to_owned()), hosts: vec!["127.0.0.1".to_owned()], ..Secret::default() };
        let secrets = BTreeMap::from([
            ("azure".to_owned(), identity(&url, None, self.is_workload)),
            ("storage".to_owned(), identity(&url, Some("https://storage.azure.com/.default"), self.is_workload)),
            ("scoring".to_owned(), key),
        ]);
        let names = ["azure", "storage", "scoring"];
        let environment = |name: &str| variables.get(name).cloned();
        let vault = Vault::open(&secrets, names, &environment, folder).unwrap();
        let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
        let grants = Grants { http: texts(&[&url]), secrets: texts(&names), ..Grants::default() };
        let network = Network::of("staging.deploy", "environments.staging.deploy", &grants, &vault).build().unwrap();
        StageCall {
            component: self.plugin.clone(),
            params_json: self.params.to_string(),
            seed: 7,
            inputs: BTreeMap::new(),
            env: vec![],
            clock: Clock::Frozen,
            limits: Limits { time: Duration::from_secs(300), ..Limits::default() },
            blobs: Arc::new(Nowhere),
            observer: Arc::new(|_| ()),
            cancel: Cancel::default(),
            outbound: Some(Arc::new(network)),
            folders: None,
            services: None,
            processes: None,
        }
    }

    fn deploy(&self, task: &DeployTask) -> Finished<Deployed> {
        let folder = tempfile::tempdir().unwrap();
        let service =
            DeployService { environment: "staging".to_owned(), model: "diabetes".to_owned(), key: Some("scoring".to_owned()) };
        self.scanned(tokio().block_on(runtime().deploy(&self.call(folder.path()), &service, task)))
    }

    fn provision(&self, task: ProvisionTask) -> Vec<Action> {
        let folder = tempfile::tempdir().unwrap();
        let finished = self.scanned(tokio().block_on(runtime().provision(&self.call(folder.path()), task)));
        finished.result.unwrap().iter().map(|change| change.action).collect()
    }

    /// What a stage says has no value of a secret in it.
    fn scanned<T: std::fmt::Debug>(&self, finished: Finished<T>) -> Finished<T> {
        let told = format!("{:?} {:?}", finished.result, finished.report);
        let settings = Settings::default();
        for value in [KEY, &settings.client_secret, &settings.assertion, "emulated.1.token"] {
            assert!(!told.contains(value), "`{value}` is in {told}");
        }
        finished
    }

    fn state(&self, task: &DeployTask) -> (Phase, Vec<(String, u32)>) {
        match self.deploy(task).result.unwrap() {
            Deployed::State(state) => {
                (state.phase, state.releases.into_iter().map(|weight| (weight.package, weight.percent)).collect())
            }
            Deployed::Changes(changes) => panic!("expected a state, found {changes:?}"),
        }
    }

    fn actions(&self, task: &DeployTask) -> Vec<Action> {
        match self.deploy(task).result.unwrap() {
            Deployed::Changes(changes) => changes.iter().map(|change| change.action).collect(),
            Deployed::State(state) => panic!("expected changes, found {state:?}"),
        }
    }
}

fn tokio() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

fn release(version: u64, letter: &str) -> DeployRelease {
    let digest = format!("sha256:{}", letter.repeat(64));
    DeployRelease {
        version,
        model_digest: digest.clone(),
        package: digest.clone(),
        image: Some(format!("models.azurecr.io/diabetes@{digest}")),
    }
}

/// That a release gets all requests.
fn whole(letter: &str) -> (Phase, Vec<(String, u32)>) {
    (Phase::Ready, vec![(format!("sha256:{}", letter.repeat(64)), 100)])
}

/// The bearer key went to Azure in members that it shows to nobody, and no credential went into a body at all.
fn check_bodies(azure: &Running) {
    let azure = azure.azure();
    for asked in &azure.asked {
        let body = asked.body.to_string();
        let shown = format!("{}{body}", asked.target);
        assert!(!shown.contains("emulated") && !asked.target.contains(KEY), "{shown}");
        assert!(!body.contains("sprag-secret-"), "a placeholder was left: {body}");
    }
}

#[test]
fn a_container_group_by_a_service_principal() {
    let azure = azure();
    let stage = Stage::new(&azure, "deploy-aci", &json!({}));
    assert_eq!(stage.actions(&DeployTask::Plan(release(1, "a"))), [Action::Create]);
    assert_eq!(stage.state(&DeployTask::Apply(release(1, "a"))), whole("a"));
    assert_eq!(stage.actions(&DeployTask::Plan(release(1, "a"))), [Action::Keep]);
    assert_eq!(stage.state(&DeployTask::Status), whole("a"));
    let given = azure.azure().tokens_given();
    assert_eq!(given, 4, "one token for each call");
    let body = azure.azure().asked.iter().find(|asked| asked.method == "PUT").unwrap().body.clone();
    let variable = &body["properties"]["containers"][0]["properties"]["environmentVariables"][0];
    assert_eq!(variable, &json!({ "name": "SPRAG_SERVE_KEY", "secureValue": KEY }));
    assert_eq!(stage.actions(&DeployTask::Destroy), [Action::Delete]);
    assert_eq!(stage.state(&DeployTask::Status), (Phase::Absent, vec![]));
    check_bodies(&azure);
}

#[test]
fn a_web_app_by_a_workload_identity() {
    let azure = azure();
    let mut stage = Stage::new(&azure, "deploy-webapp", &json!({ "plan": { "size": "P0v3" } }));
    stage.is_workload = true;
    assert_eq!(stage.state(&DeployTask::Apply(release(1, "a"))), whole("a"));
    assert_eq!(stage.state(&DeployTask::Apply(release(2, "b"))), whole("b"));
    assert_eq!(stage.state(&DeployTask::Rollback(release(1, "a"))), whole("a"));
    assert_eq!(stage.actions(&DeployTask::Destroy), [Action::Delete, Action::Delete]);
    check_bodies(&azure);
}

#[test]
fn a_workspace_and_an_endpoint_in_it() {
    let azure = azure();
    let compute = json!({ "base": "diabetes", "names": { "workspace": "team" }, "compute": { "train-cluster": {} } });
    let provision = Stage::new(&azure, "provision-azure", &compute);
    assert!(provision.provision(ProvisionTask::Plan).contains(&Action::Create));
    let made = provision.provision(ProvisionTask::Apply);
    assert_eq!(made.iter().filter(|action| **action == Action::Create).count(), 7, "all but the group, which was there");
    assert!(provision.provision(ProvisionTask::Apply).iter().all(|action| *action == Action::Keep));

    let blobs = format!("{}/blob/diabetesstorage", azure.url());
    let params = json!({ "workspace": "team", "registration": { "secret": "storage", "endpoint": blobs } });
    let stage = Stage::new(&azure, "deploy-azureml", &params);
    assert_eq!(stage.state(&DeployTask::Apply(release(1, "a"))), whole("a"));
    let share = |letter: &str, percent| sprag_runtime::Weight { package: format!("sha256:{}", letter.repeat(64)), percent };
    let divided = stage.state(&DeployTask::Traffic(release(2, "b"), vec![share("a", 90), share("b", 10)]));
    assert_eq!(divided.1.iter().map(|(_, percent)| *percent).collect::<Vec<_>>(), [90, 10]);
    assert_eq!(stage.state(&DeployTask::Apply(release(2, "b"))), whole("b"));
    assert_eq!(stage.state(&DeployTask::Rollback(release(1, "a"))), whole("a"));
    assert!(azure.azure().blob("diabetesstorage/azureml-blobstore-88888888/sprag/diabetes/1/model.json").is_some());
    check_bodies(&azure);
}

#[test]
fn a_plugin_that_dies_between_create_and_status_is_adopted() {
    let azure = azure();
    let stage = Stage::new(&azure, "deploy-aci", &json!({}));
    // The answer that says where the operation is to be followed is lost, and every later one refused, as if nobody was left to ask.
    azure.azure().faults.push(Fault::next("PUT", "containerGroups", What::LoseAnswer));
    let refused = What::Refuse { status: 400, code: "Gone", retry_after: None };
    azure.azure().faults.push(Fault { method: "PUT", target: "containerGroups".to_owned(), after: 0, what: refused });
    assert!(stage.deploy(&DeployTask::Apply(release(1, "a"))).result.is_err());
    assert_eq!(stage.state(&DeployTask::Apply(release(1, "a"))), whole("a"));
    let done = azure.azure().asked.iter().filter(|asked| asked.method == "PUT" && asked.status != 400).count();
    assert_eq!(done, 1, "what the first call began is what the second found");
    check_bodies(&azure);
}

#[test]
fn an_identity_that_is_refused_says_so() {
    let azure = azure();
    azure.azure().settings.client_secret = "another since this morning".to_owned();
    let stage = Stage::new(&azure, "deploy-aci", &json!({}));
    let failure = format!("{:?}", stage.deploy(&DeployTask::Apply(release(1, "a"))).result.unwrap_err());
    assert!(failure.contains("invalid_client AADSTS7000215: Invalid client secret provided."), "{failure}");
}

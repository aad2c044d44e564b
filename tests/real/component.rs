//! `deploy-kubernetes` as it is built into the program, asked for what no command asks it yet: to divide requests, and to go.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use sprag_core::digest::Digest;
use sprag_core::limits::Limits;
use sprag_egress::{Network, Vault};
use sprag_runtime::blobs::{BlobSink, Blobs, ReadAt};
use sprag_runtime::{
    Cancel, DeployRelease, DeployService, DeployState, DeployTask, Deployed, Finished, Phase, Runtime, StageCall, Weight,
};
use sprag_schemas::manifest::{Clock, Grants};
use sprag_schemas::secrets::{Kubeconfig, Secret};

use crate::kubernetes::Kubernetes;

/// Storage of a caller that keeps nothing.
struct Nowhere;

impl Blobs for Nowhere {
    fn create(&self) -> io::Result<Box<dyn BlobSink>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn open(&self, _: &Digest) -> io::Result<Arc<dyn ReadAt>> {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// The network of the stage, with the cluster's credentials.
fn network(kubernetes: &Kubernetes) -> Network {
    let kubeconfig = Kubeconfig { path: Some(kubernetes.kubeconfig()), context: None };
    let secrets = BTreeMap::from([("kubeconfig".to_owned(), Secret { kubeconfig: Some(kubeconfig), ..Secret::default() })]);
    let vault = Vault::open(&secrets, ["kubeconfig"], &|_| None, Path::new("/")).unwrap();
    let grants = Grants { http: vec![kubernetes.server.url()], secrets: vec!["kubeconfig".to_owned()], ..Grants::default() };
    Network::of("staging.deploy", "environments.staging.deploy", &grants, &vault).build().unwrap()
}

fn release(letter: char) -> DeployRelease {
    let digest = format!("sha256:{}", letter.to_string().repeat(64));
    let image = Some(format!("registry.example.com/diabetes@{digest}"));
    DeployRelease { version: 1, model_digest: digest.clone(), package: digest, image }
}

fn weights(shares: &[(char, u32)]) -> Vec<Weight> {
    shares.iter().map(|(letter, percent)| Weight { package: release(*letter).package, percent: *percent }).collect()
}

#[track_caller]
fn state(finished: Finished<Deployed>) -> DeployState {
    match finished.result.unwrap() {
        Deployed::State(state) => state,
        Deployed::Changes(changes) => panic!("expected a state, found {changes:?}"),
    }
}

#[test]
fn requests_are_divided_and_all_is_removed() {
    // The cluster's server has a runtime of its own, which is neither made nor dropped within another.
    let kubernetes = Kubernetes::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(divide_and_remove(&kubernetes));
}

async fn divide_and_remove(kubernetes: &Kubernetes) {
    let binary = sprag_builtin::PLUGINS.iter().find(|(name, ..)| *name == "deploy-kubernetes").unwrap().1;
    let runtime = Runtime::new(Some(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli-cache"))).unwrap();
    let call = StageCall {
        component: runtime.load(Digest::of(binary), binary).unwrap(),
        params_json: r#"{"handover_seconds":1}"#.to_owned(),
        seed: 1,
        inputs: BTreeMap::new(),
        env: vec![],
        clock: Clock::Frozen,
        limits: Limits::default(),
        blobs: Arc::new(Nowhere),
        observer: Arc::new(|_| ()),
        cancel: Cancel::default(),
        outbound: Some(Arc::new(network(kubernetes))),
        folders: None,
        services: None,
        processes: None,
    };
    let service = DeployService { environment: "staging".to_owned(), model: "diabetes".to_owned(), key: None };
    let ask = async |task: DeployTask| runtime.deploy(&call, &service, &task).await;
    let divide = async |letter: char, shares: &[(char, u32)]| {
        let state = state(ask(DeployTask::Traffic(release(letter), weights(shares))).await);
        assert_eq!(state.phase, Phase::Ready, "{state:?}");
        (state.releases, kubernetes.cluster.endpoints("staging", "diabetes-staging").len())
    };
    assert_eq!(state(ask(DeployTask::Status).await).phase, Phase::Absent);
    assert_eq!(divide('a', &[('a', 100)]).await, (weights(&[('a', 100)]), 1));
    assert_eq!(divide('b', &[('a', 90), ('b', 10)]).await, (weights(&[('a', 90), ('b', 10)]), 10));
    let found = state(ask(DeployTask::Status).await);
    assert_eq!((found.releases, found.phase), (weights(&[('a', 90), ('b', 10)]), Phase::Ready));
    let refused = ask(DeployTask::Traffic(release('b'), weights(&[('a', 99), ('b', 1)]))).await.result.unwrap_err();
    assert!(refused.to_record().message.contains("to which the closest is 95 % + 5 %"), "{refused:?}");
    let Deployed::Changes(changes) = ask(DeployTask::Destroy).await.result.unwrap() else { panic!("expected changes") };
    assert_eq!(changes.len(), 3, "{changes:?}");
    assert_eq!(state(ask(DeployTask::Status).await).phase, Phase::Absent);
}

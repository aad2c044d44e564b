//! A component with the network: what it gets, what it is refused, and what it never sees.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sprag_core::digest::Digest;
use sprag_core::limits::Limits;
use sprag_egress::Network;
use sprag_runtime::blobs::{BlobSink, Blobs, ReadAt};
use sprag_runtime::{Cancel, Change, Finished, Loaded, ProvisionTask, Runtime, StageCall, StageFailure};
use sprag_schemas::manifest::Clock;
use sprag_schemas::record::StageReport;

use crate::support::{Server, grants, network, plain, vault};

const VALUE: &str = "v3ry-s3cr3t-value";

/// The caller's storage: this program leaves nothing.
struct Nowhere;

impl Blobs for Nowhere {
    fn create(&self) -> io::Result<Box<dyn BlobSink>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn open(&self, _: &Digest) -> io::Result<Arc<dyn ReadAt>> {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// The engine and the program, compiled once.
fn program() -> &'static (Runtime, Loaded) {
    static PROGRAM: OnceLock<(Runtime, Loaded)> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let binary = std::fs::read(sprag_test_programs::CALLER).unwrap();
        let runtime = Runtime::new(None).unwrap();
        let loaded = runtime.load(Digest::of(&binary), &binary).unwrap();
        (runtime, loaded)
    })
}

/// Runs an act with a network.
async fn run(network: Network, act: &str, url: &str) -> Finished<Vec<Change>> {
    let reversed: String = VALUE.chars().rev().collect();
    let call = StageCall {
        component: program().1.clone(),
        params_json: format!(r#"{{"act":"{act}","url":"{url}","reversed":"{reversed}"}}"#),
        seed: 7,
        inputs: BTreeMap::new(),
        env: vec![],
        clock: Clock::Frozen,
        limits: Limits { time: Duration::from_secs(120), logs: 64 << 10, ..Limits::default() },
        blobs: Arc::new(Nowhere),
        observer: Arc::new(|_| ()),
        cancel: Cancel::default(),
        outbound: Some(Arc::new(network)),
        folders: None,
        services: None,
        processes: None,
    };
    program().0.provision(&call, ProvisionTask::Apply).await
}

fn logs(report: &StageReport) -> String {
    report.logs.iter().map(|line| format!("{} {:?}\n", line.message, line.fields)).collect()
}

#[tokio::test]
async fn each_request_is_in_the_log_without_its_query() {
    let server = Server::ok().await;
    let url = format!("{}/a?token=x", server.url());
    let finished = run(plain(&[&server.url()]), "get", &url).await;
    assert_eq!(finished.result, Ok(vec![]));
    let told = logs(&finished.report);
    let entry = format!("GET {}/a: 200 {{\"bytes-received\": \"2\", \"bytes-sent\": \"0\"}}", server.url());
    assert!(told.contains(&entry), "{told}");
    assert!(!told.contains("token=x"), "{told}");
    let finished = run(plain(&[&server.url()]), "post", &url).await;
    let told = logs(&finished.report);
    assert!(told.contains("\"bytes-sent\": \"100000\""), "{told}");
    assert_eq!(server.seen.lock().unwrap()[1].body().len(), 100_000);
}

#[tokio::test]
async fn a_refusal_reaches_the_guest_and_the_log_in_full() {
    let server = Server::ok().await;
    let told = logs(&run(plain(&[]), "get", &server.url()).await.report);
    let line = format!("`environments.staging.deploy.grants.http = [\"{}\"]`", server.url());
    assert_eq!(told.matches(&line).count(), 2, "{told}");
    assert!(told.contains("transient: false"), "{told}");
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn an_outage_is_told_as_one_that_may_pass() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    let told = logs(&run(plain(&[&url]), "get", &url).await.report);
    assert!(told.contains("transient: true, no connection to"), "{told}");
}

#[tokio::test]
async fn a_guest_uses_a_secret_that_is_nowhere_in_what_it_sees() {
    let server = Server::echo().await;
    let network = network(&grants(&[&server.url()], &["key"]), &vault(VALUE, &["127.0.0.1"]));
    let finished = run(network, "get-with-key", &server.url()).await;
    assert_eq!(finished.result, Ok(vec![]));
    let seen = server.only();
    assert_eq!(seen.headers()["authorization"], format!("Bearer {VALUE}").as_str(), "the server got it");
    let told = logs(&finished.report);
    assert!(told.contains("placeholder in memory true, value in memory false") && told.contains("env []"), "{told}");
    let everything = format!("{:?}", finished.report);
    assert!(!everything.contains(VALUE), "{everything}");
}

#[tokio::test]
async fn a_flood_of_requests_ends_at_the_limit_on_logs() {
    let server = Server::ok().await;
    let finished = run(plain(&[&server.url()]), "flood", &server.url()).await;
    let failure = finished.result.unwrap_err();
    assert!(matches!(&failure, StageFailure::Limit(hit) if hit.key == "logs"), "{failure:?}");
    // Each request and the line after it take over 40 bytes of the 64 KiB.
    assert!(server.count() < (64 << 10) / 40, "{}", server.count());
}

#[tokio::test]
async fn a_stage_with_the_network_can_wait() {
    let told = logs(&run(plain(&[]), "wait", "").await.report);
    assert!(told.contains("waited true"), "{told}");
}

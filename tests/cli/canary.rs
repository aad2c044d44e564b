//! Several models behind one service, through the program: shares, an analysis that survives a restart, and what `deploy-local` divides. What the service
//! itself does with challengers is tested where it lives.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use serde_json::{Value, json};
use sprag_core::limits::Limits;
use sprag_runtime::blobs::{BlobSink, Blobs, ReadAt};
use sprag_runtime::{Cancel, DeployRelease, DeployService, DeployState, DeployTask, Deployed, Phase, Runtime, StageCall, Weight};
use sprag_schemas::manifest::Clock;
use sprag_schemas::package::Package;

use crate::context::http::Client;
use crate::context::{Project, Service};
use crate::supervised::Site;

/// A row of the diabetes data.
const ROW: &[u8] = br#"{"data":[[1,2,3,4,5,6,7,8,9,10]]}"#;

/// No test waits for longer than this, whatever the machine is busy with.
const DEADLINE: Duration = Duration::from_secs(120);

/// Steps that any challenger takes quickly which fails nothing.
const STEPS: &str = "[[steps]]\nweight = 20\nrequests = 20\n[[steps]]\nweight = 50\nrequests = 20\n";

/// The diabetes example with two versions.
fn twice() -> Project {
    let project = Project::diabetes();
    let _ = project.run(&["run"]).ok();
    let _ = project.run(&["run", "--param", "train.alpha=0.4"]).ok();
    project
}

/// How many of a hundred requests each version answered, by the version that the answer names; their answers differ accordingly.
fn divided(client: &mut Client<std::net::TcpStream>) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    let mut answers: BTreeMap<String, String> = BTreeMap::new();
    for _ in 0..100 {
        let answer = client.post("/score", ROW);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let version = answer.header("x-sprag-model-version").unwrap().to_owned();
        let before = answers.entry(version.clone()).or_insert_with(|| answer.text().to_owned());
        assert_eq!(answer.text(), before, "{version}");
        *counts.entry(version).or_default() += 1;
    }
    let distinct: std::collections::BTreeSet<_> = answers.values().collect();
    assert_eq!(distinct.len(), answers.len(), "two models answer alike");
    counts
}

/// Waits until a challenger is loaded and gives what `/variants` says.
#[track_caller]
fn variants(service: &Service, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let since = Instant::now();
    loop {
        let found = service.client().get("/variants").json();
        if is_so(&found) {
            return found;
        }
        assert!(since.elapsed() < DEADLINE, "expected within {DEADLINE:?}: {what}, found {found}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn is_loaded(found: &Value) -> bool {
    found["variants"].as_array().unwrap().iter().all(|variant| variant["version"].is_string())
}

#[test]
fn a_challenger_answers_its_share() {
    let project = twice();
    let service = Service::start(&project, &["diabetes@1", "--challenger", "b=@production=30", "--shadow", "s=diabetes@2"]);
    let found = variants(&service, "all are loaded", is_loaded);
    let told: Vec<_> = found["variants"].as_array().unwrap().iter().map(|v| (&v["name"], &v["part"], &v["version"])).collect();
    let expected = [("champion", "champion", "1"), ("b", "weighted", "2"), ("s", "shadow", "2")]
        .map(|(a, b, c)| (json!(a), json!(b), json!(c)));
    assert_eq!(told, expected.iter().map(|(a, b, c)| (a, b, c)).collect::<Vec<_>>());
    let counts = divided(&mut service.client());
    let of_b = counts["diabetes@2"];
    assert!((28..=32).contains(&of_b), "{counts:?}");
    let pinned = [("content-type", "application/json"), ("x-api-version", "b")];
    let pinned = service.client().request("POST", "/score", &pinned, ROW);
    assert_eq!((pinned.status, pinned.header("x-sprag-variant")), (200, Some("b")));
    variants(&service, "the shadow is compared", |found| found["variants"][2]["compared"]["requests"].as_u64() >= Some(1));
    let _ = service.stop().ok();
}

#[test]
fn an_analysis_takes_a_challenger_to_all_requests_and_survives_a_restart() {
    let project = twice();
    project.write("canary.toml", STEPS);
    let args = ["diabetes@1", "--challenger", "b=diabetes@2", "--canary", "canary.toml"];
    let service = Service::start(&project, &args);
    let is_complete = |found: &Value| found["canary"]["progress"]["state"] == "complete";
    let mut client = service.client();
    variants(&service, "the challenger has all requests", |found| {
        let _ = divided(&mut Client::connect(service.address));
        is_complete(found)
    });
    assert_eq!(divided(&mut client), BTreeMap::from([("diabetes@2".to_owned(), 100)]));
    drop(client);
    let _ = service.stop().ok();
    assert!(project.read(".sprag/canary/b.json").contains("\"complete\""));
    let again = Service::start(&project, &args);
    let found = variants(&again, "it is known", |found| found["canary"]["progress"].is_object());
    assert!(is_complete(&found), "{found}");
    assert_eq!(divided(&mut again.client()), BTreeMap::from([("diabetes@2".to_owned(), 100)]));
    let _ = again.stop().ok();
}

#[test]
fn packages_divide_the_requests() {
    let project = twice();
    let package = |version: u32| -> String {
        let package: Package = project.run(&["package", &format!("diabetes@{version}"), "--json"]).ok().json();
        package.digest
    };
    let (first, second) = (format!("{}=25", package(1)), format!("{}=75", package(2)));
    let service = Service::start(&project, &["--package", &first, "--package", &second]);
    let counts = divided(&mut service.client());
    assert!((23..=27).contains(&counts["diabetes@1"]), "{counts:?}");
    let found = service.client().get("/variants").json();
    assert_eq!((&found["variants"][0]["version"], &found["variants"][1]["name"]), (&json!("2"), &json!("challenger")));
    let _ = service.stop().ok();
}

struct NoBlobs;

impl Blobs for NoBlobs {
    fn create(&self) -> std::io::Result<Box<dyn BlobSink>> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn open(&self, _: &sprag_core::digest::Digest) -> std::io::Result<Arc<dyn ReadAt>> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

/// Asks `deploy-local` to divide the requests.
fn traffic(site: &Site, weights: &[(&str, u32)]) -> DeployState {
    let (_, binary, digest) = sprag_builtin::PLUGINS.iter().find(|(name, ..)| *name == "deploy-local").unwrap();
    let runtime = Runtime::new(None).unwrap();
    let call = StageCall {
        component: runtime.load(*digest, binary).unwrap(),
        params_json: r#"{"name":"site"}"#.to_owned(),
        seed: 0,
        inputs: BTreeMap::new(),
        env: vec![],
        clock: Clock::Frozen,
        limits: Limits { time: DEADLINE, ..Limits::default() },
        blobs: Arc::new(NoBlobs),
        observer: Arc::new(|_| ()),
        cancel: Cancel::default(),
        outbound: None,
        folders: None,
        services: Some(Arc::new(site.services.clone())),
        processes: None,
    };
    let release = DeployRelease { version: 2, model_digest: String::new(), package: weights[1].0.to_owned(), image: None };
    let service = DeployService { environment: "staging".to_owned(), model: "diabetes".to_owned(), key: None };
    let weight = |(package, percent): &(&str, u32)| Weight { package: (*package).to_owned(), percent: *percent };
    let task = DeployTask::Traffic(release, weights.iter().map(weight).collect());
    match crate::supervised::block_on(runtime.deploy(&call, &service, &task)).result.unwrap() {
        Deployed::State(state) => state,
        other => panic!("expected a state, found {other:?}"),
    }
}

#[test]
fn deploy_local_divides_the_requests_between_two_packages() {
    let (site, packages) = Site::of(2);
    let address = |state: &DeployState| state.endpoint.as_ref().unwrap().strip_prefix("http://").unwrap().parse().unwrap();
    for (shares, expected) in [((90, 10), 88..=92), ((40, 60), 38..=42)] {
        let state = traffic(&site, &[(&packages[0], shares.0), (&packages[1], shares.1)]);
        assert_eq!(state.phase, Phase::Ready, "{}", state.message);
        let counts = divided(&mut Client::connect(address(&state)));
        assert!(expected.contains(&counts["diabetes@1"]) && counts.len() == 2, "{counts:?}");
    }
}

#[test]
fn what_cannot_be_divided_is_told_before_anything_starts() {
    let project = twice();
    project.write("canary.toml", STEPS);
    project.write("typo.toml", "[[steps]]\nwieght = 5\n");
    project.write("whole.toml", "[[steps]]\nweight = 100\n");
    let told = |args: &[&str]| {
        let args: Vec<_> = ["serve", "diabetes@1", "--listen", "127.0.0.1:0"].iter().chain(args).copied().collect();
        project.run(&args).exits(sprag_schemas::exit_code::BAD_PROJECT).stderr
    };
    assert_snapshot!(told(&["--challenger", "b=diabetes@2"]), @r"
    error: expected a share for the challenger `b`, found none

    hint: write `--challenger b=diabetes@2=10`, or let `--canary` set it
    ");
    assert_snapshot!(told(&["--challenger", "b=diabetes@9=10"]), @r"
    error: the model `diabetes` has no version 9; it has versions 1 to 2

    hint: `diabetes` alone means the newest version
    ");
    assert_snapshot!(told(&["--challenger", "b=diabetes@2=60", "--challenger", "c=diabetes@2=60"]), @"error: expected challengers with at most 100 % of the requests together, found 120 %");
    assert_snapshot!(told(&["--shadow", "s=diabetes@2=5"]), @r"
    error: expected no share for the shadow `s`, found one

    hint: a shadow answers no requests; `--challenger` takes a share of them
    ");
    assert_snapshot!(told(&["--challenger", "b=diabetes@2", "--canary", "typo.toml"]), @r"
    error: the analysis in `typo.toml`: TOML parse error at line 2, column 1
      |
    2 | wieght = 5
      | ^^^^^^
    unknown field `wieght`, expected one of `weight`, `pause`, `requests`
    ");
    assert_snapshot!(told(&["--challenger", "b=diabetes@2", "--canary", "whole.toml"]), @"error: the analysis in `whole.toml`: expected a `weight` from 1 to 99 in step 1, found 100: all requests come after the last step");
    assert_snapshot!(told(&["--challenger", "b=diabetes@2", "--canary", "missing.toml"]), @"error: failed to read `missing.toml`: No such file or directory (os error 2)");
    assert_snapshot!(told(&["--challenger", "b=diabetes@2=10", "--canary", "canary.toml"]), @"error: expected no share for a challenger whose weight an analysis sets, found 10 %");
    assert_snapshot!(told(&["--shadow", "s=diabetes@2", "--canary", "canary.toml"]), @"error: expected one challenger that answers where an analysis sets its weight, found 0");
}

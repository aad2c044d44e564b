//! `sprag server`: runs on request and by triggers, who may do what, and what is left after the worst moments.

use std::fs;
use std::io::Read;
use std::net::TcpStream;

use serde_json::{Value, json};
use sprag_schemas::exit_code;
use sprag_schemas::pipeline::{Cause, RequestState, RunRequest};
use sprag_schemas::record::{RunOutcome, RunRecord};
use sprag_test_programs::CHECK;

use crate::context::http::{Answer, Client};
use crate::context::{Hidden, Project, Service};

/// What a server has to be told so that a test finds it.
const FREE: [&str; 5] = ["server", "--listen", "127.0.0.1:0", "--ready-file", "ready"];

fn serve(project: &Project) -> Service {
    Service::of(project, project.sprag(&FREE), &[])
}

/// The diabetes example, published.
fn published() -> Project {
    let project = Project::diabetes();
    let _ = project.run(&["publish"]).ok();
    project
}

/// One whose check goes on until it is asked to stop.
fn endless() -> Project {
    let project = Project::diabetes();
    project.write("check.wasm", fs::read(CHECK).unwrap());
    project.edit("plugin = \"check-tabular\"", "plugin = \"./check.wasm\"\nparams = { act = \"honour-stop\" }");
    let _ = project.run(&["publish"]).ok();
    project
}

/// Asks for a run, and gives its request.
#[track_caller]
fn start(client: &mut Client<TcpStream>, body: &Value) -> RunRequest {
    let answer = client.post("/api/v1/pipelines/diabetes/runs", body.to_string().as_bytes());
    assert_eq!(answer.status, 202, "{}", answer.text());
    let request: RunRequest = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer.header("location"), Some(format!("/api/v1/runs/{}", request.id).as_str()));
    request
}

/// The events of a run until it is over, as they were sent.
fn events(service: &Service, id: &str, from: &str) -> String {
    let mut client = service.client();
    let headers = [("connection", "close"), ("last-event-id", from)];
    client.send_request("GET", &format!("/api/v1/runs/{id}/events"), &headers, b"");
    let mut text = String::new();
    let _all = client.stream.read_to_string(&mut text).unwrap();
    text
}

fn run_of(client: &mut Client<TcpStream>, id: &str) -> (Option<RunRequest>, Option<RunRecord>) {
    let view = client.get(&format!("/api/v1/runs/{id}")).json();
    (serde_json::from_value(view["request"].clone()).unwrap(), serde_json::from_value(view["run"].clone()).unwrap())
}

/// Waits for the end of a run.
fn ended(service: &Service, id: &str) -> RunRecord {
    let _events = events(service, id, "0");
    run_of(&mut service.client(), id).1.unwrap()
}

/// Waits until a run is under way.
fn under_way(service: &Service, id: &str) {
    let mut client = service.client();
    client.send_request("GET", &format!("/api/v1/runs/{id}/events"), &[], b"");
    let (mut text, mut piece) = (String::new(), [0; 4096]);
    while !text.contains("event: stage-started") {
        let count = client.stream.read(&mut piece).unwrap();
        assert!(count > 0, "{text}");
        text += &String::from_utf8_lossy(&piece[..count]);
    }
}

#[track_caller]
fn problem(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{}", answer.text());
    let json = answer.json();
    assert_eq!(json["status"], answer.status);
    (answer.status, json["detail"].as_str().unwrap().to_owned())
}

#[test]
fn a_run_is_asked_for_followed_and_on_record() {
    let project = published();
    let service = serve(&project);
    let mut client = service.client();
    let request = start(&mut client, &json!({ "params": { "train.alpha": 0.4 }, "tags": { "BuildId": "1234" } }));
    let told = events(&service, &request.id, "0");
    assert!(told.contains("content-type: text/event-stream"), "{told}");
    for event in ["run-started", "stage-started", "stage-finished", "run-finished"] {
        assert!(told.contains(&format!("event: {event}\n")), "{event}: {told}");
    }
    let later = events(&service, &request.id, "3");
    assert!(!later.contains("id: 3\n") && later.contains("id: 4\n"), "whoever was cut off goes on: {later}");
    let (asked, run) = run_of(&mut client, &request.id);
    let (asked, run) = (asked.unwrap(), run.unwrap());
    assert_eq!((asked.state, asked.attempts, asked.run.as_deref()), (RequestState::Finished, 1, Some(request.id.as_str())));
    assert_eq!((run.outcome, run.tags["BuildId"].as_str()), (RunOutcome::Promoted, "1234"));
    assert_eq!(run.trigger.unwrap().cause, Cause::Request);
    let runs = client.get("/api/v1/runs?outcome=promoted&limit=10").json();
    assert_eq!(runs.as_array().unwrap().len(), 1);
    assert_eq!(client.get(&format!("/api/v1/runs?before={}", request.id)).json(), json!([]));
    assert_eq!(client.get("/api/v1/models").json()[0]["aliases"]["production"], 1);
    assert_eq!(client.get("/api/v1/models/diabetes/aliases/production").json()[0]["version"], 1);
    let state = client.get(&format!("/api/v1/runs/{}/artifacts/evaluate/predictions.csv", request.id));
    assert!(matches!(state.status, 200 | 404), "{state:?}");
    let figures = client.get("/metrics");
    assert!(figures.text().contains(r#"sprag_server_runs{project="diabetes",outcome="promoted"} 1"#), "{}", figures.text());
    let entries = client.get("/api/v1/audit").json();
    assert_eq!(
        (&entries[0]["action"], &entries[0]["by"], &entries[0]["subject"]),
        (&json!("run.request"), &json!("tester"), &json!(request.id))
    );
    let _ = service.stop().ok();
    let whole = project.run(&["audit", "verify"]).ok().stdout;
    assert!(whole.starts_with("whole: 1 entries"), "{whole}");
}

#[test]
fn what_makes_no_sense_is_refused_and_starts_nothing() {
    let project = published();
    let service = serve(&project);
    let mut client = service.client();
    let runs = "/api/v1/pipelines/diabetes/runs";
    for (path, body, status, expected) in [
        ("/api/v1/pipelines/iris/runs", "{}", 404, "no pipeline is called `iris`; published are `diabetes`"),
        (runs, r#"{"version":7}"#, 404, "the pipeline `diabetes` has no version 7"),
        (runs, r#"{"params":{"tain.alpha":1}}"#, 400, "expected a stage of the project"),
        (runs, r#"{"params":{"train.alpha":"much"}}"#, 400, "alpha"),
        (runs, r#"{"parms":{}}"#, 400, "unknown field `parms`, expected one of `version`, `params`, `tags`"),
        (runs, "{", 400, "the body: EOF"),
        ("/api/v1/nothing", "{}", 404, "there is nothing at `/api/v1/nothing`"),
        ("/api/v1/runs", "{}", 405, "`/api/v1/runs` does not take this method"),
        ("/api/v1/runs/none/cancel", "{}", 404, "no run is called `none`"),
    ] {
        let (found, detail) = problem(&client.post(path, body.as_bytes()));
        assert_eq!(found, status, "{path} {body}: {detail}");
        assert!(detail.contains(expected), "{path} {body}: {detail}");
    }
    let form = client.request("POST", runs, &[("content-type", "application/x-www-form-urlencoded")], b"a=b");
    assert!(problem(&form).1.contains("expected a body of the type `application/json`"));
    assert_eq!(problem(&client.get("/api/v1/runs?limit=0")).0, 400);
    assert_eq!(problem(&client.get("/api/v1/runs?limt=1")).0, 400);
    assert_eq!(problem(&client.get("/api/v1/runs?before=none")).0, 404);
    assert_eq!(problem(&client.get("/api/v1/runs/none/artifacts/train/..%2f..%2fetc%2fpasswd")).0, 404);
    assert_eq!(problem(&service.client().post(runs, &vec![b' '; 2 << 20])).0, 413);
    assert_eq!(client.get("/api/v1/runs").json(), json!([]));
    let guarded = client.get("/healthz");
    assert_eq!((guarded.header("x-content-type-options"), guarded.header("x-frame-options")), (Some("nosniff"), Some("DENY")));
}

#[test]
fn the_same_request_again_starts_nothing() {
    let project = published();
    let service = serve(&project);
    let mut client = service.client();
    let mut ask = |body: &str| {
        let headers = [("content-type", "application/json"), ("idempotency-key", "build-7")];
        client.request("POST", "/api/v1/pipelines/diabetes/runs", &headers, body.as_bytes())
    };
    let (first, again) = (ask("{}"), ask("{}"));
    assert_eq!((first.status, again.status), (202, 200));
    assert_eq!(first.json()["id"], again.json()["id"]);
    assert_eq!(problem(&ask(r#"{"tags":{"a":"b"}}"#)).0, 409);
    let reserved = [("content-type", "application/json"), ("idempotency-key", "sprag:cron:nightly:2026-12-01T03:00:00Z")];
    let taken = service.client().request("POST", "/api/v1/pipelines/diabetes/runs", &reserved, b"{}");
    assert!(problem(&taken).1.contains("does not begin with `sprag:`"), "nobody keeps a trigger from starting: {}", taken.text());
    let _ended = ended(&service, first.json()["id"].as_str().unwrap());
    assert_eq!(service.client().get("/api/v1/runs").json().as_array().unwrap().len(), 1);
}

#[test]
fn roles_say_who_may_do_what() {
    let project = published();
    let token = |role: &str| {
        let made: Value = project.run(&["token", "add", role, "--role", role, "--json"]).ok().json();
        (made["id"].as_str().unwrap().to_owned(), made["secret"].as_str().unwrap().to_owned())
    };
    let ((_, viewer), (id, runner), (_, admin)) = (token("viewer"), token("runner"), token("admin"));
    let service = serve(&project);
    let mut client = service.client();
    let mut ask = |method: &str, path: &str, token: &str| {
        let bearer = format!("Bearer {token}");
        client.request(method, path, &[("authorization", &bearer)], b"").status
    };
    let start = "/api/v1/pipelines/diabetes/runs";
    assert_eq!(
        [ask("GET", "/api/v1/runs", &viewer), ask("POST", start, &viewer), ask("GET", "/api/v1/audit", &viewer)],
        [200, 403, 403]
    );
    assert_eq!([ask("POST", start, &runner), ask("GET", "/api/v1/audit", &runner)], [202, 403]);
    assert_eq!([ask("GET", "/api/v1/audit", &admin), ask("GET", "/metrics", &admin)], [200, 200]);
    assert_eq!([ask("GET", "/api/v1/runs", "sprag_wrong"), ask("GET", "/healthz", "")], [401, 200]);
    let _ = project.run(&["token", "revoke", &id]).ok();
    assert_eq!(ask("POST", start, &runner), 401, "from the next request on");
    let listed = project.run(&["token", "list"]).ok().stdout;
    assert!(listed.contains("viewer") && listed.contains("was taken back"), "{listed}");
    let secret = Hidden::of(&runner);
    secret.is_not_told(&[&service.stop()]);
    secret.is_nowhere_under(&project.root());
    let log: Vec<Value> = project.run(&["audit", "show", "--json"]).ok().json();
    let actions: Vec<_> = log.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["token.add", "token.add", "token.add", "run.request", "token.revoke"]);
}

#[test]
fn where_others_can_reach_it_a_proxy_and_a_token_are_asked_for() {
    let project = published();
    let bare = project.run(&["server", "--listen", "0.0.0.0:0"]).exits(exit_code::REFUSED);
    assert!(bare.stderr.contains("expected an address on loopback, `--tls-certificate` or `--behind-proxy`"), "{}", bare.stderr);
    let open = project.run(&["server", "--listen", "0.0.0.0:0", "--behind-proxy"]).exits(exit_code::REFUSED);
    assert!(open.stderr.contains("expected `--oidc`, or at least one token"), "{}", open.stderr);
}

#[test]
fn what_was_under_way_when_it_was_killed_runs_again_and_what_waited_runs_once() {
    let project = endless();
    let service = serve(&project);
    let mut client = service.client();
    let (first, second) = (start(&mut client, &json!({})), start(&mut client, &json!({ "tags": { "place": "second" } })));
    under_way(&service, &first.id);
    drop(client);
    service.kill();
    let service = serve(&project);
    let mut client = service.client();
    under_way(&service, &first.id);
    let (request, run) = run_of(&mut client, &first.id);
    let request = request.unwrap();
    assert_eq!((request.state, request.attempts), (RequestState::Running, 2));
    assert_ne!(request.run.as_deref(), Some(first.id.as_str()), "a run is never written to twice");
    assert!(run.is_none_or(|run| run.outcome == RunOutcome::Running));
    let killed: RunRecord = project.run(&["show", &first.id, "--json"]).ok().json();
    assert_eq!(killed.outcome, RunOutcome::Interrupted);
    for request in [&first, &second] {
        under_way(&service, &request.id);
        assert_eq!(client.post(&format!("/api/v1/runs/{}/cancel", request.id), b"").status, 202);
        assert_eq!(ended(&service, &request.id).outcome, RunOutcome::Cancelled);
    }
    assert_eq!(problem(&client.post(&format!("/api/v1/runs/{}/cancel", first.id), b"")).0, 409);
    assert_eq!(client.get("/api/v1/runs").json().as_array().unwrap().len(), 3, "two of the first, one of the second");
}

#[test]
fn what_was_under_way_when_it_was_asked_to_stop_waits_for_the_next() {
    let project = endless();
    let service = serve(&project);
    let request = start(&mut service.client(), &json!({}));
    under_way(&service, &request.id);
    let _ = service.stop().ok();
    let open: Value = project.run(&["pipelines", "--json"]).ok().json();
    assert_eq!((&open["requests"][0]["state"], &open["requests"][0]["attempts"]), (&json!("queued"), &json!(0)));
    let service = serve(&project);
    under_way(&service, &request.id);
    assert_eq!(service.client().post(&format!("/api/v1/runs/{}/cancel", request.id), b"").status, 202);
    assert_eq!(ended(&service, &request.id).outcome, RunOutcome::Cancelled);
}

#[test]
fn one_server_has_a_project_and_the_command_line_hands_requests_to_it() {
    let project = published();
    let service = serve(&project);
    let second = project.sprag(&FREE).run().exits(exit_code::BUSY);
    assert!(second.stderr.contains("another server runs what is requested of"), "{}", second.stderr);
    let handed = project.run(&["trigger", "--no-wait", "--json"]).ok();
    let request: RunRequest = handed.json();
    assert_eq!(ended(&service, &request.id).outcome, RunOutcome::Promoted);
    let waited = project.run(&["trigger", "--param", "train.alpha=0.4"]).ok();
    assert!(waited.stdout.contains("promoted"), "{}", waited.stdout);
}

#[test]
fn it_speaks_tls_with_a_certificate_and_asks_for_a_token_then() {
    let project = published();
    let rcgen::CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    project.write("certificate.pem", cert.pem());
    project.write("key.pem", signing_key.serialize_pem());
    let tls = ["--tls-certificate", "certificate.pem", "--tls-key", "key.pem"];
    let none = project.run(&[&["server", "--listen", "127.0.0.1:0"], &tls[..]].concat()).exits(exit_code::REFUSED);
    assert!(none.stderr.contains("expected `--oidc`, or at least one token"), "{}", none.stderr);
    let made: Value = project.run(&["token", "add", "ada", "--role", "viewer", "--json"]).ok().json();
    let service = Service::of(&project, project.sprag(&FREE), &tls);
    assert!(project.read("ready").starts_with("https://"), "{}", project.read("ready"));
    let url = format!("https://localhost:{}/api/v1/whoami", service.address.port());
    let bearer = format!("authorization: Bearer {}", made["secret"].as_str().unwrap());
    let mut curl = std::process::Command::new("curl");
    curl.args(["--silent", "--show-error", "--cacert", "certificate.pem", "--header", &bearer, &url]).current_dir(project.root());
    let told = curl.output().unwrap();
    let who: Value = serde_json::from_slice(&told.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&told.stderr)));
    assert_eq!(who["user"], "ada");
    project.write("key.pem", "nothing");
    let bad = project.run(&[&["server", "--listen", "127.0.0.1:0"], &tls[..]].concat()).exits(exit_code::BAD_PROJECT);
    assert!(bad.stderr.contains("expected a private key as PEM in `key.pem`"), "{}", bad.stderr);
}

/// The project with a trigger for pushes to GitHub.
fn hooked() -> (Project, Service) {
    let project = Project::diabetes();
    project.append("\n[secrets.hook]\nenv = \"HOOK\"\n\n[triggers.push]\nwebhook = \"github\"\nsecret = \"hook\"\nbranches = [\"main\"]\nparams = { \"train.alpha\" = 0.4 }\n");
    let _ = project.run(&["publish"]).ok();
    let service = Service::of(&project, project.sprag(&FREE).env("HOOK", "It's a Secret to Everybody"), &[]);
    (project, service)
}

/// A push, with the signature that GitHub would send: made by `openssl dgst -sha256 -hmac`.
const PUSH: &str = r#"{"ref":"refs/heads/main","after":"c0ffee","pusher":{"name":"ada"}}"#;

fn delivered(service: &Service, signature: &str, delivery: &str, body: &[u8]) -> Answer {
    let headers = [("x-hub-signature-256", signature), ("x-github-event", "push"), ("x-github-delivery", delivery)];
    service.client().request("POST", "/hooks/diabetes/push", &headers, body)
}

#[test]
fn a_signed_push_starts_a_run_once_and_no_other_does() {
    let (project, service) = hooked();
    let signature = format!("sha256={}", openssl_hmac("It's a Secret to Everybody", PUSH));
    let first = delivered(&service, &signature, "d1", PUSH.as_bytes());
    assert_eq!(first.status, 202, "{}", first.text());
    let again = delivered(&service, &signature, "d1", PUSH.as_bytes());
    assert_eq!((again.status, &again.json()["run"]), (200, &first.json()["run"]), "a delivery that is replayed");
    let run = ended(&service, first.json()["run"].as_str().unwrap());
    let trigger = run.trigger.unwrap();
    assert_eq!((trigger.cause, trigger.by.as_str()), (Cause::Webhook, "ada pushed c0ffee to main"));
    assert_eq!(run.tags["branch"], "main");
    let unsigned = delivered(&service, "sha256=00", "d2", PUSH.as_bytes());
    assert_eq!(problem(&unsigned).0, 401);
    let nowhere = service.client().request("POST", "/hooks/diabetes/none", &[], b"{}");
    assert_eq!(problem(&nowhere), problem(&unsigned), "what there is, is not for everybody to know");
    let other = PUSH.replace("heads/main", "heads/try");
    let signature = format!("sha256={}", openssl_hmac("It's a Secret to Everybody", &other));
    assert_eq!(delivered(&service, &signature, "d3", other.as_bytes()).json()["run"], Value::Null);
    let long = delivered(&service, "sha256=00", "d4", &vec![b' '; 50 << 20]);
    assert_eq!(problem(&long).0, 413);
    assert_eq!(service.client().get("/api/v1/runs").json().as_array().unwrap().len(), 1);
    Hidden::of("It's a Secret to Everybody").is_nowhere_under(&project.root());
}

/// The HMAC-SHA-256 of a text, by another program than the one under test.
fn openssl_hmac(key: &str, text: &str) -> String {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut command = Command::new("openssl");
    command.args(["dgst", "-sha256", "-hmac", key]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    output.trim().rsplit(' ').next().unwrap().to_owned()
}

#[test]
fn other_data_start_a_run_and_its_success_starts_another() {
    let (first, second) = (Project::diabetes(), Project::diabetes());
    first.append("\n[triggers.data]\nwatch = \"data\"\nevery = \"50ms\"\n");
    second.edit("name = \"diabetes\"", "name = \"follower\"");
    second.append("\n[triggers.then]\nafter = \"diabetes\"\n");
    for project in [&first, &second] {
        let _ = project.run(&["publish"]).ok();
    }
    let folders = [first.root(), second.root()].map(|root| root.to_str().unwrap().to_owned());
    let service = Service::of(&first, first.sprag(&FREE), &[folders[0].as_str(), folders[1].as_str()]);
    // What is there is what there is: first it is seen, and only other content starts anything.
    let mut client = service.client();
    let seen = || {
        let store = sprag_store::Store::open(&first.path(".sprag")).unwrap();
        let data = store.trigger_state("diabetes", "data").unwrap();
        let store = sprag_store::Store::open(&second.path(".sprag")).unwrap();
        data.is_some() && store.trigger_state("follower", "then").unwrap().is_some()
    };
    wait_until(seen);
    assert_eq!(client.get("/api/v1/runs").json(), json!([]));
    let text = first.read("data/diabetes.csv");
    let shorter: Vec<_> = text.lines().take(400).collect();
    first.write("data/diabetes.csv", shorter.join("\n") + "\n");
    let mut runs = vec![];
    wait_until(|| {
        runs = client.get("/api/v1/runs").json().as_array().unwrap().clone();
        runs.len() == 2 && runs.iter().all(|run| run["outcome"] != "running")
    });
    let of = |project: &str| runs.iter().find(|run| run["project"] == project).unwrap();
    assert_eq!(of("diabetes")["trigger"]["cause"], "watch");
    assert_eq!(of("follower")["trigger"]["cause"], "after");
    assert_eq!(
        of("follower")["trigger"]["by"],
        format!("run {} of `diabetes` succeeded", of("diabetes")["id"].as_str().unwrap())
    );
}

/// Looks again and again, until it is so; no test waits for long.
#[track_caller]
fn wait_until(mut is_so: impl FnMut() -> bool) {
    let since = std::time::Instant::now();
    while !is_so() {
        assert!(since.elapsed().as_secs() < 60, "it never came to that");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn a_reader_that_stalls_holds_nobody_up() {
    let project = published();
    let service = serve(&project);
    let mut client = service.client();
    let request = start(&mut client, &json!({}));
    let mut stalled: Vec<_> = (0..20).map(|_| service.client()).collect();
    for reader in &mut stalled {
        reader.send_request("GET", &format!("/api/v1/runs/{}/events", request.id), &[], b"");
    }
    assert_eq!(ended(&service, &request.id).outcome, RunOutcome::Promoted);
    assert_eq!(client.get("/healthz").status, 200);
}

#[test]
fn a_server_of_another_machine_is_asked_by_the_command_line() {
    let project = published();
    let made: Value = project.run(&["token", "add", "ci", "--role", "runner", "--json"]).ok().json();
    let token = made["secret"].as_str().unwrap();
    let service = serve(&project);
    let url = format!("http://{}", service.address);
    let elsewhere = Project::none();
    let args = ["trigger", "diabetes@1", "--server", &url, "--param", "train.alpha=0.4", "--tag", "BuildId=77", "--key", "k1"];
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let done =
        elsewhere.sprag(&[&args[..], &["--json"]].concat()).env("SPRAG_TOKEN", token).env("TRACEPARENT", parent).run().ok();
    let run: RunRecord = done.json();
    assert_eq!((run.outcome, run.tags["BuildId"].as_str()), (RunOutcome::Promoted, "77"));
    assert_eq!(run.traceparent.as_deref(), Some(parent), "the run is part of the trace of whoever asked for it");
    // The same again starts nothing, and waits for nothing.
    let again: RunRecord = elsewhere.sprag(&[&args[..], &["--json"]].concat()).env("SPRAG_TOKEN", token).run().ok().json();
    assert_eq!(again.id, run.id);
    let stranger = elsewhere.run(&args).exits(exit_code::BAD_PROJECT).error();
    assert!(stranger.contains("the server says `unauthorized`") && stranger.contains("SPRAG_TOKEN"), "{stranger}");
    let unknown =
        elsewhere.sprag(&["trigger", "nothing", "--server", &url]).env("SPRAG_TOKEN", token).run().exits(exit_code::BAD_PROJECT);
    assert!(unknown.stderr.contains("the server says `not found`"), "{}", unknown.stderr);
    let open = elsewhere.run(&["trigger", "diabetes", "--server", "http://sprag.example.com"]).exits(exit_code::BAD_PROJECT);
    assert!(open.stderr.contains("expected an address that begins with `https://`"), "{}", open.stderr);
    let away = elsewhere.run(&["trigger", "diabetes", "--server", "http://127.0.0.1:9"]).exits(exit_code::BAD_PROJECT);
    assert!(away.stderr.contains("the server cannot be asked: 127.0.0.1:9"), "{}", away.stderr);
    Hidden::of(token).is_nowhere_under(&project.root());
}

#[test]
fn a_request_s_span_is_kept_and_nonsense_is_none() {
    let project = published();
    let service = serve(&project);
    let mut client = service.client();
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for (header, kept) in [(parent, Some(parent)), ("nonsense", None)] {
        let headers = [("content-type", "application/json"), ("traceparent", header)];
        let answer = client.request("POST", "/api/v1/pipelines/diabetes/runs", &headers, b"{}");
        assert_eq!(answer.status, 202, "{}", answer.text());
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(ended(&service, &id).traceparent.as_deref(), kept);
    }
}

#[test]
fn a_point_in_time_at_which_no_server_ran_is_made_up_for_once() {
    let project = Project::diabetes();
    project.append("\n[triggers.hourly]\ncron = \"0 * * * *\"\ntimezone = \"Europe/Berlin\"\n");
    let _ = project.run(&["publish"]).ok();
    // The last look was long ago.
    let store = sprag_store::Store::open(&project.path(".sprag")).unwrap();
    store.put_trigger_state("diabetes", "hourly", "2026-01-01T00:30:00Z").unwrap();
    drop(store);
    let service = serve(&project);
    let mut client = service.client();
    let mut runs = vec![];
    wait_until(|| {
        runs = client.get("/api/v1/runs").json().as_array().unwrap().clone();
        runs.iter().any(|run| run["outcome"] != "running")
    });
    assert_eq!((runs.len(), &runs[0]["trigger"]["cause"], &runs[0]["trigger"]["trigger"]), (1, &json!("cron"), &json!("hourly")));
    let by = runs[0]["trigger"]["by"].as_str().unwrap();
    assert!(by.starts_with("`0 * * * *` in Europe/Berlin, due at ") && by.contains(" that were missed"), "{by}");
}

#[test]
fn drift_of_real_traffic_starts_a_run_once() {
    let project = Project::diabetes();
    project.append("\n[environments.production]\nalias = \"production\"\ndeploy = { plugin = \"deploy-local\", grants = { services = true } }\n\n[triggers.drifted]\ndrift = \"production\"\nevery = \"50ms\"\n");
    let _ = project.run(&["run"]).ok();
    let _ = project.run(&["publish"]).ok();
    let scoring = Service::start(&project, &["@production"]);
    let numbers = |row: &Vec<String>| row[..10].iter().map(|cell| cell.parse::<f64>().unwrap() + 9.0).collect::<Vec<_>>();
    let rows = json!({ "data": crate::context::Csv::diabetes().rows.iter().map(numbers).collect::<Vec<_>>() }).to_string();
    for _ in 0..4 {
        assert_eq!(scoring.client().post("/score", rows.as_bytes()).status, 200);
    }
    // A service that ends writes what it has counted.
    let _ = scoring.stop().ok();
    let service = serve(&project);
    let mut client = service.client();
    let mut runs = vec![];
    wait_until(|| {
        let all = client.get("/api/v1/runs").json().as_array().unwrap().clone();
        runs = all.into_iter().filter(|run| run["trigger"]["cause"] == "drift").collect();
        runs.iter().any(|run| run["outcome"] != "running")
    });
    let by = runs[0]["trigger"]["by"].as_str().unwrap();
    assert_eq!(by, "the traffic of `production` has drifted from the training rows of diabetes@1");
    // What it was for is remembered, so that the same drift starts no other run.
    let store = sprag_store::Store::open(&project.path(".sprag")).unwrap();
    wait_until(|| store.trigger_state("diabetes", "drifted").unwrap().as_deref() == Some("diabetes@1"));
    assert_eq!(runs.len(), 1);
}

#[test]
fn ten_thousand_runs_are_listed_page_by_page() {
    let project = published();
    let record = project.record(&[]);
    let store = sprag_store::Store::open(&project.path(".sprag")).unwrap();
    for number in 0..10_000 {
        let (day, second) = (number / 5000 + 10, number % 5000);
        let id = format!("202601{day}-{second:06}-aaaa");
        let started_at = format!("2026-01-{day}T{:02}:{:02}:{:02}.000Z", second / 3600, second / 60 % 60, second % 60);
        store.start_run(&RunRecord { id, started_at, ..record.clone() }).unwrap();
    }
    drop(store);
    let service = serve(&project);
    let mut client = service.client();
    let answer = client.get("/");
    let page = answer.text();
    assert_eq!(page.matches("aria-label=\"compare ").count(), 100, "fifty runs, each with two choices");
    assert!(page.len() < 100_000 && page.contains("Older runs"), "{}", page.len());
    let mut seen = std::collections::BTreeSet::new();
    let mut before = String::new();
    loop {
        let runs = client.get(&format!("/api/v1/runs?limit=500{before}")).json().as_array().unwrap().clone();
        let Some(last) = runs.last() else { break };
        before = format!("&before={}", last["id"].as_str().unwrap());
        for run in &runs {
            assert!(seen.insert(run["id"].as_str().unwrap().to_owned()), "no run twice");
        }
    }
    assert_eq!(seen.len(), 10_001);
}

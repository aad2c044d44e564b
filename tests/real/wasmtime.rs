//! The self-contained component under a host that knows nothing of sprag: the stock `wasmtime serve`. It answers what `sprag serve` answers.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::client::{Answer, ask};
use crate::context::Project;
use crate::part::{Server, free_port, is_here, output};

/// Headers that belong to the connection, the moment or the one request; the last says which of several models in one service answered.
const OF_THE_MOMENT: [&str; 7] =
    ["date", "connection", "transfer-encoding", "content-length", "x-request-id", "traceparent", "x-sprag-variant"];

/// A method, a path, a content type and a body.
type Asked = (&'static str, &'static str, &'static str, &'static str);

const JSON: &str = "application/json";
const ROW: &str = "59,2,32.1,101.0,157,93.2,38.0,4.0,4.8598,87";

/// What both are asked, in words that both must answer alike.
fn asked() -> Vec<(String, String, String, String)> {
    let score = format!(r#"{{"data":[[{ROW}],[48,1,21.6,87.0,183,103.2,70.0,3.0,3.8918,69]]}}"#);
    let names = ["AGE", "SEX", "BMI", "BP", "S1", "S2", "S3", "S4", "S5", "S6"];
    let tensor = |(name, value): (&&str, &str)| format!(r#"{{"name":"{name}","shape":[1],"datatype":"FP64","data":[{value}]}}"#);
    let tensors: Vec<_> = names.iter().zip(ROW.split(',')).map(tensor).collect();
    let infer = format!(r#"{{"id":"7","inputs":[{}]}}"#, tensors.join(","));
    let fixed: [Asked; 22] = [
        ("GET", "/healthz", "", ""),
        ("GET", "/openapi.json", "", ""),
        ("GET", "/swagger.json", "", ""),
        ("HEAD", "/openapi.json", "", ""),
        ("GET", "/v2", "", ""),
        ("GET", "/v2/health/live", "", ""),
        ("GET", "/v2/health/ready", "", ""),
        ("GET", "/v2/models/diabetes", "", ""),
        ("GET", "/v2/models/diabetes/ready", "", ""),
        ("GET", "/v2/models/other", "", ""),
        ("POST", "/v2/models/diabetes/infer", JSON, "{}"),
        ("POST", "/v2/models/other/infer", JSON, "{}"),
        ("GET", "/nowhere", "", ""),
        ("GET", "/score", "", ""),
        ("POST", "/score", JSON, r#"{"data":[]}"#),
        ("POST", "/score", JSON, r#"{"data":[[1,2,3]]}"#),
        ("POST", "/score", JSON, r#"{"data":[[1,2,3,4,5,6,7,8,9,"ten"]]}"#),
        ("POST", "/score", JSON, r#"{"data":[[1,2,3,4,5,6,7,8,9,NaN]]}"#),
        ("POST", "/score", JSON, r#"{"data":[[1,2,3,4,5,6,7,8,9,null]]}"#),
        ("POST", "/score", JSON, "{"),
        ("POST", "/score", JSON, ""),
        ("POST", "/score", "text/csv", "1,2,3"),
    ];
    let own = |(method, path, kind, body): Asked| (method.to_owned(), path.to_owned(), kind.to_owned(), body.to_owned());
    let mut all: Vec<_> = fixed.into_iter().map(own).collect();
    for (path, body) in
        [("/score", &score), ("/v2/models/diabetes/infer", &infer), ("/v2/models/diabetes/versions/1/infer", &infer)]
    {
        all.push(("POST".to_owned(), path.to_owned(), JSON.to_owned(), body.clone()));
    }
    all
}

/// The answer without what is of the moment: an error names its request.
fn answer(port: u16, (method, path, kind, body): &(String, String, String, String)) -> Answer {
    let headers = [("content-type", kind.as_str()), ("x-request-id", "asked-by-a-test")];
    let headers = if kind.is_empty() { &headers[1..] } else { &headers[..] };
    let mut answer = ask(port, method, path, headers, body.as_bytes()).unwrap();
    answer.headers.retain(|(name, _)| !OF_THE_MOMENT.contains(&name.as_str()));
    answer.headers.sort();
    answer
}

/// A project with one registered version, and its component in a file.
fn packaged() -> Project {
    let project = Project::diabetes();
    let _ = project.run(&["run"]).ok();
    let _ = project.run(&["package", "diabetes@1", "--component", "diabetes.wasm"]).ok();
    project
}

/// `wasmtime serve` as anyone would call it, with no flag but the address.
fn wasmtime(component: &Path) -> Server {
    let port = free_port();
    let mut command = Command::new("wasmtime");
    command.arg("serve").arg("--addr").arg(format!("127.0.0.1:{port}")).arg(component).stderr(Stdio::null());
    Server::start(&mut command, port, "/healthz")
}

#[test]
fn the_component_answers_what_the_service_answers() {
    if !is_here("wasmtime", &["--version"]) {
        return;
    }
    let project = packaged();
    let port = free_port();
    let mut sprag = Command::new(env!("CARGO_BIN_EXE_sprag"));
    sprag
        .args(["serve", "diabetes@1", "--listen", &format!("127.0.0.1:{port}")])
        .current_dir(project.root())
        .stderr(Stdio::null());
    let (service, component) = (Server::start(&mut sprag, port, "/readyz"), wasmtime(&project.path("diabetes.wasm")));
    let mut statuses = vec![];
    for one in asked() {
        let (expected, found) = (answer(service.port, &one), answer(component.port, &one));
        assert_eq!(found, expected, "{one:?}\n{}\n{}", found.text(), expected.text());
        statuses.push(expected.status);
    }
    for status in [200, 400, 404, 405, 415, 422] {
        assert!(statuses.contains(&status), "{status} is among what was answered: {statuses:?}");
    }
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let answered = ask(component.port, "GET", "/healthz", &[("traceparent", trace)], b"").unwrap();
    assert!(answered.header("traceparent").unwrap().starts_with(&trace[..36]), "{answered:?}");
    assert_eq!(answered.header("x-sprag-model-version"), Some("diabetes@1"));
}

#[test]
fn the_component_asks_for_wasi_alone() {
    if !is_here("wasm-tools", &["--version"]) {
        return;
    }
    let project = packaged();
    let component = project.path("diabetes.wasm").display().to_string();
    let _ = output("wasm-tools", &["validate", &component]);
    let world = output("wasm-tools", &["component", "wit", &component]);
    let named: Vec<_> =
        world.lines().map(str::trim).filter(|line| line.starts_with("import ") || line.starts_with("export ")).collect();
    let foreign: Vec<_> = named.iter().filter(|line| line.starts_with("import ") && !line.starts_with("import wasi:")).collect();
    assert!(foreign.is_empty(), "{foreign:?}");
    assert!(named.iter().any(|line| line.starts_with("export wasi:http/incoming-handler@")), "{named:?}");
}

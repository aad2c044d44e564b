//! The standard smoke test against services that are good, bad, and gone: small servers in this process, where a deployer says that the release runs.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_test_programs::ELSEWHERE;

use crate::context::{Outcome, Project};

/// A request as the server saw it.
struct Request {
    method: String,
    path: String,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

/// What the server does with it.
enum Does {
    Answers(u16, String),
    /// Answers with another model's digest.
    AnswersAs(&'static str, String),
    /// Answers, and is then gone for good.
    AnswersLast(String),
    /// Keeps the connection open without a word until the other side gives up.
    Hangs,
}

/// The model as the program itself knows it: what it predicts for each row of the data, and how a service describes it.
struct Model {
    digest: String,
    inputs: Vec<Value>,
    predictions: HashMap<Vec<u64>, f64>,
}

/// A project with a registered version, whose staging is wherever `url` says.
fn project(url: &str, params: &str, key: Option<&str>) -> (Project, Arc<Model>) {
    let project = Project::diabetes();
    let _ = project.run(&["run"]).ok();
    let _ = project.run(&["score", "diabetes@1", "-i", "data/diabetes.csv", "-o", "scored.csv"]).ok();
    let shown: Value = project.run(&["model", "show", "diabetes@1", "--json"]).ok().json();
    let scored = project.read("scored.csv");
    let predictions = scored.lines().skip(1).map(|line| {
        let numbers: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        (numbers[..10].iter().map(|number| number.to_bits()).collect(), numbers[11])
    });
    let model = Model {
        digest: shown["model"]["digest"].as_str().unwrap().to_owned(),
        inputs: shown["model"]["inputs"].as_array().unwrap().clone(),
        predictions: predictions.collect(),
    };
    project.write("elsewhere.wasm", std::fs::read(ELSEWHERE).unwrap());
    let (key, secret) = match key {
        Some(name) => {
            (format!("key = \"{name}\"\n"), format!("\n[secrets.{name}]\nenv = \"SCORING_KEY\"\nhosts = [\"127.0.0.1\"]\n"))
        }
        None => Default::default(),
    };
    project.append(&format!(
        "{secret}\n[environments.staging]\n{key}deploy = {{ plugin = \"./elsewhere.wasm\", params = {{ url = \"{url}\" }} }}\n\
         smoke-test = {{ plugin = \"smoke-test-http\", params = {{ {params} }} }}\n"
    ));
    let _ = project.run(&["lock"]).ok();
    (project, Arc::new(model))
}

impl Model {
    /// What a good service answers.
    fn answer(&self, request: &Request) -> Does {
        if request.method == "GET" {
            return Does::Answers(200, self.document().to_string());
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let result: Vec<_> = body["data"].as_array().unwrap().iter().map(|row| self.predict(row)).collect();
        Does::Answers(200, json!({ "result": result }).to_string())
    }

    fn predict(&self, row: &Value) -> f64 {
        let bits: Vec<_> = row.as_array().unwrap().iter().map(|cell| cell.as_f64().unwrap().to_bits()).collect();
        self.predictions[&bits]
    }

    fn document(&self) -> Value {
        let kind = |field: &Value| if field["dtype"] == "float" { "number" } else { "integer" };
        let items: Vec<_> = self.inputs.iter().map(|field| json!({ "title": field["name"], "type": kind(field) })).collect();
        json!({ "openapi": "3.1.0", "components": { "schemas": {
            "Row": { "prefixItems": items },
            "ScoreAnswer": { "properties": { "outputs": { "properties": {
                "prediction": { "type": "array", "items": { "type": "number" } },
            } } } },
        } } })
    }
}

/// Answers at a port until the process ends, or until an answer was the last.
fn serve(listener: TcpListener, digest: String, does: impl Fn(&Request) -> Does + Send + Sync + 'static) {
    let does = Arc::new(does);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            while let Some(request) = read(&stream) {
                match does(&request) {
                    Does::Answers(status, body) => write(&mut stream, status, &digest, &body),
                    Does::AnswersAs(other, body) => write(&mut stream, 200, other, &body),
                    Does::AnswersLast(body) => {
                        write(&mut stream, 200, &digest, &body);
                        return;
                    }
                    Does::Hangs => {
                        let _until_given_up = stream.read(&mut [0]);
                        break;
                    }
                }
            }
        }
    });
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, path, headers, body })
}

fn write(stream: &mut TcpStream, status: u16, digest: &str, body: &str) {
    let head = format!(
        "HTTP/1.1 {status} Whatever\r\ncontent-type: application/json\r\nx-sprag-model-digest: {digest}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let _given_up = stream.write_all([head.as_bytes(), body.as_bytes()].concat().as_slice());
}

fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// Releases to a service that behaves so, and insists on the exit code.
fn released(params: &str, code: ExitCode, does: impl Fn(&Model, &Request) -> Does + Send + Sync + 'static) -> Outcome {
    let (listener, url) = listener();
    let (project, model) = project(&url, params, None);
    let digest = model.digest.clone();
    serve(listener, digest, move |request| does(&model, request));
    project.run(&["release"]).exits(code)
}

#[track_caller]
fn tells(outcome: &Outcome, words: &str) {
    assert!(outcome.stdout.contains(words), "`{words}` is not in:\n{}{}", outcome.stdout, outcome.stderr);
}

/// A bound that a good service on a busy machine keeps, and that a test can wait for.
const QUICK: &str = "seconds = 20.0";

#[test]
fn a_good_service_behind_a_key_is_released_and_the_key_is_nowhere() {
    const KEY: &str = "k3y-of-the-service";
    let (listener, url) = listener();
    let (project, model) = project(&url, QUICK, Some("scoring"));
    let traces = Arc::new(Mutex::new(vec![]));
    let (digest, seen) = (model.digest.clone(), traces.clone());
    serve(listener, digest, move |request| {
        if request.headers.get("authorization").map(String::as_str) != Some(&format!("Bearer {KEY}")) {
            return Does::Answers(401, "no key".to_owned());
        }
        seen.lock().unwrap().push(request.headers["traceparent"].clone());
        model.answer(request)
    });
    let done = project.sprag(&["release", "--json"]).env("SCORING_KEY", KEY).run().ok();
    let traces = traces.lock().unwrap();
    // The document, all rows, and five single ones: spans of one trace.
    assert_eq!(traces.len(), 7);
    assert!(traces.iter().all(|trace| trace[..36] == traces[0][..36] && trace.len() == 55), "{traces:?}");
    assert!(!done.stdout.contains(KEY) && !done.stderr.contains(KEY));
    let record: Value = done.json();
    let step = record["steps"].as_array().unwrap().iter().find(|step| step["action"] == "smoke-test").unwrap();
    assert_eq!(step["reason"], "the answers are those of the evaluated model");
    assert!(step["report"]["logs"].to_string().contains(&traces[0][3..35]), "the log names the trace: {step}");
}

#[test]
fn a_wrong_model_is_found_by_its_digest_and_by_its_predictions() {
    let other = released(QUICK, exit_code::BLOCKED, |model, request| match model.answer(request) {
        Does::Answers(_, body) => Does::AnswersAs("sha256:another", body),
        does => does,
    });
    tells(&other, "to answer POST http://127.0.0.1:");
    tells(&other, "found sha256:another");
    let wrong = released(QUICK, exit_code::BLOCKED, |model, request| match (request.method.as_str(), model.answer(request)) {
        ("POST", Does::Answers(status, body)) => {
            let mut body: Value = serde_json::from_str(&body).unwrap();
            if let Some(value) = body["result"].get_mut(3) {
                *value = json!(value.as_f64().unwrap() + 0.5);
            }
            Does::Answers(status, body.to_string())
        }
        (_, does) => does,
    });
    tells(&wrong, "error[wrong-value]: row 3, column `prediction`: expected ");
    assert_eq!(wrong.stdout.matches("wrong-value").count(), 1, "{}", wrong.stdout);
}

#[test]
fn an_answer_of_200_that_is_nonsense_fails() {
    for (nonsense, code) in [
        ("<html>It works!</html>", "not-json"),
        (r#"{"error": "out of memory"}"#, "wrong-shape"),
        (r#"{"result": ["all", "is", "well", "here", "and", "so", "it", "goes"]}"#, "wrong-type"),
    ] {
        let bad = released(QUICK, exit_code::BLOCKED, move |model, request| match request.method.as_str() {
            "POST" => Does::Answers(200, nonsense.to_owned()),
            _ => model.answer(request),
        });
        tells(&bad, &format!("error[{code}]"));
    }
}

#[test]
fn a_service_that_takes_other_columns_fails() {
    let bad = released(QUICK, exit_code::BLOCKED, |model, request| match request.method.as_str() {
        "GET" => Does::Answers(200, model.document().to_string().replace("\"BMI\"", "\"bmi\"")),
        _ => model.answer(request),
    });
    tells(&bad, "error[wrong-column]");
    tells(&bad, "to be `BMI`, found `bmi`");
}

#[test]
fn a_slow_service_fails_in_its_time() {
    let slow =
        released("seconds = 2.0, answer_seconds = 0.3", exit_code::BLOCKED, |model, request| match request.path.as_str() {
            "/score" => Does::Hangs,
            _ => model.answer(request),
        });
    tells(&slow, "in time");
}

#[test]
fn a_service_that_dies_after_its_first_answer_fails() {
    let dead = released(QUICK, exit_code::BLOCKED, |model, request| match model.answer(request) {
        Does::Answers(_, body) => Does::AnswersLast(body),
        does => does,
    });
    tells(&dead, "error[lost-answer]: expected a service that goes on answering");
}

#[test]
fn a_service_that_starts_late_passes() {
    let failures = AtomicUsize::new(0);
    let _ = released(QUICK, exit_code::SUCCESS, move |model, request| {
        if failures.fetch_add(1, Ordering::Relaxed) < 3 {
            Does::Answers(503, "starting".to_owned())
        } else {
            model.answer(request)
        }
    });
}

#[test]
fn a_service_that_is_up_but_cannot_be_reached_fails() {
    let url = {
        let (listener, url) = listener();
        drop(listener);
        url
    };
    let (project, _) = project(&url, "seconds = 1.0", None);
    let gone = project.run(&["release"]).exits(exit_code::BLOCKED);
    tells(&gone, "error[no-answer]");
    tells(&gone, &format!("no connection to `{}`", url.trim_start_matches("http://")));
}

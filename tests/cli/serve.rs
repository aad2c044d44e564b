//! `sprag serve` through the program: what it answers, what it follows, and how it ends. What the service itself does with requests is tested where it lives.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sprag_schemas::exit_code;
use sprag_schemas::record::AliasEntry;
use sprag_store::Store;

use crate::context::http::Client;
use crate::context::{Project, Service, metric};

/// The rows that the reference's smoke test sends, and what scikit-learn 1.9.1 predicts for them with `Ridge(alpha=0.5)` on the example's data.
pub(crate) const ROWS: &str = r#"{"data":[[1,2,3,4,5,6,7,8,9,10],[10,9,8,7,6,5,4,3,2,1]]}"#;
const GOLDEN: [f64; 2] = [5113.083501001303, 3713.657822844999];

/// The diabetes example with `production` at version 1.
pub(crate) fn registered() -> Project {
    let project = Project::diabetes();
    let _ = project.run(&["run"]).ok();
    project
}

/// The same with a second, better version, and `production` at that one.
fn twice() -> Project {
    let project = registered();
    let _ = project.run(&["run", "--param", "train.alpha=0.4"]).ok();
    project
}

/// Moves the alias `production`.
fn move_to(store: &Store, version: u64) {
    let entry = AliasEntry {
        name: "diabetes".to_owned(),
        alias: "production".to_owned(),
        version,
        at: "2026-11-25T00:00:00Z".to_owned(),
        by: "tester".to_owned(),
        reason: "the test moves it".to_owned(),
        run_id: None,
    };
    store.set_alias(&entry).unwrap();
}

pub(crate) fn store(project: &Project) -> Store {
    Store::open(&project.path(".sprag")).unwrap()
}

/// What a service answers to the rows of the smoke test.
pub(crate) fn answer(service: &Service) -> Vec<f64> {
    let answer = service.client().post("/score", ROWS.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    serde_json::from_value(answer.json()["result"].take()).unwrap()
}

pub(crate) fn is_golden(found: &[f64]) -> bool {
    found.len() == 2 && found.iter().zip(GOLDEN).all(|(a, b)| (a - b).abs() < 1e-8)
}

#[test]
fn the_reference_systems_own_file_gives_its_own_answers() {
    let file = crate::context::root().join("../shared/data/diabetes.csv");
    if !file.exists() {
        eprintln!("not tested here: `{}` is not beside this checkout", file.display());
        return;
    }
    let project = Project::diabetes();
    project.edit("data/diabetes.csv", file.to_str().unwrap());
    let _ = project.run(&["run"]).ok();
    let service = Service::start(&project, &["@production", "--log", "off"]);
    let answers = answer(&service);
    // The figures of the reference system's smoke test, to the digits that it gives.
    assert!((answers[0] - 5113.09964212).abs() < 1e-8 && (answers[1] - 3713.63292714).abs() < 1e-8, "{answers:?}");
}

#[test]
fn the_evaluated_model_is_served_to_the_last_digit() {
    let project = Project::diabetes();
    let record = project.record(&[]);
    let service = Service::start(&project, &["@production"]);
    let smoke = answer(&service);
    assert!(is_golden(&smoke), "{smoke:?}");
    // Every row of the data, once through the service and once through a batch job: the same digits.
    let _ = project.run(&["score", "diabetes@1", "-i", "data/diabetes.csv", "-o", "scored.csv"]).ok();
    let scored = project.read("scored.csv");
    let rows: Vec<Vec<&str>> = scored.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let sent: Vec<_> = rows.iter().map(|row| format!("[{}]", row[..10].join(","))).collect();
    let answer = service.client().post("/score", format!("{{\"data\":[{}]}}", sent.join(",")).as_bytes());
    let digits: Vec<_> = answer.text().trim_start_matches("{\"result\":[").trim_end_matches("]}").split(',').collect();
    assert_eq!(digits, rows.iter().map(|row| row[11]).collect::<Vec<_>>());
    // The evaluation judged the same: the error that it measured is scikit-learn's.
    assert!((metric(&record, "candidate", "mse") - 3298.885589364046).abs() < 1e-6);
    let ready = service.client().get("/readyz").json();
    assert_eq!(ready["digest"], json!(record.candidate.unwrap().digest));
}

#[test]
fn a_person_is_told_where_it_answers_and_how_it_ended() {
    let project = registered();
    for what in ["@production", "diabetes@production", "diabetes@1", "diabetes", "diabetes@latest"] {
        let service = Service::start(&project, &[what, "--log", "off"]);
        assert!(is_golden(&answer(&service)), "{what}");
        let address = service.address.to_string();
        let ended = service.stop().ok();
        assert_eq!(ended.stdout, "");
        assert_eq!(
            ended.stderr,
            format!("warning: the log is off: a failure of the model leaves no trace\ndiabetes@1 answers at http://{address}\n")
        );
    }
}

#[test]
fn every_request_leaves_one_line_in_the_log() {
    let project = registered();
    let service = Service::start(&project, &["@production", "--log", "serve.log"]);
    let headers = [("x-request-id", "order-7")];
    assert_eq!(service.client().request("POST", "/score", &headers, ROWS.as_bytes()).status, 200);
    let _ = service.stop().ok();
    let lines: Vec<Value> = project.read("serve.log").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["started", "request", "draining", "stopped"]);
    assert_eq!(
        (&lines[1]["request"], &lines[1]["predictions"], &lines[1]["status"]),
        (&json!("order-7"), &json!(2), &json!(200))
    );
    // On standard error it stands where nothing else is said.
    let service = Service::start(&project, &["@production"]);
    assert_eq!(service.client().request("POST", "/score", &headers, ROWS.as_bytes()).status, 200);
    assert!(service.stop().ok().stderr.lines().any(|line| line.contains(r#""request":"order-7""#)));
}

#[test]
fn a_promotion_is_followed_under_load_without_a_failed_request() {
    let project = twice();
    let store = store(&project);
    move_to(&store, 1);
    let service = Service::start(&project, &["@production", "--log", "off"]);
    let answer_of = |version: u64| {
        let one = Service::start(&project, &[&format!("diabetes@{version}"), "--log", "off"]);
        one.client().post("/score", ROWS.as_bytes()).text().to_owned()
    };
    let (first, second) = (answer_of(1), answer_of(2));
    assert_ne!(first, second);
    let (address, done, answered) = (service.address, AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                let mut client = Client::connect(address);
                while !done.load(Ordering::Relaxed) {
                    let answer = client.post("/score", ROWS.as_bytes());
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    let expected = match answer.header("x-sprag-model-version") {
                        Some("diabetes@1") => &first,
                        Some("diabetes@2") => &second,
                        other => panic!("{other:?}"),
                    };
                    assert_eq!(answer.text(), expected);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for round in 0..8_u64 {
            let version = 2 - round % 2;
            move_to(&store, version);
            let since = Instant::now();
            while service.client().get("/readyz").json()["version"] != json!(version.to_string()) {
                assert!(since.elapsed() < Duration::from_secs(60), "the alias is not followed");
                std::thread::sleep(Duration::from_millis(5));
            }
            let before = answered.load(Ordering::Relaxed);
            while answered.load(Ordering::Relaxed) < before + 50 {
                assert!(since.elapsed() < Duration::from_secs(60), "no request is answered");
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    let metrics = service.client().get("/metrics").text().to_owned();
    assert!(metrics.contains("sprag_swaps_total 8\n"), "{metrics}");
    let _ = service.stop().ok();
}

#[test]
fn killed_in_the_middle_of_a_swap_it_comes_back_with_what_the_alias_names() {
    let project = twice();
    let store = store(&project);
    let mut random = 7_u64;
    for round in 0..12_u64 {
        move_to(&store, 1 + round % 2);
        let service = Service::start(&project, &["@production", "--log", "off"]);
        assert!(service.client().get("/readyz").json()["version"] == json!((1 + round % 2).to_string()));
        // The alias goes back and forth, and somewhere on the way the service is killed.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let moves = 1 + random % 5;
        for step in 0..moves {
            move_to(&store, 1 + step % 2);
            std::thread::sleep(Duration::from_millis((random >> 33) % 150));
        }
        service.kill();
        let pointed = store.alias("diabetes", "production").unwrap().unwrap();
        let again = Service::start(&project, &["@production", "--log", "off"]);
        let ready = again.client().get("/readyz").json();
        assert_eq!((&ready["version"], &ready["trouble"]), (&json!(pointed.to_string()), &Value::Null));
        assert_eq!(is_golden(&answer(&again)), pointed == 1);
        let _ = again.stop().ok();
    }
}

#[test]
fn a_signal_lets_requests_end_and_a_second_one_does_not() {
    let project = registered();
    let begun = |service: &Service| {
        let mut client = service.client();
        let (first, second) = ROWS.split_at(20);
        client.send(format!("POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{first}", ROWS.len()).as_bytes());
        let since = Instant::now();
        while !service.client().get("/metrics").text().contains("sprag_in_flight 2\n") {
            assert!(since.elapsed() < Duration::from_secs(60), "the request is not begun");
        }
        (client, second)
    };
    for signal in ["TERM", "INT"] {
        let service = Service::start(&project, &["@production", "--log", "off"]);
        let (mut client, rest) = begun(&service);
        service.signal(signal);
        let since = Instant::now();
        while std::net::TcpStream::connect(service.address).is_ok() {
            assert!(since.elapsed() < Duration::from_secs(60), "it still takes connections");
        }
        client.send(rest.as_bytes());
        assert_eq!(client.answer().unwrap().status, 200);
        let _ = service.finish().ok();
    }
    let service = Service::start(&project, &["@production", "--log", "off", "--drain", "200ms"]);
    let (_client, _) = begun(&service);
    service.signal("TERM");
    let cut = service.finish().exits(exit_code::CANCELLED);
    assert!(cut.stderr.contains("requests were cut off after 200ms; `--drain` gives them longer"), "{}", cut.stderr);
    let service = Service::start(&project, &["@production", "--log", "off", "--drain", "10m"]);
    let (_client, _) = begun(&service);
    service.signal("TERM");
    let since = Instant::now();
    while std::net::TcpStream::connect(service.address).is_ok() {
        assert!(since.elapsed() < Duration::from_secs(60), "it still takes connections");
    }
    service.signal("TERM");
    let _ = service.finish().exits(exit_code::CANCELLED);
}

#[test]
fn a_service_is_small() {
    let project = registered();
    let service = Service::start(&project, &["@production"]);
    for _ in 0..100 {
        assert_eq!(service.client().post("/score", ROWS.as_bytes()).status, 200);
    }
    let resident = service.resident_bytes();
    assert!(resident < 60 << 20, "{resident} bytes");
}

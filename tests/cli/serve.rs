//! `sprag serve` through the program: what it answers, what it follows, how it ends, and what it says where it cannot start. What the service itself does with
//! requests is tested where it lives.

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use serde_json::{Value, json};
use sprag_schemas::exit_code;
use sprag_schemas::package::{ModelCard, bundle};
use sprag_schemas::record::{AliasEntry, ModelVersion};
use sprag_store::Store;

use crate::context::http::Client;
use crate::context::{Project, Service, Sprag, metric};

/// The rows that the reference's smoke test sends, and what scikit-learn 1.9.1 predicts for them with `Ridge(alpha=0.5)` on the example's data.
const ROWS: &str = r#"{"data":[[1,2,3,4,5,6,7,8,9,10],[10,9,8,7,6,5,4,3,2,1]]}"#;
const GOLDEN: [f64; 2] = [5113.083501001303, 3713.657822844999];

/// The diabetes example with `production` at version 1.
fn registered() -> Project {
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

fn store(project: &Project) -> Store {
    Store::open(&project.path(".sprag")).unwrap()
}

/// What a service answers to the rows of the smoke test.
fn answer(service: &Service) -> Vec<f64> {
    let answer = service.client().post("/score", ROWS.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    serde_json::from_value(answer.json()["result"].take()).unwrap()
}

fn is_golden(found: &[f64]) -> bool {
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

/// Writes the bundle of version 1, as an image has it.
fn write_bundle(project: &Project, folder: &str) {
    let version: ModelVersion = project.run(&["model", "show", "diabetes@1", "--json"]).ok().json();
    let card = ModelCard::new(&version, None);
    let store = store(project);
    let blob = |digest: &str| store.read_blob(&digest.parse().unwrap()).unwrap();
    project.write(&format!("{folder}/{}", bundle::SCORER), blob(&card.scorer));
    project.write(&format!("{folder}/{}", bundle::STATE), blob(&card.state));
    project.write(&format!("{folder}/{}", bundle::CARD), card.to_json());
}

#[test]
fn a_bundle_is_served_without_a_project() {
    let project = registered();
    write_bundle(&project, "model");
    let folder = project.path("model");
    let elsewhere = Project::none();
    let args = ["serve", "--listen", "127.0.0.1:0", "--ready-file", "ready", "--bundle"];
    let service = Service::of(&elsewhere, elsewhere.sprag(&args).arg(&folder), &[]);
    assert!(is_golden(&answer(&service)));
    let _ = service.stop().ok();

    for file in [bundle::SCORER, bundle::STATE] {
        write_bundle(&project, "model");
        let mut bytes = std::fs::read(folder.join(file)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        project.write(&format!("model/{file}"), bytes);
        let told = elsewhere.sprag(&args).arg(&folder).run().exits(exit_code::BAD_PROJECT);
        assert!(told.stderr.contains(&format!("expected `{file}` with the digest `sha256:")), "{}", told.stderr);
    }
    write_bundle(&project, "model");
    let card = project.read("model/model.json").replace("\"BMI\"", "\"IMB\"");
    project.write("model/model.json", card);
    let told = elsewhere.sprag(&args).arg(&folder).run().exits(exit_code::PLUGIN_FAILED);
    assert!(told.stderr.contains("expected diabetes@1 to have the columns of its record, found others"), "{}", told.stderr);
    std::fs::remove_file(folder.join("model.json")).unwrap();
    let told = elsewhere.sprag(&args).arg(&folder).run().exits(exit_code::BAD_PROJECT);
    assert!(told.stderr.contains("expected the file `model.json`, found none"), "{}", told.stderr);
}

#[test]
fn what_cannot_be_served_is_told_with_what_could() {
    let project = registered();
    let told = |args: &[&str]| project.run(&[&["serve", "--listen", "127.0.0.1:0"], args].concat()).error();
    assert_snapshot!(told(&["diabetes@staging"]), @r"
    exit code 2
    error: the model `diabetes` has no alias `staging`; it has `production`

    hint: `diabetes` alone means the newest version
    ");
    assert_snapshot!(told(&["@staging"]), @r"
    exit code 2
    error: the model `diabetes` has no alias `staging`; it has `production`

    hint: `diabetes` alone means the newest version
    ");
    assert_snapshot!(told(&["diabetes@9"]), @r"
    exit code 2
    error: the model `diabetes` has no version 9; it has version 1 only

    hint: `diabetes` alone means the newest version
    ");
    assert_snapshot!(told(&["other"]), @r"
    exit code 2
    error: no model is called `other`; registered are `diabetes`

    hint: `sprag models` lists the models; `sprag run` with a `register` stage adds one
    ");
    assert_snapshot!(told(&["--package", "sha256:12"]), @r"
    exit code 2
    error: expected a digest such as `sha256:` and 64 hexadecimal digits, found `sha256:12`

    hint: `sprag package` makes a package of a registered version
    ");
    assert_snapshot!(told(&["--package", "sha256:12=30", "--package", "sha256:34=80"]), @r"
    exit code 2
    error: expected shares that add up to 100, found 110
    ");
    assert_snapshot!(told(&["--bundle", "nothing"]), @r"
    exit code 2
    error: the bundle in `nothing`: expected the file `model.json`, found none

    hint: `sprag package` makes one; an image that it makes has it under /model
    ");
    let stdin = project.run(&["serve", "@production", "--listen", "stdin"]).exits(exit_code::BAD_PROJECT).error();
    assert!(stdin.contains("expected a listening socket through the standard input, found none"), "{stdin}");
    let none = Project::none();
    assert_snapshot!(none.run(&["serve", "diabetes@1"]).exits(exit_code::BAD_PROJECT).error(), @r"
    exit code 2
    error: expected the runs of a project in `[TEMP]/project`, found none

    hint: `sprag run` makes the first
    ");
    assert_snapshot!(none.run(&["serve", "@production"]).exits(exit_code::BAD_PROJECT).error(), @r"
    exit code 2
    error: expected the runs of a project in `[TEMP]/project`, found none

    hint: `sprag run` makes the first
    ");
    assert!(told(&[]).contains("<MODEL|--package <DIGEST[=PERCENT]>|--bundle <DIR>>"));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = project.run(&["serve", "@production", "--listen", &address]).exits(exit_code::BAD_PROJECT).error();
    assert_snapshot!(error.replace(&address, "[ADDRESS]"), @r"
    exit code 2
    error: failed to listen at [ADDRESS]: Address already in use (os error 98)

    hint: another process has the port; `--listen 127.0.0.1:0` takes a free one
    ");
}

#[test]
fn a_model_that_cannot_be_loaded_is_not_served() {
    let project = registered();
    let version: ModelVersion = project.run(&["model", "show", "diabetes@1", "--json"]).ok().json();
    let hex = version.model.scorer.strip_prefix("sha256:").unwrap();
    let path = project.path(".sprag/blobs/sha256").join(&hex[..2]).join(hex);
    let mut permissions = std::fs::metadata(&path).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o644);
    std::fs::set_permissions(&path, permissions).unwrap();
    std::fs::write(&path, b"something else").unwrap();
    let told = project.run(&["serve", "@production", "--listen", "127.0.0.1:0"]).exits(exit_code::BAD_PROJECT).error();
    assert!(told.contains("is damaged: expected `sha256:"), "{told}");
}

#[test]
fn keys_come_from_files_variables_and_secrets_and_are_shown_nowhere() {
    let project = registered();
    let (in_file, in_variable, in_secret) =
        ("key-of-the-file-0123456789", "key-of-the-variable-0123456789", "key-of-the-secret-0123456789");
    project.write("keys", format!("{in_file}\n"));
    project.write("secret", format!("{in_secret}\n"));
    let hosts = "hosts = [\"localhost\"]";
    project.append(&format!(
        "\n[secrets.scoring]\nfile = \"secret\"\n{hosts}\n\n[secrets.unset]\nenv = \"NO_SUCH_VARIABLE\"\n{hosts}\n"
    ));
    let serve = |args: &[&str]| {
        let base = ["serve", "@production", "--listen", "127.0.0.1:0", "--ready-file", "ready"];
        project.sprag(&[&base, args].concat()).env("SCORING_KEY", in_variable)
    };
    let service =
        Service::of(&project, serve(&["--key-file", "keys", "--key-env", "SCORING_KEY", "--key-secret", "scoring"]), &[]);
    let with = |key: &str| {
        let headers = [("authorization", format!("Bearer {key}"))];
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        service.client().request("POST", "/score", &headers, ROWS.as_bytes()).status
    };
    assert_eq!([in_file, in_variable, in_secret, "another-key-0123456789"].map(with), [200, 200, 200, 401]);
    let said = service.stop().ok();
    for key in [in_file, in_variable, in_secret, "another-key"] {
        assert!(!said.stderr.contains(key) && !said.stdout.contains(key));
    }
    // A variable that needs no argument, for images.
    let service = Service::of(&project, serve(&[]).env("SPRAG_SERVE_KEY", in_variable), &[]);
    assert_eq!(service.client().post("/score", ROWS.as_bytes()).status, 401);
    let _ = service.stop().ok();

    let told = |sprag: Sprag<'_>| sprag.run().exits(exit_code::BAD_PROJECT).error();
    assert_snapshot!(told(serve(&["--key-secret", "unset"])), @r"
    exit code 2
    error: expected the value of the secret `unset` in the environment variable `NO_SUCH_VARIABLE`, found none: it is not set

    hint: set `NO_SUCH_VARIABLE` where sprag runs
    ");
    assert_snapshot!(told(serve(&["--key-secret", "nothing"])), @r"
    exit code 2
    error: expected `[secrets.nothing]` in sprag.toml, found none

    hint: describe it: `[secrets.nothing]` with `env`, `file`, `azure` or `kubeconfig`, and `hosts`
    ");
    assert_snapshot!(told(serve(&["--key-env", "NO_SUCH_VARIABLE"])), @r"
    exit code 2
    error: expected a bearer key in the environment variable `NO_SUCH_VARIABLE`, found none

    hint: set `NO_SUCH_VARIABLE` where sprag runs
    ");
    assert_snapshot!(told(serve(&["--key-file", "nothing"])), @r"
    exit code 2
    error: failed to read the keys in `nothing`: No such file or directory (os error 2)
    ");
    assert_snapshot!(told(serve(&[]).env("SPRAG_SERVE_KEY", "short")), @r"
    exit code 2
    error: expected keys of at least 16 characters in the environment variable `SPRAG_SERVE_KEY`, found 5 in key 1

    hint: `openssl rand -hex 32` makes a good key
    ");
}

#[test]
fn a_certificate_that_expired_is_told_before_anybody_meets_it() {
    let project = registered();
    let write = |until: i32| {
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (rcgen::date_time_ymd(2020, 1, 1), rcgen::date_time_ymd(until, 1, 1));
        let key = rcgen::KeyPair::generate().unwrap();
        project.write("certificate.pem", params.self_signed(&key).unwrap().pem());
        project.write("key.pem", key.serialize_pem());
    };
    let args = ["@production", "--tls-certificate", "certificate.pem", "--tls-key", "key.pem"];
    write(2024);
    let told = project.run(&[&["serve", "--listen", "127.0.0.1:0"], &args[..]].concat()).exits(exit_code::BAD_PROJECT);
    assert_snapshot!(told.error(), @r"
    exit code 2
    error: expected a certificate that is valid in `certificate.pem`, found one that expired on 2024-01-01 00:00 UTC

    hint: renew the certificate and start again
    ");
    write(2099);
    let service = Service::start(&project, &args);
    assert!(project.read("ready").starts_with("https://"));
    let _ = service.stop().ok();
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

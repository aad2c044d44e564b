//! A real MLflow server hears of runs, models and releases, and gives a model back.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use sprag_schemas::exit_code;
use sprag_schemas::record::{RunOutcome, StageStatus};

use crate::context::{Project, Serving, metric, root, stage};
use crate::part::{Server, free_port, has_python, output};

/// The port of a server, which is started, and its address.
fn server(folder: &Path) -> (Server, String) {
    let port = free_port();
    let database = format!("sqlite:///{}/mlflow.db", folder.display());
    let files = folder.join("files").display().to_string();
    let mut command = Command::new("mlflow");
    command.args(["server", "--host", "127.0.0.1", "--port", &port.to_string(), "--workers", "1"]);
    command.args(["--backend-store-uri", &database, "--serve-artifacts", "--artifacts-destination", &files]);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).current_dir(folder);
    // It would look for news of itself elsewhere.
    command
        .env("MLFLOW_DISABLE_TELEMETRY", "true")
        .env("DO_NOT_TRACK", "true")
        .env("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false");
    (Server::start(&mut command, port, "/health"), format!("http://127.0.0.1:{port}"))
}

fn script(name: &str, args: &[&str]) -> String {
    let path = root().join("tests/python").join(name).display().to_string();
    let args: Vec<&str> = std::iter::once(path.as_str()).chain(args.iter().copied()).collect();
    output("python3", &args)
}

fn looked(url: &str, alias: &str, csv: &Path) -> Value {
    serde_json::from_str(&script("mlflow_look.py", &[url, "diabetes", "diabetes", alias, &csv.display().to_string()])).unwrap()
}

#[test]
fn runs_models_and_aliases_go_to_mlflow_and_models_come_back() {
    if !has_python("mlflow, onnx") {
        return;
    }
    let site = Serving::of(Project::example("diabetes"));
    let folder = site.outside().join("mlflow");
    std::fs::create_dir_all(&folder).unwrap();
    let (server, url) = server(&folder);
    site.append(&format!(
        "\n[run.notify.mlflow]\nplugin = \"notify-mlflow\"\nparams = {{ url = \"{url}\" }}\ngrants = {{ http = [\"{url}\"] }}\n\
         \n[environments.production.notify.mlflow]\nplugin = \"notify-mlflow\"\nparams = {{ url = \"{url}\", aliases = {{ production = \"champion\" }} }}\ngrants = {{ http = [\"{url}\"] }}\n"
    ));
    let run = site.record(&[]);
    assert_eq!(stage(&run, "run.notify.mlflow").status, StageStatus::Passed);
    // Telling again changes nothing.
    let _ = site.run(&["runs", "notify", "latest"]).ok();
    let told = looked(&url, "-", Path::new("-"));
    assert_eq!(told["runs"].as_array().unwrap().len(), 1, "{told}");
    let first = &told["runs"][0];
    assert_eq!((&first["name"], &first["status"]), (&json!(run.id), &json!("FINISHED")));
    assert_eq!(first["params"]["train.alpha"], "0.5");
    assert_eq!(first["metrics"]["mse"].as_f64(), Some(metric(&run, "candidate", "mse")));
    assert_eq!(first["tags"]["sprag.outcome"], "promoted");
    assert_eq!(first["data"], json!([["training", "training"], ["hold-out", "evaluation"]]));
    let files: Vec<_> = first["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
    assert!(files.contains(&"model/MLmodel") && files.contains(&"model/model.onnx"), "{files:?}");
    assert!(files.contains(&"evaluate/predictions.csv"), "{files:?}");
    assert_eq!(
        told["versions"],
        json!([{ "version": "1", "aliases": [], "tags": { "sprag.version": "1", "sprag.run": run.id } }])
    );

    // A release moves the alias, and MLflow's own client predicts by it what sprag predicts.
    let _ = site.run(&["key", "new", "--name", "tester", "--add"]).ok();
    let key = site.outside().join("home/.config/sprag/key").display().to_string();
    let _ = site.run(&["release", "--approve-as", &key, "--reason", "for MLflow"]).ok();
    let rows = site.outside().join("rows.csv");
    let data = site.read("data/diabetes.csv");
    let head: Vec<_> = data.lines().take(6).map(|line| line.rsplit_once(',').unwrap().0).collect();
    std::fs::write(&rows, head.join("\n") + "\n").unwrap();
    let scored = site.outside().join("scored.csv");
    let (input, to) = (rows.display().to_string(), scored.display().to_string());
    let _ = site.run(&["score", "diabetes@production", "--input", &input, "--output", &to]).ok();
    let ours: Vec<f64> = std::fs::read_to_string(&scored)
        .unwrap()
        .lines()
        .skip(1)
        .map(|line| line.rsplit(',').next().unwrap().parse().unwrap())
        .collect();
    let told = looked(&url, "champion", &rows);
    assert_eq!(told["versions"][0]["aliases"], json!(["champion"]));
    let theirs: Vec<f64> = serde_json::from_value(told["predicted"].clone()).unwrap();
    assert!(
        ours.len() == 5 && ours.iter().zip(&theirs).all(|(ours, theirs)| (ours - theirs).abs() < 1e-9),
        "{ours:?} {theirs:?}"
    );

    traced(&site, &url, told["experiment"].as_str().unwrap());
    imported(&url);
    // Of what MLflow does not hear the run knows, and is none the worse.
    drop(server);
    let run = site.record(&["--param", "train.alpha=0.3"]);
    assert!(matches!(run.outcome, RunOutcome::Promoted | RunOutcome::Kept), "{run:?}");
    let told = stage(&run, "run.notify.mlflow");
    assert_eq!(told.status, StageStatus::Failed);
    assert!(told.reason.contains("try again") && told.reason.contains("127.0.0.1"), "{}", told.reason);
    let again = site.run(&["runs", "notify", "latest"]).exits(exit_code::PLUGIN_FAILED);
    assert!(again.stdout.contains("run.notify.mlflow"), "{}", again.stdout);
}

/// MLflow takes OpenTelemetry's traces, too: the run as a span, and its stages below it, within the trace of whoever began it.
fn traced(site: &Project, url: &str, experiment: &str) {
    let run = site.sprag(&["run", "--format", "json", "--no-cache"]);
    let run = run.env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", format!("{url}/v1/traces"));
    let run = run.env("OTEL_EXPORTER_OTLP_TRACES_HEADERS", format!("x-mlflow-experiment-id={experiment}"));
    let outcome = run.env("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").run().ok();
    assert!(!outcome.stderr.contains("OpenTelemetry"), "{}", outcome.stderr);
    let spans: Vec<Value> = serde_json::from_str(&script("mlflow_spans.py", &[url, experiment])).unwrap();
    let of = |name: &str| spans.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("no `{name}` in {spans:?}"));
    let (run, train) = (of("RUN diabetes"), of("train"));
    assert_eq!(run["trace"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!((&run["parent"], &train["parent"]), (&json!("b7ad6b7169203331"), &run["id"]));
    assert_eq!((&train["status"], &train["attributes"]["sprag.plugin.name"]), (&json!("OK"), &json!("train-ridge")));
    assert!(run["start"].as_u64() <= train["start"].as_u64() && train["end"].as_u64() <= run["end"].as_u64());
}

/// A model of elsewhere is a candidate like any other.
fn imported(url: &str) {
    let _ = script("mlflow_log.py", &[url]);
    let site = Project::example("diabetes");
    let provision = |model: &str, file: &str| {
        format!(
            "\n[provision.{file}]\nplugin = \"import-mlflow\"\nparams = {{ url = \"{url}\", {model}, folder = \"models\", file = \"{file}.onnx\" }}\ngrants = {{ http = [\"{url}\"], folders = [\"models\"] }}\n"
        )
    };
    site.edit(
        "plugin = \"train-ridge\"\nparams = { alpha = 0.5 }",
        "plugin = \"train-onnx\"\ninputs = { model = \"models/line.onnx\", card = \"models/line.onnx.json\" }",
    );
    site.edit("[stages.unit-test]\nplugin = \"test-regressor\"\n", "");
    site.append(&provision("model = \"line\", alias = \"champion\"", "line"));
    let fetched = site.run(&["provision"]).ok();
    assert!(fetched.stdout.contains("+ file models/line.onnx  `line` version 1 of "), "{}", fetched.stdout);
    let again = site.run(&["provision"]).ok();
    assert!(again.stdout.contains("= file models/line.onnx"), "{}", again.stdout);
    let card: Value = serde_json::from_str(&site.read("models/line.onnx.json")).unwrap();
    assert_eq!((&card["model"], &card["columns"][0]), (&json!("line"), &json!("S6")));
    let run = site.record(&[]);
    let model = run.candidate.as_ref().unwrap();
    assert_eq!(model.inputs[0].name, "S6", "the model's own order counts");
    // y = 900 * BMI + 152, the eighth column of those backwards.
    let mse = stage(&run, "evaluate").report.metrics.iter().find(|metric| metric.name == "mse").unwrap().value;
    let rows: Vec<Vec<f64>> = site
        .read("data/diabetes.csv")
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(|value| value.parse().unwrap()).collect())
        .collect();
    let whole = rows.iter().map(|row| (900.0 * row[2] + 152.0 - row[10]).powi(2)).sum::<f64>() / rows.len() as f64;
    assert!((0.5..2.0).contains(&(mse / whole)), "{mse} on the hold-out, {whole} on all rows");

    site.append(&provision("model = \"python\", version = 1", "python"));
    let refused = site.run(&["provision", "python"]).exits(exit_code::PLUGIN_FAILED);
    assert!(refused.stderr.contains("expected the flavor `onnx`, found `python_function`"), "{}", refused.stderr);
    site.edit("model = \"python\", version = 1", "model = \"python\", version = 7");
    let refused = site.run(&["provision", "python"]).exits(exit_code::PLUGIN_FAILED);
    assert!(refused.stderr.contains("MLflow refused `python` version 7: RESOURCE_DOES_NOT_EXIST"), "{}", refused.stderr);
}

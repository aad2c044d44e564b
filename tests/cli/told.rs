//! Who is told how a run ended: people, trackers, and OpenTelemetry; and a candidate that is taken in spite of the gate.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::{Value, json};
use sprag_schemas::exit_code;
use sprag_schemas::record::{DecisionOutcome, ModelVersion, RunOutcome, StageStatus};

use crate::context::{Project, Receiver, stage};

fn notified(receiver: &Receiver, more: &str) -> Project {
    let project = Project::diabetes();
    let origin = format!("http://{}", receiver.address);
    project.append(&format!(
        "\n[run.notify.hook]\nplugin = \"notify-webhook\"\nparams = {{ url = \"{origin}/hook\" }}\ngrants = {{ http = [\"{origin}\"] }}\n{more}"
    ));
    project
}

#[test]
fn whoever_wants_to_know_is_told_how_each_run_ended() {
    let receiver = Receiver::start();
    let project = notified(&receiver, "");
    let run = project.record(&[]);
    assert_eq!(stage(&run, "run.notify.hook").status, StageStatus::Passed);
    let told = receiver.taken();
    assert_eq!((told.len(), told[0].what.as_str()), (1, "POST /hook"));
    let event: Value = serde_json::from_slice(&told[0].body).unwrap();
    assert_eq!(
        (&event["event"], &event["run"]["id"], &event["run"]["outcome"]),
        (&json!("run-ended"), &json!(run.id), &json!("promoted"))
    );
    let inputs: Vec<_> = event["files"].as_array().unwrap().iter().map(|file| file["input"].as_str().unwrap()).collect();
    assert!(inputs.contains(&"run/model") && inputs.contains(&"run/evaluate/predictions.csv"), "{inputs:?}");
    let schema: Value = project.run(&["schema", "run-event"]).ok().json();
    assert!(jsonschema::is_valid(&schema, &event), "what is told is what the schema says");
    // Of a run that fails people want to hear most.
    project.edit("target = \"Y\"", "target = \"Y\"\nfeatures = [\"AGE\"]");
    let failed = project.record(&["--param", "evaluate.bounds=[{\"metric\":\"r2\",\"at_least\":0.9}]"]);
    assert_ne!(failed.outcome, RunOutcome::Promoted, "{failed:?}");
    let event: Value = serde_json::from_slice(&receiver.taken()[1].body).unwrap();
    assert_eq!(event["run"]["outcome"], failed.outcome.name());
    // And of one that ended long ago, they can be told again.
    let _ = project.run(&["runs", "notify", "--all"]).ok();
    assert_eq!(receiver.taken().len(), 4);
    let again: Value = serde_json::from_slice(&receiver.taken()[2].body).unwrap();
    assert_eq!(again["run"]["id"], json!(run.id), "oldest first");
}

#[test]
fn a_run_is_none_the_worse_where_nobody_hears_of_it() {
    let project = Project::diabetes();
    project.append("\n[run.notify.hook]\nplugin = \"notify-webhook\"\nparams = { url = \"http://127.0.0.1:9/\", secret = \"token\" }\ngrants = { http = [\"http://127.0.0.1:9\"], secrets = [\"token\"] }\n[secrets.token]\nenv = \"NOT_SET\"\nhosts = [\"127.0.0.1\"]\n");
    let outcome = project.run(&["run"]).ok();
    assert!(outcome.stdout.contains("registered  diabetes@1"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("run.notify.hook") && outcome.stdout.contains("NOT_SET"), "{}", outcome.stdout);
    let again = project.run(&["runs", "notify", "latest"]).exits(exit_code::PLUGIN_FAILED);
    assert!(again.stdout.contains("failed"), "{}", again.stdout);
    let nobody = Project::diabetes();
    let _ = nobody.run(&["run"]).ok();
    let error = nobody.run(&["runs", "notify", "latest"]).exits(exit_code::BAD_PROJECT).error();
    assert!(error.contains("expected somebody who is told of runs, found no `[run.notify.NAME]`"), "{error}");
    let wrong = Project::diabetes();
    wrong.append("\n[stages.told]\nkind = \"notify\"\nplugin = \"notify-webhook\"\n");
    let error = wrong.run(&["check"]).exits(exit_code::BAD_PROJECT).error();
    assert!(error.contains("stands under `[run.notify.NAME]`"), "{error}");
}

fn text<'a>(attributes: &'a [KeyValue], key: &str) -> &'a str {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.as_ref()?.value.as_ref()) {
        Some(Any::StringValue(text)) => text,
        other => panic!("expected the text `{key}`, found {other:?} in {attributes:?}"),
    }
}

fn spans(receiver: &Receiver) -> Vec<Span> {
    let mut spans = vec![];
    for taken in receiver.taken().iter().filter(|taken| taken.what == "POST /v1/traces") {
        assert_eq!(taken.headers["content-type"], "application/x-protobuf");
        let request = ExportTraceServiceRequest::decode(taken.body.as_slice()).unwrap();
        for resource in request.resource_spans {
            assert_eq!(text(&resource.resource.unwrap().attributes, "service.name"), "training");
            spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    spans
}

#[test]
fn runs_are_traces_and_figures_of_opentelemetry() {
    let receiver = Receiver::start();
    let project = Project::diabetes();
    let run = |args: &[&str]| {
        let sprag = project.sprag(&[&["run"], args].concat()).env("OTEL_SERVICE_NAME", "training");
        let sprag = sprag.env("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20secret");
        sprag.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", receiver.address))
    };
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let _ = run(&[]).env("TRACEPARENT", parent).run().ok();
    let spans = spans(&receiver);
    let names: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["RUN diabetes", "sanity-check", "unit-test", "train", "evaluate", "register"]);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!((hex(&spans[0].trace_id), hex(&spans[0].parent_span_id)), (parent[3..35].to_owned(), parent[36..52].to_owned()));
    for span in &spans[1..] {
        assert_eq!((&span.trace_id, &span.parent_span_id), (&spans[0].trace_id, &spans[0].span_id));
        assert!(spans[0].start_time_unix_nano <= span.start_time_unix_nano, "{span:?}");
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano, "{span:?}");
    }
    assert_eq!(text(&spans[0].attributes, "cicd.pipeline.result"), "success");
    assert_eq!(text(&spans[3].attributes, "sprag.plugin.name"), "train-ridge");
    let of_metrics: Vec<_> = receiver.taken().into_iter().filter(|taken| taken.what == "POST /v1/metrics").collect();
    let metrics = ExportMetricsServiceRequest::decode(of_metrics[0].body.as_slice()).unwrap();
    let metrics = &metrics.resource_metrics[0].scope_metrics[0].metrics;
    let names: Vec<_> = metrics.iter().map(|metric| metric.name.as_str()).collect();
    assert_eq!(names, ["cicd.pipeline.run.duration", "sprag.stage.duration", "sprag.metric"]);
    assert!(receiver.taken().iter().all(|taken| taken.headers["api-key"] == "a secret"));
    // Whoever began the trace, and wants nothing of it to be kept, is heard.
    let before = receiver.taken().len();
    let _ = run(&["--no-cache"]).env("TRACEPARENT", parent.replace("-01", "-00")).env("OTEL_METRICS_EXPORTER", "none").run().ok();
    assert_eq!(receiver.taken().len(), before);
}

#[test]
fn a_collector_that_is_away_or_a_wrong_setting_costs_a_warning() {
    let project = Project::diabetes();
    for (name, value, said) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9", "nothing is sent to OpenTelemetry: 127.0.0.1:9"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "`OTEL_EXPORTER_OTLP_PROTOCOL`: expected `http/protobuf`"),
        ("TRACEPARENT", "nonsense", "expected a `traceparent` such as"),
    ] {
        let sprag = project.sprag(&["run"]).env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9").env(name, value);
        let outcome = sprag.run().ok();
        assert!(outcome.stderr.contains(said), "{name}: {}", outcome.stderr);
    }
}

#[test]
fn a_candidate_is_taken_in_spite_of_the_gate_where_somebody_says_why() {
    let project = Project::diabetes();
    let _ = project.run(&["run"]).ok();
    let worse = ["--param", "train.alpha=0.7"];
    assert_eq!(project.record(&worse).outcome, RunOutcome::Kept);
    let accepted = project.record(&[&worse[..], &["--accept", "the old one is wrong on new sites"]].concat());
    assert_eq!(accepted.outcome, RunOutcome::Promoted);
    assert!(
        accepted.reason.contains("in spite of the gate: the old one is wrong on new sites; the gate: mse "),
        "{}",
        accepted.reason
    );
    assert_eq!(stage(&accepted, "evaluate").report.decision.as_ref().unwrap().outcome, DecisionOutcome::Keep);
    let version: ModelVersion = project.run(&["model", "show", "diabetes@2", "--json"]).ok().json();
    assert!(version.lineage.decision.unwrap().reason.contains("in spite of the gate"));
    // What blocks a run, blocks it.
    let blocked = project.record(&["--accept", "x", "--param", "evaluate.bounds=[{\"metric\":\"r2\",\"at_least\":0.9}]"]);
    assert_eq!(blocked.outcome, RunOutcome::Blocked);
    // CI systems set every variable of theirs, and leave those empty that nobody gave.
    let empty = project.sprag(&["run", "--param", "train.alpha=0.8"]).env("SPRAG_ACCEPT", "").run().ok();
    assert!(empty.stdout.contains("kept"), "{}", empty.stdout);
}

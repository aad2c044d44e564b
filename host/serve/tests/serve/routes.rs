//! Every route, with what it answers, and what is written down about it.

use serde_json::{Value, json};

use crate::support::{eventually, fixed, start};

#[test]
fn rows_are_scored_over_one_connection() {
    let service = start(fixed("double"), |_| ());
    let mut client = service.client();
    for rows in [&[1.0][..], &[0.1, -2.5, 1e300], &[5e-324]] {
        let answer = client.score(rows);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
        let doubles: Vec<_> = rows.iter().map(|x| x * 2.0).collect();
        assert_eq!(answer.json(), json!({ "result": doubles }));
    }
    let records = client.post("/score", br#"{"data":[{"x":1},{"x":2}]}"#);
    assert_eq!(records.text(), r#"{"result":[2.0,4.0]}"#);
    let all = client.post("/score?outputs=all", br#"{"data":[[3]]}"#);
    assert_eq!(all.text(), r#"{"result":[6.0],"outputs":{"prediction":[6.0]}}"#);
}

#[test]
fn the_open_inference_protocol_is_spoken() {
    let service = start(fixed("double"), |_| ());
    let mut client = service.client();
    assert_eq!(client.get("/v2").json()["extensions"], json!(["binary_tensor_data"]));
    for path in ["/v2/models/double", "/v2/models/double/versions/1"] {
        let metadata = client.get(path).json();
        assert_eq!((&metadata["name"], &metadata["versions"]), (&json!("double"), &json!(["1"])));
        assert_eq!(metadata["inputs"], json!([{ "name": "x", "datatype": "FP64", "shape": [-1] }]));
    }
    for path in ["/v2/health/live", "/v2/health/ready", "/v2/models/double/ready", "/v2/models/double/versions/1/ready"] {
        assert_eq!(client.get(path).status, 200, "{path}");
    }
    let body = br#"{"id":"7","inputs":[{"name":"x","shape":[2],"datatype":"FP64","data":[1,2]}]}"#;
    let answer = client.post("/v2/models/double/infer", body).json();
    assert_eq!((&answer["id"], &answer["model_version"]), (&json!("7"), &json!("1")));
    assert_eq!(answer["outputs"], json!([{ "name": "prediction", "datatype": "FP64", "shape": [2], "data": [2.0, 4.0] }]));
    let wrong = client.post("/v2/models/other/infer", body);
    assert_eq!(wrong.refusal(), (404, "unknown-model".to_owned()));
    assert!(wrong.json()["error"].is_string(), "an error as this protocol has it");
}

#[test]
fn tensors_travel_as_bytes() {
    let service = start(fixed("double"), |_| ());
    let head = br#"{"inputs":[{"name":"x","shape":[2],"datatype":"FP64","parameters":{"binary_data_size":16}}],"parameters":{"binary_data_output":true}}"#;
    let body = [&head[..], &1.5_f64.to_le_bytes(), &(-2.0_f64).to_le_bytes()].concat();
    let length = head.len().to_string();
    let headers = [("content-type", "application/octet-stream"), ("inference-header-content-length", length.as_str())];
    let answer = service.client().request("POST", "/v2/models/double/infer", &headers, &body);
    assert_eq!(answer.status, 200);
    let json: usize = answer.header("inference-header-content-length").unwrap().parse().unwrap();
    assert_eq!(answer.body[json..], [3.0_f64.to_le_bytes(), (-4.0_f64).to_le_bytes()].concat());
}

#[test]
fn documents_and_health_are_there_for_machines() {
    let service = start(fixed("double"), |_| ());
    let mut client = service.client();
    let (openapi, swagger) = (client.get("/openapi.json"), client.get("/swagger.json"));
    assert_eq!(openapi.body, swagger.body);
    assert_eq!(openapi.json()["info"]["title"], "double");
    assert_eq!(client.get("/healthz").text(), r#"{"live":true}"#);
    let ready = client.get("/readyz").json();
    assert_eq!((&ready["ready"], &ready["model"], &ready["version"]), (&json!(true), &json!("double"), &json!("1")));
    let head = client.request("HEAD", "/readyz", &[], b"");
    assert_eq!((head.status, head.header("content-type")), (200, Some("application/json")));
    assert_eq!(client.get("/healthz").status, 200, "the connection goes on after an answer without a body");
}

#[test]
fn figures_count_what_was_asked() {
    let service = start(fixed("double"), |_| ());
    let mut client = service.client();
    assert_eq!(client.score(&[1.0, 2.0, 3.0]).status, 200);
    assert_eq!(client.post("/score", b"{").status, 400);
    let metrics = client.get("/metrics");
    assert!(metrics.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    assert!(metrics.text().ends_with("# EOF\n"));
    let figure = |line: &str| service.figure(line);
    assert_eq!(figure(r#"sprag_requests_total{route="score",status="200",variant="champion"}"#), 1.0);
    assert_eq!(figure(r#"sprag_requests_total{route="score",status="400",variant="champion"}"#), 1.0);
    assert_eq!(figure(r#"sprag_predictions_total{variant="champion"}"#), 3.0);
    assert_eq!(figure(r#"sprag_scoring_seconds_count{variant="champion"}"#), 1.0);
    assert!(metrics.text().contains(r#"sprag_model{variant="champion",model="double",version="1",digest="sha256:"#));
}

#[test]
fn a_request_is_followed_by_its_id_and_trace_into_the_log() {
    let service = start(fixed("double"), |_| ());
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let headers = [("x-request-id", "order-7"), ("traceparent", trace), ("content-type", "application/json")];
    let answer = service.client().request("POST", "/score", &headers, br#"{"data":[[1],[2]]}"#);
    assert_eq!(answer.header("x-request-id"), Some("order-7"));
    let continued = answer.header("traceparent").unwrap().to_owned();
    assert!(continued.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && continued.ends_with("-01"), "{continued}");
    assert!(!continued.contains("b7ad6b7169203331"), "the span is the service's own");
    assert_eq!(answer.header("x-sprag-model-version"), Some("double@1"));
    let digest = answer.header("x-sprag-model-digest").unwrap().to_owned();
    assert_eq!(service.client().post("/score", b"[]").status, 422);

    let log = service.log();
    let events: Vec<_> = log.iter().filter_map(|line| line["event"].as_str()).collect();
    assert_eq!(events, ["started", "request", "request", "draining", "stopped"]);
    let line = &log[1];
    assert_eq!(
        (&line["request"], &line["trace"], &line["predictions"], &line["digest"]),
        (&json!("order-7"), &json!(continued), &json!(2), &json!(digest))
    );
    assert_eq!(
        (&line["method"], &line["path"], &line["status"], &line["variant"], &line["model"], &line["version"]),
        (&json!("POST"), &json!("/score"), &json!(200), &json!("champion"), &json!("double"), &json!("1"))
    );
    assert!(line["ms"].as_f64().unwrap() > 0.0 && line["time"].as_str().unwrap().ends_with('Z'));
    assert_eq!((&log[2]["status"], &log[2]["predictions"]), (&json!(422), &json!(0)));
    assert_eq!((&log[2]["code"], &log[2]["reason"]), (&json!("bad-type"), &Value::Null), "{}", log[2]);
}

#[test]
fn what_a_client_sent_is_in_no_log_line() {
    let service = start(fixed("double"), |_| ());
    let mut client = service.client();
    for body in [
        r#"{"data":[[1],["SECRET-7"]]}"#,
        r#"{"data":[{"SECRET-7":1}]}"#,
        r#"{"SECRET-7":1}"#,
        r#"{"data":[[SECRET-7]]}"#,
        r#"{"columns":["SECRET-7"],"data":[[1]]}"#,
    ] {
        let answer = client.post("/score", body.as_bytes());
        assert!((400..500).contains(&answer.status), "{body}: {}", answer.text());
    }
    let log = service.log();
    let refused: Vec<_> = log.iter().filter(|line| line["event"] == "request").collect();
    assert!(refused.len() == 5 && refused.iter().all(|line| line["code"].is_string()), "{refused:?}");
    assert_eq!((&refused[0]["row"], &refused[0]["field"]), (&json!(1), &json!("x")), "where it was is told");
    assert!(!format!("{log:?}").contains("SECRET-7"), "{log:?}");
}

#[test]
fn white_space_beyond_ascii_is_no_json_and_no_fault() {
    let service = start(fixed("double"), |_| ());
    let mut client = service.client();
    for body in ["\u{a0}", "{\"data\":[[\u{3000}1]]}", "{\u{2003}\"data\":[[1]]}", "\u{85}{\"data\":[[1]]}"] {
        let answer = client.post("/score", body.as_bytes());
        assert!((400..500).contains(&answer.status), "{body:?}: {}", answer.text());
    }
}

#[test]
fn a_client_that_goes_away_leaves_a_line() {
    let service = start(fixed("moody"), |config| config.limits.time = std::time::Duration::from_secs(30));
    let mut client = service.client();
    client.send(b"POST /score HTTP/1.1\r\nhost: x\r\nx-request-id: gone-1\r\ncontent-length: 15\r\n\r\n{\"data\":[[-2]]}");
    eventually("it is being answered", || service.figure("sprag_in_flight") >= 2.0);
    drop(client);
    let counted = r#"sprag_requests_total{route="score",status="499",variant="champion"} 1"#;
    eventually("it is counted", || service.client().get("/metrics").text().contains(counted));
    let line = service.log().into_iter().find(|line| line["request"] == "gone-1").unwrap();
    assert_eq!((&line["status"], &line["code"]), (&json!(499), &json!("unanswered")), "{line}");
}

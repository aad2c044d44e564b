//! The Open Inference Protocol v2: tensors as JSON and as bytes.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod support;

use sprag_scoring::{Api, Batch, Column, Head, Problem, Reply, Route, Values};
use support::{mixed, two};

const INFER: &str = "/v2/models/diabetes/infer";

fn decode(api: &Api, json: &str, binary: Option<&[u8]>) -> Result<Batch, Problem> {
    let length = json.len().to_string();
    let head =
        Head { method: "POST", target: INFER, inference_header_length: binary.map(|_| length.as_str()), ..Head::default() };
    let Ok(Route::Score(ask)) = api.route(&head) else { panic!("a route that scores") };
    api.decode(&ask, &[json.as_bytes(), binary.unwrap_or_default()].concat(), 100)
}

fn floats(values: &[f64]) -> Column {
    Column { values: Values::Floats(values.to_vec()), validity: None }
}

fn answer(api: &Api, batch: &Batch, predicted: &[Column]) -> Reply {
    api.answer(&batch.shape, batch.rows, predicted)
}

#[test]
fn tensors_of_json_are_a_matrix_or_columns() {
    let api = two();
    let expected = [floats(&[1.0, 3.0]), floats(&[2.0, 4.0])];
    for json in [
        r#"{"inputs":[{"name":"any","shape":[2,2],"datatype":"FP64","data":[1,2,3,4]}]}"#,
        r#"{"inputs":[{"name":"any","shape":[2,2],"datatype":"FP32","data":[[1,2],[3,4]]}]}"#,
        r#"{"inputs":[{"data":[1,2,3,4],"datatype":"INT32","shape":[2,2],"name":"any","parameters":{"note":[1]}}]}"#,
        r#"{"inputs":[{"name":"bmi","shape":[2],"datatype":"INT64","data":[2,4]},{"name":"age","shape":[2,1],"datatype":"FP64","data":[[1],[3]]}]}"#,
    ] {
        assert_eq!(decode(&api, json, None).unwrap().columns, expected, "{json}");
    }
}

#[test]
fn tensors_of_bytes_follow_the_json() {
    let api = two();
    let json = r#"{"id":"7","inputs":[{"name":"x","shape":[1,2],"datatype":"FP64","parameters":{"binary_data_size":16}}],"parameters":{"binary_data_output":true}}"#;
    let bytes = [1.5_f64.to_le_bytes(), 2.5_f64.to_le_bytes()].concat();
    let batch = decode(&api, json, Some(&bytes)).unwrap();
    assert_eq!(batch.columns, [floats(&[1.5]), floats(&[2.5])]);
    let reply = answer(&api, &batch, &[floats(&[150.0])]);
    let header = r#"{"model_name":"diabetes","model_version":"3","id":"7","outputs":[{"name":"prediction","datatype":"FP64","shape":[1],"parameters":{"binary_data_size":8}}]}"#;
    assert_eq!(reply.headers, [("inference-header-content-length", header.len().to_string())]);
    assert_eq!(reply.body, [header.as_bytes(), &150.0_f64.to_le_bytes()].concat());
    assert_eq!(reply.content_type, "application/octet-stream");
}

#[test]
fn each_type_comes_as_bytes() {
    let api = mixed();
    let tensor = |name: &str, datatype: &str, size: usize| {
        format!(r#"{{"name":"{name}","shape":[2],"datatype":"{datatype}","parameters":{{"binary_data_size":{size}}}}}"#)
    };
    let parts: [(&str, &str, Vec<u8>); 5] = [
        ("f", "FP32", [0.5_f32.to_le_bytes(), 2.0_f32.to_le_bytes()].concat()),
        ("i", "INT32", [7_i32.to_le_bytes(), (-8_i32).to_le_bytes()].concat()),
        ("b", "BOOL", vec![1, 0]),
        ("t", "BYTES", [&2_u32.to_le_bytes()[..], "é".as_bytes(), &1_u32.to_le_bytes(), b"x"].concat()),
        ("s", "INT64", [1_i64.to_le_bytes(), 2_i64.to_le_bytes()].concat()),
    ];
    let tensors: Vec<_> = parts.iter().map(|(name, datatype, bytes)| tensor(name, datatype, bytes.len())).collect();
    let json = format!(
        r#"{{"inputs":[{}],"outputs":[{{"name":"label","parameters":{{"binary_data":true}}}},{{"name":"score"}}]}}"#,
        tensors.join(",")
    );
    let bytes = parts.iter().flat_map(|(_, _, bytes)| bytes.clone()).collect::<Vec<_>>();
    let batch = decode(&api, &json, Some(&bytes)).unwrap();
    let values: Vec<_> = batch.columns.iter().map(|column| column.values.clone()).collect();
    let expected = [
        Values::Floats(vec![0.5, 2.0]),
        Values::Integers(vec![7, -8]),
        Values::Booleans(vec![1, 0]),
        Values::Texts { bytes: "éx".into(), ends: vec![2, 3] },
        Values::Integers(vec![1, 2]),
    ];
    assert_eq!(values, expected);
    let labels = Column { values: Values::Texts { bytes: b"ab".to_vec(), ends: vec![1, 2] }, validity: None };
    let reply = answer(&api, &batch, &[floats(&[1.0, 2.0]), labels]);
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    let json = r#"{"model_name":"diabetes","model_version":"3","outputs":[{"name":"label","datatype":"BYTES","shape":[2],"parameters":{"binary_data_size":10}},{"name":"score","datatype":"FP64","shape":[2],"data":[1.0,2.0]}]}"#;
    assert_eq!(text, format!("{json}\u{1}\0\0\0a\u{1}\0\0\0b"));
}

#[test]
fn tensors_that_do_not_fit_are_told() {
    let api = two();
    let cases = [
        (r#"{"inputs":[]}"#, 422, "expected at least one input tensor, found none"),
        (r#"{"outputs":[]}"#, 422, "expected the key `inputs` with the input tensors, found none"),
        (
            r#"{"inputs":[{"name":"x","shape":[2,3],"datatype":"FP64","data":[]}]}"#,
            422,
            "expected one input tensor of shape [rows, 2], or one for each column of the model, found `x` of shape [2, 3]",
        ),
        (
            r#"{"inputs":[{"name":"x","shape":[2,2],"datatype":"FP64","data":[1,2,3]}]}"#,
            422,
            "expected 4 elements for `x`, found 3",
        ),
        (
            r#"{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP64","data":[1,2,3]}]}"#,
            422,
            "expected 2 elements for `x`, found more",
        ),
        (
            r#"{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP64","data":[1,NaN]}]}"#,
            422,
            "expected a finite number for `bmi` in row 0, found NaN, which JSON has not",
        ),
        (
            r#"{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,1e200]}]}"#,
            422,
            "expected a finite number for `bmi` in row 0, found one beyond 32 bits",
        ),
        (
            r#"{"inputs":[{"name":"x","shape":[1,2],"datatype":"BYTES","data":["a","b"]}]}"#,
            422,
            "expected the datatype FP64 for `age`, found BYTES",
        ),
        (
            r#"{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP16","data":[1,2]}]}"#,
            422,
            "expected one of the datatypes FP64, FP32, INT64, INT32, BOOL, BYTES for `x`, found `FP16`",
        ),
        (
            r#"{"inputs":[{"name":"age","shape":[1],"datatype":"FP64","data":[1]}]}"#,
            422,
            "expected an input tensor for `bmi`, found none",
        ),
        (r#"{"inputs":[{"name":"x","shape":[0,2],"datatype":"FP64","data":[]}]}"#, 422, "expected at least one row, found none"),
        (
            r#"{"inputs":[{"name":"x","shape":[101,2],"datatype":"FP64","data":[]}]}"#,
            413,
            "expected at most 100 rows in one request, found 101",
        ),
        (
            r#"{"inputs":[{"name":"x","shape":[9999999999999,2],"datatype":"FP64","data":[]}]}"#,
            413,
            "expected at most 100 rows in one request, found 9999999999999",
        ),
        (
            r#"{"inputs":[{"name":"x","shape":[-1,2],"datatype":"FP64","data":[]}]}"#,
            422,
            "expected a shape of numbers from 0, found -1",
        ),
        (
            r#"{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP64","parameters":{"binary_data_size":16}}]}"#,
            422,
            "expected 16 bytes for `x` behind the JSON header, found 0",
        ),
        (
            r#"{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP64","data":[1,2]}],"outputs":[{"name":"y"}]}"#,
            422,
            "expected an output of the model (`prediction`), found `y`",
        ),
    ];
    for (json, status, message) in cases {
        let problem = decode(&api, json, None).unwrap_err();
        assert_eq!((problem.status, problem.message.as_str()), (status, message), "{json}");
    }
    let sized = r#"{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP64","parameters":{"binary_data_size":16}}]}"#;
    let told = |bytes: &[u8]| decode(&api, sized, Some(bytes)).unwrap_err().message;
    assert_eq!(told(&[0; 8]), "expected 16 bytes for `x` behind the JSON header, found 8");
    assert_eq!(told(&[0; 17]), "expected no bytes behind the tensors, found 1");
    let infinite = [f64::INFINITY.to_le_bytes(), 1.0_f64.to_le_bytes()].concat();
    assert_eq!(told(&infinite), "expected a finite number for `age` in row 0, found inf");
}

#[test]
fn the_protocol_describes_the_model() {
    let api = two();
    let body = |target: &str| match api.route(&Head { method: "GET", target, ..Head::default() }) {
        Ok(Route::Fixed(reply)) => String::from_utf8(reply.body).unwrap(),
        other => panic!("expected a fixed answer, found {other:?}"),
    };
    let inputs = r#"[{"datatype":"FP64","name":"age","shape":[-1]},{"datatype":"FP64","name":"bmi","shape":[-1]}]"#;
    let metadata: serde_json::Value = serde_json::from_str(&body("/v2/models/diabetes/versions/3")).unwrap();
    assert_eq!(metadata["inputs"], serde_json::from_str::<serde_json::Value>(inputs).unwrap());
    assert_eq!(metadata["versions"], serde_json::json!(["3"]));
    assert!(body("/v2").contains("binary_tensor_data"));
    for target in ["/v2/health/ready", "/v2/models/diabetes/ready", "/v2/models/diabetes/versions/3/ready", "/readyz"] {
        assert_eq!(api.route(&Head { method: "GET", target, ..Head::default() }), Ok(Route::Ready));
    }
}

#[test]
fn a_model_may_be_called_anything() {
    let known = two().model().clone();
    let api = sprag_scoring::Api::new(sprag_scoring::ModelInfo { name: "heart rate/é".to_owned(), ..known });
    let route = |target| api.route(&Head { method: "GET", target, ..Head::default() });
    assert!(matches!(route("/v2/models/heart%20rate%2F%C3%A9/versions/3"), Ok(Route::Fixed(_))));
    assert_eq!(route("/v2/models/heart%20rate%2f%c3%a9/ready"), Ok(Route::Ready));
    assert_eq!(route("/v2/models/heart%20rate/ready").unwrap_err().code, "unknown-model");
    assert_eq!(route("/v2/models/%zz/ready").unwrap_err().code, "unknown-model");
    let Ok(Route::Fixed(document)) = route("/openapi.json") else { panic!("a document") };
    assert!(String::from_utf8(document.body).unwrap().contains(r#""/v2/models/heart%20rate%2F%C3%A9/infer""#));
}

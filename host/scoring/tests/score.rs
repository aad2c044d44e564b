//! `POST /score`: what is understood, and what each bad request is told.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod support;

use sprag_scoring::{Column, DType, Head, Problem, Route, Values};
use support::{api, ask, field, mixed, two};

fn decode(body: &str) -> Result<Vec<Values>, Problem> {
    let api = two();
    let batch = api.decode(&ask(&api, "/score"), body.as_bytes(), 3)?;
    Ok(batch.columns.into_iter().map(|column| column.values).collect())
}

#[test]
fn rows_come_as_arrays_records_or_arrays_of_named_columns() {
    let expected = vec![Values::Floats(vec![1.0, 3.0]), Values::Floats(vec![2.5, -4.0])];
    for body in [
        r#"{"data":[[1,2.5],[3,-4]]}"#,
        r#"{"data":[{"age":1,"bmi":2.5},{"bmi":-4,"age":3}]}"#,
        r#"{"columns":["bmi","age"],"data":[[2.5,1],[-4,3]]}"#,
        r#" { "data" : [ [2.5 , 1.0] , [-4e0,3] ] , "columns" : [ "bmi", "age" ] } "#,
        r#"{"data":[[1,2.5],{"age":3,"bmi":-4}]}"#,
        r#"{"d\u0061ta":[[1,2.5],[3,-4]]}"#,
    ] {
        assert_eq!(decode(body).unwrap(), expected, "{body}");
    }
}

#[test]
fn each_type_is_read_and_written() {
    let api = mixed();
    let body = r#"{"data":[[1,2,true,"é\n",5],[0.5,-3.0,false,null,-6]]}"#;
    let batch = api.decode(&ask(&api, "/score?outputs=all"), body.as_bytes(), 10).unwrap();
    let texts = |text: &str, ends: &[u32]| Values::Texts { bytes: text.as_bytes().to_vec(), ends: ends.to_vec() };
    let columns = [
        Column { values: Values::Floats(vec![1.0, 0.5]), validity: None },
        Column { values: Values::Integers(vec![2, -3]), validity: None },
        Column { values: Values::Booleans(vec![1, 0]), validity: None },
        Column { values: texts("é\n", &[3, 3]), validity: Some(vec![1]) },
        Column { values: Values::Integers(vec![5, -6]), validity: None },
    ];
    assert_eq!(batch.columns, columns);
    let predicted = [columns[0].clone(), Column { values: texts("a\"b", &[1, 3]), validity: None }];
    let answer = String::from_utf8(api.answer(&batch.shape, 2, &predicted).body).unwrap();
    assert_eq!(answer, r#"{"result":[1.0,0.5],"outputs":{"score":[1.0,0.5],"label":["a","\"b"]}}"#);
    let short = api.decode(&ask(&api, "/score"), body.as_bytes(), 10).unwrap();
    assert_eq!(api.answer(&short.shape, 2, &predicted).body, br#"{"result":[1.0,0.5]}"#);
}

#[test]
fn bad_rows_are_named_with_their_column() {
    let cases = [
        (
            r#"{"data":[[1,2],[3,"4"]]}"#,
            "bad-type",
            Some(1),
            Some("bmi"),
            "expected a number for `bmi` in row 1, found the string \"4\"",
        ),
        (
            r#"{"data":[[1,2],[null,4]]}"#,
            "missing-value",
            Some(1),
            Some("age"),
            "expected a number for `age` in row 1, found null",
        ),
        (r#"{"data":[[true,2]]}"#, "bad-type", Some(0), Some("age"), "expected a number for `age` in row 0, found true"),
        (r#"{"data":[[[1],2]]}"#, "bad-type", Some(0), Some("age"), "expected a number for `age` in row 0, found an array"),
        (
            r#"{"data":[[1,NaN]]}"#,
            "not-finite",
            Some(0),
            Some("bmi"),
            "expected a finite number for `bmi` in row 0, found NaN, which JSON has not",
        ),
        (
            r#"{"data":[[1,-Infinity]]}"#,
            "not-finite",
            Some(0),
            Some("bmi"),
            "expected a finite number for `bmi` in row 0, found -Infinity, which JSON has not",
        ),
        (
            r#"{"data":[[1,1e999]]}"#,
            "not-finite",
            Some(0),
            Some("bmi"),
            "expected a finite number for `bmi` in row 0, found 1e999, which is beyond 64 bits",
        ),
        (
            r#"{"data":[[1,2],[3]]}"#,
            "wrong-width",
            Some(1),
            Some("bmi"),
            "expected 2 values in row 1, found 1: `bmi` is the first that is missing",
        ),
        (r#"{"data":[[1,2,3]]}"#, "wrong-width", Some(0), None, "expected 2 values in row 0, found more"),
        (r#"{"data":[1,2]}"#, "bad-type", Some(0), None, "expected an array or an object as row 0, found `1`"),
        (r#"{"data":[{"age":1}]}"#, "missing-value", Some(0), Some("bmi"), "expected a value for `bmi` in row 0, found none"),
        (
            r#"{"data":[{"age":1,"bmi":2,"x":3}]}"#,
            "unknown-column",
            Some(0),
            Some("x"),
            "expected a column of the model (`age`, `bmi`), found `x`",
        ),
        (r#"{"data":[{"age":1,"age":2}]}"#, "repeated-key", Some(0), Some("age"), "expected `age` once in row 0, found it again"),
        (r#"{"data":[]}"#, "no-rows", None, None, "expected at least one row in `data`, found none"),
        (r#"{"data":{}}"#, "bad-type", None, None, "expected an array of rows as `data`, found an object"),
        (r#"{}"#, "missing-key", None, None, "expected the key `data` with an array of rows, found none"),
        (r#"[]"#, "bad-type", None, None, "expected an object with the key `data` as the body of the request, found an array"),
        (
            r#"{"data":[[1,2]],"rows":1}"#,
            "unknown-key",
            None,
            None,
            "expected the keys `data` and, if you like, `columns`, found `rows`",
        ),
        (r#"{"data":[[1,2]],"data":[[1,2]]}"#, "repeated-key", None, None, "expected the key `data` once, found it again"),
        (
            r#"{"columns":["age"],"data":[[1]]}"#,
            "missing-column",
            None,
            Some("bmi"),
            "expected `bmi` among the columns, found it nowhere",
        ),
        (
            r#"{"columns":["age","age"],"data":[[1,2]]}"#,
            "repeated-key",
            None,
            Some("age"),
            "expected each column once, found `age` again",
        ),
        (
            r#"{"columns":["age","bmi"],"data":[{"age":1,"bmi":2}]}"#,
            "bad-type",
            Some(0),
            None,
            "expected an array as row 0, found an object",
        ),
    ];
    for (body, code, row, name, message) in cases {
        let problem = decode(body).unwrap_err();
        assert_eq!((problem.status, problem.code, problem.row, problem.field.as_deref()), (422, code, row, name), "{body}");
        assert_eq!(problem.message, message);
    }
    let many = decode(r#"{"data":[[1,2],[1,2],[1,2],[1,2]]}"#).unwrap_err();
    assert_eq!((many.status, many.message.as_str()), (413, "expected at most 3 rows in one request, found more"));
}

#[test]
fn what_is_no_json_is_told_where() {
    let cases = [
        ("", "expected an object with the key `data`, found the end of the body at line 1, column 1"),
        ("nonsense", "expected an object with the key `data`, found `nonsense` at line 1, column 1"),
        (r#"{"data":[[1,2"#, "expected `,` or `]`, found the end of the body at line 1, column 14"),
        ("{\"data\":[[1,\n01]]}", "expected a number as JSON writes it, found `01` at line 2, column 1"),
        (r#"{"data":[[1,2]]} x"#, "expected the end of the body, found `x` at line 1, column 18"),
        (r#"{"data":[[1,2],]}"#, "expected a value, found `]` at line 1, column 16"),
        (r#"{data:[[1,2]]}"#, "expected a key or `}`, found `data` at line 1, column 2"),
    ];
    for (body, message) in cases {
        let problem = decode(body).unwrap_err();
        assert_eq!((problem.status, problem.code, problem.message.as_str()), (400, "not-json", message), "{body}");
    }
    let api = two();
    let problem = api.decode(&ask(&api, "/score"), b"{\"data\":[[1,\xff]]}", 3).unwrap_err();
    assert_eq!(problem.message, "expected JSON in UTF-8, found another byte at offset 12");
}

#[test]
fn wrong_routes_methods_and_types_are_told_before_the_body_is_read() {
    let api = two();
    let cases = [
        ("GET", "/score", None, 405, "expected the method POST, found GET"),
        ("POST", "/healthz", None, 405, "expected the method GET, found POST"),
        ("POST", "/scores", None, 404, "expected a path that is listed in /openapi.json, found `/scores`"),
        ("POST", "/score", Some("text/csv"), 415, "expected a body of the type application/json, found `text/csv`"),
        ("POST", "/score?outputs=none", None, 400, "expected `outputs=all` or `outputs=prediction`, found `outputs=none`"),
        ("GET", "/v2/models/other", None, 404, "expected the model `diabetes`, found `other`"),
        ("POST", "/v2/models/diabetes/versions/9/infer", None, 404, "expected the version `3`, found `9`"),
        ("GET", "/v2/models/diabetes/infer", None, 405, "expected the method POST, found GET"),
    ];
    for (method, target, content_type, status, message) in cases {
        let problem = api.route(&Head { method, target, content_type, ..Head::default() }).unwrap_err();
        assert_eq!((problem.status, problem.message.as_str()), (status, message), "{method} {target}");
        assert_eq!(problem.headers.iter().any(|(name, _)| *name == "allow"), status == 405);
    }
    for content_type in ["application/json; charset=utf-8", "Application/JSON"] {
        let head = Head { method: "POST", target: "/score", content_type: Some(content_type), ..Head::default() };
        assert!(matches!(api.route(&head), Ok(Route::Score(_))), "{content_type}");
    }
    let gzip = Head { method: "POST", target: "/score", content_encoding: Some("gzip"), ..Head::default() };
    assert_eq!(api.route(&gzip).unwrap_err().status, 415);
}

#[test]
fn the_document_describes_this_model() {
    let api = mixed();
    for target in ["/openapi.json", "/swagger.json"] {
        let Ok(Route::Fixed(reply)) = api.route(&Head { method: "GET", target, ..Head::default() }) else { panic!("a document") };
        let document: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["Row"]["prefixItems"][0]["title"], "f");
        assert_eq!(schemas["Record"]["properties"]["t"]["type"], serde_json::json!(["string", "null"]));
        assert_eq!(schemas["Record"]["required"], serde_json::json!(["f", "i", "b", "s"]));
        let example = document["paths"]["/score"]["post"]["requestBody"]["content"]["application/json"]["example"].to_string();
        assert!(api.decode(&ask(&api, "/score"), example.as_bytes(), 10).is_ok(), "the example is a good request");
    }
}

#[test]
fn a_model_without_inputs_takes_empty_rows() {
    let api = api(vec![], vec![field("prediction", DType::Float)]);
    let batch = api.decode(&ask(&api, "/score"), br#"{"data":[[],[],{}]}"#, 10).unwrap();
    assert_eq!((batch.rows, batch.columns.len()), (3, 0));
}

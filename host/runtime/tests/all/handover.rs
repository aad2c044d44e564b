//! What a good stage is given arrives intact, and what it reports comes back.

use std::sync::Arc;

use sprag_data::Table;
use sprag_runtime::blobs::ReaderHandle;
use sprag_runtime::{Signal, Verdict};
use sprag_schemas::record::{Artifact, Finding, LogLevel, Metric, Severity};

use crate::support::{Call, every_type, logs, numbers, programs};

#[test]
fn each_verdict_comes_back() {
    for (with, expected) in [("pass", Verdict::Pass), ("fail", Verdict::Fail), ("skip", Verdict::Skip)] {
        let call = Call::new(programs::check(), &format!(r#"{{"act":"verdict","with":"{with}"}}"#));
        assert_eq!(call.check(&numbers(1)).result, Ok(expected));
    }
}

/// What the program sees of a table, walked over in batches of four rows.
fn dump(table: &Table) -> Vec<String> {
    let finished = Call::new(programs::check(), r#"{"act":"dump","len":4}"#).check(table);
    assert_eq!(finished.result, Ok(Verdict::Pass));
    logs(&finished.report).into_iter().map(str::to_owned).collect()
}

#[test]
fn every_type_arrives_with_its_nulls() {
    let table = every_type();
    assert_eq!(
        dump(&table),
        [
            &*format!("9 rows, target None, features [\"f\", \"i\", \"b\", \"t\", \"s\"], {}", table.digest()),
            "f: float? 0.5 -0.0 1e300 null 2.2250738585072014e-308 3.0 4.0 5.0 -6.25",
            "i: integer? -9223372036854775808 -1 0 null 1 2 3 4 9223372036854775807",
            "b: boolean? false true false null true true false false true",
            "t: text? \"\" \"a\" \"é\" null \"a\\nb\" \"\\\"q\\\"\" \"日本\" \"x,y\" \"end\"",
            "s: timestamp? -1 0 1 null 2 3 4 5 1700000000000000",
        ]
    );
}

#[test]
fn target_and_features_arrive() {
    let table = numbers(2);
    assert_eq!(
        dump(&table),
        [&*format!("2 rows, target Some(\"y\"), features [\"x\"], {}", table.digest()), "x: float 1.0 2.0", "y: float 2.0 4.0",]
    );
}

#[test]
fn an_empty_table_arrives_empty() {
    let lines = dump(&every_type().rows(&[]).unwrap());
    assert!(lines[0].starts_with("0 rows"), "{}", lines[0]);
    assert_eq!(lines[1..], ["f: float ", "i: integer ", "b: boolean ", "t: text ", "s: timestamp "]);
}

#[test]
fn inputs_are_read_at_any_offset() {
    let read = |name: &str, offset: u64, len: u32| {
        let params = format!(r#"{{"act":"input","with":"{name}","offset":{offset},"len":{len}}}"#);
        let mut call = Call::new(programs::check(), &params);
        let bytes = Arc::new(b"0123456789".to_vec());
        call.stage.inputs.insert("digits".to_owned(), ReaderHandle { bytes, media_type: "text/plain".to_owned() });
        logs(&call.check(&numbers(1)).report).concat()
    };
    assert_eq!(read("digits", 0, 3), "3 of 10 bytes of text/plain: 012");
    assert_eq!(read("digits", 8, 100), "2 of 10 bytes of text/plain: 89");
    assert_eq!(read("digits", 10, 1), "0 of 10 bytes of text/plain: ");
    assert_eq!(read("digits", 11, 1), "BlobError::OutOfRange");
    assert_eq!(read("digits", u64::MAX, 1), "BlobError::OutOfRange");
    assert_eq!(read("letters", 0, 1), "no input");
}

#[test]
fn reports_come_back_and_are_heard_at_once() {
    let call = Call::act(programs::check(), "report");
    let finished = call.check(&numbers(1));
    assert_eq!(finished.result, Ok(Verdict::Pass));
    let report = finished.report;
    let metrics = [
        Metric { name: "rows".into(), value: 3.0, step: None, split: Some("training".into()) },
        Metric { name: "loss".into(), value: -0.5, step: Some(7), split: None },
    ];
    assert_eq!(report.metrics, metrics);
    let warning = Finding {
        code: "odd-values".into(),
        severity: Severity::Warning,
        message: "expected 1, found 2".into(),
        subject: Some("x".into()),
    };
    assert_eq!((report.findings.len(), &report.findings[0]), (2, &warning));
    assert_eq!((report.logs[0].level, report.logs[0].fields["key"].as_str()), (LogLevel::Warn, "value"));

    let heard = call.signals.lock().unwrap();
    let expected = [Signal::Progress { done: 1, total: Some(2) }, Signal::Metric(metrics[0].clone())];
    assert_eq!(heard[..2], expected);
    assert_eq!(heard.len(), 6);
}

#[test]
fn artifacts_are_kept() {
    let call = Call::act(programs::check(), "report");
    let report = call.check(&numbers(1)).report;
    let [Artifact { name: empty, bytes: 0, .. }, plot] = &report.artifacts[..] else { panic!("{:?}", report.artifacts) };
    assert_eq!((empty.as_str(), plot.name.as_str(), plot.media_type.as_str()), ("empty.txt", "plot.svg", "image/svg+xml"));
    assert_eq!(call.blobs.get(&plot.digest), b"<svg/>");
}

#[test]
fn reads_that_cannot_be_are_errors_for_the_guest() {
    let told = |params: &str| logs(&Call::new(programs::check(), params).check(&numbers(3)).report).concat();
    assert_eq!(told(r#"{"act":"read-unknown","with":"z"}"#), r#"DataError::NoSuchColumn("z")"#);
    assert_eq!(told(r#"{"act":"scan-unknown","with":"z"}"#), r#"DataError::NoSuchColumn("z")"#);
    assert_eq!(
        told(r#"{"act":"read-range","with":"x","offset":2,"len":2}"#),
        r#"DataError::OutOfRange("expected rows within 0..3, found 2..4")"#
    );
    assert!(
        told(r#"{"act":"read-range","with":"x","offset":18446744073709551615,"len":1}"#).starts_with("DataError::OutOfRange")
    );
    assert_eq!(
        told(r#"{"act":"read-range","with":"x","len":4294967295}"#),
        r#"DataError::OutOfRange("expected 1 to 4194304 rows in one call, found 4294967295")"#
    );
    assert_eq!(
        told(r#"{"act":"scan-rows","len":0}"#),
        r#"DataError::OutOfRange("expected 1 to 4194304 rows in one call, found 0")"#
    );
    assert_eq!(
        told(r#"{"act":"scan-wide","with":"x","len":1}"#),
        r#"DataError::OutOfRange("expected at most 2 columns in one scan, found 1000")"#
    );
}

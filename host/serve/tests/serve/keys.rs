//! Bearer keys: who has none is told so, and a key that is exchanged needs no new start.

use std::fs;

use sprag_serve::{KeySource, ServeError};
use tempfile::NamedTempFile;

use crate::support::{eventually, fixed, start, try_start};

const FIRST: &str = "first-key-0123456789abcdef";
const SECOND: &str = "second-key-0123456789abcdef";

fn given(key: &str) -> KeySource {
    KeySource::Given { keys: vec![key.to_owned()], origin: "the test".to_owned() }
}

#[test]
fn without_a_key_there_is_nothing_but_health() {
    let service = start(fixed("double"), |config| config.keys = vec![given(FIRST)]);
    let mut client = service.client();
    for (method, path) in [("POST", "/score"), ("GET", "/metrics"), ("GET", "/openapi.json"), ("GET", "/nothing"), ("GET", "/v2")]
    {
        let refused = client.request(method, path, &[], b"");
        assert_eq!(refused.refusal(), (401, "no-key".to_owned()), "{path}");
        assert_eq!(refused.header("www-authenticate"), Some("Bearer realm=\"sprag\""));
        assert!(!refused.text().contains(FIRST));
    }
    for path in ["/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"] {
        assert_eq!(client.get(path).status, 200, "{path}");
    }
    let with = |key: &str| service.client().request("POST", "/score", &[("authorization", key)], br#"{"data":[[1]]}"#).status;
    assert_eq!(with(&format!("Bearer {FIRST}")), 200);
    for wrong in ["Bearer", "Bearer x", FIRST, &format!("Basic {FIRST}"), &format!("Bearer {SECOND}")] {
        assert_eq!(with(wrong), 401, "{wrong}");
    }
    let log = format!("{:?}", service.log());
    assert!(!log.contains(FIRST) && !log.contains(SECOND), "no key, right or wrong, is in the log");
}

#[test]
fn figures_may_be_open() {
    let service = start(fixed("double"), |config| {
        config.keys = vec![given(FIRST)];
        config.open_metrics = true;
    });
    assert_eq!(service.client().get("/metrics").status, 200);
    assert_eq!(service.client().get("/openapi.json").status, 401);
}

#[test]
fn keys_are_exchanged_while_it_serves() {
    let file = NamedTempFile::new().unwrap();
    fs::write(file.path(), format!("# of the clients\n{FIRST}\n")).unwrap();
    let service = start(fixed("double"), |config| config.keys = vec![KeySource::File(file.path().to_owned())]);
    let with = |key: &str| service.client().request("GET", "/v2", &[("authorization", &format!("Bearer {key}"))], b"").status;
    assert_eq!((with(FIRST), with(SECOND)), (200, 401));
    fs::write(file.path(), format!("{FIRST}\n{SECOND}\n")).unwrap();
    eventually("both keys open", || with(SECOND) == 200);
    assert_eq!(with(FIRST), 200);
    // A file that would open the service to everybody, or to nobody, is not taken.
    fs::write(file.path(), "\n").unwrap();
    fs::write(file.path(), "").unwrap();
    fs::write(file.path(), format!("{SECOND}\n")).unwrap();
    eventually("the first is gone", || with(FIRST) == 401);
    assert_eq!(with(SECOND), 200);
}

#[test]
fn a_source_without_a_key_opens_nothing() {
    let told = |keys: Vec<KeySource>| match try_start(fixed("double"), |config| config.keys = keys) {
        Err(error @ (ServeError::Keys { .. } | ServeError::File { .. })) => (error.to_string(), error.hint()),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was served"),
    };
    let (message, hint) = told(vec![given("short")]);
    assert_eq!(message, "expected keys of at least 16 characters in the test, found 5 in key 1");
    assert_eq!(hint, Some("`openssl rand -hex 32` makes a good key"));
    assert_eq!(told(vec![given(FIRST), given("")]).0, "expected keys of at least 16 characters in the test, found 0 in key 1");
    assert!(told(vec![KeySource::File("/no/such/file".into())]).0.starts_with("failed to read the keys in `/no/such/file`"));
}

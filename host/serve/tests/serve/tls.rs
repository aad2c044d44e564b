//! TLS: the certificate that clients see, one that expired, and one that is exchanged while the service goes on.

use std::fs;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::crypto::ring;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::CertificateDer;
use serde_json::json;
use sprag_serve::{ServeError, TlsFiles};
use tempfile::TempDir;

use crate::support::{Client, Running, eventually, fixed, start, try_start};

/// A certificate for `localhost` in two files.
struct Identity {
    folder: TempDir,
    der: CertificateDer<'static>,
}

impl Identity {
    /// One that is valid for these years.
    fn of(from: i32, until: i32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let der = write(&folder, from, until);
        Self { folder, der }
    }

    fn files(&self) -> TlsFiles {
        TlsFiles { certificate: self.folder.path().join("certificate.pem"), key: self.folder.path().join("key.pem") }
    }
}

fn write(folder: &TempDir, from: i32, until: i32) -> CertificateDer<'static> {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
    fs::write(folder.path().join("certificate.pem"), certificate.pem()).unwrap();
    certificate.der().clone()
}

/// A client that trusts one certificate alone.
fn client(service: &Running, trusted: &CertificateDer<'static>) -> Client<StreamOwned<ClientConnection, TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions();
    let config = builder.unwrap().with_root_certificates(roots).with_no_client_auth();
    let connection = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    Client::over(StreamOwned::new(connection, TcpStream::connect(service.address).unwrap()))
}

#[test]
fn requests_are_answered_over_tls_and_not_without() {
    let identity = Identity::of(2020, 2050);
    let service = start(fixed("double"), |config| config.tls = Some(identity.files()));
    let mut client = client(&service, &identity.der);
    for x in [1.0, 2.0] {
        assert_eq!(client.score(&[x]).json(), json!({ "result": [x * 2.0] }));
    }
    let mut plain = service.client();
    plain.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    let mut rest = vec![];
    let _reset = std::io::Read::read_to_end(&mut plain.stream, &mut rest);
    assert!(!rest.starts_with(b"HTTP"), "nothing is told in clear text");
    // A body that is too large is refused here, too, though the client sends on.
    let mut large = self::client(&service, &identity.der);
    large.send(b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000\r\n\r\n");
    large.send(&[b' '; 1_000_000]);
    assert_eq!(large.answer().unwrap().refusal(), (413, "too-large".to_owned()));
}

#[test]
fn a_certificate_that_no_client_would_take_is_refused() {
    let told = |identity: &Identity| match try_start(fixed("double"), |config| config.tls = Some(identity.files())) {
        Err(error @ ServeError::Content { .. }) => {
            (error.to_string().replace(&identity.folder.path().display().to_string(), "DIR"), error.hint())
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was served"),
    };
    let expired = "expected a certificate that is valid in `DIR/certificate.pem`, found one that expired on 2024-01-01 00:00 UTC";
    assert_eq!(told(&Identity::of(2020, 2024)), (expired.to_owned(), Some("renew the certificate and start again")));
    assert!(told(&Identity::of(2090, 2091)).0.ends_with("found one that begins on 2090-01-01 00:00 UTC"));
    let other = Identity::of(2020, 2050);
    fs::write(other.files().key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    assert!(told(&other).0.starts_with("expected the private key of the certificate in `DIR/key.pem`"));
    for (file, bytes, expected) in [
        ("key.pem", "", "expected a private key as PEM in `DIR/key.pem`"),
        ("certificate.pem", "hello", "expected a certificate as PEM in `DIR/certificate.pem`, found none"),
        ("certificate.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "expected an X.509 certificate"),
    ] {
        let identity = Identity::of(2020, 2050);
        fs::write(identity.folder.path().join(file), bytes).unwrap();
        let (message, _) = told(&identity);
        assert!(message.starts_with(expected), "{message}");
    }
}

#[test]
fn a_certificate_is_exchanged_while_it_serves() {
    let identity = Identity::of(2020, 2050);
    let service = start(fixed("double"), |config| config.tls = Some(identity.files()));
    let mut before = client(&service, &identity.der);
    assert_eq!(before.score(&[1.0]).status, 200);
    // One that expired is not taken, one that is valid is; whoever is connected stays so.
    write(&identity.folder, 2020, 2024);
    let renewed = write(&identity.folder, 2021, 2051);
    eventually("the new certificate is shown", || {
        let mut client = client(&service, &renewed);
        client.send_request("GET", "/healthz", &[], b"");
        client.answer().is_some()
    });
    assert_eq!(before.score(&[1.0]).status, 200);
}

/// A certificate that ends after a time from now.
fn ending_in(time: Duration) -> Identity {
    let folder = tempfile::tempdir().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_after = (SystemTime::now() + time).into();
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
    fs::write(folder.path().join("certificate.pem"), certificate.pem()).unwrap();
    Identity { folder, der: certificate.der().clone() }
}

#[test]
fn a_certificate_that_expires_in_service_is_told_in_the_log() {
    let identity = ending_in(Duration::from_secs(3));
    let service = start(fixed("double"), |config| config.tls = Some(identity.files()));
    let mut before = client(&service, &identity.der);
    assert_eq!(before.score(&[1.0]).status, 200);
    eventually("the log says so", || service.log_so_far().contains("the certificate expired on"));
    assert_eq!(before.score(&[1.0]).status, 200, "who is connected stays so");
    // A certificate is good until the end of its last second.
    eventually("a client that looks at the date does not take it", || {
        let mut late = client(&service, &identity.der);
        late.send_request("GET", "/healthz", &[], b"");
        late.answer().is_none()
    });
    let renewed = write(&identity.folder, 2021, 2051);
    eventually("the new certificate is shown", || {
        let mut client = client(&service, &renewed);
        client.send_request("GET", "/healthz", &[], b"");
        client.answer().is_some()
    });
}

#[test]
fn what_should_not_be_overlooked_is_said() {
    let soon = ending_in(Duration::from_secs(86_400));
    let service = start(fixed("double"), |config| config.tls = Some(soon.files()));
    assert!(service.warnings[0].starts_with("the certificate in `"), "{:?}", service.warnings);
    let open = start(fixed("double"), |config| {
        config.listen = sprag_serve::Listen::Address(([0, 0, 0, 0], 0).into());
        config.log = sprag_serve::Log::Off;
    });
    assert_eq!(open.warnings[0], "the log is off: a failure of the model leaves no trace");
    assert!(open.warnings[1].ends_with("may ask: no keys are set"), "{:?}", open.warnings);
}

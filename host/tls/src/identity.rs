//! TLS: the certificate and its key, read at the start and again when the files change.

use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::certificate::Validity;
use crate::{TlsError, TlsFiles};

/// How long before its end a certificate is warned about.
const WARN_BEFORE: TimeDelta = TimeDelta::days(14);

/// The certificate that clients are shown, whichever it is at the moment, and until when it is valid.
#[derive(Debug)]
pub struct Identity(RwLock<(Arc<CertifiedKey>, DateTime<Utc>)>);

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).0.clone())
    }
}

/// What was read, and what is to be said about it.
#[derive(Debug)]
pub struct Read {
    key: CertifiedKey,
    until: DateTime<Utc>,
    /// That the certificate ends soon.
    pub warning: Option<String>,
}

impl Identity {
    /// Shows this one.
    pub fn new(read: Read) -> Self {
        Self(RwLock::new((Arc::new(read.key), read.until)))
    }

    /// Shows new clients another certificate.
    pub fn replace(&self, read: Read) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = (Arc::new(read.key), read.until);
    }

    /// Until when it is valid.
    pub fn until(&self) -> DateTime<Utc> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).1
    }
}

/// A moment, for a person.
pub fn day(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// Reads the files, and refuses a certificate that no client would take now.
///
/// # Errors
/// A file cannot be read, is no certificate or key, or the certificate is not valid now.
pub fn read(files: &TlsFiles, now: DateTime<Utc>) -> Result<Read, TlsError> {
    let wrong = |expected, path: &std::path::Path, found: String| TlsError::Content { expected, path: path.to_owned(), found };
    let of = |path: &std::path::Path| std::fs::read(path).map_err(|source| TlsError::File { path: path.to_owned(), source });
    let (certificate, key) = (of(&files.certificate)?, of(&files.key)?);
    let chain = CertificateDer::pem_slice_iter(&certificate).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| wrong("certificates as PEM", &files.certificate, error.to_string()))?;
    let Some(first) = chain.first() else {
        return Err(wrong("a certificate as PEM", &files.certificate, "none".to_owned()));
    };
    let Some(validity) = Validity::of(first) else {
        return Err(wrong("an X.509 certificate", &files.certificate, "damaged bytes".to_owned()));
    };
    if validity.until <= now {
        let found = format!("one that expired on {}", day(validity.until));
        return Err(wrong("a certificate that is valid", &files.certificate, found));
    }
    if validity.from > now {
        let found = format!("one that begins on {}", day(validity.from));
        return Err(wrong("a certificate that is valid", &files.certificate, found));
    }
    let key =
        PrivateKeyDer::from_pem_slice(&key).map_err(|error| wrong("a private key as PEM", &files.key, error.to_string()))?;
    let key = CertifiedKey::from_der(chain, key, &ring::default_provider())
        .map_err(|error| wrong("the private key of the certificate", &files.key, error.to_string()))?;
    let ends_soon = validity.until - now < WARN_BEFORE;
    let warning =
        ends_soon.then(|| format!("the certificate in `{}` ends on {}", files.certificate.display(), day(validity.until)));
    Ok(Read { key, until: validity.until, warning })
}

/// The settings of a server that shows `identity`.
///
/// # Panics
/// Never: `ring` has the suites of both protocol versions.
pub fn config(identity: Arc<Identity>) -> ServerConfig {
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has the suites of both protocol versions");
    let mut config = builder.with_no_client_auth().with_cert_resolver(identity);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

//! A certificate for the loopback address, of an authority made for it.

use std::io;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// A server's identity.
pub(crate) struct Identity {
    pub(crate) config: ServerConfig,
    /// The authority, in PEM.
    pub(crate) authority: String,
}

impl Identity {
    pub(crate) fn make() -> io::Result<Self> {
        let other = |error: rcgen::Error| io::Error::other(error);
        let mut params = CertificateParams::new(vec![]).map_err(other)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().map_err(other)?).map_err(other)?;
        let key = KeyPair::generate().map_err(other)?;
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).map_err(other)?;
        let certificate = params.signed_by(&key, &authority).map_err(other)?.pem();
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(io::Error::other)?];
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).map_err(io::Error::other)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(io::Error::other)?;
        let config = config.with_no_client_auth().with_single_cert(chain, key).map_err(io::Error::other)?;
        Ok(Self { config, authority: authority.pem() })
    }
}

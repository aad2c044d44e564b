//! A cluster's authority, token and client certificate, as a kubeconfig has them.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sprag_egress::{Network, Vault};
use sprag_runtime::outside::{Outbound, SendError};
use sprag_schemas::secrets::{AzureIdentity, Kubeconfig, Secret};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::support::{Server, grants, placeholder, request, send, vault_of};

/// An authority of certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for a name, and its key, in PEM.
    fn certify(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    /// A server's configuration with a certificate for this machine; with `clients` it wants theirs.
    pub(crate) fn server(&self, clients: Option<&Self>, change: impl FnOnce(&mut CertificateParams)) -> ServerConfig {
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let (certificate, key) = self.certify("127.0.0.1", change);
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let mut roots = RootCertStore::empty();
                roots.add(CertificateDer::from_pem_slice(clients.pem().as_bytes()).unwrap()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
                builder.with_client_cert_verifier(verifier)
            }
        };
        builder.with_single_cert(chain, key).unwrap()
    }
}

/// The vault of a kubeconfig whose cluster and user are these.
fn vault(folder: &std::path::Path, server: &str, authority: &Authority, user: &str) -> Vault {
    std::fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
    let text = format!(
        "current-context: x\nclusters: [{{name: c, cluster: {{server: '{server}', certificate-authority: ca.pem}}}}]\n\
         contexts: [{{name: x, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {user}}}]\n"
    );
    let path = folder.join("config");
    std::fs::write(&path, text).unwrap();
    let kubeconfig = Kubeconfig { path: Some(path.display().to_string()), context: None };
    vault_of(Secret { kubeconfig: Some(kubeconfig), ..Secret::default() }, &[])
}

fn network(url: &str, vault: &Vault) -> Network {
    Network::of("staging.deploy", "environments.staging.deploy", &grants(&[url], &["key"]), vault).build().unwrap()
}

async fn get(network: &Network, url: &str) -> Result<http::Response<String>, SendError> {
    let header = format!("Bearer {}", placeholder(network));
    send(network, request("GET", url, &[("authorization", &header)], "")).await
}

#[tokio::test]
async fn a_token_goes_to_a_server_that_the_clusters_authority_vouches_for() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let server = Server::start_tls(authority.server(None, |_| {}), |_| http::Response::new("ok".to_owned())).await;
    let url = format!("https://{}", server.address);
    let network = network(&url, &vault(folder.path(), &url, &authority, "{token: t0ken-of-u}"));
    assert_eq!(network.secret("key").unwrap().endpoint.as_deref(), Some(url.as_str()));
    assert_eq!(get(&network, &url).await.unwrap().body(), "ok");
    assert_eq!(server.only().headers()["authorization"], "Bearer t0ken-of-u");
    // Without the secret the cluster's authority is nobody's.
    let error = send(&network, request("GET", &url, &[], "")).await.unwrap_err();
    assert!(matches!(&error, SendError::Tls { .. }), "{error:?}");
}

/// A secret `key` with authorities of its own, such as the token of an identity for a cluster.
fn with_authority(folder: &std::path::Path, authority: &Authority) -> Vault {
    let path = folder.join("own.pem");
    std::fs::write(&path, authority.pem()).unwrap();
    let (env, ca) = (Some("KEY".to_owned()), Some(path.display().to_string()));
    vault_of(Secret { env, ca, hosts: vec!["127.0.0.1".to_owned()], ..Secret::default() }, &[("KEY", "t0ken-of-u")])
}

#[tokio::test]
async fn a_secret_names_whom_to_trust_as_its_hosts() {
    let (folder, authority, other) = (tempfile::tempdir().unwrap(), Authority::new(), Authority::new());
    let server = Server::start_tls(authority.server(None, |_| {}), |_| http::Response::new("ok".to_owned())).await;
    let url = format!("https://{}", server.address);
    let wrong = network(&url, &with_authority(folder.path(), &other));
    let error = get(&wrong, &url).await.unwrap_err();
    assert!(matches!(&error, SendError::Tls { message, .. } if message.contains("invalid peer certificate")), "{error:?}");
    assert_eq!(server.count(), 0, "the secret goes to nobody else");
    let network = network(&url, &with_authority(folder.path(), &authority));
    assert_eq!(get(&network, &url).await.unwrap().body(), "ok");
    assert_eq!(server.only().headers()["authorization"], "Bearer t0ken-of-u");
    // A request without the secret trusts whom the system trusts.
    let error = send(&network, request("GET", &url, &[], "")).await.unwrap_err();
    assert!(matches!(&error, SendError::Tls { .. }), "{error:?}");
}

#[tokio::test]
async fn an_identity_s_token_goes_where_its_own_authorities_vouch() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let entra = Server::start(|_| http::Response::new(r#"{"expires_in":3600,"access_token":"t0ken-of-entra"}"#.to_owned())).await;
    let cluster = Server::start_tls(authority.server(None, |_| {}), |_| http::Response::new("ok".to_owned())).await;
    let path = folder.path().join("own.pem");
    std::fs::write(&path, authority.pem()).unwrap();
    let azure = AzureIdentity {
        tenant: "t".to_owned(),
        client_id: "c".to_owned(),
        secret_env: Some("S".to_owned()),
        federated_token_file_env: None,
        scope: Some("6dae42f8-4368-4678-94ff-3960e28e3630/.default".to_owned()),
        authority: Some(entra.url()),
    };
    let (azure, ca, hosts) = (Some(azure), Some(path.display().to_string()), vec!["127.0.0.1".to_owned()]);
    let vault = vault_of(Secret { azure, ca, hosts, ..Secret::default() }, &[("S", "s3cret")]);
    let url = format!("https://{}", cluster.address);
    assert_eq!(get(&network(&url, &vault), &url).await.unwrap().body(), "ok");
    assert_eq!(cluster.only().headers()["authorization"], "Bearer t0ken-of-entra");
    assert_eq!(entra.count(), 1);
}

#[tokio::test]
async fn a_token_from_a_file_is_the_files_newest() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let server = Server::start_tls(authority.server(None, |_| {}), |_| http::Response::new(String::new())).await;
    let url = format!("https://{}", server.address);
    std::fs::write(folder.path().join("token"), "t0ken-1\n").unwrap();
    let network = network(&url, &vault(folder.path(), &url, &authority, "{tokenFile: token}"));
    get(&network, &url).await.unwrap();
    std::fs::write(folder.path().join("token"), "t0ken-2\n").unwrap();
    get(&network, &url).await.unwrap();
    let seen = server.seen.lock().unwrap();
    assert_eq!(seen[1].headers()["authorization"], "Bearer t0ken-2");
}

#[tokio::test]
async fn a_client_certificate_takes_the_place_of_the_header() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let config = authority.server(Some(&authority), |_| {});
    let server = Server::start_tls(config, |_| http::Response::new("known".to_owned())).await;
    let url = format!("https://{}", server.address);
    let (certificate, key) = authority.certify("u", |_| {});
    std::fs::write(folder.path().join("u.pem"), certificate).unwrap();
    std::fs::write(folder.path().join("u.key"), key).unwrap();
    let network = network(&url, &vault(folder.path(), &url, &authority, "{client-certificate: u.pem, client-key: u.key}"));
    assert_eq!(get(&network, &url).await.unwrap().body(), "known");
    assert!(server.only().headers().get("authorization").is_none());
}

#[tokio::test]
async fn a_server_with_another_authority_or_an_old_certificate_gets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, other) = (Authority::new(), Authority::new());
    let old = |params: &mut CertificateParams| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    };
    for (config, expected) in
        [(other.server(None, |_| {}), "invalid peer certificate"), (authority.server(None, old), "certificate expired")]
    {
        let server = Server::start_tls(config, |_| http::Response::new(String::new())).await;
        let url = format!("https://{}", server.address);
        let network = network(&url, &vault(folder.path(), &url, &authority, "{token: t0ken-of-u}"));
        let error = get(&network, &url).await.unwrap_err();
        assert!(matches!(&error, SendError::Tls { message, .. } if message.contains(expected)), "{error:?}");
        assert_eq!(server.count(), 0);
    }
}

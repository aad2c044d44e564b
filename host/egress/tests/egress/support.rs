//! Servers for tests, and short ways to send.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sprag_egress::{Network, Resolver, Vault};
use sprag_runtime::outside::{Body, Outbound, Patience, Pending, SendError};
use sprag_schemas::manifest::Grants;
use sprag_schemas::secrets::Secret;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// What a server was sent.
pub(crate) type Seen = Arc<Mutex<Vec<Request<String>>>>;

/// A server on a free port of this machine, for as long as the test's runtime lives.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Seen,
}

impl Server {
    /// A server that answers each request with `answer`.
    pub(crate) async fn start(answer: impl Fn(&Request<String>) -> Response<String> + Send + Sync + 'static) -> Self {
        Self::start_with(None, answer).await
    }

    /// The same behind TLS.
    pub(crate) async fn start_tls(
        config: ServerConfig,
        answer: impl Fn(&Request<String>) -> Response<String> + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(Some(TlsAcceptor::from(Arc::new(config))), answer).await
    }

    async fn start_with(
        tls: Option<TlsAcceptor>,
        answer: impl Fn(&Request<String>) -> Response<String> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Seen::default());
        let (heard, answer) = (seen.clone(), Arc::new(answer));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (heard, answer, tls) = (heard.clone(), answer.clone(), tls.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let (heard, answer) = (heard.clone(), answer.clone());
                    async move {
                        let (parts, body) = request.into_parts();
                        let body = body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
                        let request = Request::from_parts(parts, String::from_utf8(body).unwrap_or_default());
                        let response = answer(&request).map(|text| Full::new(Bytes::from(text)));
                        heard.lock().unwrap().push(request);
                        Ok::<_, Infallible>(response)
                    }
                });
                tokio::spawn(async move {
                    let builder = hyper::server::conn::http1::Builder::new();
                    // A client that goes away is no matter of the server's.
                    let _gone = match tls {
                        None => builder.serve_connection(TokioIo::new(stream), service).await.is_ok(),
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => builder.serve_connection(TokioIo::new(stream), service).await.is_ok(),
                            Err(_) => false,
                        },
                    };
                });
            }
        });
        Self { address, seen }
    }

    /// A server that answers `ok`.
    pub(crate) async fn ok() -> Self {
        Self::start(|_| Response::new("ok".to_owned())).await
    }

    /// A server that answers with all that it was sent.
    pub(crate) async fn echo() -> Self {
        Self::start(|request| Response::new(format!("{} {:?} {}", request.uri(), request.headers(), request.body()))).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many requests came.
    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// The only request that came.
    pub(crate) fn only(&self) -> Request<String> {
        let seen = self.seen.lock().unwrap();
        assert_eq!(seen.len(), 1);
        seen[0].clone()
    }
}

/// Grants of origins and secrets.
pub(crate) fn grants(origins: &[&str], secrets: &[&str]) -> Grants {
    let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
    Grants { http: texts(origins), secrets: texts(secrets), ..Grants::default() }
}

/// A vault of one secret `key` with a value, for some hosts.
pub(crate) fn vault(value: &str, hosts: &[&str]) -> Vault {
    let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
    vault_of(Secret { env: Some("KEY".to_owned()), hosts, ..Secret::default() }, &[("KEY", value)])
}

/// A vault of one secret `key`, with the variables that it reads.
pub(crate) fn vault_of(secret: Secret, variables: &[(&str, &str)]) -> Vault {
    let environment = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let secrets = BTreeMap::from([("key".to_owned(), secret)]);
    Vault::open(&secrets, ["key"], &environment, std::path::Path::new("/")).unwrap()
}

/// A network with these grants and no secrets.
pub(crate) fn plain(origins: &[&str]) -> Network {
    network(&grants(origins, &[]), &Vault::default())
}

/// A network of the stage `staging.deploy`.
pub(crate) fn network(grants: &Grants, vault: &Vault) -> Network {
    Network::of("staging.deploy", "environments.staging.deploy", grants, vault).build().unwrap()
}

/// A request.
pub(crate) fn request(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let mut builder = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(Full::new(Bytes::from(body.to_owned())).map_err(|never| match never {}).boxed_unsync()).unwrap()
}

/// Sends a request and reads the whole answer.
pub(crate) async fn send(network: &Network, request: Request<Body>) -> Result<Response<String>, SendError> {
    let response = network.send(request, Patience::default()).await?;
    let (parts, body) = response.into_parts();
    let body = body.collect().await?.to_bytes().to_vec();
    Ok(Response::from_parts(parts, String::from_utf8(body).unwrap()))
}

/// Gets an address.
pub(crate) async fn get(network: &Network, url: &str) -> Result<Response<String>, SendError> {
    send(network, request("GET", url, &[], "")).await
}

/// The words of a refusal.
pub(crate) fn denied<T: std::fmt::Debug>(answer: Result<T, SendError>) -> String {
    match answer.unwrap_err() {
        SendError::Denied(words) => words,
        other => panic!("expected a refusal, found {other:?}"),
    }
}

/// The placeholder of the secret `key`.
pub(crate) fn placeholder(network: &Network) -> String {
    network.secret("key").unwrap().placeholder
}

/// Names that lead where a test wants: each look takes the next list of addresses, and the last stays.
pub(crate) struct Names(Mutex<Vec<Vec<&'static str>>>);

impl Names {
    pub(crate) fn lead_to(answers: &[&[&'static str]]) -> Arc<Self> {
        Arc::new(Self(Mutex::new(answers.iter().rev().map(|addresses| addresses.to_vec()).collect())))
    }
}

impl Resolver for Names {
    fn resolve(&self, _: &str) -> Pending<std::io::Result<Vec<SocketAddr>>> {
        let mut left = self.0.lock().unwrap();
        let addresses = if left.len() > 1 { left.pop().unwrap() } else { left[0].clone() };
        let addresses = addresses.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 0)).collect();
        Box::pin(async move { Ok(addresses) })
    }
}

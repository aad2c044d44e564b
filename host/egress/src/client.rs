//! The HTTP clients: one for each way to trust and to be known, all of which connect only to judged addresses.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Certificate, Client, Identity};
use sprag_runtime::outside::SendError;

use crate::resolve::{Guard, ResolveError};
use crate::secrets::Entry;

/// The longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// The clients of one stage.
pub(crate) struct Clients {
    guard: Guard,
    /// Authorities to trust beside the system's, PEM.
    authorities: Vec<u8>,
    /// By the name of the secret whose hosts they are for; the empty name is for all else.
    made: Mutex<BTreeMap<String, Client>>,
}

impl Clients {
    pub(crate) fn new(guard: Guard, authorities: Vec<u8>) -> Self {
        Self { guard, authorities, made: Mutex::default() }
    }

    pub(crate) const fn guard(&self) -> &Guard {
        &self.guard
    }

    /// The client for requests that carry no secret with authorities or a client certificate of its own.
    pub(crate) fn plain(&self) -> Result<Client, SendError> {
        self.get("", None)
    }

    /// The client for requests that carry a secret with authorities or a client certificate of its own.
    pub(crate) fn of(&self, name: &str, secret: &Entry) -> Result<Client, SendError> {
        self.get(name, Some(secret))
    }

    fn get(&self, name: &str, secret: Option<&Entry>) -> Result<Client, SendError> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = made.get(name) {
            return Ok(client.clone());
        }
        let client = self.build(secret).map_err(|message| {
            let whose = if name.is_empty() { "the system".to_owned() } else { format!("the secret `{name}`") };
            SendError::Tls { host: whose, message }
        })?;
        made.insert(name.to_owned(), client.clone());
        Ok(client)
    }

    /// Redirects are the stage's to follow, since each is a new request that grants must cover. Proxies of the environment are not used: a request would go
    /// where no address was judged.
    fn build(&self, secret: Option<&Entry>) -> Result<Client, String> {
        let mut builder = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT)
            .dns_resolver(Arc::new(self.guard.clone()))
            .user_agent(concat!("sprag/", env!("CARGO_PKG_VERSION")));
        let words = |error: reqwest::Error| root_cause(&error);
        let own = Certificate::from_pem_bundle(&self.authorities).map_err(words)?;
        let only = secret.and_then(|secret| secret.authorities.as_ref());
        builder = match only {
            Some(pem) => builder.tls_certs_only(Certificate::from_pem_bundle(pem).map_err(words)?),
            None if own.is_empty() => builder,
            None => builder.tls_certs_merge(own),
        };
        if let Some(pem) = secret.and_then(Entry::identity) {
            builder = builder.identity(Identity::from_pem(pem).map_err(words)?);
        }
        builder.build().map_err(words)
    }
}

/// Makes `ring` the process's one provider of cryptography, where none was chosen.
pub(crate) fn choose_cryptography() {
    // An error says that one was chosen before, which is as good.
    let _chosen = rustls::crypto::ring::default_provider().install_default();
}

/// What a failed exchange means. No address with a path is in it: a path can carry a secret.
pub(crate) fn explain(error: &reqwest::Error, host: &str) -> SendError {
    let host = host.to_owned();
    if let Some(refused) = cause::<ResolveError>(error) {
        return match refused {
            ResolveError::None(name) => SendError::NoAddress(name.clone()),
            ResolveError::Refused { .. } => SendError::Denied(refused.to_string()),
        };
    }
    if let Some(tls) = cause::<rustls::Error>(error) {
        return SendError::Tls { host, message: tls.to_string() };
    }
    let message = root_cause(error);
    if error.is_connect() {
        SendError::Connect { host, message }
    } else if error.is_timeout() {
        SendError::Timeout { host, seconds: CONNECT.as_secs() }
    } else {
        SendError::Broken { host, message }
    }
}

fn root_cause(error: &reqwest::Error) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}

/// The first error of a type among the causes of another. An I/O error hides the one that it wraps.
fn cause<T: std::error::Error + 'static>(error: &reqwest::Error) -> Option<&T> {
    let mut next = error.source();
    while let Some(current) = next {
        if let Some(found) = current.downcast_ref() {
            return Some(found);
        }
        let inner = current.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(found) = inner.and_then(|inner| inner.downcast_ref()) {
            return Some(found);
        }
        next = inner.map(|inner| inner as &dyn std::error::Error).or_else(|| current.source());
    }
    None
}

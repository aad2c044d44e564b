//! Names to addresses, once for each connection, with each address judged before anything connects to it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use sprag_core::origin::Origin;
use sprag_runtime::outside::Pending;

use crate::address::{Granted, refuse};

/// Who knows the addresses of a name.
pub trait Resolver: Send + Sync {
    /// The addresses of a host, at port 0.
    fn resolve(&self, host: &str) -> Pending<std::io::Result<Vec<SocketAddr>>>;
}

/// The operating system's own way.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, host: &str) -> Pending<std::io::Result<Vec<SocketAddr>>> {
        let host = host.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.collect()) })
    }
}

/// Why a name leads nowhere that a request may go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ResolveError {
    /// It has no address.
    #[error("found no address of `{0}`")]
    None(String),
    /// It has only addresses that are refused.
    #[error("refused to connect to `{host}`: {reason}")]
    Refused { host: String, reason: String },
}

/// Resolves and judges. The client connects to exactly the addresses that this gives, so that a name that changes its address between the look and
/// the connection gains nothing.
#[derive(Clone)]
pub(crate) struct Guard {
    resolver: Arc<dyn Resolver>,
    origins: Arc<Vec<Origin>>,
}

impl Guard {
    pub(crate) fn new(resolver: Arc<dyn Resolver>, origins: Arc<Vec<Origin>>) -> Self {
        Self { resolver, origins }
    }

    /// How the grants came to cover a host, whatever the port: the addresses of a host are the same for all of its ports.
    fn granted(&self, host: &str) -> Granted {
        let covers = |origin: &&Origin| origin.covers(origin.is_https, host, origin.port);
        if self.origins.iter().filter(|origin| origin.is_exact()).any(|origin| covers(&origin)) {
            Granted::Host
        } else {
            Granted::Suffix
        }
    }

    /// The addresses of a host that a request may go to.
    pub(crate) async fn addresses(&self, host: &str) -> Result<Vec<SocketAddr>, ResolveError> {
        self.judged(host, self.granted(host)).await
    }

    /// The same of a host that the caller knows to be granted by its whole name.
    pub(crate) async fn by_name(&self, host: &str) -> Result<Vec<SocketAddr>, ResolveError> {
        self.judged(host, Granted::Host).await
    }

    async fn judged(&self, host: &str, granted: Granted) -> Result<Vec<SocketAddr>, ResolveError> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<IpAddr>() {
            // That the grants cover the address as a host was held before: its text is the grant's.
            return match refuse(address, Granted::Address) {
                None => Ok(vec![SocketAddr::new(address, 0)]),
                Some(reason) => Err(ResolveError::Refused { host: host.to_owned(), reason }),
            };
        }
        let found = self.resolver.resolve(host).await.unwrap_or_default();
        let refusal = found.iter().find_map(|address| refuse(address.ip(), granted));
        let good: Vec<_> = found.into_iter().filter(|address| refuse(address.ip(), granted).is_none()).collect();
        match (good.is_empty(), refusal) {
            (false, _) => Ok(good),
            (true, Some(reason)) => Err(ResolveError::Refused { host: host.to_owned(), reason }),
            (true, None) => Err(ResolveError::None(host.to_owned())),
        }
    }
}

impl reqwest::dns::Resolve for Guard {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let addresses = guard.addresses(name.as_str()).await?;
            Ok(Box::new(addresses.into_iter()) as reqwest::dns::Addrs)
        })
    }
}

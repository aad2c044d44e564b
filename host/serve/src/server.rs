//! A service from its start to its end.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::Utc;
use hyper_util::server::graceful::GracefulShutdown;
use sprag_core::limits::Limits;
use sprag_runtime::{Runtime, ScorerSettings};
use sprag_tls as tls;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::catalog::{Catalog, CatalogError, ReleaseKey};
use crate::challenger;
use crate::config::{Config, Listen, Log};
use crate::connection::Acceptor;
use crate::error::ServeError;
use crate::follow::{self, FileFollower, ModelFollower, Whose};
use crate::handler::Service;
use crate::keys::Keys;
use crate::log::Logger;
use crate::served::Served;

/// A service that is ready to answer.
pub struct Server {
    acceptor: Acceptor,
    address: SocketAddr,
    warnings: Vec<String>,
    followers: Vec<JoinHandle<()>>,
    notice: Duration,
    drain: Duration,
}

impl Server {
    /// Loads the model, takes the port, and gets ready. Runs within a tokio runtime of several threads with I/O and time.
    ///
    /// # Errors
    /// There is no model, it cannot be loaded, the port is taken, the challengers do not go together, one that is required cannot be loaded, or the certificate,
    /// the keys or the log will not do.
    pub async fn bind(config: Config, runtime: Runtime, catalog: Arc<dyn Catalog>) -> Result<Self, ServeError> {
        challenger::check(&config.challengers, config.canary.is_some())?;
        let keys = if config.keys.is_empty() { None } else { Some(Keys::read(&config.keys)?) };
        let certificate = config.tls.as_ref().map(|files| tls::read(files, Utc::now())).transpose()?;
        let log = Logger::open(&config.log)?;
        let mut warnings = warnings(&config);
        let (listener, address) = listen(&config.listen).await?;
        warnings.extend(exposure(address, keys.is_some(), certificate.is_some()));
        let release = follow::ask(&catalog, None).await?;
        let release = release.ok_or_else(|| CatalogError("expected a model to answer with, found none".to_owned()))?;
        let settings = ScorerSettings { limits: Limits { time: config.limits.time, ..config.scorer.clone() }, seed: 0 };
        let most = config.limits.concurrency;
        let served = Served::load(&runtime, &release, &settings, most).await?;
        warnings.extend(certificate.as_ref().and_then(|read| read.warning.clone()));
        let identity = certificate.map(|read| Arc::new(tls::Identity::new(read)));
        let acceptor = identity.as_ref().map(|identity| TlsAcceptor::from(Arc::new(tls::config(identity.clone()))));
        let service = Arc::new(Service::new(&config, served, keys, log.clone())?);
        let mut followers = vec![];
        let follower = |catalog: &Arc<dyn Catalog>, whose| {
            let (service, runtime, catalog) = (service.clone(), runtime.clone(), catalog.clone());
            ModelFollower { service, runtime, catalog, whose, every: config.poll }
        };
        if catalog.can_change() {
            followers.push(tokio::spawn(follower(&catalog, Whose::Champion(settings, most)).run()));
        }
        for (challenger, rival) in config.challengers.iter().zip(&service.variants.rivals) {
            let follower = follower(&challenger.catalog, Whose::Rival(rival.clone()));
            if challenger.is_required {
                follower.begin().await?;
            }
            followers.push(tokio::spawn(follower.run()));
        }
        if let Some(canary) = service.canary.clone() {
            let service = service.clone();
            followers.push(tokio::spawn(canary.run(move || service.variants.champion_served())));
        }
        let files = FileFollower { service: service.clone(), tls: config.tls.zip(identity), keys: config.keys };
        followers.push(tokio::spawn(files.run()));
        log.event("started", &format!("{} answers at {address}", release.key));
        let acceptor = Acceptor::new(listener, acceptor, service, &config.limits);
        Ok(Self { acceptor, address, warnings, followers, notice: config.notice, drain: config.drain })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL that it answers at.
    pub fn url(&self) -> String {
        let scheme = if self.acceptor.has_tls() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The release that answers now.
    pub fn release(&self) -> ReleaseKey {
        self.acceptor.service.variants.champion_served().key.clone()
    }

    /// What whoever started it should know.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Answers until `stop` is done. Then it says that it is not ready, goes on for the time of notice, takes no more connections, and lets what was begun
    /// end within its time. Gives whether all of it ended.
    pub async fn run(self, stop: impl Future<Output = ()>) -> bool {
        let Self { acceptor, followers, notice, drain, .. } = self;
        let graceful = GracefulShutdown::new();
        let service = acceptor.service.clone();
        let mut stop = pin!(async {
            stop.await;
            service.draining.store(true, Ordering::Relaxed);
            service.log.event("draining", "asked to stop");
            tokio::time::sleep(notice).await;
        });
        tokio::select! {
            () = acceptor.run(&graceful) => {}
            () = &mut stop => {}
        }
        followers.iter().for_each(JoinHandle::abort);
        let ending = async {
            acceptor.close(&graceful).await;
            graceful.shutdown().await;
        };
        let ended = tokio::time::timeout(drain, ending).await.is_ok();
        let message = if ended { "all requests were answered" } else { "the time to answer was over before all requests were" };
        service.log.event("stopped", message);
        service.log.end();
        ended
    }
}

/// Takes the address, or the socket.
async fn listen(listen: &Listen) -> Result<(TcpListener, SocketAddr), ServeError> {
    let (place, bound) = match listen {
        Listen::Address(address) => (address.to_string(), TcpListener::bind(address).await),
        Listen::Socket(socket) => {
            let taken = socket.try_clone().and_then(|socket| {
                socket.set_nonblocking(true)?;
                TcpListener::from_std(socket)
            });
            ("the socket that it was given".to_owned(), taken)
        }
    };
    let bound = bound.and_then(|listener| listener.local_addr().map(|address| (listener, address)));
    bound.map_err(|source| ServeError::Listen { place, source })
}

/// What should not be overlooked in the settings.
fn warnings(config: &Config) -> Vec<String> {
    if config.log != Log::Off {
        return vec![];
    }
    vec!["the log is off: a failure of the model leaves no trace".to_owned()]
}

/// What should not be overlooked where others than this machine can reach the service.
fn exposure(address: SocketAddr, has_keys: bool, has_tls: bool) -> Option<String> {
    match (address.ip().is_loopback(), has_keys, has_tls) {
        (true, _, _) | (false, true, true) => None,
        (false, false, _) => Some(format!("whoever reaches {address} may ask: no keys are set")),
        (false, true, false) => {
            Some(format!("keys cross the network in clear text at {address}, unless something before it speaks TLS"))
        }
    }
}

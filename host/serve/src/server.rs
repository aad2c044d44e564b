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
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::catalog::{Catalog, CatalogError, ReleaseKey};
use crate::config::{Config, Log};
use crate::connection::Acceptor;
use crate::error::ServeError;
use crate::follow::{self, FileFollower, ModelFollower};
use crate::handler::Service;
use crate::keys::Keys;
use crate::log::Logger;
use crate::served::Served;
use crate::tls;

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
    /// There is no model, it cannot be loaded, the port is taken, or the certificate, the keys or the log will not do.
    pub async fn bind(config: Config, runtime: Runtime, catalog: Arc<dyn Catalog>) -> Result<Self, ServeError> {
        let keys = config.keys.as_ref().map(Keys::read).transpose()?;
        let certificate = config.tls.as_ref().map(|files| tls::read(files, Utc::now())).transpose()?;
        let log = Logger::open(&config.log)?;
        let listen = |source| ServeError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let release = follow::ask(&catalog, None).await?;
        let release = release.ok_or_else(|| CatalogError("expected a model to answer with, found none".to_owned()))?;
        let settings = ScorerSettings { limits: Limits { time: config.limits.time, ..config.scorer.clone() }, seed: 0 };
        let most = config.limits.concurrency;
        let served = Served::load(&runtime, &release, &settings, most).await?;
        let mut warnings = warnings(&config, address);
        warnings.extend(certificate.as_ref().and_then(|read| read.warning.clone()));
        let identity = certificate.map(|read| Arc::new(tls::Identity::new(read)));
        let acceptor = identity.as_ref().map(|identity| TlsAcceptor::from(Arc::new(tls::config(identity.clone()))));
        let service = Arc::new(Service::new(&config, served, keys, log.clone()));
        let mut followers = vec![];
        if catalog.can_change() {
            let every = config.poll;
            let follower = ModelFollower { service: service.clone(), runtime, catalog, settings, most, every };
            followers.push(tokio::spawn(follower.run()));
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
        let scheme = if self.acceptor.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The release that answers now.
    pub fn release(&self) -> ReleaseKey {
        self.acceptor.service.variants.champion.release()
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
        drop(acceptor);
        followers.iter().for_each(JoinHandle::abort);
        let ended = tokio::time::timeout(drain, graceful.shutdown()).await.is_ok();
        let message = if ended { "all requests were answered" } else { "the time to answer was over before all requests were" };
        service.log.event("stopped", message);
        service.log.end();
        ended
    }
}

/// What should not be overlooked in the settings.
fn warnings(config: &Config, address: SocketAddr) -> Vec<String> {
    let mut warnings = vec![];
    if !address.ip().is_loopback() {
        if config.keys.is_none() {
            warnings.push(format!("whoever reaches {address} may ask: no keys are set"));
        }
        if config.tls.is_none() && config.keys.is_some() {
            warnings.push(format!("keys cross the network in clear text at {address}, unless something before it speaks TLS"));
        }
    }
    if config.log == Log::Off {
        warnings.push("the log is off: a failure of the model leaves no trace".to_owned());
    }
    warnings
}

//! Follows what may change under a running service: the model that the catalog names, the certificate, the keys.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use chrono::Utc;
use sprag_runtime::{Runtime, ScorerSettings};

use crate::catalog::{Catalog, CatalogError, Release, ReleaseKey};
use crate::config::{KeySource, TlsFiles};
use crate::handler::Service;
use crate::keys::Keys;
use crate::served::Served;
use crate::tls;

/// How often files are looked at.
const FILES_EVERY: Duration = Duration::from_secs(1);

/// After how long a model that could not be loaded is tried again, though the catalog still says the same.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// Follows the catalog.
pub(crate) struct ModelFollower {
    pub(crate) service: Arc<Service>,
    pub(crate) runtime: Runtime,
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) settings: ScorerSettings,
    pub(crate) most: usize,
    pub(crate) every: Duration,
}

/// Asks a catalog on a thread that may block.
pub(crate) async fn ask(catalog: &Arc<dyn Catalog>, known: Option<ReleaseKey>) -> Result<Option<Release>, CatalogError> {
    let catalog = catalog.clone();
    let asked = tokio::task::spawn_blocking(move || catalog.poll(known.as_ref())).await;
    asked.unwrap_or_else(|error| Err(CatalogError(format!("failed to look up the model: {error}"))))
}

impl ModelFollower {
    /// Follows until it is dropped.
    pub(crate) async fn run(self) {
        let variant = &self.service.variants.champion;
        let mut failed: Option<(ReleaseKey, Instant)> = None;
        loop {
            tokio::time::sleep(self.every).await;
            failed = failed.filter(|(_, at)| at.elapsed() < AGAIN_AFTER);
            let known = failed.as_ref().map_or_else(|| variant.release(), |(key, _)| key.clone());
            match ask(&self.catalog, Some(known)).await {
                Ok(None) if failed.is_none() => self.recover(),
                Ok(None) => {}
                // The alias moved back to what is there.
                Ok(Some(release)) if release.key == variant.release() => {
                    failed = None;
                    self.recover();
                }
                Ok(Some(release)) => {
                    let loaded = self.take_over(&release).await;
                    failed = loaded.err().map(|()| (release.key, Instant::now()));
                }
                Err(error) => self.trouble(&error.to_string()),
            }
        }
    }

    /// Loads a release beside the one that answers, and lets it take over.
    async fn take_over(&self, release: &Release) -> Result<(), ()> {
        let variant = &self.service.variants.champion;
        let started = Instant::now();
        match Served::load(&self.runtime, release, &self.settings, self.most).await {
            Ok(served) => {
                let before = variant.swap(served);
                self.service.figures.swapped(variant.name(), Some(&before.key), &release.key);
                let message = format!(
                    "{} took over from {} after {} ms of loading",
                    release.key,
                    before.key,
                    started.elapsed().as_millis()
                );
                self.service.log.event("model-swapped", &message);
                Ok(())
            }
            Err(error) => {
                self.service.figures.swap_failed();
                self.trouble(&format!("{} goes on, since {} cannot take over: {error}", variant.release(), release.key));
                Err(())
            }
        }
    }

    fn trouble(&self, trouble: &str) {
        let variant = &self.service.variants.champion;
        if variant.trouble().as_deref() != Some(trouble) {
            self.service.log.event("model-trouble", trouble);
            variant.set_trouble(Some(trouble.to_owned()));
        }
    }

    fn recover(&self) {
        let variant = &self.service.variants.champion;
        if variant.trouble().is_some() {
            self.service.log.event("model-recovered", &format!("{} is what the catalog names", variant.release()));
            variant.set_trouble(None);
        }
    }
}

/// Follows files.
pub(crate) struct FileFollower {
    pub(crate) service: Arc<Service>,
    pub(crate) tls: Option<(TlsFiles, Arc<tls::Identity>)>,
    pub(crate) keys: Vec<KeySource>,
}

type Stamp = Vec<Option<(SystemTime, u64)>>;

fn stamp<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> Stamp {
    let of = |path: &PathBuf| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    paths.map(of).collect()
}

impl FileFollower {
    /// Follows until it is dropped.
    pub(crate) async fn run(self) {
        let key_files: Vec<_> = self.keys.iter().filter_map(KeySource::file).cloned().collect();
        let tls_files = self.tls.as_ref().map(|(files, _)| [files.certificate.clone(), files.key.clone()]);
        if key_files.is_empty() && tls_files.is_none() {
            return;
        }
        let look = || (stamp(key_files.iter()), stamp(tls_files.iter().flatten()));
        let mut seen = look();
        loop {
            tokio::time::sleep(FILES_EVERY).await;
            let found = look();
            if found.0 != seen.0 {
                self.read_keys();
            }
            if found.1 != seen.1 {
                self.read_certificate();
            }
            seen = found;
        }
    }

    fn read_keys(&self) {
        match (Keys::read(&self.keys), &self.service.keys) {
            (Ok(keys), Some(current)) => {
                *current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
                self.service.log.event("keys-read", "the keys were read again");
            }
            (Err(error), _) => self.service.log.event("keys-trouble", &format!("the keys before go on: {error}")),
            (Ok(_), None) => {}
        }
    }

    fn read_certificate(&self) {
        let Some((files, identity)) = &self.tls else { return };
        match tls::read(files, Utc::now()) {
            Ok(read) => {
                let message = read.warning.clone().unwrap_or_else(|| "the certificate was read again".to_owned());
                identity.replace(read);
                self.service.log.event("certificate-read", &message);
            }
            Err(error) => self.service.log.event("certificate-trouble", &format!("the certificate before goes on: {error}")),
        }
    }
}

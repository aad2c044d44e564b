//! Follows what may change under a running service: the model that the catalog names, the certificate, the keys.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use chrono::Utc;
use sprag_runtime::{Runtime, ScorerSettings};

use crate::catalog::{Catalog, CatalogError, Release, ReleaseKey};
use crate::config::KeySource;
use crate::error::ServeError;
use crate::handler::Service;
use crate::keys::Keys;
use crate::rival::Rival;
use crate::served::Served;
use crate::variants::Variant;
use sprag_tls::{self as tls, TlsFiles};

/// How often files are looked at.
const FILES_EVERY: Duration = Duration::from_secs(1);

/// After how long a model that could not be loaded is tried again, though the catalog still says the same.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// Follows the catalog of one variant.
pub(crate) struct ModelFollower {
    pub(crate) service: Arc<Service>,
    pub(crate) runtime: Runtime,
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) whose: Whose,
    pub(crate) every: Duration,
}

/// Whose model is followed.
pub(crate) enum Whose {
    /// The champion's, with the settings and the number of its scorers.
    Champion(ScorerSettings, usize),
    /// A challenger's.
    Rival(Arc<Rival>),
}

/// Asks a catalog on a thread that may block.
pub(crate) async fn ask(catalog: &Arc<dyn Catalog>, known: Option<ReleaseKey>) -> Result<Option<Release>, CatalogError> {
    let catalog = catalog.clone();
    let asked = tokio::task::spawn_blocking(move || catalog.poll(known.as_ref())).await;
    asked.unwrap_or_else(|error| Err(CatalogError(format!("failed to look up the model: {error}"))))
}

impl ModelFollower {
    /// Loads the model that is named now.
    ///
    /// # Errors
    /// There is none, or it cannot be loaded.
    pub(crate) async fn begin(&self) -> Result<(), ServeError> {
        let variant = self.variant();
        let release = ask(&self.catalog, None).await?;
        let release = release.ok_or_else(|| CatalogError(format!("expected a model for `{}`, found none", variant.name())))?;
        let served = self.load(&release).await?;
        variant.swap(served);
        self.service.figures.swapped(variant.name(), None, &release.key);
        Ok(())
    }

    /// Follows until it is dropped, or until the model is there that never changes.
    pub(crate) async fn run(self) {
        let variant = self.variant();
        let mut failed: Option<(ReleaseKey, Instant)> = None;
        // A challenger that is not there yet is loaded at once.
        let mut is_first = variant.release().is_none();
        while self.catalog.can_change() || variant.release().is_none() {
            if !std::mem::take(&mut is_first) {
                tokio::time::sleep(self.every).await;
            }
            failed = failed.filter(|(_, at)| at.elapsed() < AGAIN_AFTER);
            let known = failed.as_ref().map(|(key, _)| key.clone()).or_else(|| variant.release());
            match ask(&self.catalog, known).await {
                Ok(None) if failed.is_none() => self.recover(),
                Ok(None) => {}
                // The alias moved back to what is there.
                Ok(Some(release)) if Some(&release.key) == variant.release().as_ref() => {
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
        let variant = self.variant();
        let started = Instant::now();
        match self.load(release).await {
            Ok(served) => {
                let before = variant.swap(served);
                if let Whose::Rival(rival) = &self.whose {
                    rival.mend_fuse();
                }
                let before = before.as_ref().map(|before| &before.key);
                self.service.figures.swapped(variant.name(), before, &release.key);
                let millis = started.elapsed().as_millis();
                let message = match before {
                    Some(before) => format!("{} took over from {before} after {millis} ms of loading", release.key),
                    None => format!("{} is there as `{}` after {millis} ms of loading", release.key, variant.name()),
                };
                self.service.log.event("model-swapped", &message);
                Ok(())
            }
            Err(error) => {
                self.service.figures.swap_failed();
                let trouble = match variant.release() {
                    Some(before) => format!("{before} goes on, since {} cannot take over: {error}", release.key),
                    None => format!("`{}` takes no requests, since {} cannot be loaded: {error}", variant.name(), release.key),
                };
                self.trouble(&trouble);
                Err(())
            }
        }
    }

    async fn load(&self, release: &Release) -> Result<Served, ServeError> {
        match &self.whose {
            Whose::Champion(settings, most) => Served::load(&self.runtime, release, settings, *most).await,
            Whose::Rival(rival) => rival.load(&self.runtime, release, &self.service.variants.champion_served()).await,
        }
    }

    fn variant(&self) -> &Variant {
        match &self.whose {
            Whose::Champion(..) => self.service.variants.champion(),
            Whose::Rival(rival) => &rival.variant,
        }
    }

    fn trouble(&self, trouble: &str) {
        let variant = self.variant();
        if variant.trouble().as_deref() != Some(trouble) {
            self.service.log.event("model-trouble", trouble);
            variant.set_trouble(Some(trouble.to_owned()));
        }
    }

    fn recover(&self) {
        let variant = self.variant();
        if let Some(release) = variant.release().filter(|_| variant.trouble().is_some()) {
            self.service.log.event("model-recovered", &format!("{release} is what the catalog names"));
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
        let (mut seen, mut has_expired) = (look(), false);
        loop {
            tokio::time::sleep(FILES_EVERY).await;
            let ended = self.tls.as_ref().map(|(_, identity)| identity.until()).filter(|until| *until <= Utc::now());
            if let Some(until) = ended.filter(|_| !has_expired) {
                let message = format!("the certificate expired on {}: clients no longer take it", tls::day(until));
                self.service.log.event("certificate-trouble", &message);
            }
            has_expired = ended.is_some();
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

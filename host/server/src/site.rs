//! The projects that a server looks after, and their runs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use sprag_lifecycle::{Cancel, RunError, now};
use sprag_pipelines::{PipelineError, Recovered, Wish, recover};
use sprag_schemas::pipeline::{Publication, RequestState, RunRequest, TriggerRecord};
use sprag_schemas::record::{RunOutcome, RunRecord};
use sprag_store::{Enqueued, NewAuditEntry, RunLock, Store, StoreError};

use crate::ground::Ground;
use crate::hub::Hub;

/// A project that the server looks after.
pub struct Hosted {
    /// Its folder.
    pub home: PathBuf,
    /// Its store.
    pub store: Arc<Store>,
    /// That no other server runs what is requested of it.
    _lock: RunLock,
    /// Rung when there is something to run.
    bell: Bell,
    /// The runs under way, by request.
    running: Mutex<BTreeMap<String, Cancel>>,
}

/// All that a server looks after.
pub struct Site {
    /// The projects.
    pub hosted: Vec<Arc<Hosted>>,
    /// The store that holds the audit log and the tokens.
    pub own: Arc<Store>,
    /// The events of runs.
    pub hub: Hub,
    /// What it stands on.
    pub ground: Arc<dyn Ground>,
    is_stopping: AtomicBool,
}

/// Why a server cannot look after its projects.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// Another server does.
    #[error("another server runs what is requested of `{}`{}", .home.display(), holder.as_deref().map(|holder| format!(": {holder}")).unwrap_or_default())]
    Taken {
        /// The project's folder.
        home: PathBuf,
        /// Who.
        holder: Option<String>,
    },
    /// Two projects publish under one name.
    #[error("expected each pipeline once, found `{pipeline}` in `{}` and in `{}`", .first.display(), .second.display())]
    Twice {
        /// The pipeline.
        pipeline: String,
        /// The one folder.
        first: PathBuf,
        /// The other folder.
        second: PathBuf,
    },
    /// A store refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A run cannot be asked for.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A pipeline cannot be read.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
}

/// What was taken up when a server began.
pub type TakenUp = Vec<(PathBuf, Recovered)>;

impl Site {
    /// Takes the projects of these folders, and takes up what an earlier server left of them.
    ///
    /// # Errors
    /// Another server has one of them, two publish under one name, or a store cannot be opened.
    pub fn open(homes: &[PathBuf], own: Arc<Store>, ground: Arc<dyn Ground>, name: &str) -> Result<(Self, TakenUp), SiteError> {
        let (mut hosted, mut taken_up) = (vec![], vec![]);
        for home in homes {
            let store = Arc::new(Store::open(&home.join(".sprag"))?);
            let lock =
                store.try_lock_server(name)?.map_err(|busy| SiteError::Taken { home: home.clone(), holder: busy.holder })?;
            taken_up.push((home.clone(), recover(&store, &lock)?));
            hosted.push(Arc::new(Hosted {
                home: home.clone(),
                store,
                _lock: lock,
                bell: Bell::default(),
                running: Mutex::default(),
            }));
        }
        let site = Self { hosted, own, hub: Hub::default(), ground, is_stopping: AtomicBool::new(false) };
        site.check_names()?;
        Ok((site, taken_up))
    }

    fn check_names(&self) -> Result<(), SiteError> {
        let mut seen: BTreeMap<String, &PathBuf> = BTreeMap::new();
        for hosted in &self.hosted {
            for Publication { pipeline, .. } in hosted.store.newest_publications()? {
                if let Some(first) = seen.insert(pipeline.clone(), &hosted.home) {
                    return Err(SiteError::Twice { pipeline, first: first.clone(), second: hosted.home.clone() });
                }
            }
        }
        Ok(())
    }

    /// The project that publishes under this name, and the version that is meant.
    ///
    /// # Errors
    /// There is no such pipeline or version.
    pub fn find(&self, pipeline: &str, version: Option<u64>) -> Result<(Arc<Hosted>, Publication), StoreError> {
        let mut known = vec![];
        for hosted in &self.hosted {
            match hosted.store.publication(pipeline, version) {
                Ok(publication) => return Ok((hosted.clone(), publication)),
                Err(StoreError::UnknownPipeline { known: here, .. }) => known.extend(here),
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::UnknownPipeline { name: pipeline.to_owned(), known })
    }

    /// The newest version of each pipeline.
    ///
    /// # Errors
    /// A store cannot be read.
    pub fn newest(&self) -> Result<Vec<(Arc<Hosted>, Publication)>, StoreError> {
        let mut found = vec![];
        for hosted in &self.hosted {
            found.extend(hosted.store.newest_publications()?.into_iter().map(|newest| (hosted.clone(), newest)));
        }
        Ok(found)
    }

    /// Hands in a request.
    ///
    /// # Errors
    /// The queue is full, another request has its key, or a store cannot be written.
    pub fn request(
        &self,
        hosted: &Hosted,
        publication: &Publication,
        trigger: TriggerRecord,
        wish: Wish,
    ) -> Result<Enqueued, SiteError> {
        let manifest = sprag_pipelines::manifest(&hosted.store, publication)?;
        let by = trigger.by.clone();
        let request = sprag_pipelines::request(&hosted.store, publication, trigger, wish)?;
        let entered = hosted.store.enqueue(&request, manifest.pipeline.queue, manifest.pipeline.coalesce)?;
        if let Enqueued::New(request) = &entered {
            let _feed = self.hub.feed(&request.id);
            let details = [
                ("pipeline", format!("{}@{}", publication.pipeline, publication.version)),
                ("cause", request.trigger.cause.name().to_owned()),
            ];
            self.audit(&by, "run.request", &request.id, &details)?;
            hosted.bell.ring();
        }
        Ok(entered)
    }

    /// The request of this id, or the one that led to the run of this id.
    ///
    /// # Errors
    /// A store cannot be read.
    pub fn find_request(&self, id: &str) -> Result<Option<(Arc<Hosted>, RunRequest)>, StoreError> {
        for hosted in &self.hosted {
            if let Some(request) = hosted.store.request(id)? {
                return Ok(Some((hosted.clone(), request)));
            }
        }
        Ok(None)
    }

    /// At most `limit` runs of all projects, newest first, after the run `before` in that order; of one project, of one outcome, where these are given.
    ///
    /// # Errors
    /// There is no run `before`, or a store cannot be read.
    pub fn runs(
        &self,
        limit: usize,
        before: Option<&str>,
        project: Option<&str>,
        outcome: Option<RunOutcome>,
    ) -> Result<Vec<RunRecord>, StoreError> {
        let place = match before {
            None => None,
            Some(id) => {
                let found = self.hosted.iter().find_map(|hosted| hosted.store.run(id).transpose());
                let run = found.transpose()?.ok_or_else(|| StoreError::UnknownRun { text: id.to_owned(), near: vec![] })?;
                Some((run.started_at, run.id))
            }
        };
        let place = place.as_ref().map(|(started, id)| (started.as_str(), id.as_str()));
        let mut runs = vec![];
        for hosted in &self.hosted {
            runs.extend(hosted.store.runs_before(limit, place, project, outcome)?);
        }
        runs.sort_by(|one: &RunRecord, other| (&other.started_at, &other.id).cmp(&(&one.started_at, &one.id)));
        runs.truncate(limit);
        Ok(runs)
    }

    /// Takes a request back, or asks its run to stop; whether there was anything to stop.
    ///
    /// # Errors
    /// A store cannot be written.
    pub fn cancel(&self, hosted: &Hosted, request: &RunRequest, by: &str) -> Result<bool, StoreError> {
        let was_waiting = hosted.store.move_request(&request.id, RequestState::Queued, RequestState::Cancelled)?;
        let running = hosted.running.lock().unwrap_or_else(PoisonError::into_inner).get(&request.id).cloned();
        if let Some(cancel) = &running {
            cancel.request();
        }
        if was_waiting {
            self.hub.feed(&request.id).end();
        }
        if was_waiting || running.is_some() {
            self.audit(by, "run.cancel", &request.id, &[])?;
        }
        Ok(was_waiting || running.is_some())
    }

    /// Enters something into the audit log.
    ///
    /// # Errors
    /// The log cannot be written.
    pub fn audit(&self, by: &str, action: &str, subject: &str, details: &[(&str, String)]) -> Result<(), StoreError> {
        let details = details.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let new = NewAuditEntry { at: now(), by: by.to_owned(), action: action.to_owned(), subject: subject.to_owned(), details };
        self.own.audit(new).map(|_| ())
    }

    /// Takes no more requests up, and asks those under way to stop: they wait for their turn again.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
        for hosted in &self.hosted {
            hosted.running.lock().unwrap_or_else(PoisonError::into_inner).values().for_each(Cancel::request);
            hosted.bell.ring();
        }
    }

    /// Whether the server is about to end.
    pub fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }
}

impl Hosted {
    /// Waits until there may be something to run.
    pub(crate) fn wait(&self, most: Duration) {
        self.bell.wait(most);
    }

    pub(crate) fn begin(&self, request: &str, cancel: &Cancel) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(request.to_owned(), cancel.clone());
    }

    pub(crate) fn end(&self, request: &str) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(request);
    }
}

/// Wakes whoever waits, now or before the next wait.
#[derive(Default)]
struct Bell {
    is_rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    fn ring(&self) {
        *self.is_rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_one();
    }

    fn wait(&self, most: Duration) {
        let guard = self.is_rung.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(guard, most, |is_rung| !*is_rung);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }
}

//! A challenger at work: its place, its lane, its fuse, its weight.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use sprag_core::limits::Limits;
use sprag_data::Column;
use sprag_runtime::{Runtime, Scored, ScorerSettings, ScoringFailure, StageFailure};

use crate::catalog::Release;
use crate::challenger::{Challenger, ChallengerLimits, Part};
use crate::contest::ContestFigures;
use crate::error::ServeError;
use crate::failure;
use crate::fuse::Fuse;
use crate::lane::{Full, Lane};
use crate::log::Logger;
use crate::served::Served;
use crate::shadow::Shadow;
use crate::variants::Variant;

/// The least time that a challenger has to load, however little it has for a request.
const TO_LOAD: Duration = Duration::from_secs(10);

/// A challenger at work.
pub(crate) struct Rival {
    pub(crate) variant: Variant,
    pub(crate) part: Part,
    pub(crate) figures: ContestFigures,
    pub(crate) log: Logger,
    /// Where rows wait to be compared, where it is a shadow.
    pub(crate) shadow: Option<Shadow>,
    lane: Lane,
    fuse: Mutex<Fuse>,
    limits: ChallengerLimits,
    weight: AtomicU32,
    withdrawn: RwLock<Option<String>>,
}

/// Why a challenger did not answer.
pub(crate) enum Defeat {
    /// Its fuse is blown: it was not asked.
    Skipped,
    /// There was no room in time.
    Busy,
    /// It took too long.
    Late,
    /// It failed.
    Failed(ScoringFailure),
}

impl Defeat {
    /// Its name in figures.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Busy => "busy",
            Self::Late => "late",
            Self::Failed(failed) => match &failed.failure {
                StageFailure::Plugin { .. } => "refused",
                StageFailure::Trap { .. } => "trap",
                StageFailure::Limit(hit) if hit.key == "time" => "late",
                StageFailure::Limit(_) => "limit",
                StageFailure::Contract(_) => "contract",
                StageFailure::Cancelled | StageFailure::Host(_) => "internal",
            },
        }
    }
}

impl From<Full> for Defeat {
    fn from(_: Full) -> Self {
        Self::Busy
    }
}

impl Rival {
    /// Gets a challenger ready to be loaded.
    ///
    /// # Errors
    /// Its threads cannot be started.
    pub(crate) fn new(challenger: &Challenger, figures: ContestFigures, log: Logger) -> Result<Arc<Self>, ServeError> {
        let Challenger { name, part, catalog: _, limits, is_required: _ } = challenger;
        let failed = |source| ServeError::File { what: "start the threads of", path: name.into(), source };
        let lane = Lane::new(name, *part, limits).map_err(failed)?;
        let (shadow, jobs) = match part {
            Part::Shadow { .. } => Some(Shadow::new(limits.queue)).unzip(),
            Part::Weighted(_) => (None, None),
        };
        let weight = if let Part::Weighted(weight) = part { *weight } else { 0 };
        let rival = Arc::new(Self {
            variant: Variant::new(name),
            part: *part,
            figures,
            log,
            shadow,
            lane,
            fuse: Mutex::default(),
            limits: limits.clone(),
            weight: AtomicU32::new(0),
            withdrawn: RwLock::default(),
        });
        rival.set_weight(weight);
        rival.figures.fuse(rival.name(), false);
        if let Some(jobs) = jobs {
            for _ in 0..limits.concurrency.max(1) {
                rival.lane.spawn(jobs.clone().work(Arc::downgrade(&rival)));
            }
        }
        Ok(rival)
    }

    /// The variant's name.
    pub(crate) fn name(&self) -> &'static str {
        self.variant.name()
    }

    /// Its share of the requests in percent.
    pub(crate) fn weight(&self) -> u32 {
        self.weight.load(Ordering::Relaxed)
    }

    pub(crate) fn set_weight(&self, weight: u32) {
        self.weight.store(weight, Ordering::Relaxed);
        self.figures.weight(self.name(), weight);
    }

    /// Why it was taken out of service, where it was.
    pub(crate) fn withdrawn(&self) -> Option<String> {
        self.withdrawn.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes it out of service, or puts it back.
    pub(crate) fn set_withdrawn(&self, reason: Option<String>) {
        *self.withdrawn.write().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    /// Whether its fuse is blown.
    pub(crate) fn is_blown(&self) -> bool {
        self.fuse().is_blown(Instant::now())
    }

    /// Forgets how often it failed: another model is in its place.
    pub(crate) fn mend_fuse(&self) {
        self.fuse().succeeded();
        self.figures.fuse(self.name(), false);
    }

    /// Its model, where it can take the champion's requests: it is loaded and has the champion's columns.
    pub(crate) fn fitting(&self, champion: &Served) -> Option<Arc<Served>> {
        self.variant.served().filter(|served| served.shape == champion.shape)
    }

    /// Loads a release on its own threads.
    pub(crate) async fn load(&self, runtime: &Runtime, release: &Release, champion: &Served) -> Result<Served, ServeError> {
        let name = release.key.to_string();
        let time = self.limits.time.max(TO_LOAD);
        // The time of a request is kept where it is asked, so that loading can take longer.
        let settings = ScorerSettings { limits: Limits { time, memory: self.limits.memory, ..Limits::default() }, seed: 0 };
        let (runtime, release, most) = (runtime.clone(), release.clone(), self.limits.concurrency.max(1));
        let loaded = self.lane.run(async move { Served::load(&runtime, &release, &settings, most).await }).await;
        let gone = |_| ServeError::Model { model: name, failure: StageFailure::Host("its threads are gone".to_owned()) };
        let served = loaded.map_err(gone)??;
        match served.difference(champion) {
            Some(found) => Err(ServeError::Columns { challenger: self.name().to_owned(), found }),
            None => Ok(served),
        }
    }

    /// Scores rows on its own threads, within its own time.
    pub(crate) async fn predict(self: &Arc<Self>, served: Arc<Served>, rows: u32, inputs: Vec<Column>) -> Result<Scored, Defeat> {
        if self.is_blown() {
            return Err(Defeat::Skipped);
        }
        let deadline = tokio::time::Instant::now() + self.limits.time;
        let room = self.lane.room(deadline).await?;
        if !self.fuse().enter(Instant::now()) {
            return Err(Defeat::Skipped);
        }
        // From here to the spawned work nothing waits, so that whoever entered says how it ended, also where the client goes away.
        let rival = self.clone();
        let scoring = self.lane.run(async move {
            let _room = room;
            let scored = match tokio::time::timeout_at(deadline, served.pool.predict(rows, inputs)).await {
                Ok(scored) => scored.map_err(Defeat::Failed),
                Err(_) => Err(Defeat::Late),
            };
            rival.tell_fuse(scored.as_ref().err());
            scored
        });
        scoring.await?
    }

    fn tell_fuse(&self, defeat: Option<&Defeat>) {
        let is_lost = match defeat {
            Some(Defeat::Failed(failed)) => failure::is_scorer_lost(&failed.failure),
            Some(_) => true,
            None => false,
        };
        let mut fuse = self.fuse();
        if !is_lost {
            let was_blown = fuse.is_blown(Instant::now());
            fuse.succeeded();
            drop(fuse);
            if was_blown {
                self.figures.fuse(self.name(), false);
                self.log.event("challenger-back", &format!("`{}` answers again", self.name()));
            }
            return;
        }
        let blown = fuse.failed(Instant::now());
        drop(fuse);
        self.figures.scorer_failed();
        if let Some(pause) = blown {
            self.figures.fuse(self.name(), true);
            let kind = defeat.map_or("failed", Defeat::as_str);
            let message =
                format!("`{}` is not asked for {} s: it failed again and again, last by `{kind}`", self.name(), pause.as_secs());
            self.log.event("challenger-paused", &message);
        }
    }

    fn fuse(&self) -> std::sync::MutexGuard<'_, Fuse> {
        self.fuse.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

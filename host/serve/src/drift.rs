//! Drift: what a service sees, counted in the bins of the rows that its model was trained on.
//!
//! Counting takes some nanoseconds a value, in memory that does not grow with the rows. Now and then a thread of its own hands the counts to whoever keeps
//! them, so that at most the last few seconds are lost with a process. How far a column has moved is worked out when somebody asks for `/metrics`.

mod counts;
mod figures;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;

use sprag_core::drift::Sketch;

use crate::catalog::ReleaseKey;
use crate::observer::{Observation, Observer};
use counts::Counts;

/// The most models of which counts are held at once; a service has no more variants and swaps than this in a day.
const MODELS: usize = 64;

/// Where sketches come from and go to.
pub trait Sketches: Send + Sync + 'static {
    /// The sketch of the rows that a model was trained on; none where there is none. It is asked once for each model, by its first request, and should take
    /// no longer than to read a small file.
    fn training(&self, release: &ReleaseKey) -> Option<Sketch>;

    /// Keeps what was seen of a model on a day (`2026-11-25`, UTC), in place of what was handed over of that day before. It may block.
    ///
    /// # Errors
    /// It cannot be kept: says why. It is tried again.
    fn keep(&self, release: &ReleaseKey, day: &str, seen: &Sketch) -> Result<(), String>;

    /// Hears that a sketch could not be kept.
    fn failed(&self, message: &str);
}

/// Counts what a service sees.
pub struct Drift(Arc<Inner>);

struct Inner {
    sketches: Box<dyn Sketches>,
    /// By the model's digest; none where the model has no sketch of its training rows.
    models: RwLock<HashMap<String, Option<Arc<Model>>>>,
    /// Held while counts are handed over, so that two threads never hand over the same.
    handing: Mutex<()>,
    today: fn() -> String,
}

/// One model under watch.
struct Model {
    release: ReleaseKey,
    training: Sketch,
    counts: Counts,
    days: Mutex<Days>,
}

/// What was counted so far, without what is still in [`Counts`].
struct Days {
    /// The day of `seen`.
    day: String,
    seen: Sketch,
    /// What was counted on the last day before, so that figures do not fall to nothing at midnight.
    before: Option<Sketch>,
    /// Counts the changes of `seen`.
    change: u64,
    /// The change up to which `seen` is kept.
    kept: u64,
}

impl Drift {
    /// Counts, and hands counts over as often as this. The thread that does so ends with the value.
    pub fn new(sketches: impl Sketches, every: Duration) -> Self {
        let drift = Self::dated(sketches, || chrono::Utc::now().format("%Y-%m-%d").to_string());
        let inner = Arc::downgrade(&drift.0);
        // A service that cannot start a thread has worse troubles than drift; its counts are then handed over at the end alone.
        let _started = std::thread::Builder::new().name("drift".to_owned()).spawn(move || hand_over(&inner, every));
        drift
    }

    /// The same by another calendar, and without a thread.
    fn dated(sketches: impl Sketches, today: fn() -> String) -> Self {
        let (sketches, models, handing) = (Box::new(sketches), RwLock::default(), Mutex::default());
        Self(Arc::new(Inner { sketches, models, handing, today }))
    }

    /// Who counts, for [`crate::Config::observers`].
    pub fn observer(&self) -> Arc<dyn Observer> {
        self.0.clone()
    }

    /// Hands over what is counted, at the end of a service.
    pub fn finish(&self) {
        self.0.hand_over();
    }
}

fn hand_over(inner: &Weak<Inner>, every: Duration) {
    loop {
        std::thread::sleep(every);
        let Some(inner) = inner.upgrade() else { return };
        inner.hand_over();
    }
}

impl Inner {
    /// The counts of a model, made when it is first seen.
    fn model(&self, release: &ReleaseKey, observation: &Observation<'_>) -> Option<Arc<Model>> {
        if let Some(known) = self.models.read().unwrap_or_else(PoisonError::into_inner).get(&release.digest) {
            return known.clone();
        }
        let mut models = self.models.write().unwrap_or_else(PoisonError::into_inner);
        if models.len() >= MODELS && !models.contains_key(&release.digest) {
            return None;
        }
        let make = || {
            let training = self.sketches.training(release)?;
            let counts = Counts::new(&training, observation.input_fields, observation.output_fields);
            let days = Days { day: (self.today)(), seen: training.emptied(), before: None, change: 0, kept: 0 };
            Some(Arc::new(Model { release: release.clone(), training, counts, days: Mutex::new(days) }))
        };
        models.entry(release.digest.clone()).or_insert_with(make).clone()
    }

    fn all(&self) -> Vec<Arc<Model>> {
        let models = self.models.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = models.values().flatten().cloned().collect();
        all.sort_by(|a, b| a.release.digest.cmp(&b.release.digest));
        all
    }

    fn hand_over(&self) {
        let _one_at_a_time = self.handing.lock().unwrap_or_else(PoisonError::into_inner);
        let today = (self.today)();
        for model in self.all() {
            model.gather();
            let due = {
                let days = model.days.lock().unwrap_or_else(PoisonError::into_inner);
                (days.kept != days.change).then(|| (days.change, days.day.clone(), days.seen.clone()))
            };
            if let Some((change, day, seen)) = due {
                match self.sketches.keep(&model.release, &day, &seen) {
                    Ok(()) => model.days.lock().unwrap_or_else(PoisonError::into_inner).kept = change,
                    Err(message) => self.sketches.failed(&message),
                }
            }
            model.turn_to(&today);
        }
    }
}

impl Model {
    /// Adds what the counters hold to what is counted of the day.
    fn gather(&self) {
        let Some(more) = self.counts.take(&self.training) else { return };
        let mut days = self.days.lock().unwrap_or_else(PoisonError::into_inner);
        // Both were made of the training rows' bins, so that they fit.
        if days.seen.merge(&more).is_ok() {
            days.change += 1;
        }
    }

    /// Begins a new day, where one has come and the last one is kept.
    fn turn_to(&self, today: &str) {
        let mut days = self.days.lock().unwrap_or_else(PoisonError::into_inner);
        if days.day != today && days.kept == days.change {
            let seen = std::mem::replace(&mut days.seen, self.training.emptied());
            days.before = Some(seen);
            today.clone_into(&mut days.day);
        }
    }

    /// All that was counted today and on the last day before.
    fn lately(&self) -> Sketch {
        self.gather();
        let days = self.days.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen = days.seen.clone();
        if let Some(before) = &days.before {
            // Both were made of the training rows' bins, so that they fit.
            let _fits = seen.merge(before);
        }
        seen
    }
}

impl Observer for Inner {
    fn observe(&self, observation: &Observation<'_>) {
        let Some(outputs) = observation.outputs else { return };
        if let Some(model) = self.model(observation.release, observation) {
            model.counts.count(observation.inputs, outputs);
        }
    }

    fn metrics(&self) -> String {
        figures::text(&self.all())
    }
}

#[cfg(test)]
mod tests;

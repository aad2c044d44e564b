//! Scores rows once more that the champion has answered, when there is time, and compares the two answers.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use serde::Serialize;
use sprag_data::Column;
use sprag_runtime::Scored;
use tokio::sync::mpsc;

use crate::challenger::Part;
use crate::difference::{self, Difference};
use crate::rival::{Defeat, Rival};
use crate::served::Served;

/// Bytes of rows that wait for one shadow. More are not compared.
const MOST_WAITING: usize = 32 << 20;

/// How often the log says how a shadow compares.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// The champion's side of a shadow: a queue that is never waited for.
pub(crate) struct Shadow {
    sender: mpsc::Sender<Job>,
    waiting: Arc<AtomicUsize>,
    counts: Counts,
    told: Mutex<Told>,
}

/// The shadow's side of the queue.
#[derive(Clone)]
pub(crate) struct Jobs(Arc<tokio::sync::Mutex<mpsc::Receiver<Job>>>);

/// Rows to be scored once more, and what the champion answered.
struct Job {
    champion: Arc<Served>,
    rows: u32,
    inputs: Vec<Column>,
    outputs: Vec<Column>,
    _bytes: Bytes,
}

/// Room in the queue that is held, with a copy of the rows in it, until the champion has answered.
pub(crate) struct Held<'a> {
    permit: mpsc::Permit<'a, Job>,
    champion: Arc<Served>,
    rows: u32,
    inputs: Vec<Column>,
    bytes: Bytes,
}

/// Bytes of the queue, which come back when they are dropped.
struct Bytes {
    waiting: Arc<AtomicUsize>,
    count: usize,
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.waiting.fetch_sub(self.count, Ordering::Relaxed);
    }
}

#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    rows: AtomicU64,
    mismatches: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
}

/// What the log was told, and when.
#[derive(Default)]
struct Told {
    at: Option<Instant>,
    /// The column that lay furthest apart since then, and how far.
    largest: Option<(String, f64)>,
}

/// How a shadow compares, since the service started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Comparison {
    /// Requests that were compared.
    requests: u64,
    /// Rows in them.
    rows: u64,
    /// Values that did not match, over all outputs.
    mismatches: u64,
    /// Requests that the shadow failed.
    failed: u64,
    /// Requests that it was not asked.
    dropped: u64,
}

impl Shadow {
    /// A queue with room for so many requests.
    pub(crate) fn new(queue: usize) -> (Self, Jobs) {
        let (sender, receiver) = mpsc::channel(queue.clamp(1, 1 << 16));
        let shadow = Self { sender, waiting: Arc::default(), counts: Counts::default(), told: Mutex::default() };
        (shadow, Jobs(Arc::new(tokio::sync::Mutex::new(receiver))))
    }

    /// Takes a copy of rows that the champion is about to score, where there is room for one.
    pub(crate) fn hold(&self, rival: &Rival, champion: &Arc<Served>, rows: u32, inputs: &[Column]) -> Option<Held<'_>> {
        let drop = |reason| {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
            rival.figures.shadow_dropped(rival.name(), reason);
            None
        };
        if rival.fitting(champion).is_none() {
            return drop("unfit");
        }
        if rival.is_blown() {
            return drop("skipped");
        }
        let Ok(permit) = self.sender.try_reserve() else { return drop("full") };
        let count = difference::size(inputs);
        let bytes = Bytes { waiting: self.waiting.clone(), count };
        if self.waiting.fetch_add(count, Ordering::Relaxed) + count > MOST_WAITING {
            return drop("full");
        }
        Some(Held { permit, champion: champion.clone(), rows, inputs: inputs.to_vec(), bytes })
    }

    /// How it compares so far.
    pub(crate) fn comparison(&self) -> Comparison {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let Counts { requests, rows, mismatches, failed, dropped } = &self.counts;
        Comparison {
            requests: of(requests),
            rows: of(rows),
            mismatches: of(mismatches),
            failed: of(failed),
            dropped: of(dropped),
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn compared(&self, rival: &Rival, rows: u32, differences: &[Difference]) {
        let mismatches = differences.iter().map(|difference| difference.mismatches).sum();
        self.counts.requests.fetch_add(1, Ordering::Relaxed);
        self.counts.rows.fetch_add(rows.into(), Ordering::Relaxed);
        self.counts.mismatches.fetch_add(mismatches, Ordering::Relaxed);
        rival.figures.shadow_compared(rival.name(), rows, differences);
        let mut told = self.told();
        for difference in differences.iter().filter(|difference| difference.mismatches > 0) {
            let largest = difference.largest();
            if told.largest.as_ref().is_none_or(|(_, before)| *before < largest) {
                told.largest = Some((difference.column.clone(), largest));
            }
        }
    }

    fn failed(&self, rival: &Rival, defeat: &Defeat) {
        match defeat {
            Defeat::Skipped | Defeat::Busy => {
                self.counts.dropped.fetch_add(1, Ordering::Relaxed);
                rival.figures.shadow_dropped(rival.name(), defeat.as_str());
            }
            Defeat::Late | Defeat::Failed(_) => {
                self.counts.failed.fetch_add(1, Ordering::Relaxed);
                rival.figures.failed(rival.name(), defeat.as_str());
            }
        }
    }

    /// Tells the log, the first time at once and then now and then.
    fn tell(&self, rival: &Rival, now: Instant) {
        let mut told = self.told();
        if told.at.is_some_and(|at| now.saturating_duration_since(at) < TELL_EVERY) {
            return;
        }
        let largest = told.largest.take();
        told.at = Some(now);
        drop(told);
        let Comparison { requests, rows, mismatches, failed, dropped } = self.comparison();
        let model = rival.variant.release().map(|key| format!(" ({key})")).unwrap_or_default();
        let furthest = match largest {
            Some((column, distance)) if distance > 0.0 => format!("; the furthest lay {distance:.6} apart, in `{column}`"),
            _ => String::new(),
        };
        let message = format!(
            "the shadow `{}`{model} was compared in {requests} requests with {rows} rows: \
             {mismatches} values differ{furthest}; {failed} requests failed, {dropped} were dropped",
            rival.name()
        );
        rival.log.event("shadow-compared", &message);
    }
}

impl Held<'_> {
    /// The champion has answered: the rows can be scored once more.
    pub(crate) fn send(self, outputs: &[Column]) {
        let Self { permit, champion, rows, inputs, bytes } = self;
        permit.send(Job { champion, rows, inputs, outputs: outputs.to_vec(), _bytes: bytes });
    }
}

impl Jobs {
    /// Works the queue off, until the challenger is gone. As many do so as requests may be scored at once.
    pub(crate) async fn work(self, rival: Weak<Rival>) {
        loop {
            let next = self.0.lock().await.recv().await;
            let (Some(job), Some(rival)) = (next, rival.upgrade()) else { return };
            score(&rival, job).await;
        }
    }
}

/// Scores one request once more.
async fn score(rival: &Arc<Rival>, job: Job) {
    let Some(shadow) = &rival.shadow else { return };
    let Part::Shadow { tolerance } = rival.part else { return };
    let Job { champion, rows, inputs, outputs, _bytes } = job;
    let Some(served) = rival.fitting(&champion) else { return };
    match rival.predict(served.clone(), rows, inputs).await {
        Ok(Scored { outputs: theirs, .. }) => {
            let (ours, other) = (champion.pool.signature(), served.pool.signature());
            let found = difference::differences((&ours.outputs, &outputs), (&other.outputs, &theirs), tolerance);
            shadow.compared(rival, rows, &found);
        }
        Err(defeat) => shadow.failed(rival, &defeat),
    }
    shadow.tell(rival, Instant::now());
}

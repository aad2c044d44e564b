//! Where a challenger's code runs: on threads of its own, so that no worker of the service is ever behind it.
//!
//! A guest that computes gives up its thread a hundred times a second. On the service's own threads that would still be a hundredth of a second that
//! a request of the champion waits; here it is the operating system that divides the processors, and it gives a shadow only what nobody else wants.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::challenger::{ChallengerLimits, Part};

/// The threads of one challenger, and the room on them.
pub(crate) struct Lane {
    runtime: Option<Runtime>,
    handle: Handle,
    room: Arc<Semaphore>,
    waiting: AtomicUsize,
    queue: usize,
}

/// The lane is full, or gone.
pub(crate) struct Full;

impl Lane {
    /// Starts the threads.
    pub(crate) fn new(name: &str, part: Part, limits: &ChallengerLimits) -> io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let concurrency = limits.concurrency.clamp(1, Semaphore::MAX_PERMITS);
        let is_shadow = matches!(part, Part::Shadow { .. });
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(concurrency.min(cores)).thread_name(format!("sprag-{name}")).enable_time();
        if is_shadow {
            builder.on_thread_start(step_back);
        }
        let runtime = builder.build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
            room: Arc::new(Semaphore::new(concurrency)),
            waiting: AtomicUsize::new(0),
            queue: limits.queue,
        })
    }

    /// Waits for room, unless too many wait already or there is none in time.
    pub(crate) async fn room(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, Full> {
        if let Ok(permit) = self.room.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        if before >= self.queue {
            return Err(Full);
        }
        match tokio::time::timeout_at(deadline, self.room.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(Full),
        }
    }

    /// Runs work on the lane's threads. It runs to its end there, also where nobody waits for it any more.
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Result<T, Full> {
        self.handle.spawn(work).await.map_err(|_| Full)
    }

    /// The same without waiting.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        // It ends by itself; how is told elsewhere.
        drop(self.handle.spawn(work));
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Leaves the processors to all other threads. Where the system has no such thing for one thread, limits and fuse are what is left.
fn step_back() {
    #[cfg(target_os = "linux")]
    {
        // Linux means the calling thread by the calling process (setpriority(2), "C library/kernel differences"). One that may not is still bounded.
        let _stepped_back = rustix::process::setpriority_process(None, 19);
    }
}

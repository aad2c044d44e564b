//! How long a registry is waited for: each step of a transfer has its time, and the whole of one has none, since a large file takes as long as the line takes.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// How long nothing may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Between two pieces of content, either way, and before the answer to a request without content.
    pub silence: Duration,
    /// Between the last piece of what is sent and the answer. The system holds some megabytes that have left here and are still under way, and a registry writes
    /// what it got to where it keeps it, which may be another service far from it.
    pub commit: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { silence: Duration::from_secs(60), commit: Duration::from_secs(300) }
    }
}

/// What did not come in its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Silence {
    /// What the registry did not do, as an error says it.
    pub(super) what: &'static str,
    /// For how long.
    pub(super) wait: Duration,
}

/// When something last went on in a request, and what is to come next.
#[derive(Debug)]
pub(super) struct Pulse {
    patience: Patience,
    last: Mutex<(Instant, Next)>,
}

#[derive(Debug, Clone, Copy)]
enum Next {
    /// The answer to a request of which no content was taken yet.
    Answer,
    /// More of the content is taken.
    Content,
    /// The answer to all of the content.
    Commit,
}

impl Pulse {
    pub(super) fn new(patience: Patience) -> Arc<Self> {
        Arc::new(Self { patience, last: Mutex::new((Instant::now(), Next::Answer)) })
    }

    /// Hears that a piece of the content was taken.
    pub(super) fn taken(&self, is_last: bool) {
        let next = if is_last { Next::Commit } else { Next::Content };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = (Instant::now(), next);
    }

    /// Until when the next thing must have come, and what is missing if it has not.
    fn due(&self) -> (Instant, Silence) {
        let (last, next) = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (what, wait) = match next {
            Next::Answer => ("it gave no answer", self.patience.silence),
            Next::Content => ("it took no more of the content", self.patience.silence),
            Next::Commit => ("it gave no answer to all of the content", self.patience.commit),
        };
        (last + wait, Silence { what, wait })
    }

    /// Waits for an answer as long as something goes on.
    pub(super) async fn watch<T>(&self, answer: impl Future<Output = T>) -> Result<T, Silence> {
        let mut answer = pin!(answer);
        // What is waited for next may have less time than what is waited for now.
        let look_after = self.patience.silence.min(self.patience.commit);
        loop {
            let (due, silence) = self.due();
            let now = Instant::now();
            if due <= now {
                return Err(silence);
            }
            if let Ok(answer) = timeout_at(due.min(now + look_after), &mut answer).await {
                return Ok(answer);
            }
        }
    }
}

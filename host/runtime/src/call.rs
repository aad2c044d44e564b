//! What one call of a stage needs, and what comes back.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use sprag_core::limits::Limits;
use sprag_schemas::manifest::Clock;
use sprag_schemas::record::{Finding, LogLine, Metric, StageReport};
use tokio::sync::Notify;

use crate::blobs::{Blobs, ReaderHandle};
use crate::engine::Loaded;
use crate::failure::StageFailure;
use crate::outside::{Folders, Outbound, Services};
use crate::process::Processes;

/// Something that a stage reported just now.
#[derive(Debug, Clone, PartialEq)]
pub enum Signal {
    /// A log line.
    Log(LogLine),
    /// A measurement.
    Metric(Metric),
    /// A finding.
    Finding(Finding),
    /// How far the work is.
    Progress {
        /// Units done.
        done: u64,
        /// Units in all, where they are known.
        total: Option<u64>,
    },
}

/// Hears what a stage reports, as it reports it. It is called from within the stage and must not block.
pub type Observer = Arc<dyn Fn(Signal) + Send + Sync>;

/// Asks the stages of a run to stop.
///
/// A stage that looks at `should-stop` ends by itself; one that does not is ended two seconds after it could have.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<Request>);

#[derive(Debug, Default)]
struct Request {
    at: OnceLock<Instant>,
    waiting: Notify,
}

impl Cancel {
    /// Asks for the stop.
    pub fn request(&self) {
        let _first = self.0.at.get_or_init(Instant::now);
        self.0.waiting.notify_waiters();
    }

    /// Whether a stop was asked for.
    pub fn is_requested(&self) -> bool {
        self.requested_at().is_some()
    }

    /// When the stop was asked for.
    pub(crate) fn requested_at(&self) -> Option<Instant> {
        self.0.at.get().copied()
    }

    /// Waits until the stop is asked for, and says when that was.
    pub async fn requested(&self) -> Instant {
        loop {
            // Made before the look at the time, so that a request in between wakes it.
            let woken = self.0.waiting.notified();
            if let Some(at) = self.requested_at() {
                return at;
            }
            woken.await;
        }
    }
}

/// One attempt at one stage: the component, and all that it may see and use.
#[derive(Clone)]
pub struct StageCall {
    /// The component.
    pub component: Loaded,
    /// The parameters, as JSON.
    pub params_json: String,
    /// The seed of all chance.
    pub seed: u64,
    /// Files to read, by the name that the stage asks for.
    pub inputs: BTreeMap<String, ReaderHandle>,
    /// The environment variables that the stage sees.
    pub env: Vec<(String, String)>,
    /// The clock that the stage sees.
    pub clock: Clock,
    /// What the stage may use.
    pub limits: Limits,
    /// Where its artifacts and its model go.
    pub blobs: Arc<dyn Blobs>,
    /// Who hears what it reports.
    pub observer: Observer,
    /// How it is asked to stop.
    pub cancel: Cancel,
    /// The network and the secrets that it may use; without it every request is refused. A stage that has it sees the machine's clock, since it must be
    /// able to wait.
    pub outbound: Option<Arc<dyn Outbound>>,
    /// The folders of this machine that it may work in.
    pub folders: Option<Arc<dyn Folders>>,
    /// The services of this machine, where it may run them.
    pub services: Option<Arc<dyn Services>>,
    /// The Python environments that it may run scripts in.
    pub processes: Option<Arc<dyn Processes>>,
}

/// What a stage left: its report, whether or not it has a result.
#[derive(Debug)]
pub struct Finished<T> {
    /// What it reported.
    pub report: StageReport,
    /// Its result, or why there is none.
    pub result: Result<T, StageFailure>,
}

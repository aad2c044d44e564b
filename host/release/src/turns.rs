//! Whose turn it is in an environment: one release at a time.

use std::time::Duration;

use sprag_store::RunLock;

use crate::driver::Progress;
use crate::{Actor, Driver, ReleaseError};

/// How often a process that waits looks whether an environment is free.
const LOOK_AFTER: Duration = Duration::from_millis(50);

/// An environment that a release holds.
pub(crate) struct Turn {
    environment: String,
    /// Holds off other releases.
    _lock: RunLock,
}

impl<A: Actor> Driver<'_, A> {
    /// Takes an environment for this release, until its last step there. While another is at work there it waits, and says for whom.
    pub(crate) async fn enter_environment(&mut self, environment: &str) -> Result<(), ReleaseError> {
        if self.turn.as_ref().is_some_and(|turn| turn.environment == environment) {
            return Ok(());
        }
        self.turn = None;
        let mut told = None;
        loop {
            let busy = match self.store.try_lock_environment(environment, &self.release.record.id)? {
                Ok(lock) => {
                    self.turn = Some(Turn { environment: environment.to_owned(), _lock: lock });
                    return Ok(());
                }
                Err(busy) => busy,
            };
            if self.cancel.is_requested() {
                return Err(ReleaseError::Cancelled { environment: environment.to_owned() });
            }
            let holder = busy.holder;
            let error = ReleaseError::Busy { environment: environment.to_owned(), holder: holder.clone() };
            if !self.waits {
                return Err(error);
            }
            if told.as_ref() != Some(&holder) {
                (self.observer)(Progress::Waiting(&error.to_string()));
                told = Some(holder);
            }
            tokio::time::sleep(LOOK_AFTER).await;
        }
    }

    /// Gives an environment back, where the step belongs to another.
    pub(crate) fn leave_environment(&mut self, place: usize) {
        let environment = self.release.record.steps[place].environment.as_deref();
        if self.turn.as_ref().is_some_and(|turn| environment != Some(&turn.environment)) {
            self.turn = None;
        }
    }

    /// Gives the environment back while people think.
    pub(crate) fn wait_outside(&mut self) {
        self.turn = None;
    }
}

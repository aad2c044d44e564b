//! The time that a stage has, and how it is asked to stop before that.

use std::pin::pin;
use std::time::{Duration, Instant};

use sprag_core::limits::Limits;
use sprag_schemas::quantity::TimeSpan;

use crate::bindings::sprag::stage::types::Failure;
use crate::call::Cancel;
use crate::failure::{LimitHit, StageFailure};

/// How long a stage that was asked to stop may go on.
const GRACE: Duration = Duration::from_secs(2);

/// How much later than the engine's ticks, which end a guest that computes, a guest that waits in the host is ended. The ticks go first, since they
/// leave a backtrace.
const SLACK: Duration = Duration::from_millis(200);

/// The time that a stage has.
#[derive(Clone)]
pub(crate) struct StageClock {
    started: Instant,
    deadline: Instant,
    limit: Duration,
    cancel: Cancel,
}

impl StageClock {
    pub(crate) fn start(limits: &Limits, cancel: &Cancel) -> Self {
        let started = Instant::now();
        let deadline = started.checked_add(limits.time).unwrap_or_else(|| started + Duration::from_secs(u64::from(u32::MAX)));
        Self { started, deadline, limit: limits.time, cancel: cancel.clone() }
    }

    /// The error that ends the stage now, if one does.
    pub(crate) fn check(&self) -> Result<(), StageFailure> {
        let now = Instant::now();
        if now >= self.deadline {
            return Err(self.limit_hit());
        }
        match self.cancel.requested_at() {
            Some(requested) if now >= self.last_moment(requested) => Err(StageFailure::Cancelled),
            _ => Ok(()),
        }
    }

    fn limit_hit(&self) -> StageFailure {
        StageFailure::Limit(LimitHit { key: "time", limit: TimeSpan(self.limit).to_string() })
    }

    /// Until when a stage may go on that was asked to stop.
    fn last_moment(&self, requested: Instant) -> Instant {
        requested.max(self.started) + GRACE
    }

    /// Whether the stage should stop politely: it was asked to, or a twentieth of its time is left.
    pub(crate) fn should_stop(&self) -> bool {
        self.cancel.requested_at().is_some() || self.is_nearly_over()
    }

    /// How much of the time is left.
    pub(crate) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Whether the stage was asked to stop.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.requested_at().is_some()
    }

    /// The failure of a stage whose work in the host was ended: it was cancelled, or its time was over.
    pub(crate) fn ended(&self) -> StageFailure {
        if self.is_cancelled() { StageFailure::Cancelled } else { self.limit_hit() }
    }

    fn is_nearly_over(&self) -> bool {
        self.deadline.saturating_duration_since(Instant::now()) < self.limit / 20
    }

    /// A guest's own failure. Whether it stopped because it was asked to is not taken from the guest.
    pub(crate) fn settle(&self, failure: Failure) -> StageFailure {
        match failure {
            Failure::Cancelled => self.why_stopped(),
            other => StageFailure::of_guest(other),
        }
    }

    fn why_stopped(&self) -> StageFailure {
        if self.cancel.requested_at().is_some() {
            StageFailure::Cancelled
        } else if self.is_nearly_over() {
            self.limit_hit()
        } else {
            StageFailure::Contract(
                "expected a result or a failure, found that it stopped as if cancelled; nobody asked it to".to_owned(),
            )
        }
    }

    /// Runs a call into a guest within the time. The engine's ticks end a guest that computes; this ends one that waits in the host.
    pub(crate) async fn bound<T>(&self, call: impl Future<Output = T>) -> Result<T, StageFailure> {
        let mut call = pin!(call);
        let mut over = pin!(self.over());
        std::future::poll_fn(|context| match call.as_mut().poll(context) {
            std::task::Poll::Ready(value) => std::task::Poll::Ready(Ok(value)),
            std::task::Poll::Pending => over.as_mut().poll(context).map(Err),
        })
        .await
    }

    /// Waits until the stage must end.
    async fn over(&self) -> StageFailure {
        let cancelled = async {
            let requested = self.cancel.requested().await;
            tokio::time::sleep_until((self.last_moment(requested) + SLACK).into()).await;
        };
        let deadline = self.deadline.checked_add(SLACK).unwrap_or(self.deadline);
        match tokio::time::timeout_at(deadline.into(), cancelled).await {
            Ok(()) => StageFailure::Cancelled,
            Err(_) => self.limit_hit(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_a_stage_stopped_is_not_taken_from_the_stage() {
        let cancel = Cancel::default();
        let clock = StageClock::start(&Limits::default(), &cancel);
        assert!(!clock.should_stop());
        assert!(matches!(clock.why_stopped(), StageFailure::Contract(_)));
        cancel.request();
        assert!(clock.should_stop());
        assert_eq!(clock.why_stopped(), StageFailure::Cancelled);
        assert_eq!(clock.check(), Ok(()), "it may end by itself first");
    }

    #[test]
    fn no_time_is_a_limit_that_is_hit() {
        let limits = Limits { time: Duration::ZERO, ..Limits::default() };
        let clock = StageClock::start(&limits, &Cancel::default());
        assert_eq!(clock.check().unwrap_err().to_string(), "passed its limit `time` of 0ms");
    }

    #[test]
    fn the_longest_time_does_not_overflow() {
        let limits = Limits { time: Duration::MAX, ..Limits::default() };
        assert_eq!(StageClock::start(&limits, &Cancel::default()).check(), Ok(()));
    }
}

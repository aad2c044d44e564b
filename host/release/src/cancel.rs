//! Ending a release for good, by a person's word.

use sprag_schemas::release::{Action, ReleaseOutcome, ReleaseRecord, StepStatus};
use sprag_store::Store;

use crate::ReleaseError;

/// Ends a release that has not ended: it is not resumed any more, and the same version can be released anew. Nothing outside is touched.
///
/// `by` and `reason` say who ended it and why; `at` is the time (RFC 3339, UTC).
///
/// # Errors
/// There is no such release, it has ended, a process is at work on it, or the store cannot be written.
pub fn cancel(store: &Store, release: &str, (by, reason, at): (&str, &str, &str)) -> Result<ReleaseRecord, ReleaseError> {
    let id = store.find_release(release)?.record.id;
    let _lock = store.try_lock_release(&id)?.map_err(|_| ReleaseError::Driven { release: id.clone() })?;
    // Read under the lock: what was read before may be another process's yesterday.
    let mut release = store.find_release(&id)?;
    let record = &mut release.record;
    if record.outcome.is_final() {
        return Err(ReleaseError::Ended { release: id, outcome: record.outcome.name() });
    }
    let has_acted = |action| matches!(action, Action::Deploy | Action::Restore);
    let begun = record.steps.iter().filter(|step| has_acted(step.action) && step.status != StepStatus::Pending);
    let mut places: Vec<_> = begun.filter_map(|step| step.environment.as_deref()).map(|name| format!("`{name}`")).collect();
    places.dedup();
    let left = if places.is_empty() { String::new() } else { format!("; left as it is: {}", places.join(", ")) };
    for step in record.steps.iter_mut().filter(|step| matches!(step.status, StepStatus::Waiting | StepStatus::Running)) {
        (step.status, step.reason) = (StepStatus::Blocked, "the release was cancelled".to_owned());
    }
    record.outcome = ReleaseOutcome::Blocked;
    record.reason = format!("cancelled by `{by}`: {reason}{left}");
    record.finished_at = Some(at.to_owned());
    store.update_release(&mut release)?;
    Ok(release.record)
}

//! The end of a release: its exit code, and what people are told of it.

use serde_json::json;
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::release::{Action, ReleaseEventKind, ReleaseOutcome, ReleaseRecord, StepRecord, StepStatus};

use crate::statement::{Window, statement};
use crate::{Actor, Driver, ReleaseError, identity, steps};

/// The exit code of a release that was recorded.
pub fn exit_code(record: &ReleaseRecord) -> ExitCode {
    match record.outcome {
        ReleaseOutcome::Released => exit_code::SUCCESS,
        ReleaseOutcome::AwaitingApproval => exit_code::AWAITING_APPROVAL,
        ReleaseOutcome::Blocked => exit_code::BLOCKED,
        ReleaseOutcome::RolledBack => exit_code::ROLLED_BACK,
        ReleaseOutcome::Cancelled => exit_code::CANCELLED,
        ReleaseOutcome::Running => exit_code::INTERNAL,
        ReleaseOutcome::Error => match failure_kind(record) {
            Some("limit-hit") => exit_code::LIMIT,
            Some("plugin-failed" | "trap" | "contract") => exit_code::PLUGIN_FAILED,
            _ => exit_code::INTERNAL,
        },
    }
}

/// What kind of failure ended a release: that of the step that failed last. A notification that fails ends none.
fn failure_kind(record: &ReleaseRecord) -> Option<&str> {
    let failed = record.steps.iter().filter(|step| step.action != Action::Notify && step.status == StepStatus::Failed);
    let last = failed.max_by_key(|step| step.finished_at.as_deref().unwrap_or_default());
    last.and_then(|step| step.error.as_ref()).map(|error| error.kind.as_str())
}

impl<A: Actor> Driver<'_, A> {
    /// What people are to be told of how the release stands; none while it can go on by itself, or has no need of them.
    fn end_to_tell(&self) -> Option<ReleaseEventKind> {
        match self.release.record.outcome {
            ReleaseOutcome::Released => Some(ReleaseEventKind::Released),
            ReleaseOutcome::RolledBack => Some(ReleaseEventKind::RolledBack),
            ReleaseOutcome::Blocked => Some(ReleaseEventKind::Blocked),
            // What runs there is known to be unfit, and nothing better came back.
            ReleaseOutcome::Error if self.is_undoing() => Some(ReleaseEventKind::Failed),
            _ => None,
        }
    }

    /// Tells people how the release ended. It has ended so whether or not this works: what fails here is recorded and changes nothing.
    pub(crate) async fn tell_the_end(&mut self) {
        let Some(kind) = self.end_to_tell() else { return };
        if let Err(error) = self.try_to_tell(kind).await {
            let name = format!("{}.tell", self.release.record.to);
            let step = steps::step(name, Action::Notify, Some(&self.release.record.to.clone()), None);
            let failed = StepRecord { status: StepStatus::Failed, reason: error.to_string(), ..step };
            self.release.record.steps.push(failed);
            // Where the store is what failed, this fails as well, and there is nowhere left to say so.
            let _unrecorded = self.store.update_release(&mut self.release);
        }
    }

    async fn try_to_tell(&mut self, kind: ReleaseEventKind) -> Result<(), ReleaseError> {
        let Some(package) = self.release.record.package.clone() else { return Ok(()) };
        let restored = self.release.record.steps.iter().find(|step| step.action == Action::Restore);
        let name = restored.and_then(|step| step.environment.clone()).unwrap_or_else(|| self.release.record.to.clone());
        let Some(environment) = self.project.plan.environment(&name).cloned() else { return Ok(()) };
        if environment.notify.is_empty() {
            return Ok(());
        }
        let settings = &self.project.manifest.environments[&environment.name];
        let is_gate =
            |step: &&StepRecord| step.action == Action::Approval && step.environment.as_deref() == Some(&environment.name);
        let about = match self.release.record.steps.iter().find(is_gate).and_then(|step| step.statement.clone()) {
            Some(about) => about,
            None => {
                let window = Window::from(&(self.clock)(), settings);
                statement(self.project, self.store, &self.release.record, &self.version, &package, &environment, window)?
            }
        };
        let event = self.event_of(kind, &about, None)?;
        let key = identity::digest(&json!({ "event": kind.name(), "reason": event.reason, "package": package.digest }));
        for stage in &environment.notify {
            let name = stage.name.replacen(".notify.", ".tell.", 1);
            // A release that fails in the same way again is no news.
            let is_told = |step: &StepRecord| step.name == name && step.key == key && step.status == StepStatus::Passed;
            if self.release.record.steps.iter().any(is_told) {
                continue;
            }
            self.release.record.steps.push(steps::step(name, Action::Notify, Some(&environment.name), Some(stage)));
            let place = self.release.record.steps.len() - 1;
            self.begin(place, &key)?;
            let finished = self.actor.notify(stage, &event).await;
            match &finished.result {
                Ok(()) => self.finish(place, StepStatus::Passed, "told".to_owned(), finished.report)?,
                Err(failure) => {
                    self.failed(place, failure, finished.report)?;
                }
            }
        }
        Ok(())
    }
}

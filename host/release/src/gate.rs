//! The gate of an environment: people are told, rules and people agree, and what they agreed to is what goes.

use serde_json::json;
use sprag_core::approval::{Judgement, Policy, Standing, changes, statement_digest};
use sprag_core::plan::PlannedEnvironment;
use sprag_runtime::Ruling;
use sprag_schemas::approval::Statement;
use sprag_schemas::record::{Finding, Severity, StageReport};
use sprag_schemas::release::{Action, ReleaseEvent, ReleaseEventKind, ReleaseOutcome, StepRecord, StepStatus};

use crate::compare::compared_with;
use crate::driver::{Driver, Next};
use crate::statement::{Window, champion, statement};
use crate::{Actor, ReleaseError, event, identity, load_policy, steps};

impl<A: Actor> Driver<'_, A> {
    /// One step of a gate: a notification or the approval itself.
    pub(crate) async fn gate_step(&mut self, place: usize) -> Result<Next, ReleaseError> {
        let environment = self.environment_of(place)?.clone();
        let gate = self.gate_of(&environment.name);
        if self.release.record.steps[gate].status == StepStatus::Passed && self.is_behind(&environment.name)? {
            return Ok(Next::GoOn);
        }
        // Held from the judgement to the deployment, so that nothing comes in between.
        self.enter_environment(&environment.name).await?;
        let is_used = self.is_used(&environment.name)?;
        let statement = self.current_statement(&environment, is_used)?;
        let policy = self.policy(&environment)?;
        let kind = match self.release.record.steps[gate].renewals {
            0 => ReleaseEventKind::ApprovalRequested,
            _ => ReleaseEventKind::ApprovalVoid,
        };
        let event = self.event_of(kind, &statement, policy.as_ref())?;
        if self.release.record.steps[place].action == Action::Notify {
            self.tell(place, &environment, &event).await
        } else {
            let key = statement_digest(&statement).to_string();
            let step = &self.release.record.steps[place];
            // What an approval allowed was done with it. Where that failed or was cut off, it is judged again, by the time and the approvers of now.
            if is_used && step.status == StepStatus::Passed && step.key == key {
                return Ok(Next::GoOn);
            }
            self.begin(place, &key)?;
            self.approval(place, &environment, &statement, &event, policy.as_ref()).await
        }
    }

    /// The place of an environment's gate among the steps.
    fn gate_of(&self, environment: &str) -> usize {
        let is_gate = |step: &StepRecord| step.action == Action::Approval && step.environment.as_deref() == Some(environment);
        let place = self.release.record.steps.iter().position(is_gate);
        place.expect("an environment with a notification before its deployment has an approval")
    }

    /// A no ends the release before anything else happens, whatever changed or expired since it was given.
    pub(crate) fn rejected(&mut self) -> Result<Option<(ReleaseOutcome, String)>, ReleaseError> {
        let given = self.store.approvals(&self.release.record.id)?;
        let now = (self.clock)();
        for place in 0..self.release.record.steps.len() {
            let step = &self.release.record.steps[place];
            let (Action::Approval, Some(about)) = (step.action, step.statement.clone()) else { continue };
            if given.is_empty() || steps::is_removed_gate(step) || self.is_used(&about.environment)? {
                continue;
            }
            let Some(policy) = self.policy(steps::environment(self.project, &about.environment)?)? else { continue };
            if let Some(no) = policy.rejection(&about, &given, &now) {
                let reason = format!("rejected by `{}`: {}", no.approver, no.reason);
                self.begin(place, &statement_digest(&about).to_string())?;
                self.finish(place, StepStatus::Blocked, reason.clone(), StageReport::default())?;
                return Ok(Some((ReleaseOutcome::Blocked, reason)));
            }
        }
        Ok(None)
    }

    pub(crate) fn policy(&self, environment: &PlannedEnvironment) -> Result<Option<Policy>, ReleaseError> {
        let rule = self.project.manifest.environments[&environment.name].approval.as_ref();
        load_policy(&self.project.root, &environment.name, rule, &self.release.record)
    }

    pub(crate) fn event_of(
        &self,
        kind: ReleaseEventKind,
        about: &Statement,
        policy: Option<&Policy>,
    ) -> Result<ReleaseEvent, ReleaseError> {
        let there = champion(self.store, &about.environment, &self.release.record.id)?;
        let there = there.map(|entry| self.store.version(&entry.version.name, entry.version.version)).transpose()?.flatten();
        let compared = compared_with(self.store, &self.version)?;
        Ok(event(kind, &self.release.record, about, &self.version, (there.as_ref(), compared.as_deref()), policy))
    }

    /// The statement as it stands now. Where it is not the one that was asked about, or its time is over before it was used, it is asked about anew.
    fn current_statement(&mut self, environment: &PlannedEnvironment, is_used: bool) -> Result<Statement, ReleaseError> {
        let now = (self.clock)();
        let place = self.gate_of(&environment.name);
        let settings = &self.project.manifest.environments[&environment.name];
        let asked = self.release.record.steps[place].statement.clone();
        let package = self.packaged();
        let stands =
            |window| statement(self.project, self.store, &self.release.record, &self.version, &package, environment, window);
        if let Some(asked) = &asked {
            let present = stands(Window::of(asked))?;
            let is_over = !is_used && now > asked.expires_at;
            if changes(asked, &present).is_empty() && !is_over {
                return Ok(present);
            }
        }
        let present = stands(Window::from(&now, settings))?;
        let step = &mut self.release.record.steps[place];
        step.statement = Some(present.clone());
        step.status = StepStatus::Pending;
        step.renewals += u32::from(asked.is_some());
        self.store.update_release(&mut self.release)?;
        Ok(present)
    }

    /// Tells people that an approval is asked for. That this fails is recorded and holds nothing up: `sprag approvals` shows the same.
    async fn tell(&mut self, place: usize, environment: &PlannedEnvironment, event: &ReleaseEvent) -> Result<Next, ReleaseError> {
        let step = &self.release.record.steps[place];
        let name = step.name.clone();
        let Some(stage) = environment.notify.iter().find(|stage| stage.name == name) else { return Ok(Next::GoOn) };
        let about = [event.digest.clone(), identity::digest(&identity::stage(self.project, stage)?)];
        let key = identity::digest(&json!({ "step": name, "about": about }));
        if step.status.is_done() && step.key == key {
            return Ok(Next::GoOn);
        }
        self.begin(place, &key)?;
        let finished = self.actor.notify(stage, event).await;
        match &finished.result {
            Ok(()) => self.finish(place, StepStatus::Passed, "told".to_owned(), finished.report)?,
            Err(failure) => {
                self.failed(place, failure, finished.report)?;
            }
        }
        Ok(Next::GoOn)
    }

    async fn approval(
        &mut self,
        place: usize,
        environment: &PlannedEnvironment,
        about: &Statement,
        event: &ReleaseEvent,
        policy: Option<&Policy>,
    ) -> Result<Next, ReleaseError> {
        let mut said = vec![];
        let mut waits = vec![];
        let was_asked = self.release.record.steps[place].required > 0;
        if policy.is_some() {
            self.release.record.steps[place].required = event.required;
        } else if was_asked && self.release.record.emergency.is_none() {
            said.push(steps::UNASKED.to_owned());
        }
        for stage in &environment.approve {
            let finished = self.actor.approve(stage, event).await;
            let rule = stage.name.rsplit('.').next().unwrap_or(&stage.name);
            match finished.result {
                Ok(Ruling::Approve(reason)) => said.push(format!("`{rule}` agrees: {reason}")),
                Ok(Ruling::Wait(reason)) => waits.push(format!("`{rule}` waits: {reason}")),
                Ok(Ruling::Reject(reason)) => {
                    let reason = format!("rejected by the rule `{rule}`: {reason}");
                    self.finish(place, StepStatus::Blocked, reason.clone(), finished.report)?;
                    return Ok(Next::Stop(ReleaseOutcome::Blocked, reason));
                }
                Err(failure) => return self.failed(place, &failure, finished.report),
            }
        }
        let judgement = policy.map(|policy| self.judge(policy, about)).transpose()?;
        let report = StageReport { findings: judgement.iter().flat_map(refusals).collect(), ..StageReport::default() };
        match judgement.map(|judgement| judgement.standing) {
            Some(Standing::Rejected { by, reason }) => {
                let reason = format!("rejected by `{by}`: {reason}");
                self.finish(place, StepStatus::Blocked, reason.clone(), report)?;
                return Ok(Next::Stop(ReleaseOutcome::Blocked, reason));
            }
            Some(Standing::Approved(people)) => said.insert(0, format!("approved by {}", people.join(", "))),
            Some(Standing::Waiting { .. } | Standing::Expired { .. }) => {
                let required = event.required;
                let who = event.approvers.join(", ");
                waits.push(format!("{required} of {who} must approve until {}", about.expires_at));
            }
            None if self.release.record.emergency.is_some() => said.push("an emergency: nobody is asked".to_owned()),
            None => {}
        }
        if waits.is_empty() {
            self.finish(place, StepStatus::Passed, said.join("; "), report)?;
            return Ok(Next::GoOn);
        }
        let silent = self.release.record.steps[..place].iter().filter(|step| step.action == Action::Notify);
        let silent = silent.filter(|step| step.status == StepStatus::Failed).map(|step| step.name.clone()).collect::<Vec<_>>();
        if !silent.is_empty() {
            waits.push(format!("nobody was told by {}, which failed", silent.join(", ")));
        }
        let reason = format!("`{}`: {}", environment.name, waits.join("; "));
        self.finish(place, StepStatus::Waiting, waits.join("; "), report)?;
        self.wait_outside();
        Ok(Next::Stop(ReleaseOutcome::AwaitingApproval, reason))
    }

    fn judge(&self, policy: &Policy, about: &Statement) -> Result<Judgement, ReleaseError> {
        let given = self.store.approvals(&self.release.record.id)?;
        Ok(policy.judge(about, &given, &(self.clock)()))
    }
}

/// The approvals that do not count, as findings of the step.
fn refusals(judgement: &Judgement) -> Vec<Finding> {
    let finding = |refusal: &sprag_core::approval::Refusal| Finding {
        code: "approval-refused".to_owned(),
        severity: Severity::Warning,
        message: refusal.to_string(),
        subject: None,
    };
    judgement.refused.iter().map(|(_, refusal)| finding(refusal)).collect()
}

//! What waits for people, and what they say to it.

use sprag_core::approval::{Judgement, Policy, Standing, changes};
use sprag_lifecycle::Project;
use sprag_schemas::approval::{Approval, Ballot, Statement, Verdict};
use sprag_schemas::release::{Action, ReleaseEvent, ReleaseEventKind, ReleaseOutcome, ReleaseRecord, StepRecord, StepStatus};
use sprag_store::Store;

use crate::compare::compared_with;
use crate::statement::{Window, champion, statement};
use crate::{ReleaseError, event, load_policy, steps};

/// A release that waits for people.
#[derive(Debug, Clone)]
pub struct Pending {
    /// The release.
    pub release: ReleaseRecord,
    /// What is to be released, and how it compares.
    pub event: ReleaseEvent,
    /// Whose word counts; none where only rules are asked.
    pub policy: Option<Policy>,
    /// What was said so far.
    pub given: Vec<Approval>,
    /// What that comes to; none where only rules are asked.
    pub judgement: Option<Judgement>,
    /// What changed since it was asked for, one line each: the request is void then, and `sprag resume` asks anew.
    pub changed: Vec<String>,
}

/// A release that waits, and what for, where that can be told.
#[derive(Debug)]
pub struct Waiting {
    /// The release.
    pub release: ReleaseRecord,
    /// What it waits for, or why nobody can tell.
    pub pending: Result<Pending, ReleaseError>,
}

/// The releases that wait for people, newest first. One of which nothing can be told any more, because the project has moved on, hides none of the others.
///
/// # Errors
/// The store cannot be read.
pub fn pending(project: &Project, store: &Store, now: &str) -> Result<Vec<Waiting>, ReleaseError> {
    let open = store.open_releases()?.into_iter().map(|release| release.record);
    let waiting = open.filter(|record| record.outcome == ReleaseOutcome::AwaitingApproval);
    let each = |release: ReleaseRecord| Waiting { pending: Pending::of(project, store, release.clone(), now), release };
    Ok(waiting.map(each).collect())
}

impl Pending {
    /// What a release waits for.
    ///
    /// # Errors
    /// It does not wait, or the store, the project's files or the file of approvers cannot be read.
    pub fn of(project: &Project, store: &Store, release: ReleaseRecord, now: &str) -> Result<Self, ReleaseError> {
        let not_waiting = || ReleaseError::NotWaiting { release: release.id.clone(), outcome: release.outcome.name() };
        let is_waiting = |step: &&StepRecord| step.action == Action::Approval && step.status == StepStatus::Waiting;
        let step = release.steps.iter().find(is_waiting).filter(|_| !release.outcome.is_final()).ok_or_else(not_waiting)?;
        let (Some(asked), Some(package)) = (&step.statement, &release.package) else { return Err(not_waiting()) };
        let environment = steps::environment(project, &asked.environment)?;
        let reference = &release.version;
        let version = store.version(&reference.name, reference.version)?;
        let version = version.ok_or_else(|| ReleaseError::UnknownVersion(reference.to_string()))?;
        let stands = statement(project, store, &release, &version, package, environment, Window::of(asked))?;
        let rule = project.manifest.environments[&environment.name].approval.as_ref();
        let policy = load_policy(&project.root, &environment.name, rule, &release)?;
        let given = store.approvals(&release.id)?;
        let judgement = policy.as_ref().map(|policy| policy.judge(&stands, &given, now));
        let there = champion(store, &environment.name, &release.id)?;
        let there = there.map(|entry| store.version(&entry.version.name, entry.version.version)).transpose()?.flatten();
        let compared = compared_with(store, &version)?;
        let compared = (there.as_ref(), compared.as_deref());
        let event = event(ReleaseEventKind::ApprovalRequested, &release, &stands, &version, compared, policy.as_ref());
        let changed = changes(asked, &stands);
        Ok(Self { event, policy, given, judgement, changed, release })
    }

    /// Insists that what waits is what somebody read, by the digest of its statement.
    ///
    /// # Errors
    /// It is not.
    pub fn is_what_was_read(&self, digest: &str) -> Result<(), ReleaseError> {
        if self.event.digest == digest {
            return Ok(());
        }
        Err(ReleaseError::OtherStatement { read: digest.to_owned(), stands: self.event.digest.clone() })
    }

    /// What an approver signs.
    ///
    /// # Errors
    /// It is a yes, and what was asked for is no longer what stands there.
    pub fn ballot(&self, verdict: Verdict, approver: &str, reason: &str, now: &str) -> Result<Ballot, ReleaseError> {
        self.check_unchanged(verdict)?;
        Ok(Ballot {
            statement: self.event.statement.clone(),
            verdict,
            reason: reason.to_owned(),
            approver: approver.to_owned(),
            at: now.to_owned(),
        })
    }

    /// Takes an approval that counts into the store; whether it was new, and what all come to with it.
    ///
    /// # Errors
    /// It does not count, or cannot be stored.
    pub fn give(&mut self, store: &Store, approval: Approval, now: &str) -> Result<Standing, ReleaseError> {
        let Some(policy) = &self.policy else {
            return Err(ReleaseError::NotWaiting { release: self.release.id.clone(), outcome: "in the hands of rules alone" });
        };
        let stands: &Statement = &self.event.statement;
        let refused: Vec<usize> =
            self.judgement.iter().flat_map(|judgement| &judgement.refused).map(|(place, _)| *place).collect();
        let counted: Vec<&Approval> =
            self.given.iter().enumerate().filter(|(place, _)| !refused.contains(place)).map(|(_, given)| given).collect();
        policy.admit(stands, &counted, &approval, now)?;
        self.check_unchanged(approval.ballot.verdict)?;
        store.add_approval(&approval)?;
        self.given.push(approval);
        let judgement = policy.judge(stands, &self.given, now);
        let standing = judgement.standing.clone();
        self.judgement = Some(judgement);
        Ok(standing)
    }

    /// A no is a no to whatever stands there.
    fn check_unchanged(&self, verdict: Verdict) -> Result<(), ReleaseError> {
        if self.changed.is_empty() || verdict == Verdict::Reject {
            return Ok(());
        }
        Err(ReleaseError::Stale { release: self.release.id.clone(), changes: self.changed.clone() })
    }
}

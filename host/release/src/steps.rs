//! Which steps a release has, and by what each knows that it was done.

use serde_json::json;
use sprag_core::plan::{PlannedEnvironment, PlannedStage};
use sprag_lifecycle::Project;
use sprag_schemas::record::{PluginRecord, StageReport};
use sprag_schemas::release::{Action, Purpose, ReleaseRecord, StepRecord, StepStatus};

use crate::{ReleaseError, identity, share};

/// How the steps of a record stand to the project.
pub(crate) struct Aligned {
    /// How many of them go forward: the first ones.
    pub(crate) forward: usize,
    /// The gates that were asked at and are no more, by name.
    pub(crate) removed: Vec<String>,
}

/// Brings the steps of a record in line with the project: those that it has already keep what they found. Those of an undoing stay at the end, and so does a
/// gate at which somebody was asked, though the project has it no longer: who may edit the project file may open its gates, and not unseen.
pub(crate) fn align(project: &Project, record: &mut ReleaseRecord) -> Result<Aligned, ReleaseError> {
    let wanted = wanted(project, record)?;
    let mut before: Vec<StepRecord> = std::mem::take(&mut record.steps);
    for mut step in wanted {
        if let Some(place) = before.iter().position(|known| known.name == step.name) {
            let known = before.remove(place);
            let (plugin, status) = (step.plugin.take(), if is_removed_gate(&known) { StepStatus::Pending } else { known.status });
            step = StepRecord { plugin, status, ..known };
        }
        record.steps.push(step);
    }
    let mut aligned = Aligned { forward: record.steps.len(), removed: vec![] };
    for mut step in before {
        let is_gate = step.action == Action::Approval && step.statement.is_some();
        if is_gate && !step.status.is_done() {
            (step.status, step.reason) = (StepStatus::Skipped, "the gate was removed from the project".to_owned());
            aligned.removed.push(step.name.clone());
        }
        if is_gate || matches!(step.action, Action::Restore | Action::RestoreTest) || is_telling(&step) {
            record.steps.push(step);
        }
    }
    Ok(aligned)
}

/// Whether a step tells of an end, rather than asks for an approval.
fn is_telling(step: &StepRecord) -> bool {
    step.action == Action::Notify && step.name.split('.').nth(1) == Some("tell")
}

/// What a gate says at which people were asked, and only rules are left.
pub(crate) const UNASKED: &str = "no person is asked any more, since the rule for them was removed";

/// Whether a step is a gate at which the release waited when it was removed. No other gate is ever skipped.
pub(crate) fn is_removed_gate(step: &StepRecord) -> bool {
    step.action == Action::Approval && step.status == StepStatus::Skipped
}

/// What is said of a release that went through where a gate, or what people had to say at it, was removed.
pub(crate) fn without_gate(step: &StepRecord) -> Option<String> {
    let is_open = is_removed_gate(step) || (step.action == Action::Approval && step.reason.contains(UNASKED));
    let environment = step.environment.as_deref().unwrap_or_default();
    is_open.then(|| format!("; the gate of `{environment}` was removed while it waited there"))
}

/// The environment of this name.
pub(crate) fn environment<'a>(project: &'a Project, name: &str) -> Result<&'a PlannedEnvironment, ReleaseError> {
    project.plan.environment(name).ok_or_else(|| {
        let known = project.plan.environments.iter().map(|environment| environment.name.clone()).collect();
        ReleaseError::UnknownEnvironment { found: name.to_owned(), known }
    })
}

/// The environments that a release goes through: all up to the last one; a rollback goes to that one alone.
///
/// # Errors
/// The project does not have the last one, or no longer.
pub fn route<'a>(project: &'a Project, record: &ReleaseRecord) -> Result<Vec<&'a PlannedEnvironment>, ReleaseError> {
    let last = environment(project, &record.to)?;
    if record.purpose == Purpose::Rollback {
        return Ok(vec![last]);
    }
    let before = project.plan.environments.iter().take_while(|environment| environment.name != last.name);
    Ok(before.chain([last]).collect())
}

fn wanted(project: &Project, record: &ReleaseRecord) -> Result<Vec<StepRecord>, ReleaseError> {
    let mut steps = vec![];
    if record.purpose == Purpose::Release {
        let package = project.plan.package.as_ref();
        steps.push(step("package".to_owned(), Action::Package, None, package));
    }
    for environment in route(project, record)? {
        let settings = &project.manifest.environments[&environment.name];
        let name = &environment.name;
        let mut push = |key: &str, action, stage: Option<&PlannedStage>| {
            if !share::has(record, name, action) {
                return;
            }
            steps.push(step(format!("{name}.{key}"), action, Some(name), stage));
        };
        let is_gated = settings.approval.is_some() || !environment.approve.is_empty();
        for stage in environment.notify.iter().filter(|_| is_gated) {
            push(stage.name.strip_prefix(&format!("{name}.")).unwrap_or(&stage.name), Action::Notify, Some(stage));
        }
        if is_gated {
            push("approval", Action::Approval, None);
        }
        push("deploy", Action::Deploy, Some(&environment.deploy));
        if let Some(stage) = &environment.smoke_test {
            push("smoke-test", Action::SmokeTest, Some(stage));
        }
        if settings.alias.is_some() {
            push("alias", Action::Alias, None);
        }
    }
    Ok(steps)
}

/// A step that has not begun.
pub(crate) fn step(name: String, action: Action, environment: Option<&str>, stage: Option<&PlannedStage>) -> StepRecord {
    StepRecord {
        name,
        action,
        environment: environment.map(str::to_owned),
        status: StepStatus::Pending,
        reason: String::new(),
        plugin: stage.map(plugin),
        key: String::new(),
        started_at: None,
        finished_at: None,
        attempts: 0,
        report: StageReport::default(),
        error: None,
        endpoint: None,
        statement: None,
        renewals: 0,
        required: 0,
    }
}

fn plugin(stage: &PlannedStage) -> PluginRecord {
    PluginRecord {
        reference: stage.plugin.to_string(),
        name: stage.info.name.clone(),
        version: stage.info.version.clone(),
        digest: stage.component.digest.to_string(),
        grants: stage.grant_lines(),
    }
}

/// The key of a step: the digest over all that its outcome depends on.
pub(crate) fn key(project: &Project, record: &ReleaseRecord, step: &StepRecord) -> Result<String, ReleaseError> {
    let environment = step.environment.as_deref().and_then(|name| project.plan.environment(name));
    let stage = match (step.action, environment) {
        (Action::Package, _) => project.plan.package.as_ref(),
        (Action::Deploy | Action::Restore, Some(environment)) => Some(&environment.deploy),
        (Action::SmokeTest | Action::RestoreTest, Some(environment)) => environment.smoke_test.as_ref(),
        _ => None,
    };
    let stage = stage.map(|stage| identity::stage(project, stage)).transpose()?;
    let settings = step.environment.as_ref().and_then(|name| project.manifest.environments.get(name));
    // The package itself depends on the model alone.
    let package = record.package.as_ref().filter(|_| step.action != Action::Package);
    Ok(identity::digest(&json!({
        "step": step.name,
        "stage": stage,
        "model": record.model,
        "package": package.map(|package| json!([package.digest, package.image, package.rows, package.expected])),
        "share": share::of(record, step),
        "key": settings.and_then(|settings| settings.key.as_deref()).map(|name| identity::secret(project, name)),
        "alias": settings.and_then(|settings| settings.alias.as_ref()).filter(|_| step.action == Action::Alias),
        "repository": project.manifest.release.repository.as_ref().filter(|_| step.action == Action::Package),
        "smoke-rows": project.manifest.release.smoke_rows.filter(|_| step.action == Action::Package),
    })))
}

//! Which steps a release has, and by what each knows that it was done.

use serde_json::json;
use sprag_core::plan::{PlannedEnvironment, PlannedStage};
use sprag_lifecycle::Project;
use sprag_schemas::record::{PluginRecord, StageReport};
use sprag_schemas::release::{Action, Purpose, ReleaseRecord, StepRecord, StepStatus};

use crate::{ReleaseError, identity, share};

/// Brings the steps of a record in line with the project: those that it has already keep what they found, and those of an undoing stay at the end.
pub(crate) fn align(project: &Project, record: &mut ReleaseRecord) -> Result<(), ReleaseError> {
    let mut before: Vec<StepRecord> = std::mem::take(&mut record.steps);
    let mut steps = vec![];
    for mut step in wanted(project, record)? {
        if let Some(place) = before.iter().position(|known| known.name == step.name) {
            let known = before.remove(place);
            let plugin = step.plugin.take();
            step = StepRecord { plugin, ..known };
        }
        steps.push(step);
    }
    let is_added = |step: &StepRecord| matches!(step.action, Action::Restore | Action::RestoreTest) || is_telling(step);
    steps.extend(before.into_iter().filter(is_added));
    record.steps = steps;
    Ok(())
}

/// Whether a step tells of an end, rather than asks for an approval.
pub(crate) fn is_telling(step: &StepRecord) -> bool {
    step.action == Action::Notify && step.name.split('.').nth(1) == Some("tell")
}

/// The environments that a release goes through: all up to the last one; a rollback goes to that one alone.
pub(crate) fn route<'a>(project: &'a Project, record: &ReleaseRecord) -> Result<Vec<&'a PlannedEnvironment>, ReleaseError> {
    let all = &project.plan.environments;
    let Some(last) = all.iter().position(|environment| environment.name == record.to) else {
        let known = all.iter().map(|environment| environment.name.clone()).collect();
        return Err(ReleaseError::UnknownEnvironment { found: record.to.clone(), known });
    };
    let first = if record.purpose == Purpose::Rollback { last } else { 0 };
    Ok(all[first..=last].iter().collect())
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
    let stage = stage.map(|stage| identity::stage(&project.root, stage)).transpose()?;
    let settings = step.environment.as_ref().and_then(|name| project.manifest.environments.get(name));
    // The package itself depends on the model alone.
    let package = record.package.as_ref().filter(|_| step.action != Action::Package);
    Ok(identity::digest(&json!({
        "step": step.name,
        "stage": stage,
        "model": record.model,
        "package": package.map(|package| json!([package.digest, package.image, package.rows, package.expected])),
        "share": share::of(record, step),
        "key": settings.and_then(|settings| settings.key.as_ref()),
        "alias": settings.and_then(|settings| settings.alias.as_ref()).filter(|_| step.action == Action::Alias),
        "repository": project.manifest.release.repository.as_ref().filter(|_| step.action == Action::Package),
        "smoke-rows": project.manifest.release.smoke_rows.filter(|_| step.action == Action::Package),
    })))
}

//! Takes a release onwards, for the commands that do: `release`, `resume`, `rollback`, `approve --resume` and `run --release`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use sprag_core::approval::sign;
use sprag_core::plan::PlannedStage;
use sprag_egress::Vault;
use sprag_lifecycle::{Cancel, Project, now};
use sprag_release::{Driver, Pending, Stages};
use sprag_schemas::approval::{Approval, Verdict};
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::release::{ReleaseOutcome, ReleaseRecord, StepStatus};
use sprag_store::Store;

use super::keys;
use crate::args::{DriveArgs, Format};
use crate::console::Console;
use crate::error::CommandError;
use crate::report;

/// Takes a release onwards until it ends or waits, prints how it stands, and gives the exit code that says so.
pub(super) fn drive(
    project: &Project,
    store: Arc<Store>,
    release: &str,
    args: &DriveArgs,
    console: &Console,
) -> Result<ExitCode, CommandError> {
    let runtime = super::run::tokio_runtime()?;
    let cancel = Cancel::default();
    {
        // Listening begins before the release does: a signal that comes early must not end the process in the midst of it.
        let _inside = runtime.enter();
        runtime.spawn(super::run::stop_on_signal(cancel.clone())?);
    }
    let stages = stages(project, store.clone(), args, &cancel, console)?;
    let mut record = runtime.block_on(once(project, &store, &stages, release, args, &cancel, *console))?;
    if record.outcome == ReleaseOutcome::AwaitingApproval && speak(project, &store, &record, args)? {
        record = runtime.block_on(once(project, &store, &stages, release, args, &cancel, *console))?;
    }
    if args.json {
        console.json(&record);
    } else {
        report::release::summary(&record).iter().for_each(|line| console.line(line));
    }
    Ok(sprag_release::exit_code(&record))
}

async fn once(
    project: &Project,
    store: &Store,
    stages: &Stages<'_>,
    release: &str,
    args: &DriveArgs,
    cancel: &Cancel,
    console: Console,
) -> Result<ReleaseRecord, CommandError> {
    let mut driver = Driver::new(project, store, stages, release)?.cancelled_by(cancel.clone());
    if args.no_wait {
        driver = driver.without_waiting();
    }
    if !args.json {
        driver = driver.observed_by(Arc::new(move |step| {
            if step.status != StepStatus::Running {
                report::release::step(step).iter().for_each(|line| console.line(line));
            }
        }));
    }
    Ok(driver.drive().await?)
}

/// The stages of a project with what they may reach. Every secret that one of them is granted is read before anything happens.
pub(super) fn stages<'a>(
    project: &'a Project,
    store: Arc<Store>,
    args: &DriveArgs,
    cancel: &Cancel,
    console: &Console,
) -> Result<Stages<'a>, CommandError> {
    let of_stages = project.plan.environments.iter().flat_map(|environment| environment.stages());
    let keys = project.manifest.environments.values().filter_map(|environment| environment.key.as_ref());
    let names = granted(of_stages).chain(keys.map(String::as_str));
    stages_with(project, store, names, args, cancel, console)
}

/// The secrets that stages are granted.
pub(super) fn granted<'a>(stages: impl Iterator<Item = &'a PlannedStage>) -> impl Iterator<Item = &'a str> {
    stages.flat_map(|stage| stage.grants.secrets.iter().map(String::as_str))
}

/// The same for the secrets of these names alone.
pub(super) fn stages_with<'a>(
    project: &'a Project,
    store: Arc<Store>,
    names: impl Iterator<Item = &'a str>,
    args: &DriveArgs,
    cancel: &Cancel,
    console: &Console,
) -> Result<Stages<'a>, CommandError> {
    let variable = |name: &str| std::env::var(name).ok();
    let vault = Vault::open(&project.manifest.secrets, names, &variable, &project.root)?;
    let server = match &args.server {
        Some(path) => path.clone(),
        None => std::env::current_exe().map_err(|error| CommandError::io("find", Path::new("/proc/self/exe"), &error))?,
    };
    Ok(Stages {
        project,
        store,
        vault,
        services: Some(Arc::new(super::services::of_project(&project.root, &project.manifest.secrets)?)),
        server,
        code_dir: super::run::code_dir(),
        observer: if args.json { report::live::silent() } else { report::live::observer(Format::Text, args.verbose, *console) },
        cancel: cancel.clone(),
        engine: OnceLock::new(),
    })
}

/// Gives the approvals that came with the command; whether there was any.
fn speak(project: &Project, store: &Store, record: &ReleaseRecord, args: &DriveArgs) -> Result<bool, CommandError> {
    let mut given = false;
    for path in &args.approvals {
        let approval = read_approval(path)?;
        Pending::of(project, store, record.clone(), &now())?.give(store, approval, &now())?;
        given = true;
    }
    if let (Some(path), Some(reason)) = (&args.approve_as, &args.reason) {
        let mut pending = Pending::of(project, store, record.clone(), &now())?;
        let approval = spoken(&pending, Some(path), Verdict::Approve, reason)?;
        pending.give(store, approval, &now())?;
        given = true;
    }
    Ok(given)
}

/// A signed word on what waits, by whoever's key it is.
pub(super) fn spoken(pending: &Pending, key: Option<&PathBuf>, verdict: Verdict, reason: &str) -> Result<Approval, CommandError> {
    let (key, path) = keys::find(key)?;
    let Some(policy) = &pending.policy else {
        return Err(CommandError::user(format!("`{}` waits for no person: its rules decide alone", pending.event.environment)));
    };
    let Some(name) = policy.signers.name_of(&key.public()) else {
        let known = policy.signers.people().join(", ");
        let message =
            format!("the key `{}` ({}) is not that of an approver; approvers are {known}", path.display(), key.fingerprint());
        let error = CommandError { code: exit_code::REFUSED, ..CommandError::user(message) };
        return Err(error.hint("`sprag key show` prints the line that would make it one; others should review that change"));
    };
    let ballot = pending.ballot(verdict, name, reason, &now())?;
    sign(&key, ballot).map_err(|error| CommandError::user(format!("the key `{}`: {error}", path.display())))
}

fn read_approval(path: &Path) -> Result<Approval, CommandError> {
    let text = std::fs::read_to_string(path).map_err(|error| CommandError::io("read", path, &error))?;
    serde_json::from_str(&text).map_err(|error| {
        let message = format!("expected an approval, as `sprag approve --output` writes it, in `{}`: {error}", path.display());
        CommandError::user(message)
    })
}

//! Takes a release onwards, for the commands that do: `release`, `resume`, `rollback`, `approve --resume` and `run --release`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use sprag_core::approval::{Signers, sign};
use sprag_core::plan::{PlannedEnvironment, PlannedStage};
use sprag_egress::Vault;
use sprag_lifecycle::{Cancel, Project, now};
use sprag_release::{Driver, Pending, Progress, ReleaseError, Stages, route};
use sprag_schemas::approval::{Approval, Verdict};
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::release::{ReleaseOutcome, ReleaseRecord, StepStatus};
use sprag_store::Store;

use super::keys;
use crate::args::{DriveArgs, Format};
use crate::console::{Console, WARN};
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
    let route = route(project, &store.find_release(release)?.record)?;
    let mut words = Words::read(args)?;
    let runtime = super::run::tokio_runtime()?;
    let cancel = Cancel::default();
    {
        // Listening begins before the release does: a signal that comes early must not end the process in the midst of it.
        let _inside = runtime.enter();
        runtime.spawn(super::run::stop_on_signal(cancel.clone())?);
    }
    let stages = stages(project, store.clone(), &route, args, &cancel, console)?;
    let mut record = runtime.block_on(once(project, &store, &stages, release, args, &cancel, *console))?;
    // Each environment on the way may have a gate of its own.
    while record.outcome == ReleaseOutcome::AwaitingApproval && words.say(project, &store, &record)? {
        record = runtime.block_on(once(project, &store, &stages, release, args, &cancel, *console))?;
    }
    runtime.block_on(super::telemetry::release(&record, console));
    if args.json {
        console.json(&record);
    } else {
        report::release::summary(&record).iter().for_each(|line| console.line(line));
    }
    if let Some(system) = args.ci {
        report::ci::release(&record, system.into(), console)?;
    }
    Ok(sprag_release::exit_code(&record))
}

/// Ends a release that an approver said no to, and tells those who are told of its end. Where a secret for that is not on this machine, they are not told,
/// and the release ends all the same.
pub(super) fn end_rejected(project: &Project, store: Arc<Store>, release: &str, console: &Console) -> Result<(), CommandError> {
    let (args, cancel) = (DriveArgs::default(), Cancel::default());
    let route = route(project, &store.find_release(release)?.record)?;
    let told = granted(route.iter().flat_map(|environment| &environment.notify));
    let stages = match stages_with(project, store.clone(), told, &args, &cancel, console) {
        Ok(stages) => stages,
        Err(_) => stages_with(project, store.clone(), std::iter::empty(), &args, &cancel, console)?,
    };
    let runtime = super::run::tokio_runtime()?;
    let ended = runtime.block_on(async { Driver::new(project, &store, &stages, release)?.drive().await });
    match ended {
        Ok(record) => report::release::summary(&record).iter().skip(1).for_each(|line| console.line(line)),
        Err(ReleaseError::Driven { .. }) => console.note("another process is at work on the release, and ends it at its gate"),
        Err(error) => return Err(error.into()),
    }
    Ok(())
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
    let is_json = args.json;
    let driver = driver.observed_by(Arc::new(move |progress| match progress {
        Progress::Step(step) if !is_json && step.status != StepStatus::Running => {
            report::release::step(step).iter().for_each(|line| console.line(line));
        }
        Progress::Step(_) => {}
        Progress::Waiting(why) => console.note(&format!("{WARN}waiting{WARN:#}: {why}")),
    }));
    Ok(driver.drive().await?)
}

/// The stages of a project with what they may reach. Every secret that one of those on the route is granted is read before anything happens, and no other.
fn stages<'a>(
    project: &'a Project,
    store: Arc<Store>,
    route: &[&'a PlannedEnvironment],
    args: &DriveArgs,
    cancel: &Cancel,
    console: &Console,
) -> Result<Stages<'a>, CommandError> {
    let of_stages = granted(route.iter().flat_map(|environment| environment.stages()));
    let keys = route.iter().filter_map(|environment| project.manifest.environments[&environment.name].key.as_deref());
    stages_with(project, store, of_stages.chain(keys), args, cancel, console)
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

/// The names under which the files of approvers list the key that came with the command: whoever begins a release with it is an author by these, too.
pub(super) fn known_as(project: &Project, args: &DriveArgs) -> Result<Vec<String>, CommandError> {
    let Some(path) = &args.approve_as else { return Ok(vec![]) };
    let public = keys::find(Some(path))?.0.public();
    let rules = project.manifest.environments.values().filter_map(|environment| environment.approval.as_ref());
    let files = rules.flat_map(|rule| [Some(&rule.approvers), rule.emergency.as_ref().and_then(|rule| rule.approvers.as_ref())]);
    // What is wrong with a file is said where its rule is asked.
    let texts = files.flatten().filter_map(|file| std::fs::read_to_string(project.root.join(file)).ok());
    let signers = texts.filter_map(|text| Signers::parse(&text).ok());
    Ok(signers.filter_map(|signers| signers.name_of(&public).map(str::to_owned)).collect())
}

/// What approvers say with the command itself.
struct Words<'a> {
    /// The key to sign with, and why.
    key: Option<(&'a PathBuf, &'a str)>,
    /// The environments that were signed for.
    signed: Vec<String>,
    /// The signed words that came as files and were not used yet.
    files: Vec<Approval>,
}

impl<'a> Words<'a> {
    fn read(args: &'a DriveArgs) -> Result<Self, CommandError> {
        let files = args.approvals.iter().map(|path| read_approval(path)).collect::<Result<_, _>>()?;
        Ok(Self { key: args.approve_as.as_ref().zip(args.reason.as_deref()), signed: vec![], files })
    }

    /// Says what there is to say on what the release waits for now; whether there was anything.
    fn say(&mut self, project: &Project, store: &Store, record: &ReleaseRecord) -> Result<bool, CommandError> {
        if self.key.is_none() && self.files.is_empty() {
            return Ok(false);
        }
        let mut pending = Pending::of(project, store, record.clone(), &now())?;
        if pending.policy.is_none() {
            // Its rules decide alone.
            return Ok(false);
        }
        let here = pending.event.environment.clone();
        let is_here = |approval: &Approval| approval.ballot.statement.environment == here;
        let key = self.key.filter(|_| !self.signed.contains(&here));
        let (mut said, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.files).into_iter().partition(is_here);
        self.files = later;
        if said.is_empty() && key.is_none() && !self.files.is_empty() {
            // One that fits nothing is refused, with the reason.
            said.push(self.files.remove(0));
        }
        let has_said = !said.is_empty() || key.is_some();
        for approval in said {
            pending.give(store, approval, &now())?;
        }
        if let Some((path, reason)) = key {
            let approval = spoken(&pending, Some(path), Verdict::Approve, reason)?;
            pending.give(store, approval, &now())?;
            self.signed.push(here);
        }
        Ok(has_said)
    }
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

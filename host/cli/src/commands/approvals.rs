//! `sprag approvals`, `sprag approve` and `sprag reject`

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use sprag_core::approval::Standing;
use sprag_lifecycle::{now, with_causes};
use sprag_release::{Pending, ReleaseError, Waiting, pending};
use sprag_schemas::approval::{Approval, Verdict};
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::record::VersionRef;
use sprag_schemas::release::{ReleaseEvent, ReleaseOutcome, ReleaseRecord};
use sprag_store::Store;

use super::driving;
use crate::args::{ApprovalsArgs, DriveArgs, WordArgs};
use crate::console::{Console, GOOD, WARN};
use crate::error::CommandError;
use crate::report;

/// A release that waits, as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Known<'a> {
    #[serde(flatten)]
    event: &'a ReleaseEvent,
    /// What was said so far.
    given: &'a [Approval],
    /// What changed since it was asked for: the request is void then.
    changed: &'a [String],
}

/// A release that waits for nobody knows what, as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Unknown<'a> {
    release: &'a str,
    version: &'a VersionRef,
    /// Why nobody can tell.
    error: String,
}

/// Lists what waits for approvers. Where nobody can tell what one of the releases waits for, the exit code says so.
///
/// # Errors
/// The project or its store cannot be read.
pub fn run(args: &ApprovalsArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let store = super::open_store(project)?;
    let project = super::load(project, &[])?;
    let waiting = pending(&project, &store, &now())?;
    let code = waiting.iter().find_map(|one| one.pending.as_ref().err()).map_or(exit_code::SUCCESS, ReleaseError::exit_code);
    if args.json {
        console.json(&waiting.iter().map(json).collect::<Vec<_>>());
        return Ok(code);
    }
    if waiting.is_empty() {
        console.note("nothing waits for an approval");
    }
    for (i, one) in waiting.iter().enumerate() {
        if i > 0 {
            console.line("");
        }
        let lines = match &one.pending {
            Ok(pending) => report::approval::lines(pending),
            Err(error) => report::approval::broken(&one.release, error),
        };
        lines.iter().for_each(|line| console.line(line));
    }
    Ok(code)
}

fn json(one: &Waiting) -> Value {
    let value = match &one.pending {
        Ok(Pending { event, given, changed, .. }) => serde_json::to_value(Known { event, given, changed }),
        Err(error) => {
            let (release, version) = (&one.release.id, &one.release.version);
            serde_json::to_value(Unknown { release, version, error: with_causes(error) })
        }
    };
    value.expect("both are structs with text keys")
}

/// The release that a person means: the one that is named, else the only one that waits.
fn meant(store: &Store, named: Option<&str>) -> Result<ReleaseRecord, CommandError> {
    if let Some(named) = named {
        return Ok(store.find_release(named)?.record);
    }
    let open = store.open_releases()?.into_iter().map(|release| release.record);
    let mut waiting: Vec<_> = open.filter(|record| record.outcome == ReleaseOutcome::AwaitingApproval).collect();
    match waiting.len() {
        0 => Ok(store.find_release("latest")?.record),
        1 => Ok(waiting.remove(0)),
        _ => {
            let ids: Vec<_> = waiting.iter().map(|record| format!("`{}` ({})", record.id, record.version)).collect();
            let message = format!("expected the name of one of the releases that wait: {}", ids.join(", "));
            Err(CommandError::user(message).hint("`sprag approvals` shows what each of them would change"))
        }
    }
}

/// Says yes or no to what waits.
///
/// # Errors
/// The release does not wait, another statement waits than was read, the key is nobody's, or the word does not count.
pub fn say(verdict: Verdict, args: &WordArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let store = Arc::new(super::open_store(project)?);
    let project = super::load(project, &[])?;
    let record = meant(&store, args.release.as_deref())?;
    let mut waiting = Pending::of(&project, &store, record, &now())?;
    if let Some(digest) = &args.statement {
        waiting.is_what_was_read(digest)?;
    }
    let approval = driving::spoken(&waiting, args.key.as_ref(), verdict, &args.reason)?;
    let (who, what) = (approval.ballot.approver.clone(), waiting.event.version.to_string());
    let (environment, digest) = (waiting.event.environment.clone(), waiting.event.digest.clone());
    if let Some(path) = &args.output {
        let mut text = serde_json::to_string_pretty(&approval).expect("an approval is a struct of texts");
        text.push('\n');
        std::fs::write(path, text).map_err(|error| CommandError::io("write", path, &error))?;
        let release = &waiting.release.id;
        console.line(&format!("wrote `{}`: {who} {} {what} for `{environment}`", path.display(), verdict.past()));
        console.note(&format!("use it with `sprag resume {release} --approval {}`", path.display()));
        return Ok(exit_code::SUCCESS);
    }
    let standing = waiting.give(&store, approval, &now())?;
    let style = if verdict == Verdict::Approve { GOOD } else { WARN };
    console.line(&format!("{style}{}{style:#}: {what} for `{environment}`, by {who} ({digest})", verdict.past()));
    let id = waiting.release.id;
    if verdict == Verdict::Reject {
        driving::end_rejected(&project, store, &id, console)?;
        return Ok(exit_code::SUCCESS);
    }
    if args.resume {
        return driving::drive(&project, store, &id, &DriveArgs::default(), console);
    }
    console.note(&match standing {
        Standing::Waiting { missing: 1 } => "one more must approve".to_owned(),
        Standing::Waiting { missing } => format!("{missing} more must approve"),
        _ => format!("`sprag resume {id}` goes on"),
    });
    Ok(exit_code::SUCCESS)
}

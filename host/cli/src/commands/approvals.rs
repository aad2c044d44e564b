//! `sprag approvals`, `sprag approve` and `sprag reject`

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use sprag_core::approval::Standing;
use sprag_lifecycle::now;
use sprag_release::{Pending, pending};
use sprag_schemas::approval::{Approval, Verdict};
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::release::ReleaseEvent;

use super::driving;
use crate::args::{ApprovalsArgs, DriveArgs, WordArgs};
use crate::console::{Console, GOOD, WARN};
use crate::error::CommandError;
use crate::report;

/// A release that waits, as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Waiting<'a> {
    #[serde(flatten)]
    event: &'a ReleaseEvent,
    /// What was said so far.
    given: &'a [Approval],
    /// What changed since it was asked for: the request is void then.
    changed: &'a [String],
}

/// Lists what waits for approvers.
///
/// # Errors
/// The project, its store or a file of approvers cannot be read.
pub fn run(args: &ApprovalsArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let store = super::open_store(project)?;
    let project = super::load(project, &[])?;
    let waiting = pending(&project, &store, &now())?;
    if args.json {
        let waiting =
            waiting.iter().map(|pending| Waiting { event: &pending.event, given: &pending.given, changed: &pending.changed });
        console.json(&waiting.collect::<Vec<_>>());
        return Ok(exit_code::SUCCESS);
    }
    if waiting.is_empty() {
        console.note("nothing waits for an approval");
    }
    for (i, pending) in waiting.iter().enumerate() {
        if i > 0 {
            console.line("");
        }
        report::approval::lines(pending).iter().for_each(|line| console.line(line));
    }
    Ok(exit_code::SUCCESS)
}

/// Says yes or no to what waits.
///
/// # Errors
/// The release does not wait, the key is nobody's, or the word does not count.
pub fn say(verdict: Verdict, args: &WordArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let store = Arc::new(super::open_store(project)?);
    let project = super::load(project, &[])?;
    let record = store.find_release(&args.release)?.record;
    let mut waiting = Pending::of(&project, &store, record, &now())?;
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

//! `sprag audit`

use std::path::Path;

use serde::Serialize;
use sprag_core::audit::Chain;
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::server::AuditEntry;
use sprag_store::Store;

use crate::args::{AuditArgs, AuditCommand};
use crate::console::{Console, DIM, GOOD};
use crate::error::CommandError;

/// How many entries are read at once.
const PAGE: usize = 1000;

/// What `sprag audit verify --json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report {
    is_whole: bool,
    /// How many are as they were written.
    entries: u64,
    head: Option<String>,
    reason: Option<String>,
}

/// Does what a command of the group says.
///
/// # Errors
/// There is no store, or the log is not what it was.
pub fn run(args: &AuditArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let store = super::open_store(project)?;
    match &args.command {
        AuditCommand::Show { limit, json } => {
            let mut entries = store.audit_log(*limit, None)?;
            entries.reverse();
            if *json {
                console.json(&entries);
                return Ok(exit_code::SUCCESS);
            }
            for entry in entries {
                let details: String = entry.details.iter().map(|(name, value)| format!("  {name} {value}")).collect();
                let AuditEntry { at, by, action, subject, .. } = &entry;
                console.line(&format!("{DIM}{:>6}  {at}{DIM:#}  {by}  {action} {subject}{DIM}{details}{DIM:#}", entry.sequence));
            }
            Ok(exit_code::SUCCESS)
        }
        AuditCommand::Verify { known, json } => verified(&store, known.as_deref(), *json, console),
    }
}

fn verified(store: &Store, known: Option<&str>, json: bool, console: &Console) -> Result<ExitCode, CommandError> {
    let mut chain = Chain::new(known);
    let held = loop {
        let page = store.audit_after(PAGE, chain.count())?;
        if page.is_empty() {
            break Ok(());
        }
        if let Err(broken) = page.iter().try_for_each(|entry| chain.push(entry)) {
            break Err(broken);
        }
    };
    let entries = chain.count();
    match held.and_then(|()| chain.finish()) {
        Ok(head) => {
            if json {
                console.json(&Report { is_whole: true, entries, head: Some(head.to_string()), reason: None });
            } else {
                console.line(&format!("{GOOD}whole:{GOOD:#} {entries} entries; the last is {head}"));
            }
            Ok(exit_code::SUCCESS)
        }
        Err(broken) => {
            if json {
                console.json(&Report { is_whole: false, entries, head: None, reason: Some(broken.to_string()) });
            }
            let error = CommandError::user(format!("the audit log is not what it was: {broken}"));
            Err(CommandError { code: exit_code::BLOCKED, ..error }
                .hint("the entries before that one are as they were written; compare the rest with a copy of the store"))
        }
    }
}

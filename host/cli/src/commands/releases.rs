//! `sprag releases`

use std::path::Path;

use sprag_lifecycle::{now, origin};
use sprag_release::cancel;
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::release::ReleaseRecord;

use crate::args::{ReleasesArgs, ReleasesCommand};
use crate::console::{Console, DIM};
use crate::error::CommandError;
use crate::report;

/// Lists the releases, shows one with its steps, or ends one for good.
///
/// # Errors
/// There is no store or no such release, it cannot be read, or it cannot be ended.
pub fn run(args: &ReleasesArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let store = super::open_store(project)?;
    if let Some(ReleasesCommand::Cancel { release, reason, json }) = &args.command {
        let by = origin(&super::project_dir(project)?).by;
        let record = cancel(&store, release, (&by, reason, &now()))?;
        if *json {
            console.json(&record);
        } else {
            report::release::summary(&record).iter().skip(1).for_each(|line| console.line(line));
        }
        return Ok(exit_code::SUCCESS);
    }
    if let Some(release) = &args.release {
        let record = store.find_release(release)?.record;
        if args.json {
            console.json(&record);
        } else {
            report::release::whole(&record).iter().for_each(|line| console.line(line));
        }
        return Ok(exit_code::SUCCESS);
    }
    let records: Vec<ReleaseRecord> = store.releases(args.limit)?.into_iter().map(|release| release.record).collect();
    if args.json {
        console.json(&records);
        return Ok(exit_code::SUCCESS);
    }
    if records.is_empty() {
        console.note("nothing has been released yet");
    }
    for record in records {
        let style = report::release::outcome_style(record.outcome);
        let (id, version, to) = (&record.id, record.version.to_string(), &record.to);
        let outcome = record.outcome.name();
        console.line(&format!("{id}  {style}{outcome:<17}{style:#} {version} to {to}  {DIM}{}{DIM:#}", record.reason));
    }
    Ok(exit_code::SUCCESS)
}

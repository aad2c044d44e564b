//! `sprag releases`

use std::path::Path;

use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::release::ReleaseRecord;

use crate::args::ReleasesArgs;
use crate::console::{Console, DIM};
use crate::error::CommandError;
use crate::report;

/// Lists the releases, or shows one with its steps.
///
/// # Errors
/// There is no store or no such release, or it cannot be read.
pub fn run(args: &ReleasesArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let store = super::open_store(project)?;
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

//! `sprag services`

use std::path::{Path, PathBuf};

use serde::Serialize;
use sprag_runtime::outside::{ServiceCondition, ServiceError, ServiceStatus, Services as _};
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_services::{Folder, LocalServices};

use crate::args::{ServicesAction, ServicesArgs};
use crate::console::{BAD, BOLD, Console, DIM, GOOD, WARN};
use crate::error::CommandError;

/// A service, as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Service<'a> {
    name: &'a str,
    condition: &'static str,
    url: &'a str,
    restarts: u32,
    /// The packages with their shares in percent.
    shares: Vec<(&'a str, u32)>,
}

/// Lists the services of the project on this machine, starts them again, or stops one.
///
/// # Errors
/// There is no project, its services cannot be looked at, or one does not get ready.
pub fn run(args: &ServicesArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let dir = super::project_dir(project)?;
    let services = of_project(&dir, &std::collections::BTreeMap::new())?;
    let runtime = super::run::tokio_runtime()?;
    match &args.action {
        None => list(&runtime.block_on(services.list()).map_err(failed)?, args.json, console),
        Some(ServicesAction::Start { name }) => {
            let all = Folder::names(&dir.join(".sprag")).map_err(|error| CommandError::user(error.to_string()))?;
            let mut problems = vec![];
            for each in name.as_ref().map_or(&all[..], std::slice::from_ref) {
                match runtime.block_on(services.start_again(each)) {
                    Ok(Some(status)) => console.note(&format!("{each} answers at {}", status.url)),
                    Ok(None) if name.is_some() => return Err(unknown(each, &all)),
                    // It was stopped meanwhile.
                    Ok(None) => {}
                    Err(error) => problems.push(error.to_string()),
                }
            }
            if !problems.is_empty() {
                return Err(CommandError::user(problems.join("\n")));
            }
        }
        Some(ServicesAction::Stop { name }) => {
            if !runtime.block_on(services.stop(name.clone())).map_err(failed)? {
                let known = runtime.block_on(services.list()).map_err(failed)?;
                return Err(unknown(name, &known.into_iter().map(|service| service.name).collect::<Vec<_>>()));
            }
            console.note(&format!("stopped {name}"));
        }
        Some(ServicesAction::Supervise { name }) => {
            let folder = Folder::of(&dir.join(".sprag"), name);
            let supervised = runtime.block_on(sprag_services::supervise(&program()?, &dir, folder));
            supervised.map_err(|error| CommandError::user(error.to_string()))?;
        }
    }
    Ok(exit_code::SUCCESS)
}

fn unknown(name: &str, known: &[String]) -> CommandError {
    let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    CommandError::user(format!("expected a service of the project ({known}), found `{name}`"))
}

/// The services of the project in a folder.
pub(super) fn of_project(
    dir: &Path,
    secrets: &std::collections::BTreeMap<String, sprag_schemas::secrets::Secret>,
) -> Result<LocalServices, CommandError> {
    let dir = dir.canonicalize().map_err(|error| CommandError::io("find", dir, &error))?;
    Ok(LocalServices::new(&program()?, &dir, &dir.join(".sprag"), secrets))
}

fn program() -> Result<PathBuf, CommandError> {
    std::env::current_exe().map_err(|error| CommandError::io("find", Path::new("the program itself"), &error))
}

fn failed(error: ServiceError) -> CommandError {
    CommandError::user(error.to_string())
}

fn list(services: &[ServiceStatus], json: bool, console: &Console) {
    let condition = |condition: ServiceCondition| match condition {
        ServiceCondition::Starting => ("starting", WARN),
        ServiceCondition::Ready => ("ready", GOOD),
        ServiceCondition::Restarting => ("restarting", WARN),
        ServiceCondition::Lost => ("lost", BAD),
    };
    if json {
        let shown = services.iter().map(|service| Service {
            name: &service.name,
            condition: condition(service.condition).0,
            url: &service.url,
            restarts: service.restarts,
            shares: service.shares.iter().map(|share| (share.package.as_str(), share.percent)).collect(),
        });
        console.json(&shown.collect::<Vec<_>>());
        return;
    }
    if services.is_empty() {
        console.note("no service of this project runs on this machine");
    }
    for service in services {
        let (word, style) = condition(service.condition);
        let packages: Vec<_> = service.shares.iter().map(|share| format!("{} {} %", share.package, share.percent)).collect();
        let restarts = if service.restarts == 0 { String::new() } else { format!("  started again {} times", service.restarts) };
        console.line(&format!(
            "{BOLD}{}{BOLD:#}  {style}{word}{style:#}  {}{restarts}  {DIM}{}{DIM:#}",
            service.name,
            service.url,
            packages.join(", ")
        ));
    }
}

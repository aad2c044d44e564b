//! Makes the environments of a stage ready.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sprag_confine::{Demand, Environment, Options, Shim, Supervisor, Wheels};
use sprag_schemas::manifest::{Confinement, Python, PythonTier};

use crate::error::PrepareError;
use crate::hermetic::{self, HermeticError};
use crate::lock;
use crate::sandbox::Sandbox;

/// The longest that one step of making an environment may take: large wheels come over slow lines.
const STEP: Duration = Duration::from_secs(1800);

/// How this program runs processes on this machine.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The program and its hidden command that confines whatever is started through it.
    pub shim: Shim,
    /// The folder of all environments, in the user's cache folder.
    pub environments: PathBuf,
    /// The folder of compiled code, there too.
    pub code: PathBuf,
}

/// The environments that a stage is granted, ready to run scripts in.
#[derive(Debug, Clone)]
pub struct Prepared(pub(crate) Arc<Ready>);

#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) environments: BTreeMap<String, ReadyEnvironment>,
    pub(crate) supervisor: Supervisor,
    pub(crate) is_network_granted: bool,
}

#[derive(Debug)]
pub(crate) enum ReadyEnvironment {
    /// Processes of this machine.
    Supervised(Box<Supervised>),
    /// WebAssembly in this process.
    Hermetic(Sandbox),
}

#[derive(Debug)]
pub(crate) struct Supervised {
    pub(crate) environment: Environment,
    pub(crate) threads: u32,
    pub(crate) demand: Demand,
}

/// Makes the environments ready, those first that are missing. It blocks; whether to go on is asked many times a second, and lines of the tools are told.
///
/// # Errors
/// An environment cannot be made, or nobody waits for it any more.
pub fn prepare(
    root: &Path,
    granted: &BTreeMap<String, Python>,
    is_network_granted: bool,
    machine: &Machine,
    tell: &dyn Fn(&str),
    cancelled: &dyn Fn() -> bool,
) -> Result<Prepared, PrepareError> {
    let mut environments = BTreeMap::new();
    for (name, settings) in granted {
        if settings.tier == PythonTier::Hermetic {
            let sandbox = hermetic(machine, tell).map_err(|source| PrepareError::Hermetic { name: name.clone(), source })?;
            environments.insert(name.clone(), ReadyEnvironment::Hermetic(sandbox));
            continue;
        }
        let failed = |source| match source {
            sprag_confine::EnvironmentError::Cancelled => PrepareError::Cancelled,
            source => PrepareError::Environment { name: name.clone(), source },
        };
        // The project was planned with it, so that it can be read; where it was changed since, it is read as it is now.
        let lock = lock::read(root, name, settings).map_err(|fault| PrepareError::Lock(Box::new(fault)))?;
        let options = Options {
            cache: machine.environments.clone(),
            python: settings.version.parse().map_err(|source| PrepareError::Version { name: name.clone(), source })?,
            wheels: settings.wheels.as_ref().map_or(Wheels::Index, |folder| Wheels::Folder(root.join(folder))),
            time: STEP,
            installer: None,
        };
        let environment = Environment::ensure(&lock, &options, tell, cancelled).map_err(failed)?;
        let demand = match settings.confinement {
            Confinement::Required => Demand::Confined,
            Confinement::BestEffort => Demand::WhatThereIs,
        };
        let supervised = Supervised { environment, threads: settings.threads, demand };
        environments.insert(name.clone(), ReadyEnvironment::Supervised(Box::new(supervised)));
    }
    let supervisor = Supervisor::new(machine.shim.clone());
    Ok(Prepared(Arc::new(Ready { environments, supervisor, is_network_granted })))
}

/// The Python of the hermetic tier, compiled where that has not happened.
fn hermetic(machine: &Machine, tell: &dyn Fn(&str)) -> Result<Sandbox, HermeticError> {
    if hermetic::folder(&machine.environments).is_dir() && !hermetic::is_compiled(&machine.code) {
        tell("compiling Python for this machine, once: this takes some minutes");
    }
    hermetic::load(&machine.environments, Some(&machine.code))
}

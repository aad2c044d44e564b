//! What a run's record says of a process.

use std::collections::BTreeMap;

use sprag_confine::{Confinement, Environment, FileSystem, Network, Outcome, Privileges, Processes};
use sprag_core::digest::Digest;
use sprag_schemas::record::{ProcessConfinement, ProcessRecord, Tier};

/// The record of a process that ran.
pub(crate) fn record(
    name: &str,
    environment: &Environment,
    script: &str,
    inputs: BTreeMap<String, String>,
    outputs: BTreeMap<String, String>,
    outcome: &Outcome,
) -> ProcessRecord {
    ProcessRecord {
        environment: name.to_owned(),
        tier: if outcome.confinement.network == Network::Granted { Tier::External } else { Tier::Supervised },
        lock: format!("sha256:{}", environment.lock()),
        python: environment.python().to_owned(),
        platform: environment.platform().to_owned(),
        script: Digest::of(script.as_bytes()).to_string(),
        inputs,
        outputs,
        ended: ended(outcome),
        confinement: confinement(outcome.confinement),
        duration_ms: outcome.wall.as_secs_f64() * 1000.0,
        peak_memory: outcome.peak_memory,
    }
}

fn ended(outcome: &Outcome) -> String {
    match outcome.limit {
        _ if outcome.was_cancelled => "cancelled".to_owned(),
        Some(limit) => format!("limit `{limit}`"),
        None => outcome.ended.to_string(),
    }
}

fn confinement(found: Confinement) -> ProcessConfinement {
    ProcessConfinement {
        file_system: match found.file_system {
            FileSystem::MountNamespace => "mount namespace".to_owned(),
            FileSystem::Landlock { abi } => format!("Landlock {abi}"),
            FileSystem::None => "none".to_owned(),
        },
        network: match found.network {
            Network::Granted => "granted".to_owned(),
            Network::Namespace => "network namespace".to_owned(),
            Network::Landlock { abi } => format!("Landlock {abi}"),
            Network::None => "none".to_owned(),
        },
        processes: match found.processes {
            Processes::PidNamespace => "process namespace",
            Processes::Subreaper => "subreaper",
            Processes::None => "none",
        }
        .to_owned(),
        privileges: match found.privileges {
            Privileges::Dropped => "dropped",
            Privileges::Kept => "kept",
        }
        .to_owned(),
    }
}

//! How runs run on this machine, for all commands that start some: `run`, `trigger` and `server`.

use std::sync::Arc;

use sprag_core::plan::PlannedStage;
use sprag_egress::{Network, Vault};
use sprag_lifecycle::{Project, Reach, RunOptions};
use sprag_runtime::outside::Outbound;

use super::{confined, run, telemetry};
use crate::console::Console;

/// The options of a run with all that this machine has.
pub(super) fn options(console: &Console) -> RunOptions {
    RunOptions {
        code_dir: run::code_dir(),
        machine: confined::machine(),
        reach: Some(Reach::new(reach)),
        ended: telemetry::ended(console),
        traceparent: telemetry::traceparent(console),
        ..RunOptions::default()
    }
}

/// The network of a stage, with the secrets that it is granted. They are read when they are needed: a run is none the worse where somebody cannot be told of it.
fn reach(project: &Project, stage: &PlannedStage) -> Result<Arc<dyn Outbound>, String> {
    let variable = |name: &str| std::env::var(name).ok();
    let names = stage.grants.secrets.iter().map(String::as_str);
    let vault = Vault::open(&project.manifest.secrets, names, &variable, &project.root)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
    let network = Network::of(&stage.name, &stage.name, &stage.grants, &vault).build();
    Ok(Arc::new(network.map_err(|error| error.to_string())?))
}

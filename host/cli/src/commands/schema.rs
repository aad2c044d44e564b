//! `sprag schema`

use sprag_schemas::approval::Approval;
use sprag_schemas::canary::Canary;
use sprag_schemas::event::Event;
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::manifest::Manifest;
use sprag_schemas::package::Package;
use sprag_schemas::policy::Policy;
use sprag_schemas::record::{ModelVersion, RunRecord};
use sprag_schemas::release::{ReleaseEvent, ReleaseRecord};
use sprag_schemas::run_event::RunEvent;
use sprag_schemas::server::OpenIdConnect;

use crate::args::{SchemaArgs, SchemaOf};
use crate::console::Console;
use crate::error::CommandError;

/// Prints a JSON Schema.
///
/// # Errors
/// None today.
pub fn run(args: &SchemaArgs, console: &Console) -> Result<ExitCode, CommandError> {
    console.json(&match args.what {
        SchemaOf::Project => schemars::schema_for!(Manifest),
        SchemaOf::Run => schemars::schema_for!(RunRecord),
        SchemaOf::Model => schemars::schema_for!(ModelVersion),
        SchemaOf::Event => schemars::schema_for!(Event),
        SchemaOf::Release => schemars::schema_for!(ReleaseRecord),
        SchemaOf::ReleaseEvent => schemars::schema_for!(ReleaseEvent),
        SchemaOf::RunEvent => schemars::schema_for!(RunEvent),
        SchemaOf::Package => schemars::schema_for!(Package),
        SchemaOf::Approval => schemars::schema_for!(Approval),
        SchemaOf::Canary => schemars::schema_for!(Canary),
        SchemaOf::Policy => schemars::schema_for!(Policy),
        SchemaOf::Oidc => schemars::schema_for!(OpenIdConnect),
    });
    Ok(exit_code::SUCCESS)
}

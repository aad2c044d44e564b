//! Enters the promoted model into the project's own registry and points an alias at the new version.
//!
//! It deliberately writes no lineage: the host records data, commit, parameters, components, run and build by itself.

use std::collections::BTreeMap;

use serde::Deserialize;
use sprag_sdk::{
    Decision, Failure, Model, Registrar, Session,
    registry::{self, RegistryError},
};

/// The parameters.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub struct Params {
    /// The alias that is pointed at the new version; an empty one leaves all aliases as they are.
    #[cfg_attr(test, schemars(regex(pattern = "^[a-z0-9-]*$")))]
    alias: String,
    /// Why the alias moves; the evaluation's reason where it is not given.
    alias_reason: Option<String>,
    /// Tags for the new version.
    tags: BTreeMap<String, String>,
}

impl Default for Params {
    fn default() -> Self {
        Self { alias: "production".to_owned(), alias_reason: None, tags: BTreeMap::new() }
    }
}

/// The plugin.
pub struct RegisterLocal;

impl Registrar for RegisterLocal {
    type Params = Params;

    fn register(session: &Session, params: Params, _candidate: &Model, decision: Decision) -> Result<u64, Failure> {
        let tags: Vec<_> = params.tags.into_iter().collect();
        let version = registry::add_version(&tags).map_err(refused)?;
        sprag_sdk::info!(session, "registered version {version}");
        if !params.alias.is_empty() {
            let reason = params.alias_reason.unwrap_or(decision.reason);
            registry::set_alias(&params.alias, version, &reason).map_err(refused)?;
            sprag_sdk::info!(session, "alias `{}` points at version {version}", params.alias);
        }
        Ok(version)
    }
}

fn refused(error: RegistryError) -> Failure {
    match error {
        RegistryError::AlreadyRegistered(version) => {
            Failure::bad_input(format!("this run registered version {version} before, and registers no second model"))
        }
        RegistryError::NoSuchVersion(version) => Failure::internal(format!("the registry lost version {version}")),
        RegistryError::BadAlias(message) => {
            Failure::bad_params(format!("expected lower-case letters, digits and hyphens as alias: {message}"))
        }
        RegistryError::Io(message) => Failure::Retry(message),
    }
}

sprag_sdk::registrar!(RegisterLocal);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_committed() {
        let derived = schemars::schema_for!(Params).to_value();
        sprag_sdk::testing::check_params_schema(env!("CARGO_MANIFEST_DIR"), <RegisterLocal as sprag_sdk::Plugin>::JSON, &derived);
    }

    #[test]
    fn a_second_model_of_a_run_is_refused_with_the_first() {
        let failure = refused(RegistryError::AlreadyRegistered(3));
        assert_eq!(failure.message(), "this run registered version 3 before, and registers no second model");
    }
}

//! Enters a promoted model into the project's registry, tagged, and points an alias at it.

use serde::Deserialize;
use sprag_sdk::registry::{self, RegistryError};
use sprag_sdk::{Decision, Failure, Model, Registrar, Session};

/// The parameters. `params.schema.json` says the same to sprag.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// The alias that is pointed at the new version.
    alias: String,
    /// The team that answers for the model, as a tag.
    team: Option<String>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            alias: "production".to_owned(),
            team: None,
        }
    }
}

/// The plugin.
pub struct Register;

impl Registrar for Register {
    type Params = Params;

    fn register(
        session: &Session,
        params: Params,
        candidate: &Model,
        decision: Decision,
    ) -> Result<u64, Failure> {
        let inputs: Vec<_> = candidate
            .inputs()?
            .into_iter()
            .map(|field| field.name)
            .collect();
        let version = registry::add_version(&tags(&params, &inputs, &decision)).map_err(refused)?;
        registry::set_alias(&params.alias, version, &decision.reason).map_err(refused)?;
        sprag_sdk::info!(session, "version {version} is `{}`", params.alias);
        Ok(version)
    }
}

/// What a person looks for among versions. Sprag records data, commit, parameters and components by itself.
fn tags(params: &Params, inputs: &[String], decision: &Decision) -> Vec<(String, String)> {
    let team = params
        .team
        .iter()
        .map(|team| ("team".to_owned(), team.clone()));
    let facts = [
        ("inputs".to_owned(), inputs.join(" ")),
        ("reason".to_owned(), decision.reason.clone()),
    ];
    team.chain(facts).collect()
}

/// Says what the registry had against it.
fn refused(error: RegistryError) -> Failure {
    match error {
        RegistryError::AlreadyRegistered(version) => {
            Failure::bad_input(format!("this run registered version {version} before"))
        }
        RegistryError::NoSuchVersion(version) => {
            Failure::internal(format!("the registry lost version {version}"))
        }
        RegistryError::BadAlias(message) => Failure::bad_params(message),
        RegistryError::Io(message) => Failure::Retry(message),
    }
}

sprag_sdk::registrar!(Register);

#[cfg(test)]
mod tests {
    use sprag_sdk::Outcome;

    use super::*;

    #[test]
    fn a_version_is_tagged_with_what_people_look_for() {
        let params = Params {
            team: Some("risk".to_owned()),
            ..Params::default()
        };
        let decision = Decision {
            outcome: Outcome::Promote,
            reason: "better".to_owned(),
        };
        let tags = tags(&params, &["AGE".to_owned(), "BMI".to_owned()], &decision);
        let tags: Vec<_> = tags
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            tags,
            [
                ("team", "risk"),
                ("inputs", "AGE BMI"),
                ("reason", "better")
            ]
        );
    }

    #[test]
    fn storage_that_fails_may_be_tried_again() {
        assert_eq!(
            refused(RegistryError::Io("full".to_owned())),
            Failure::Retry("full".to_owned())
        );
    }
}

//! How a service gets at the registry of its image: parameters that several plugins have.

use serde::Deserialize;

/// Access to the image's registry: with a user and a password, or with a managed identity.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case", untagged)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Registry {
    /// By user and password.
    Password(Login),
    /// By a managed identity.
    Identity(Managed),
}

/// A user of a registry.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// The name of the secret with the password.
    pub password: String,
}

/// A managed identity that may pull.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Managed {
    /// The identity's id.
    pub identity: String,
}

impl Registry {
    /// The managed identity, where it is by one.
    pub fn identity(&self) -> Option<&str> {
        match self {
            Self::Identity(managed) => Some(&managed.identity),
            Self::Password(_) => None,
        }
    }
}

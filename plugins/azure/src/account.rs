//! Where in Azure the work happens, and in whose name: the parameters that all Azure plugins have.

use serde::Deserialize;
use sprag_sdk::Failure;

/// The endpoint of the public cloud.
pub const PUBLIC_ENDPOINT: &str = "https://management.azure.com";

/// A resource group of a subscription, and how to get there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Account {
    /// The subscription's id.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = r"^[A-Za-z0-9-]+$")))]
    pub subscription: String,
    /// The resource group's name.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = r"^[A-Za-z0-9_().-]{1,90}$")))]
    pub resource_group: String,
    /// The region, such as `westeurope`.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = r"^[A-Za-z0-9 ]+$")))]
    pub location: String,
    /// The name of the secret with the Azure identity.
    #[serde(default = "secret")]
    pub secret: String,
    /// The root of the Resource Manager: another one in a sovereign cloud.
    #[serde(default = "endpoint")]
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "^https?://[^/?#]+/?$")))]
    pub endpoint: String,
    /// The longest wait for everything that one call starts, in seconds. What is in progress then goes on in Azure, and the next call finds it. Keep it below
    /// the stage's own limit (`limits.time`, 10 minutes where nothing else is set), which ends the stage in the middle of a word.
    #[serde(default = "timeout_seconds")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 86_400)))]
    pub timeout_seconds: u64,
}

fn secret() -> String {
    "azure".to_owned()
}

fn endpoint() -> String {
    PUBLIC_ENDPOINT.to_owned()
}

const fn timeout_seconds() -> u64 {
    570
}

impl Account {
    /// The resource group's id.
    ///
    /// # Errors
    ///
    /// A name has a character that Azure does not allow there.
    pub fn group(&self) -> Result<String, Failure> {
        let (subscription, group) =
            (segment("subscription", &self.subscription)?, segment("resource group", &self.resource_group)?);
        Ok(format!("/subscriptions/{subscription}/resourceGroups/{group}"))
    }

    /// The id of a resource of the group: `types` are the types with their names, from the outermost on.
    ///
    /// # Errors
    ///
    /// As of [`group`](Self::group).
    pub fn id(&self, provider: &str, types: &[(&str, &str)]) -> Result<String, Failure> {
        let mut id = format!("{}/providers/{provider}", self.group()?);
        for (kind, name) in types {
            id = format!("{id}/{kind}/{}", segment(kind, name)?);
        }
        Ok(id)
    }
}

/// A name as one part of a path: Azure's names need no escapes, and what would need one is no name.
fn segment<'a>(what: &str, name: &'a str) -> Result<&'a str, Failure> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '(' | ')');
    if !name.is_empty() && name.chars().all(is_plain) && name != "." && name != ".." {
        return Ok(name);
    }
    Err(Failure::bad_params(format!("expected letters, digits and `-_.()` as the name of the {what}, found `{name}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(group: &str) -> Account {
        serde_json::from_value(serde_json::json!({ "subscription": "s-1", "resource_group": group, "location": "westeurope" }))
            .unwrap()
    }

    #[test]
    fn an_id_names_the_types_in_order() {
        let id = account("rg").id("Microsoft.MachineLearningServices", &[("workspaces", "w"), ("computes", "c")]).unwrap();
        assert_eq!(
            id,
            "/subscriptions/s-1/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/w/computes/c"
        );
    }

    #[test]
    fn a_name_cannot_lead_elsewhere() {
        for name in ["", "..", ".", "a/b", "a?b", "a b", "a%2fb", "a#b"] {
            let failure = account(name).group().unwrap_err();
            assert!(failure.message().contains("as the name of the resource group"), "{name}: {failure:?}");
            assert!(account("rg").id("P", &[("t", name)]).is_err(), "{name}");
        }
    }

    #[test]
    fn what_is_not_given_is_the_public_cloud() {
        let account = account("rg");
        assert_eq!((account.endpoint.as_str(), account.secret.as_str()), (PUBLIC_ENDPOINT, "azure"));
        assert_eq!(account.timeout_seconds, 570);
    }
}

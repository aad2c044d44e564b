//! Registered models, their versions and aliases.

use serde::Deserialize;
use serde_json::{Value, json};
use sprag_sdk::http::Client;

use crate::{MlflowError, Server, Tag};

/// A version of a registered model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ModelVersion {
    /// The model's name.
    pub name: String,
    /// The version's number, which the API writes as a text.
    pub version: String,
    /// The run that it is of.
    #[serde(default)]
    pub run_id: Option<String>,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<Tag>,
}

#[derive(Deserialize)]
struct One {
    model_version: ModelVersion,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    model_versions: Vec<ModelVersion>,
    #[serde(default)]
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct Download {
    artifact_uri: String,
}

impl<C: Client> Server<'_, C> {
    /// Makes a registered model, where there is none of this name.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub fn registered_model(&self, name: &str) -> Result<(), MlflowError> {
        let made = self.post::<Value>(
            &format!("the registered model `{name}`"),
            "mlflow/registered-models/create",
            &json!({ "name": name }),
        );
        match made {
            Err(MlflowError::Refused { code, .. }) if code == "RESOURCE_ALREADY_EXISTS" => Ok(()),
            other => other.map(drop),
        }
    }

    /// The version of a model that carries a tag; none where none does.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub fn version_with(&self, model: &str, tag: &Tag) -> Result<Option<ModelVersion>, MlflowError> {
        let filter = format!("name='{}'", model.replace('\'', ""));
        let mut token = String::new();
        loop {
            let query = [("filter", filter.as_str()), ("max_results", "200"), ("page_token", token.as_str())];
            let query = if token.is_empty() { &query[..2] } else { &query[..] };
            let page: Page = self.get("the versions of the model", "mlflow/model-versions/search", query)?;
            if let Some(found) = page.model_versions.into_iter().find(|version| version.tags.contains(tag)) {
                return Ok(Some(found));
            }
            token = page.next_page_token.unwrap_or_default();
            if token.is_empty() {
                return Ok(None);
            }
        }
    }

    /// Makes a version of a registered model out of the files at `source`.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub fn add_version(&self, model: &str, source: &str, run: &str, tags: &[Tag]) -> Result<ModelVersion, MlflowError> {
        let body = json!({ "name": model, "source": source, "run_id": run, "tags": tags });
        Ok(self.post::<One>("a version of the model", "mlflow/model-versions/create", &body)?.model_version)
    }

    /// Points an alias at a version.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub fn set_alias(&self, model: &str, alias: &str, version: &str) -> Result<(), MlflowError> {
        let body = json!({ "name": model, "alias": alias, "version": version });
        self.post::<Value>(&format!("the alias `{alias}`"), "mlflow/registered-models/alias", &body).map(drop)
    }

    /// The version that an alias points at.
    ///
    /// # Errors
    ///
    /// There is no such model or alias.
    pub fn version_by_alias(&self, model: &str, alias: &str) -> Result<ModelVersion, MlflowError> {
        let query = [("name", model), ("alias", alias)];
        let what = format!("`{model}` by the alias `{alias}`");
        Ok(self.get::<One>(&what, "mlflow/registered-models/alias", &query)?.model_version)
    }

    /// The version of this number.
    ///
    /// # Errors
    ///
    /// There is no such model or version.
    pub fn version(&self, model: &str, version: &str) -> Result<ModelVersion, MlflowError> {
        let query = [("name", model), ("version", version)];
        Ok(self.get::<One>(&format!("`{model}` version {version}"), "mlflow/model-versions/get", &query)?.model_version)
    }

    /// Where the files of a version are.
    ///
    /// # Errors
    ///
    /// There is no such version.
    pub fn files_of(&self, version: &ModelVersion) -> Result<String, MlflowError> {
        let query = [("name", version.name.as_str()), ("version", version.version.as_str())];
        Ok(self.get::<Download>("the files of the model", "mlflow/model-versions/get-download-uri", &query)?.artifact_uri)
    }
}

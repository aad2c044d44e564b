//! What the deploy plugins say of a service in Azure's own terms: names, and the tags by which they know their own work.

use serde_json::{Map, Value, json};
use sprag_sdk::Failure;
use sprag_sdk::stage::deploy::{Release, Service};

/// The tags of what sprag made.
const MODEL: &str = "sprag-model";
const ENVIRONMENT: &str = "sprag-environment";
const PACKAGE: &str = "sprag-package";
const DIGEST: &str = "sprag-model-digest";
const VERSION: &str = "sprag-version";
const REVISION: &str = "sprag-revision";

/// Whose something in Azure is: a service of sprag's, by its tags.
#[derive(Debug, Clone, Copy)]
pub struct Mark<'a> {
    /// The service.
    pub service: &'a Service,
    /// A word that the user changes to have secrets put in again, which cannot be compared.
    pub revision: Option<&'a str>,
}

impl Mark<'_> {
    /// The tags of what belongs to the service, whatever release it runs.
    pub fn tags(&self) -> Map<String, Value> {
        let mut tags = Map::new();
        tags.insert(MODEL.to_owned(), json!(self.service.model));
        tags.insert(ENVIRONMENT.to_owned(), json!(self.service.environment));
        tags.extend(self.revision.map(|revision| (REVISION.to_owned(), json!(revision))));
        tags
    }

    /// The tags of what runs one release.
    pub fn tags_of(&self, release: &Release) -> Map<String, Value> {
        let mut tags = self.tags();
        tags.insert(PACKAGE.to_owned(), json!(release.package));
        tags.insert(DIGEST.to_owned(), json!(release.model_digest));
        tags.insert(VERSION.to_owned(), json!(release.version.to_string()));
        tags
    }

    /// Holds what was found against the mark: nothing of another service, or of another maker, is touched.
    ///
    /// # Errors
    ///
    /// It is not this service's.
    pub fn check(&self, subject: &str, found: &Value) -> Result<(), Failure> {
        let tag = |name: &str| found.pointer(&format!("/tags/{name}")).and_then(Value::as_str);
        let Service { model, environment, .. } = self.service;
        if tag(MODEL) == Some(model) && tag(ENVIRONMENT) == Some(environment) {
            return Ok(());
        }
        let owner = match (tag(MODEL), tag(ENVIRONMENT)) {
            (Some(model), Some(environment)) => format!("the model `{model}` in the environment `{environment}`"),
            _ => "something that sprag did not make".to_owned(),
        };
        Err(Failure::bad_params(format!(
            "expected {subject} to be of the model `{model}` in the environment `{environment}`, found {owner}: give another name, or remove it first"
        )))
    }

    /// The package that something runs, by its tags.
    pub fn package(found: &Value) -> Option<String> {
        found.pointer(&format!("/tags/{PACKAGE}")).and_then(Value::as_str).map(str::to_owned)
    }
}

/// The member `identity` of a body: managed identities by their ids; none where there are none.
pub fn identities<'a>(ids: impl IntoIterator<Item = &'a str>) -> Option<Value> {
    let ids: Map<String, Value> = ids.into_iter().map(|id| (id.to_owned(), json!({}))).collect();
    (!ids.is_empty()).then(|| json!({ "type": "UserAssigned", "userAssignedIdentities": ids }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(model: &str) -> Service {
        Service { environment: "staging".to_owned(), model: model.to_owned(), key: None }
    }

    #[test]
    fn only_the_own_is_touched() {
        let own = service("diabetes");
        let mark = Mark { service: &own, revision: Some("2") };
        let tags = mark.tags();
        assert_eq!(tags["sprag-revision"], "2");
        assert!(mark.check("x", &json!({ "tags": tags })).is_ok());
        let other = service("churn");
        let failure = Mark { service: &other, revision: None }.check("container group x", &json!({ "tags": tags })).unwrap_err();
        assert!(failure.message().contains("found the model `diabetes` in the environment `staging`"), "{failure:?}");
        let failure = mark.check("container group x", &json!({})).unwrap_err();
        assert!(failure.message().contains("found something that sprag did not make"), "{failure:?}");
    }
}

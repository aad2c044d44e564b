//! The plan and the app as they should be: `Microsoft.Web/serverfarms`, `Microsoft.Web/sites` and `Microsoft.Web/sites/slots`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sprag_azure::{Arm, Desired, Mark, Registry, identities};
use sprag_sdk::Failure;
use sprag_sdk::stage::deploy::{Release, Service};

use crate::params::{Params, Plan};

/// The version of the interface that the bodies are written for.
pub(crate) const VERSION: &str = "2024-11-01";

/// The version of the interface of managed identities.
const IDENTITY_VERSION: &str = "2023-01-31";

/// The setting with the digest of the package that runs.
pub(crate) const PACKAGE: &str = "SPRAG_PACKAGE";

/// The longest name: with the slot's name after it, it is a part of a name in the DNS.
const LONGEST: usize = 40;

/// The app's id.
pub(crate) fn site_id(params: &Params, service: &Service) -> Result<String, Failure> {
    params.azure.id("Microsoft.Web", &[("sites", &service.resource_name(params.name.as_deref(), LONGEST))])
}

/// The plan, where it is the app's own.
pub(crate) fn plan(params: &Params, service: &Service) -> Result<Option<Desired>, Failure> {
    let Plan::Own(own) = &params.plan else { return Ok(None) };
    let name = format!("{}-plan", service.resource_name(params.name.as_deref(), LONGEST));
    let id = params.azure.id("Microsoft.Web", &[("serverfarms", &name)])?;
    let body = json!({
        "location": params.azure.location,
        "kind": "linux",
        "tags": Mark { service, revision: None }.tags(),
        "sku": { "name": own.size, "capacity": own.workers },
        // What makes a plan one for Linux.
        "properties": { "reserved": true },
    });
    Ok(Some(Desired { kind: "app service plan", id, version: VERSION, body, unread: &["kind"] }))
}

/// The app in one of its places, as it should be to run a release.
pub(crate) struct App {
    /// What stays when places are changed.
    pub(crate) fixed: Value,
    /// The configuration without settings.
    pub(crate) config: Value,
    /// Settings that all may see.
    pub(crate) plain: BTreeMap<String, String>,
    /// Settings with secrets: placeholders of their values.
    pub(crate) secret: BTreeMap<String, String>,
}

impl App {
    /// The app that runs a release.
    pub(crate) fn new(arm: &Arm<'_>, params: &Params, service: &Service, release: &Release) -> Result<Self, Failure> {
        let image = release.image_by_digest()?;
        let server = image.split('/').next().unwrap_or_default();
        let plan_id = match (&params.plan, plan(params, service)?) {
            (_, Some(own)) => own.id,
            (Plan::Existing(existing), _) => existing.id.clone(),
            (Plan::Own(_), None) => return Err(Failure::internal("an own plan has a body")),
        };
        let mut fixed = json!({
            "location": params.azure.location,
            "kind": "app,linux,container",
            "tags": Mark { service, revision: None }.tags(),
            "properties": { "serverFarmId": plan_id, "httpsOnly": true, "clientAffinityEnabled": false },
        });
        let pulls = params.registry.as_ref().and_then(Registry::identity);
        if let Some(identity) = identities(params.identities.iter().map(String::as_str).chain(pulls)) {
            fixed["identity"] = identity;
        }
        let mut config = json!({
            "linuxFxVersion": format!("DOCKER|{image}"),
            "healthCheckPath": "/healthz",
            "http20Enabled": true,
            "ftpsState": "Disabled",
            "minTlsVersion": "1.2",
            "acrUseManagedIdentityCreds": pulls.is_some(),
        });
        // Without it App Service stops an app that nobody asks; the free sizes cannot have it.
        config["alwaysOn"] = json!(true);
        if let Some(id) = pulls {
            config["acrUserManagedIdentityID"] = json!(client_id(arm, id)?);
        }
        let mut plain = params.environment.plain.clone();
        plain.extend([
            ("WEBSITES_PORT".to_owned(), params.port.to_string()),
            ("WEBSITES_ENABLE_APP_SERVICE_STORAGE".to_owned(), "false".to_owned()),
            (PACKAGE.to_owned(), release.package.clone()),
            ("SPRAG_MODEL_DIGEST".to_owned(), release.model_digest.clone()),
            ("SPRAG_VERSION".to_owned(), release.version.to_string()),
        ]);
        plain.extend(params.revision.iter().map(|revision| ("SPRAG_REVISION".to_owned(), revision.clone())));
        let mut secret = params.environment.secrets(arm, service)?;
        if let Some(Registry::Password(login)) = &params.registry {
            plain.insert("DOCKER_REGISTRY_SERVER_URL".to_owned(), format!("https://{server}"));
            plain.insert("DOCKER_REGISTRY_SERVER_USERNAME".to_owned(), login.user.clone());
            secret.insert("DOCKER_REGISTRY_SERVER_PASSWORD".to_owned(), arm.secret(&login.password)?);
        }
        Ok(Self { fixed, config, plain, secret })
    }

    /// The body of the `PUT`.
    pub(crate) fn body(&self) -> Value {
        let mut body = self.fixed.clone();
        let mut config = self.config.clone();
        let settings = self.plain.iter().chain(&self.secret);
        config["appSettings"] = settings.map(|(name, value)| json!({ "name": name, "value": value })).collect();
        body["properties"]["siteConfig"] = config;
        body
    }

    /// Where settings that were read are not these. Of those with secrets only the names are compared, and no value is told that was read.
    pub(crate) fn settings_differences(&self, found: &Map<String, Value>) -> Vec<String> {
        let mut lines = vec![];
        for (name, value) in &self.plain {
            match found.get(name).and_then(Value::as_str) {
                Some(text) if text == value => {}
                Some(_) => lines.push(format!("settings.{name}: another value -> `{value}`")),
                None => lines.push(format!("settings.{name}: nothing -> `{value}`")),
            }
        }
        lines.extend(
            self.secret
                .keys()
                .filter(|name| !found.contains_key(*name))
                .map(|name| format!("settings.{name}: nothing -> a secret")),
        );
        let unknown = |name: &&String| !self.plain.contains_key(*name) && !self.secret.contains_key(*name);
        lines.extend(found.keys().filter(unknown).map(|name| format!("settings.{name}: there -> nothing")));
        lines
    }
}

/// The id by which App Service knows an identity that pulls.
fn client_id(arm: &Arm<'_>, id: &str) -> Result<String, Failure> {
    let found = arm.get(id, IDENTITY_VERSION)?;
    let client = found.as_ref().and_then(|identity| identity.pointer("/properties/clientId")).and_then(Value::as_str);
    client.map(str::to_owned).ok_or_else(|| {
        Failure::bad_params(format!("expected `registry.identity` to be the id of a managed identity, found none at `{id}`"))
    })
}

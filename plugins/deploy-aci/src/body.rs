//! The container group as it should be: `Microsoft.ContainerInstance/containerGroups`.

use serde_json::{Value, json};
use sprag_azure::{Arm, Desired, Mark, Registry, identities};
use sprag_sdk::Failure;
use sprag_sdk::stage::deploy::{Release, Service};

use crate::params::Params;

/// The version of the interface that the bodies are written for.
pub(crate) const VERSION: &str = "2025-09-01";

/// The container's name in its group.
const CONTAINER: &str = "scorer";

/// The name that Azure gives groups at most.
const LONGEST: usize = 63;

/// The group's id.
pub(crate) fn id(params: &Params, service: &Service) -> Result<String, Failure> {
    let name = service.resource_name(params.name.as_deref(), LONGEST);
    params.azure.id("Microsoft.ContainerInstance", &[("containerGroups", &name)])
}

/// The group that runs a release.
pub(crate) fn group(arm: &Arm<'_>, params: &Params, service: &Service, release: &Release) -> Result<Desired, Failure> {
    let id = id(params, service)?;
    let image = release.image_by_digest()?;
    let mark = Mark { service, revision: params.revision.as_deref() };
    let port = json!({ "port": params.port, "protocol": "TCP" });
    let container = json!({
        "image": image,
        "ports": [port],
        "resources": { "requests": { "cpu": params.cpu, "memoryInGB": params.memory_gb } },
        "environmentVariables": variables(arm, params, service)?,
        "livenessProbe": probe(params, "/healthz", 10),
        "readinessProbe": probe(params, "/readyz", 1),
    });
    let mut properties = json!({
        "sku": "Standard",
        "osType": "Linux",
        "restartPolicy": params.restart.name(),
        "containers": [{ "name": CONTAINER, "properties": container }],
    });
    properties["ipAddress"] = match &params.subnet {
        Some(_) => json!({ "type": "Private", "ports": [port] }),
        None => {
            let label = params.dns_label.clone().unwrap_or_else(|| service.resource_name(params.name.as_deref(), LONGEST));
            json!({ "type": "Public", "ports": [port], "dnsNameLabel": label })
        }
    };
    if let Some(subnet) = &params.subnet {
        properties["subnetIds"] = json!([{ "id": subnet }]);
    }
    if let Some(registry) = &params.registry {
        let server = image.split('/').next().unwrap_or_default();
        properties["imageRegistryCredentials"] = json!([credentials(arm, registry, server)?]);
    }
    let mut body = json!({ "location": params.azure.location, "tags": mark.tags_of(release), "properties": properties });
    if let Some(identity) = identity(params) {
        body["identity"] = identity;
    }
    Ok(Desired { kind: "container group", id, version: VERSION, body, unread: &[] })
}

fn probe(params: &Params, path: &str, period: u32) -> Value {
    json!({
        "httpGet": { "path": path, "port": params.port, "scheme": "http" },
        "periodSeconds": period,
        "failureThreshold": 3,
        "timeoutSeconds": 5,
    })
}

fn variables(arm: &Arm<'_>, params: &Params, service: &Service) -> Result<Vec<Value>, Failure> {
    let secrets = params.environment.secrets(arm, service)?;
    let plain = params.environment.plain.iter().map(|(name, value)| json!({ "name": name, "value": value }));
    Ok(plain.chain(secrets.iter().map(|(name, value)| json!({ "name": name, "secureValue": value }))).collect())
}

fn credentials(arm: &Arm<'_>, registry: &Registry, server: &str) -> Result<Value, Failure> {
    Ok(match registry {
        Registry::Password(login) => {
            json!({ "server": server, "username": login.user, "password": arm.secret(&login.password)? })
        }
        Registry::Identity(managed) => json!({ "server": server, "identity": managed.identity }),
    })
}

fn identity(params: &Params) -> Option<Value> {
    let pulls = params.registry.as_ref().and_then(Registry::identity);
    identities(params.identities.iter().map(String::as_str).chain(pulls))
}

/// The places of a group that cannot be changed: it is made again. See
/// <https://learn.microsoft.com/azure/container-instances/container-instances-update#properties-that-require-container-delete>.
pub(crate) fn needs_another_group(differences: &[String]) -> bool {
    const FIXED: [&str; 6] = [
        "location:",
        "properties.osType",
        "properties.restartPolicy",
        "properties.sku",
        "properties.ipAddress",
        "properties.subnetIds",
    ];
    differences.iter().any(|line| FIXED.iter().any(|place| line.starts_with(place)) || line.contains(".resources.requests."))
}

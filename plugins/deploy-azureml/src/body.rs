//! Endpoint, deployment and environment as they should be: `Microsoft.MachineLearningServices/workspaces`.

use std::collections::BTreeMap;

use serde_json::json;
use sprag_azure::{Desired, Mark, identities};
use sprag_sdk::Failure;
use sprag_sdk::stage::deploy::{Release, Service, short_digest};

use crate::params::Params;

/// The version of the interface that the bodies are written for.
pub(crate) const VERSION: &str = "2025-06-01";

/// The provider.
pub(crate) const PROVIDER: &str = "Microsoft.MachineLearningServices";

/// The tag of an endpoint with the deployment that answered before, which is kept.
pub(crate) const PREVIOUS: &str = "sprag-previous";

/// The longest name of an endpoint.
const LONGEST: usize = 32;

/// How many digits of a digest stand in a name.
const DIGITS: usize = 12;

/// Shares of the requests, by deployment.
pub(crate) type Traffic = BTreeMap<String, u32>;

/// The id of something in the workspace.
pub(crate) fn id(params: &Params, types: &[(&str, &str)]) -> Result<String, Failure> {
    let all: Vec<_> = [("workspaces", params.workspace.as_str())].into_iter().chain(types.iter().copied()).collect();
    params.azure.id(PROVIDER, &all)
}

/// The endpoint's id.
pub(crate) fn endpoint_id(params: &Params, service: &Service) -> Result<String, Failure> {
    let name = service.resource_name(params.name.as_deref(), LONGEST);
    id(params, &[("onlineEndpoints", &name)])
}

/// The name of a release's deployment: another package is another deployment.
pub(crate) fn deployment_name(release: &Release) -> String {
    format!("v{}-{}", release.version, short_digest(&release.package, DIGITS))
}

/// A name as the workspace takes it for a model or an environment.
pub(crate) fn asset_name(model: &str) -> String {
    model.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' }).collect()
}

/// The environment: the image by its digest, and where in it requests and probes go.
pub(crate) fn environment(params: &Params, service: &Service, release: &Release) -> Result<Desired, Failure> {
    let image = release.image_by_digest()?;
    let digest = image.rsplit(':').next().unwrap_or_default();
    // What is in the environment is its name: a version cannot be changed once it is there.
    let version = format!("{}-{}", short_digest(digest, DIGITS), params.port);
    let name = format!("sprag-{}", asset_name(&service.model));
    let route = |path: &str| json!({ "path": path, "port": params.port });
    let body = json!({
        "properties": {
            "image": image,
            "osType": "Linux",
            "inferenceConfig": {
                "livenessRoute": route("/healthz"),
                "readinessRoute": route("/readyz"),
                "scoringRoute": route("/score"),
            },
            "tags": { "sprag-model": service.model, "sprag-model-digest": release.model_digest },
        },
    });
    let id = id(params, &[("environments", &name), ("versions", &version)])?;
    // Another package can have the same image.
    Ok(Desired { kind: "environment", id, version: VERSION, body, unread: &["properties.tags"] })
}

/// The endpoint with its traffic. `key` is the placeholder of the bearer key; it is taken when the endpoint is made, and given back to nobody.
pub(crate) fn endpoint(
    params: &Params,
    service: &Service,
    key: &str,
    traffic: &Traffic,
    previous: Option<&str>,
) -> Result<Desired, Failure> {
    let mut tags = Mark { service, revision: params.revision.as_deref() }.tags();
    tags.extend(previous.map(|previous| (PREVIOUS.to_owned(), json!(previous))));
    let identity =
        identities(params.identities.iter().map(String::as_str)).unwrap_or_else(|| json!({ "type": "SystemAssigned" }));
    let body = json!({
        "location": params.azure.location,
        "kind": "Managed",
        "identity": identity,
        "tags": tags,
        "properties": {
            "authMode": "Key",
            "publicNetworkAccess": "Enabled",
            "keys": { "primaryKey": key, "secondaryKey": key },
            "traffic": traffic,
        },
    });
    let unread = &["kind", "properties.keys"];
    Ok(Desired { kind: "online endpoint", id: endpoint_id(params, service)?, version: VERSION, body, unread })
}

/// The deployment of a release, in an environment and with a model of the workspace.
pub(crate) fn deployment(
    params: &Params,
    service: &Service,
    release: &Release,
    environment: &str,
    model: Option<&str>,
) -> Result<Desired, Failure> {
    let probe = |period: &str, failures: u32| json!({ "initialDelay": "PT1S", "period": period, "timeout": "PT5S", "successThreshold": 1, "failureThreshold": failures });
    let mut body = json!({
        "location": params.azure.location,
        "kind": "Managed",
        "sku": { "name": "Default", "capacity": params.instances },
        "tags": Mark { service, revision: None }.tags_of(release),
        "properties": {
            "endpointComputeType": "Managed",
            "environmentId": environment,
            "environmentVariables": params.environment,
            "instanceType": params.instance_type,
            "appInsightsEnabled": params.insights,
            "livenessProbe": probe("PT10S", 30),
            "readinessProbe": probe("PT1S", 30),
            "requestSettings": {
                "requestTimeout": format!("PT{}S", params.request_seconds),
                "maxConcurrentRequestsPerInstance": params.concurrent_requests,
            },
            "scaleSettings": { "scaleType": "Default" },
        },
    });
    if let Some(model) = model {
        body["properties"]["model"] = json!(model);
    }
    let id = format!("{}/deployments/{}", endpoint_id(params, service)?, deployment_name(release));
    Ok(Desired { kind: "online deployment", id, version: VERSION, body, unread: &["kind"] })
}

//! What is provisioned, as it should be, in the order in which one stands on the other.

use serde_json::{Value, json};
use sprag_azure::Desired;
use sprag_sdk::Failure;

use crate::params::{Compute, Environment, Params};

/// The version of the interface of each provider that the bodies are written for.
const GROUP: &str = "2024-03-01";
const STORAGE: &str = "2025-01-01";
const VAULT: &str = "2023-07-01";
const LOGS: &str = "2023-09-01";
const INSIGHTS: &str = "2020-02-02";
const REGISTRY: &str = "2025-04-01";
const MACHINE_LEARNING: &str = "2025-06-01";

/// A resource, and what of it can be changed once it is there.
pub(crate) struct Part {
    /// As it should be.
    pub(crate) desired: Desired,
    /// The members of the body that a `PATCH` may have. What is not among them Azure does not change, or sprag does not for it.
    pub(crate) changeable: &'static [&'static str],
}

/// All parts. The tenant is that of the subscription.
pub(crate) fn all(params: &Params, tenant: &str) -> Result<Vec<Part>, Failure> {
    let usual = |given: &Option<String>, end: &str| given.clone().unwrap_or_else(|| format!("{}{end}", params.base));
    let names = &params.names;
    let id = |provider: &str, kind: &str, name: &str| params.azure.id(provider, &[(kind, name)]);
    let storage = id("Microsoft.Storage", "storageAccounts", &usual(&names.storage, "storage"))?;
    let vault = id("Microsoft.KeyVault", "vaults", &usual(&names.vault, "-vault"))?;
    let logs = id("Microsoft.OperationalInsights", "workspaces", &usual(&names.logs, "-logs"))?;
    let insights = id("Microsoft.Insights", "components", &usual(&names.insights, "-insights"))?;
    let registry = id("Microsoft.ContainerRegistry", "registries", &usual(&names.registry, "registry"))?;
    let name = usual(&names.workspace, "-workspace");
    let workspace = id("Microsoft.MachineLearningServices", "workspaces", &name)?;
    let placed = |body: Value| placed(params, body);
    let mut parts = vec![
        part("resource group", params.azure.group()?, GROUP, placed(json!({})), &["/tags"]),
        part(
            "storage account",
            storage.clone(),
            STORAGE,
            placed(json!({
                "kind": "StorageV2",
                "sku": { "name": params.storage },
                "properties": {
                    "minimumTlsVersion": "TLS1_2",
                    "supportsHttpsTrafficOnly": true,
                    "allowBlobPublicAccess": false,
                },
            })),
            &["/tags", "/sku", "/properties"],
        ),
        part(
            "key vault",
            vault.clone(),
            VAULT,
            placed(json!({
                "properties": {
                    "tenantId": tenant,
                    "sku": { "family": "A", "name": "standard" },
                    "enableRbacAuthorization": true,
                },
            })),
            &["/tags", "/properties"],
        ),
        part(
            "log analytics workspace",
            logs.clone(),
            LOGS,
            placed(json!({ "properties": { "sku": { "name": "PerGB2018" }, "retentionInDays": 30 } })),
            &["/tags", "/properties"],
        ),
        part(
            "application insights",
            insights.clone(),
            INSIGHTS,
            placed(json!({ "kind": "web", "properties": { "Application_Type": "web", "WorkspaceResourceId": logs } })),
            &["/tags"],
        ),
        part(
            "container registry",
            registry.clone(),
            REGISTRY,
            // Its administrator's password would be one more secret for all: identities pull and push.
            placed(json!({ "sku": { "name": params.registry.name() }, "properties": { "adminUserEnabled": false } })),
            &["/tags", "/sku", "/properties"],
        ),
        part(
            "machine learning workspace",
            workspace,
            MACHINE_LEARNING,
            placed(json!({
                "identity": { "type": "SystemAssigned" },
                "properties": {
                    "friendlyName": name,
                    "storageAccount": storage,
                    "keyVault": vault,
                    "applicationInsights": insights,
                    "containerRegistry": registry,
                },
            })),
            &["/tags", "/properties/friendlyName", "/properties/applicationInsights", "/properties/containerRegistry"],
        ),
    ];
    for (cluster, compute) in &params.compute {
        parts.push(cluster_part(params, &name, cluster, compute)?);
    }
    for (environment, given) in &params.environments {
        parts.push(environment_part(params, &name, environment, given)?);
    }
    Ok(parts)
}

fn part(kind: &'static str, id: String, version: &'static str, body: Value, changeable: &'static [&'static str]) -> Part {
    Part { desired: Desired { kind, id, version, body, unread: &[] }, changeable }
}

/// A body with region and tags.
fn placed(params: &Params, mut body: Value) -> Value {
    body["location"] = json!(params.azure.location);
    if !params.tags.is_empty() {
        body["tags"] = json!(params.tags);
    }
    body
}

fn in_workspace(params: &Params, workspace: &str, types: &[(&str, &str)]) -> Result<String, Failure> {
    let all: Vec<_> = [("workspaces", workspace)].into_iter().chain(types.iter().copied()).collect();
    params.azure.id("Microsoft.MachineLearningServices", &all)
}

fn cluster_part(params: &Params, workspace: &str, name: &str, compute: &Compute) -> Result<Part, Failure> {
    if compute.min_nodes > compute.max_nodes {
        return Err(Failure::bad_params(format!(
            "expected `compute.{name}.min_nodes` to be at most `max_nodes`, found {} and {}",
            compute.min_nodes, compute.max_nodes
        )));
    }
    let mut inner = json!({
        "vmSize": compute.size,
        "vmPriority": compute.priority.name(),
        "scaleSettings": {
            "minNodeCount": compute.min_nodes,
            "maxNodeCount": compute.max_nodes,
            "nodeIdleTimeBeforeScaleDown": format!("PT{}S", compute.idle_seconds),
        },
    });
    if let Some(subnet) = &compute.subnet {
        inner["subnet"] = json!({ "id": subnet });
    }
    let body = placed(params, json!({ "properties": { "computeType": "AmlCompute", "properties": inner } }));
    let id = in_workspace(params, workspace, &[("computes", name)])?;
    Ok(part("compute cluster", id, MACHINE_LEARNING, body, &["/properties/properties/scaleSettings"]))
}

fn environment_part(params: &Params, workspace: &str, name: &str, environment: &Environment) -> Result<Part, Failure> {
    let mut properties = json!({ "image": environment.image, "osType": "Linux" });
    if let Some(conda) = &environment.conda_file {
        properties["condaFile"] = json!(conda);
    }
    let id = in_workspace(params, workspace, &[("environments", name), ("versions", &environment.version)])?;
    Ok(part("environment", id, MACHINE_LEARNING, json!({ "properties": properties }), &[]))
}

//! `Microsoft.MachineLearningServices`: <https://learn.microsoft.com/rest/api/azureml>.

use serde_json::{Value, json};

use super::{Course, Draft, Kind, PLAIN, default, show_identity};
use crate::azure::{Azure, Health, Resource, missing};
use crate::message::{Refusal, Response, refuse};
use crate::path::{self, Id, Place};
use crate::schemas::Schema;

const FILE: &str = "2025-06-01_Microsoft.MachineLearningServices.json";
const VERSIONS: &[&str] = &["2024-10-01", "2025-06-01"];

const OURS: Kind = Kind { versions: VERSIONS, busy: "OperationInProgress", ..PLAIN };

const fn schema(name: &'static str) -> Option<Schema> {
    Some(Schema { file: FILE, name })
}

pub(crate) static WORKSPACE: Kind = Kind {
    key: "microsoft.machinelearningservices/workspaces",
    shown: "Microsoft.MachineLearningServices/workspaces",
    schema: schema("workspaces"),
    course: Course::Location,
    refuse: refuse_workspace,
    fill: |_, draft| {
        show_identity(&mut draft.document);
        let location = draft.document["location"].clone();
        let properties = &mut draft.document["properties"];
        default(properties, "publicNetworkAccess", json!("Enabled"));
        default(properties, "hbiWorkspace", json!(false));
        default(properties, "v1LegacyMode", json!(false));
        properties["workspaceId"] = json!("88888888-0000-0000-0000-000000000000");
        properties["discoveryUrl"] = json!(format!("https://{}.api.azureml.ms/discovery", location.as_str().unwrap_or_default()));
    },
    ..OURS
};

pub(crate) static COMPUTE: Kind = Kind {
    key: "microsoft.machinelearningservices/workspaces/computes",
    shown: "Microsoft.MachineLearningServices/workspaces/computes",
    schema: schema("workspaces_computes"),
    course: Course::Operation,
    refuse: refuse_compute,
    fill: |_, draft| {
        show_identity(&mut draft.document);
        let inner = &mut draft.document["properties"]["properties"];
        default(inner, "osType", json!("Linux"));
        default(inner, "vmPriority", json!("Dedicated"));
        default(inner, "remoteLoginPortPublicAccess", json!("NotSpecified"));
        inner["allocationState"] = json!("Steady");
        inner["currentNodeCount"] = inner["scaleSettings"]["minNodeCount"].clone();
    },
    keep: |_, _, request| match request.parameter("underlyingResourceAction").as_deref() {
        Some("Delete" | "Detach") => Ok(()),
        _ => refuse(400, "UserError", "The query parameter 'underlyingResourceAction' is required."),
    },
    ..OURS
};

pub(crate) static MODEL_VERSION: Kind = Kind {
    key: "microsoft.machinelearningservices/workspaces/models/versions",
    shown: "Microsoft.MachineLearningServices/workspaces/models/versions",
    schema: schema("workspaces_models_versions"),
    needs_location: false,
    makes_parent: true,
    refuse: |azure, id, body, before| {
        check_workspace(azure, id)?;
        if body["properties"]["modelUri"].as_str().is_none_or(str::is_empty) {
            return refuse(400, "UserError", "The modelUri of a model is required.");
        }
        check_fixed(id, body, before, &["modelUri", "modelType"])
    },
    ..OURS
};

pub(crate) static ENVIRONMENT_VERSION: Kind = Kind {
    key: "microsoft.machinelearningservices/workspaces/environments/versions",
    shown: "Microsoft.MachineLearningServices/workspaces/environments/versions",
    schema: schema("workspaces_environments_versions"),
    needs_location: false,
    makes_parent: true,
    refuse: |azure, id, body, before| {
        check_workspace(azure, id)?;
        check_fixed(id, body, before, &["image", "condaFile", "inferenceConfig"])
    },
    fill: |_, draft| {
        let properties = &mut draft.document["properties"];
        default(properties, "osType", json!("Linux"));
        default(properties, "isAnonymous", json!(false));
        properties["environmentType"] = json!("UserCreated");
    },
    ..OURS
};

pub(crate) static ENDPOINT: Kind = Kind {
    key: "microsoft.machinelearningservices/workspaces/onlineendpoints",
    shown: "Microsoft.MachineLearningServices/workspaces/onlineEndpoints",
    schema: schema("workspaces_onlineEndpoints"),
    course: Course::Operation,
    refuse: refuse_endpoint,
    fill: |id, draft| {
        show_identity(&mut draft.document);
        let location = draft.document["location"].as_str().unwrap_or_default().replace(' ', "");
        keep_keys(draft);
        let properties = &mut draft.document["properties"];
        default(properties, "traffic", json!({}));
        default(properties, "publicNetworkAccess", json!("Enabled"));
        properties["scoringUri"] = json!(format!("https://{}.{location}.inference.ml.azure.com/score", id.name()));
    },
    ..OURS
};

pub(crate) static DEPLOYMENT: Kind = Kind {
    key: "microsoft.machinelearningservices/workspaces/onlineendpoints/deployments",
    shown: "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments",
    schema: schema("workspaces_onlineEndpoints_deployments"),
    course: Course::Operation,
    refuse: refuse_deployment,
    fill: |_, draft| {
        default(&mut draft.document["properties"], "egressPublicNetworkAccess", json!("Enabled"));
    },
    failure: deployment_failure,
    keep: |azure, id, _| {
        let share = azure.resources.get(&id.parent().to_ascii_lowercase());
        let share = share.map_or(0, |endpoint| endpoint.document["properties"]["traffic"][id.name()].as_i64().unwrap_or(0));
        match share {
            0 => Ok(()),
            share => refuse(
                400,
                "UserError",
                format!("The deployment '{}' gets {share} % of the traffic and cannot be deleted.", id.name()),
            ),
        }
    },
    ..OURS
};

pub(crate) static DATASTORE: Kind = Kind {
    key: "microsoft.machinelearningservices/workspaces/datastores",
    shown: "Microsoft.MachineLearningServices/workspaces/datastores",
    schema: schema("workspaces_datastores"),
    has_state: false,
    needs_location: false,
    ..OURS
};

fn user_error<T>(message: String) -> Result<T, Refusal> {
    refuse(400, "UserError", message)
}

fn check_workspace(azure: &Azure, id: &Id) -> Result<(), Refusal> {
    let workspace = id.text.split('/').take(9).collect::<Vec<_>>().join("/").to_ascii_lowercase();
    if azure.resources.contains_key(&workspace) {
        return Ok(());
    }
    refuse(404, "ParentResourceNotFound", format!("There is no '{workspace}'."))
}

/// A version of an asset is what it was made as.
fn check_fixed(id: &Id, body: &Value, before: Option<&Value>, names: &[&str]) -> Result<(), Refusal> {
    let Some(before) = before else { return Ok(()) };
    let changed = names.iter().find(|name| {
        body["properties"].get(**name).unwrap_or(&Value::Null) != before["properties"].get(**name).unwrap_or(&Value::Null)
    });
    match changed {
        None => Ok(()),
        Some(name) => {
            user_error(format!("The version '{}' is registered with another '{name}', which cannot be changed.", id.name()))
        }
    }
}

fn refuse_workspace(azure: &Azure, _: &Id, body: &Value, before: Option<&Value>) -> Result<(), Refusal> {
    let properties = &body["properties"];
    for name in ["storageAccount", "keyVault", "applicationInsights", "containerRegistry"] {
        let part = properties[name].as_str();
        if part.is_none() && matches!(name, "storageAccount" | "keyVault") {
            return refuse(400, "ValidationError", format!("Missing dependent resources in workspace json: {name}."));
        }
        if let Some(part) = part.filter(|part| !azure.resources.contains_key(&part.to_ascii_lowercase())) {
            return refuse(400, "ValidationError", format!("The dependent resource '{part}' of the workspace was not found."));
        }
        let was = before.map(|before| before["properties"][name].as_str().unwrap_or_default().to_ascii_lowercase());
        if matches!(name, "storageAccount" | "keyVault") && was.is_some_and(|was| Some(was) != part.map(str::to_ascii_lowercase))
        {
            return refuse(400, "ValidationError", format!("Updating '{name}' of a workspace is not supported."));
        }
    }
    if body["identity"]["type"].as_str().is_none() {
        return refuse(400, "ValidationError", "The identity of a workspace is required.");
    }
    Ok(())
}

fn refuse_compute(_: &Azure, id: &Id, body: &Value, before: Option<&Value>) -> Result<(), Refusal> {
    let inner = &body["properties"]["properties"];
    let (least, most) =
        (inner["scaleSettings"]["minNodeCount"].as_i64().unwrap_or(0), inner["scaleSettings"]["maxNodeCount"].as_i64());
    if most.is_none_or(|most| most < least) {
        return user_error("The maximum number of nodes is less than the minimum.".to_owned());
    }
    let Some(before) = before else { return Ok(()) };
    let was = &before["properties"]["properties"];
    for name in ["vmSize", "vmPriority", "subnet"] {
        if inner.get(name).is_some_and(|value| *value != was[name]) {
            return user_error(format!("The property '{name}' of the compute '{}' cannot be updated.", id.name()));
        }
    }
    Ok(())
}

fn refuse_endpoint(azure: &Azure, id: &Id, body: &Value, before: Option<&Value>) -> Result<(), Refusal> {
    if body["identity"]["type"].as_str().is_none() {
        return user_error("The identity of an endpoint is required.".to_owned());
    }
    if before.is_some_and(|before| before["properties"]["authMode"] != body["properties"]["authMode"]) {
        return user_error("The authentication mode of an endpoint cannot be changed.".to_owned());
    }
    let mut sum = 0;
    for (name, share) in body["properties"]["traffic"].as_object().into_iter().flatten() {
        let share = share.as_i64().unwrap_or(-1);
        let key = format!("{}/deployments/{name}", id.key()).to_ascii_lowercase();
        let state = azure.resources.get(&key).map(|resource| resource.document["properties"]["provisioningState"].clone());
        if share > 0 && state != Some(json!("Succeeded")) {
            return user_error(format!("The traffic names the deployment '{name}', which is not ready."));
        }
        sum += share;
    }
    if sum == 0 || sum == 100 { Ok(()) } else { user_error(format!("The traffic must add up to 0 or 100, and is {sum}.")) }
}

fn refuse_deployment(azure: &Azure, _: &Id, body: &Value, _: Option<&Value>) -> Result<(), Refusal> {
    let properties = &body["properties"];
    let environment = properties["environmentId"].as_str().unwrap_or_default().to_ascii_lowercase();
    if !azure.resources.contains_key(&environment) {
        return user_error(format!("The environment '{environment}' was not found."));
    }
    if let Some(model) = properties["model"].as_str()
        && !azure.resources.contains_key(&model.to_ascii_lowercase())
    {
        return user_error(format!("The model '{model}' was not found."));
    }
    if body["sku"]["capacity"].as_i64().is_none_or(|count| count < 1) || properties["instanceType"].as_str().is_none() {
        return user_error("The instance type and the number of instances of a deployment are required.".to_owned());
    }
    Ok(())
}

/// Deployments carry their image's name in a tag of the environment alone, so that the name of the deployment decides here.
fn deployment_failure(document: &Value, health: &Health) -> Option<(String, String)> {
    let name = document["name"].as_str().unwrap_or_default();
    let environment = document["properties"]["environmentId"].as_str().unwrap_or_default();
    let crashes = health.crashes(name) || health.crashes(environment);
    crashes.then(|| {
        ("ResourceNotReady".to_owned(), "User container has crashed or terminated. Please see troubleshooting guide.".to_owned())
    })
}

/// Keys are taken when an endpoint is made, and never shown.
fn keep_keys(draft: &mut Draft) {
    let keys = draft.document["properties"]["keys"].take();
    if draft.hidden.is_null() {
        draft.hidden = json!({ "keys": if keys.is_object() { keys } else { json!({ "primaryKey": "emulated-key", "secondaryKey": "emulated-key" }) } });
    }
    draft.document["properties"]["keys"] = Value::Null;
}

/// The action `regenerateKeys`.
pub(crate) fn regenerate(azure: &mut Azure, id: &Id, body: &Value) -> Result<Response, Refusal> {
    let Some(endpoint) = azure.resources.get_mut(&id.key()) else { return missing(id) };
    let place = match body["keyType"].as_str() {
        Some("Primary") => "primaryKey",
        Some("Secondary") => "secondaryKey",
        _ => return user_error("The key's type must be 'Primary' or 'Secondary'.".to_owned()),
    };
    endpoint.hidden["keys"][place] = if body["keyValue"].is_string() { body["keyValue"].clone() } else { json!("emulated-key") };
    Ok(Response::empty(202))
}

/// The blob store that a workspace has from its beginning.
pub(crate) fn add_store(azure: &mut Azure, key: &str) {
    let Some(workspace) = azure.resources.get(key).filter(|resource| resource.kind.key == WORKSPACE.key) else { return };
    let account = workspace.document["properties"]["storageAccount"].as_str().unwrap_or_default();
    let account = account.rsplit('/').next().unwrap_or_default().to_owned();
    let Place::Resource(id) = path::parse(&format!("{}/datastores/workspaceblobstore", workspace.id.text)) else { return };
    let document = json!({
        "id": id.text, "name": id.name(), "type": DATASTORE.shown,
        "properties": {
            "datastoreType": "AzureBlob", "accountName": account, "containerName": "azureml-blobstore-88888888",
            "endpoint": "core.windows.net", "protocol": "https", "isDefault": true,
        },
    });
    azure.resources.insert(id.key(), Resource { id, kind: &DATASTORE, document, hidden: Value::Null });
}

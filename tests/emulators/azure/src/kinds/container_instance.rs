//! `Microsoft.ContainerInstance`: <https://learn.microsoft.com/rest/api/container-instances/container-groups>.

use serde_json::{Value, json};

use super::{Course, Draft, Kind, PLAIN, default, show_identity};
use crate::azure::{Azure, Health};
use crate::message::{Refusal, refuse};
use crate::path::Id;
use crate::schemas::Schema;

pub(crate) static CONTAINER_GROUP: Kind = Kind {
    key: "microsoft.containerinstance/containergroups",
    shown: "Microsoft.ContainerInstance/containerGroups",
    versions: &["2023-05-01", "2024-05-01-preview", "2024-11-01-preview", "2025-09-01"],
    schema: Some(Schema { file: "2025-09-01_Microsoft.ContainerInstance.json", name: "containerGroups" }),
    course: Course::Operation,
    busy: "ContainerGroupTransitioning",
    refuse: refuse_group,
    fill,
    done,
    ..PLAIN
};

/// The members of a group that only another group can have: see
/// <https://learn.microsoft.com/azure/container-instances/container-instances-update#properties-that-require-container-delete>.
const FIXED: [&str; 4] = ["osType", "restartPolicy", "sku", "subnetIds"];

fn refuse_group(azure: &Azure, id: &Id, body: &Value, before: Option<&Value>) -> Result<(), Refusal> {
    let properties = &body["properties"];
    if let Some(label) = properties["ipAddress"]["dnsNameLabel"].as_str() {
        let taken = azure.resources.values().any(|other| {
            other.id.key() != id.key() && other.document["properties"]["ipAddress"]["dnsNameLabel"].as_str() == Some(label)
        });
        if taken {
            let message =
                format!("The DNS name label '{label}' in the region is not available. Please try using a different label.");
            return refuse(400, "DnsNameLabelNotAvailable", message);
        }
    }
    for container in properties["containers"].as_array().into_iter().flatten() {
        let image = container["properties"]["image"].as_str().unwrap_or_default();
        if azure.health.is_missing(image) {
            let message = format!(
                "The image '{image}' in container group '{}' is not accessible. Please check the image and registry credential.",
                id.name()
            );
            return refuse(400, "InaccessibleImage", message);
        }
    }
    let Some(before) = before else { return Ok(()) };
    let changed = |name: &&&str| properties.get(**name).is_some_and(|new| *new != before["properties"][**name]);
    let requests = |group: &Value| {
        let containers = group["properties"]["containers"].as_array().into_iter().flatten();
        containers.map(|container| container["properties"]["resources"].clone()).collect::<Vec<_>>()
    };
    let names = FIXED.iter().filter(changed).map(|name| (*name).to_owned());
    let resources = (requests(body) != requests(before)).then(|| "containers.resources".to_owned());
    let names: Vec<_> = names.chain(resources).collect();
    if names.is_empty() {
        return Ok(());
    }
    let message = format!(
        "The updates on container group '{}' are invalid. If you are going to update the os type, restart policy, network profile, CPU, memory or GPU resources for a container group, you must delete it first and then create a new one ({}).",
        id.name(),
        names.join(", ")
    );
    refuse(400, "InvalidContainerGroupUpdate", message)
}

fn fill(_: &Id, draft: &mut Draft) {
    let document = &mut draft.document;
    show_identity(document);
    let location = document["location"].as_str().unwrap_or_default().replace(' ', "").to_ascii_lowercase();
    let properties = &mut document["properties"];
    default(properties, "sku", json!("Standard"));
    default(properties, "restartPolicy", json!("Always"));
    if properties["ipAddress"].is_object() {
        let address = &mut properties["ipAddress"];
        address["ip"] = json!("20.0.0.7");
        if let Some(label) = address["dnsNameLabel"].as_str() {
            address["fqdn"] = json!(format!("{label}.{location}.azurecontainer.io"));
        }
    }
    for login in properties["imageRegistryCredentials"].as_array_mut().into_iter().flatten() {
        login.as_object_mut().map(|login| login.remove("password"));
    }
    for container in properties["containers"].as_array_mut().into_iter().flatten() {
        for variable in container["properties"]["environmentVariables"].as_array_mut().into_iter().flatten() {
            variable.as_object_mut().map(|variable| variable.remove("secureValue"));
        }
        container["properties"]["instanceView"] =
            json!({ "restartCount": 0, "currentState": { "state": "Waiting", "detailStatus": "" }, "events": [] });
    }
    properties["instanceView"] = json!({ "events": [], "state": "Pending" });
}

fn done(group: &mut Value, well: bool, health: &Health) {
    let mut state = if well { "Running" } else { "Failed" };
    for container in group["properties"]["containers"].as_array_mut().into_iter().flatten() {
        let image = container["properties"]["image"].as_str().unwrap_or_default().to_owned();
        let view = &mut container["properties"]["instanceView"];
        if !well {
            continue;
        }
        if health.crashes(&image) {
            state = "Failed";
            *view = json!({
                "restartCount": 4,
                "currentState": { "state": "Waiting", "detailStatus": "CrashLoopBackOff", "exitCode": 1 },
                "events": [{ "count": 4, "name": "Killing", "message": "Killing container with id 0.", "type": "Normal" }],
            });
        } else {
            view["currentState"] = json!({ "state": "Running", "startTime": "2026-01-01T00:01:00Z", "detailStatus": "" });
        }
    }
    group["properties"]["instanceView"]["state"] = json!(state);
}

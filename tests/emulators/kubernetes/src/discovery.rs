//! What the server says of itself: versions, groups, resources, and as much of its OpenAPI document as clients look at before they write.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::resource::{RESOURCES, Resource};

/// The document of a path.
pub(crate) fn document(path: &str) -> Option<Value> {
    Some(match path.trim_end_matches('/') {
        "/version" => json!({ "major": "1", "minor": "33", "gitVersion": "v1.33.0", "platform": "linux/amd64" }),
        "/api" => json!({ "kind": "APIVersions", "versions": ["v1"] }),
        "/apis" => {
            let listed: Vec<_> = groups().into_iter().map(|(group, version)| group_of(group, version)).collect();
            json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": listed })
        }
        "/openapi/v3" => {
            let mut paths = json!({ "api/v1": { "serverRelativeURL": "/openapi/v3/api/v1" } });
            for (group, version) in groups() {
                let at = format!("apis/{group}/{version}");
                paths[&at] = json!({ "serverRelativeURL": format!("/openapi/v3/{at}") });
            }
            json!({ "paths": paths })
        }
        "/api/v1" => resources("", "v1"),
        path => match path.strip_prefix("/openapi/v3/") {
            Some("api/v1") => open_api("", "v1"),
            Some(at) => {
                let (group, version) = at.strip_prefix("apis/")?.split_once('/')?;
                groups().contains(&(group, version)).then(|| open_api(group, version))?
            }
            None => {
                let rest = path.strip_prefix("/apis/")?;
                match rest.split_once('/') {
                    Some((group, version)) => groups().contains(&(group, version)).then(|| resources(group, version))?,
                    None => {
                        groups().into_iter().find(|(group, _)| *group == rest).map(|(group, version)| group_of(group, version))?
                    }
                }
            }
        },
    })
}

fn groups() -> BTreeSet<(&'static str, &'static str)> {
    RESOURCES.iter().filter(|resource| !resource.group.is_empty()).map(|resource| (resource.group, resource.version)).collect()
}

fn group_of(group: &str, version: &str) -> Value {
    let version = json!({ "groupVersion": format!("{group}/{version}"), "version": version });
    json!({ "kind": "APIGroup", "apiVersion": "v1", "name": group, "versions": [version], "preferredVersion": version })
}

fn resources(group: &str, version: &str) -> Value {
    let verbs = json!(["create", "delete", "get", "list", "patch", "update", "watch"]);
    let mut listed = vec![];
    for resource in of_group(group, version) {
        listed.push(json!({
            "name": resource.plural, "singularName": resource.kind.to_lowercase(), "namespaced": resource.is_namespaced,
            "kind": resource.kind, "verbs": verbs, "shortNames": resource.short, "categories": ["all"],
        }));
        for subresource in resource.subresources {
            listed.push(json!({
                "name": format!("{}/{subresource}", resource.plural), "singularName": "", "namespaced": resource.is_namespaced,
                "group": "autoscaling", "version": "v1", "kind": "Scale", "verbs": ["get", "patch", "update"],
            }));
        }
    }
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": listed })
}

fn of_group(group: &str, version: &str) -> impl Iterator<Item = &'static Resource> {
    let wanted = (group.to_owned(), version.to_owned());
    RESOURCES.iter().filter(move |resource| resource.group == wanted.0 && resource.version == wanted.1)
}

/// That patches take `dryRun`, `fieldValidation` and so on: clients ask before they send them.
fn open_api(group: &str, version: &str) -> Value {
    let mut paths = json!({});
    for resource in of_group(group, version) {
        let root = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        let scope = if resource.is_namespaced { "/namespaces/{namespace}" } else { "" };
        let parameters: Vec<_> = ["dryRun", "fieldManager", "fieldValidation", "force"]
            .into_iter()
            .map(|name| json!({ "name": name, "in": "query", "schema": { "type": "string", "uniqueItems": true } }))
            .collect();
        let kind = json!({ "group": group, "version": version, "kind": resource.kind });
        let patch = json!({ "x-kubernetes-action": "patch", "x-kubernetes-group-version-kind": kind, "parameters": parameters, "responses": {} });
        paths[format!("{root}{scope}/{}/{{name}}", resource.plural)] = json!({ "patch": patch });
    }
    json!({ "openapi": "3.0.0", "info": { "title": "Kubernetes", "version": "v1.33.0" }, "paths": paths, "components": { "schemas": {} } })
}

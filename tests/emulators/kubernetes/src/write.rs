//! Writes: create, update, patch, apply, scale, delete.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::ask::{Place, Request};
use crate::fields::merge;
use crate::managed::{Object, Writer};
use crate::rules;
use crate::state::State;
use crate::status::Refusal;

pub(crate) fn existing<'a>(state: &'a State, place: &Place) -> Result<&'a Object, Refusal> {
    let name = place.name.as_deref().unwrap_or_default();
    let found = state.get(place.resource.kind, &place.namespace, name);
    found.ok_or_else(|| Refusal::not_found(place.resource.plural, place.resource.group, name))
}

fn body(request: &Request) -> Result<Value, Refusal> {
    serde_json::from_slice(&request.body)
        .map_err(|error| Refusal::new(400, "BadRequest", format!("the object provided is unrecognized: {error}")))
}

/// Writes an object. Gives the status and the object as it is then, or with `dryRun` would be.
pub(crate) fn write(
    state: &mut State,
    place: &Place,
    request: &Request,
    query: &BTreeMap<String, String>,
) -> Result<(u16, Value), Refusal> {
    let dry = match query.get("dryRun").map(String::as_str) {
        None | Some("") => false,
        Some("All") => true,
        Some(other) => {
            return Err(Refusal::new(
                400,
                "BadRequest",
                format!("dryRun: Unsupported value: \"{other}\": supported values: \"All\""),
            ));
        }
    };
    let resource = place.resource;
    let given = body(request)?;
    let media = request.headers.get("content-type").map(String::as_str).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    let is_apply = request.method == "PATCH" && media.starts_with("application/apply-patch");
    let manager = query.get("fieldManager").filter(|manager| !manager.is_empty());
    if is_apply && manager.is_none() {
        let words = "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch";
        return Err(Refusal::new(422, "Invalid", words));
    }
    let agent = request.headers.get("user-agent").and_then(|agent| agent.split('/').next()).unwrap_or("unknown");
    let writer = state.writer(manager.map_or(agent, String::as_str), place.subresource.as_deref().unwrap_or_default());
    let name = place.name.clone().or_else(|| given["metadata"]["name"].as_str().map(str::to_owned)).unwrap_or_default();
    let here = Place { name: Some(name.clone()), ..place.clone() };
    let before = state.get(resource.kind, &place.namespace, &name).cloned();
    check_body(place, &name, &given, is_apply || request.method != "PATCH")?;
    if resource.is_namespaced && state.get("Namespace", "", &place.namespace).is_none() {
        return Err(Refusal::not_found("namespaces", "", &place.namespace));
    }
    if place.subresource.is_some() {
        let object = existing(state, &here)?.clone();
        return scale(state, place, object, &given, &writer, dry).map(|body| (200, body));
    }
    let (status, mut object) = match (request.method.as_str(), before.clone()) {
        ("POST", Some(_)) => {
            let message = format!("{} \"{name}\" already exists", resource.qualified());
            let details = json!({ "name": name, "group": resource.group, "kind": resource.plural });
            return Err(Refusal { details, ..Refusal::new(409, "AlreadyExists", message) });
        }
        ("POST", None) => (201, begun(place, &name, &given)),
        (_, None) if is_apply => (201, begun(place, &name, &given)),
        (_, None) => return Err(Refusal::not_found(resource.plural, resource.group, &name)),
        (_, Some(object)) => (200, object),
    };
    // Whoever says which version was seen wants no other.
    let metadata = &given["metadata"];
    let differs =
        |key: &str| metadata[key].as_str().is_some_and(|seen| !seen.is_empty() && object.value["metadata"][key] != seen);
    if differs("resourceVersion") || differs("uid") {
        return Err(Refusal::modified(resource.plural, resource.group, &name));
    }
    if object.value["status"]["phase"] == "Terminating" && is_apply && before.is_none() {
        return Err(Refusal::new(409, "Conflict", "object is being deleted"));
    }
    let force = query.get("force").is_some_and(|force| force == "true");
    if is_apply {
        object.apply(&given, &writer, force)?;
        rules::fill(&mut object.value);
    } else {
        let mut new = object.value.clone();
        match (request.method.as_str(), media) {
            ("PATCH", "application/merge-patch+json") => merge_patch(&mut new, &given),
            ("PATCH", "application/strategic-merge-patch+json") => merge(&mut new, &given, true),
            ("PATCH", other) => {
                let known = "application/apply-patch+yaml, application/merge-patch+json, application/strategic-merge-patch+json";
                return Err(Refusal::new(
                    415,
                    "UnsupportedMediaType",
                    format!(
                        "the body of the request was in an unknown format - accepted media types include: {known}; found {other}"
                    ),
                ));
            }
            _ => {
                let (metadata, status) = (new["metadata"].clone(), new.get("status").cloned());
                new = given;
                for key in ["uid", "resourceVersion", "generation", "creationTimestamp", "namespace", "name"] {
                    if let Some(value) = metadata.get(key) {
                        new["metadata"][key] = value.clone();
                    }
                }
                if let Some(members) = new["metadata"].as_object_mut() {
                    members.remove("managedFields");
                }
                match status {
                    Some(status) => new["status"] = status,
                    None => {
                        new.as_object_mut().and_then(|members| members.remove("status"));
                    }
                }
            }
        }
        rules::fill(&mut new);
        object.update(new, &writer);
    }
    rules::check(resource, &object.value, before.as_ref().map(|before| &before.value))?;
    if resource.kind == "Service" && object.value["spec"].get("clusterIP").is_none() {
        let last = state.version % 250 + 2;
        object.value["spec"]["clusterIP"] = json!(format!("10.0.0.{last}"));
        object.value["spec"]["clusterIPs"] = json!([format!("10.0.0.{last}")]);
    }
    if dry {
        return Ok((status, object.shown()));
    }
    Ok((status, state.store(resource, object)))
}

/// Holds a body against the path.
fn check_body(place: &Place, name: &str, given: &Value, is_whole: bool) -> Result<(), Refusal> {
    let bad = |words: String| Err(Refusal::new(400, "BadRequest", words));
    if !is_whole || place.subresource.is_some() {
        return Ok(());
    }
    let resource = place.resource;
    if given["kind"] != resource.kind || given["apiVersion"] != resource.api_version() {
        return bad(format!(
            "{} in version {} cannot be handled as a {}",
            given["kind"].as_str().unwrap_or_default(),
            given["apiVersion"].as_str().unwrap_or_default(),
            resource.kind
        ));
    }
    let given_name = given["metadata"]["name"].as_str().unwrap_or_default();
    if given_name != name && !given_name.is_empty() {
        return bad(format!("the name of the object ({given_name}) does not match the name on the URL ({name})"));
    }
    match given["metadata"]["namespace"].as_str() {
        Some(namespace) if namespace != place.namespace => bad(format!(
            "the namespace of the provided object does not match the namespace sent on the request ({} and {namespace})",
            place.namespace
        )),
        _ => Ok(()),
    }
}

fn begun(place: &Place, name: &str, given: &Value) -> Object {
    let mut metadata = json!({ "name": name });
    if place.resource.is_namespaced {
        metadata["namespace"] = json!(place.namespace);
    }
    Object::new(json!({ "apiVersion": given["apiVersion"], "kind": given["kind"], "metadata": metadata }))
}

/// RFC 7386.
fn merge_patch(value: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *value = patch.clone();
        return;
    };
    if !value.is_object() {
        *value = json!({});
    }
    let Some(members) = value.as_object_mut() else { return };
    for (key, change) in changes {
        if change.is_null() {
            members.remove(key);
        } else {
            merge_patch(members.entry(key.clone()).or_insert(Value::Null), change);
        }
    }
}

/// A Deployment's scale.
pub(crate) fn scale_of(object: &Value) -> Value {
    let (metadata, spec) = (&object["metadata"], &object["spec"]);
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": { "name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"] },
        "spec": { "replicas": spec["replicas"] },
        "status": { "replicas": object["status"]["replicas"].as_u64().unwrap_or(0) },
    })
}

fn scale(
    state: &mut State,
    place: &Place,
    mut object: Object,
    given: &Value,
    writer: &Writer,
    dry: bool,
) -> Result<Value, Refusal> {
    let Some(replicas) = given["spec"]["replicas"].as_u64() else {
        return Err(Refusal::new(422, "Invalid", "Scale.autoscaling is invalid: spec.replicas: Required value"));
    };
    let mut new = object.value.clone();
    new["spec"]["replicas"] = json!(replicas);
    object.update(new, writer);
    let shown = if dry { object.shown() } else { state.store(place.resource, object) };
    Ok(scale_of(&shown))
}

/// Removes an object; what belongs to it follows when the controllers look.
pub(crate) fn delete(state: &mut State, place: &Place, request: &Request) -> Result<Value, Refusal> {
    let object = existing(state, place)?.value.clone();
    let name = place.name.clone().unwrap_or_default();
    let options: Value = if request.body.is_empty() { json!({}) } else { body(request)? };
    let wanted = &options["preconditions"]["uid"];
    if wanted.is_string() && *wanted != object["metadata"]["uid"] {
        let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": Precondition failed: UID in precondition: {}, UID in object meta: {uid}",
            place.resource.qualified(),
            wanted.as_str().unwrap_or_default()
        );
        return Err(Refusal::new(409, "Conflict", message));
    }
    let key = (place.resource.kind, place.namespace.clone(), name.clone());
    if place.resource.kind == "Namespace" {
        let time = state.time();
        state.change(place.resource, &key, "kube-apiserver", "", |value| {
            value["status"]["phase"] = json!("Terminating");
            value["metadata"]["deletionTimestamp"] = json!(time);
        });
        return Ok(existing(state, place)?.shown());
    }
    state.remove(&key);
    let details =
        json!({ "name": name, "group": place.resource.group, "kind": place.resource.plural, "uid": object["metadata"]["uid"] });
    Ok(json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details }))
}

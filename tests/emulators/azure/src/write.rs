//! What changes resources: `PUT`, `PATCH` and `DELETE`, and whether each ends at once.

use std::time::Duration;

use serde_json::{Value, json};

use crate::azure::{Azure, Resource, missing};
use crate::kinds::{Course, Draft, Kind};
use crate::message::{Refusal, Request, Response, refuse};
use crate::operation::{Effect, patched};
use crate::path::Id;

impl Azure {
    pub(crate) fn put(
        &mut self,
        id: &Id,
        kind: &'static Kind,
        now: Duration,
        request: &Request,
        fails: Option<(&str, &str)>,
    ) -> Result<Response, Refusal> {
        let body = json_body(request)?;
        let key = id.key();
        if id.types.len() > 1 && !kind.makes_parent && !self.resources.contains_key(&id.parent().to_ascii_lowercase()) {
            let message =
                format!("Can not perform requested operation on nested resource. Parent resource '{}' not found.", id.parent());
            return refuse(404, "ParentResourceNotFound", message);
        }
        if self.at_work(&key).is_some() {
            return busy(kind, id);
        }
        let before = self.resources.get(&key);
        check_location(kind, &body, before.map(|resource| &resource.document))?;
        if let (Some(wanted), Some(before)) = (request.header("if-match"), before)
            && wanted != "*"
            && Some(wanted) != before.document["etag"].as_str()
        {
            return refuse(412, "PreconditionFailed", "The condition 'If-Match' evaluated to false.");
        }
        self.check_schema(id, kind, &body, request)?;
        (kind.refuse)(self, id, &body, before.map(|resource| &resource.document))?;
        let is_new = before.is_none();
        let hidden = before.map_or(Value::Null, |resource| resource.hidden.clone());
        let mut draft = Draft { document: body, hidden };
        draft.document["id"] = json!(id.text);
        draft.document["name"] = json!(id.name());
        draft.document["type"] = json!(kind.shown);
        if !draft.document["properties"].is_object() {
            draft.document["properties"] = json!({});
        }
        (kind.fill)(id, &mut draft);
        let Draft { mut document, hidden } = draft;
        let error = fails.map(|(code, message)| (code.to_owned(), message.to_owned()));
        let error = error.or_else(|| (kind.failure)(&document, &self.health));
        if kind.course == Course::Done && error.is_none() {
            if kind.has_state {
                document["properties"]["provisioningState"] = json!("Succeeded");
            }
            (kind.done)(&mut document, true, &self.health);
            self.resources.insert(key, Resource { id: id.clone(), kind, document: document.clone(), hidden });
            return Ok(Response::new(if is_new && kind.has_state { 201 } else { 200 }, document));
        }
        document["properties"]["provisioningState"] = json!(if is_new { "Creating" } else { "Updating" });
        self.resources.insert(key.clone(), Resource { id: id.clone(), kind, document: document.clone(), hidden });
        let number = self.begin(key, Effect::Made, error, now);
        let status = if is_new { 201 } else { 200 };
        Ok(match kind.course {
            Course::Operation => self.later(
                Response::new(status, document).with("azure-asyncoperation", self.link(id, "operations", number, request)),
            ),
            Course::Location => {
                self.later(Response::empty(202).with("location", self.link(id, "operationResults", number, request)))
            }
            Course::State | Course::Done => Response::new(status, document),
        })
    }

    pub(crate) fn patch(&mut self, id: &Id, request: &Request) -> Result<Response, Refusal> {
        let body = json_body(request)?;
        if let Some(number) = self.at_work(&id.key()) {
            let kind = self.resources.get(&self.operations[&number].resource).map(|resource| resource.kind);
            return kind.map_or_else(|| missing(id), |kind| busy(kind, id));
        }
        let Some(resource) = self.resources.get_mut(&id.key()) else { return missing(id) };
        patched(&mut resource.document, &body);
        Ok(Response::new(200, resource.document.clone()))
    }

    pub(crate) fn delete(
        &mut self,
        id: &Id,
        now: Duration,
        request: &Request,
        fails: Option<(&str, &str)>,
    ) -> Result<Response, Refusal> {
        let key = id.key();
        let Some(resource) = self.resources.get(&key) else { return Ok(Response::empty(204)) };
        let kind = resource.kind;
        if self.at_work(&key).is_some() {
            return busy(kind, id);
        }
        (kind.keep)(self, id, request)?;
        if kind.course == Course::Done {
            let under = format!("{key}/");
            self.resources.retain(|other, _| *other != key && !other.starts_with(&under));
            crate::kinds::web::after_delete(self, id, request);
            return Ok(Response::empty(200));
        }
        if let Some(resource) = self.resources.get_mut(&key) {
            resource.document["properties"]["provisioningState"] = json!("Deleting");
        }
        let error = fails.map(|(code, message)| (code.to_owned(), message.to_owned()));
        let number = self.begin(key, Effect::Gone, error, now);
        Ok(self.later(Response::empty(202).with("location", self.link(id, "operationResults", number, request))))
    }

    /// A resource group.
    pub(crate) fn group(&mut self, id: &Id, now: Duration, request: &Request) -> Result<Response, Refusal> {
        if !id.subscription.eq_ignore_ascii_case(&self.settings.subscription) {
            return refuse(404, "SubscriptionNotFound", format!("The subscription '{}' could not be found.", id.subscription));
        }
        let key = id.key();
        let absent = format!("Resource group '{}' could not be found.", id.group);
        match request.method.as_str() {
            "GET" => match self.groups.get(&key) {
                Some(group) => Ok(Response::new(200, group.clone())),
                None => refuse(404, "ResourceGroupNotFound", absent),
            },
            "PUT" => {
                let mut group = json_body(request)?;
                let before = self.groups.get(&key);
                let location = |group: &Value| group["location"].as_str().unwrap_or_default().to_owned();
                if location(&group).is_empty() {
                    return refuse(400, "LocationRequired", "The location property is required for this definition.");
                }
                if let Some(before) = before.filter(|before| location(before) != location(&group)) {
                    let message = format!("The resource group already exists in location '{}'.", location(before));
                    return refuse(409, "InvalidResourceGroupLocation", message);
                }
                let status = if before.is_some() { 200 } else { 201 };
                group["id"] = json!(id.text);
                group["name"] = json!(id.group);
                group["type"] = json!("Microsoft.Resources/resourceGroups");
                group["properties"] = json!({ "provisioningState": "Succeeded" });
                self.groups.insert(key, group.clone());
                Ok(Response::new(status, group))
            }
            "PATCH" if self.groups.contains_key(&key) => {
                let body = json_body(request)?;
                let group = self.groups.entry(key).or_default();
                patched(group, &body);
                Ok(Response::new(200, group.clone()))
            }
            "DELETE" if self.groups.contains_key(&key) => {
                let number = self.begin(key, Effect::Gone, None, now);
                Ok(self.later(Response::empty(202).with("location", self.link(id, "operationResults", number, request))))
            }
            "DELETE" => refuse(404, "ResourceGroupNotFound", absent),
            other => refuse(405, "HttpMethodNotAllowed", format!("The method '{other}' is not allowed here.")),
        }
    }

    /// The address of an operation.
    pub(crate) fn link(&self, id: &Id, what: &str, number: u64, request: &Request) -> String {
        let provider = if id.provider.is_empty() { "Microsoft.Resources" } else { &id.provider };
        let version = request.parameter("api-version").unwrap_or_default();
        format!(
            "{}/subscriptions/{}/providers/{provider}/locations/westeurope/{what}/{number}?api-version={version}",
            self.settings.root, id.subscription
        )
    }

    /// Holds a body against the published schema of its kind, where that is for this version.
    pub(crate) fn check_schema(&self, id: &Id, kind: &Kind, body: &Value, request: &Request) -> Result<(), Refusal> {
        let (Some(schemas), Some(schema)) = (&self.schemas, kind.schema) else { return Ok(()) };
        let version = request.parameter("api-version").unwrap_or_default();
        if !schema.file.starts_with(&version) {
            return Ok(());
        }
        let mut whole = body.clone();
        whole["name"] = json!(id.name());
        whole["type"] = json!(kind.shown);
        whole["apiVersion"] = json!(version);
        let problems = schemas.problems(schema, &whole);
        if problems.is_empty() {
            return Ok(());
        }
        refuse(400, "InvalidRequestContent", format!("The request content was invalid: {}", problems.join("; ")))
    }
}

fn busy<T>(kind: &Kind, id: &Id) -> Result<T, Refusal> {
    refuse(409, kind.busy, format!("Cannot modify '{}' because another operation is in progress.", id.name()))
}

fn json_body(request: &Request) -> Result<Value, Refusal> {
    match serde_json::from_slice::<Value>(&request.body) {
        Ok(body) if body.is_object() => Ok(body),
        _ => refuse(400, "InvalidRequestContent", "The request content was invalid and could not be deserialized."),
    }
}

fn check_location(kind: &Kind, body: &Value, before: Option<&Value>) -> Result<(), Refusal> {
    if !kind.needs_location {
        return Ok(());
    }
    let plain = |value: &Value| value["location"].as_str().map(|name| name.replace(' ', "").to_ascii_lowercase());
    let Some(location) = plain(body) else {
        return refuse(400, "LocationRequired", "The location property is required for this definition.");
    };
    if before.and_then(plain).is_some_and(|before| before != location) {
        let message = "The resource already exists in another location in the same resource group.";
        return refuse(409, "InvalidResourceLocation", message);
    }
    Ok(())
}

//! Long-running operations: they go on each time somebody looks, and have their effect when they end.

use std::time::Duration;

use serde_json::{Value, json};

use crate::azure::Azure;
use crate::message::Response;

/// An operation.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    /// The resource that it is about, as its key.
    pub(crate) resource: String,
    /// How many looks find it in progress yet.
    pub(crate) looks: u32,
    /// The earliest time at which the last answer wanted to be asked again.
    pub(crate) not_before: Duration,
    pub(crate) effect: Effect,
    /// The error with which it ends: code and message.
    pub(crate) error: Option<(String, String)>,
    pub(crate) is_over: bool,
}

/// What an operation does when it ends well.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    /// The resource becomes ready.
    Made,
    /// The resource goes away, with all that is under it.
    Gone,
    /// A site's production and a slot of it change places.
    Swapped {
        /// The slot's key.
        slot: String,
    },
}

impl Azure {
    /// Begins an operation, and gives its number.
    pub(crate) fn begin(&mut self, resource: String, effect: Effect, error: Option<(String, String)>, now: Duration) -> u64 {
        let number = u64::try_from(self.operations.len()).unwrap_or(u64::MAX) + 1;
        let not_before = now + self.settings.retry_after;
        let operation = Operation { resource, looks: self.settings.looks, not_before, effect, error, is_over: false };
        self.operations.insert(number, operation);
        number
    }

    /// The operation that is at work on a resource.
    pub(crate) fn at_work(&self, key: &str) -> Option<u64> {
        let on = |operation: &Operation| {
            let swapped = matches!(&operation.effect, Effect::Swapped { slot } if slot == key);
            !operation.is_over && (operation.resource == key || swapped)
        };
        self.operations.iter().find(|(_, operation)| on(operation)).map(|(number, _)| *number)
    }

    /// One look at an operation.
    pub(crate) fn look(&mut self, number: u64, now: Duration) {
        let retry_after = self.settings.retry_after;
        let Some(operation) = self.operations.get_mut(&number).filter(|operation| !operation.is_over) else { return };
        operation.not_before = now + retry_after;
        if operation.looks > 0 {
            operation.looks -= 1;
            return;
        }
        operation.is_over = true;
        let operation = operation.clone();
        self.end(&operation);
    }

    fn end(&mut self, operation: &Operation) {
        if let Effect::Swapped { slot } = &operation.effect {
            for key in [&operation.resource, slot] {
                if let Some(resource) = self.resources.get_mut(key) {
                    resource.document["properties"]["inProgressOperationId"] = Value::Null;
                }
            }
        }
        match &operation.effect {
            Effect::Gone if operation.error.is_none() => {
                let under = format!("{}/", operation.resource);
                self.resources.retain(|key, _| *key != operation.resource && !key.starts_with(&under));
                self.groups.remove(&operation.resource);
            }
            Effect::Swapped { slot } if operation.error.is_none() => crate::kinds::web::swap(self, &operation.resource, slot),
            _ => {
                let health = self.health.clone();
                if let Some(resource) = self.resources.get_mut(&operation.resource) {
                    let state = if operation.error.is_none() { "Succeeded" } else { "Failed" };
                    if resource.document["properties"].get("provisioningState").is_some() {
                        resource.document["properties"]["provisioningState"] = json!(state);
                    }
                    (resource.kind.done)(&mut resource.document, operation.error.is_none(), &health);
                }
                crate::kinds::machine_learning::add_store(self, &operation.resource);
            }
        }
    }

    /// Counts a look at an operation's own address that comes sooner than was asked for.
    fn time(&mut self, number: u64, now: Duration) {
        let is_hasty = |operation: &Operation| !operation.is_over && now < operation.not_before;
        self.hasty += u32::from(self.operations.get(&number).is_some_and(is_hasty));
    }

    /// The document behind `Azure-AsyncOperation`.
    pub(crate) fn operation_document(&mut self, number: u64, path: &str, now: Duration) -> Response {
        self.time(number, now);
        self.look(number, now);
        let Some(operation) = self.operations.get(&number) else {
            return Response::error(404, "OperationNotFound", format!("The operation '{number}' was not found."));
        };
        let status = match (operation.is_over, &operation.error) {
            (false, _) => "InProgress",
            (true, None) => "Succeeded",
            (true, Some(_)) => "Failed",
        };
        let mut document =
            json!({ "id": path, "name": number.to_string(), "status": status, "startTime": "2026-01-01T00:00:00Z" });
        if operation.is_over {
            document["endTime"] = json!("2026-01-01T00:01:00Z");
            if let Some((code, message)) = &operation.error {
                document["error"] = json!({ "code": code, "message": message });
            }
            return Response::new(200, document);
        }
        self.later(Response::new(200, document))
    }

    /// What is behind `Location`.
    pub(crate) fn operation_result(&mut self, number: u64, target: &str, now: Duration) -> Response {
        self.time(number, now);
        self.look(number, now);
        let Some(operation) = self.operations.get(&number) else {
            return Response::error(404, "OperationNotFound", format!("The operation '{number}' was not found."));
        };
        if !operation.is_over {
            let location = format!("{}{target}", self.settings.root);
            return self.later(Response::empty(202).with("location", location));
        }
        if let Some((code, message)) = &operation.error {
            return Response::error(409, code, message.clone());
        }
        match (&operation.effect, self.resources.get(&operation.resource)) {
            (Effect::Made, Some(resource)) => Response::new(200, resource.document.clone()),
            (Effect::Swapped { .. }, _) => Response::empty(200),
            _ => Response::empty(204),
        }
    }

    /// Adds `Retry-After`.
    pub(crate) fn later(&self, response: Response) -> Response {
        response.with("retry-after", self.settings.retry_after.as_secs().to_string())
    }
}

/// Changes a document by a `PATCH` (RFC 7396), except that tags are replaced.
pub(crate) fn patched(document: &mut Value, patch: &Value) {
    merge(document, patch);
    if let Some(tags) = patch.get("tags") {
        document["tags"] = tags.clone();
    }
}

fn merge(document: &mut Value, patch: &Value) {
    let Some(changes) = patch.as_object() else {
        *document = patch.clone();
        return;
    };
    if !document.is_object() {
        *document = json!({});
    }
    for (name, change) in changes {
        merge(&mut document[name], change);
    }
}

//! Refusals, as the object `Status`: <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/>.

use serde_json::{Value, json};

/// Why a request is not carried out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    /// The HTTP status.
    pub(crate) code: u16,
    /// The word for programs.
    pub(crate) reason: &'static str,
    /// The words for people.
    pub(crate) message: String,
    /// What it is about.
    pub(crate) details: Value,
}

impl Refusal {
    /// A refusal without details.
    pub(crate) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: json!({}) }
    }

    /// There is no such object.
    pub(crate) fn not_found(resource: &str, group: &str, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", qualified(resource, group));
        Self { details: details(resource, group, name), ..Self::new(404, "NotFound", message) }
    }

    /// There is no such path.
    pub(crate) fn no_resource() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource")
    }

    /// The object was changed since it was read.
    pub(crate) fn modified(resource: &str, group: &str, name: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": the object has been modified; please apply your changes to the latest version and try again",
            qualified(resource, group)
        );
        Self { details: details(resource, group, name), ..Self::new(409, "Conflict", message) }
    }

    /// An object that cannot be: fields with what is wrong.
    pub(crate) fn invalid(kind: &str, group: &str, name: &str, causes: &[(String, String)]) -> Self {
        let told: Vec<_> = causes.iter().map(|(field, words)| format!("{field}: {words}")).collect();
        let subject = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let message = format!("{subject} \"{name}\" is invalid: {}", told.join(", "));
        let listed: Vec<_> = causes
            .iter()
            .map(|(field, words)| json!({ "reason": "FieldValueInvalid", "message": words, "field": field }))
            .collect();
        let details = json!({ "name": name, "group": group, "kind": kind, "causes": listed });
        Self { details, ..Self::new(422, "Invalid", message) }
    }

    /// The answer's body.
    pub(crate) fn body(&self) -> Value {
        json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "details": self.details,
            "code": self.code,
        })
    }
}

fn qualified(resource: &str, group: &str) -> String {
    if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") }
}

fn details(resource: &str, group: &str, name: &str) -> Value {
    let mut details = json!({ "name": name, "kind": resource });
    if !group.is_empty() {
        details["group"] = json!(group);
    }
    details
}

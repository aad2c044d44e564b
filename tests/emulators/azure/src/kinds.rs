//! The kinds of resources that are known here, and what is particular to each.

pub(crate) mod container_instance;
pub(crate) mod machine_learning;
pub(crate) mod storage;
pub(crate) mod web;
mod workspace_parts;

use serde_json::{Value, json};

use crate::azure::{Azure, Health};
use crate::message::{Refusal, Request};
use crate::path::Id;
use crate::schemas::Schema;

/// A kind of resource.
pub(crate) struct Kind {
    /// Provider and types in lower case.
    pub(crate) key: &'static str,
    /// The same as Azure writes it.
    pub(crate) shown: &'static str,
    /// The versions of the interface that are known.
    pub(crate) versions: &'static [&'static str],
    /// The published schema of its body.
    pub(crate) schema: Option<Schema>,
    /// How a `PUT` goes on.
    pub(crate) course: Course,
    /// Whether it has `properties.provisioningState`.
    pub(crate) has_state: bool,
    /// Whether it is in a region.
    pub(crate) needs_location: bool,
    /// Whether a `PUT` makes what it is under too.
    pub(crate) makes_parent: bool,
    /// The code of the answer while another operation is at work on it.
    pub(crate) busy: &'static str,
    /// What Azure refuses of a body before anything else happens.
    pub(crate) refuse: fn(&Azure, &Id, &Value, Option<&Value>) -> Result<(), Refusal>,
    /// What Azure fills in, and hides.
    pub(crate) fill: fn(&Id, &mut Draft),
    /// Why making it fails.
    pub(crate) failure: fn(&Value, &Health) -> Option<(String, String)>,
    /// What changes when it was made, well or not.
    pub(crate) done: fn(&mut Value, bool, &Health),
    /// Why it cannot be deleted.
    pub(crate) keep: fn(&Azure, &Id, &Request) -> Result<(), Refusal>,
}

/// How a `PUT` goes on after its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    /// `Azure-AsyncOperation`.
    Operation,
    /// 202 and `Location`.
    Location,
    /// Nothing but the resource's own state.
    State,
    /// It is done with the answer.
    Done,
}

/// A resource that is being put.
pub(crate) struct Draft {
    /// As a `GET` will show it.
    pub(crate) document: Value,
    /// What none will show.
    pub(crate) hidden: Value,
}

/// A kind without anything particular.
const PLAIN: Kind = Kind {
    key: "",
    shown: "",
    versions: &[],
    schema: None,
    course: Course::Done,
    has_state: true,
    needs_location: true,
    makes_parent: false,
    busy: "Conflict",
    refuse: |_, _, _, _| Ok(()),
    fill: |_, _| (),
    failure: |_, _| None,
    done: |_, _, _| (),
    keep: |_, _, _| Ok(()),
};

/// All kinds.
static KINDS: [&Kind; 17] = [
    &container_instance::CONTAINER_GROUP,
    &web::PLAN,
    &web::SITE,
    &web::SLOT,
    &machine_learning::WORKSPACE,
    &machine_learning::COMPUTE,
    &machine_learning::MODEL_VERSION,
    &machine_learning::ENVIRONMENT_VERSION,
    &machine_learning::ENDPOINT,
    &machine_learning::DEPLOYMENT,
    &machine_learning::DATASTORE,
    &storage::ACCOUNT,
    &workspace_parts::REGISTRY,
    &workspace_parts::VAULT,
    &workspace_parts::LOGS,
    &workspace_parts::INSIGHTS,
    &workspace_parts::IDENTITY,
];

/// A kind by its key.
pub(crate) fn find(key: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.key == key).copied()
}

/// Gives a member a value where it has none.
pub(crate) fn default(object: &mut Value, name: &str, value: Value) {
    if object.get(name).is_none_or(Value::is_null) {
        object[name] = value;
    }
}

/// The identity as it is shown: with ids that the directory gave.
pub(crate) fn show_identity(document: &mut Value) {
    let Some(identity) = document.get_mut("identity").filter(|identity| identity.is_object()) else { return };
    if identity["type"].as_str().is_some_and(|kind| kind.contains("SystemAssigned")) {
        identity["principalId"] = json!("11111111-0000-0000-0000-000000000000");
        identity["tenantId"] = json!("22222222-0000-0000-0000-000000000000");
    }
    if let Some(users) = identity.get_mut("userAssignedIdentities").and_then(Value::as_object_mut) {
        for user in users.values_mut() {
            *user = json!({ "principalId": "33333333-0000-0000-0000-000000000000", "clientId": "44444444-0000-0000-0000-000000000000" });
        }
    }
}

//! An object with who manages which of its fields: server-side apply and plain updates, as
//! <https://kubernetes.io/docs/reference/using-api/server-side-apply/> describes them.

use serde_json::{Value, json};

use crate::fields::{Path, Set, Step, at, leaves, merge, remove, shown, to_v1};
use crate::status::Refusal;

/// How somebody came to manage fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Apply,
    Update,
}

/// Somebody who manages fields.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Manager {
    pub(crate) name: String,
    pub(crate) operation: Operation,
    pub(crate) subresource: String,
    pub(crate) time: String,
    pub(crate) fields: Set,
}

/// Who writes, and when.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    pub(crate) name: String,
    pub(crate) subresource: String,
    pub(crate) time: String,
}

/// An object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Object {
    pub(crate) value: Value,
    pub(crate) managers: Vec<Manager>,
}

/// What nobody manages.
const UNMANAGED: [&str; 8] =
    ["name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "managedFields"];

/// The managed part of an object.
fn managed(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(members) = value.as_object_mut() {
        members.remove("apiVersion");
        members.remove("kind");
        members.remove("status");
        if let Some(metadata) = members.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.retain(|key, _| !UNMANAGED.contains(&key.as_str()));
            if metadata.is_empty() {
                members.remove("metadata");
            }
        }
    }
    value
}

/// Whether one place is within the other.
fn overlap(a: &Path, b: &Path) -> bool {
    let least = a.len().min(b.len());
    a[..least] == b[..least]
}

impl Object {
    pub(crate) fn new(value: Value) -> Self {
        Self { value, managers: vec![] }
    }

    /// The object as the server shows it.
    pub(crate) fn shown(&self) -> Value {
        let mut value = self.value.clone();
        let api_version = value["apiVersion"].clone();
        let entry = |manager: &Manager| {
            let operation = if manager.operation == Operation::Apply { "Apply" } else { "Update" };
            let mut entry = json!({
                "manager": manager.name,
                "operation": operation,
                "apiVersion": api_version,
                "time": manager.time,
                "fieldsType": "FieldsV1",
                "fieldsV1": to_v1(&manager.fields),
            });
            if !manager.subresource.is_empty() {
                entry["subresource"] = json!(manager.subresource);
            }
            entry
        };
        let entries: Vec<_> = self.managers.iter().map(entry).collect();
        if !entries.is_empty() {
            value["metadata"]["managedFields"] = json!(entries);
        }
        value
    }

    /// Server-side apply.
    pub(crate) fn apply(&mut self, config: &Value, writer: &Writer, force: bool) -> Result<(), Refusal> {
        let config = managed(config);
        let fields = leaves(&config);
        let is_own = |manager: &Manager| manager.name == writer.name && manager.operation == Operation::Apply;
        let mut causes = vec![];
        for manager in self.managers.iter_mut().filter(|manager| !is_own(manager)) {
            let live = &self.value;
            let contested: Vec<_> = manager
                .fields
                .iter()
                .filter(|path| !matches!(path.last(), Some(Step::Item(_))))
                .filter(|path| {
                    let other = fields.iter().find(|own| overlap(own, path) && !matches!(own.last(), Some(Step::Item(_))));
                    other.is_some_and(|own| at(&config, own) != at(live, own))
                })
                .cloned()
                .collect();
            if force {
                contested.iter().for_each(|path| {
                    manager.fields.remove(path);
                });
                continue;
            }
            let using = self.value["apiVersion"].as_str().unwrap_or_default();
            let within = if manager.subresource.is_empty() {
                String::new()
            } else {
                format!(" with subresource \"{}\"", manager.subresource)
            };
            let using = if manager.operation == Operation::Update { format!("{within} using {using}") } else { String::new() };
            causes.extend(contested.iter().map(|path| {
                let message = format!("conflict with \"{}\"{using}", manager.name);
                json!({ "reason": "FieldManagerConflict", "message": message, "field": shown(path) })
            }));
        }
        if !causes.is_empty() {
            let count = causes.len();
            let words: Vec<_> = causes
                .iter()
                .map(|cause| {
                    format!("{}: {}", cause["message"].as_str().unwrap_or_default(), cause["field"].as_str().unwrap_or_default())
                })
                .collect();
            let plural = if count == 1 { "conflict" } else { "conflicts" };
            let message = format!("Apply failed with {count} {plural}: {}", words.join("\n- "));
            return Err(Refusal { details: json!({ "causes": causes }), ..Refusal::new(409, "Conflict", message) });
        }
        merge(&mut self.value, &config, false);
        let before =
            self.managers.iter().find(|manager| is_own(manager)).map(|manager| manager.fields.clone()).unwrap_or_default();
        let given_up: Vec<_> = before.difference(&fields).cloned().collect();
        for path in given_up.iter().rev() {
            let others = || self.managers.iter().filter(|manager| !is_own(manager)).flat_map(|manager| &manager.fields);
            // A place that somebody else is at, or within, stays; so does what this manager still sets within.
            if !others().any(|other| other.starts_with(path)) && !fields.iter().any(|own| own.starts_with(path)) {
                remove(&mut self.value, path);
            }
        }
        self.put(writer, Operation::Apply, fields);
        Ok(())
    }

    /// Any other write: who changes a field manages it from then on.
    pub(crate) fn update(&mut self, new: Value, writer: &Writer) {
        let (before, after) = (managed(&self.value), managed(&new));
        let (old, fields) = (leaves(&before), leaves(&after));
        let changed: Set = fields.iter().filter(|path| at(&before, path) != at(&after, path)).cloned().collect();
        let gone: Vec<_> = old.difference(&fields).cloned().collect();
        for manager in &mut self.managers {
            let is_own = manager.name == writer.name
                && manager.operation == Operation::Update
                && manager.subresource == writer.subresource;
            manager.fields.retain(|path| {
                !gone.contains(path) && (is_own || !changed.contains(path) || matches!(path.last(), Some(Step::Item(_))))
            });
        }
        self.value = new;
        let is_own = |manager: &&Manager| {
            manager.name == writer.name && manager.operation == Operation::Update && manager.subresource == writer.subresource
        };
        let mut own = self.managers.iter().find(is_own).map(|manager| manager.fields.clone()).unwrap_or_default();
        if !changed.is_empty() {
            own.extend(changed);
            self.put(writer, Operation::Update, own);
        }
        self.managers.retain(|manager| !manager.fields.is_empty());
    }

    fn put(&mut self, writer: &Writer, operation: Operation, fields: Set) {
        let found = self.managers.iter_mut().find(|manager| {
            manager.name == writer.name
                && manager.operation == operation
                && (operation == Operation::Apply || manager.subresource == writer.subresource)
        });
        match found {
            Some(manager) if manager.fields == fields => {}
            Some(manager) => {
                manager.fields = fields;
                manager.time.clone_from(&writer.time);
            }
            None => {
                let Writer { name, subresource, time } = writer.clone();
                self.managers.push(Manager { name, operation, subresource, time, fields });
            }
        }
        self.managers.retain(|manager| !manager.fields.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer(name: &str) -> Writer {
        Writer { name: name.to_owned(), subresource: String::new(), time: "t".to_owned() }
    }

    fn config(image: &str, more: &Value) -> Value {
        let mut container = json!({ "name": "c", "image": image });
        merge(&mut container, more, false);
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "d" }, "spec": { "containers": [container] } })
    }

    fn applied(image: &str, more: &Value) -> Object {
        let mut object = Object::new(json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "d" } }));
        object.apply(&config(image, more), &writer("a"), false).unwrap();
        object
    }

    #[test]
    fn a_field_that_is_no_longer_applied_is_taken_away() {
        let mut object = applied("i", &json!({ "args": ["x"], "tty": true }));
        object.apply(&config("i", &json!({ "tty": true })), &writer("a"), false).unwrap();
        assert_eq!(object.value["spec"], json!({ "containers": [{ "name": "c", "image": "i", "tty": true }] }));
    }

    #[test]
    fn a_field_that_somebody_else_sets_too_stays() {
        let mut object = applied("i", &json!({ "tty": true }));
        object.apply(&config("i", &json!({ "tty": true })), &writer("b"), false).unwrap();
        object.apply(&config("i", &json!({})), &writer("a"), false).unwrap();
        assert_eq!(object.value["spec"]["containers"][0]["tty"], true);
    }

    #[test]
    fn another_value_is_a_conflict_that_force_decides() {
        let mut object = applied("i", &json!({}));
        let refusal = object.apply(&config("j", &json!({})), &writer("b"), false).unwrap_err();
        assert_eq!((refusal.code, refusal.reason), (409, "Conflict"));
        let field = ".spec.containers[name=\"c\"].image";
        assert_eq!(refusal.message, format!("Apply failed with 1 conflict: conflict with \"a\": {field}"));
        assert_eq!(refusal.details["causes"][0]["field"], field);
        object.apply(&config("j", &json!({})), &writer("b"), true).unwrap();
        assert_eq!(object.value["spec"]["containers"][0]["image"], "j");
        // The first has lost the field, and would have to force in turn.
        assert!(object.apply(&config("i", &json!({})), &writer("a"), false).is_err());
    }

    #[test]
    fn an_update_takes_what_it_changes() {
        let mut object = applied("i", &json!({}));
        let mut new = object.value.clone();
        new["spec"]["replicas"] = json!(3);
        object.update(new, &writer("scaler"));
        let managers = object.shown()["metadata"]["managedFields"].clone();
        assert_eq!(managers[1]["manager"], "scaler");
        assert_eq!(managers[1]["fieldsV1"], json!({ "f:spec": { "f:replicas": {} } }));
        assert_eq!(managers[0]["fieldsV1"]["f:spec"]["f:containers"]["k:{\"name\":\"c\"}"]["."], json!({}));
        // What the scaler set is nothing that the first applies, and stays.
        object.apply(&config("i", &json!({})), &writer("a"), false).unwrap();
        assert_eq!(object.value["spec"]["replicas"], 3);
    }

    #[test]
    fn the_same_again_changes_nothing() {
        let object = applied("i", &json!({ "args": ["x"] }));
        let mut again = object.clone();
        again.apply(&config("i", &json!({ "args": ["x"] })), &writer("a"), false).unwrap();
        assert_eq!(again, object);
    }
}

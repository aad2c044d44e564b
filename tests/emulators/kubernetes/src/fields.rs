//! Sets of fields: which places of an object somebody manages. The merge rules are those of the published types
//! (`x-kubernetes-list-type`, `x-kubernetes-list-map-keys` and `x-kubernetes-map-type` in Kubernetes' OpenAPI document).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// One step into an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Field(String),
    /// An item of a list, by its keys as JSON.
    Item(String),
}

/// A place in an object.
pub(crate) type Path = Vec<Step>;

/// Places.
pub(crate) type Set = BTreeSet<Path>;

/// By which keys the items of a list are told apart; none where the list is one value.
fn keys(path: &[Step]) -> Option<&'static [&'static str]> {
    let field = |back: usize| match path.iter().rev().filter(|step| matches!(step, Step::Field(_))).nth(back) {
        Some(Step::Field(name)) => name.as_str(),
        _ => "",
    };
    Some(match field(0) {
        "containers" | "initContainers" | "volumes" | "env" | "imagePullSecrets" => &["name"],
        "ports" if matches!(field(1), "containers" | "initContainers") => &["containerPort", "protocol"],
        "ports" => &["port", "protocol"],
        "volumeMounts" => &["mountPath"],
        "conditions" => &["type"],
        "ownerReferences" => &["uid"],
        _ => return None,
    })
}

/// Whether an object is one value: somebody manages all of it.
fn is_atomic(path: &[Step]) -> bool {
    matches!(path.last(), Some(Step::Field(name)) if matches!(name.as_str(), "selector" | "nodeSelector" | "fieldRef" | "secretKeyRef"))
}

/// The step to an item of a list.
pub(crate) fn step_of(item: &Value, keys: &[&str]) -> Step {
    let default = |key: &str| if key == "protocol" { json!("TCP") } else { Value::Null };
    let named: Map<_, _> =
        keys.iter().map(|key| ((*key).to_owned(), item.get(*key).cloned().unwrap_or_else(|| default(key)))).collect();
    Step::Item(Value::Object(named).to_string())
}

/// The places that a value sets.
pub(crate) fn leaves(value: &Value) -> Set {
    let mut set = Set::new();
    collect(value, &mut vec![], &mut set);
    set
}

fn collect(value: &Value, path: &mut Path, set: &mut Set) {
    match value {
        Value::Object(members) if !members.is_empty() && !is_atomic(path) => {
            for (key, member) in members {
                path.push(Step::Field(key.clone()));
                collect(member, path, set);
                path.pop();
            }
        }
        Value::Array(items) if !items.is_empty() && keys(path).is_some() => {
            let keys = keys(path).unwrap_or_default();
            for item in items {
                path.push(step_of(item, keys));
                set.insert(path.clone());
                collect(item, path, set);
                path.pop();
            }
        }
        _ => {
            set.insert(path.clone());
        }
    }
}

/// The value at a place.
pub(crate) fn at<'a>(value: &'a Value, path: &[Step]) -> Option<&'a Value> {
    let mut here = value;
    for (index, step) in path.iter().enumerate() {
        here = match step {
            Step::Field(name) => here.get(name)?,
            Step::Item(_) => {
                let keys = keys(&path[..index])?;
                here.as_array()?.iter().find(|item| step_of(item, keys) == *step)?
            }
        };
    }
    Some(here)
}

/// Takes the value at a place away.
pub(crate) fn remove(value: &mut Value, path: &[Step]) {
    let Some((last, parents)) = path.split_last() else { return };
    let mut here = value;
    for (index, step) in parents.iter().enumerate() {
        let next = match step {
            Step::Field(name) => here.get_mut(name),
            Step::Item(_) => {
                let keys = keys(&path[..index]).unwrap_or_default();
                here.as_array_mut().and_then(|items| items.iter_mut().find(|item| step_of(item, keys) == *step))
            }
        };
        let Some(next) = next else { return };
        here = next;
    }
    match last {
        Step::Field(name) => {
            here.as_object_mut().and_then(|members| members.remove(name));
        }
        Step::Item(_) => {
            let keys = keys(parents).unwrap_or_default();
            if let Some(items) = here.as_array_mut() {
                items.retain(|item| step_of(item, keys) != *last);
            }
        }
    }
}

/// Puts what `over` sets over `value`. With `nulls_remove` a null takes a member away, as patches have it.
pub(crate) fn merge(value: &mut Value, over: &Value, nulls_remove: bool) {
    merge_at(value, over, &mut vec![], nulls_remove);
}

fn merge_at(value: &mut Value, over: &Value, path: &mut Path, nulls_remove: bool) {
    match (&mut *value, over) {
        (Value::Object(members), Value::Object(new)) if !is_atomic(path) || nulls_remove => {
            for (key, member) in new {
                // A directive of a strategic merge patch, such as `$setElementOrder/containers`: the order of named items means nothing here.
                if key.starts_with('$') && nulls_remove {
                    continue;
                }
                if member.is_null() && nulls_remove {
                    members.remove(key);
                    continue;
                }
                path.push(Step::Field(key.clone()));
                let here = members.entry(key.clone()).or_insert(Value::Null);
                merge_at(here, member, path, nulls_remove);
                path.pop();
            }
        }
        (Value::Array(items), Value::Array(new)) if keys(path).is_some() => {
            let keys = keys(path).unwrap_or_default();
            for item in new {
                let step = step_of(item, keys);
                if item["$patch"] == "delete" && nulls_remove {
                    items.retain(|known| step_of(known, keys) != step);
                    continue;
                }
                path.push(step.clone());
                match items.iter_mut().find(|known| step_of(known, keys) == step) {
                    Some(known) => merge_at(known, item, path, nulls_remove),
                    None => items.push(item.clone()),
                }
                path.pop();
            }
        }
        _ => *value = over.clone(),
    }
}

/// A set in the form `FieldsV1`.
pub(crate) fn to_v1(set: &Set) -> Value {
    let mut root = json!({});
    for path in set {
        let mut here = &mut root;
        for step in path {
            let key = match step {
                Step::Field(name) => format!("f:{name}"),
                Step::Item(keys) => format!("k:{keys}"),
            };
            if here.get(&key).is_none() {
                here[&key] = json!({});
            }
            here = &mut here[key];
        }
        if matches!(path.last(), Some(Step::Item(_))) {
            here["."] = json!({});
        }
    }
    root
}

/// A place as a person reads it: `.spec.template.spec.containers[name="scorer"].image`.
pub(crate) fn shown(path: &[Step]) -> String {
    let step = |step: &Step| match step {
        Step::Field(name) => format!(".{name}"),
        Step::Item(keys) => {
            let keys: Value = serde_json::from_str(keys).unwrap_or_default();
            let pairs = keys.as_object().into_iter().flatten().map(|(key, value)| format!("{key}={value}"));
            format!("[{}]", pairs.collect::<Vec<_>>().join(","))
        }
    };
    path.iter().map(step).collect()
}

//! Lists and watches: which objects, and which changes of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::ask::Place;
use crate::cluster::{Cluster, Watch};
use crate::resource::Resource;
use crate::state::State;
use crate::status::Refusal;

/// What `labelSelector` and `fieldSelector` select.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    labels: Vec<Test>,
    fields: Vec<(String, String, bool)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Is(String, String),
    IsNot(String, String),
    IsIn(String, Vec<String>),
    Exists(String),
    Lacks(String),
}

impl Selector {
    pub(crate) fn of(query: &BTreeMap<String, String>) -> Result<Self, Refusal> {
        let bad = |text: &str| Refusal::new(400, "BadRequest", format!("unable to parse requirement: {text}"));
        let mut selector = Self::default();
        let labels = query.get("labelSelector").map(String::as_str).unwrap_or_default();
        for part in split(labels) {
            selector.labels.push(test(part.trim()).ok_or_else(|| bad(&part))?);
        }
        let fields = query.get("fieldSelector").map(String::as_str).unwrap_or_default();
        for part in fields.split(',').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or_else(|| bad(part))?;
            let (name, is_equal) = name.strip_suffix('!').map_or((name, true), |name| (name, false));
            selector.fields.push((name.to_owned(), value.trim_start_matches('=').to_owned(), is_equal));
        }
        Ok(selector)
    }

    pub(crate) fn selects(&self, object: &Value) -> bool {
        let label = |key: &str| object["metadata"]["labels"].get(key).and_then(Value::as_str);
        let passes = |test: &Test| match test {
            Test::Is(key, value) => label(key) == Some(value),
            Test::IsNot(key, value) => label(key) != Some(value),
            Test::IsIn(key, values) => label(key).is_some_and(|label| values.iter().any(|value| value == label)),
            Test::Exists(key) => label(key).is_some(),
            Test::Lacks(key) => label(key).is_none(),
        };
        let is_at = |(name, value, is_equal): &(String, String, bool)| {
            let found = name.split('.').try_fold(object, |here, step| here.get(step));
            (found.and_then(Value::as_str).unwrap_or_default() == value) == *is_equal
        };
        self.labels.iter().all(passes) && self.fields.iter().all(is_at)
    }
}

/// The parts of a label selector: commas within parentheses part nothing.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0_u32);
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = parts.last_mut() {
            last.push(c);
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn test(part: &str) -> Option<Test> {
    if let Some((key, values)) = part.split_once(" in ") {
        let values = values.trim().strip_prefix('(')?.strip_suffix(')')?;
        return Some(Test::IsIn(key.trim().to_owned(), values.split(',').map(|value| value.trim().to_owned()).collect()));
    }
    if let Some((key, value)) = part.split_once("!=") {
        return Some(Test::IsNot(key.trim().to_owned(), value.trim().to_owned()));
    }
    if let Some((key, value)) = part.split_once('=') {
        return Some(Test::Is(key.trim().to_owned(), value.trim_start_matches('=').trim().to_owned()));
    }
    if let Some(key) = part.strip_prefix('!') {
        return Some(Test::Lacks(key.trim().to_owned()));
    }
    (!part.contains(char::is_whitespace)).then(|| Test::Exists(part.to_owned()))
}

/// A list, in pages where a limit is given.
pub(crate) fn list(state: &State, place: &Place, query: &BTreeMap<String, String>) -> Result<Value, Refusal> {
    let selector = Selector::of(query)?;
    let resource = place.resource;
    let keys = state.keys(resource.kind).into_iter().filter(|key| place.namespace.is_empty() || key.1 == place.namespace);
    let objects = keys.filter_map(|key| state.objects.get(&key)).map(crate::managed::Object::shown);
    let all: Vec<_> = objects.filter(|object| selector.selects(object)).collect();
    let start = query.get("continue").map_or(Ok(0), |token| token.parse::<usize>());
    let start = start.map_err(|_| Refusal::new(410, "Expired", "The provided continue parameter is too old"))?;
    let limit = query.get("limit").and_then(|limit| limit.parse().ok()).filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    let end = start.saturating_add(limit).min(all.len());
    let mut metadata = json!({ "resourceVersion": state.version.to_string() });
    if end < all.len() {
        metadata["continue"] = json!(end.to_string());
        metadata["remainingItemCount"] = json!(all.len() - end);
    }
    let items: Vec<_> = all.into_iter().skip(start).take(limit).collect();
    Ok(
        json!({ "kind": format!("{}List", resource.kind), "apiVersion": resource.api_version(), "metadata": metadata, "items": items }),
    )
}

impl Cluster {
    /// The lines that a watch tells next: changes, one JSON object each.
    pub fn changes(&self, watch: &mut Watch) -> Vec<Value> {
        let state = self.lock();
        let line = |how: &str, object: &Value| json!({ "type": how, "object": object });
        let is_in = |namespace: &str| watch.namespace.is_empty() || namespace == watch.namespace;
        if watch.from == 0 {
            // Without a version to begin at, what is there comes first.
            let keys = state.keys(watch.kind).into_iter().filter(|key| is_in(&key.1));
            let objects = keys.filter_map(|key| state.objects.get(&key)).map(crate::managed::Object::shown);
            let lines = objects.filter(|object| watch.selector.selects(object)).map(|object| line("ADDED", &object)).collect();
            watch.from = state.version;
            return lines;
        }
        let newer = state.changes.iter().filter(|changed| changed.version > watch.from);
        let own = newer.filter(|changed| changed.key.0 == watch.kind && is_in(&changed.key.1));
        let lines = own
            .filter(|changed| watch.selector.selects(&changed.object))
            .map(|changed| line(changed.how, &changed.object))
            .collect();
        watch.from = state.version;
        lines
    }

    /// The last line of a watch, for who wants to go on from there.
    pub fn bookmark(&self, watch: &Watch) -> Option<Value> {
        let resource = Resource::of_kind(watch.kind).filter(|_| watch.with_bookmarks)?;
        let metadata = json!({ "resourceVersion": watch.from.to_string() });
        let object = json!({ "kind": resource.kind, "apiVersion": resource.api_version(), "metadata": metadata });
        Some(json!({ "type": "BOOKMARK", "object": object }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_select() {
        let object = json!({ "metadata": { "name": "n", "labels": { "a": "1", "b/c": "2" } }, "type": "Warning" });
        let check = |key: &str, text: &str, expected: bool| {
            let query = BTreeMap::from([(key.to_owned(), text.to_owned())]);
            assert_eq!(Selector::of(&query).unwrap().selects(&object), expected, "{text}");
        };
        for text in ["", "a=1", "a==1,b/c=2", "a in (1, 2),b/c", "a!=2", "!x"] {
            check("labelSelector", text, true);
        }
        for text in ["a=2", "x", "!a", "a in (2,3)", "a=1,b/c=3"] {
            check("labelSelector", text, false);
        }
        check("fieldSelector", "metadata.name=n,type=Warning", true);
        check("fieldSelector", "type!=Warning", false);
    }
}

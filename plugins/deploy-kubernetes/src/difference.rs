//! What would change in an object: as it is beside as a dry run says that it would be, both as the API server shows them, with all defaults.

use serde_json::Value;

/// The longest text of a value in a difference.
const LONGEST: usize = 120;

/// How many differences one line tells.
const MOST: usize = 6;

/// What the server writes by itself.
const SERVERS_OWN: [&str; 6] = ["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"];

/// Where two states of an object differ, one line for each place: `spec.replicas: 1 -> 2`.
pub(crate) fn differences(before: &Value, after: &Value) -> Vec<String> {
    let mut lines = vec![];
    walk("", Some(before), Some(after), &mut lines);
    lines
}

/// Differences in one line.
pub(crate) fn summary(lines: &[String]) -> String {
    let more = lines.len().saturating_sub(MOST);
    let told = lines.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join("; ");
    if more == 0 { told } else { format!("{told}; and {more} more") }
}

fn walk(place: &str, before: Option<&Value>, after: Option<&Value>, lines: &mut Vec<String>) {
    if before == after || place == "status" {
        return;
    }
    match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let added = new.keys().filter(|key| !old.contains_key(*key));
            for key in old.keys().chain(added) {
                if place == "metadata" && SERVERS_OWN.contains(&key.as_str()) {
                    continue;
                }
                walk(&join(place, key), old.get(key), new.get(key), lines);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) if is_named(old) && is_named(new) => {
            let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
            let find = |list: &[Value], wanted: &str| list.iter().find(|value| name(value) == wanted).cloned();
            let mut names: Vec<_> = old.iter().map(name).collect();
            names.extend(new.iter().map(name).filter(|name| find(old, name).is_none()));
            for name in names {
                walk(&format!("{place}[{name}]"), find(old, &name).as_ref(), find(new, &name).as_ref(), lines);
            }
        }
        _ => lines.push(format!("{place}: {} -> {}", shown(before), shown(after))),
    }
}

fn is_named(list: &[Value]) -> bool {
    list.iter().all(|value| value.get("name").is_some_and(Value::is_string))
}

/// A key in a path; one with dots of its own stands in quotes.
fn join(place: &str, key: &str) -> String {
    match (place.is_empty(), key.contains('.')) {
        (true, _) => key.to_owned(),
        (false, false) => format!("{place}.{key}"),
        (false, true) => format!("{place}[\"{key}\"]"),
    }
}

fn shown(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => return "nothing".to_owned(),
        Some(Value::String(text)) => format!("`{text}`"),
        Some(other) => other.to_string(),
    };
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_difference_has_its_place_and_both_values() {
        let before = json!({
            "metadata": { "resourceVersion": "1", "labels": { "a": "x", "app.kubernetes.io/version": "1" } },
            "spec": { "containers": [{ "name": "scorer", "image": "i@1" }, { "name": "gone" }], "list": [1], "replicas": 1 },
            "status": { "replicas": 1 },
        });
        let after = json!({
            "metadata": { "resourceVersion": "2", "labels": { "a": "x", "app.kubernetes.io/version": "2" } },
            "spec": { "containers": [{ "name": "new" }, { "name": "scorer", "image": "i@2" }], "list": [1, 2], "replicas": 1, "paused": true },
            "status": { "replicas": 7 },
        });
        assert_eq!(
            differences(&before, &after),
            [
                "metadata.labels[\"app.kubernetes.io/version\"]: `1` -> `2`",
                "spec.containers[scorer].image: `i@1` -> `i@2`",
                "spec.containers[gone]: {\"name\":\"gone\"} -> nothing",
                "spec.containers[new]: nothing -> {\"name\":\"new\"}",
                "spec.list: [1] -> [1,2]",
                "spec.paused: nothing -> true",
            ]
        );
        assert_eq!(differences(&before, &before), [""; 0]);
    }

    #[test]
    fn many_differences_are_counted() {
        let lines: Vec<_> = (0..8).map(|at| at.to_string()).collect();
        assert_eq!(summary(&lines), "0; 1; 2; 3; 4; 5; and 2 more");
        assert_eq!(summary(&lines[..1]), "0");
    }
}

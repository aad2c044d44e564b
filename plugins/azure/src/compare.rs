//! What differs between a resource as it should be and as it is. Azure fills in much that nobody set, and gives back no secret: only what is set here counts.

use serde_json::Value;

/// The longest text of a value in a difference.
const LONGEST: usize = 120;

/// Where `found` is not as `desired` says, one line for each place: `properties.replicas: 1 -> 2`. Places for which `is_unread` is true are not compared.
pub fn differences(desired: &Value, found: &Value, is_unread: &dyn Fn(&str, &Value) -> bool) -> Vec<String> {
    let mut lines = vec![];
    walk("", desired, Some(found), is_unread, &mut lines);
    lines
}

fn walk(place: &str, desired: &Value, found: Option<&Value>, is_unread: &dyn Fn(&str, &Value) -> bool, lines: &mut Vec<String>) {
    if is_unread(place, desired) || found.is_none_or(Value::is_null) && is_nothing(desired) {
        return;
    }
    match (desired, found) {
        (Value::Object(desired), found) => {
            for (key, value) in desired {
                let within = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
                let found = found.and_then(|found| member(found, key));
                // An identity is named by its key alone: nothing within it could differ.
                if found.is_none() && place.ends_with("userAssignedIdentities") {
                    lines.push(format!("{within}: nothing -> given"));
                }
                walk(&within, value, found, is_unread, lines);
            }
        }
        (Value::Array(wanted), Some(Value::Array(found))) if wanted.len() == found.len() => {
            for (index, value) in wanted.iter().enumerate() {
                // Azure keeps the order of some lists and sorts others: what has a name is found by it.
                let name = value.get("name");
                let named = name.and_then(|name| found.iter().find(|other| other.get("name") == Some(name)));
                let label = name.and_then(Value::as_str).map_or_else(|| index.to_string(), str::to_owned);
                walk(&format!("{place}[{label}]"), value, named.or_else(|| found.get(index)), is_unread, lines);
            }
        }
        _ => {
            if !found.is_some_and(|found| is_same(place, desired, found)) {
                lines.push(format!("{place}: {} -> {}", found.map_or_else(|| "nothing".to_owned(), shown), shown(desired)));
            }
        }
    }
}

/// A member of an object. Azure's ids are keys of some objects, and come back in other capitals.
fn member<'a>(found: &'a Value, key: &str) -> Option<&'a Value> {
    let found = found.as_object()?;
    found.get(key).or_else(|| found.iter().find(|(other, _)| other.eq_ignore_ascii_case(key)).map(|(_, value)| value))
}

/// What Azure leaves out, or gives as null, where it was set so.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

fn is_same(place: &str, desired: &Value, found: &Value) -> bool {
    match (desired, found) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::String(a), Value::String(b)) => {
            a == b
                || (a.eq_ignore_ascii_case(b) && is_caseless(place, a))
                || (place.ends_with("ocation") && region(a) == region(b))
                || seconds(a).is_some_and(|time| Some(time) == seconds(b))
        }
        _ => desired == found,
    }
}

/// Ids, and the names in enumerations, are the same in any capitals. Values that a person chose are not.
fn is_caseless(place: &str, text: &str) -> bool {
    let chosen = place.starts_with("tags.")
        || place.ends_with(".value")
        || place.contains("environmentVariables")
        || place.contains(".image");
    !chosen && (text.starts_with("/subscriptions/") || text.chars().all(|c| c.is_ascii_alphanumeric()))
}

/// `West Europe` is `westeurope`.
fn region(name: &str) -> String {
    name.chars().filter(|c| *c != ' ').map(|c| c.to_ascii_lowercase()).collect()
}

/// The seconds of a duration such as `PT5M`, `PT300S` or `P1DT2H` (ISO 8601).
fn seconds(text: &str) -> Option<f64> {
    let rest = text.strip_prefix('P')?;
    let (mut total, mut number, mut in_time, mut units) = (0.0, String::new(), false, 0);
    for c in rest.chars() {
        let scale = match (c, in_time) {
            ('T', false) if number.is_empty() => {
                in_time = true;
                continue;
            }
            ('0'..='9' | '.', _) => {
                number.push(c);
                continue;
            }
            ('D', false) => 86_400.0,
            ('H', true) => 3600.0,
            ('M', true) => 60.0,
            ('S', true) => 1.0,
            _ => return None,
        };
        total += scale * std::mem::take(&mut number).parse::<f64>().ok()?;
        units += 1;
    }
    (number.is_empty() && units > 0).then_some(total)
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => format!("`{text}`"),
        other => other.to_string(),
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

    fn check(desired: &Value, found: &Value, lines: &[&str]) {
        assert_eq!(differences(desired, found, &|place, _| place == "properties.password"), lines, "{desired} {found}");
    }

    #[test]
    fn what_azure_fills_in_is_no_difference() {
        let desired = json!({ "location": "westeurope", "properties": { "cpu": 1, "list": [{ "name": "a" }], "on": false, "password": "x" } });
        let found = json!({ "id": "/x", "location": "West Europe", "etag": "1", "properties": {
            "cpu": 1.0, "list": [{ "name": "a", "state": "Running" }], "on": null, "provisioningState": "Succeeded" } });
        check(&desired, &found, &[]);
    }

    #[test]
    fn capitals_matter_where_a_person_chose_the_text() {
        check(&json!({ "properties": { "osType": "Linux" } }), &json!({ "properties": { "osType": "LINUX" } }), &[]);
        let (desired, found) = (json!({ "plan": "/subscriptions/A/x" }), json!({ "plan": "/subscriptions/a/X" }));
        check(&desired, &found, &[]);
        check(&json!({ "tags": { "a": "X" } }), &json!({ "tags": { "a": "x" } }), &["tags.a: `x` -> `X`"]);
    }

    #[test]
    fn a_difference_has_its_place_and_both_values() {
        let found =
            json!({ "properties": { "cpu": 1, "list": [{ "name": "b", "v": 1 }, { "name": "a", "v": 1 }], "more": [1] } });
        let desired = json!({ "properties": { "cpu": 2, "list": [{ "name": "a", "v": 1 }, { "name": "b", "v": 2 }], "more": [1, 2], "new": true } });
        check(
            &desired,
            &found,
            &[
                "properties.cpu: 1 -> 2",
                "properties.list[b].v: 1 -> 2",
                "properties.more: [1] -> [1,2]",
                "properties.new: nothing -> true",
            ],
        );
    }

    #[test]
    fn an_identity_that_is_not_given_yet_is_a_difference() {
        let desired = json!({ "identity": { "userAssignedIdentities": { "/subscriptions/s/A": {} } } });
        let found = json!({ "identity": { "userAssignedIdentities": { "/subscriptions/s/a": { "clientId": "1" } } } });
        check(&desired, &found, &[]);
        let line = "identity.userAssignedIdentities./subscriptions/s/A: nothing -> given";
        check(&desired, &json!({ "identity": { "userAssignedIdentities": {} } }), &[line]);
    }

    #[test]
    fn durations_are_compared_as_times() {
        let same = [("PT300S", "PT5M"), ("PT1H", "PT60M"), ("P1D", "PT24H"), ("PT0.5S", "PT0.50S")];
        for (a, b) in same {
            check(&json!({ "t": a }), &json!({ "t": b }), &[]);
        }
        check(&json!({ "t": "PT1S" }), &json!({ "t": "PT1M" }), &["t: `PT1M` -> `PT1S`"]);
        assert!(["P", "PT", "5M", "PT5", "P5M", "PX"].into_iter().all(|text| seconds(text).is_none()));
    }
}

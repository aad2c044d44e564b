//! What an approval is about: its digest, and how it differs from what stands there now.

use serde_json::Value;
use sprag_schemas::approval::Statement;

use crate::digest::Digest;
use crate::json::canonical;

/// The digest of a statement: what approvers compare, and what reports name.
pub fn statement_digest(statement: &Statement) -> Digest {
    Digest::of(canonical(&json(statement)).as_bytes())
}

/// What differs between the statement that was signed and the one that holds now, one line for each field.
pub fn changes(signed: &Statement, now: &Statement) -> Vec<String> {
    let (Value::Object(signed), Value::Object(now)) = (json(signed), json(now)) else { return vec![] };
    let differing = now.iter().filter(|(name, value)| signed.get(*name) != Some(value));
    let none = Value::Null;
    let line = |(name, value): (&String, &Value)| {
        format!("{name} changed: {} -> {}", word(signed.get(name).unwrap_or(&none)), word(value))
    };
    differing.map(line).collect()
}

fn json(statement: &Statement) -> Value {
    serde_json::to_value(statement).expect("a statement is a struct of texts, which JSON can always hold")
}

/// A field's value for a person.
fn word(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(word).collect::<Vec<_>>().join(", "),
        Value::Object(map) => match (map.get("name"), map.get("version")) {
            (Some(name), Some(version)) => format!("{}@{}", word(name), word(version)),
            _ => value.to_string(),
        },
        other => other.to_string(),
    }
}

//! JSON in one canonical form, so that equal values give equal bytes.

use serde_json::Value;

/// Writes `value` with the keys of every object sorted and no space between tokens.
///
/// Numbers keep the form that serde_json gives them: integers as digits, floats in the shortest form that reads back the same.
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(map) => {
            // Sorted here because whether serde_json's map keeps insertion order depends on a feature that any dependency may turn on.
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            text.push('{');
            for (i, (key, item)) in entries.into_iter().enumerate() {
                if i > 0 {
                    text.push(',');
                }
                *text += &Value::String(key.clone()).to_string();
                text.push(':');
                write(item, text);
            }
            text.push('}');
        }
        scalar => *text += &scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_order_and_space_do_not_matter() {
        let a: Value = serde_json::from_str(r#"{"b": [1, 2.5, {"y":null,"x":true}], "a": "\"q\""}"#).unwrap();
        assert_eq!(canonical(&a), r#"{"a":"\"q\"","b":[1,2.5,{"x":true,"y":null}]}"#);
    }
}

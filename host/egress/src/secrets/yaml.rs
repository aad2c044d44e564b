//! YAML as the values of JSON, which is all that a kubeconfig uses of it.

use serde_json::{Map, Number, Value};
use yaml_rust2::{Yaml, YamlLoader};

/// The first document of a text.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let documents = YamlLoader::load_from_str(text).map_err(|error| error.to_string())?;
    Ok(documents.first().map_or(Value::Null, value))
}

fn value(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Real(text) => {
            text.parse().ok().and_then(Number::from_f64).map_or_else(|| Value::String(text.clone()), Value::Number)
        }
        Yaml::Integer(number) => Value::Number((*number).into()),
        Yaml::String(text) => Value::String(text.clone()),
        Yaml::Boolean(truth) => Value::Bool(*truth),
        Yaml::Array(items) => Value::Array(items.iter().map(value).collect()),
        Yaml::Hash(entries) => {
            let entries = entries.iter().filter_map(|(key, inner)| Some((key.as_str()?.to_owned(), value(inner))));
            Value::Object(entries.collect::<Map<_, _>>())
        }
        Yaml::Alias(_) | Yaml::Null | Yaml::BadValue => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_and_json_read_alike() {
        let yaml = "a: 1\nb:\n- x\n- {c: true, d: null}\n";
        let json = r#"{"a": 1, "b": ["x", {"c": true, "d": null}]}"#;
        assert_eq!(parse(yaml), parse(json));
        assert_eq!(parse(yaml).unwrap(), serde_json::from_str::<Value>(json).unwrap());
        assert!(parse("a: [").is_err());
    }
}

//! Checks a stage's parameters against its plugin's JSON Schema.

use serde_json::{Map, Value};

/// One way in which parameters do not fit their schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamError {
    /// Where, as the keys from the parameters' root; empty for the parameters as a whole.
    pub path: Vec<String>,
    /// What was expected and what was found.
    pub message: String,
}

/// Checks parameters against a schema (JSON Schema 2020-12).
///
/// # Errors
/// Every mismatch, or one that says that the schema itself is wrong.
pub fn check(schema: &Value, params: &Map<String, Value>) -> Result<(), Vec<ParamError>> {
    let whole = |message: String| vec![ParamError { path: vec![], message }];
    let validator = jsonschema::validator_for(schema)
        .map_err(|error| whole(format!("the plugin's parameter schema is not a JSON Schema: {error}")))?;
    let known = || {
        let properties = schema.get("properties").and_then(Value::as_object);
        let names: Vec<_> = properties.into_iter().flatten().map(|(name, _)| format!("`{name}`")).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    let instance = Value::Object(params.clone());
    let errors: Vec<_> = validator
        .iter_errors(&instance)
        .map(|error| {
            let path = error.instance_path().to_string();
            let path: Vec<_> = path.split('/').skip(1).map(|key| key.replace("~1", "/").replace("~0", "~")).collect();
            let mut message = error.to_string();
            if path.is_empty() && message.starts_with("Additional properties") {
                message = format!("{message}; the known parameters are {}", known());
            }
            ParamError { path, message }
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn errors(params: Value) -> Vec<(String, String)> {
        let schema = json!({
            "type": "object", "additionalProperties": false,
            "properties": { "alpha": { "type": "number", "minimum": 0 }, "fit-intercept": { "type": "boolean" } },
        });
        let Value::Object(params) = params else { unreachable!() };
        let errors = check(&schema, &params).err().unwrap_or_default();
        errors.into_iter().map(|error| (error.path.join("."), error.message)).collect()
    }

    #[test]
    fn good_parameters_pass() {
        assert_eq!(errors(json!({ "alpha": 0.5 })), []);
    }

    #[test]
    fn each_mismatch_says_where_and_what() {
        let (path, message) = &errors(json!({ "alpha": -1 }))[0];
        assert_eq!((path.as_str(), message.as_str()), ("alpha", "-1 is less than the minimum of 0"));
        let (path, message) = &errors(json!({ "alhpa": 1 }))[0];
        assert!(path.is_empty());
        assert!(
            message.contains("'alhpa'") && message.ends_with("the known parameters are `alpha`, `fit-intercept`"),
            "{message}"
        );
    }

    #[test]
    fn a_schema_that_is_none_is_said_to_be_so() {
        let error = check(&json!({ "type": 7 }), &Map::new()).unwrap_err();
        assert!(error[0].message.starts_with("the plugin's parameter schema is not a JSON Schema"), "{error:?}");
    }
}

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

/// One parameter, as a plugin's schema describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its type and range, such as `number, at least 0`.
    pub form: String,
    /// Its default as JSON; none where there is none.
    pub default: Option<String>,
    /// Whether it must be given.
    pub is_required: bool,
    /// What it means.
    pub description: String,
}

/// The parameters of a schema, by name. A schema that says less gives less.
pub fn list(schema: &Value) -> Vec<Parameter> {
    let required: Vec<_> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema["properties"].as_object().into_iter().flatten();
    let parameter = |(name, property): (&String, &Value)| Parameter {
        name: name.clone(),
        form: form(property),
        default: property.get("default").filter(|value| !value.is_null()).map(Value::to_string),
        is_required: required.contains(&name.as_str()),
        description: property["description"].as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" "),
    };
    properties.map(parameter).collect()
}

/// What is wrong with a plugin's schema: it is no JSON Schema, or not one of an object.
pub fn schema_problem(schema: &Value) -> Option<String> {
    if !schema.is_object() {
        return Some(format!("expected a JSON Schema of an object, found {}", word(schema)));
    }
    jsonschema::validator_for(schema).err().map(|error| format!("expected a JSON Schema: {error}"))
}

/// The parameters that a schema accepts, and the names of those that it does not, each for itself.
pub fn accepted(schema: &Value, params: &Map<String, Value>) -> (Map<String, Value>, Vec<String>) {
    let (mut kept, mut dropped) = (params.clone(), vec![]);
    let properties = schema.get("properties").and_then(Value::as_object);
    let is_closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
    if is_closed {
        let is_unknown = |name: &&String| properties.is_none_or(|known| !known.contains_key(*name));
        dropped.extend(params.keys().filter(is_unknown).cloned());
    }
    kept.retain(|name, _| !dropped.contains(name));
    let refused = check(schema, &kept).err().unwrap_or_default();
    let mut names: Vec<_> = refused.into_iter().filter_map(|error| error.path.into_iter().next()).collect();
    names.dedup();
    kept.retain(|name, _| !names.contains(name));
    dropped.extend(names);
    dropped.sort();
    dropped.dedup();
    (kept, dropped)
}

/// What a JSON value is, in a word.
const fn word(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The form of a value in words: its type, the texts that it may be, its range.
fn form(property: &Value) -> String {
    let mut words = match &property["type"] {
        Value::String(one) => one.clone(),
        Value::Array(some) => {
            some.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect::<Vec<_>>().join(" or ")
        }
        _ => "any".to_owned(),
    };
    if let Some(choices) = property["enum"].as_array() {
        words = choices.iter().map(Value::to_string).collect::<Vec<_>>().join(" or ");
    } else if property.get("$ref").or_else(|| property.get("allOf")).is_some() {
        "as the schema says".clone_into(&mut words);
    } else if words == "array"
        && let Some(items) = property["items"]["type"].as_str()
    {
        words = format!("list of {items}");
    }
    for (key, phrase) in
        [("minimum", "at least"), ("exclusiveMinimum", "above"), ("maximum", "at most"), ("exclusiveMaximum", "below")]
    {
        if let Some(bound) = property.get(key) {
            words = format!("{words}, {phrase} {bound}");
        }
    }
    words
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

    #[test]
    fn a_schema_is_told_in_words() {
        let schema = json!({
            "type": "object", "required": ["rows"],
            "properties": {
                "alpha": { "type": "number", "minimum": 0, "default": 1.0, "description": "The  strength\nof it." },
                "names": { "type": "array", "items": { "type": "string" } },
                "rows": { "type": ["integer", "null"], "exclusiveMinimum": 0, "maximum": 9 },
            },
        });
        let told: Vec<_> = list(&schema).into_iter().map(|one| (one.name, one.form, one.default, one.is_required)).collect();
        let row = |name: &str, form: &str, default: Option<&str>, is_required| {
            (name.to_owned(), form.to_owned(), default.map(str::to_owned), is_required)
        };
        assert_eq!(
            told,
            [
                row("alpha", "number, at least 0", Some("1.0"), false),
                row("names", "list of string", None, false),
                row("rows", "integer, above 0, at most 9", None, true),
            ]
        );
        assert_eq!(list(&schema)[0].description, "The strength of it.");
    }

    #[test]
    fn what_another_schema_accepts_is_kept() {
        let schema = json!({
            "type": "object", "additionalProperties": false,
            "properties": { "alpha": { "type": "number" }, "rows": { "type": "integer", "minimum": 1 } },
        });
        let Value::Object(params) = json!({ "alpha": 0.5, "rows": 0, "tags": {} }) else { unreachable!() };
        let (kept, dropped) = accepted(&schema, &params);
        assert_eq!(Value::Object(kept), json!({ "alpha": 0.5 }));
        assert_eq!(dropped, ["rows", "tags"]);
    }

    #[test]
    fn a_schema_must_be_one_of_an_object() {
        assert_eq!(schema_problem(&json!({ "type": "object" })), None);
        assert_eq!(schema_problem(&json!("{}")).unwrap(), "expected a JSON Schema of an object, found a text");
        assert!(schema_problem(&json!({ "type": 7 })).unwrap().starts_with("expected a JSON Schema: "));
    }
}

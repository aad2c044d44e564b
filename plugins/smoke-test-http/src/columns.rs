//! The columns that a service says it has, in its OpenAPI document, against those of the model.

use serde_json::Value;
use sprag_sdk::{Field, Finding};

use crate::grid::json_type;
use crate::judge::error;

/// What differs. The document is one as a packaged model gives it: `Row` lists the inputs in order, `ScoreAnswer` the outputs by name.
pub(crate) fn judge(document: &Value, place: &str, inputs: &[Field], outputs: &[Field]) -> Vec<Finding> {
    let mut findings = vec![];
    match inputs_of(document) {
        Some(found) => findings.extend(judge_inputs(place, inputs, &found)),
        None => findings.push(no_document(place, "components.schemas.Row.prefixItems")),
    }
    match document.pointer("/components/schemas/ScoreAnswer/properties/outputs/properties").and_then(Value::as_object) {
        Some(found) => {
            for field in outputs {
                let kind = found.get(&field.name).and_then(|array| kind(array.get("items")?));
                findings.extend(differs(place, &format!("output `{}`", field.name), Some(field), kind.as_deref()));
            }
            for name in found.keys().filter(|name| outputs.iter().all(|field| field.name != **name)) {
                let message = format!("{place}: expected no output `{name}`, found one");
                findings.push(error("unknown-column", message, Some(name)));
            }
        }
        None => findings.push(no_document(place, "components.schemas.ScoreAnswer.properties.outputs")),
    }
    findings
}

fn no_document(place: &str, part: &str) -> Finding {
    error("no-schema", format!("{place}: expected the OpenAPI document of a scoring service with `{part}`, found none"), None)
}

/// The inputs in order: name and type.
fn inputs_of(document: &Value) -> Option<Vec<(String, Option<String>)>> {
    let items = document.pointer("/components/schemas/Row/prefixItems")?.as_array()?;
    let named = |item: &Value| (item["title"].as_str().unwrap_or_default().to_owned(), kind(item));
    Some(items.iter().map(named).collect())
}

/// The type of a schema, where it is one type and at most null beside it.
fn kind(schema: &Value) -> Option<String> {
    match &schema["type"] {
        Value::String(kind) => Some(kind.clone()),
        Value::Array(kinds) => {
            let mut kinds = kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null");
            kinds.next().filter(|_| kinds.next().is_none()).map(str::to_owned)
        }
        _ => None,
    }
}

fn judge_inputs(place: &str, inputs: &[Field], found: &[(String, Option<String>)]) -> Vec<Finding> {
    let mut findings = vec![];
    for at in 0..inputs.len().max(found.len()) {
        match (inputs.get(at), found.get(at)) {
            (Some(field), Some((name, kind))) if field.name == *name => {
                findings.extend(differs(place, &format!("input {at} `{name}`"), Some(field), kind.as_deref()));
            }
            (Some(field), Some((name, _))) => {
                let message = format!("{place}: expected input {at} to be `{}`, found `{name}`", field.name);
                findings.push(error("wrong-column", message, Some(&field.name)));
            }
            (Some(field), None) => findings.extend(differs(place, &format!("input {at} `{}`", field.name), Some(field), None)),
            (None, Some((name, _))) => {
                let message = format!("{place}: expected {} inputs, found one more: `{name}`", inputs.len());
                findings.push(error("unknown-column", message, Some(name)));
            }
            (None, None) => {}
        }
    }
    findings
}

/// The finding about a column that is not there or of another type.
fn differs(place: &str, which: &str, field: Option<&Field>, found: Option<&str>) -> Option<Finding> {
    let field = field?;
    let expected = json_type(field.dtype);
    match found {
        Some(found) if found == expected => None,
        Some(found) => {
            let message = format!("{place}: expected {which} to be of the type {expected}, found {found}");
            Some(error("wrong-type", message, Some(&field.name)))
        }
        None => Some(error(
            "missing-column",
            format!("{place}: expected {which} of the type {expected}, found none"),
            Some(&field.name),
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sprag_sdk::{Dtype, field};

    use super::*;

    fn document() -> Value {
        json!({ "components": { "schemas": {
            "Row": { "prefixItems": [
                { "title": "age", "type": "integer", "format": "int64" },
                { "title": "bmi", "type": ["number", "null"], "format": "double" },
            ] },
            "ScoreAnswer": { "properties": { "outputs": { "properties": {
                "prediction": { "type": "array", "items": { "type": "number" } },
            } } } },
        } } })
    }

    fn check(document: &Value, expected: &[&str]) {
        let inputs = [field("age", Dtype::Integer), field("bmi", Dtype::Float)];
        let found = judge(document, "d", &inputs, &[field("prediction", Dtype::Float)]);
        let told: Vec<_> = found.iter().map(|finding| format!("{}: {}", finding.code, finding.message)).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn the_same_columns_are_no_finding() {
        check(&document(), &[]);
    }

    #[test]
    fn other_columns_are_told_one_by_one() {
        let mut other = document();
        let row = &mut other["components"]["schemas"]["Row"]["prefixItems"];
        row.as_array_mut().unwrap().swap(0, 1);
        check(
            &other,
            &[
                "wrong-column: d: expected input 0 to be `age`, found `bmi`",
                "wrong-column: d: expected input 1 to be `bmi`, found `age`",
            ],
        );
        let mut other = document();
        let row = &mut other["components"]["schemas"]["Row"]["prefixItems"];
        row[1]["type"] = json!("string");
        row.as_array_mut().unwrap().push(json!({ "title": "more", "type": "number" }));
        check(
            &other,
            &[
                "wrong-type: d: expected input 1 `bmi` to be of the type number, found string",
                "unknown-column: d: expected 2 inputs, found one more: `more`",
            ],
        );
        let mut other = document();
        other["components"]["schemas"]["Row"]["prefixItems"].as_array_mut().unwrap().pop();
        other["components"]["schemas"]["ScoreAnswer"]["properties"]["outputs"]["properties"] = json!({ "y": {} });
        check(
            &other,
            &[
                "missing-column: d: expected input 1 `bmi` of the type number, found none",
                "missing-column: d: expected output `prediction` of the type number, found none",
                "unknown-column: d: expected no output `y`, found one",
            ],
        );
    }

    #[test]
    fn another_document_is_told_as_one() {
        check(
            &json!({ "openapi": "3.1.0" }),
            &[
                "no-schema: d: expected the OpenAPI document of a scoring service with `components.schemas.Row.prefixItems`, found none",
                "no-schema: d: expected the OpenAPI document of a scoring service with `components.schemas.ScoreAnswer.properties.outputs`, found none",
            ],
        );
    }
}

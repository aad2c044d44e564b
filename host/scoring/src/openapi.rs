//! The OpenAPI 3.1 document of one model, made from its signature.

use serde_json::{Map, Value, json};

use crate::percent::encoded;
use crate::reply::Reply;
use crate::signature::{DType, Field, ModelInfo};

/// The document.
pub(crate) fn document(model: &ModelInfo) -> Reply {
    let first = model.outputs.first();
    let result = array(first.map_or_else(|| json!({}), schema));
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": model.name,
            "version": model.version,
            "description": format!("Scores rows with {}@{}, whose digest is {}.", model.name, model.version, model.digest),
        },
        "paths": {
            "/score": { "post": {
                "operationId": "score",
                "summary": "Scores rows",
                "parameters": [{
                    "name": "outputs", "in": "query", "required": false,
                    "description": "`all` adds every output column to the prediction.",
                    "schema": { "enum": ["prediction", "all"], "default": "prediction" },
                }],
                "requestBody": { "required": true, "content": { "application/json": {
                    "schema": { "$ref": "#/components/schemas/ScoreRequest" },
                    "example": { "data": [example(model)] },
                } } },
                "responses": responses("ScoreAnswer", "The predictions, row by row"),
            } },
            format!("/v2/models/{}/infer", encoded(&model.name)): { "post": {
                "operationId": "infer",
                "summary": "Scores tensors, as the Open Inference Protocol v2 has it",
                "requestBody": { "required": true, "content": {
                    "application/json": { "schema": { "type": "object", "required": ["inputs"] } },
                    "application/octet-stream": {},
                } },
                "responses": { "200": { "description": "The output tensors" }, "4XX": error_of("OpenInferenceError"), "5XX": error_of("OpenInferenceError") },
            } },
            format!("/v2/models/{}", encoded(&model.name)): fixed("modelMetadata", "The model's tensors"),
            "/v2": fixed("serverMetadata", "The server's name, version and extensions"),
            "/healthz": fixed("live", "Whether the process lives"),
            "/readyz": fixed("ready", "Whether requests can be answered"),
            "/openapi.json": fixed("openapi", "This document"),
        },
        "components": {
            "schemas": {
                "Row": row(&model.inputs),
                "Record": record(&model.inputs),
                "ScoreRequest": {
                    "type": "object",
                    "required": ["data"],
                    "additionalProperties": false,
                    "properties": {
                        "columns": { "type": "array", "items": { "enum": names(&model.inputs) }, "uniqueItems": true },
                        "data": {
                            "type": "array", "minItems": 1,
                            "items": { "anyOf": [{ "$ref": "#/components/schemas/Row" }, { "$ref": "#/components/schemas/Record" }] },
                        },
                    },
                },
                "ScoreAnswer": {
                    "type": "object",
                    "required": ["result"],
                    "properties": {
                        "result": result,
                        "outputs": { "type": "object", "properties": properties(&model.outputs, |field| array(schema(field))) },
                    },
                },
                "Error": { "type": "object", "required": ["error"], "properties": { "error": {
                    "type": "object", "required": ["code", "message"], "properties": detail(),
                } } },
                "OpenInferenceError": { "type": "object", "required": ["error"], "properties": open_inference_detail() },
            },
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } },
        },
        "security": [{}, { "key": [] }],
    });
    Reply::json(document.to_string())
}

fn names(fields: &[Field]) -> Vec<&str> {
    fields.iter().map(|field| field.name.as_str()).collect()
}

fn array(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn fixed(id: &str, summary: &str) -> Value {
    json!({ "get": { "operationId": id, "summary": summary, "responses": { "200": { "description": summary } } } })
}

fn responses(answer: &str, description: &str) -> Value {
    json!({
        "200": { "description": description, "content": { "application/json": { "schema": { "$ref": format!("#/components/schemas/{answer}") } } } },
        "4XX": error_of("Error"),
        "5XX": error_of("Error"),
    })
}

fn error_of(name: &str) -> Value {
    let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
    json!({ "description": "What was expected and what was found", "content": { "application/json": { "schema": schema } } })
}

fn detail() -> Value {
    json!({
        "code": { "type": "string" },
        "message": { "type": "string" },
        "row": { "type": "integer", "minimum": 0 },
        "field": { "type": "string" },
    })
}

fn open_inference_detail() -> Value {
    let mut properties = detail();
    properties["error"] = json!({ "type": "string" });
    if let Some(properties) = properties.as_object_mut() {
        properties.remove("message");
    }
    properties
}

fn row(fields: &[Field]) -> Value {
    let items: Vec<_> = fields
        .iter()
        .map(|field| {
            let mut schema = schema(field);
            schema["title"] = json!(field.name);
            schema
        })
        .collect();
    json!({ "type": "array", "prefixItems": items, "items": false, "minItems": fields.len(), "maxItems": fields.len() })
}

fn record(fields: &[Field]) -> Value {
    let required: Vec<_> = fields.iter().filter(|field| !field.nullable).map(|field| field.name.as_str()).collect();
    json!({ "type": "object", "required": required, "additionalProperties": false, "properties": properties(fields, schema) })
}

fn properties(fields: &[Field], schema: impl Fn(&Field) -> Value) -> Value {
    Value::Object(fields.iter().map(|field| (field.name.clone(), schema(field))).collect::<Map<_, _>>())
}

fn schema(field: &Field) -> Value {
    let kind = match field.dtype {
        DType::Float => "number",
        DType::Integer | DType::Timestamp => "integer",
        DType::Boolean => "boolean",
        DType::Text => "string",
    };
    let mut schema = if field.nullable { json!({ "type": [kind, "null"] }) } else { json!({ "type": kind }) };
    match field.dtype {
        DType::Float => schema["format"] = json!("double"),
        DType::Integer => schema["format"] = json!("int64"),
        DType::Timestamp => schema["description"] = json!("microseconds since 1970-01-01T00:00:00Z"),
        DType::Boolean | DType::Text => {}
    }
    schema
}

/// A row that the model takes.
fn example(model: &ModelInfo) -> Vec<Value> {
    let value = |field: &Field| match field.dtype {
        DType::Float => json!(0.5),
        DType::Integer | DType::Timestamp => json!(1),
        DType::Boolean => json!(true),
        DType::Text => json!("text"),
    };
    model.inputs.iter().map(value).collect()
}

//! The OpenAPI 3.1 document of the API, whose schemas are made from the types that are sent.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};
use sprag_schemas::pipeline::{Publication, RunRequest};
use sprag_schemas::record::{AliasEntry, RunRecord};
use sprag_schemas::release::ReleaseRecord;
use sprag_schemas::server::AuditEntry;

use super::hooks::HookAnswer;
use super::pipelines::{NewRun, PipelineView};
use super::registry::ModelView;
use super::runs::{Page, RunView};
use super::system::{AuditPage, WhoAmI};
use crate::problem::Problem;

/// What an operation answers when it does what was asked.
enum Answer {
    Json(Schema),
    Events,
    File,
    Text,
}

/// One operation.
struct Operation {
    method: &'static str,
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    /// The statuses of an answer that does what was asked.
    statuses: &'static [u16],
    answer: Answer,
    body: Option<Schema>,
    query: Option<Schema>,
    headers: &'static [(&'static str, &'static str)],
    is_open: bool,
}

/// The document.
pub fn document() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let mut schemas = settings.into_generator();
    let operations = operations(&mut schemas);
    let problem = schemas.subschema_for::<Problem>();
    let mut paths: Map<String, Value> = Map::new();
    for operation in &operations {
        let path = paths.entry(operation.path.replace("{*", "{")).or_insert_with(|| json!({}));
        path[operation.method] = described(operation, &problem);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "sprag",
            "version": "1",
            "description": "Published pipelines, their runs, the registry and the releases of a sprag server.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas.take_definitions(false),
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
        "security": [{ "token": [] }, {}],
    })
}

fn operations(schemas: &mut SchemaGenerator) -> Vec<Operation> {
    fn of<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Schema {
        schemas.subschema_for::<T>()
    }
    let get = |path, id, summary, answer| Operation {
        method: "get",
        path,
        id,
        summary,
        statuses: &[200],
        answer,
        body: None,
        query: None,
        headers: &[],
        is_open: false,
    };
    let post = |path, id, summary, statuses, answer| Operation { method: "post", statuses, ..get(path, id, summary, answer) };
    let json = Answer::Json;
    vec![
        get("/api/v1/pipelines", "listPipelines", "The newest version of each pipeline", json(of::<Vec<Publication>>(schemas))),
        get("/api/v1/pipelines/{name}", "showPipeline", "A pipeline with its versions", json(of::<PipelineView>(schemas))),
        Operation {
            body: Some(of::<NewRun>(schemas)),
            headers: &[("Idempotency-Key", "The same request again under the same key starts nothing")],
            ..post(
                "/api/v1/pipelines/{name}/runs",
                "startRun",
                "Asks for a run of a published pipeline",
                &[200, 202],
                json(of::<RunRequest>(schemas)),
            )
        },
        Operation {
            query: Some(schemars::schema_for!(Page)),
            ..get("/api/v1/runs", "listRuns", "Runs, newest first", json(of::<Vec<RunRecord>>(schemas)))
        },
        get("/api/v1/runs/{id}", "showRun", "A run with the request that it is for", json(of::<RunView>(schemas))),
        Operation {
            headers: &[("Last-Event-ID", "The place of the last event that was read")],
            ..get("/api/v1/runs/{id}/events", "followRun", "A run as it goes on", Answer::Events)
        },
        post("/api/v1/runs/{id}/cancel", "cancelRun", "Stops a run, or takes it back", &[202], json(of::<RunView>(schemas))),
        get("/api/v1/runs/{id}/artifacts/{stage}/{*name}", "artifact", "What a stage left", Answer::File),
        get("/api/v1/models", "listModels", "The registered models", json(of::<Vec<ModelView>>(schemas))),
        get("/api/v1/models/{name}", "showModel", "A model", json(of::<ModelView>(schemas))),
        get(
            "/api/v1/models/{name}/aliases/{alias}",
            "showAlias",
            "Where an alias pointed, newest first",
            json(of::<Vec<AliasEntry>>(schemas)),
        ),
        get("/api/v1/releases", "listReleases", "Releases, newest first", json(of::<Vec<ReleaseRecord>>(schemas))),
        get("/api/v1/releases/{id}", "showRelease", "A release with its steps", json(of::<ReleaseRecord>(schemas))),
        Operation {
            query: Some(schemars::schema_for!(AuditPage)),
            ..get("/api/v1/audit", "audit", "The audit log, newest first", json(of::<Vec<AuditEntry>>(schemas)))
        },
        get("/api/v1/whoami", "whoami", "Who the server takes the caller for", json(of::<WhoAmI>(schemas))),
        Operation {
            is_open: true,
            body: Some(Schema::try_from(json!({ "type": "object" })).unwrap_or_default()),
            ..post(
                "/hooks/{pipeline}/{trigger}",
                "deliver",
                "A push, as GitHub, GitLab or Azure DevOps tells it",
                &[200, 202],
                json(of::<HookAnswer>(schemas)),
            )
        },
        Operation { is_open: true, ..get("/openapi.json", "openapi", "This document", json(Schema::default())) },
        Operation { is_open: true, ..get("/healthz", "healthz", "Whether the server lives", Answer::Text) },
        get("/metrics", "metrics", "Figures in the text format that Prometheus reads", Answer::Text),
    ]
}

fn described(operation: &Operation, problem: &Schema) -> Value {
    let content = match &operation.answer {
        Answer::Json(schema) => json!({ "application/json": { "schema": schema } }),
        Answer::Events => json!({ "text/event-stream": {} }),
        Answer::File => json!({ "application/octet-stream": {} }),
        Answer::Text => json!({ "text/plain": {}, "application/openmetrics-text": {} }),
    };
    let refused = json!({ "description": "What went wrong", "content": { "application/problem+json": { "schema": problem } } });
    let mut responses: Map<String, Value> = operation
        .statuses
        .iter()
        .map(|status| (status.to_string(), json!({ "description": operation.summary, "content": content })))
        .collect();
    for status in [400, 401, 403, 404, 405, 409, 413, 429] {
        responses.insert(status.to_string(), refused.clone());
    }
    let mut parameters: Vec<Value> = names(operation.path)
        .into_iter()
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } }))
        .collect();
    for (name, description) in operation.headers {
        let schema = json!({ "type": "string" });
        parameters.push(json!({ "name": name, "in": "header", "required": false, "description": description, "schema": schema }));
    }
    let query = operation.query.as_ref().and_then(|schema| schema.as_object());
    let properties = query.and_then(|query| query.get("properties")).and_then(Value::as_object);
    for (name, schema) in properties.into_iter().flatten() {
        let schema = inlined(schema, query.and_then(|query| query.get("$defs")));
        parameters.push(json!({ "name": name, "in": "query", "required": false, "schema": schema }));
    }
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "parameters": parameters,
        "responses": responses,
    });
    if let Some(schema) = &operation.body {
        described["requestBody"] = json!({ "content": { "application/json": { "schema": schema } } });
    }
    if operation.is_open {
        described["security"] = json!([]);
    }
    described
}

/// The names in the braces of a path.
fn names(path: &str) -> Vec<&str> {
    path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).map(|name| name.trim_start_matches('*')).collect()
}

/// A schema of a parameter without what is left out by leaving the parameter out, and with what it refers to in its place.
fn inlined(schema: &Value, definitions: Option<&Value>) -> Value {
    let mut schema = schema.clone();
    if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
        let chosen = choices.iter().find(|choice| choice.get("$ref").is_some()).cloned();
        let name = chosen.as_ref().and_then(|choice| choice["$ref"].as_str()).and_then(|path| path.rsplit('/').next());
        if let Some(found) = name.and_then(|name| definitions?.get(name)) {
            schema = found.clone();
        }
    }
    if let Some(kinds) = schema.get("type").and_then(Value::as_array) {
        let first = kinds.iter().find(|kind| *kind != "null").cloned().unwrap_or_default();
        schema["type"] = first;
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_of_the_document_is_in_it() {
        let document = document();
        let text = document.to_string();
        let mut count = 0;
        for part in text.split("\"$ref\":\"").skip(1) {
            let path = part.split('"').next().unwrap();
            assert!(document.pointer(path.trim_start_matches('#')).is_some(), "{path}");
            count += 1;
        }
        assert!(count > 20);
    }

    #[test]
    fn every_route_is_in_the_document_and_nothing_else() {
        let routes = include_str!("mod.rs").split(".route(\"").skip(1).filter_map(|rest| rest.split('"').next());
        let below = |path: &str| {
            if path.starts_with("/hooks") || !path[1..].contains('/') && ROOT.contains(&path) {
                path.to_owned()
            } else {
                format!("/api/v1{path}")
            }
        };
        const ROOT: [&str; 3] = ["/openapi.json", "/healthz", "/metrics"];
        let mut routes: Vec<_> = routes.map(|path| below(path).replace("{*", "{")).collect();
        routes.sort();
        let document = document();
        let described: Vec<_> = document["paths"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(routes, described);
    }

    #[test]
    fn parameters_of_the_query_are_plain() {
        let document = document();
        let parameters = document["paths"]["/api/v1/runs"]["get"]["parameters"].as_array().unwrap();
        let of = |name: &str| parameters.iter().find(|parameter| parameter["name"] == name).unwrap()["schema"].clone();
        assert_eq!(of("limit")["type"], "integer");
        assert_eq!(of("before")["type"], "string");
        assert!(of("outcome").to_string().contains("promoted"));
    }
}

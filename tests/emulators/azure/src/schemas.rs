//! Azure's published schemas of request bodies (`azure-resource-manager-schemas`), as one body is held against them.
//!
//! The files describe templates, where any value may be an expression such as `[parameters('x')]`. A request has none, so that alternative is taken out. They
//! also leave objects open, so that a misspelt name would pass: names that no schema knows are looked for here, and are errors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

/// The schemas of a folder. A clone shares what was read and compiled.
#[derive(Clone)]
pub struct Schemas {
    folder: PathBuf,
    /// By file: each is read when a body first needs it.
    documents: Arc<Mutex<BTreeMap<&'static str, Arc<Value>>>>,
    validators: Arc<Mutex<BTreeMap<&'static str, Arc<Validator>>>>,
}

/// Where the schema of a kind of resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Schema {
    /// The file in the folder.
    pub(crate) file: &'static str,
    /// The name under `resourceDefinitions`.
    pub(crate) name: &'static str,
}

impl Schemas {
    /// The schemas of a folder; none where it is missing.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Option<Self> {
        let folder = folder.into();
        let found = folder.join("common_definitions.json").is_file();
        found.then(|| Self { folder, documents: Arc::default(), validators: Arc::default() })
    }

    /// Those beside the checkout, `../shared/azure`: they are not copied into the project. Where they are missing nothing is held against them.
    pub fn beside_the_checkout() -> Option<Self> {
        static BESIDE: OnceLock<Option<Schemas>> = OnceLock::new();
        BESIDE.get_or_init(|| Self::in_folder(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/azure"))).clone()
    }

    /// What is wrong with a body, with name, type and version as a template would give them.
    pub(crate) fn problems(&self, schema: Schema, body: &Value) -> Vec<String> {
        let document = self.document(schema.file);
        let root = json!({ "$ref": format!("#/resourceDefinitions/{}", schema.name) });
        let validator = self.validator(schema, &document);
        let mut problems: Vec<_> =
            validator.iter_errors(body).map(|error| format!("{error} (at `{}`)", error.instance_path())).collect();
        unknown(&document, &[&root], body, "", &mut problems);
        problems
    }

    fn document(&self, file: &'static str) -> Arc<Value> {
        let mut documents = self.documents.lock().expect("no thread panics while it reads a file");
        documents
            .entry(file)
            .or_insert_with(|| {
                Arc::new(prepare(read(&self.folder.join(file)), &read(&self.folder.join("common_definitions.json"))))
            })
            .clone()
    }

    fn validator(&self, schema: Schema, document: &Value) -> Arc<Validator> {
        let mut validators = self.validators.lock().expect("no thread panics while it compiles a schema");
        let compiled = validators.entry(schema.name).or_insert_with(|| {
            let mut root = document.clone();
            root["allOf"] = json!([{ "$ref": format!("#/resourceDefinitions/{}", schema.name) }]);
            let built = jsonschema::options().with_draft(Draft::Draft4).build(&root);
            Arc::new(built.unwrap_or_else(|error| panic!("expected `{}` to be a schema: {error}", schema.name)))
        });
        compiled.clone()
    }
}

fn read(path: &Path) -> Value {
    let text = std::fs::read(path).unwrap_or_else(|error| panic!("failed to read `{}`: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("`{}` is no JSON: {error}", path.display()))
}

/// A file as requests need it: in itself, and without expressions.
fn prepare(document: Value, common: &Value) -> Value {
    let mut document = document;
    let mut root = Map::new();
    for part in ["resourceDefinitions", "definitions"] {
        root.insert(part.to_owned(), document[part].take());
    }
    for (name, definition) in common["definitions"].as_object().into_iter().flatten() {
        root["definitions"][format!("common:{name}")] = definition.clone();
    }
    let mut root = Value::Object(root);
    simplify(&mut root, false);
    root
}

fn simplify(schema: &mut Value, in_all_of: bool) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get_mut("$ref")
                && let Some((file, name)) = reference.split_once("#/definitions/")
                && file.ends_with("common/definitions.json")
            {
                *reference = format!("#/definitions/common:{name}");
            }
            // The base of the types that have variants is closed to what the variants add. No body could pass.
            if in_all_of && members.get("additionalProperties") == Some(&Value::Bool(false)) {
                members.remove("additionalProperties");
            }
            if let Some(Value::Array(choices)) = members.get_mut("oneOf") {
                choices.retain(|choice| !choice["$ref"].as_str().is_some_and(|reference| reference.ends_with("/expression")));
            }
            // What has one alternative left is that: an error then says what is wrong in it.
            if members.get("oneOf").and_then(Value::as_array).is_some_and(|choices| choices.len() == 1)
                && let Some(Value::Array(mut choices)) = members.remove("oneOf")
                && let Some(Value::Object(only)) = choices.pop()
            {
                members.extend(only);
                simplify(schema, in_all_of);
                return;
            }
            for (key, member) in members.iter_mut() {
                match member {
                    Value::Array(items) if key == "allOf" => items.iter_mut().for_each(|item| simplify(item, true)),
                    member => simplify(member, false),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| simplify(item, false)),
        _ => {}
    }
}

/// Looks for names that none of the schemas of a value knows.
fn unknown(document: &Value, schemas: &[&Value], value: &Value, place: &str, problems: &mut Vec<String>) {
    let mut flat = vec![];
    schemas.iter().for_each(|schema| flatten(document, schema, &mut flat));
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let place = format!("{place}/{name}");
                let named: Vec<&Value> = flat.iter().filter_map(|schema| schema.get("properties")?.get(name)).collect();
                let others =
                    flat.iter().filter_map(|schema| schema.get("additionalProperties")).filter(|other| other.is_object());
                let known: Vec<&Value> = if named.is_empty() { others.collect() } else { named };
                let is_open =
                    flat.iter().all(|schema| schema.get("properties").is_none() && schema.get("additionalProperties").is_none());
                if known.is_empty() && !is_open {
                    problems.push(format!("the published schema knows no `{place}`"));
                }
                unknown(document, &known, member, &place, problems);
            }
        }
        Value::Array(items) => {
            let known: Vec<&Value> = flat.iter().filter_map(|schema| schema.get("items")).collect();
            for (index, item) in items.iter().enumerate() {
                unknown(document, &known, item, &format!("{place}/{index}"), problems);
            }
        }
        _ => {}
    }
}

/// A schema with all that it refers to and all of its alternatives.
fn flatten<'a>(document: &'a Value, schema: &'a Value, flat: &mut Vec<&'a Value>) {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        if let Some(target) = document.pointer(reference.trim_start_matches('#')) {
            flatten(document, target, flat);
        }
        return;
    }
    flat.push(schema);
    for key in ["allOf", "oneOf", "anyOf"] {
        schema.get(key).and_then(Value::as_array).into_iter().flatten().for_each(|inner| flatten(document, inner, flat));
    }
}

//! `docs/reference/plugins.md`: made from what the standard plugins say of themselves.

use std::fmt::Write as _;

use serde_json::Value;
use sprag_core::component::Component;
use sprag_core::contract;

use crate::repository::assert_made;

const INTRODUCTION: &str = "# The standard plugins\n\n\
    They are built into `sprag` and named in `sprag.toml` by their names alone. Each is a component like any other: its imports are all that it may do.\n\n\
    This page is made from the plugins' own descriptions and parameter schemas, and a test compares it. `sprag plugins --json` prints the same.\n";

#[test]
fn the_page_about_the_plugins_is_what_they_say() {
    let mut page = String::from(INTRODUCTION);
    let mut shown: Vec<(String, String)> = vec![];
    for (name, bytes, _) in &sprag_builtin::PLUGINS {
        let component = Component::read(bytes).unwrap();
        let kind = contract::kinds_of(&component)[0];
        let plugin = component.plugin.unwrap();
        let _ = write!(
            page,
            "\n## {name}\n\n{}.\n\n- Stage kind: `{kind}`\n- May, beside WASI that reaches nothing:\n",
            plugin.summary
        );
        for import in component.imports.iter().filter(|import| import.starts_with("sprag:") && !import.contains("stage/types")) {
            let _ = writeln!(page, "  - {} (`{import}`)", contract::meaning(import));
        }
        page.push('\n');
        let schema = &plugin.params_schema;
        // Two plugins with the very same parameters share one account of them.
        let text = schema.to_string();
        if let Some((first, _)) = shown.iter().find(|(_, known)| *known == text) {
            let _ = writeln!(page, "The parameters are those of [`{first}`](#{first}).");
            continue;
        }
        shown.push(((*name).to_owned(), text));
        table(&mut page, name, schema);
        for (definition, schema) in schema["$defs"].as_object().into_iter().flatten() {
            let _ = write!(page, "\n### {} of {name}\n\n{}\n\n", words(definition), one_line(&schema["description"]));
            if schema.get("oneOf").is_some() { choices(&mut page, schema) } else { table(&mut page, name, schema) }
        }
    }
    assert_made("docs/reference/plugins.md", &page);
}

/// The properties of an object as a table.
fn table(page: &mut String, plugin: &str, schema: &Value) {
    page.push_str("| Parameter | Type | Default | Meaning |\n| --- | --- | --- | --- |\n");
    let required: Vec<_> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let default = match &property["default"] {
            Value::Null if required.contains(&name.as_str()) => "required".to_owned(),
            Value::Null => "none".to_owned(),
            Value::Object(_) if property.get("$ref").is_some() => "as below".to_owned(),
            value => format!("`{value}`"),
        };
        let _ = writeln!(
            page,
            "| `{name}` | {}{} | {default} | {} |",
            kind(plugin, property),
            range(property),
            one_line(&property["description"])
        );
    }
}

/// The constants of an enumeration as a table.
fn choices(page: &mut String, schema: &Value) {
    page.push_str("| Value | Meaning |\n| --- | --- |\n");
    for choice in schema["oneOf"].as_array().into_iter().flatten() {
        let _ = writeln!(page, "| `{}` | {} |", choice["const"], one_line(&choice["description"]));
    }
}

/// A property's type in words.
fn kind(plugin: &str, property: &Value) -> String {
    if let Some(reference) = property["$ref"].as_str() {
        let name = words(reference.rsplit('/').next().unwrap_or_default());
        return format!("[{name}](#{}-of-{plugin})", name.replace(' ', "-"));
    }
    let first = property["type"].as_array().into_iter().flatten().filter_map(Value::as_str).find(|name| *name != "null");
    match property["type"].as_str().or(first).unwrap_or_default() {
        "array" => format!("list: {}", kind(plugin, &property["items"])),
        "object" => format!("table: name = {}", kind(plugin, &property["additionalProperties"])),
        "string" => "text".to_owned(),
        other => other.to_owned(),
    }
}

/// The values that a property may have.
fn range(property: &Value) -> String {
    let sides = [("minimum", ">="), ("exclusiveMinimum", ">"), ("maximum", "<="), ("exclusiveMaximum", "<")];
    let mut range = String::new();
    for (key, sign) in sides {
        if let Some(limit) = property.get(key).and_then(Value::as_f64) {
            let _ = write!(range, ", {sign} {limit:?}");
        }
    }
    range.replace(".0,", ",").strip_suffix(".0").map_or_else(|| range.replace(".0,", ","), str::to_owned)
}

/// `SliceGuard` as `slice guard`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

fn one_line(text: &Value) -> String {
    text.as_str().unwrap_or_default().replace('\n', " ").replace('|', "\\|")
}

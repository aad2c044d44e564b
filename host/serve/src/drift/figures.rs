//! How far the columns have moved, for `/metrics`.

use std::fmt::Write;
use std::sync::Arc;

use sprag_core::drift::{ColumnDrift, Role, Thresholds, compare};

use super::Model;

/// The families: name, what it says, and its value of a column.
type Family = (&'static str, &'static str, fn(&ColumnDrift) -> f64);

const FAMILIES: [Family; 4] = [
    ("sprag_drift_psi", "Population stability index of a column against the rows of the training", |column| column.psi),
    ("sprag_drift_psi_by_chance", "What that index comes to where nothing has moved, by so few rows", |column| column.chance),
    ("sprag_drift_js_distance", "Jensen-Shannon distance of a column from the rows of the training", |column| {
        column.jensen_shannon
    }),
    ("sprag_drift_null_share", "Share of rows without a value", |column| column.nulls.1),
];

/// The text: what was counted today and on the last day before.
pub(super) fn text(models: &[Arc<Model>]) -> String {
    let mut out = String::new();
    let compared: Vec<_> = models
        .iter()
        .filter_map(|model| Some((model, compare(&model.training, &model.lately(), Thresholds::default()).ok()?)))
        .collect();
    if compared.is_empty() {
        return out;
    }
    for (name, help, value) in FAMILIES {
        head(&mut out, name, help);
        for (model, columns) in &compared {
            for column in columns {
                let role = match column.role {
                    Role::Input => "input",
                    Role::Output => "output",
                };
                let labels = format!("{},role=\"{role}\",column=\"{}\"", model_labels(model), escaped(&column.column));
                line(&mut out, name, &labels, value(column));
            }
        }
    }
    let name = "sprag_drift_rows";
    head(&mut out, name, "Rows that these figures are made of");
    for (model, columns) in &compared {
        line(&mut out, name, &model_labels(model), columns.first().map_or(0, |column| column.rows) as f64);
    }
    out
}

fn head(out: &mut String, name: &str, help: &str) {
    let _infallible = writeln!(out, "# HELP {name} {help}.\n# TYPE {name} gauge");
}

fn line(out: &mut String, name: &str, labels: &str, value: f64) {
    let _infallible = writeln!(out, "{name}{{{labels}}} {value:?}");
}

fn model_labels(model: &Model) -> String {
    let release = &model.release;
    format!("model=\"{}\",version=\"{}\"", escaped(&release.name), escaped(&release.version))
}

/// A label's value, with what the format escapes.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

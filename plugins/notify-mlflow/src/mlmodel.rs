//! `MLmodel`, the file that tells MLflow how to load a model (<https://mlflow.org/docs/latest/ml/model/>): YAML, of which JSON is a part.

use serde_json::{Value, json};

use crate::event::{Field, Model};

const ONNX: &str = "application/onnx";

/// The name of the file with the model itself.
pub(crate) fn data_name(model: &Model) -> &'static str {
    if model.media_type == ONNX { "model.onnx" } else { "model.state" }
}

/// The file's text. A model in ONNX is one that MLflow loads and serves by itself; any other is kept for sprag, whose component scores with it.
pub(crate) fn mlmodel(model: &Model, run: &str, made_at: &str) -> String {
    let data = data_name(model);
    let mut flavors =
        json!({ "sprag": { "data": data, "media_type": model.media_type, "scorer": model.scorer, "digest": model.digest } });
    if model.media_type == ONNX {
        flavors["onnx"] = json!({ "data": data, "providers": ["CPUExecutionProvider"], "onnx_session_options": null, "save_as_external_data": false });
        flavors["python_function"] = json!({ "loader_module": "mlflow.onnx", "data": data });
    }
    let signature = json!({
        "inputs": Value::Array(model.inputs.iter().map(column).collect()).to_string(),
        "outputs": Value::Array(model.outputs.iter().map(column).collect()).to_string(),
        "params": null,
    });
    json!({
        "artifact_path": crate::MODEL,
        "run_id": run,
        "model_uuid": model.digest,
        "utc_time_created": made_at,
        "flavors": flavors,
        "signature": signature,
    })
    .to_string()
}

/// A column in the form of MLflow's signatures.
fn column(field: &Field) -> Value {
    let kind = match field.dtype.as_str() {
        "float" => "double",
        "integer" => "long",
        "boolean" => "boolean",
        "timestamp" => "datetime",
        _ => "string",
    };
    json!({ "type": kind, "name": field.name, "required": true })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_model_in_onnx_is_loaded_by_mlflow_and_another_is_not() {
        let model = |media_type: &str| Model {
            digest: "sha256:aa".to_owned(),
            scorer: "sha256:bb".to_owned(),
            media_type: media_type.to_owned(),
            inputs: vec![Field { name: "age".to_owned(), dtype: "float".to_owned() }],
            outputs: vec![],
        };
        let read = |media_type: &str| -> Value { serde_json::from_str(&mlmodel(&model(media_type), "r", "t")).unwrap() };
        assert_eq!(read(ONNX)["flavors"]["onnx"]["data"], "model.onnx");
        assert_eq!(read(ONNX)["signature"]["inputs"], r#"[{"name":"age","required":true,"type":"double"}]"#);
        assert_eq!(read("application/json")["flavors"]["python_function"], Value::Null);
        assert_eq!(read("application/json")["flavors"]["sprag"]["data"], "model.state");
    }
}

//! `MLmodel`, the file that says how MLflow loads a model (<https://mlflow.org/docs/latest/ml/model/>).

use serde::Deserialize;
use yaml_rust2::{Yaml, YamlLoader};

/// What is read of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Description {
    /// The file with the model in ONNX.
    pub(crate) data: String,
    /// The columns that it takes, in order, where its signature names them.
    pub(crate) columns: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Column {
    name: Option<String>,
    #[serde(rename = "type")]
    kind: String,
}

/// Reads it, and says why the model cannot come.
pub(crate) fn read(text: &[u8]) -> Result<Description, String> {
    let text = std::str::from_utf8(text).map_err(|error| format!("expected text: {error}"))?;
    let documents = YamlLoader::load_from_str(text).map_err(|error| format!("expected YAML: {error}"))?;
    let model = documents.first().ok_or("expected a document, found none")?;
    let flavors = model["flavors"].as_hash().ok_or("expected `flavors`, found none")?;
    let onnx = &model["flavors"]["onnx"];
    let Some(data) = onnx["data"].as_str() else {
        let known: Vec<_> = flavors.keys().filter_map(Yaml::as_str).map(|name| format!("`{name}`")).collect();
        return Err(format!(
            "expected the flavor `onnx`, found {}; log the model by `mlflow.onnx.log_model`, which exporters such as skl2onnx make it ready for",
            known.join(", ")
        ));
    };
    if data.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(format!("expected a file beside `MLmodel`, found `{data}`"));
    }
    Ok(Description { data: data.to_owned(), columns: columns(model["signature"]["inputs"].as_str()) })
}

/// The names of a signature by columns; none where it is one by tensors.
fn columns(inputs: Option<&str>) -> Option<Vec<String>> {
    let columns: Vec<Column> = serde_json::from_str(inputs?).ok()?;
    if columns.iter().any(|column| column.kind == "tensor") {
        return None;
    }
    columns.into_iter().map(|column| column.name).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    const ONNX: &str =
        "flavors:\n  onnx:\n    data: model.onnx\n    onnx_version: 1.19.1\n  python_function:\n    loader_module: mlflow.onnx\n";

    #[test]
    fn a_model_in_onnx_is_found_with_its_columns() {
        let by_columns = format!(
            "{ONNX}signature:\n  inputs: '[{{\"type\": \"double\", \"name\": \"age\"}}, {{\"type\": \"double\", \"name\": \"bmi\"}}]'\n"
        );
        let columns = Some(vec!["age".to_owned(), "bmi".to_owned()]);
        assert_eq!(read(by_columns.as_bytes()), Ok(Description { data: "model.onnx".to_owned(), columns }));
        let by_tensor = format!(
            "{ONNX}signature:\n  inputs: '[{{\"type\": \"tensor\", \"tensor-spec\": {{\"dtype\": \"float32\", \"shape\": [-1, 10]}}}}]'\n"
        );
        assert_eq!(read(by_tensor.as_bytes()).unwrap().columns, None);
        assert_eq!(read(ONNX.as_bytes()).unwrap().columns, None);
    }

    #[test]
    fn another_flavor_is_refused_by_name() {
        let pickle =
            "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n  sklearn:\n    pickled_model: model.pkl\n";
        let message = read(pickle.as_bytes()).unwrap_err();
        assert!(message.contains("`python_function`, `sklearn`") && message.contains("mlflow.onnx.log_model"), "{message}");
    }

    #[test]
    fn a_file_elsewhere_is_refused() {
        for data in ["../../secret", "/etc/passwd", "a//b"] {
            assert!(read(ONNX.replace("model.onnx", data).as_bytes()).is_err(), "{data}");
        }
        assert!(read(b"\xff").is_err() && read(b"").is_err() && read(b"flavors: 1").is_err());
    }
}

//! What the Open Inference Protocol tells about server and model.

use serde_json::{Value, json};

use crate::reply::Reply;
use crate::signature::{Field, ModelInfo};

/// `GET /v2`
pub(crate) fn server() -> Reply {
    let server = json!({ "name": "sprag", "version": env!("CARGO_PKG_VERSION"), "extensions": ["binary_tensor_data"] });
    Reply::json(server.to_string())
}

/// `GET /v2/models/{name}`
pub(crate) fn model(model: &ModelInfo) -> Reply {
    let tensor = |field: &Field| json!({ "name": field.name, "datatype": field.dtype.datatype(), "shape": [-1] });
    let tensors = |fields: &[Field]| fields.iter().map(tensor).collect::<Value>();
    let model = json!({
        "name": model.name,
        "versions": [model.version],
        "platform": "sprag",
        "inputs": tensors(&model.inputs),
        "outputs": tensors(&model.outputs),
    });
    Reply::json(model.to_string())
}

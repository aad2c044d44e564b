//! The answer to an inference request: outputs as JSON, as bytes behind the JSON, or some of each.

use crate::columns::{Column, Values};
use crate::infer::InferShape;
use crate::reply::{JSON, Reply};
use crate::signature::ModelInfo;
use crate::write;

/// The header that says how much of a body is JSON.
pub(crate) const HEADER_LENGTH: &str = "inference-header-content-length";

/// Writes the answer. `predicted` has a column for each output of the model.
pub(crate) fn encode(model: &ModelInfo, shape: &InferShape, rows: u32, predicted: &[Column]) -> Reply {
    let (mut json, mut binary) = (Vec::with_capacity(256), vec![]);
    json.extend_from_slice(b"{\"model_name\":");
    write::string(&mut json, &model.name);
    json.extend_from_slice(b",\"model_version\":");
    write::string(&mut json, &model.version);
    if let Some(id) = &shape.id {
        json.extend_from_slice(b",\"id\":");
        write::string(&mut json, id);
    }
    json.extend_from_slice(b",\"outputs\":[");
    let mut any_binary = false;
    for (count, (position, as_bytes)) in shape.outputs.iter().enumerate() {
        let (Some(field), Some(column)) = (model.outputs.get(*position), predicted.get(*position)) else { continue };
        json.extend_from_slice(if count == 0 { b"{\"name\":" } else { b",{\"name\":" });
        write::string(&mut json, &field.name);
        json.extend_from_slice(format!(",\"datatype\":\"{}\",\"shape\":[{rows}]", field.dtype.datatype()).as_bytes());
        if *as_bytes {
            any_binary = true;
            let before = binary.len();
            push_bytes(&mut binary, &column.values);
            let size = binary.len() - before;
            json.extend_from_slice(format!(",\"parameters\":{{\"binary_data_size\":{size}}}}}").as_bytes());
        } else {
            json.extend_from_slice(b",\"data\":");
            write::values(&mut json, &column.values);
            json.push(b'}');
        }
    }
    json.extend_from_slice(b"]}");
    if !any_binary {
        return Reply { status: 200, content_type: JSON, headers: vec![], body: json };
    }
    let headers = vec![(HEADER_LENGTH, json.len().to_string())];
    json.extend_from_slice(&binary);
    Reply { status: 200, content_type: "application/octet-stream", headers, body: json }
}

/// A column's values, least significant byte first; texts each behind their length.
fn push_bytes(out: &mut Vec<u8>, values: &Values) {
    match values {
        Values::Floats(values) => values.iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes())),
        Values::Integers(values) => values.iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes())),
        Values::Booleans(values) => out.extend_from_slice(values),
        Values::Texts { ends, .. } => {
            for row in 0..ends.len() {
                let text = values.text(row).unwrap_or_default();
                out.extend_from_slice(&u32::try_from(text.len()).unwrap_or_default().to_le_bytes());
                out.extend_from_slice(text);
            }
        }
    }
}

//! Between the protocol's columns and the tables'. The lists are handed on, not copied.

use sprag_data as data;
use sprag_runtime::Signature;
use sprag_scoring as wire;

/// Columns as a scorer takes them.
pub(crate) fn to_data(columns: Vec<wire::Column>) -> Vec<data::Column> {
    let values = |values| match values {
        wire::Values::Floats(values) => data::Values::Floats(values),
        wire::Values::Integers(values) => data::Values::Integers(values),
        wire::Values::Booleans(values) => data::Values::Booleans(values),
        wire::Values::Texts { bytes, ends } => data::Values::Texts { bytes, ends },
    };
    columns.into_iter().map(|column| data::Column { values: values(column.values), validity: column.validity }).collect()
}

/// Columns as the protocol writes them.
pub(crate) fn to_wire(columns: Vec<data::Column>) -> Vec<wire::Column> {
    let values = |values| match values {
        data::Values::Floats(values) => wire::Values::Floats(values),
        data::Values::Integers(values) => wire::Values::Integers(values),
        data::Values::Booleans(values) => wire::Values::Booleans(values),
        data::Values::Texts { bytes, ends } => wire::Values::Texts { bytes, ends },
    };
    columns.into_iter().map(|column| wire::Column { values: values(column.values), validity: column.validity }).collect()
}

/// A field as the protocol describes it.
fn field(field: &data::Field) -> wire::Field {
    let dtype = match field.dtype {
        data::DType::Float => wire::DType::Float,
        data::DType::Integer => wire::DType::Integer,
        data::DType::Boolean => wire::DType::Boolean,
        data::DType::Text => wire::DType::Text,
        data::DType::Timestamp => wire::DType::Timestamp,
    };
    wire::Field { name: field.name.clone(), dtype, nullable: field.nullable }
}

/// A model's inputs and outputs as the protocol describes them.
pub(crate) fn fields(signature: &Signature) -> (Vec<wire::Field>, Vec<wire::Field>) {
    (signature.inputs.iter().map(field).collect(), signature.outputs.iter().map(field).collect())
}

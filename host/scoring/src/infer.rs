//! The body of `POST /v2/models/{name}/infer`: an inference request of the Open Inference Protocol v2, with its extension for tensors in bytes.

use std::borrow::Cow;

use crate::columns::Column;
use crate::json::{Elements, Members, Reader, Unread, shown};
use crate::problem::Problem;
use crate::signature::{Field, ModelInfo};
use crate::tensors::{Tensor, columns};

/// What the answer must look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InferShape {
    /// The request's id, which the answer repeats.
    pub(crate) id: Option<String>,
    /// Positions of the outputs that were asked for, and whether each is wanted as bytes.
    pub(crate) outputs: Vec<(usize, bool)>,
}

/// Reads a request. `header_length` is how many bytes of the body are JSON, where it is not the whole of it.
pub(crate) fn decode(
    model: &ModelInfo,
    body: &[u8],
    header_length: Option<usize>,
    most_rows: u32,
) -> Result<(u32, Vec<Column>, InferShape), Problem> {
    let (header, mut binary) = match header_length {
        None => (body, &body[body.len()..]),
        Some(length) => body.split_at_checked(length).ok_or_else(|| {
            let message =
                format!("expected {length} bytes of JSON, as `inference-header-content-length` says, found {}", body.len());
            Problem::new(400, "wrong-size", message)
        })?,
    };
    let mut reader = Reader::new(header)?;
    let whole = |unread: Unread| unread.whole("as an inference request");
    let mut members = Members::open(&mut reader, "an object").map_err(whole)?;
    let (mut id, mut inputs, mut wanted, mut all_binary) = (None, None, None, false);
    while let Some(key) = members.next_key(&mut reader).map_err(whole)? {
        match key.as_ref() {
            "id" => id = Some(reader.string().map_err(whole)?.into_owned()),
            "inputs" => inputs = Some(read_inputs(&model.inputs, &mut reader, &mut binary)?),
            "outputs" => wanted = Some(read_outputs(&model.outputs, &mut reader)?),
            "parameters" => all_binary = read_flag(&mut reader, "binary_data_output")?.unwrap_or(false),
            other => {
                let message = format!(
                    "expected `id`, `inputs`, `outputs` or `parameters` in an inference request, found `{}`",
                    shown(other)
                );
                return Err(Problem::new(422, "unknown-key", message));
            }
        }
    }
    reader.end()?;
    if !binary.is_empty() {
        let message = format!("expected no bytes behind the tensors, found {}", binary.len());
        return Err(Problem::new(422, "wrong-size", message));
    }
    let missing = || Problem::new(422, "missing-key", "expected the key `inputs` with the input tensors, found none");
    let (rows, columns) = columns(&model.inputs, inputs.ok_or_else(missing)?, most_rows)?;
    let outputs = match wanted {
        Some(wanted) => wanted.into_iter().map(|(position, binary)| (position, binary.unwrap_or(all_binary))).collect(),
        None => (0..model.outputs.len()).map(|position| (position, all_binary)).collect(),
    };
    Ok((rows, columns, InferShape { id, outputs }))
}

fn read_inputs<'a>(fields: &[Field], reader: &mut Reader<'a>, binary: &mut &'a [u8]) -> Result<Vec<Tensor<'a>>, Problem> {
    let whole = |unread: Unread| unread.whole("as `inputs`");
    let mut elements = Elements::open(reader, "an array of tensors").map_err(whole)?;
    let mut tensors = vec![];
    while elements.next(reader).map_err(whole)? {
        if tensors.len() > fields.len() {
            let message = format!("expected at most {} input tensors, found more", fields.len().max(1));
            return Err(Problem::new(422, "unknown-column", message));
        }
        tensors.push(Tensor::read(reader, binary)?);
    }
    Ok(tensors)
}

/// The outputs that are asked for: position, and whether as bytes where the request says so.
fn read_outputs(fields: &[Field], reader: &mut Reader<'_>) -> Result<Vec<(usize, Option<bool>)>, Problem> {
    let whole = |unread: Unread| unread.whole("as `outputs`");
    let mut elements = Elements::open(reader, "an array of outputs").map_err(whole)?;
    let mut outputs: Vec<(usize, Option<bool>)> = vec![];
    while elements.next(reader).map_err(whole)? {
        let mut members = Members::open(reader, "an object").map_err(whole)?;
        let (mut name, mut binary): (Option<Cow<'_, str>>, _) = (None, None);
        while let Some(key) = members.next_key(reader).map_err(whole)? {
            match key.as_ref() {
                "name" => name = Some(reader.string().map_err(whole)?),
                "parameters" => binary = read_flag(reader, "binary_data")?,
                other => {
                    let message = format!("expected `name` or `parameters` in an output, found `{}`", shown(other));
                    return Err(Problem::new(422, "unknown-key", message));
                }
            }
        }
        let missing = || Problem::new(422, "missing-key", "expected `name` in each output, found one without");
        let name = name.ok_or_else(missing)?;
        let Some(position) = fields.iter().position(|field| field.name == name) else {
            let known: Vec<_> = fields.iter().map(|field| format!("`{}`", field.name)).collect();
            let message = format!("expected an output of the model ({}), found `{}`", known.join(", "), shown(&name));
            return Err(Problem::new(422, "unknown-column", message).at_field(&shown(&name)));
        };
        if outputs.iter().any(|(other, _)| *other == position) {
            return Err(
                Problem::new(422, "repeated-key", format!("expected the output `{name}` once, found it again")).at_field(&name)
            );
        }
        outputs.push((position, binary));
    }
    Ok(outputs)
}

/// A flag among parameters; the protocol leaves room for others.
fn read_flag(reader: &mut Reader<'_>, flag: &str) -> Result<Option<bool>, Problem> {
    let whole = |unread: Unread| unread.whole("in `parameters`");
    let mut members = Members::open(reader, "an object").map_err(whole)?;
    let mut found = None;
    while let Some(key) = members.next_key(reader).map_err(whole)? {
        if key == flag {
            found = Some(reader.boolean().map_err(whole)?);
        } else {
            reader.skip().map_err(whole)?;
        }
    }
    Ok(found)
}

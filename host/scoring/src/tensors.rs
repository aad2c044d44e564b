//! Tensors of the Open Inference Protocol v2, as JSON or as bytes, into the model's columns.

use std::borrow::Cow;

use crate::columns::{Column, Values};
use crate::json::{Elements, Members, Reader, Unread, shown};
use crate::problem::Problem;
use crate::signature::{DType, Field};

/// The element types that are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Datatype {
    Fp64,
    Fp32,
    Int64,
    Int32,
    Bool,
    Bytes,
}

impl Datatype {
    const ALL: [(&'static str, Self); 6] = [
        ("FP64", Self::Fp64),
        ("FP32", Self::Fp32),
        ("INT64", Self::Int64),
        ("INT32", Self::Int32),
        ("BOOL", Self::Bool),
        ("BYTES", Self::Bytes),
    ];

    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, datatype)| datatype)
    }

    fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, datatype)| *datatype == self).map_or("", |(name, _)| name)
    }

    /// The bytes of one element; none where they vary.
    const fn size(self) -> Option<usize> {
        match self {
            Self::Fp64 | Self::Int64 => Some(8),
            Self::Fp32 | Self::Int32 => Some(4),
            Self::Bool => Some(1),
            Self::Bytes => None,
        }
    }

    /// Whether a column of a type can be filled from it.
    const fn serves(self, dtype: DType) -> bool {
        match dtype {
            DType::Float => !matches!(self, Self::Bytes),
            DType::Integer | DType::Timestamp => matches!(self, Self::Int64 | Self::Int32),
            DType::Boolean => matches!(self, Self::Bool),
            DType::Text => matches!(self, Self::Bytes),
        }
    }
}

/// An input tensor whose elements are not read yet.
pub(crate) struct Tensor<'a> {
    name: Cow<'a, str>,
    datatype: Datatype,
    shape: Vec<u64>,
    elements: Source<'a>,
}

enum Source<'a> {
    Json(Reader<'a>),
    Binary(&'a [u8]),
}

/// A problem with a tensor as a whole.
fn unfit(code: &'static str, name: &str, message: String) -> Problem {
    Problem::new(422, code, message).at_field(name)
}

impl<'a> Tensor<'a> {
    /// Reads a tensor's description. Elements in bytes are the next of `binary`.
    pub(crate) fn read(reader: &mut Reader<'a>, binary: &mut &'a [u8]) -> Result<Self, Problem> {
        let whole = |unread: Unread| unread.whole("in an input tensor");
        let mut members = Members::open(reader, "an object").map_err(whole)?;
        let (mut name, mut datatype, mut shape, mut data, mut size) = (None, None, None, None, None);
        while let Some(key) = members.next_key(reader).map_err(whole)? {
            match key.as_ref() {
                "name" => name = Some(reader.string().map_err(whole)?),
                "datatype" => datatype = Some(reader.string().map_err(whole)?),
                "shape" => shape = Some(read_shape(reader)?),
                "data" => {
                    reader.peek();
                    data = Some(*reader);
                    reader.skip().map_err(whole)?;
                }
                "parameters" => size = read_size(reader)?,
                other => {
                    let message = format!(
                        "expected `name`, `shape`, `datatype`, `parameters` or `data` in an input tensor, found `{}`",
                        shown(other)
                    );
                    return Err(Problem::new(422, "unknown-key", message));
                }
            }
        }
        let missing =
            |key: &str| Problem::new(422, "missing-key", format!("expected `{key}` in each input tensor, found one without"));
        let name = name.ok_or_else(|| missing("name"))?;
        let datatype = datatype.ok_or_else(|| missing("datatype"))?;
        let Some(datatype) = Datatype::of(&datatype) else {
            let known = Datatype::ALL.map(|(known, _)| known).join(", ");
            let message = format!("expected one of the datatypes {known} for `{name}`, found `{}`", shown(&datatype));
            return Err(unfit("bad-type", &name, message));
        };
        let shape = shape.ok_or_else(|| missing("shape"))?;
        let elements = match (data, size) {
            (Some(reader), None) => Source::Json(reader),
            (None, Some(size)) => {
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                let Some((elements, rest)) = binary.split_at_checked(size) else {
                    let message = format!("expected {size} bytes for `{name}` behind the JSON header, found {}", binary.len());
                    return Err(unfit("wrong-size", &name, message));
                };
                *binary = rest;
                Source::Binary(elements)
            }
            (None, None) => return Err(missing("data")),
            (Some(_), Some(_)) => {
                let message = format!("expected `data` or `binary_data_size` for `{name}`, found both");
                return Err(unfit("repeated-key", &name, message));
            }
        };
        Ok(Self { name, datatype, shape, elements })
    }
}

fn read_shape(reader: &mut Reader<'_>) -> Result<Vec<u64>, Problem> {
    let whole = |unread: Unread| unread.whole("as the `shape` of an input tensor");
    let mut elements = Elements::open(reader, "an array of whole numbers").map_err(whole)?;
    let mut shape = vec![];
    while elements.next(reader).map_err(whole)? {
        let extent = reader.integer("a whole number").map_err(whole)?;
        let extent = u64::try_from(extent)
            .map_err(|_| Problem::new(422, "wrong-shape", format!("expected a shape of numbers from 0, found {extent}")))?;
        if shape.len() == 8 {
            return Err(Problem::new(422, "wrong-shape", "expected a shape of one or two numbers, found more than 8"));
        }
        shape.push(extent);
    }
    Ok(shape)
}

/// `binary_data_size` among a tensor's parameters; the protocol leaves room for others.
fn read_size(reader: &mut Reader<'_>) -> Result<Option<u64>, Problem> {
    let whole = |unread: Unread| unread.whole("in the `parameters` of an input tensor");
    let mut members = Members::open(reader, "an object").map_err(whole)?;
    let mut size = None;
    while let Some(key) = members.next_key(reader).map_err(whole)? {
        if key != "binary_data_size" {
            reader.skip().map_err(whole)?;
            continue;
        }
        let bytes = reader.integer("a whole number").map_err(whole)?;
        let wrong = |_| Problem::new(422, "wrong-size", format!("expected a `binary_data_size` from 0, found {bytes}"));
        size = Some(u64::try_from(bytes).map_err(wrong)?);
    }
    Ok(size)
}

/// The columns of a model from the tensors of a request: one tensor `[rows, columns]`, or for each column one of `[rows]` or `[rows, 1]`.
pub(crate) fn columns(fields: &[Field], tensors: Vec<Tensor<'_>>, most_rows: u32) -> Result<(u32, Vec<Column>), Problem> {
    let wrong = |message: String| Problem::new(422, "wrong-shape", message);
    let Some(first) = tensors.first() else {
        return Err(Problem::new(422, "missing-column", "expected at least one input tensor, found none"));
    };
    let Some(rows) = first.shape.first().copied() else {
        return Err(wrong(format!("expected a shape that begins with the number of rows for `{}`, found []", first.name)));
    };
    if rows == 0 {
        return Err(Problem::new(422, "no-rows", "expected at least one row, found none"));
    }
    let Some(rows) = u32::try_from(rows).ok().filter(|rows| *rows <= most_rows) else {
        return Err(Problem::new(
            413,
            "too-many-rows",
            format!("expected at most {most_rows} rows in one request, found {rows}"),
        ));
    };
    let mut columns: Vec<_> = fields.iter().map(|field| Column::empty(field.dtype)).collect();
    let is_matrix = tensors.len() == 1 && first.shape.len() == 2 && first.shape[1] == fields.len() as u64;
    if is_matrix || (tensors.len() == 1 && fields.len() == 1) {
        check_shape(first, rows, fields.len())?;
        fill(first, rows, fields, &mut columns)?;
        return Ok((rows, columns));
    }
    for tensor in &tensors {
        let Some(position) = fields.iter().position(|field| field.name == tensor.name) else {
            let message = format!(
                "expected one input tensor of shape [rows, {}], or one for each column of the model, found `{}` of shape {:?}",
                fields.len(),
                shown(&tensor.name),
                tensor.shape
            );
            return Err(unfit("unknown-column", &tensor.name, message));
        };
        if !columns[position].values.is_empty() {
            return Err(unfit("repeated-key", &tensor.name, format!("expected `{}` once, found it again", tensor.name)));
        }
        check_shape(tensor, rows, 1)?;
        fill(tensor, rows, &fields[position..=position], &mut columns[position..=position])?;
    }
    match fields.iter().zip(&columns).find(|(_, column)| column.values.is_empty()) {
        Some((field, _)) => {
            Err(unfit("missing-column", &field.name, format!("expected an input tensor for `{}`, found none", field.name)))
        }
        None => Ok((rows, columns)),
    }
}

fn check_shape(tensor: &Tensor<'_>, rows: u32, width: usize) -> Result<(), Problem> {
    let fits = match tensor.shape.as_slice() {
        [found] => width == 1 && *found == u64::from(rows),
        [found, columns] => *found == u64::from(rows) && *columns == width as u64,
        _ => false,
    };
    if fits {
        return Ok(());
    }
    let message = format!("expected the shape [{rows}, {width}] for `{}`, found {:?}", tensor.name, tensor.shape);
    Err(unfit("wrong-shape", &tensor.name, message))
}

/// Reads a tensor's elements, row by row, into columns side by side.
fn fill(tensor: &Tensor<'_>, rows: u32, fields: &[Field], columns: &mut [Column]) -> Result<(), Problem> {
    for field in fields {
        if !tensor.datatype.serves(field.dtype) {
            let (expected, found) = (field.dtype.datatype(), tensor.datatype.name());
            let message = format!("expected the datatype {expected} for `{}`, found {found}", field.name);
            return Err(unfit("bad-type", &field.name, message));
        }
    }
    let expected = u64::from(rows) * fields.len() as u64;
    let found = match tensor.elements {
        Source::Json(mut reader) => {
            let mut filling = Filling { tensor, fields, columns, count: 0, expected };
            filling.json(&mut reader, 0)?;
            filling.count
        }
        Source::Binary(bytes) => binary(tensor, bytes, expected, fields, columns)?,
    };
    if found == expected {
        return Ok(());
    }
    Err(unfit("wrong-size", &tensor.name, format!("expected {expected} elements for `{}`, found {found}", tensor.name)))
}

struct Filling<'f, 'a> {
    tensor: &'f Tensor<'a>,
    fields: &'f [Field],
    columns: &'f mut [Column],
    count: u64,
    expected: u64,
}

impl Filling<'_, '_> {
    /// Elements in an array, flat or nested as the shape is.
    fn json(&mut self, reader: &mut Reader<'_>, depth: usize) -> Result<(), Problem> {
        let name = self.tensor.name.clone();
        let whole = |unread: Unread| unread.whole(&format!("as the `data` of `{name}`")).at_field(&name);
        let mut elements = Elements::open(reader, "an array").map_err(whole)?;
        while elements.next(reader).map_err(whole)? {
            if reader.peek() == Some(b'[') && depth + 1 < self.tensor.shape.len() {
                self.json(reader, depth + 1)?;
                continue;
            }
            if self.count == self.expected {
                let message = format!("expected {} elements for `{name}`, found more", self.expected);
                return Err(unfit("wrong-size", &name, message));
            }
            let (row, place) = place(self.count, self.fields.len());
            let (field, column) = (&self.fields[place], &mut self.columns[place]);
            element(reader, self.tensor.datatype, column).map_err(|unread| unread.value(row, &field.name))?;
            self.count += 1;
        }
        Ok(())
    }
}

/// Row and column of an element.
fn place(count: u64, width: usize) -> (u64, usize) {
    let width = width.max(1) as u64;
    (count / width, usize::try_from(count % width).unwrap_or_default())
}

/// Reads one element of JSON.
fn element(reader: &mut Reader<'_>, datatype: Datatype, column: &mut Column) -> Result<(), Unread> {
    match (&mut column.values, datatype) {
        (Values::Floats(values), Datatype::Bool) => values.push(f64::from(u8::from(reader.boolean()?))),
        (Values::Floats(values), Datatype::Int64 | Datatype::Int32) => values.push(reader.integer("a whole number")? as f64),
        (Values::Floats(values), Datatype::Fp32) => {
            let value = f64::from(reader.float()? as f32);
            if !value.is_finite() {
                let found = "one beyond 32 bits".to_owned();
                return Err(Unread::Unfit { code: "not-finite", expected: "a finite number", found });
            }
            values.push(value);
        }
        (Values::Floats(values), _) => values.push(reader.float()?),
        (Values::Integers(values), Datatype::Int32) => {
            let value = reader.integer("a whole number")?;
            let fits = i32::try_from(value).is_ok();
            if !fits {
                return Err(Unread::Unfit { code: "bad-type", expected: "a whole number of 32 bits", found: value.to_string() });
            }
            values.push(value);
        }
        (Values::Integers(values), _) => values.push(reader.integer("a whole number")?),
        (Values::Booleans(values), _) => values.push(u8::from(reader.boolean()?)),
        (texts @ Values::Texts { .. }, _) => {
            let text = reader.string()?;
            if !texts.push_text(text.as_bytes()) {
                return Err(Unread::Unfit { code: "too-large", expected: "at most 4 GiB of text", found: "more".to_owned() });
            }
        }
    }
    Ok(())
}

/// Reads elements in bytes, least significant first, and gives their number.
fn binary(tensor: &Tensor<'_>, bytes: &[u8], expected: u64, fields: &[Field], columns: &mut [Column]) -> Result<u64, Problem> {
    let wrong_size = |wanted: String| {
        let message = format!("expected {wanted} for `{}`, found {} bytes", tensor.name, bytes.len());
        unfit("wrong-size", &tensor.name, message)
    };
    let Some(size) = tensor.datatype.size() else {
        return texts(bytes, fields, columns)
            .ok_or_else(|| wrong_size("texts of UTF-8, each behind its length in 4 bytes".to_owned()));
    };
    if expected.checked_mul(size as u64) != Some(bytes.len() as u64) {
        return Err(wrong_size(format!("{expected} elements of {size} bytes")));
    }
    for (count, element) in (0_u64..).zip(bytes.chunks_exact(size)) {
        let (row, place) = place(count, fields.len());
        let name = &fields[place].name;
        let bad = |code, message: String| Problem::new(422, code, message).at_row(row).at_field(name);
        let number = Number::of(tensor.datatype, element);
        match &mut columns[place].values {
            Values::Floats(values) => {
                let value = number.float();
                if !value.is_finite() {
                    return Err(bad("not-finite", format!("expected a finite number for `{name}` in row {row}, found {value}")));
                }
                values.push(value);
            }
            Values::Integers(values) => values.push(number.integer()),
            Values::Booleans(values) => match number.integer() {
                value @ (0 | 1) => values.push(u8::from(value == 1)),
                other => return Err(bad("bad-type", format!("expected 0 or 1 for `{name}` in row {row}, found {other}"))),
            },
            Values::Texts { .. } => return Err(bad("bad-type", format!("expected texts for `{name}`, found numbers"))),
        }
    }
    Ok(expected)
}

/// One element of fixed size.
enum Number {
    Float(f64),
    Integer(i64),
}

impl Number {
    fn of(datatype: Datatype, bytes: &[u8]) -> Self {
        let eight = || <[u8; 8]>::try_from(bytes).unwrap_or_default();
        let four = || <[u8; 4]>::try_from(bytes).unwrap_or_default();
        match datatype {
            Datatype::Fp64 => Self::Float(f64::from_le_bytes(eight())),
            Datatype::Fp32 => Self::Float(f64::from(f32::from_le_bytes(four()))),
            Datatype::Int64 => Self::Integer(i64::from_le_bytes(eight())),
            Datatype::Int32 => Self::Integer(i64::from(i32::from_le_bytes(four()))),
            Datatype::Bool | Datatype::Bytes => Self::Integer(i64::from(bytes.first().copied().unwrap_or_default())),
        }
    }

    fn float(&self) -> f64 {
        match self {
            Self::Float(value) => *value,
            Self::Integer(value) => *value as f64,
        }
    }

    fn integer(&self) -> i64 {
        match self {
            Self::Float(value) => *value as i64,
            Self::Integer(value) => *value,
        }
    }
}

/// Texts, each behind its length; none where they do not fill the bytes exactly.
fn texts(mut bytes: &[u8], fields: &[Field], columns: &mut [Column]) -> Option<u64> {
    let mut count = 0;
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_at_checked(4)?;
        let length = u32::from_le_bytes(length.try_into().ok()?);
        let (text, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        std::str::from_utf8(text).ok()?;
        let (_, place) = place(count, fields.len());
        if !columns[place].values.push_text(text) {
            return None;
        }
        bytes = rest;
        count += 1;
    }
    Some(count)
}

//! Numbers of any shape.

use ndarray::{ArrayD, IxDyn};

use crate::error::ModelError;
use crate::proto;

/// The most elements that a tensor may have: 2 GiB of numbers, which a guest does not have.
pub(crate) const MOST_ELEMENTS: usize = 1 << 28;

/// The type of a tensor's elements, by their number in ONNX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    F32,
    F64,
    I64,
    I32,
    U8,
    Bool,
}

impl Kind {
    pub(crate) fn of_onnx(number: i32) -> Option<Self> {
        match number {
            1 => Some(Self::F32),
            2 => Some(Self::U8),
            6 => Some(Self::I32),
            7 => Some(Self::I64),
            9 => Some(Self::Bool),
            11 => Some(Self::F64),
            _ => None,
        }
    }

    /// A number as the type holds it.
    #[allow(clippy::cast_possible_truncation, reason = "to round is what this is for")]
    pub(crate) fn round(self, value: f64) -> f64 {
        match self {
            Self::F64 => value,
            Self::F32 => f64::from(value as f32),
            Self::I64 | Self::I32 | Self::U8 => value.trunc(),
            Self::Bool => f64::from(u8::from(value != 0.0)),
        }
    }

    const fn size(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::U8 | Self::Bool => 1,
        }
    }
}

/// Numbers of any shape.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tensor {
    pub(crate) kind: Kind,
    pub(crate) values: ArrayD<f64>,
}

impl Tensor {
    /// A tensor of numbers that are rounded to its type.
    pub(crate) fn new(kind: Kind, values: ArrayD<f64>) -> Self {
        let values = if kind == Kind::F64 { values } else { values.mapv_into(|value| kind.round(value)) };
        Self { kind, values }
    }

    /// A tensor of one dimension.
    pub(crate) fn vector(kind: Kind, values: Vec<f64>) -> Self {
        Self {
            kind,
            values: ArrayD::from_shape_vec(IxDyn(&[values.len()]), values).expect("one dimension is as long as the list"),
        }
    }

    /// A tensor of this shape; none where the number of values is another.
    pub(crate) fn shaped(kind: Kind, shape: &[usize], values: Vec<f64>) -> Option<Self> {
        elements(shape)?;
        Some(Self { kind, values: ArrayD::from_shape_vec(IxDyn(shape), values).ok()? })
    }

    /// Its numbers as whole ones: axes, shapes, places.
    #[allow(clippy::cast_possible_truncation, reason = "what is no whole number of 64 bits is cut to the nearest")]
    pub(crate) fn whole(&self) -> Vec<i64> {
        self.values.iter().map(|value| *value as i64).collect()
    }

    /// Its numbers, row after row.
    pub(crate) fn into_flat(self) -> Vec<f64> {
        if self.values.is_standard_layout() {
            let (values, offset) = self.values.into_raw_vec_and_offset();
            if offset.unwrap_or(0) == 0 {
                return values;
            }
            unreachable!("a tensor in the standard layout begins at its first value")
        }
        self.values.iter().copied().collect()
    }

    /// Reads a tensor of the file.
    pub(crate) fn read(tensor: &proto::Tensor, place: &str) -> Result<Self, ModelError> {
        let fault =
            |expected: &str, found: String| ModelError::graph(format!("{place}: tensor `{}`", tensor.name), expected, found);
        let kind = Kind::of_onnx(tensor.data_type)
            .ok_or_else(|| fault("floats, whole numbers or booleans", format!("elements of type {}", tensor.data_type)))?;
        if tensor.data_location != 0 {
            return Err(fault("its numbers in the file", "a reference to another file".to_owned()));
        }
        let shape: Option<Vec<usize>> = tensor.dims.iter().map(|dim| usize::try_from(*dim).ok()).collect();
        let sized = shape.and_then(|shape| Some((elements(&shape)?, shape)));
        let (count, shape) = sized.ok_or_else(|| fault("a shape of at most 2^28 elements", format!("{:?}", tensor.dims)))?;
        let values: Vec<f64> = match &tensor.raw_data {
            Some(raw) if raw.len() == count.saturating_mul(kind.size()) => read_raw(kind, raw),
            Some(raw) => return Err(fault(&format!("{} bytes", count.saturating_mul(kind.size())), format!("{}", raw.len()))),
            None => listed(kind, tensor),
        };
        let found = values.len();
        Self::shaped(kind, &shape, values).ok_or_else(|| fault(&format!("{count} elements"), found.to_string()))
    }
}

/// How many elements a shape has; none where they are too many.
pub(crate) fn elements(shape: &[usize]) -> Option<usize> {
    let count = shape.iter().try_fold(1_usize, |count, dim| count.checked_mul(*dim))?;
    (count <= MOST_ELEMENTS && shape.len() <= 8).then_some(count)
}

#[allow(clippy::cast_precision_loss, reason = "whole numbers are exact to 2^53, which the crate's documentation says")]
fn read_raw(kind: Kind, raw: &[u8]) -> Vec<f64> {
    /// The numbers of some bytes, each of so many.
    fn each<const N: usize>(raw: &[u8], read: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        raw.chunks_exact(N).map(|bytes| read(bytes.try_into().expect("each chunk has so many bytes"))).collect()
    }
    match kind {
        Kind::F64 => each(raw, f64::from_le_bytes),
        Kind::F32 => each(raw, |bytes| f64::from(f32::from_le_bytes(bytes))),
        Kind::I64 => each(raw, |bytes| i64::from_le_bytes(bytes) as f64),
        Kind::I32 => each(raw, |bytes| f64::from(i32::from_le_bytes(bytes))),
        Kind::U8 | Kind::Bool => raw.iter().map(|byte| f64::from(*byte)).collect(),
    }
}

#[allow(clippy::cast_precision_loss, reason = "as above")]
fn listed(kind: Kind, tensor: &proto::Tensor) -> Vec<f64> {
    match kind {
        Kind::F64 => tensor.double_data.clone(),
        Kind::F32 => tensor.float_data.iter().map(|value| f64::from(*value)).collect(),
        Kind::I64 => tensor.int64_data.iter().map(|value| *value as f64).collect(),
        Kind::I32 | Kind::U8 | Kind::Bool => tensor.int32_data.iter().map(|value| f64::from(*value)).collect(),
    }
}

//! Shapes, parts and places.

use ndarray::{ArrayD, Axis, IxDyn, concatenate};

use super::Make;
use super::broadcast::{axis, common};
use crate::attributes::Attributes;
use crate::error::ModelError;
use crate::node::{Operator, input};
use crate::tensor::{Kind, Tensor, elements};

pub(super) const KNOWN: &[(&str, Make)] = &[
    ("Concat", |attributes, _| {
        let along = attributes.int("axis")?.ok_or_else(|| attributes.fault("axis", "an axis", "none"))?;
        Ok(Box::new(move |inputs: &[Option<&Tensor>]| concat(inputs, along)))
    }),
    ("Constant", constant),
    ("Expand", |_, _| Ok(Box::new(expand))),
    ("Flatten", |attributes, _| {
        let from = attributes.int("axis")?.unwrap_or(1);
        Ok(Box::new(move |inputs: &[Option<&Tensor>]| flatten(inputs, from)))
    }),
    ("Gather", |attributes, _| {
        let along = attributes.int("axis")?.unwrap_or(0);
        Ok(Box::new(move |inputs: &[Option<&Tensor>]| gather(inputs, along)))
    }),
    ("Reshape", |_, _| Ok(Box::new(reshape))),
    ("Shape", |_, _| Ok(Box::new(shape))),
    ("Slice", |_, _| Ok(Box::new(slice))),
    ("Squeeze", |attributes, _| {
        let axes = attributes.ints("axes");
        Ok(Box::new(move |inputs: &[Option<&Tensor>]| squeeze(inputs, axes.as_deref())))
    }),
    ("Transpose", |attributes, _| {
        let order = attributes.ints("perm");
        Ok(Box::new(move |inputs: &[Option<&Tensor>]| transpose(inputs, order.as_deref())))
    }),
    ("Unsqueeze", |attributes, _| {
        let axes = attributes.ints("axes");
        Ok(Box::new(move |inputs: &[Option<&Tensor>]| unsqueeze(inputs, axes.as_deref())))
    }),
];

#[allow(clippy::cast_precision_loss, reason = "constants that are larger than 2^53 are no numbers of a table")]
fn constant(attributes: &Attributes<'_>, _: i64) -> Result<Box<dyn Operator>, ModelError> {
    let tensor = match (attributes.tensor("value")?, attributes.float("value_float")?, attributes.int("value_int")?) {
        (Some(tensor), ..) => tensor,
        (None, Some(value), _) => Tensor::new(Kind::F32, ArrayD::from_elem(IxDyn(&[]), value)),
        (None, None, Some(value)) => Tensor::new(Kind::I64, ArrayD::from_elem(IxDyn(&[]), value as f64)),
        (None, None, None) => match (attributes.floats("value_floats"), attributes.ints("value_ints")) {
            (Some(values), _) => Tensor::vector(Kind::F32, values),
            (None, Some(values)) => Tensor::vector(Kind::I64, values.into_iter().map(|value| value as f64).collect()),
            (None, None) => return Err(attributes.fault("value", "numbers", "none")),
        },
    };
    Ok(Box::new(move |_: &[Option<&Tensor>]| Ok(vec![tensor.clone()])))
}

fn concat(inputs: &[Option<&Tensor>], along: i64) -> Result<Vec<Tensor>, String> {
    let first = input(inputs, 0)?;
    let along = axis(along, first.values.ndim())?;
    let parts: Vec<_> = (0..inputs.len()).map(|at| Ok(input(inputs, at)?.values.view())).collect::<Result<_, String>>()?;
    let joined = concatenate(Axis(along), &parts).map_err(|error| format!("expected parts that fit each other: {error}"))?;
    Ok(vec![Tensor::new(first.kind, joined)])
}

fn expand(inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
    let given = input(inputs, 0)?;
    let wanted = sizes(&input(inputs, 1)?.whole())?;
    let shape = common(given.values.shape(), &wanted)?;
    let wide = given.values.broadcast(IxDyn(&shape)).ok_or_else(|| format!("expected a shape that fits {shape:?}"))?;
    Ok(vec![Tensor::new(given.kind, wide.to_owned())])
}

fn sizes(whole: &[i64]) -> Result<Vec<usize>, String> {
    let sizes: Option<Vec<usize>> = whole.iter().map(|size| usize::try_from(*size).ok()).collect();
    sizes
        .filter(|sizes| elements(sizes).is_some())
        .ok_or_else(|| format!("expected a shape of at most 2^28 elements, found {whole:?}"))
}

fn flatten(inputs: &[Option<&Tensor>], from: i64) -> Result<Vec<Tensor>, String> {
    let given = input(inputs, 0)?;
    let shape = given.values.shape();
    let from = if from == i64::try_from(shape.len()).unwrap_or(i64::MAX) { shape.len() } else { axis(from, shape.len())? };
    let wanted = [shape[..from].iter().product(), shape[from..].iter().product()];
    reshaped(given, &wanted)
}

fn reshaped(given: &Tensor, shape: &[usize]) -> Result<Vec<Tensor>, String> {
    let values = given.clone().into_flat();
    let count = values.len();
    let shaped = Tensor::shaped(given.kind, shape, values);
    Ok(vec![shaped.ok_or_else(|| format!("expected {count} elements in the shape {shape:?}"))?])
}

fn reshape(inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
    let (given, wanted) = (input(inputs, 0)?, input(inputs, 1)?.whole());
    let shape = given.values.shape();
    let mut sizes: Vec<usize> = vec![];
    for (at, size) in wanted.iter().enumerate() {
        sizes.push(match size {
            // As it is.
            0 => *shape.get(at).ok_or_else(|| format!("expected a shape for {shape:?}, found {wanted:?}"))?,
            // What is left, below.
            -1 => 1,
            size => usize::try_from(*size).map_err(|_| format!("expected a shape, found {wanted:?}"))?,
        });
    }
    if let Some(at) = wanted.iter().position(|size| *size == -1) {
        let others: usize = sizes.iter().product();
        sizes[at] = given.values.len().checked_div(others).unwrap_or(0);
    }
    reshaped(given, &sizes)
}

#[allow(clippy::cast_precision_loss, reason = "no axis is that long")]
fn shape(inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
    let shape = input(inputs, 0)?.values.shape().iter().map(|size| *size as f64).collect();
    Ok(vec![Tensor::vector(Kind::I64, shape)])
}

fn gather(inputs: &[Option<&Tensor>], along: i64) -> Result<Vec<Tensor>, String> {
    let (given, places) = (input(inputs, 0)?, input(inputs, 1)?);
    let along = axis(along, given.values.ndim())?;
    let length = given.values.shape()[along];
    let places_flat: Vec<usize> = places.whole().iter().map(|place| axis(*place, length)).collect::<Result<_, _>>()?;
    let taken = given.values.select(Axis(along), &places_flat);
    let shape: Vec<usize> = given.values.shape()[..along]
        .iter()
        .chain(places.values.shape())
        .chain(&given.values.shape()[along + 1..])
        .copied()
        .collect();
    reshaped(&Tensor::new(given.kind, taken), &shape)
}

/// Parts along axes. Steps backwards are not known: no model of a table turns its columns around.
fn slice(inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
    let given = input(inputs, 0)?;
    let (starts, ends) = (input(inputs, 1)?.whole(), input(inputs, 2)?.whole());
    let optional = |at: usize| inputs.get(at).copied().flatten().map(Tensor::whole);
    let axes = optional(3).unwrap_or_else(|| (0..).take(starts.len()).collect());
    let steps = optional(4).unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()].iter().any(|count| *count != starts.len()) {
        return Err("expected a start, an end, an axis and a step for each part".to_owned());
    }
    let mut values = given.values.clone();
    for (((start, end), along), step) in starts.iter().zip(&ends).zip(&axes).zip(&steps) {
        let along = axis(*along, values.ndim())?;
        let length = i64::try_from(values.shape()[along]).unwrap_or(i64::MAX);
        // Backwards the first place is the last row, and the end is one before the first.
        let (least, most) = if *step < 0 { (-1, length - 1) } else { (0, length) };
        let bound = |at: i64| if at < 0 { at.saturating_add(length) } else { at }.clamp(least, most);
        let (mut at, end, mut places) = (bound(*start).max(0), bound(*end), vec![]);
        while *step != 0 && (if *step < 0 { at > end } else { at < end }) && at < length {
            places.push(usize::try_from(at).map_err(|_| "expected places within the axis".to_owned())?);
            at = at.saturating_add(*step);
        }
        if *step == 0 {
            return Err("expected a step that is not 0".to_owned());
        }
        values = values.select(Axis(along), &places);
    }
    Ok(vec![Tensor::new(given.kind, values)])
}

fn squeeze(inputs: &[Option<&Tensor>], axes: Option<&[i64]>) -> Result<Vec<Tensor>, String> {
    let given = input(inputs, 0)?;
    let asked = inputs.get(1).copied().flatten().map(Tensor::whole).or_else(|| axes.map(<[i64]>::to_vec));
    let shape = given.values.shape();
    let along = match asked {
        Some(asked) => asked.iter().map(|at| axis(*at, shape.len())).collect::<Result<Vec<_>, _>>()?,
        None => (0..shape.len()).filter(|at| shape[*at] == 1).collect(),
    };
    if let Some(at) = along.iter().find(|at| shape[**at] != 1) {
        return Err(format!("expected an axis of length 1, found {}", shape[*at]));
    }
    let rest: Vec<usize> = (0..shape.len()).filter(|at| !along.contains(at)).map(|at| shape[at]).collect();
    reshaped(given, &rest)
}

fn unsqueeze(inputs: &[Option<&Tensor>], axes: Option<&[i64]>) -> Result<Vec<Tensor>, String> {
    let given = input(inputs, 0)?;
    let asked = inputs.get(1).copied().flatten().map(Tensor::whole).or_else(|| axes.map(<[i64]>::to_vec)).unwrap_or_default();
    let rank = given.values.ndim() + asked.len();
    let along: Vec<usize> = asked.iter().map(|at| axis(*at, rank)).collect::<Result<_, _>>()?;
    let mut rest = given.values.shape().iter();
    let shape: Option<Vec<usize>> =
        (0..rank).map(|at| if along.contains(&at) { Some(1) } else { rest.next().copied() }).collect();
    reshaped(given, &shape.ok_or_else(|| format!("expected each axis once, found {asked:?}"))?)
}

fn transpose(inputs: &[Option<&Tensor>], order: Option<&[i64]>) -> Result<Vec<Tensor>, String> {
    let given = input(inputs, 0)?;
    let rank = given.values.ndim();
    let order: Vec<usize> = match order {
        Some(order) => order.iter().map(|at| axis(*at, rank)).collect::<Result<_, _>>()?,
        None => (0..rank).rev().collect(),
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted != (0..rank).collect::<Vec<_>>() {
        return Err(format!("expected each of {rank} axes once, found {order:?}"));
    }
    Ok(vec![Tensor::new(given.kind, given.values.view().permuted_axes(order).to_owned())])
}

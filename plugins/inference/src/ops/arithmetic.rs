//! Arithmetic, number by number.

use super::Make;
use super::broadcast::zip;
use crate::node::{Operator, input};
use crate::tensor::{Kind, Tensor};

pub(super) const KNOWN: &[(&str, Make)] = &[
    ("Abs", |_, _| Ok(unary(f64::abs))),
    ("Add", |_, _| Ok(binary(|a, b| a + b))),
    ("Ceil", |_, _| Ok(unary(f64::ceil))),
    ("Clip", |attributes, _| {
        let (least, most) = (attributes.float("min")?, attributes.float("max")?);
        Ok(Box::new(move |inputs: &[Option<&Tensor>]| clip(inputs, least, most)))
    }),
    ("Div", |_, _| Ok(divided())),
    ("Dropout", |_, _| Ok(same())),
    ("Exp", |_, _| Ok(unary(f64::exp))),
    ("Floor", |_, _| Ok(unary(f64::floor))),
    ("Identity", |_, _| Ok(same())),
    ("Log", |_, _| Ok(unary(f64::ln))),
    ("Max", |_, _| Ok(many(largest))),
    ("Mean", |_, _| Ok(Box::new(mean))),
    ("Min", |_, _| Ok(many(smallest))),
    ("Mul", |_, _| Ok(binary(|a, b| a * b))),
    ("Neg", |_, _| Ok(unary(|a| -a))),
    ("Pow", |_, _| Ok(binary(f64::powf))),
    ("Reciprocal", |_, _| Ok(unary(f64::recip))),
    ("Round", |_, _| Ok(unary(f64::round_ties_even))),
    ("Sign", |_, _| Ok(unary(|a| if a == 0.0 || a.is_nan() { a } else { a.signum() }))),
    ("Sqrt", |_, _| Ok(unary(f64::sqrt))),
    ("Sub", |_, _| Ok(binary(|a, b| a - b))),
    ("Sum", |_, _| Ok(many(|a, b| a + b))),
];

/// NaN where either is: ONNX follows numpy.
fn largest(a: f64, b: f64) -> f64 {
    if a.is_nan() || a > b { a } else { b }
}

fn smallest(a: f64, b: f64) -> f64 {
    if a.is_nan() || a < b { a } else { b }
}

pub(super) fn unary(compute: fn(f64) -> f64) -> Box<dyn Operator> {
    Box::new(move |inputs: &[Option<&Tensor>]| {
        let given = input(inputs, 0)?;
        Ok(vec![Tensor::new(given.kind, given.values.mapv(compute))])
    })
}

fn binary(compute: fn(f64, f64) -> f64) -> Box<dyn Operator> {
    Box::new(move |inputs: &[Option<&Tensor>]| {
        let (a, b) = (input(inputs, 0)?, input(inputs, 1)?);
        Ok(vec![Tensor::new(a.kind, zip(&a.values, &b.values, compute)?)])
    })
}

/// Whole numbers are divided to whole ones; by zero there is no result.
fn divided() -> Box<dyn Operator> {
    Box::new(|inputs: &[Option<&Tensor>]| {
        let (a, b) = (input(inputs, 0)?, input(inputs, 1)?);
        let is_whole = !matches!(a.kind, Kind::F32 | Kind::F64);
        if is_whole && b.values.iter().any(|value| *value == 0.0) {
            return Err("expected whole numbers other than 0 to divide by, found 0".to_owned());
        }
        Ok(vec![Tensor::new(a.kind, zip(&a.values, &b.values, |a, b| a / b)?)])
    })
}

fn same() -> Box<dyn Operator> {
    Box::new(|inputs: &[Option<&Tensor>]| Ok(vec![input(inputs, 0)?.clone()]))
}

fn many(combine: fn(f64, f64) -> f64) -> Box<dyn Operator> {
    Box::new(move |inputs: &[Option<&Tensor>]| {
        let mut all = input(inputs, 0)?.clone();
        for at in 1..inputs.len() {
            all = Tensor::new(all.kind, zip(&all.values, &input(inputs, at)?.values, combine)?);
        }
        Ok(vec![all])
    })
}

#[allow(clippy::cast_precision_loss, reason = "a node has few inputs")]
fn mean(inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
    let sum = many(|a, b| a + b).run(inputs)?.remove(0);
    let count = inputs.len() as f64;
    Ok(vec![Tensor::new(sum.kind, sum.values.mapv_into(|value| value / count))])
}

fn clip(inputs: &[Option<&Tensor>], least: Option<f64>, most: Option<f64>) -> Result<Vec<Tensor>, String> {
    let given = input(inputs, 0)?;
    let bound = |at: usize| inputs.get(at).copied().flatten().and_then(|bound| bound.values.first().copied());
    let (least, most) = (bound(1).or(least), bound(2).or(most));
    let clipped = given.values.mapv(|value| {
        let value = least.map_or(value, |least| largest(value, least));
        most.map_or(value, |most| smallest(value, most))
    });
    Ok(vec![Tensor::new(given.kind, clipped)])
}

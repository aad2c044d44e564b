//! What networks put between their layers.

use ndarray::Axis;

use super::Make;
use super::arithmetic::unary;
use super::broadcast::axis;
use crate::attributes::Attributes;
use crate::error::ModelError;
use crate::node::{Operator, input};
use crate::tensor::Tensor;

pub(super) const KNOWN: &[(&str, Make)] = &[
    ("BatchNormalization", |attributes, _| {
        let epsilon = attributes.float("epsilon")?.unwrap_or(1e-5);
        Ok(Box::new(move |inputs: &[Option<&Tensor>]| normalize(inputs, epsilon)))
    }),
    ("Elu", |attributes, _| {
        Ok(with(attributes.float("alpha")?.unwrap_or(1.0), |x, alpha| if x > 0.0 { x } else { alpha * x.exp_m1() }))
    }),
    ("HardSigmoid", |attributes, _| {
        let (alpha, beta) = (attributes.float("alpha")?.unwrap_or(0.2), attributes.float("beta")?.unwrap_or(0.5));
        Ok(Box::new(move |inputs: &[Option<&Tensor>]| {
            let given = input(inputs, 0)?;
            Ok(vec![Tensor::new(given.kind, given.values.mapv(|x| (alpha * x + beta).clamp(0.0, 1.0)))])
        }))
    }),
    ("LeakyRelu", |attributes, _| {
        Ok(with(attributes.float("alpha")?.unwrap_or(0.01), |x, alpha| if x < 0.0 { alpha * x } else { x }))
    }),
    ("LogSoftmax", |attributes, version| softmax(attributes, version, true)),
    ("Relu", |_, _| Ok(unary(|x| if x < 0.0 { 0.0 } else { x }))),
    ("Selu", |_, _| {
        Ok(unary(|x| {
            const ALPHA: f64 = 1.673_263_192_176_818_8;
            const GAMMA: f64 = 1.050_701_022_148_132_3;
            if x > 0.0 { GAMMA * x } else { GAMMA * ALPHA * x.exp_m1() }
        }))
    }),
    ("Sigmoid", |_, _| Ok(unary(sigmoid))),
    ("Softmax", |attributes, version| softmax(attributes, version, false)),
    ("Softplus", |_, _| Ok(unary(|x| x.max(0.0) + (-x.abs()).exp().ln_1p()))),
    ("Softsign", |_, _| Ok(unary(|x| x / (1.0 + x.abs())))),
    ("Tanh", |_, _| Ok(unary(f64::tanh))),
];

/// The logistic function, which neither end makes overflow.
pub(super) fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) }
}

/// Makes the numbers of a slice add up to 1.
pub(super) fn to_shares<'a>(values: impl Iterator<Item = &'a mut f64>) {
    let mut values: Vec<_> = values.collect();
    let largest = values.iter().fold(f64::NEG_INFINITY, |largest, value| largest.max(**value));
    let mut total = 0.0;
    for value in &mut values {
        **value = (**value - largest).exp();
        total += **value;
    }
    values.into_iter().for_each(|value| *value /= total);
}

fn with(parameter: f64, compute: fn(f64, f64) -> f64) -> Box<dyn Operator> {
    Box::new(move |inputs: &[Option<&Tensor>]| {
        let given = input(inputs, 0)?;
        Ok(vec![Tensor::new(given.kind, given.values.mapv(|value| compute(value, parameter)))])
    })
}

fn softmax(attributes: &Attributes<'_>, version: i64, is_log: bool) -> Result<Box<dyn Operator>, ModelError> {
    // Before version 13 all axes from this one on were one; of a table's two that is the same.
    let along = attributes.int("axis")?.unwrap_or(if version < 13 { 1 } else { -1 });
    Ok(Box::new(move |inputs: &[Option<&Tensor>]| {
        let given = input(inputs, 0)?;
        let along = axis(along, given.values.ndim())?;
        let mut values = given.values.clone();
        for mut lane in values.lanes_mut(Axis(along)) {
            to_shares(lane.iter_mut());
        }
        let values = if is_log { values.mapv_into(f64::ln) } else { values };
        Ok(vec![Tensor::new(given.kind, values)])
    }))
}

/// Each column less its mean, by its deviation, as they were learnt.
fn normalize(inputs: &[Option<&Tensor>], epsilon: f64) -> Result<Vec<Tensor>, String> {
    let given = input(inputs, 0)?;
    let mut learnt = vec![];
    for at in 1..5 {
        learnt.push(input(inputs, at)?);
    }
    let columns = given.values.shape().get(1).copied().unwrap_or(0);
    if given.values.ndim() != 2 || learnt.iter().any(|part| part.values.len() != columns) {
        return Err(format!(
            "expected rows of features and as many numbers for each, found a shape of {:?}",
            given.values.shape()
        ));
    }
    let part = |at: usize, column: usize| learnt[at].values.as_slice().map_or(f64::NAN, |values: &[f64]| values[column]);
    let mut values = given.values.clone();
    for mut row in values.rows_mut() {
        for (column, value) in row.iter_mut().enumerate() {
            let deviation = (part(3, column) + epsilon).sqrt();
            *value = (*value - part(2, column)) / deviation * part(0, column) + part(1, column);
        }
    }
    Ok(vec![Tensor::new(given.kind, values)])
}

//! Many numbers to one.

use ndarray::{ArrayD, Axis};

use super::Make;
use super::broadcast::axis;
use crate::attributes::Attributes;
use crate::error::ModelError;
use crate::node::{Operator, input};
use crate::tensor::{Kind, Tensor};

pub(super) const KNOWN: &[(&str, Make)] = &[
    ("ArgMax", |attributes, _| place(attributes, |new, old| new > old)),
    ("ArgMin", |attributes, _| place(attributes, |new, old| new < old)),
    ("ReduceL1", |attributes, _| reduce(attributes, |lane| lane.iter().map(|value| value.abs()).sum())),
    ("ReduceL2", |attributes, _| reduce(attributes, |lane| lane.iter().map(|value| value * value).sum::<f64>().sqrt())),
    ("ReduceLogSumExp", |attributes, _| {
        reduce(attributes, |lane| {
            let largest = lane.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            lane.iter().map(|value| (value - largest).exp()).sum::<f64>().ln() + largest
        })
    }),
    ("ReduceMax", |attributes, _| {
        reduce(attributes, |lane| lane.iter().copied().fold(f64::NEG_INFINITY, |a, b| if a.is_nan() || a > b { a } else { b }))
    }),
    ("ReduceMean", |attributes, _| {
        #[allow(clippy::cast_precision_loss, reason = "no lane is that long")]
        reduce(attributes, |lane| lane.iter().sum::<f64>() / lane.len() as f64)
    }),
    ("ReduceMin", |attributes, _| {
        reduce(attributes, |lane| lane.iter().copied().fold(f64::INFINITY, |a, b| if a.is_nan() || a < b { a } else { b }))
    }),
    ("ReduceProd", |attributes, _| reduce(attributes, |lane| lane.iter().product())),
    ("ReduceSum", |attributes, _| reduce(attributes, |lane| lane.iter().sum())),
    ("ReduceSumSquare", |attributes, _| reduce(attributes, |lane| lane.iter().map(|value| value * value).sum())),
];

fn reduce(attributes: &Attributes<'_>, sum: fn(&[f64]) -> f64) -> Result<Box<dyn Operator>, ModelError> {
    let axes = attributes.ints("axes");
    let keeps = attributes.int("keepdims")?.unwrap_or(1) != 0;
    let is_noop = attributes.int("noop_with_empty_axes")?.unwrap_or(0) != 0;
    Ok(Box::new(move |inputs: &[Option<&Tensor>]| {
        let given = input(inputs, 0)?;
        // An attribute once, an input since: whichever is there.
        let asked = inputs.get(1).copied().flatten().map(Tensor::whole).or_else(|| axes.clone()).unwrap_or_default();
        if asked.is_empty() && is_noop {
            return Ok(vec![given.clone()]);
        }
        let rank = given.values.ndim();
        let mut along: Vec<usize> = asked.iter().map(|at| axis(*at, rank)).collect::<Result<_, _>>()?;
        if along.is_empty() {
            along = (0..rank).collect();
        }
        along.sort_unstable();
        along.dedup();
        Ok(vec![Tensor::new(given.kind, along_axes(&given.values, &along, keeps, sum))])
    }))
}

/// Reduces several axes at once, so that a mean is one of all their numbers.
fn along_axes(values: &ArrayD<f64>, axes: &[usize], keeps: bool, sum: fn(&[f64]) -> f64) -> ArrayD<f64> {
    let rest: Vec<usize> = (0..values.ndim()).filter(|at| !axes.contains(at)).collect();
    let order: Vec<usize> = rest.iter().chain(axes).copied().collect();
    let moved = values.view().permuted_axes(order);
    let outer: usize = rest.iter().map(|at| values.shape()[*at]).product();
    let inner: usize = axes.iter().map(|at| values.shape()[*at]).product();
    let flat: Vec<f64> = moved.iter().copied().collect();
    let lanes = (0..outer).map(|at| sum(&flat[at * inner..][..inner])).collect();
    let shape: Vec<usize> = match keeps {
        true => (0..values.ndim()).map(|at| if axes.contains(&at) { 1 } else { values.shape()[at] }).collect(),
        false => rest.iter().map(|at| values.shape()[*at]).collect(),
    };
    ArrayD::from_shape_vec(shape, lanes).expect("one number for each place of what is left")
}

fn place(attributes: &Attributes<'_>, is_better: fn(f64, f64) -> bool) -> Result<Box<dyn Operator>, ModelError> {
    let along = attributes.int("axis")?.unwrap_or(0);
    let keeps = attributes.int("keepdims")?.unwrap_or(1) != 0;
    let takes_last = attributes.int("select_last_index")?.unwrap_or(0) != 0;
    Ok(Box::new(move |inputs: &[Option<&Tensor>]| {
        let given = input(inputs, 0)?;
        let along = axis(along, given.values.ndim())?;
        #[allow(clippy::cast_precision_loss, reason = "no lane is that long")]
        let mut places = given.values.map_axis(Axis(along), |lane| {
            let mut best = 0;
            for (at, value) in lane.iter().enumerate() {
                let is_equal = takes_last && *value == lane[best];
                if is_better(*value, lane[best]) || is_equal {
                    best = at;
                }
            }
            best as f64
        });
        if keeps {
            places = places.insert_axis(Axis(along));
        }
        Ok(vec![Tensor::new(Kind::I64, places)])
    }))
}

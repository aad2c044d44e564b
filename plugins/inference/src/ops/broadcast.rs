//! Shapes that are stretched to fit each other.

use ndarray::{ArrayD, IxDyn, Zip};

use crate::tensor::elements;

/// The shape that both fit, as ONNX and numpy stretch them.
pub(crate) fn common(a: &[usize], b: &[usize]) -> Result<Vec<usize>, String> {
    let rank = a.len().max(b.len());
    let dim = |shape: &[usize], at: usize| (at + shape.len()).checked_sub(rank).map_or(1, |at| shape[at]);
    let shape: Option<Vec<_>> = (0..rank)
        .map(|at| match (dim(a, at), dim(b, at)) {
            (a, b) if a == b => Some(a),
            (1, other) | (other, 1) => Some(other),
            _ => None,
        })
        .collect();
    shape
        .filter(|shape| elements(shape).is_some())
        .ok_or_else(|| format!("expected shapes that fit each other, found {a:?} and {b:?}"))
}

/// Combines two tensors, number by number.
pub(crate) fn zip(a: &ArrayD<f64>, b: &ArrayD<f64>, combine: impl Fn(f64, f64) -> f64) -> Result<ArrayD<f64>, String> {
    let shape = common(a.shape(), b.shape())?;
    let (Some(a), Some(b)) = (a.broadcast(IxDyn(&shape)), b.broadcast(IxDyn(&shape))) else {
        return Err(format!("expected shapes that fit {shape:?}"));
    };
    Ok(Zip::from(a).and(b).map_collect(|a, b| combine(*a, *b)))
}

/// An axis that may be counted from the end.
pub(crate) fn axis(axis: i64, rank: usize) -> Result<usize, String> {
    let signed = i64::try_from(rank).unwrap_or(i64::MAX);
    let at = if axis < 0 { axis.saturating_add(signed) } else { axis };
    usize::try_from(at).ok().filter(|at| *at < rank).ok_or_else(|| format!("expected an axis of {rank}, found {axis}"))
}

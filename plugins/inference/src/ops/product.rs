//! Products of matrices.

use ndarray::{Array2, ArrayView2, Ix2};

use super::Make;
use super::broadcast::zip;
use crate::node::{Operator, input};
use crate::tensor::Tensor;

pub(super) const KNOWN: &[(&str, Make)] = &[
    ("Gemm", |attributes, _| {
        let scale = (attributes.float("alpha")?.unwrap_or(1.0), attributes.float("beta")?.unwrap_or(1.0));
        let turn = (attributes.int("transA")?.unwrap_or(0) != 0, attributes.int("transB")?.unwrap_or(0) != 0);
        Ok(Box::new(move |inputs: &[Option<&Tensor>]| gemm(inputs, scale, turn)))
    }),
    ("MatMul", |_, _| Ok(matmul())),
];

fn matmul() -> Box<dyn Operator> {
    Box::new(|inputs: &[Option<&Tensor>]| {
        let (a, b) = (input(inputs, 0)?, input(inputs, 1)?);
        let is_vector = b.values.ndim() == 1;
        let right = if is_vector { b.values.view().insert_axis(ndarray::Axis(1)) } else { b.values.view() };
        let product = product(&matrix(a)?, &right.into_dimensionality::<Ix2>().map_err(|_| not_matrix(b))?)?;
        let values = if is_vector { product.remove_axis(ndarray::Axis(1)).into_dyn() } else { product.into_dyn() };
        Ok(vec![Tensor::new(a.kind, values)])
    })
}

fn gemm(inputs: &[Option<&Tensor>], scale: (f64, f64), turn: (bool, bool)) -> Result<Vec<Tensor>, String> {
    let (a, b) = (input(inputs, 0)?, input(inputs, 1)?);
    let view = |tensor: &'_ Tensor, is_turned: bool| -> Result<Array2<f64>, String> {
        let matrix = matrix(tensor)?;
        Ok(if is_turned { matrix.reversed_axes().to_owned() } else { matrix.to_owned() })
    };
    let mut values = product(&view(a, turn.0)?.view(), &view(b, turn.1)?.view())?.into_dyn();
    if scale.0 != 1.0 {
        values.mapv_inplace(|value| value * scale.0);
    }
    if let Some(c) = inputs.get(2).copied().flatten() {
        values = zip(&values, &c.values, |value, added| value + scale.1 * added)?;
    }
    Ok(vec![Tensor::new(a.kind, values)])
}

fn matrix(tensor: &Tensor) -> Result<ArrayView2<'_, f64>, String> {
    tensor.values.view().into_dimensionality::<Ix2>().map_err(|_| not_matrix(tensor))
}

fn not_matrix(tensor: &Tensor) -> String {
    format!("expected a matrix, found a tensor of the shape {:?}", tensor.values.shape())
}

/// The product, each number summed up from the first to the last.
fn product(a: &ArrayView2<'_, f64>, b: &ArrayView2<'_, f64>) -> Result<Array2<f64>, String> {
    if a.ncols() != b.nrows() {
        return Err(format!(
            "expected as many rows in the second matrix as columns in the first, found {} and {}",
            b.nrows(),
            a.ncols()
        ));
    }
    let mut out = Array2::zeros((a.nrows(), b.ncols()));
    for (row, mut out) in a.rows().into_iter().zip(out.rows_mut()) {
        for (value, right) in row.iter().zip(b.rows()) {
            for (sum, right) in out.iter_mut().zip(right) {
                *sum += value * right;
            }
        }
    }
    Ok(out)
}

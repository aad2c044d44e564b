//! `ai.onnx.ml`: what was learnt of a table's columns.

use ndarray::{Array2, ArrayD, IxDyn};

use super::Make;
use super::activate::{sigmoid, to_shares};
use crate::attributes::Attributes;
use crate::error::ModelError;
use crate::node::{Operator, input};
use crate::tensor::{Kind, Tensor};

pub(super) const KNOWN: &[(&str, Make)] = &[
    ("ArrayFeatureExtractor", |_, _| Ok(Box::new(extract))),
    ("Binarizer", |attributes, _| {
        let threshold = attributes.float("threshold")?.unwrap_or(0.0);
        Ok(Box::new(move |inputs: &[Option<&Tensor>]| {
            let given = input(inputs, 0)?;
            Ok(vec![Tensor::new(given.kind, given.values.mapv(|value| f64::from(u8::from(value > threshold))))])
        }))
    }),
    ("FeatureVectorizer", |_, _| Ok(Box::new(side_by_side))),
    ("Imputer", imputer),
    ("LinearClassifier", linear_classifier),
    ("LinearRegressor", linear_regressor),
    ("Normalizer", normalizer),
    ("Scaler", scaler),
];

/// A table as a matrix: one row alone may come as a vector.
pub(super) fn rows(tensor: &Tensor) -> Result<Array2<f64>, String> {
    let shape = tensor.values.shape();
    let shape = match shape {
        [columns] => [1, *columns],
        [rows, columns] => [*rows, *columns],
        other => return Err(format!("expected rows of features, found a tensor of the shape {other:?}")),
    };
    Array2::from_shape_vec(shape, tensor.clone().into_flat()).map_err(|error| error.to_string())
}

/// What is made of the scores of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finish {
    None,
    Logistic,
    Softmax,
    SoftmaxZero,
}

impl Finish {
    pub(super) fn of(attributes: &Attributes<'_>) -> Result<Self, ModelError> {
        match attributes.text("post_transform")?.as_deref() {
            None | Some("NONE") => Ok(Self::None),
            Some("LOGISTIC") => Ok(Self::Logistic),
            Some("SOFTMAX") => Ok(Self::Softmax),
            Some("SOFTMAX_ZERO") => Ok(Self::SoftmaxZero),
            Some(other) => {
                Err(attributes.fault("post_transform", "NONE, LOGISTIC, SOFTMAX or SOFTMAX_ZERO", format!("`{other}`")))
            }
        }
    }

    pub(super) fn apply(self, row: &mut [f64]) {
        match self {
            Self::None => {}
            Self::Logistic => row.iter_mut().for_each(|value| *value = sigmoid(*value)),
            Self::Softmax => to_shares(row.iter_mut()),
            Self::SoftmaxZero => to_shares(row.iter_mut().filter(|value| **value != 0.0)),
        }
    }
}

/// The class of each row, by its place among the labels, and the scores: the two outputs of a classifier.
pub(super) fn classes(scores: Array2<f64>, binary: bool) -> Vec<Tensor> {
    #[allow(clippy::cast_precision_loss, reason = "there are few classes")]
    let likeliest = |row: &[f64]| {
        if binary && row.len() == 2 {
            return f64::from(u8::from(row[1] > row[0]));
        }
        (1..row.len()).fold(0, |best, at| if row[at] > row[best] { at } else { best }) as f64
    };
    let labels = scores.rows().into_iter().map(|row| likeliest(&row.to_vec())).collect();
    vec![Tensor::vector(Kind::I64, labels), Tensor::new(Kind::F32, scores.into_dyn())]
}

/// How many classes the labels name.
pub(super) fn labels(attributes: &Attributes<'_>, ints: &str, texts: &str) -> Result<usize, ModelError> {
    let count = attributes.ints(ints).map(|labels| labels.len()).filter(|count| *count > 0);
    let count = count.or_else(|| attributes.texts(texts).map(|labels| labels.len()));
    count.filter(|count| *count > 0).ok_or_else(|| attributes.fault(texts, "the labels of the classes", "none"))
}

struct Linear {
    coefficients: Vec<f64>,
    intercepts: Vec<f64>,
    finish: Finish,
}

impl Linear {
    fn scores(&self, table: &Tensor) -> Result<Array2<f64>, String> {
        let table = rows(table)?;
        let targets = self.intercepts.len();
        let width = self.coefficients.len() / targets;
        if table.ncols() != width {
            return Err(format!("expected {width} features, found {}", table.ncols()));
        }
        let mut scores = Array2::zeros((table.nrows(), targets));
        for (features, mut scores) in table.rows().into_iter().zip(scores.rows_mut()) {
            let mut row: Vec<f64> = self.intercepts.clone();
            for (score, weights) in row.iter_mut().zip(self.coefficients.chunks_exact(width.max(1))) {
                let sum: f64 = features.iter().zip(weights).map(|(value, weight)| value * weight).sum();
                *score += sum;
            }
            self.finish.apply(&mut row);
            scores.iter_mut().zip(row).for_each(|(score, value)| *score = value);
        }
        Ok(scores)
    }
}

fn linear(attributes: &Attributes<'_>, targets: usize) -> Result<Linear, ModelError> {
    let coefficients = attributes.floats("coefficients").unwrap_or_default();
    let intercepts = attributes.floats("intercepts").filter(|all| !all.is_empty()).unwrap_or_else(|| vec![0.0; targets]);
    if targets == 0 || coefficients.is_empty() || !coefficients.len().is_multiple_of(targets) || intercepts.len() != targets {
        let found = format!("{} coefficients and {} intercepts", coefficients.len(), intercepts.len());
        return Err(attributes.fault("coefficients", &format!("some for each of {targets} targets"), found));
    }
    Ok(Linear { coefficients, intercepts, finish: Finish::of(attributes)? })
}

fn linear_regressor(attributes: &Attributes<'_>, _: i64) -> Result<Box<dyn Operator>, ModelError> {
    let targets = usize::try_from(attributes.int("targets")?.unwrap_or(1)).unwrap_or(0);
    let linear = linear(attributes, targets)?;
    Ok(Box::new(move |inputs: &[Option<&Tensor>]| Ok(vec![Tensor::new(Kind::F32, linear.scores(input(inputs, 0)?)?.into_dyn())])))
}

fn linear_classifier(attributes: &Attributes<'_>, _: i64) -> Result<Box<dyn Operator>, ModelError> {
    let count = labels(attributes, "classlabels_ints", "classlabels_strings")?;
    let given = attributes.floats("intercepts").map_or(count, |all| all.len());
    let linear = linear(attributes, if given == 1 { 1 } else { count })?;
    Ok(Box::new(move |inputs: &[Option<&Tensor>]| {
        let scores = linear.scores(input(inputs, 0)?)?;
        // One score of two classes is that of the second.
        let scores = if scores.ncols() == 1 && count == 2 { both(&scores, linear.finish == Finish::Logistic) } else { scores };
        Ok(classes(scores, false))
    }))
}

/// The scores of two classes, from that of the second.
pub(super) fn both(scores: &Array2<f64>, are_shares: bool) -> Array2<f64> {
    let mut out = Array2::zeros((scores.nrows(), 2));
    for (row, mut out) in scores.rows().into_iter().zip(out.rows_mut()) {
        out[0] = if are_shares { 1.0 - row[0] } else { -row[0] };
        out[1] = row[0];
    }
    out
}

fn scaler(attributes: &Attributes<'_>, _: i64) -> Result<Box<dyn Operator>, ModelError> {
    let (offset, scale) = (attributes.floats("offset").unwrap_or_default(), attributes.floats("scale").unwrap_or_default());
    Ok(Box::new(move |inputs: &[Option<&Tensor>]| {
        let mut table = rows(input(inputs, 0)?)?;
        let part = |all: &[f64], at: usize, default: f64| match all {
            [] => default,
            [one] => *one,
            all => all.get(at).copied().unwrap_or(f64::NAN),
        };
        for mut row in table.rows_mut() {
            for (at, value) in row.iter_mut().enumerate() {
                *value = (*value - part(&offset, at, 0.0)) * part(&scale, at, 1.0);
            }
        }
        Ok(vec![Tensor::new(Kind::F32, table.into_dyn())])
    }))
}

fn normalizer(attributes: &Attributes<'_>, _: i64) -> Result<Box<dyn Operator>, ModelError> {
    let norm: fn(&[f64]) -> f64 = match attributes.text("norm")?.as_deref() {
        None | Some("MAX") => |row| row.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        Some("L1") => |row| row.iter().map(|value| value.abs()).sum(),
        Some("L2") => |row| row.iter().map(|value| value * value).sum::<f64>().sqrt(),
        Some(other) => return Err(attributes.fault("norm", "MAX, L1 or L2", format!("`{other}`"))),
    };
    Ok(Box::new(move |inputs: &[Option<&Tensor>]| {
        let mut table = rows(input(inputs, 0)?)?;
        for mut row in table.rows_mut() {
            let size = norm(&row.to_vec());
            // A row of zeros stays one.
            if size != 0.0 {
                row.mapv_inplace(|value| value / size);
            }
        }
        Ok(vec![Tensor::new(Kind::F32, table.into_dyn())])
    }))
}

fn imputer(attributes: &Attributes<'_>, _: i64) -> Result<Box<dyn Operator>, ModelError> {
    let values = attributes.floats("imputed_value_floats").unwrap_or_default();
    let replaced = attributes.float("replaced_value_float")?.unwrap_or(f64::NAN);
    if values.is_empty() {
        return Err(attributes.fault("imputed_value_floats", "numbers", "none"));
    }
    Ok(Box::new(move |inputs: &[Option<&Tensor>]| {
        let given = input(inputs, 0)?;
        let mut table = rows(given)?;
        for mut row in table.rows_mut() {
            for (at, value) in row.iter_mut().enumerate() {
                let is_missing = if replaced.is_nan() { value.is_nan() } else { *value == replaced };
                if is_missing {
                    *value = if values.len() == 1 { values[0] } else { values.get(at).copied().unwrap_or(f64::NAN) };
                }
            }
        }
        Ok(vec![Tensor::new(given.kind, table.into_dyn())])
    }))
}

fn side_by_side(inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
    let parts: Vec<_> = (0..inputs.len()).map(|at| rows(input(inputs, at)?)).collect::<Result<_, _>>()?;
    let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
    let joined = ndarray::concatenate(ndarray::Axis(1), &views).map_err(|error| error.to_string())?;
    Ok(vec![Tensor::new(Kind::F32, joined.into_dyn())])
}

/// Columns by their places, along the last axis.
fn extract(inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
    let (given, places) = (input(inputs, 0)?, input(inputs, 1)?.whole());
    let table = rows(given)?;
    let places: Option<Vec<usize>> =
        places.iter().map(|place| usize::try_from(*place).ok().filter(|place| *place < table.ncols())).collect();
    let places = places.ok_or_else(|| format!("expected columns of {}", table.ncols()))?;
    let taken = table.select(ndarray::Axis(1), &places);
    let values: ArrayD<f64> = taken.into_dyn();
    debug_assert_eq!(values.raw_dim(), IxDyn(&[table.nrows(), places.len()]));
    Ok(vec![Tensor::new(given.kind, values)])
}

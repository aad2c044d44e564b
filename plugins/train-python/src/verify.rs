//! Holds the model that was written against the one that the script returned: both must say the same of the rows that it was trained on.
//!
//! An exporter that rounds, or has a fault, would otherwise be found in production, or never.

use sprag_sdk::{Failure, Scorer, Source};

use sprag_onnx_scorer::Scored;

/// How far an answer may be from the script's own, as a share of its size and that of the others. Graphs of 32 bits differ by less.
const TOLERANCE: f64 = 1e-4;

/// Scores the first rows of the training, and compares.
pub(crate) fn verify(model: &Scored, training: &impl Source, expected: &[f64], rows: usize) -> Result<(), Failure> {
    if rows == 0 {
        return Ok(());
    }
    let batch = u32::try_from(rows).map_err(|_| Failure::internal("more rows than one batch has"))?;
    let names: Vec<_> = model.inputs().into_iter().map(|field| field.name).collect();
    let first = training.batches(&names, batch)?.next().transpose()?;
    let columns = first.ok_or_else(|| Failure::internal("expected the rows of the training, found none"))?;
    let found = model.numbers(rows, &columns)?;
    if found.len() != expected.len() {
        return Err(differs(format!("{} numbers for {rows} rows", expected.len()), format!("{}", found.len())));
    }
    let width = expected.len() / rows;
    #[allow(clippy::cast_precision_loss, reason = "there are a thousand rows")]
    let size = expected.iter().map(|value| value.abs()).sum::<f64>() / expected.len() as f64;
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        let is_same = (found - expected).abs() <= TOLERANCE * (expected.abs() + size) || found.to_bits() == expected.to_bits();
        if !is_same {
            return Err(differs(format!("{expected} in row {} of the training", at / width), found.to_string()));
        }
    }
    Ok(())
}

fn differs(expected: String, found: String) -> Failure {
    Failure::unsupported(format!(
        "the ONNX model does not say what the script's model says: expected {expected}, found {found}; return another kind of model, or the bytes of an ONNX model that you exported"
    ))
}

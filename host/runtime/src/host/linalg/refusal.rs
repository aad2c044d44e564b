//! Errors of the computations as the contract has them.

use sprag_linalg_host::LinalgError as Error;

use crate::bindings::sprag::linalg::kernels::LinalgError;

pub(super) fn refused(error: Error) -> LinalgError {
    let message = error.to_string();
    match error {
        Error::Rows { .. }
        | Error::Columns { .. }
        | Error::TooManyColumns { .. }
        | Error::Values { .. }
        | Error::NoRows
        | Error::NotSquare { .. } => LinalgError::BadShape(message),
        Error::NotPositiveDefinite { .. } => LinalgError::NotPositiveDefinite(message),
        Error::NotFinite { .. } => LinalgError::BadValue(message),
        Error::Overflow { .. } | Error::NoConvergence { .. } | Error::Stopped => LinalgError::NoResult(message),
    }
}

pub(super) fn bad_shape(what: &str, expected: String, found: String) -> LinalgError {
    LinalgError::BadShape(format!("expected {expected} in {what}, found {found}"))
}

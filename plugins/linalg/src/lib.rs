//! Small dense linear algebra for plugins that train linear models: a Gram matrix by batches, a Cholesky solver, and symmetric eigenvalues.
//!
//! Matrices are square and row-major in a flat `Vec<f64>`. The order of every sum is fixed, so that a guest and a native build give the same bits. There is
//! deliberately no general matrix type, no threads and no dependency.

mod cholesky;
mod eigen;
mod gram;
mod pair;

pub use cholesky::Cholesky;
pub use eigen::{Eigen, eigen};
pub use gram::Gram;

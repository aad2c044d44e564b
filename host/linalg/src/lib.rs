//! Dense linear algebra on 64-bit floats at native speed, for what guests ask of the host.
//!
//! Tall matrices come as slices of their columns, which is how a table holds them, and are never copied as a whole; small ones are a [`Matrix`].
//!
//! # The same bits everywhere
//!
//! Every result is defined as one order of operations, each of which IEEE 754 rounds in one way, and the definition knows neither the number of threads nor
//! the width of a register:
//!
//! - An entry of a product ([`multiply`]) is the chain of fused multiply-adds over the inner index, from 0 up. An entry of a sum over rows ([`Gram`],
//!   [`Cross`]) is such a chain over each span of [`SPAN`] rows, counted from the first row ever added, and the spans' sums added in order. So it does not
//!   matter in what batches the rows come. [`Cholesky`]'s factor is the textbook's loop, with fused operations.
//! - The others ([`qr`], [`least_squares`], [`eigen`], [`column_stats`]) work on parts that the shape alone decides, with plain sums in eight or sixteen lanes.
//!
//! The vectors are as wide as the processor has them. A processor without fused multiply-add (before 2013) gives the same bits, slowly. What is not defined is
//! the payload of a NaN.
//!
//! # What it deliberately does not do
//!
//! It knows no tables, no guests and no files, starts no thread that outlives a call, and calls no BLAS: theirs change the order with the machine.
//!
//! ```
//! use sprag_linalg_host::{Cholesky, Gram, Matrix, Work};
//!
//! let (x, y) = ([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0]);
//! let work = Work::alone();
//! let mut gram = Gram::new(&[2.5, 5.0])?;
//! gram.add(&work, &[&x, &y], None)?;
//! let gram = gram.finish();
//! let factor = Cholesky::factor(&work, &Matrix::from_columns(&[&[gram.at(0, 0)]])?)?;
//! let slope = factor.solve(&work, &Matrix::from_columns(&[&[gram.at(0, 1)]])?)?;
//! assert_eq!(slope.at(0, 0), 2.0);
//! # Ok::<_, sprag_linalg_host::LinalgError>(())
//! ```

mod cholesky;
mod eigen;
mod error;
mod householder;
mod jacobi;
mod least_squares;
mod matrix;
mod pack;
mod product;
mod qr;
mod stats;
mod sums;
mod tile;
mod vector;
mod work;

pub use cholesky::Cholesky;
pub use eigen::{Eigen, eigen};
pub use error::LinalgError;
pub use least_squares::{LeastSquares, least_squares};
pub use matrix::{MOST_COLUMNS, Matrix};
pub use product::multiply;
pub use qr::{Qr, qr, triangle};
pub use stats::{ColumnStats, column_stats};
pub use sums::{Cross, Gram, SPAN};
pub use work::Work;

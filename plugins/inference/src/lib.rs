//! Evaluates ONNX graphs over tables: one tensor of features goes in, a row for each row of the table, and one tensor of answers comes out.
//!
//! It knows the operators that models of tables are made of (<https://onnx.ai/onnx/operators/>): arithmetic, comparisons, reductions, products of matrices, activations, shapes,
//! and of `ai.onnx.ml` linear models, scalers and ensembles of trees. It is no general runtime: no text, no images, no loops. What it does not know is refused when a
//! graph is read, by name.
//!
//! All numbers are held as 64-bit floats and rounded to the type that the graph gives them after each operator, which for sums, products and quotients is what 32-bit
//! arithmetic gives. Whole numbers are exact to 2^53. One order of operations, so the same bits everywhere.

mod attributes;
mod error;
mod model;
mod node;
mod ops;
mod plan;
mod proto;
mod tensor;
#[cfg(test)]
mod tests;

pub use error::{ModelError, RunError};
pub use model::Model;
pub use plan::{Answer, Plan};

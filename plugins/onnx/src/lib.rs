//! Linear models as ONNX, the format that onnxruntime and most serving systems read.
//!
//! A [`Linear`] becomes the graph `features [N, inputs] -> MatMul -> Add`, for a classifier followed by `Softmax` and `ArgMax`, all in 64-bit floats; its
//! [`Signature`] travels in the model's metadata. Reading is strict on purpose: [`Linear::decode`] takes the bytes that [`Linear::encode`] gives and nothing
//! else, so that no foreign or damaged file is scored by accident. It is no general ONNX reader and runs no graph.
//!
//! ```
//! use sprag_onnx::{Column, Head, Linear, Signature};
//!
//! let signature = Signature { inputs: vec![Column::new("x", "float")], outputs: vec![Column::new("prediction", "float")] };
//! let line = Linear { producer: "example".into(), signature, weights: vec![2.0], bias: vec![1.0], head: Head::Regression };
//! assert_eq!(Linear::decode(&line.encode())?, line);
//! # Ok::<(), sprag_onnx::ModelError>(())
//! ```

mod build;
mod error;
mod linear;
mod proto;
mod read;
mod signature;

pub use error::ModelError;
pub use linear::{Head, Linear, MEDIA_TYPE};
pub use signature::{Column, Signature};

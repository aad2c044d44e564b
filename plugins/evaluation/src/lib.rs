//! What the evaluation plugins share: the hold-out beside the predictions of two models, the rows of each slice, and the report.
//!
//! It deliberately knows no metric: those are each plugin's own, and so is the decision's arithmetic that of `sprag-gate`.

mod preview;
mod report;
mod slices;
mod walk;

pub use preview::Preview;
pub use report::conclude;
pub use slices::Slices;
pub use walk::{Batch, Contest};

//! CSV.

pub(crate) mod load;
mod timestamp;
pub(crate) mod write;

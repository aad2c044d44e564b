//! The pure core of sprag.

pub mod digest;

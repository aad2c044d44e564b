//! The stage kinds: for each a trait, a macro, and the bindings of its world.

pub mod evaluate;
pub mod register;
pub mod sanity_check;
pub mod train;
pub mod unit_test;

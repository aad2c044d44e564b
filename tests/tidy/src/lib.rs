//! Holds the repository to its own rules.
//!
//! Each rule that CONTRIBUTING.md states and a program can check is a test here, so that `cargo test` is the whole of the review that needs no
//! thought: which crate may depend on which, what every manifest and document must have, and the checks of rustfmt, clippy, rustdoc and cargo-deny.
//! There is nothing to call: the crate is its tests. It deliberately knows nothing of what sprag does, except for the page about the standard
//! plugins, which is made from the plugins themselves.

#![cfg(test)]

mod architecture;
mod defects;
mod direction;
mod links;
mod manifests;
mod plugins_page;
mod quotes;
mod repository;
mod text;
mod toolchain;

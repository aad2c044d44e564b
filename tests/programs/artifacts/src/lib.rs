//! Where the compiled test programs lie: a constant with the path of each, and `foreach_program!`, with which a suite makes sure at compile time that it
//! runs them all.

include!(concat!(env!("OUT_DIR"), "/programs.rs"));

//! CSV, read in parallel and written.
//!
//! The reader is this crate's own, over `memchr`, because what it must do a general one does not: infer types from every value, name the
//! line of every fault, bound a line's length, digest the bytes it parses, and use all cores. The stages, each in its file:
//! [`pieces`] cuts a stream of bytes where records end, [`records`] finds the fields in a piece, [`value`] reads one field as a number or
//! the like, [`builder`] gathers a column of a piece and finds its type, [`piece`] does that for all columns of a piece, and [`load`] runs
//! pieces on threads and joins what comes out. [`rows`] is another end for the same stages: records that are read, and set aside, a piece
//! at a time.

mod builder;
mod decimal;
mod fault;
pub(crate) mod fields;
mod header;
mod join;
pub(crate) mod load;
mod piece;
mod pieces;
mod records;
pub(crate) mod rows;
mod timestamp;
mod value;
pub(crate) mod write;

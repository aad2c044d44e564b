//! The data that a run works on: typed columnar tables that the host owns, read from CSV and Parquet, split, and profiled.
//!
//! A [`Table`] holds one contiguous Arrow array per column and is cheap to clone. [`load`] reads a file once, digests it on the way
//! and infers each column's type from every value in it. [`split()`] parts a table exactly as scikit-learn's `train_test_split` does,
//! and [`profile()`] writes down what a table looks like, so that a later one can be held against it.
//! [`RowFile`] reads a file of any size a block of rows at a time, and writes it again with columns added.
//!
//! Equal digests mean equal schema and rows, and a digest never needs a second pass over the cells: [`table_digest`] and
//! [`SplitSpec::digests`] give the same digests from a file's SHA-256 alone, so a fully cached run parses nothing.
//!
//! This crate deliberately knows no guests, no project file, no async runtime and no linear algebra.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("people.csv");
//! std::fs::write(&path, "age,name\n31,Ada\n,Grace\n")?;
//! let table = sprag_data::load(&sprag_data::Source::new(&path))?;
//! assert_eq!(table.row_count(), 2);
//! assert_eq!(table.column_f64("age")?[0], 31.0);
//! # Ok(()) }
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

mod cells;
mod column;
mod csv;
mod dtype;
mod error;
mod parquet;
mod profile;
mod rows;
mod sketch;
mod source;
mod split;
mod table;
mod threads;

pub use column::{Column, Values};
pub use csv::write::write_csv;
pub use dtype::{DType, Field, ParseDTypeError};
pub use error::{DataError, Names};
pub use profile::{Category, ColumnProfile, PROFILE_FORMAT, Profile, profile};
pub use rows::{Block, Kept, Lane, Part, Position, RowFault, RowFile, RowPlan, Strip, merge_faults};
pub use sketch::{count, count_column, sketch};
pub use source::{Format, Source, file_digest, load, table_digest};
pub use split::{Split, SplitDigests, SplitSpec, TestSize, split};
pub use table::Table;

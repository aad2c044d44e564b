//! The wire protocol of the scoring service: from a request's head and body to columns, and from predicted columns to the answer's bytes.
//!
//! Nothing here reads, waits or draws a random number, so that the scoring service and the packaged component, which are compiled for different
//! machines, give the same bytes: they run the same code. Sockets, keys, limits on time and the scoring itself are the caller's.
//!
//! ```
//! use sprag_scoring::{Api, Column, DType, Field, Head, ModelInfo, Route, Values};
//!
//! let field = |name: &str| Field { name: name.to_owned(), dtype: DType::Float, nullable: false };
//! let api = Api::new(ModelInfo {
//!     name: "diabetes".to_owned(),
//!     version: "3".to_owned(),
//!     digest: "sha256:00".to_owned(),
//!     inputs: vec![field("age"), field("bmi")],
//!     outputs: vec![field("prediction")],
//! });
//! let head = Head { method: "POST", target: "/score", content_type: Some("application/json"), ..Head::default() };
//! let Ok(Route::Score(ask)) = api.route(&head) else { panic!("a route that scores") };
//! let batch = api.decode(&ask, br#"{"data":[[1,2],[3,4]]}"#, 100).unwrap();
//! assert_eq!(batch.columns[0].values, Values::Floats(vec![1.0, 3.0]));
//! let predicted = [Column { values: Values::Floats(vec![0.5, 150.0]), validity: None }];
//! assert_eq!(api.answer(&batch.shape, batch.rows, &predicted).body, br#"{"result":[0.5,150.0]}"#);
//! ```

mod api;
mod columns;
mod infer;
mod infer_answer;
mod json;
mod metadata;
mod openapi;
mod percent;
mod problem;
mod reply;
mod score;
mod signature;
mod tensors;
mod trace;
mod write;

pub use api::{Api, Ask, Batch, Head, Route, Shape};
pub use columns::{Column, Values};
pub use problem::{ErrorStyle, Problem};
pub use reply::Reply;
pub use signature::{DType, Field, ModelInfo};
pub use trace::{BadTrace, TraceParent};

//! The rule by which a model earns production.
//!
//! A [`Rule`] is what the project demands, [`Evidence`] is what was measured, and [`decide`] makes a [`Verdict`] of the two: promote, keep or blocked, with the
//! sentence that people read. It is pure: no data, no models, no clock, and the same bits for the same evidence. It deliberately measures nothing itself, apart from
//! the paired bootstrap [`interval`] over a statistic that the caller computes.
//!
//! ```
//! use sprag_gate::{Direction, Evidence, Metric, Outcome, Rule, decide};
//!
//! let mse = Metric { name: "mse", direction: Direction::Lower, candidate: Some(3295.7), production: Some(3298.9) };
//! let evidence = Evidence { production: Some("diabetes@2".into()), metrics: vec![mse], ..Evidence::default() };
//! let verdict = decide(&Rule::default(), "mse", &evidence)?;
//! assert_eq!(verdict.outcome, Outcome::Promote);
//! assert_eq!(verdict.reason, "mse 3295.7 is 3.2 (0.097 %) lower than that of production `diabetes@2` (3298.9)");
//! # Ok::<(), sprag_gate::GateError>(())
//! ```

mod bootstrap;
mod checks;
mod decide;
mod error;
mod evidence;
mod figure;
mod random;
mod rule;

pub use bootstrap::interval;
pub use decide::{Check, Outcome, Verdict, decide};
pub use error::GateError;
pub use evidence::{Direction, Evidence, Interval, Metric, Slice};
pub use figure::figure;
pub use random::{Random, Reservoir};
pub use rule::{Bootstrap, Bound, FirstModel, Guard, Margin, Otherwise, Rule, SliceGuard};

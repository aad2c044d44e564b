//! Runs and releases as OpenTelemetry traces and metrics, sent by OTLP over HTTP (<https://opentelemetry.io/docs/specs/otlp/>).
//!
//! One span for each run and each of its stages, one for each release and each of its steps, made from the records when they are complete: the span's ids follow from
//! those of the records, so that telling again makes no other span. Settings are the variables that every OpenTelemetry exporter reads. A collector that is away costs
//! a warning, and never a run.

mod attributes;
mod context;
mod metrics;
mod send;
mod settings;
mod spans;

pub use context::{Context, ContextError};
pub use metrics::metrics_of_run;
pub use send::{Exporter, TelemetryError};
pub use settings::{Settings, SettingsError};
pub use spans::{spans_of_release, spans_of_run};

//! What a service counts, for Prometheus.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::catalog::ReleaseKey;
use crate::contest::ContestFigures;
use crate::observer::Observer;

/// The bounds of the histogram of times, in seconds: from a twentieth of a millisecond, which a good model takes, to the limit on a request.
const BOUNDS: [f64; 15] =
    [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 10.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RequestLabels {
    pub(crate) route: &'static str,
    pub(crate) status: u16,
    pub(crate) variant: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VariantLabels {
    variant: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ModelLabels {
    variant: String,
    model: String,
    version: String,
    digest: String,
}

/// What a service counts.
pub(crate) struct Figures {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<VariantLabels, Histogram, fn() -> Histogram>,
    predictions: Family<VariantLabels, Counter>,
    rejected: Family<ReasonLabels, Counter>,
    model: Family<ModelLabels, Gauge>,
    swaps: Counter,
    swap_failures: Counter,
    pub(crate) in_flight: Gauge<i64, AtomicI64>,
    pub(crate) connections: Gauge<i64, AtomicI64>,
    replaced: Counter<u64, AtomicU64>,
    observers: Vec<Arc<dyn Observer>>,
    /// What is counted of challengers.
    pub(crate) contest: ContestFigures,
}

impl Figures {
    pub(crate) fn new(observers: Vec<Arc<dyn Observer>>, lines_lost: Counter) -> Self {
        let mut registry = Registry::with_prefix("sprag");
        let requests = Family::default();
        let seconds: Family<_, _, fn() -> Histogram> = Family::new_with_constructor(|| Histogram::new(BOUNDS));
        let predictions = Family::default();
        let rejected = Family::default();
        let model = Family::default();
        let (swaps, swap_failures, replaced) = (Counter::default(), Counter::default(), Counter::default());
        let (in_flight, connections) = (Gauge::default(), Gauge::default());
        registry.register("requests", "Requests by route, status and variant", requests.clone());
        registry.register("scoring_seconds", "Time from a request's last byte to its answer", seconds.clone());
        registry.register("predictions", "Rows that were scored", predictions.clone());
        registry.register("rejected", "Requests that were turned away for want of room or time", rejected.clone());
        registry.register("model", "1 for the model that answers", model.clone());
        registry.register("swaps", "Times that another model took over", swaps.clone());
        registry.register(
            "swap_failures",
            "Times that a model could not be loaded, and the one before went on",
            swap_failures.clone(),
        );
        registry.register("scorers_failed", "Scorers that failed and were replaced", replaced.clone());
        let contest = ContestFigures::new(&mut registry, replaced.clone());
        registry.register("log_lines_lost", "Lines of the log that nobody took in time or that could not be written", lines_lost);
        registry.register("in_flight", "Requests that are being answered", in_flight.clone());
        registry.register("connections", "Connections that are open", connections.clone());
        Self {
            registry,
            requests,
            seconds,
            predictions,
            rejected,
            model,
            swaps,
            swap_failures,
            in_flight,
            connections,
            replaced,
            observers,
            contest,
        }
    }

    pub(crate) fn request(&self, labels: &RequestLabels) {
        self.requests.get_or_create(labels).inc();
    }

    pub(crate) fn scored(&self, variant: &'static str, rows: u32, time: Duration) {
        let labels = VariantLabels { variant };
        self.seconds.get_or_create(&labels).observe(time.as_secs_f64());
        self.predictions.get_or_create(&labels).inc_by(rows.into());
    }

    pub(crate) fn rejected(&self, reason: &'static str) {
        self.rejected.get_or_create(&ReasonLabels { reason }).inc();
    }

    pub(crate) fn scorer_failed(&self) {
        self.replaced.inc();
    }

    pub(crate) fn swapped(&self, variant: &'static str, before: Option<&ReleaseKey>, now: &ReleaseKey) {
        if let Some(before) = before {
            self.model.remove(&model_labels(variant, before));
            self.swaps.inc();
        }
        self.model.get_or_create(&model_labels(variant, now)).set(1);
    }

    pub(crate) fn swap_failed(&self) {
        self.swap_failures.inc();
    }

    /// All figures as text.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        let mut encode = || {
            text::encode_registry(&mut out, &self.registry)?;
            for observer in &self.observers {
                out.write_str(&observer.metrics())?;
            }
            text::encode_eof(&mut out)
        };
        match encode() {
            Ok(()) => out,
            Err(std::fmt::Error) => String::new(),
        }
    }
}

fn model_labels(variant: &str, key: &ReleaseKey) -> ModelLabels {
    let ReleaseKey { name, version, digest } = key.clone();
    ModelLabels { variant: variant.to_owned(), model: name, version, digest }
}

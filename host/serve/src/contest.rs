//! What a service counts of its challengers, for Prometheus.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use sprag_core::canary::{Cause, Progress};

use crate::difference::Difference;

/// The bounds of the histograms of differences. The first holds what is equal.
const BOUNDS: [f64; 11] = [0.0, 1e-12, 1e-9, 1e-6, 1e-4, 1e-3, 0.01, 0.1, 1.0, 10.0, 100.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VariantLabels {
    variant: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    variant: &'static str,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ColumnLabels {
    variant: &'static str,
    column: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CanaryLabels {
    variant: &'static str,
    state: &'static str,
    cause: &'static str,
    reason: String,
}

type Histograms = Family<ColumnLabels, Histogram, fn() -> Histogram>;

/// What is counted of challengers. All clones count together.
#[derive(Clone)]
pub(crate) struct ContestFigures {
    weight: Family<VariantLabels, Gauge>,
    fuse: Family<VariantLabels, Gauge>,
    failures: Family<ReasonLabels, Counter>,
    fallbacks: Family<VariantLabels, Counter>,
    rows: Family<VariantLabels, Counter>,
    mismatches: Family<ColumnLabels, Counter>,
    absolute: Histograms,
    relative: Histograms,
    dropped: Family<ReasonLabels, Counter>,
    canary: Family<CanaryLabels, Gauge>,
    scorers_failed: Counter,
}

impl ContestFigures {
    /// Registers all of them. `scorers_failed` counts the champion's too.
    pub(crate) fn new(registry: &mut Registry, scorers_failed: Counter) -> Self {
        let histograms = || Histograms::new_with_constructor(|| Histogram::new(BOUNDS));
        let all = Self {
            weight: Family::default(),
            fuse: Family::default(),
            failures: Family::default(),
            fallbacks: Family::default(),
            rows: Family::default(),
            mismatches: Family::default(),
            absolute: histograms(),
            relative: histograms(),
            dropped: Family::default(),
            canary: Family::default(),
            scorers_failed,
        };
        registry.register(
            "variant_weight",
            "The share of the requests that a variant is to answer, in percent",
            all.weight.clone(),
        );
        registry.register(
            "challenger_paused",
            "1 for a challenger that failed again and again and is not asked",
            all.fuse.clone(),
        );
        registry.register("challenger_failures", "Requests that a challenger did not answer, by reason", all.failures.clone());
        registry.register("fallbacks", "Requests that the champion answered in a challenger's place", all.fallbacks.clone());
        registry.register("shadow_rows", "Rows in which a shadow was compared with the champion", all.rows.clone());
        registry.register("shadow_mismatches", "Values of a shadow that do not match the champion's", all.mismatches.clone());
        registry.register(
            "shadow_absolute_difference",
            "How far a shadow's numbers lie from the champion's",
            all.absolute.clone(),
        );
        registry.register("shadow_relative_difference", "The same by the larger of the two numbers", all.relative.clone());
        registry.register("shadow_dropped", "Requests that a shadow was not asked, by reason", all.dropped.clone());
        registry.register("canary", "1 for what became of the challenger whose weight is set by an analysis", all.canary.clone());
        all
    }

    pub(crate) fn weight(&self, variant: &'static str, weight: u32) {
        self.weight.get_or_create(&VariantLabels { variant }).set(weight.into());
    }

    pub(crate) fn fuse(&self, variant: &'static str, is_blown: bool) {
        self.fuse.get_or_create(&VariantLabels { variant }).set(is_blown.into());
    }

    pub(crate) fn failed(&self, variant: &'static str, reason: &'static str) {
        self.failures.get_or_create(&ReasonLabels { variant, reason }).inc();
    }

    pub(crate) fn fell_back(&self, variant: &'static str) {
        self.fallbacks.get_or_create(&VariantLabels { variant }).inc();
    }

    pub(crate) fn scorer_failed(&self) {
        self.scorers_failed.inc();
    }

    pub(crate) fn shadow_dropped(&self, variant: &'static str, reason: &'static str) {
        self.dropped.get_or_create(&ReasonLabels { variant, reason }).inc();
    }

    pub(crate) fn shadow_compared(&self, variant: &'static str, rows: u32, differences: &[Difference]) {
        self.rows.get_or_create(&VariantLabels { variant }).inc_by(rows.into());
        for difference in differences {
            let labels = ColumnLabels { variant, column: difference.column.clone() };
            self.mismatches.get_or_create(&labels).inc_by(difference.mismatches);
            if difference.distances.is_empty() {
                continue;
            }
            let (absolute, relative) = (self.absolute.get_or_create_owned(&labels), self.relative.get_or_create_owned(&labels));
            for (by, share) in &difference.distances {
                absolute.observe(*by);
                relative.observe(*share);
            }
        }
    }

    /// What became of the challenger, in place of what was said before.
    pub(crate) fn canary(&self, variant: &'static str, progress: &Progress) {
        let (state, cause, reason) = match progress {
            Progress::Step { .. } => ("step", None, ""),
            Progress::Complete => ("complete", None, ""),
            Progress::RolledBack { cause, reason } => ("rolled-back", Some(*cause), reason.as_str()),
        };
        let labels = CanaryLabels { variant, state, cause: cause.map_or("", Cause::as_str), reason: reason.to_owned() };
        self.canary.clear();
        self.canary.get_or_create(&labels).set(1);
    }
}

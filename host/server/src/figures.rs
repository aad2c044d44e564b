//! What a server counts, for Prometheus.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::problem::Problem;
use crate::site::Site;

/// The type of the text.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    pipeline: String,
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RunLabels {
    project: String,
    outcome: String,
}

/// The figures, read from the stores as they are asked for: a server that begins anew has forgotten none.
pub(crate) fn text(site: &Site) -> Result<String, Problem> {
    let mut registry = Registry::with_prefix("sprag_server");
    let requests: Family<RequestLabels, Gauge> = Family::default();
    let runs: Family<RunLabels, Gauge<u64, AtomicU64>> = Family::default();
    registry.register("requests", "Requests that wait or are under way", requests.clone());
    registry.register("runs", "Runs on record, by how they ended", runs.clone());
    for hosted in &site.hosted {
        for request in hosted.store.open_requests()? {
            requests.get_or_create(&RequestLabels { pipeline: request.pipeline.name, state: request.state.name() }).inc();
        }
        for (project, outcome, count) in hosted.store.count_runs()? {
            runs.get_or_create(&RunLabels { project, outcome }).set(count);
        }
    }
    let mut written = String::new();
    text::encode(&mut written, &registry).map_err(|error| Problem::internal(&error))?;
    Ok(written)
}

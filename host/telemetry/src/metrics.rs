//! A run as metrics: how long it and its stages took, and what its stages measured.

use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
};
use sprag_schemas::record::RunRecord;

use crate::attributes::{Attributes, nanos};
use crate::spans::result_of_run;

/// The bounds of the histograms, in seconds: from a run that the cache answers to one of a day.
const BOUNDS: [f64; 12] = [0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0];

/// The metrics of a run.
pub fn metrics_of_run(run: &RunRecord) -> Vec<Metric> {
    let (start, end) = (nanos(&run.started_at), nanos(run.finished_at.as_deref().unwrap_or(&run.started_at)));
    #[expect(clippy::cast_precision_loss, reason = "a run's time has less digits than a float")]
    let seconds = end.saturating_sub(start) as f64 / 1e9;
    let of_run = Attributes::default()
        .text("cicd.pipeline.name", &run.project)
        .text("cicd.pipeline.result", result_of_run(run.outcome))
        .text("cicd.pipeline.run.state", "executing")
        .text("sprag.run.outcome", run.outcome.name());
    let mut metrics =
        vec![histogram("cicd.pipeline.run.duration", "How long a run took", vec![point(seconds, start, end, of_run)])];
    let stages = run.stages.iter().filter(|stage| stage.started_at.is_some());
    let stages = stages.map(|stage| {
        let attributes = Attributes::default()
            .text("cicd.pipeline.name", &run.project)
            .text("cicd.pipeline.task.name", &stage.name)
            .text("sprag.stage.kind", stage.kind.name())
            .text("sprag.stage.status", stage.status.name())
            .flag("sprag.cached", stage.cached_from.is_some());
        point(stage.duration_ms / 1e3, start, end, attributes)
    });
    metrics.push(histogram("sprag.stage.duration", "How long a stage took", stages.collect()));
    let measured = run.stages.iter().flat_map(|stage| stage.report.metrics.iter().map(move |metric| (stage, metric)));
    let gauges = measured.filter(|(_, metric)| metric.step.is_none()).map(|(stage, metric)| {
        let attributes = Attributes::default()
            .text("cicd.pipeline.name", &run.project)
            .text("cicd.pipeline.task.name", &stage.name)
            .text("sprag.metric.name", &metric.name)
            .maybe("sprag.metric.split", metric.split.as_ref());
        NumberDataPoint {
            attributes: attributes.0,
            start_time_unix_nano: start,
            time_unix_nano: end,
            value: Some(Value::AsDouble(metric.value)),
            ..NumberDataPoint::default()
        }
    });
    let gauges: Vec<_> = gauges.collect();
    if !gauges.is_empty() {
        metrics.push(metric(
            "sprag.metric",
            "What a stage measured of a model or of data",
            "1",
            Data::Gauge(Gauge { data_points: gauges }),
        ));
    }
    metrics
}

fn metric(name: &str, description: &str, unit: &str, data: Data) -> Metric {
    let (name, description, unit) = (name.to_owned(), description.to_owned(), unit.to_owned());
    Metric { name, description, unit, data: Some(data), ..Metric::default() }
}

/// A program that lives for one run knows of no other: what it tells is what was added.
fn histogram(name: &str, description: &str, data_points: Vec<HistogramDataPoint>) -> Metric {
    let data = Histogram { data_points, aggregation_temporality: AggregationTemporality::Delta as i32 };
    metric(name, description, "s", Data::Histogram(data))
}

fn point(seconds: f64, start: u64, end: u64, attributes: Attributes) -> HistogramDataPoint {
    let place = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
    HistogramDataPoint {
        attributes: attributes.0,
        start_time_unix_nano: start,
        time_unix_nano: end,
        count: 1,
        sum: Some(seconds),
        bucket_counts: (0..=BOUNDS.len()).map(|at| u64::from(at == place)).collect(),
        explicit_bounds: BOUNDS.to_vec(),
        min: Some(seconds),
        max: Some(seconds),
        ..HistogramDataPoint::default()
    }
}

//! OpenTelemetry, where its variables ask for it: what ended is sent, and whoever began the trace is found in `TRACEPARENT`.

use std::sync::Arc;

use sprag_lifecycle::Ended;
use sprag_schemas::record::RunRecord;
use sprag_schemas::release::{ReleaseOutcome, ReleaseRecord};
use sprag_telemetry::{Context, Exporter, Settings, metrics_of_run, spans_of_release, spans_of_run};

use crate::console::{Console, WARN};

/// What is done with the records of runs that ended; nothing where nobody asks for it.
pub(super) fn ended(console: &Console) -> Option<Ended> {
    let (exporter, console) = (Arc::new(exporter(console)?), *console);
    Some(Ended::new(move |record: RunRecord| {
        let exporter = exporter.clone();
        Box::pin(async move {
            let sent = [exporter.traces(spans_of_run(&record)).await, exporter.metrics(metrics_of_run(&record)).await];
            sent.into_iter().filter_map(Result::err).for_each(|error| warn(&console, &error));
        })
    }))
}

/// Sends the spans of a release that is over. One that waits is sent when it ends.
pub(super) async fn release(record: &ReleaseRecord, console: &Console) {
    if matches!(record.outcome, ReleaseOutcome::Running | ReleaseOutcome::AwaitingApproval) {
        return;
    }
    let Some(exporter) = exporter(console) else { return };
    if let Err(error) = exporter.traces(spans_of_release(record, traceparent(console).as_deref())).await {
        warn(console, &error);
    }
}

/// The span that this command is part of.
pub(super) fn traceparent(console: &Console) -> Option<String> {
    let text = std::env::var("TRACEPARENT").ok().filter(|text| !text.is_empty())?;
    match text.parse::<Context>() {
        Ok(context) => Some(context.to_string()),
        Err(error) => {
            warn(console, &error);
            None
        }
    }
}

fn exporter(console: &Console) -> Option<Exporter> {
    let settings = Settings::read(&|name| std::env::var(name).ok());
    let settings = settings.map_err(|error| warn(console, &error)).ok().flatten()?;
    Exporter::new(settings).map_err(|error| warn(console, &error)).ok()
}

fn warn(console: &Console, error: &dyn std::fmt::Display) {
    console.note(&format!("{WARN}warning:{WARN:#} nothing is sent to OpenTelemetry: {error}"));
}

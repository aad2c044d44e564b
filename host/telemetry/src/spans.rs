//! Records as spans.

use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use sprag_schemas::record::{RunOutcome, RunRecord, StageError, StageRecord, StageStatus};
use sprag_schemas::release::{Purpose, ReleaseOutcome, ReleaseRecord, StepRecord, StepStatus};

use crate::attributes::{Attributes, nanos};
use crate::context::Context;

/// The spans of a run: the run's own first, then one for each stage that began. None where whoever asked for the run does not want it recorded.
pub fn spans_of_run(run: &RunRecord) -> Vec<Span> {
    let Some(place) = Place::of(&run.id, run.traceparent.as_deref()) else { return vec![] };
    let end = run.finished_at.as_deref().unwrap_or(&run.started_at);
    let attributes = Attributes::default()
        .text("cicd.pipeline.name", &run.project)
        .text("cicd.pipeline.run.id", &run.id)
        .text("cicd.pipeline.result", result_of_run(run.outcome))
        .maybe("cicd.pipeline.run.url.full", run.origin.build_uri.as_ref())
        .maybe("vcs.ref.head.revision", run.origin.git_commit.as_ref())
        .text("sprag.run.outcome", run.outcome.name())
        .text("sprag.run.reason", &run.reason)
        .maybe("sprag.pipeline.version", run.pipeline.as_ref().map(|pipeline| pipeline.version.to_string()))
        .maybe("sprag.trigger.cause", run.trigger.as_ref().map(|trigger| trigger.cause.name()))
        .maybe("sprag.model.digest", run.candidate.as_ref().map(|model| &model.digest))
        .maybe("sprag.model.registered", run.registered.as_ref().map(ToString::to_string));
    let is_bad = matches!(run.outcome, RunOutcome::Blocked | RunOutcome::Error | RunOutcome::Interrupted);
    let mut spans = vec![Span {
        name: format!("RUN {}", run.project),
        kind: SpanKind::Server as i32,
        start_time_unix_nano: nanos(&run.started_at),
        end_time_unix_nano: nanos(end),
        attributes: attributes.0,
        status: Some(status(is_bad.then_some(run.reason.as_str()))),
        ..place.root()
    }];
    spans.extend(run.stages.iter().filter_map(|stage| {
        let started = nanos(stage.started_at.as_ref()?);
        let is_bad = matches!(stage.status, StageStatus::Failed | StageStatus::Blocked);
        Some(Span {
            name: stage.name.clone(),
            kind: SpanKind::Internal as i32,
            start_time_unix_nano: started,
            end_time_unix_nano: started + duration(stage),
            attributes: attributes_of_stage(&run.id, stage).0,
            events: stage.error.iter().map(|error| exception(error, started + duration(stage))).collect(),
            status: Some(status(is_bad.then_some(stage.reason.as_str()))),
            ..place.part(&stage.name)
        })
    }));
    spans
}

/// The spans of a release that is over: the release's own first, then one for each step that began.
pub fn spans_of_release(release: &ReleaseRecord, traceparent: Option<&str>) -> Vec<Span> {
    let Some(place) = Place::of(&release.id, traceparent) else { return vec![] };
    let end = release.finished_at.as_deref().unwrap_or(&release.started_at);
    let result = match release.outcome {
        ReleaseOutcome::Released => "success",
        ReleaseOutcome::Cancelled => "cancellation",
        ReleaseOutcome::RolledBack | ReleaseOutcome::Blocked => "failure",
        _ => "error",
    };
    let attributes = Attributes::default()
        .text("cicd.pipeline.name", &release.project)
        .text("cicd.pipeline.run.id", &release.id)
        .text("cicd.pipeline.result", result)
        .text("deployment.environment.name", &release.to)
        .text("sprag.release.outcome", release.outcome.name())
        .text("sprag.release.reason", &release.reason)
        .text("sprag.model.digest", &release.model)
        .text("sprag.model.version", release.version.to_string());
    let verb = if release.purpose == Purpose::Rollback { "ROLLBACK" } else { "RELEASE" };
    let mut spans = vec![Span {
        name: format!("{verb} {}", release.project),
        kind: SpanKind::Server as i32,
        start_time_unix_nano: nanos(&release.started_at),
        end_time_unix_nano: nanos(end),
        attributes: attributes.0,
        status: Some(status((result != "success").then_some(release.reason.as_str()))),
        ..place.root()
    }];
    spans.extend(release.steps.iter().filter_map(|step| span_of_step(&place, &release.id, step)));
    spans
}

fn span_of_step(place: &Place, release: &str, step: &StepRecord) -> Option<Span> {
    let (started, ended) = (nanos(step.started_at.as_ref()?), nanos(step.finished_at.as_ref()?));
    let is_bad = step.status == StepStatus::Failed;
    let attributes = Attributes::default()
        .text("cicd.pipeline.task.name", &step.name)
        .text("cicd.pipeline.task.run.id", format!("{release}/{}", step.name))
        .maybe("deployment.environment.name", step.environment.as_ref())
        .maybe("sprag.plugin.name", step.plugin.as_ref().map(|plugin| &plugin.name))
        .maybe("sprag.plugin.digest", step.plugin.as_ref().map(|plugin| &plugin.digest))
        .whole("sprag.attempts", step.attempts.into());
    Some(Span {
        name: step.name.clone(),
        kind: SpanKind::Internal as i32,
        start_time_unix_nano: started,
        end_time_unix_nano: ended,
        attributes: attributes.0,
        events: step.error.iter().map(|error| exception(error, ended)).collect(),
        status: Some(status(is_bad.then_some(step.reason.as_str()))),
        ..place.part(&step.name)
    })
}

fn attributes_of_stage(run: &str, stage: &StageRecord) -> Attributes {
    let result = match stage.status {
        StageStatus::Passed => "success",
        StageStatus::Blocked => "failure",
        StageStatus::Skipped => "skip",
        StageStatus::Failed => "error",
        StageStatus::Cancelled => "cancellation",
    };
    let mut attributes = Attributes::default()
        .text("cicd.pipeline.task.name", &stage.name)
        .text("cicd.pipeline.task.run.id", format!("{run}/{}", stage.name))
        .text("cicd.pipeline.task.run.result", result)
        .text("sprag.stage.kind", stage.kind.name())
        .text("sprag.stage.reason", &stage.reason)
        .text("sprag.plugin.name", &stage.plugin.name)
        .text("sprag.plugin.version", &stage.plugin.version)
        .text("sprag.plugin.digest", &stage.plugin.digest)
        .flag("sprag.cached", stage.cached_from.is_some());
    for metric in stage.report.metrics.iter().filter(|metric| metric.step.is_none()) {
        let split = metric.split.as_ref().map(|split| format!("{split}.")).unwrap_or_default();
        attributes = attributes.number(&format!("sprag.metric.{split}{}", metric.name), metric.value);
    }
    attributes
}

/// What a run's outcome is in the words of the conventions.
pub(crate) fn result_of_run(outcome: RunOutcome) -> &'static str {
    match outcome {
        RunOutcome::Promoted | RunOutcome::Kept | RunOutcome::Succeeded => "success",
        RunOutcome::Blocked => "failure",
        RunOutcome::Cancelled => "cancellation",
        RunOutcome::Error | RunOutcome::Running | RunOutcome::Interrupted => "error",
    }
}

/// A stage's time in nanoseconds.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a duration is neither negative nor of centuries")]
fn duration(stage: &StageRecord) -> u64 {
    (stage.duration_ms.max(0.0) * 1e6) as u64
}

/// What went wrong, as the conventions for exceptions have it.
fn exception(error: &StageError, at: u64) -> Event {
    let attributes = Attributes::default().text("exception.type", &error.kind).text("exception.message", &error.message);
    Event { time_unix_nano: at, name: "exception".to_owned(), attributes: attributes.0, dropped_attributes_count: 0 }
}

fn status(fault: Option<&str>) -> Status {
    match fault {
        Some(message) => Status { message: message.to_owned(), code: StatusCode::Error as i32 },
        None => Status { message: String::new(), code: StatusCode::Ok as i32 },
    }
}

/// Where in a trace a record's spans stand.
struct Place<'a> {
    id: &'a str,
    trace: [u8; 16],
    parent: Option<[u8; 8]>,
}

impl<'a> Place<'a> {
    /// The place; none where whoever began the trace does not want it recorded. A parent that cannot be read is none.
    fn of(id: &'a str, traceparent: Option<&str>) -> Option<Self> {
        match traceparent.and_then(|text| text.parse::<Context>().ok()) {
            Some(parent) if !parent.is_sampled => None,
            Some(parent) => Some(Self { id, trace: parent.trace, parent: Some(parent.span) }),
            None => Some(Self { id, trace: Context::root(id), parent: None }),
        }
    }

    fn root(&self) -> Span {
        let parent = self.parent.map(Vec::from).unwrap_or_default();
        Span {
            trace_id: self.trace.to_vec(),
            span_id: Context::span_of(self.id, "").to_vec(),
            parent_span_id: parent,
            ..Span::default()
        }
    }

    fn part(&self, name: &str) -> Span {
        Span {
            trace_id: self.trace.to_vec(),
            span_id: Context::span_of(self.id, name).to_vec(),
            parent_span_id: Context::span_of(self.id, "").to_vec(),
            ..Span::default()
        }
    }
}

//! Runs: those that ended, those under way, and what waits.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sprag_core::digest::Digest;
use sprag_schemas::pipeline::RunRequest;
use sprag_schemas::record::{RunOutcome, RunRecord};
use sprag_schemas::server::Role;

use super::body::{InPath, InQuery, Json};
use super::{Shared, blocking};
use crate::auth::Caller;
use crate::problem::Problem;
use crate::site::{Hosted, Site};

/// How many runs are listed where nobody says.
const USUAL: usize = 50;

/// How many are listed at most.
const MOST: usize = 500;

/// What `GET /api/v1/runs` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Page {
    /// How many at most.
    limit: Option<usize>,
    /// Only runs that come after this one in the list, by its id.
    before: Option<String>,
    /// Only runs of this project.
    project: Option<String>,
    /// Only runs that ended so.
    outcome: Option<RunOutcome>,
}

/// A run with the request that it is for.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct RunView {
    /// The request; none for a run of `sprag run`.
    pub request: Option<RunRequest>,
    /// The run; none while the request waits.
    pub run: Option<RunRecord>,
}

/// `GET /api/v1/runs`: newest first.
pub(super) async fn list(
    State(shared): State<Shared>,
    caller: Caller,
    InQuery(page): InQuery<Page>,
) -> Result<Json<Vec<RunRecord>>, Problem> {
    caller.need(Role::Viewer)?;
    blocking(move || {
        let limit = page.limit.unwrap_or(USUAL);
        if !(1..=MOST).contains(&limit) {
            return Err(Problem::bad_request(format!("expected a `limit` of 1 to {MOST}, found {limit}")));
        }
        let Page { before, project, outcome, limit: _ } = page;
        let runs = shared.site.runs(limit, before.as_deref(), project.as_deref(), outcome)?;
        Ok(Json(runs))
    })
    .await
}

/// `GET /api/v1/runs/{id}`: of a run, or of a request.
pub(super) async fn show(
    State(shared): State<Shared>,
    caller: Caller,
    InPath(id): InPath<String>,
) -> Result<Json<RunView>, Problem> {
    caller.need(Role::Viewer)?;
    blocking(move || view(&shared.site, &id).map(Json)).await
}

/// `POST /api/v1/runs/{id}/cancel`
pub(super) async fn cancel(
    State(shared): State<Shared>,
    caller: Caller,
    InPath(id): InPath<String>,
) -> Result<Response, Problem> {
    caller.need(Role::Runner)?;
    blocking(move || {
        let (hosted, request) = shared.site.find_request(&id)?.ok_or_else(|| unknown(&id))?;
        if shared.site.cancel(&hosted, &request, &caller.user)? {
            return Ok((StatusCode::ACCEPTED, Json(view(&shared.site, &id)?)).into_response());
        }
        Err(Problem::conflict(format!("the run `{id}` is over")))
    })
    .await
}

/// `GET /api/v1/runs/{id}/artifacts/{stage}/{name}`: as a file to keep, never as a page of this server.
pub(super) async fn artifact(
    State(shared): State<Shared>,
    caller: Caller,
    InPath((id, stage, name)): InPath<(String, String, String)>,
) -> Result<Response, Problem> {
    caller.need(Role::Viewer)?;
    let (file, length) = blocking(move || {
        let none = || Problem::not_found(format!("the stage `{stage}` of the run `{id}` has no artifact `{name}`"));
        for hosted in &shared.site.hosted {
            let Some(run) = hosted.store.run(&id)? else { continue };
            let stage = run.stages.iter().find(|found| found.name == stage).ok_or_else(none)?;
            let artifact = stage.report.artifacts.iter().find(|found| found.name == name).ok_or_else(none)?;
            let digest: Digest = artifact.digest.parse().map_err(|_| none())?;
            let file = hosted.store.open_blob(&digest)?;
            let length = file.metadata().map_err(|error| Problem::internal(&error))?.len();
            return Ok((tokio::fs::File::from_std(file), length));
        }
        Err(unknown(&id))
    })
    .await?;
    let stream = futures_util::stream::try_unfold(file, |mut file| async move {
        use tokio::io::AsyncReadExt;
        let mut piece = vec![0; 64 << 10];
        let count = file.read(&mut piece).await?;
        piece.truncate(count);
        Ok::<_, std::io::Error>((count > 0).then_some((piece, file)))
    });
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, "attachment".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
    ];
    Ok((headers, Body::from_stream(stream)).into_response())
}

/// A run with its request, by the id of either.
pub(crate) fn view(site: &Site, id: &str) -> Result<RunView, Problem> {
    find(site, id).map(|(_, view)| view)
}

/// The same with the project that it is of.
pub(crate) fn find(site: &Site, id: &str) -> Result<(Arc<Hosted>, RunView), Problem> {
    if let Some((hosted, request)) = site.find_request(id)? {
        let run = request.run.as_deref().map(|run| hosted.store.run(run)).transpose()?.flatten();
        return Ok((hosted, RunView { request: Some(request), run }));
    }
    for hosted in &site.hosted {
        if let Some(run) = hosted.store.run(id)? {
            return Ok((hosted.clone(), RunView { request: None, run: Some(run) }));
        }
    }
    Err(unknown(id))
}

fn unknown(id: &str) -> Problem {
    Problem::not_found(format!("no run is called `{id}`")).hint(Some("`GET /api/v1/runs` lists them".to_owned()))
}

//! Pushes to repositories.

use std::collections::BTreeMap;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use sprag_pipelines::{RESERVED, Wish, trigger};
use sprag_schemas::pipeline::Cause;
use sprag_schemas::triggers::TriggerKind;
use sprag_store::Enqueued;

use super::body::{InPath, Json, bytes};
use super::{Shared, blocking};
use crate::problem::Problem;
use crate::webhook::{self, Delivery, WebhookError};

/// What became of a delivery.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) struct HookAnswer {
    /// The run that it led to; none where it leads to none.
    pub run: Option<String>,
    /// Why, in one sentence.
    pub reason: String,
}

impl webhook::Headers for HeaderMap {
    fn get(&self, name: &str) -> Option<&str> {
        Self::get(self, name).and_then(|value| value.to_str().ok())
    }
}

/// `POST /hooks/{pipeline}/{trigger}`: whoever knows the secret may; no token is asked for.
pub(super) async fn deliver(
    State(shared): State<Shared>,
    InPath((pipeline, name)): InPath<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let headers = request.headers().clone();
    let body = bytes(request, &shared).await?;
    blocking(move || delivered(&shared, &pipeline, &name, &headers, &body)).await
}

fn delivered(shared: &Shared, pipeline: &str, name: &str, headers: &HeaderMap, body: &[u8]) -> Result<Response, Problem> {
    let site = &shared.site;
    // Whether there is such a trigger is not for everybody to know.
    let unknown = || Problem::unauthorized("expected a delivery that is signed for a trigger of this server");
    let (hosted, publication) = site.find(pipeline, None).map_err(|_| unknown())?;
    let manifest = sprag_pipelines::manifest(&hosted.store, &publication)?;
    let found = manifest.triggers.get(name).ok_or_else(unknown)?;
    let (Ok(TriggerKind::Webhook(source)), Some(secret)) = (found.kind(), &found.secret) else { return Err(unknown()) };
    let secret = site.ground.secret(&hosted.home, &manifest, secret).map_err(|message| {
        let what = format!("`{pipeline}`, trigger `{name}`: {message}");
        Problem::internal(&std::io::Error::other(what))
    })?;
    let push = match webhook::read(source, &secret, headers, body) {
        Ok(Delivery::Push(push)) => push,
        Ok(Delivery::Other(event)) => return Ok(nothing(&format!("`{event}` is no push"))),
        Err(WebhookError::Unsigned(_)) => return Err(unknown()),
        Err(error) => return Err(Problem::bad_request(error.to_string())),
    };
    let Some(branch) = push.branch.clone() else { return Ok(nothing("no branch was pushed to")) };
    if webhook::is_deletion(&push) {
        return Ok(nothing("a branch was deleted"));
    }
    if !found.branches.is_empty() && !found.branches.contains(&branch) {
        return Ok(nothing(&format!("`{branch}` is none of the branches that count")));
    }
    let tags: BTreeMap<_, _> = [("branch".to_owned(), branch.clone()), ("commit".to_owned(), push.commit.clone())].into();
    let start = |text: &str, length| text.chars().take(length).collect::<String>();
    // The same delivery again is the same request.
    let key = Some(format!("{RESERVED}hook:{name}:{}", start(&push.delivery, 200)));
    let by = format!("{} pushed {} to {branch}", push.by, start(&push.commit, 12));
    let wish = Wish { params: found.params.clone(), tags, idempotency_key: key };
    let entered = site.request(&hosted, &publication, trigger(Cause::Webhook, Some(name), &by), wish)?;
    let (status, reason) = match &entered {
        Enqueued::New(_) => (StatusCode::ACCEPTED, "it waits for its turn"),
        Enqueued::Known(_) => (StatusCode::OK, "this delivery came before"),
        Enqueued::Coalesced(_) => (StatusCode::OK, "one that waits already does the same"),
    };
    let delivered = HookAnswer { run: Some(entered.request().id.clone()), reason: reason.to_owned() };
    Ok((status, Json(delivered)).into_response())
}

fn nothing(reason: &str) -> Response {
    Json(HookAnswer { run: None, reason: reason.to_owned() }).into_response()
}

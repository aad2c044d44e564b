//! A run as it goes on, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use sprag_schemas::event::Event;
use sprag_schemas::server::Role;

use super::body::InPath;
use super::runs::view;
use super::{Shared, blocking};
use crate::auth::Caller;
use crate::hub::{Feed, Next};
use crate::problem::Problem;

/// How often a reader hears that the connection is alive.
const ALIVE: Duration = Duration::from_secs(15);

/// `GET /api/v1/runs/{id}/events`: from the beginning, or from after `Last-Event-ID`. The stream ends with the run.
pub(super) async fn follow(
    State(shared): State<Shared>,
    caller: Caller,
    InPath(id): InPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.need(Role::Viewer)?;
    let place = headers.get("last-event-id").and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    let site = shared.site.clone();
    let found = blocking(move || view(&site, &id)).await?;
    let feed = match &found.request {
        Some(request) if !request.state.is_over() => Some(shared.site.hub.feed(&request.id)),
        Some(request) => shared.site.hub.known(&request.id),
        None => None,
    };
    let alive = KeepAlive::new().interval(ALIVE);
    Ok(match (feed, found.run) {
        (Some(feed), _) => Sse::new(live(feed, place.unwrap_or(0))).keep_alive(alive).into_response(),
        // What was told is forgotten; how it ended is not.
        (None, Some(run)) => {
            let code = sprag_lifecycle::exit_code(&run).code;
            let event = Event::RunFinished { outcome: run.outcome, exit_code: code, record: Box::new(run) };
            let sent = Sent::default().event("run-finished").json_data(&event).unwrap_or_default();
            Sse::new(stream::iter([Ok::<_, Infallible>(sent)])).into_response()
        }
        (None, None) => Sse::new(stream::iter(Vec::<Result<Sent, Infallible>>::new())).into_response(),
    })
}

fn live(feed: Arc<Feed>, place: u64) -> impl Stream<Item = Result<Sent, Infallible>> {
    let changes = feed.changes();
    stream::unfold((feed, place, changes), |(feed, place, mut changes)| async move {
        loop {
            changes.mark_unchanged();
            match feed.after(place) {
                Next::Event(entry) => {
                    let sent = Sent::default().id(entry.place.to_string()).event(&*entry.name).data(&*entry.json);
                    return Some((Ok(sent), (feed, entry.place, changes)));
                }
                Next::Over => return None,
                Next::Later => changes.changed().await.ok()?,
            }
        }
    })
}

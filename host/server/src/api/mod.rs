//! The HTTP API: `/api/v1`, and what stands beside it.

mod body;
mod events;
mod hooks;
pub mod openapi;
mod pipelines;
mod registry;
mod runs;
mod system;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Uri, header};
use axum::middleware::map_response_with_state;
use axum::response::Response;
use axum::routing::{get, post};

pub(crate) use body::{InPath, InQuery};
pub(crate) use runs::{find, view};

use sprag_sso::Login;

use crate::auth::{Caller, Doorkeeper};
use crate::problem::{Fault, Problem};
use crate::site::Site;

/// What a request may send, but for a delivery of a webhook.
const MOST_BODY: usize = 1 << 20;

/// What a delivery may be: GitHub sends no more than 25 MB.
const MOST_DELIVERY: usize = 25 << 20;

/// What handlers share.
#[derive(Clone)]
pub struct Shared {
    /// What the server looks after.
    pub site: Arc<Site>,
    /// Who is let in.
    pub door: Arc<Doorkeeper>,
    /// The provider that people may log in by.
    pub login: Option<Arc<Login>>,
}

/// The whole server, as axum runs it.
pub fn router(shared: Shared) -> Router {
    let api = Router::new()
        .route("/pipelines", get(pipelines::list))
        .route("/pipelines/{name}", get(pipelines::show))
        .route("/pipelines/{name}/runs", post(pipelines::start))
        .route("/runs", get(runs::list))
        .route("/runs/{id}", get(runs::show))
        .route("/runs/{id}/events", get(events::follow))
        .route("/runs/{id}/cancel", post(runs::cancel))
        .route("/runs/{id}/artifacts/{stage}/{*name}", get(runs::artifact))
        .route("/models", get(registry::models))
        .route("/models/{name}", get(registry::model))
        .route("/models/{name}/aliases/{alias}", get(registry::alias))
        .route("/releases", get(registry::releases))
        .route("/releases/{id}", get(registry::release))
        .route("/audit", get(system::audit))
        .route("/whoami", get(system::whoami));
    Router::new()
        .merge(crate::web::routes())
        .nest("/api/v1", api)
        .route("/openapi.json", get(system::openapi))
        .route("/healthz", get(system::healthz))
        .route("/metrics", get(system::metrics))
        .layer(DefaultBodyLimit::max(MOST_BODY))
        .route("/hooks/{pipeline}/{trigger}", post(hooks::deliver).layer(DefaultBodyLimit::max(MOST_DELIVERY)))
        .fallback(nothing)
        .method_not_allowed_fallback(no_method)
        .layer(map_response_with_state(shared.clone(), guarded))
        .with_state(shared)
}

async fn nothing(uri: Uri) -> Problem {
    Problem::not_found(format!("there is nothing at `{}`", uri.path()))
        .hint(Some("`/openapi.json` says what there is".to_owned()))
}

async fn no_method(uri: Uri) -> Problem {
    Problem::method(format!("`{}` does not take this method", uri.path()))
}

/// What every answer says to browsers: that it is what it says it is, and for this page alone. What the server is at fault with goes into its log.
async fn guarded(State(shared): State<Shared>, mut response: Response) -> Response {
    if let Some(Fault(fault)) = response.extensions_mut().remove() {
        shared.site.ground.tell(&fault);
    }
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Without any referrer, browsers hide the origin of this page's own forms, too.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        let from = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
        let from = from.ok_or_else(|| Problem::bad_request("expected a connection with an address, found none"))?;
        shared.door.known(parts, from)
    }
}

/// Does what blocks, such as a look into a store, where it holds up nobody.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(Problem::internal(&error)),
    }
}

//! The page: what people see of a server. It works without a script; with one, a run that is under way is shown as it goes on.

mod approvals;
mod compare;
mod login;
mod models;
mod pipelines;
mod plugins;
mod provider;
mod runs;

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use sprag_pages::layout::{STYLE, page};

use crate::api::Shared;
use crate::auth::Caller;
use crate::problem::{Fault, Problem};

/// What the pages may do in a browser: nothing from elsewhere, no script but the one below, and forms that go nowhere else.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Follows a run that is under way.
const SCRIPT: &str = include_str!("live.js");

/// A clutch that turns one way.
const ICON: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 32\"><circle cx=\"16\" cy=\"16\" r=\"11\" fill=\"none\" stroke=\"#2680d9\" stroke-width=\"5\"/><path d=\"M16 1l9 5-9 5z\" fill=\"#2680d9\"/></svg>";

/// The pages.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/", get(runs::index))
        .route("/runs/{id}", get(runs::show))
        .route("/runs/{id}/cancel", post(runs::cancel))
        .route("/compare", get(compare::runs))
        .route("/pipelines", get(pipelines::index))
        .route("/pipelines/{name}", get(pipelines::show))
        .route("/pipelines/{name}/start", post(pipelines::start))
        .route("/models", get(models::index))
        .route("/models/{name}", get(models::show))
        .route("/models/{name}/compare", get(compare::models))
        .route("/plugins", get(plugins::index))
        .route("/approvals", get(approvals::index))
        .route("/approvals/{release}", get(approvals::show).post(approvals::say))
        .route("/login", get(login::form).post(login::log_in))
        .route("/login/oidc", get(provider::begin))
        .route("/login/oidc/return", get(provider::back))
        .route("/logout", post(login::log_out))
        .route("/assets/page.css", get(|| asset("text/css; charset=utf-8", STYLE)))
        .route("/assets/icon.svg", get(|| asset("image/svg+xml", ICON)))
        .route("/assets/live.js", get(|| asset("text/javascript; charset=utf-8", SCRIPT)))
}

async fn asset(kind: &'static str, text: &'static str) -> Response {
    // Short, since a newer server has another under the same name.
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "max-age=300")], text).into_response()
}

/// Whoever looks at a page.
pub(crate) struct Visitor {
    pub(crate) caller: Caller,
    /// What a form of a page carries, so that no other site's form is taken for one.
    pub(crate) csrf: String,
    /// Whether there is a session to end.
    has_session: bool,
}

impl FromRequestParts<Shared> for Visitor {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Refused> {
        let from = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
        let from =
            from.ok_or_else(|| Refused::from(Problem::bad_request("expected a connection with an address, found none")))?;
        match shared.door.known(parts, from) {
            Ok(caller) => {
                let (csrf, has_session) = (shared.door.csrf(&parts.headers), shared.door.has_session_of(&parts.headers));
                Ok(Self { caller, csrf, has_session })
            }
            // What somebody was about to do is not done after the login, so that it is looked at again first.
            Err(problem) if problem.status == 401 => {
                let back = if parts.method == Method::GET { parts.uri.path() } else { "/" };
                Err(Refused::Login(format!("/login?next={}", sprag_pages::run::encoded(back))))
            }
            Err(problem) => Err(problem.into()),
        }
    }
}

impl Visitor {
    /// Insists that a form is one of this visitor's own pages.
    ///
    /// # Errors
    /// It is not, or is one from before the visitor's session.
    pub(crate) fn own(&self, csrf: &str) -> Result<(), Refused> {
        use subtle::ConstantTimeEq;
        if bool::from(csrf.as_bytes().ct_eq(self.csrf.as_bytes())) {
            return Ok(());
        }
        let what = "expected a form of this page as it is now, found another: the session may have ended in the meantime";
        Err(Problem::forbidden(what)
            .hint(Some("go back, load the page anew, and look again before you say so".to_owned()))
            .into())
    }

    /// A page.
    pub(crate) fn page(&self, title: &str, here: &str, body: &Markup) -> Response {
        let places = [
            ("/", "Runs"),
            ("/pipelines", "Pipelines"),
            ("/models", "Models"),
            ("/plugins", "Plugins"),
            ("/approvals", "Approvals"),
        ];
        let nav = html! {
            ul {
                @for (path, name) in places {
                    li { a href=(path) aria-current=[(path == here).then_some("page")] { (name) } }
                }
                li.soft { (self.caller.user) }
                @if self.has_session {
                    li { form.plain method="post" action="/logout" { input type="hidden" name="csrf" value=(self.csrf); button.link type="submit" { "Log out" } } }
                }
            }
        };
        shown(StatusCode::OK, page(title, &nav, body))
    }
}

fn shown(status: StatusCode, text: String) -> Response {
    let mut response = (status, Html(text)).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

/// Why there is no page.
pub(crate) enum Refused {
    /// It went wrong.
    Problem(Problem),
    /// Somebody has to log in first: where.
    Login(String),
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Login(place) => Redirect::to(&place).into_response(),
            Self::Problem(problem) => {
                let body = html! {
                    h1 { (problem.title) }
                    p { (problem.detail) }
                    @for hint in &problem.hints { p.soft { (hint) } }
                    p { a href="/" { "To the runs" } }
                };
                let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let mut response = shown(status, page(problem.title, &html! {}, &body));
                if let Some(fault) = problem.fault {
                    response.extensions_mut().insert(Fault(fault));
                }
                response
            }
        }
    }
}

//! Who looks: a token is exchanged for a session.

use axum::extract::{ConnectInfo, Form, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;
use serde::Deserialize;
use sprag_pages::layout::page;

use super::{Refused, Visitor, shown};
use crate::api::{InQuery, Shared, blocking};
use crate::problem::Problem;

#[derive(Debug, Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    pub(super) next: String,
}

#[derive(Deserialize)]
pub(super) struct Login {
    token: String,
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub(super) struct Csrf {
    #[serde(default)]
    csrf: String,
}

/// `GET /login`
pub(super) async fn form(State(shared): State<Shared>, InQuery(query): InQuery<Next>) -> Response {
    asked(&shared, StatusCode::OK, &query.next, None)
}

/// The form, with what went wrong before.
pub(super) fn asked(shared: &Shared, status: StatusCode, next: &str, fault: Option<&str>) -> Response {
    let body = html! {
        h1 { "Log in" }
        @if let Some(fault) = fault { p.bad role="alert" { (fault) } }
        @if let Some(login) = &shared.login {
            p { a.button href={ "/login/oidc?next=" (sprag_pages::run::encoded(inside(next))) } { "Log in by " (login.name()) } }
            h2 { "By a token" }
        }
        form method="post" action="/login" {
            label for="token" { "Token" }
            input id="token" name="token" type="password" autocomplete="current-password" required autofocus[shared.login.is_none()];
            input type="hidden" name="next" value=(next);
            button type="submit" { "Log in" }
        }
        p.soft { "An admin makes tokens by " code { "sprag token add NAME --role ROLE" } "." }
    };
    shown(status, page("Log in", &html! {}, &body))
}

/// `POST /login`
pub(super) async fn log_in(
    State(shared): State<Shared>,
    ConnectInfo(from): ConnectInfo<std::net::SocketAddr>,
    headers: HeaderMap,
    Form(login): Form<Login>,
) -> Result<Response, Refused> {
    shared.door.refuse_other_origin(&headers)?;
    let door = shared.door.clone();
    let token = login.token;
    let opened = blocking(move || door.open_session(token.trim(), from.ip())).await;
    match opened {
        Ok(session) => {
            let mut response = Redirect::to(inside(&login.next)).into_response();
            let cookie = shared.door.cookie(&session);
            let value = HeaderValue::from_str(&cookie).map_err(|error| Problem::internal(&error))?;
            response.headers_mut().insert(header::SET_COOKIE, value);
            Ok(response)
        }
        Err(problem) => {
            let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::UNAUTHORIZED);
            Ok(asked(&shared, status, inside(&login.next), Some(&problem.detail)))
        }
    }
}

/// `POST /logout`
pub(super) async fn log_out(
    State(shared): State<Shared>,
    visitor: Visitor,
    headers: HeaderMap,
    Form(form): Form<Csrf>,
) -> Result<Response, Refused> {
    visitor.own(&form.csrf)?;
    shared.door.close_session(&headers);
    let mut response = Redirect::to("/login").into_response();
    response
        .headers_mut()
        .insert(header::SET_COOKIE, HeaderValue::from_static("sprag_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"));
    Ok(response)
}

/// A place of this server, and of no other.
pub(super) fn inside(next: &str) -> &str {
    if next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n']) { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::inside;

    #[test]
    fn nobody_is_sent_to_another_site() {
        for other in ["https://evil.example", "//evil.example", "/\\evil.example", "", "/a\r\nset-cookie: x"] {
            assert_eq!(inside(other), "/", "{other:?}");
        }
        assert_eq!(inside("/runs/r1"), "/runs/r1");
    }
}

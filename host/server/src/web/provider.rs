//! Who looks, as a provider of OpenID Connect knows them: there and back.

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;
use sprag_pages::layout::page;
use sprag_sso::{Login, LoginError, Person, Returned};

use super::login::{Next, asked, inside};
use super::{Refused, shown};
use crate::api::{InQuery, Shared, blocking};
use crate::auth::{Caller, cookie};
use crate::problem::Problem;

/// The cookie that says which browser began a login. It must come along from the provider's page, which is another site.
const COOKIE: &str = "sprag_login";

/// `GET /login/oidc`
pub(super) async fn begin(
    State(shared): State<Shared>,
    ConnectInfo(from): ConnectInfo<std::net::SocketAddr>,
    InQuery(query): InQuery<Next>,
) -> Result<Response, Refused> {
    let login = provider(&shared)?;
    shared.door.count_login(from.ip())?;
    match login.begin(inside(&query.next)).await {
        Ok(begun) => {
            let mut response = Redirect::to(&begun.url).into_response();
            let value = format!(
                "{COOKIE}={}; Path=/login/oidc; HttpOnly; SameSite=Lax; Max-Age=600{}",
                begun.browser,
                shared.door.secure()
            );
            set_cookie(&mut response, &value)?;
            Ok(response)
        }
        Err(error) => Ok(refused(&shared, &error)),
    }
}

/// `GET /login/oidc/return`
pub(super) async fn back(
    State(shared): State<Shared>,
    ConnectInfo(from): ConnectInfo<std::net::SocketAddr>,
    headers: HeaderMap,
    InQuery(returned): InQuery<Returned>,
) -> Result<Response, Refused> {
    let login = provider(&shared)?;
    let (Person { user, roles }, next) = match login.finish(&returned, cookie(&headers, COOKIE)).await {
        Ok(found) => found,
        Err(error) => {
            shared.door.count_login(from.ip())?;
            return Ok(refused(&shared, &error));
        }
    };
    let session = shared.door.open_session_of(Caller { user: user.clone(), roles: roles.clone() })?;
    let (site, issuer) = (shared.site.clone(), login.name().to_owned());
    blocking(move || {
        let roles = roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(", ");
        Ok(site.audit(&user, "session.open", &issuer, &[("roles", roles)])?)
    })
    .await?;
    // The session's cookie goes to pages of this site alone, which a browser that was just sent here from another one is not on yet. It is after this page.
    let next = inside(&next);
    let body = html! {
        meta http-equiv="refresh" content={ "0; url=" (next) };
        h1 { "Logged in" }
        p { a href=(next) { "Go on" } }
    };
    let mut response = shown(StatusCode::OK, page("Logged in", &html! {}, &body));
    set_cookie(&mut response, &shared.door.cookie(&session))?;
    set_cookie(&mut response, &format!("{COOKIE}=; Path=/login/oidc; HttpOnly; SameSite=Lax; Max-Age=0"))?;
    Ok(response)
}

fn provider(shared: &Shared) -> Result<&Login, Problem> {
    let login = shared.login.as_deref();
    login.ok_or_else(|| Problem::not_found("expected a server with `--oidc`, found one without"))
}

/// What went wrong, above the form. What is the provider's fault or that of the settings, is for the server's own log, too.
fn refused(shared: &Shared, error: &LoginError) -> Response {
    let status = match error {
        LoginError::Http(_) | LoginError::Provider { .. } => StatusCode::BAD_GATEWAY,
        LoginError::Settings(_) | LoginError::Random => StatusCode::INTERNAL_SERVER_ERROR,
        LoginError::NoRole(_) => StatusCode::FORBIDDEN,
        LoginError::Refused(_) | LoginError::Unknown | LoginError::Token(_) => StatusCode::UNAUTHORIZED,
    };
    if !matches!(error, LoginError::Refused(_) | LoginError::Unknown) {
        shared.site.ground.tell(&format!("a login came to nothing: {error}"));
    }
    asked(shared, status, "/", Some(&error.to_string()))
}

fn set_cookie(response: &mut Response, value: &str) -> Result<(), Problem> {
    let value = HeaderValue::from_str(value).map_err(|error| Problem::internal(&error))?;
    response.headers_mut().append(header::SET_COOKIE, value);
    Ok(())
}

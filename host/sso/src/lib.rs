//! Logging in by OpenID Connect (<https://openid.net/specs/openid-connect-core-1_0.html>): the authorization code flow with PKCE, and nothing else of it.
//!
//! [`Login::begin`] says where a browser goes, [`Login::finish`] what came back with it: who somebody is, and which roles their groups give. What a provider says is
//! held against its published keys, the client, the very login that was begun and the browser that began it. It knows no sessions and no cookies: the server does.

mod discovery;
mod flow;
mod keys;
mod person;
mod secret;
mod token;

pub use flow::{Begun, Login, Returned};
pub use person::Person;
pub use secret::ClientSecret;

/// Why nobody is logged in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The settings cannot be followed.
    #[error("{0}")]
    Settings(String),
    /// The provider cannot be asked.
    #[error("the provider cannot be asked: {0}")]
    Http(#[from] sprag_http::HttpError),
    /// The provider answers with what it should not.
    #[error("the provider's {what}: {message}")]
    Provider {
        /// What was asked for.
        what: &'static str,
        /// What was expected and what was found.
        message: String,
    },
    /// The provider let nobody in.
    #[error("the provider says `{0}`")]
    Refused(String),
    /// It is no login that was begun here, by this browser, a short while ago.
    #[error("expected a login that was begun here by this browser, and not long ago, found none")]
    Unknown,
    /// The ID token does not hold.
    #[error("expected an ID token that holds, found one that does not: {0}")]
    Token(String),
    /// Somebody, who may do nothing here.
    #[error("expected somebody in a group that has a role here, found `{0}`")]
    NoRole(String),
    /// The machine gives no random numbers.
    #[error("failed to draw random numbers")]
    Random,
}

//! Tells people of a release, or of the end of a run, by mail. The host speaks SMTP; the server and the password are granted, and the password is never seen here.

mod message;

use serde::Deserialize;
use sprag_notice::Notice;
use sprag_sdk::{Failure, Notifier, Secret, SecretError, Session, mail, secrets};

/// The parameters.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub struct Params {
    /// The mail server, as `host:port`: the stage must be granted it under `smtp`.
    server: String,
    /// How the connection is protected.
    #[serde(default)]
    security: Security,
    /// The user to log in as; none where the server asks for no login.
    #[serde(default)]
    user: Option<String>,
    /// The secret with the user's password.
    #[serde(default)]
    password: Option<String>,
    /// The sender: `name@example.com` or `Name <name@example.com>`.
    from: String,
    /// The recipients.
    #[cfg_attr(test, schemars(length(min = 1)))]
    to: Vec<String>,
}

/// How the connection to the server is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub enum Security {
    /// Plain at first, then TLS by STARTTLS.
    #[default]
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// None, toward this machine only.
    Plain,
}

/// The plugin.
pub struct NotifyEmail;

impl Notifier for NotifyEmail {
    type Params = Params;
    type Event = Notice;

    fn notify(session: &Session, params: Params, event: Notice) -> Result<(), Failure> {
        // Held until the message is sent: the placeholder lives as long as the handle.
        let secret = params.password.as_deref().map(secrets::get).transpose().map_err(no_secret)?;
        let login = login(&params, secret.as_ref())?;
        let security = match params.security {
            Security::StartTls => mail::Security::StartTls,
            Security::Tls => mail::Security::Tls,
            Security::Plain => mail::Security::Plain,
        };
        let server = mail::Server { address: params.server.clone(), security, login };
        let message = mail::Message {
            sender: params.from,
            recipients: params.to,
            subject: message::subject(&event),
            text: message::text(&event),
            html: Some(message::html(&event)),
        };
        let answer = mail::send(&server, &message).map_err(not_sent)?;
        sprag_sdk::info!(session, "{} took the message: {answer}", params.server);
        Ok(())
    }
}

fn login(params: &Params, secret: Option<&Secret>) -> Result<Option<mail::Login>, Failure> {
    match (&params.user, secret) {
        (Some(user), Some(secret)) => Ok(Some(mail::Login { user: user.clone(), password: secret.placeholder() })),
        (None, None) => Ok(None),
        (Some(_), None) => {
            Err(Failure::BadParams("expected `password`, the name of a secret, beside `user`; found none".to_owned()))
        }
        (None, Some(_)) => Err(Failure::BadParams("expected `user` beside `password`, found none".to_owned())),
    }
}

fn no_secret(error: SecretError) -> Failure {
    match error {
        SecretError::Denied(message) | SecretError::Missing(message) => Failure::BadParams(message),
    }
}

fn not_sent(error: mail::MailError) -> Failure {
    match error {
        mail::MailError::Denied(message) | mail::MailError::BadMessage(message) | mail::MailError::Refused(message) => {
            Failure::BadParams(message)
        }
        mail::MailError::Unavailable(message) => Failure::Retry(message),
    }
}

sprag_sdk::notifier!(NotifyEmail);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_committed() {
        let derived = schemars::schema_for!(Params).to_value();
        sprag_sdk::testing::check_params_schema(env!("CARGO_MANIFEST_DIR"), <NotifyEmail as sprag_sdk::Plugin>::JSON, &derived);
    }
}

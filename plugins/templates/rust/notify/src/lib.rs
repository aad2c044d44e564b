//! Tells of a release by posting the event to an address, as JSON.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use sprag_sdk::http::{Client, Network, Request};
use sprag_sdk::{Failure, Notifier, Session, secrets};

/// Where to send. `params.schema.json` says the same to sprag.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The address: the stage must be granted its origin.
    url: String,
    /// The secret that goes along as a bearer token.
    #[serde(default)]
    secret: Option<String>,
}

/// The plugin.
pub struct Notify;

impl Notifier for Notify {
    type Params = Params;
    type Event = Value;

    fn notify(session: &Session, params: Params, event: Value) -> Result<(), Failure> {
        // Held until the request is sent: the placeholder lives as long as the handle.
        let secret = params.secret.as_deref().map(secrets::get).transpose()?;
        let token = secret.as_ref().map(|secret| secret.placeholder());
        let status = send(&Network::new(), &params.url, token.as_deref(), &event)?;
        sprag_sdk::info!(session, "told of {} with status {status}", event["event"]);
        Ok(())
    }
}

/// Sends the event, and gives the status of an answer that is good. Whether to try again is for sprag to decide.
fn send(
    client: &impl Client,
    url: &str,
    token: Option<&str>,
    event: &Value,
) -> Result<u16, Failure> {
    let mut request = Request::post(url)
        .json(event)?
        .timeout(Duration::from_secs(20));
    if let Some(token) = token {
        request = request.bearer(token);
    }
    let answer = client.send(&request)?;
    let found = format!(
        "expected the event to be taken, found status {}: {}",
        answer.status,
        answer.excerpt()
    );
    match answer.status {
        _ if answer.is_transient() => Err(Failure::Retry(found)),
        status if answer.is_success() => Ok(status),
        _ => Err(Failure::bad_params(found)),
    }
}

sprag_sdk::notifier!(Notify);

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sprag_sdk::http::{Error, Response};

    use super::*;

    /// A network that gives one answer.
    struct Fake(u16);

    impl Client for Fake {
        fn send(&self, request: &Request) -> Result<Response, Error> {
            assert_eq!(request.body, br#"{"event":"released"}"#);
            assert!(
                request
                    .headers
                    .contains(&("authorization".to_owned(), "Bearer token".to_owned()))
            );
            Ok(Response {
                status: self.0,
                headers: vec![],
                body: b"words".to_vec(),
            })
        }

        fn now(&self) -> Duration {
            Duration::ZERO
        }
    }

    #[test]
    fn an_answer_says_whether_to_try_again() {
        let sent = |status| {
            send(
                &Fake(status),
                "https://example.com",
                Some("token"),
                &json!({ "event": "released" }),
            )
        };
        assert_eq!(sent(204), Ok(204));
        assert!(matches!(sent(503), Err(Failure::Retry(_))));
        assert!(
            matches!(sent(404), Err(Failure::BadParams(message)) if message.ends_with("404: words"))
        );
    }
}

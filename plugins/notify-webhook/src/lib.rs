//! Tells people of a release, or of the end of a run, through a webhook: the event itself as JSON, or a message in the shape of Slack or Microsoft Teams.
//!
//! It sends one request and judges the answer; whether to try again is the host's to decide. An address that is a credential, as those of Slack's and Teams's
//! incoming webhooks are, names secrets in the place of its secret parts: neither the plugin nor a log sees them.

mod address;
mod slack;
mod teams;

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use sprag_notice::Notice;
use sprag_sdk::http::{Client, Network, Request};
use sprag_sdk::{Failure, Notifier, SecretError, Session, secrets};

/// The longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The parameters.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub struct Params {
    /// Where to send: the stage must be granted its origin. `{NAME}` in its path or query stands for the value of the secret of that name, as it is before it is
    /// encoded for an address: `https://hooks.slack.com/services/{slack-hook}`.
    url: String,
    /// The shape of the message.
    format: Format,
    /// The secret that goes along as a bearer token; none where the address alone is enough.
    secret: Option<String>,
    /// The channel, for Slack's `chat.postMessage`.
    channel: Option<String>,
}

impl Default for Params {
    fn default() -> Self {
        Self { url: String::new(), format: Format::Json, secret: None, channel: None }
    }
}

/// The shape of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub enum Format {
    /// The event itself, as `sprag schema release-event` and `sprag schema run-event` describe it.
    Json,
    /// Slack's Block Kit.
    Slack,
    /// An Adaptive Card for Microsoft Teams.
    Teams,
}

/// The plugin.
pub struct NotifyWebhook;

impl Notifier for NotifyWebhook {
    type Params = Params;
    type Event = Value;

    fn notify(session: &Session, params: Params, event: Value) -> Result<(), Failure> {
        // Held until the request is sent: the placeholder lives as long as the handle.
        let secret = params.secret.as_deref().map(secrets::get).transpose().map_err(no_secret)?;
        let token = secret.as_ref().map(sprag_sdk::Secret::placeholder);
        let mut held = vec![];
        let url = address::filled(&params.url, |name| {
            let secret = secrets::get(name).map_err(no_secret)?;
            let placeholder = secret.placeholder();
            held.push(secret);
            Ok(placeholder)
        })?;
        let status = send(&Network::new(), &Params { url, ..params.clone() }, token.as_deref(), &event)?;
        sprag_sdk::info!(session, "told {} with status {status}", address::host(&params.url));
        Ok(())
    }
}

fn no_secret(error: SecretError) -> Failure {
    match error {
        SecretError::Denied(message) | SecretError::Missing(message) => Failure::BadParams(message),
    }
}

/// Sends the event, and gives the status of an answer that is good.
fn send(client: &impl Client, params: &Params, token: Option<&str>, event: &Value) -> Result<u16, Failure> {
    let mut request = Request::post(params.url.as_str()).json(&body(params, event)?)?.timeout(TIMEOUT);
    if let Some(token) = token {
        request = request.bearer(token);
    }
    let answer = client.send(&request)?;
    let who = address::host(&params.url);
    if answer.is_transient() {
        return Err(Failure::Retry(format!("{who} answered {}: {}", answer.status, answer.excerpt())));
    }
    // Slack's methods answer 200 with `"ok": false` where they refuse.
    let refused = params.format == Format::Slack && answer.json::<Value>().is_ok_and(|answer| answer["ok"] == false);
    if answer.is_success() && !refused {
        return Ok(answer.status);
    }
    Err(Failure::BadParams(format!("{who} refused with status {}: {}", answer.status, answer.excerpt())))
}

/// The message in its shape.
fn body(params: &Params, event: &Value) -> Result<Value, Failure> {
    let read = || -> Result<Notice, Failure> {
        Notice::deserialize(event).map_err(|error| Failure::Unsupported(format!("expected another form of the event: {error}")))
    };
    Ok(match params.format {
        Format::Json => event.clone(),
        Format::Slack => slack::message(&read()?, params.channel.as_deref()),
        Format::Teams => teams::message(&read()?),
    })
}

sprag_sdk::notifier!(NotifyWebhook);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::cell::RefCell;

    use serde_json::json;
    use sprag_sdk::http::{Error, Response};

    use super::*;

    /// A network that answers one thing and remembers what was sent.
    struct Fake {
        answer: Result<(u16, &'static str), Error>,
        sent: RefCell<Vec<Request>>,
    }

    impl Client for Fake {
        fn send(&self, request: &Request) -> Result<Response, Error> {
            self.sent.borrow_mut().push(request.clone());
            let (status, body) = self.answer.clone()?;
            Ok(Response { status, headers: vec![], body: body.as_bytes().to_vec() })
        }

        fn now(&self) -> Duration {
            Duration::ZERO
        }
    }

    fn event() -> Value {
        serde_json::from_str(include_str!("../../notice/tests/event.json")).unwrap()
    }

    fn told(answer: Result<(u16, &'static str), Error>, format: Format) -> (Result<u16, Failure>, Value, Request) {
        let params = Params { url: "https://hooks.example.com/T0/secret".into(), format, ..Params::default() };
        let fake = Fake { answer, sent: RefCell::default() };
        let result = send(&fake, &params, Some("placeholder"), &event());
        let sent = fake.sent.into_inner().remove(0);
        (result, serde_json::from_slice(&sent.body).unwrap(), sent)
    }

    #[test]
    fn the_generic_shape_is_the_event_itself() {
        let (result, body, request) = told(Ok((204, "")), Format::Json);
        assert_eq!((result, body), (Ok(204), event()));
        assert!(request.headers.contains(&("authorization".into(), "Bearer placeholder".into())));
        assert!(request.headers.contains(&("content-type".into(), "application/json".into())));
    }

    #[test]
    fn slack_gets_blocks_and_teams_a_card() {
        let (_, slack, _) = told(Ok((200, "ok")), Format::Slack);
        assert_eq!(slack["text"], "diabetes@2 waits for an approval to enter production");
        assert_eq!(slack["blocks"][0], json!({ "type": "header", "text": { "type": "plain_text", "text": slack["text"] } }));
        assert!(slack.to_string().contains("sprag approve 20261124-100000-k3xq"));
        let (_, teams, _) = told(Ok((202, "")), Format::Teams);
        let card = &teams["attachments"][0];
        assert_eq!(card["contentType"], "application/vnd.microsoft.card.adaptive");
        assert_eq!((&card["content"]["type"], &card["content"]["version"]), (&json!("AdaptiveCard"), &json!("1.4")));
        assert_eq!(card["content"]["body"][0]["text"], slack["text"]);
    }

    #[test]
    fn the_end_of_a_run_is_told_in_each_shape() {
        let event: Value = serde_json::from_str(include_str!("../../notice/tests/run-event.json")).unwrap();
        for format in [Format::Slack, Format::Teams] {
            let message = body(&Params { format, ..Params::default() }, &event).unwrap().to_string();
            assert!(message.contains("diabetes: diabetes@2 is registered") && message.contains("mse 3295.74"), "{message}");
        }
    }

    #[test]
    fn a_refusal_says_so_and_never_shows_the_path() {
        let (refused, ..) = told(Ok((404, "no_team")), Format::Slack);
        assert_eq!(refused, Err(Failure::BadParams("hooks.example.com refused with status 404: no_team".into())));
        let (refused, ..) = told(Ok((200, r#"{"ok":false,"error":"not_in_channel"}"#)), Format::Slack);
        assert!(matches!(refused, Err(Failure::BadParams(message)) if message.contains("not_in_channel")));
        let (later, ..) = told(Ok((503, "busy")), Format::Json);
        assert_eq!(later, Err(Failure::Retry("hooks.example.com answered 503: busy".into())));
        let (later, ..) = told(Err(Error::Unreachable("no address".into())), Format::Json);
        assert_eq!(later, Err(Failure::Retry("no address".into())));
    }

    #[test]
    fn the_schema_is_committed() {
        let derived = schemars::schema_for!(Params).to_value();
        sprag_sdk::testing::check_params_schema(env!("CARGO_MANIFEST_DIR"), <NotifyWebhook as sprag_sdk::Plugin>::JSON, &derived);
    }
}

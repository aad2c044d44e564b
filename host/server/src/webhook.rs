//! Whether a push was told by whom it says, and what it says.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use sprag_schemas::triggers::WebhookSource;
use subtle::ConstantTimeEq;

/// The headers of a delivery that count, each by its name in lower case.
pub trait Headers {
    /// The value of a header; none where it is not there, or no text.
    fn get(&self, name: &str) -> Option<&str>;
}

/// A push as a trigger sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// The branch; none for a tag.
    pub branch: Option<String>,
    /// The commit that it stands at now.
    pub commit: String,
    /// Who pushed.
    pub by: String,
    /// The delivery's own id: the same again is the same delivery.
    pub delivery: String,
}

/// What a delivery is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// A push.
    Push(Push),
    /// Something else, which starts nothing: the name of the event.
    Other(String),
}

/// Why a delivery is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// It is not signed, or not by whom it should be.
    #[error("expected {0}, found none that holds")]
    Unsigned(&'static str),
    /// Its body is not what such a system sends.
    #[error("expected the body of a push as {0} sends it: {1}")]
    Body(&'static str, String),
}

/// Reads a delivery, after its signature was held against the secret in a time that tells nothing about it.
///
/// GitHub: <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>. GitLab: <https://docs.gitlab.com/user/project/integrations/webhooks/>.
/// Azure DevOps: <https://learn.microsoft.com/en-us/azure/devops/service-hooks/services/webhooks>.
///
/// # Errors
/// It is not signed by the secret, or is no delivery of that system.
pub fn read(source: WebhookSource, secret: &str, headers: &impl Headers, body: &[u8]) -> Result<Delivery, WebhookError> {
    verify(source, secret, headers, body)?;
    match source {
        WebhookSource::Github => github(headers, body),
        WebhookSource::Gitlab => gitlab(headers, body),
        WebhookSource::AzureDevops => azure_devops(body),
    }
}

fn verify(source: WebhookSource, secret: &str, headers: &impl Headers, body: &[u8]) -> Result<(), WebhookError> {
    let (expected, holds) = match source {
        WebhookSource::Github => {
            let signature = headers.get("x-hub-signature-256").and_then(|value| value.strip_prefix("sha256=")).and_then(unhex);
            (
                "a header `X-Hub-Signature-256` with the HMAC of the body",
                signature.is_some_and(|given| signed(secret, body, &given)),
            )
        }
        WebhookSource::Gitlab => {
            let token = headers.get("x-gitlab-token");
            ("a header `X-Gitlab-Token` with the secret", token.is_some_and(|given| same(given, secret)))
        }
        WebhookSource::AzureDevops => {
            let given = headers.get("authorization").and_then(|value| value.strip_prefix("Basic "));
            let decoded = given.and_then(|text| STANDARD.decode(text).ok()).and_then(|bytes| String::from_utf8(bytes).ok());
            let password = decoded.as_deref().and_then(|text| text.split_once(':')).map(|(_, password)| password);
            ("basic authentication with the secret as its password", password.is_some_and(|given| same(given, secret)))
        }
    };
    // An empty secret would be known to everybody.
    if holds && !secret.is_empty() { Ok(()) } else { Err(WebhookError::Unsigned(expected)) }
}

fn same(given: &str, secret: &str) -> bool {
    given.as_bytes().ct_eq(secret.as_bytes()).into()
}

fn signed(secret: &str, body: &[u8], given: &[u8]) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return false };
    mac.update(body);
    mac.verify_slice(given).is_ok()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?, 16).ok()).collect()
}

fn github(headers: &impl Headers, body: &[u8]) -> Result<Delivery, WebhookError> {
    let event = headers.get("x-github-event").unwrap_or_default();
    if event != "push" {
        return Ok(Delivery::Other(event.to_owned()));
    }
    let wrong = |what: &str| WebhookError::Body("GitHub", what.to_owned());
    let push = parsed("GitHub", body)?;
    let text = |path: &str| push.pointer(path).and_then(Value::as_str).map(str::to_owned);
    Ok(Delivery::Push(Push {
        branch: branch(&text("/ref").ok_or_else(|| wrong("it has no `ref`"))?),
        commit: text("/after").ok_or_else(|| wrong("it has no `after`"))?,
        by: text("/pusher/name").unwrap_or_else(|| "GitHub".to_owned()),
        delivery: headers.get("x-github-delivery").map(str::to_owned).ok_or_else(|| wrong("it has no `X-GitHub-Delivery`"))?,
    }))
}

fn gitlab(headers: &impl Headers, body: &[u8]) -> Result<Delivery, WebhookError> {
    let event = headers.get("x-gitlab-event").unwrap_or_default();
    if event != "Push Hook" {
        return Ok(Delivery::Other(event.to_owned()));
    }
    let wrong = |what: &str| WebhookError::Body("GitLab", what.to_owned());
    let push = parsed("GitLab", body)?;
    let text = |path: &str| push.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let commit = text("/after").ok_or_else(|| wrong("it has no `after`"))?;
    // `X-Gitlab-Event-UUID` is the same for a delivery that is sent again; older ones send none.
    let delivery =
        headers.get("idempotency-key").or(headers.get("x-gitlab-event-uuid")).map_or_else(|| commit.clone(), str::to_owned);
    Ok(Delivery::Push(Push {
        branch: branch(&text("/ref").ok_or_else(|| wrong("it has no `ref`"))?),
        commit,
        by: text("/user_username").or_else(|| text("/user_name")).unwrap_or_else(|| "GitLab".to_owned()),
        delivery,
    }))
}

fn azure_devops(body: &[u8]) -> Result<Delivery, WebhookError> {
    let wrong = |what: &str| WebhookError::Body("Azure DevOps", what.to_owned());
    let told = parsed("Azure DevOps", body)?;
    let text = |path: &str| told.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let event = text("/eventType").ok_or_else(|| wrong("it has no `eventType`"))?;
    if event != "git.push" {
        return Ok(Delivery::Other(event));
    }
    let update = "/resource/refUpdates/0";
    Ok(Delivery::Push(Push {
        branch: branch(&text(&format!("{update}/name")).ok_or_else(|| wrong("it has no `resource.refUpdates`"))?),
        commit: text(&format!("{update}/newObjectId")).ok_or_else(|| wrong("it has no `newObjectId`"))?,
        by: text("/resource/pushedBy/displayName").unwrap_or_else(|| "Azure DevOps".to_owned()),
        delivery: text("/id").ok_or_else(|| wrong("it has no `id`"))?,
    }))
}

fn parsed(system: &'static str, body: &[u8]) -> Result<Value, WebhookError> {
    serde_json::from_slice(body).map_err(|error| WebhookError::Body(system, error.to_string()))
}

fn branch(reference: &str) -> Option<String> {
    reference.strip_prefix("refs/heads/").map(str::to_owned)
}

/// The commit of a branch that was deleted, as all three systems tell it.
pub fn is_deletion(push: &Push) -> bool {
    !push.commit.is_empty() && push.commit.bytes().all(|byte| byte == b'0')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    impl Headers for BTreeMap<&str, String> {
        fn get(&self, name: &str) -> Option<&str> {
            BTreeMap::get(self, name).map(String::as_str)
        }
    }

    const BODY: &str = r#"{"ref":"refs/heads/main","after":"c0ffee","pusher":{"name":"ada"},"user_username":"ada"}"#;

    fn github(signature: &str) -> BTreeMap<&'static str, String> {
        [
            ("x-hub-signature-256", signature.to_owned()),
            ("x-github-event", "push".to_owned()),
            ("x-github-delivery", "d1".to_owned()),
        ]
        .into()
    }

    #[test]
    fn github_s_own_example_of_a_signature_holds() {
        // From the page on validating deliveries.
        let headers: BTreeMap<&str, String> =
            [("x-hub-signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17".to_owned())]
                .into();
        assert_eq!(verify(WebhookSource::Github, "It's a Secret to Everybody", &headers, b"Hello, World!"), Ok(()));
    }

    #[test]
    fn a_signature_that_does_not_hold_is_none() {
        let read = |signature: &str| read(WebhookSource::Github, "s3cret", &github(signature), BODY.as_bytes());
        for bad in ["", "sha256=", "sha256=00", "sha256=zz", "sha1=757107ea", &format!("sha256={}", "0".repeat(64)), "sha256=é"]
        {
            assert!(matches!(read(bad), Err(WebhookError::Unsigned(_))), "{bad}");
        }
        assert!(matches!(super::read(WebhookSource::Github, "", &BTreeMap::new(), b""), Err(WebhookError::Unsigned(_))));
        let headers: BTreeMap<&str, String> = [("x-gitlab-token", String::new())].into();
        assert!(
            matches!(super::read(WebhookSource::Gitlab, "", &headers, b""), Err(WebhookError::Unsigned(_))),
            "nobody signs with nothing"
        );
    }

    #[test]
    fn a_push_is_read_from_each_system() {
        let hub = {
            let mut mac = Hmac::<Sha256>::new_from_slice(b"s3cret").unwrap();
            mac.update(BODY.as_bytes());
            let bytes = mac.finalize().into_bytes();
            github(&format!("sha256={}", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
        };
        let push = |delivery: &str| {
            Delivery::Push(Push {
                branch: Some("main".to_owned()),
                commit: "c0ffee".to_owned(),
                by: "ada".to_owned(),
                delivery: delivery.to_owned(),
            })
        };
        assert_eq!(read(WebhookSource::Github, "s3cret", &hub, BODY.as_bytes()), Ok(push("d1")));
        let lab: BTreeMap<&str, String> = [
            ("x-gitlab-token", "s3cret".to_owned()),
            ("x-gitlab-event", "Push Hook".to_owned()),
            ("x-gitlab-event-uuid", "d2".to_owned()),
        ]
        .into();
        assert_eq!(read(WebhookSource::Gitlab, "s3cret", &lab, BODY.as_bytes()), Ok(push("d2")));
        let azure: BTreeMap<&str, String> = [("authorization", format!("Basic {}", STANDARD.encode("whoever:s3cret")))].into();
        let body = r#"{"id":"d3","eventType":"git.push","resource":{"refUpdates":[{"name":"refs/heads/main","newObjectId":"c0ffee"}],"pushedBy":{"displayName":"ada"}}}"#;
        assert_eq!(read(WebhookSource::AzureDevops, "s3cret", &azure, body.as_bytes()), Ok(push("d3")));
    }

    #[test]
    fn what_is_no_push_starts_nothing_and_damage_is_said() {
        let token = |event: &str| -> BTreeMap<&str, String> {
            [("x-gitlab-token", "s".to_owned()), ("x-gitlab-event", event.to_owned())].into()
        };
        assert_eq!(
            read(WebhookSource::Gitlab, "s", &token("Tag Push Hook"), b"{}"),
            Ok(Delivery::Other("Tag Push Hook".to_owned()))
        );
        for bad in [&b"{"[..], b"[]", b"{\"ref\":1}", b"\xff\xfe"] {
            assert!(matches!(read(WebhookSource::Gitlab, "s", &token("Push Hook"), bad), Err(WebhookError::Body(..))));
        }
        let tag = r#"{"ref":"refs/tags/v1","after":"0000"}"#;
        let Ok(Delivery::Push(push)) = read(WebhookSource::Gitlab, "s", &token("Push Hook"), tag.as_bytes()) else { panic!() };
        assert!(push.branch.is_none() && is_deletion(&push));
    }
}

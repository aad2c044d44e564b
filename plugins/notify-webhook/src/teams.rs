//! The shape of Microsoft Teams: a message with one Adaptive Card, <https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors>.

use serde_json::{Value, json};
use sprag_notice::Notice;

/// The message.
pub(crate) fn message(event: &Notice) -> Value {
    let mut body = vec![json!({
        "type": "TextBlock",
        "text": event.title(),
        "size": "Large",
        "weight": "Bolder",
        "wrap": true,
        "style": "heading",
    })];
    let metrics = event.metrics().into_iter().map(|line| json!({ "type": "TextBlock", "text": line, "wrap": true }));
    body.extend(metrics);
    let facts = event.facts().into_iter().map(|(title, value)| json!({ "title": title, "value": value }));
    body.push(json!({ "type": "FactSet", "facts": facts.collect::<Vec<_>>() }));
    let mut content = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    });
    if let Some(uri) = event.build_uri() {
        content["actions"] = json!([{ "type": "Action.OpenUrl", "title": "Open the build", "url": uri }]);
    }
    json!({
        "type": "message",
        "attachments": [{ "contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": null, "content": content }],
    })
}

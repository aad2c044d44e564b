//! The shape of Slack: Block Kit, <https://docs.slack.dev/reference/block-kit>.

use serde_json::{Value, json};
use sprag_notice::Notice;

/// The most fields that one section holds.
const FIELDS: usize = 10;
/// The most characters of a header.
const HEADER: usize = 150;
/// The most characters of a field.
const FIELD: usize = 1900;

/// The message.
pub(crate) fn message(event: &Notice, channel: Option<&str>) -> Value {
    let title: String = event.title().chars().take(HEADER).collect();
    let mut blocks = vec![json!({ "type": "header", "text": { "type": "plain_text", "text": title } })];
    let metrics = event.metrics();
    if !metrics.is_empty() {
        let lines: Vec<_> = metrics.iter().take(FIELDS).map(|line| escape(line)).collect();
        blocks.push(json!({ "type": "section", "text": { "type": "mrkdwn", "text": lines.join("\n") } }));
    }
    for facts in event.facts().chunks(FIELDS) {
        let field = |(name, value): &(String, String)| {
            let value: String = escape(value).chars().take(FIELD).collect();
            json!({ "type": "mrkdwn", "text": format!("*{}*\n{value}", escape(name)) })
        };
        blocks.push(json!({ "type": "section", "fields": facts.iter().map(field).collect::<Vec<_>>() }));
    }
    let mut message = json!({ "text": event.title(), "blocks": blocks });
    if let Some(channel) = channel {
        message["channel"] = channel.into();
    }
    message
}

/// Text that is no markup to Slack: it asks for these three alone.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

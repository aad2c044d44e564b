//! The message: subject, text, and the same as HTML.

use sprag_notice::Notice;

/// The subject, on one line.
pub(crate) fn subject(event: &Notice) -> String {
    let title = event.title();
    let asks = if event.asks() { "Approval needed: " } else { "" };
    format!("{asks}{title}").replace(['\r', '\n'], " ")
}

/// The text.
pub(crate) fn text(event: &Notice) -> String {
    let mut lines = vec![event.title(), String::new()];
    let metrics = event.metrics();
    lines.extend(metrics.iter().map(|line| format!("  {line}")));
    if !metrics.is_empty() {
        lines.push(String::new());
    }
    lines.extend(event.facts().into_iter().map(|(name, value)| format!("{name}: {value}")));
    lines.join("\n") + "\n"
}

/// The same as HTML.
pub(crate) fn html(event: &Notice) -> String {
    let metrics: String = event.metrics().iter().map(|line| format!("<li>{}</li>", escape(line))).collect();
    let fact = |(name, value): (String, String)| {
        let style = if name == "Approve with" { "code" } else { "span" };
        format!("<tr><th align=\"left\">{}</th><td><{style}>{}</{style}></td></tr>", escape(&name), escape(&value))
    };
    let facts: String = event.facts().into_iter().map(fact).collect();
    format!("<h1>{}</h1><ul>{metrics}</ul><table>{facts}</table>", escape(&event.title()))
}

/// Text that is no markup.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn event() -> Notice {
        serde_json::from_str(include_str!("../../notice/tests/event.json")).unwrap()
    }

    fn changed(key: &str, to: &str) -> Notice {
        let mut event: serde_json::Value = serde_json::from_str(include_str!("../../notice/tests/event.json")).unwrap();
        event[key] = to.into();
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn a_mail_says_what_changed_and_where_to_approve() {
        assert_eq!(subject(&event()), "Approval needed: diabetes@2 waits for an approval to enter production");
        let text = text(&event());
        for line in
            ["  mse 3295.74 (now 3298.91, -3.1685)", "Replaces: diabetes@1", "Differs: train alpha: 0.5 -> 0.4", "Made by: eve"]
        {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(text.contains("Approve with: sprag approve 20261124-100000-k3xq"));
    }

    #[test]
    fn words_of_others_are_no_markup() {
        let html = html(&changed("reason", "<script>\"x\"</script>"));
        assert!(html.contains("&lt;script&gt;&quot;x&quot;&lt;/script&gt;") && !html.contains("<script>"), "{html}");
    }

    #[test]
    fn a_subject_is_one_line() {
        let event = changed("environment", "a\r\nBcc: everybody@example.com");
        assert!(!subject(&event).contains(['\r', '\n']));
    }
}

//! Values of secrets in the place of their placeholders, in the form that the place needs. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;

/// The form of a text in which placeholders stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As it is: headers, plain text.
    Plain,
    /// Within a JSON text.
    Json,
    /// Within `application/x-www-form-urlencoded`, or a query.
    UrlEncoded,
    /// Within a path, where `/` divides.
    Path,
}

impl Form {
    /// The form of a body, by its content type; none for a body in which no placeholder is replaced.
    pub(crate) fn of_body(content_type: Option<&str>) -> Option<Self> {
        let media_type = content_type?.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match media_type.as_str() {
            "application/x-www-form-urlencoded" => Some(Self::UrlEncoded),
            // JSON's escapes are YAML's too, between double quotes.
            "application/json" | "text/json" | "application/yaml" | "text/yaml" => Some(Self::Json),
            other if other.ends_with("+json") || other.ends_with("+yaml") => Some(Self::Json),
            "application/xml" => Some(Self::Plain),
            other if other.starts_with("text/") || other.ends_with("+xml") => Some(Self::Plain),
            _ => None,
        }
    }

    /// A value in this form.
    pub(crate) fn encode(self, value: &str) -> String {
        match self {
            Self::Plain => value.to_owned(),
            Self::Json => json_escaped(value),
            Self::UrlEncoded => form_encoded(value),
            Self::Path => path_encoded(value),
        }
    }
}

/// A text as it stands between the quotes of a JSON string.
pub(crate) fn json_escaped(value: &str) -> String {
    let quoted = serde_json::Value::String(value.to_owned()).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// A text as it stands in `application/x-www-form-urlencoded`.
pub(crate) fn form_encoded(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

fn path_encoded(value: &str) -> String {
    value.split('/').map(|part| form_encoded(part).replace('+', "%20")).collect::<Vec<_>>().join("/")
}

/// The header value with the credentials of `Basic` authentication opened: user and password as text. None for any other value.
pub(crate) fn open_basic(value: &str) -> Option<String> {
    let (scheme, credentials) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()
}

/// The reverse.
pub(crate) fn close_basic(credentials: &str) -> String {
    format!("Basic {}", STANDARD.encode(credentials))
}

/// Replaces a placeholder wherever it stands.
pub(crate) fn replace<'a>(text: &'a str, placeholder: &str, value: &str, form: Form) -> Cow<'a, str> {
    if text.contains(placeholder) { Cow::Owned(text.replace(placeholder, &form.encode(value))) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_has_its_form() {
        let put = |text: &str, form| replace(text, "P", "a\"b/c d", form).into_owned();
        assert_eq!(put("Bearer P", Form::Plain), "Bearer a\"b/c d");
        assert_eq!(put("{\"k\":\"P\"}", Form::Json), "{\"k\":\"a\\\"b/c d\"}");
        assert_eq!(put("k=P&l=1", Form::UrlEncoded), "k=a%22b%2Fc+d&l=1");
        assert_eq!(put("/x/P", Form::Path), "/x/a%22b/c%20d");
    }

    #[test]
    fn bodies_that_are_text_have_placeholders_replaced() {
        let form = |content_type: &str| Form::of_body(Some(content_type));
        assert_eq!(form("application/json; charset=utf-8"), Some(Form::Json));
        assert_eq!(form("application/merge-patch+json"), Some(Form::Json));
        assert_eq!(form("application/x-www-form-urlencoded"), Some(Form::UrlEncoded));
        assert_eq!(form("text/plain"), Some(Form::Plain));
        assert_eq!(form("application/apply-patch+yaml"), Some(Form::Json), "as Kubernetes has it");
        assert_eq!(form("application/octet-stream"), None);
        assert_eq!(Form::of_body(None), None);
    }

    #[test]
    fn basic_credentials_open_and_close() {
        assert_eq!(open_basic("Basic dXNlcjpQ").as_deref(), Some("user:P"));
        assert_eq!(close_basic("user:P"), "Basic dXNlcjpQ");
        assert_eq!(open_basic("Bearer dXNlcjpQ"), None);
    }
}

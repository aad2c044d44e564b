//! An answer, before anything is sent.

/// The media type of JSON.
pub(crate) const JSON: &str = "application/json";

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The media type of the body.
    pub content_type: &'static str,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// JSON with status 200.
    pub fn json(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, content_type: JSON, headers: vec![], body: body.into() }
    }
}

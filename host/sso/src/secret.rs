//! What the client shows the provider.

/// A secret that no log shows.
#[derive(Clone)]
pub struct ClientSecret(String);

impl ClientSecret {
    /// A secret.
    pub fn new(value: String) -> Self {
        Self(value)
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientSecret")
    }
}

//! Takes out of a text what differs between two runs of the same test.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

/// What differs, and what stands in its place.
static PATTERNS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let patterns = [
        (r"\d{8}-\d{6}-[a-z0-9]{4}", "[RUN]"),
        (r"sha256:[0-9a-f]{12,64}", "sha256:[DIGEST]"),
        (r"\b[0-9a-f]{64}\b", "[DIGEST]"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.0-9]*(Z|\+00:00)", "[WHEN]"),
        (r" +\d+(\.\d+)? (ms|s)\b", " [TIME]"),
        (r#"time="[0-9.]+""#, r#"time="[TIME]""#),
        // Sizes of models and numbers of cases change with the plugins, which have tests of their own for them.
        (r"\ba model of \d+ bytes\b", "a model of [SIZE]"),
        (r"\b\d+ bytes\)", "[SIZE])"),
        (r"\b\d+ test cases", "[N] test cases"),
    ];
    patterns.map(|(pattern, name)| (Regex::new(pattern).unwrap(), name)).into_iter().collect()
});

/// Takes out what differs, the test's own folder among it.
#[derive(Debug, Clone)]
pub(crate) struct Redactor {
    dir: String,
}

impl Redactor {
    pub(super) fn new(dir: &Path) -> Self {
        Self { dir: dir.display().to_string() }
    }

    /// The text without what differs.
    pub(crate) fn text(&self, text: &str) -> String {
        let root = super::root().display().to_string();
        let mut text = text.replace(&self.dir, "[TEMP]").replace(&root, "[REPOSITORY]");
        for (pattern, name) in PATTERNS.iter() {
            text = pattern.replace_all(&text, *name).into_owned();
        }
        text
    }
}

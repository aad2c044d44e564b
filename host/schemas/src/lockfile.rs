//! `sprag.lock`: which component each stage runs, with the imports and grants that were accepted for it.
//!
//! The file is committed. A component that changes, or wants one more right, shows up as a changed line in review.

use serde::{Deserialize, Serialize};

/// The version of the format that this crate writes, and the newest that it reads.
pub const VERSION: u32 = 1;

/// What `sprag.lock` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Lockfile {
    /// The version of the format: [`VERSION`].
    pub version: u32,
    /// One entry for each stage, in the order in which the stages run.
    #[serde(default, rename = "stage")]
    pub stages: Vec<LockedStage>,
}

/// The component of one stage, as it was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LockedStage {
    /// The stage's name in the project.
    pub name: String,
    /// Its kind, such as `train`.
    pub kind: String,
    /// The plugin as the project names it.
    pub plugin: String,
    /// The plugin's own version.
    pub version: String,
    /// For a plugin of a registry, the digest of the manifest that its tag stood for when it was locked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// The component's digest: `sha256:` and 64 hexadecimal digits.
    pub digest: String,
    /// Every interface that the component imports, sorted.
    pub imports: Vec<String>,
    /// Every grant beyond the stage's world, sorted, as `name=value`.
    pub grants: Vec<String>,
}

impl Lockfile {
    /// Reads the text of a lockfile.
    ///
    /// # Errors
    /// The text is not TOML, has unknown or missing keys (with line and column), or is of a newer version.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lock: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        if lock.version > VERSION {
            return Err(format!("expected a lockfile of version {VERSION} or older, found version {}", lock.version));
        }
        Ok(lock)
    }

    /// The text to write: a heading and the entries, stable byte for byte.
    pub fn to_text(&self) -> String {
        let body = toml::to_string(self).expect("a lockfile holds strings and lists of strings, which TOML can hold");
        format!("# Made by `sprag lock`. Commit it; do not edit it by hand.\n\n{body}")
    }

    /// The entry of the stage of this name.
    pub fn stage(&self, name: &str) -> Option<&LockedStage> {
        self.stages.iter().find(|stage| stage.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        let lock = Lockfile {
            version: VERSION,
            stages: vec![LockedStage {
                name: "train".into(),
                kind: "train".into(),
                plugin: "./mine.wasm".into(),
                version: "1.2.0".into(),
                manifest: Some(format!("sha256:{}", "1".repeat(64))),
                digest: format!("sha256:{}", "0".repeat(64)),
                imports: vec!["sprag:data/tables@0.1.0".into()],
                grants: vec!["env=SEASON".into()],
            }],
        };
        assert_eq!(Lockfile::parse(&lock.to_text()), Ok(lock));
    }

    #[test]
    fn a_newer_format_is_refused() {
        let error = Lockfile::parse("version = 2").unwrap_err();
        assert_eq!(error, "expected a lockfile of version 1 or older, found version 2");
    }
}

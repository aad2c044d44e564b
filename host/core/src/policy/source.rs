//! Where a plugin may come from, as a rule writes it.

use std::fmt;
use std::str::FromStr;

use super::Provenance;
use crate::digest::Digest;
use crate::plan::{PlannedStage, PluginRef};

/// One entry of `from`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `any`
    Any,
    /// `built-in`
    BuiltIn,
    /// The name of one built-in plugin.
    Named(String),
    /// `file`
    File,
    /// `sha256:...`
    Digest(Digest),
    /// `oci://HOST` or `oci://HOST/REPOSITORY`: whole words of the path.
    Registry(String),
}

impl Source {
    /// Whether a stage's plugin comes from here.
    pub fn covers(&self, stage: &PlannedStage, provenance: &Provenance) -> bool {
        match self {
            Self::Any => true,
            Self::BuiltIn => matches!(stage.plugin, PluginRef::BuiltIn(_)),
            Self::Named(name) => matches!(&stage.plugin, PluginRef::BuiltIn(found) if found == name),
            Self::File => matches!(stage.plugin, PluginRef::Path(_)),
            Self::Digest(digest) => stage.component.digest == *digest,
            Self::Registry(prefix) => provenance.repository.as_ref().is_some_and(|repository| {
                repository.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }),
        }
    }
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "expected `any`, `built-in`, the name of a built-in plugin, `file`, `sha256:...` or `oci://HOST/REPOSITORY`, found `{text}`"
            )
        };
        match text {
            "any" => Ok(Self::Any),
            "built-in" => Ok(Self::BuiltIn),
            "file" => Ok(Self::File),
            _ if text.starts_with("sha256:") => text.parse().map(Self::Digest).map_err(|_| wrong()),
            _ => match text.strip_prefix("oci://") {
                Some(prefix) => {
                    let prefix = prefix.trim_end_matches('/');
                    // A tag moves, and a digest is that of a manifest: neither says which component it is.
                    let path = prefix.split_once('/').map_or("", |(_, path)| path);
                    let is_good = !prefix.is_empty() && !prefix.contains(['*', '@', ' ']) && !path.contains(':');
                    is_good.then(|| Self::Registry(prefix.to_owned())).ok_or_else(wrong)
                }
                None if crate::plan::is_name(text) => Ok(Self::Named(text.to_owned())),
                None => Err(wrong()),
            },
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::BuiltIn => f.write_str("built-in"),
            Self::File => f.write_str("file"),
            Self::Named(name) => f.write_str(name),
            Self::Digest(digest) => digest.fmt(f),
            Self::Registry(prefix) => write!(f, "oci://{prefix}"),
        }
    }
}

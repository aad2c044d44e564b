//! `policy.toml`: what a platform team lets projects do. What a policy does not allow is refused.
//!
//! One type per table. Unknown keys are errors, since a key that is not enforced would be a promise that nobody keeps. What the texts mean is decided in
//! `sprag-core`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::manifest::{Clock, Kind};
use crate::quantity::{ByteSize, TimeSpan};

/// A whole policy file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[schemars(
    title = "policy.toml",
    description = "What a platform team lets projects do: which plugins may run, and what they may be granted. What no rule allows is refused."
)]
pub struct Policy {
    /// The people and machines that sign plugins, by a name of your choice: public keys as `ssh-ed25519 AAAA...`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub signers: BTreeMap<String, String>,
    /// What is refused whatever else is allowed.
    #[serde(skip_serializing_if = "Revoked::is_empty")]
    pub revoked: Revoked,
    /// Which plugins may run. A plugin that no rule allows is refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plugins: Vec<PluginRule>,
    /// What stages may be granted, and the most that they may use. What no rule allows is refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<GrantRule>,
}

/// `[revoked]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Revoked {
    /// Signers whose signatures count no more: names of `[signers]`, or fingerprints as `SHA256:...`. A plugin that one of them signed is refused, whoever else
    /// signed it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signers: Vec<String>,
    /// Components that may not run: `sha256:` and 64 hexadecimal digits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub digests: Vec<String>,
}

impl Revoked {
    fn is_empty(&self) -> bool {
        self.signers.is_empty() && self.digests.is_empty()
    }
}

/// `[[plugins]]`: a rule allows a plugin that comes from one of the sources and, where it names signers, is signed by one of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct PluginRule {
    /// The kinds of stage that the rule is for. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kinds: Option<Vec<Kind>>,
    /// The projects that the rule is for, by name; one `*` at the end stands for any rest. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub projects: Option<Vec<String>>,
    /// Where the plugin may come from: `any`, `built-in`, the name of a built-in plugin, `file` (a file of the project), `sha256:...` (this component,
    /// wherever it comes from), or a registry, perhaps with the beginning of the repository: `oci://registry.example.com/team`. Default: anywhere, where
    /// `signed-by` is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Vec<String>>,
    /// The signers of whom one must have signed it, by their names under `[signers]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<Vec<String>>,
}

/// `[[grants]]`: what stages may be granted. One `*` at the end of a text stands for any rest, where not said otherwise.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct GrantRule {
    /// The kinds of stage that the rule is for. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kinds: Option<Vec<Kind>>,
    /// The projects that the rule is for, by name. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub projects: Option<Vec<String>>,
    /// Environment variables, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// The clock: `real` allows the machine's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<Clock>,
    /// Origins, perhaps after the only methods: `https://api.example.com`, `GET,HEAD https://*.example.com`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub http: Vec<String>,
    /// Secrets, by the project's names for them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// Whether stages may run scoring services on this machine.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub services: bool,
    /// Folders as projects write them; each covers what is below it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub folders: Vec<String>,
    /// Mail servers: `host:port`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub smtp: Vec<String>,
    /// Python environments that stages may run scripts in, by the project's names for them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub processes: Vec<String>,
    /// Whether those scripts may use the network.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub process_network: bool,
    /// The most memory that a stage's limits may name. Where no rule has it: `2GiB`, which a stage has that names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<ByteSize>,
    /// The most time that a stage's limits may name. Where no rule has it: `10m`, which a stage has that names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeSpan>,
}

impl Policy {
    /// Reads the text of a policy.
    ///
    /// # Errors
    /// The text is not TOML or does not fit the types: the error shows the line and, for an unknown key, the known ones.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
    }

    /// The policy as the text of a file.
    pub fn to_text(&self) -> String {
        toml::to_string(self).expect("a policy holds texts and lists of texts, which TOML can hold")
    }
}

/// One step on the way to a place in a TOML text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// Into the value of a key.
    Key(&'a str),
    /// Into an element of an array, from 0.
    Item(usize),
}

/// The line, from 1, where a value of a TOML text begins; that of the nearest enclosing one where there is none.
pub fn line_at(text: &str, steps: &[Step<'_>]) -> Option<usize> {
    use toml::de::{DeTable, DeValue};
    let document = DeTable::parse(text).ok()?;
    let mut table = Some(document.get_ref());
    let mut array = None;
    let mut offset = None;
    for step in steps {
        let (start, value) = match *step {
            Step::Key(key) => {
                let Some((found, value)) = table.and_then(|table| table.iter().find(|(found, _)| found.get_ref() == key)) else {
                    break;
                };
                (found.span().start, value)
            }
            Step::Item(index) => {
                let Some(value) = array.and_then(|array: &toml::de::DeArray<'_>| array.get(index)) else { break };
                (value.span().start, value)
            }
        };
        offset = Some(start);
        (table, array) = match value.get_ref() {
            DeValue::Table(inner) => (Some(inner), None),
            DeValue::Array(inner) => (None, Some(inner)),
            _ => (None, None),
        };
    }
    offset.map(|offset| text[..offset].matches('\n').count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[signers]\nplatform = \"ssh-ed25519 A\"\n\n[[plugins]]\nfrom = [\"built-in\"]\n\n[[plugins]]\nkinds = [\"train\"]\n\
                        from = [\n  \"file\",\n  \"train-ridge\",\n]\n\n[[grants]]\nmemory = \"4GiB\"\n";

    #[test]
    fn text_round_trips() {
        let policy = Policy::parse(TEXT).unwrap();
        assert_eq!(Policy::parse(&policy.to_text()), Ok(policy));
        assert_eq!(Policy::parse(""), Ok(Policy::default()));
    }

    #[test]
    fn an_unknown_key_is_shown_with_its_line_and_the_known_ones() {
        let error = Policy::parse(&TEXT.replace("memory", "sockets")).unwrap_err();
        assert!(error.contains("line 15, column 1"), "{error}");
        assert!(error.contains("unknown field `sockets`, expected one of `kinds`, `projects`, `env`"), "{error}");
        for unknown in ["plugin = []", "[revoked]\nkeys = []", "[[plugins]]\nallow = []"] {
            assert!(Policy::parse(unknown).unwrap_err().contains("unknown field"), "{unknown}");
        }
    }

    #[test]
    fn places_are_found_in_arrays_of_tables() {
        use Step::{Item, Key};
        let line = |steps: &[Step<'_>]| line_at(TEXT, steps);
        assert_eq!(line(&[Key("signers"), Key("platform")]), Some(2));
        assert_eq!(line(&[Key("plugins"), Item(0)]), Some(4));
        assert_eq!(line(&[Key("plugins"), Item(1)]), Some(7));
        assert_eq!(line(&[Key("plugins"), Item(1), Key("from"), Item(1)]), Some(11));
        assert_eq!(line(&[Key("plugins"), Item(1), Key("signed-by")]), Some(7));
        assert_eq!(line(&[Key("grants"), Item(0), Key("memory")]), Some(15));
        assert_eq!(line(&[Key("nothing")]), None);
    }
}

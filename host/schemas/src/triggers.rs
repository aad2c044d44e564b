//! The part of `sprag.toml` that says how a published pipeline is run: `[pipeline]` and `[triggers]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::quantity::TimeSpan;

/// `[pipeline]`: how the runs of the pipeline stand to each other, once it is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Pipeline {
    /// How many runs may wait for their turn; what is triggered beyond is refused. Default: 100.
    pub queue: u32,
    /// Whether a trigger that would do what another waiting one does already is answered with that one. What a person or a program asks for by name is
    /// never one of them. Default: true.
    pub coalesce: bool,
}

impl Default for Pipeline {
    fn default() -> Self {
        Self { queue: 100, coalesce: true }
    }
}

impl Pipeline {
    /// Whether it says what it says where there is none.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// `[triggers.NAME]`: one thing that starts a run of the newest published version. Exactly one of `cron`, `webhook`, `watch`, `drift` and `after`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Trigger {
    /// Points in time: five fields as of cron (minute, hour, day of month, month, day of week), such as `0 3 * * *`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// The time zone of `cron`, by its name in the IANA database, such as `Europe/Berlin`. Default: `UTC`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// What becomes of points in time at which no server ran. Default: `once`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missed: Option<Missed>,
    /// A push to a repository, as this system tells it to `/hooks/PIPELINE/NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<WebhookSource>,
    /// The secret, by its name under `[secrets]`, that the system signs with or sends along.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// The branches whose pushes count. Default: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<String>,
    /// A file, relative to the project, or all files below a folder: a run starts when their content is another. Or an address that begins with `https://`: of a list of
    /// objects in Azure Blob Storage or S3, or of one object. A `secret` of the trigger is the end of its query, such as a shared access signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watch: Option<String>,
    /// How often `watch` and `drift` look. Default: `30s` and `1h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<TimeSpan>,
    /// The environment whose traffic is held against the training data: a run starts when a column has drifted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift: Option<String>,
    /// Another pipeline of the same server: a run starts when a run of it succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Parameters of the run: `STAGE.NAME` and a value, as for `--param`.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    pub params: serde_json::Map<String, serde_json::Value>,
}

/// What becomes of points in time at which no server ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Missed {
    /// One run for all of them, as soon as there is a server.
    #[default]
    Once,
    /// None: the next point in time is waited for.
    Skip,
}

/// A system that tells of pushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WebhookSource {
    /// GitHub: `X-Hub-Signature-256`, the HMAC-SHA-256 of the body.
    Github,
    /// GitLab: `X-Gitlab-Token`, the secret itself; or the signature of Standard Webhooks where it sends one.
    Gitlab,
    /// Azure DevOps: HTTP basic authentication with the secret as the password.
    AzureDevops,
}

impl WebhookSource {
    /// Its name, as the project file spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::AzureDevops => "azure-devops",
        }
    }
}

/// What starts a run, one of which a trigger is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TriggerKind<'a> {
    /// Points in time.
    Cron(&'a str),
    /// A push.
    Webhook(WebhookSource),
    /// Other content of files.
    Watch(&'a str),
    /// Drift in an environment.
    Drift(&'a str),
    /// The success of another pipeline.
    After(&'a str),
}

impl Trigger {
    /// Whether it watches an address, and no file.
    pub fn watches_address(&self) -> bool {
        self.watch.as_ref().is_some_and(|watch| watch.starts_with("https://") || watch.starts_with("http://"))
    }

    /// What it is; the error says what is wrong with its keys.
    ///
    /// # Errors
    /// None of the five keys is there, or several are, or one that belongs to another kind.
    pub fn kind(&self) -> Result<TriggerKind<'_>, String> {
        let kinds: Vec<_> = [
            self.cron.as_deref().map(TriggerKind::Cron),
            self.webhook.map(TriggerKind::Webhook),
            self.watch.as_deref().map(TriggerKind::Watch),
            self.drift.as_deref().map(TriggerKind::Drift),
            self.after.as_deref().map(TriggerKind::After),
        ]
        .into_iter()
        .flatten()
        .collect();
        let [kind] = kinds.as_slice() else {
            return Err(format!(
                "expected exactly one of `cron`, `webhook`, `watch`, `drift` and `after`, found {}",
                kinds.len()
            ));
        };
        let is = |allowed: &[&str]| {
            let given = [
                ("timezone", self.timezone.is_some()),
                ("missed", self.missed.is_some()),
                ("secret", self.secret.is_some()),
                ("branches", !self.branches.is_empty()),
                ("every", self.every.is_some()),
            ];
            match given.into_iter().find(|(key, is_given)| *is_given && !allowed.contains(key)) {
                Some((key, _)) => Err(format!("expected no `{key}` with `{}`", kind.name())),
                None => Ok(*kind),
            }
        };
        match kind {
            TriggerKind::Cron(_) => is(&["timezone", "missed"]),
            TriggerKind::Webhook(_) if self.secret.is_none() => {
                Err("expected `secret`, the name of the secret that pushes are signed with, found none".to_owned())
            }
            TriggerKind::Webhook(_) => is(&["secret", "branches"]),
            TriggerKind::Watch(_) if self.watches_address() => is(&["every", "secret"]),
            TriggerKind::Watch(_) | TriggerKind::Drift(_) => is(&["every"]),
            TriggerKind::After(_) => is(&[]),
        }
    }
}

impl TriggerKind<'_> {
    /// The key that makes a trigger one of this kind.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cron(_) => "cron",
            Self::Webhook(_) => "webhook",
            Self::Watch(_) => "watch",
            Self::Drift(_) => "drift",
            Self::After(_) => "after",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Result<String, String> {
        toml::from_str::<Trigger>(text).unwrap().kind().map(|kind| kind.name().to_owned())
    }

    #[test]
    fn a_trigger_is_one_thing() {
        assert_eq!(kind("cron = '0 3 * * *'\ntimezone = 'Europe/Berlin'\nmissed = 'skip'").unwrap(), "cron");
        assert_eq!(kind("webhook = 'github'\nsecret = 'hook'\nbranches = ['main']").unwrap(), "webhook");
        assert_eq!(kind("watch = 'data'\nevery = '5s'").unwrap(), "watch");
        assert_eq!(kind("after = 'features'").unwrap(), "after");
        assert!(kind("").unwrap_err().ends_with("found 0"));
        assert!(kind("watch = 'a'\nafter = 'b'").unwrap_err().ends_with("found 2"));
    }

    #[test]
    fn keys_of_another_kind_are_refused() {
        assert_eq!(kind("watch = 'a'\ntimezone = 'UTC'").unwrap_err(), "expected no `timezone` with `watch`");
        assert_eq!(kind("after = 'a'\nsecret = 'b'").unwrap_err(), "expected no `secret` with `after`");
        assert!(kind("webhook = 'gitlab'").unwrap_err().starts_with("expected `secret`"));
    }
}

//! One place of the app, production or the slot: looked at, and made to run a release.

use serde_json::{Map, Value, json};
use sprag_azure::{Arm, ArmError, Desired};

use crate::body::{App, PACKAGE, VERSION};

/// A place of the app.
pub(crate) struct Place<'a> {
    pub(crate) arm: &'a Arm<'a>,
    /// Its id.
    pub(crate) id: String,
    /// What it is called.
    pub(crate) kind: &'static str,
}

/// A place as it is.
pub(crate) struct Found {
    pub(crate) site: Value,
    config: Value,
    settings: Map<String, Value>,
}

impl Found {
    /// The package that runs there, by its settings.
    pub(crate) fn package(&self) -> Option<&str> {
        self.settings.get(PACKAGE)?.as_str()
    }

    /// Where it answers.
    pub(crate) fn host(&self) -> Option<&str> {
        self.site.pointer("/properties/defaultHostName").and_then(Value::as_str)
    }

    /// The share of the requests that goes to a slot instead.
    pub(crate) fn share_of(&self, slot: &str) -> u32 {
        let rules = self.config.pointer("/properties/experiments/rampUpRules").and_then(Value::as_array);
        let rule = rules.into_iter().flatten().find(|rule| rule["name"].as_str() == Some(slot));
        let percent = rule.and_then(|rule| rule["reroutePercentage"].as_f64()).unwrap_or(0.0);
        // App Service takes fractions; the contract has whole percents.
        (0..=100).find(|whole| f64::from(*whole) >= percent.round()).unwrap_or(100)
    }
}

impl<'a> Place<'a> {
    /// The place as it is; none where it is not there.
    pub(crate) fn look(&self) -> Result<Option<Found>, ArmError> {
        let Some(site) = self.arm.get(&self.id, VERSION)? else { return Ok(None) };
        let config = self.arm.get(&format!("{}/config/web", self.id), VERSION)?.unwrap_or_default();
        // The only way to read settings. Values of secrets that sprag knows are covered by the host on their way here.
        let mut listed = self.arm.post(&format!("{}/config/appsettings", self.id), "list", VERSION, &json!({}))?;
        let settings = listed.get_mut("properties").map(Value::take);
        let settings = settings.and_then(|settings| settings.as_object().cloned()).unwrap_or_default();
        Ok(Some(Found { site, config, settings }))
    }

    /// Where it is not as it should be.
    pub(crate) fn differences(&self, app: &App, found: &Found) -> Vec<String> {
        let mut lines = self.arm.compare(&self.desired(&app.fixed), &found.site);
        let config = json!({ "properties": app.config });
        lines.extend(self.arm.compare(&self.desired(&config), &found.config));
        lines.extend(app.settings_differences(&found.settings));
        lines
    }

    /// Whether it runs what it should, whatever else differs.
    pub(crate) fn runs(&self, app: &App, found: &Found) -> bool {
        let config = json!({ "properties": app.config });
        self.arm.compare(&self.desired(&config), &found.config).is_empty() && app.settings_differences(&found.settings).is_empty()
    }

    /// Makes it run what it should.
    pub(crate) fn put(&self, app: &App) -> Result<(), ArmError> {
        self.arm.put(&self.id, VERSION, &app.body(), None).map(|_| ())
    }

    /// Waits until its container answers its health check: whether it does, or the state of its instances.
    pub(crate) fn wait(&self) -> Result<Result<(), String>, ArmError> {
        let what = format!("start the container of {}", self.subject());
        let waited = self.arm.until(&what, || {
            let states: Vec<String> = self
                .arm
                .list(&format!("{}/instances", self.id), VERSION)?
                .iter()
                .filter_map(|instance| Some(instance.pointer("/properties/state")?.as_str()?.to_owned()))
                .collect();
            Ok(match states.iter().any(|state| state.eq_ignore_ascii_case("ready")) {
                true => Ok(()),
                false if states.is_empty() => Err("no instance yet".to_owned()),
                false => Err(states.join(", ")),
            })
        });
        match waited {
            Ok(()) => Ok(Ok(())),
            Err(ArmError::Unfinished { seconds, state, .. }) => Ok(Err(format!(
                "no container of {} answered `/healthz` within {seconds} s: the instances are `{state}`; its log is in `az webapp log tail`",
                self.subject()
            ))),
            Err(error) => Err(error),
        }
    }

    /// Sends a share of the requests of this place, which is production, to a slot; none to nobody.
    pub(crate) fn divide(&self, slot: Option<(&str, &str, u32)>) -> Result<(), ArmError> {
        let rule = |(name, host, percent): (&str, &str, u32)| json!({ "name": name, "actionHostName": host, "reroutePercentage": percent });
        let rules: Vec<_> = slot.into_iter().map(rule).collect();
        let body = json!({ "properties": { "experiments": { "rampUpRules": rules } } });
        self.arm.patch(&format!("{}/config/web", self.id), VERSION, &body).map(|_| ())
    }

    /// Kind and name, for a person.
    pub(crate) fn subject(&self) -> String {
        format!("{} {}", self.kind, self.id.rsplit('/').next().unwrap_or_default())
    }

    /// A body of it, for comparing and for changes.
    pub(crate) fn desired(&self, body: &Value) -> Desired {
        // App Service writes the kind in its own way.
        Desired { kind: self.kind, id: self.id.clone(), version: VERSION, body: body.clone(), unread: &["kind"] }
    }
}

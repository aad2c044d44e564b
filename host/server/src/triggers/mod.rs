//! What starts runs by itself: points in time, other data, drift, and the success of another pipeline.
//!
//! What a trigger saw last is in the store, so that a server that begins anew goes on where the last one was: nothing is started twice, and what was missed is dealt with by the rule of
//! its trigger.

mod after;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use sprag_core::schedule::Schedule;
use sprag_pipelines::{RESERVED, Wish, trigger};
use sprag_schemas::manifest::Manifest;
use sprag_schemas::pipeline::{Cause, Publication};
use sprag_schemas::triggers::{Missed, Trigger, TriggerKind};

use crate::site::{Hosted, Site, SiteError};

/// How often files are looked at where a trigger does not say.
const WATCH_EVERY: Duration = Duration::from_secs(30);

/// How often drift is looked for where a trigger does not say.
const DRIFT_EVERY: Duration = Duration::from_secs(3600);

/// The triggers of all pipelines of a site.
pub struct Triggers {
    site: Arc<Site>,
    /// When a trigger was looked at that is not looked at each time.
    looked: BTreeMap<(String, String), Instant>,
    /// What a watched file was at the last look, before its content is believed.
    unsettled: BTreeMap<(String, String), String>,
    /// The project files of bundles that were read, by digest.
    manifests: BTreeMap<String, Manifest>,
    /// Faults that were told of, each once.
    told: BTreeMap<(String, String), String>,
}

/// A trigger of a pipeline.
struct One<'a> {
    hosted: &'a Arc<Hosted>,
    publication: &'a Publication,
    manifest: &'a Manifest,
    name: &'a str,
    trigger: &'a Trigger,
}

/// What a look at a trigger came to.
enum Look {
    /// Nothing to do.
    Nothing,
    /// A run is to be asked for, and this is to be remembered: why, and the state.
    Start(Cause, String, String),
    /// This is to be remembered, and nothing done.
    Remember(String),
}

impl Triggers {
    /// The triggers of a site.
    pub fn new(site: Arc<Site>) -> Self {
        Self { site, looked: BTreeMap::new(), unsettled: BTreeMap::new(), manifests: BTreeMap::new(), told: BTreeMap::new() }
    }

    /// Looks at every trigger, and asks for the runs that are due. What cannot be looked at is told once, and holds up no other.
    ///
    /// # Errors
    /// A store cannot be read.
    pub fn look(&mut self, now: DateTime<Utc>, at: Instant) -> Result<(), SiteError> {
        let newest = self.site.newest()?;
        for (hosted, publication) in &newest {
            if !self.manifests.contains_key(&publication.digest) {
                self.manifests.insert(publication.digest.clone(), sprag_pipelines::manifest(&hosted.store, publication)?);
            }
        }
        self.manifests.retain(|digest, _| newest.iter().any(|(_, publication)| publication.digest == *digest));
        let manifests = std::mem::take(&mut self.manifests);
        for (hosted, publication) in &newest {
            let manifest = &manifests[&publication.digest];
            for (name, trigger) in &manifest.triggers {
                let one = One { hosted, publication, manifest, name, trigger };
                let place = (publication.pipeline.clone(), name.clone());
                match self.one(&one, &manifests, now, at) {
                    Ok(()) => drop(self.told.remove(&place)),
                    Err(fault) if self.told.get(&place) != Some(&fault) => {
                        self.site.ground.tell(&format!("trigger `{name}` of `{}`: {fault}", publication.pipeline));
                        self.told.insert(place, fault);
                    }
                    Err(_) => {}
                }
            }
        }
        self.manifests = manifests;
        Ok(())
    }

    fn one(
        &mut self,
        one: &One<'_>,
        manifests: &BTreeMap<String, Manifest>,
        now: DateTime<Utc>,
        at: Instant,
    ) -> Result<(), String> {
        let text = |error: &(dyn std::error::Error + 'static)| sprag_lifecycle::with_causes(error);
        let (store, pipeline) = (&one.hosted.store, one.publication.pipeline.as_str());
        let state = store.trigger_state(pipeline, one.name).map_err(|error| text(&error))?;
        let looked = match one.trigger.kind()? {
            TriggerKind::Webhook(_) => Look::Nothing,
            TriggerKind::Cron(cron) => scheduled(one.trigger, cron, state.as_deref(), now)?,
            TriggerKind::Watch(path) if self.is_time(one, WATCH_EVERY, at) => {
                let place = (pipeline.to_owned(), one.name.to_owned());
                if one.trigger.watches_address() {
                    let (home, ground) = (&one.hosted.home, &self.site.ground);
                    let secret = one.trigger.secret.as_deref().map(|name| ground.secret(home, one.manifest, name)).transpose()?;
                    let found = ground.listed(path, secret.as_deref())?;
                    let looked = watch::listed(found, path, state.as_deref(), self.unsettled.entry(place).or_default());
                    return self.settle(one, looked);
                }
                watch::look(&one.hosted.home.join(path), path, state.as_deref(), self.unsettled.entry(place).or_default())?
            }
            TriggerKind::Drift(environment) if self.is_time(one, DRIFT_EVERY, at) => {
                let ground = &self.site.ground;
                match ground.drifted(&one.hosted.home, &one.hosted.store, one.manifest, environment)? {
                    Some((key, why)) if state.as_deref() != Some(key.as_str()) => Look::Start(Cause::Drift, why, key),
                    Some(_) | None => Look::Nothing,
                }
            }
            TriggerKind::After(other) => after::look(&self.site, pipeline, other, state.as_deref(), manifests)?,
            TriggerKind::Watch(_) | TriggerKind::Drift(_) => Look::Nothing,
        };
        self.settle(one, looked)
    }

    /// Does what a look at a trigger came to.
    fn settle(&self, one: &One<'_>, looked: Look) -> Result<(), String> {
        let text = |error: &(dyn std::error::Error + 'static)| sprag_lifecycle::with_causes(error);
        let (store, pipeline) = (&one.hosted.store, one.publication.pipeline.as_str());
        let remember = |state: &str| store.put_trigger_state(pipeline, one.name, state).map_err(|error| text(&error));
        match looked {
            Look::Nothing => Ok(()),
            Look::Remember(state) => remember(&state),
            Look::Start(cause, why, state) => {
                // Under a key of what was seen: a server that is killed between the two asks again, and it is the same request.
                let key = Some(format!("{RESERVED}{}:{}:{state}", cause.name(), one.name));
                let wish = Wish { params: one.trigger.params.clone(), idempotency_key: key, ..Wish::default() };
                let asked = trigger(cause, Some(one.name), &why);
                self.site.request(one.hosted, one.publication, asked, wish).map_err(|error| text(&error))?;
                remember(&state)
            }
        }
    }

    /// Whether a trigger is to be looked at again.
    fn is_time(&mut self, one: &One<'_>, usual: Duration, at: Instant) -> bool {
        let every = one.trigger.every.map_or(usual, |every| every.0);
        let place = (one.publication.pipeline.clone(), one.name.to_owned());
        let is_time = self.looked.get(&place).is_none_or(|looked| at.saturating_duration_since(*looked) >= every);
        if is_time {
            self.looked.insert(place, at);
        }
        is_time
    }
}

fn scheduled(trigger: &Trigger, cron: &str, state: Option<&str>, now: DateTime<Utc>) -> Result<Look, String> {
    let schedule = Schedule::parse(cron, trigger.timezone.as_deref())?;
    let remembered = state.and_then(|state| state.parse::<DateTime<Utc>>().ok());
    let seen = Schedule::seen(remembered, now);
    let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    if remembered != Some(seen) {
        // A schedule begins when it is first seen, not in the past.
        return Ok(Look::Remember(text(seen)));
    }
    let Some(due) = schedule.due(seen, now) else { return Ok(Look::Nothing) };
    // More than one, or one that is long past: no server ran then.
    let was_missed = due.count > 1 || (now - due.last).num_seconds() > 60;
    if was_missed && trigger.missed.unwrap_or_default() == Missed::Skip {
        return Ok(Look::Remember(text(due.last)));
    }
    let zone = trigger.timezone.as_deref().unwrap_or("UTC");
    let missed = if due.count > 1 { format!(", with {} that were missed", due.count - 1) } else { String::new() };
    Ok(Look::Start(Cause::Cron, format!("`{cron}` in {zone}, due at {}{missed}", text(due.last)), text(due.last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(trigger: &Trigger, state: Option<&str>, now: &str) -> String {
        match scheduled(trigger, "0 * * * *", state, now.parse().unwrap()).unwrap() {
            Look::Nothing => "nothing".to_owned(),
            Look::Remember(state) => format!("remember {state}"),
            Look::Start(cause, why, state) => format!("{} {state}: {why}", cause.name()),
        }
    }

    #[test]
    fn a_schedule_begins_when_it_is_first_seen_and_starts_each_point_once() {
        let hourly = Trigger::default();
        assert_eq!(look(&hourly, None, "2026-01-01T00:30:00Z"), "remember 2026-01-01T00:30:00Z");
        assert_eq!(look(&hourly, Some("2026-01-01T00:30:00Z"), "2026-01-01T00:59:59Z"), "nothing");
        assert_eq!(
            look(&hourly, Some("2026-01-01T00:30:00Z"), "2026-01-01T01:00:01Z"),
            "cron 2026-01-01T01:00:00Z: `0 * * * *` in UTC, due at 2026-01-01T01:00:00Z"
        );
        assert_eq!(look(&hourly, Some("2026-01-01T01:00:00Z"), "2026-01-01T01:00:02Z"), "nothing");
    }

    #[test]
    fn what_was_missed_is_one_run_or_none() {
        let missed = |rule| {
            let trigger = Trigger { missed: rule, ..Trigger::default() };
            look(&trigger, Some("2026-01-01T00:00:00Z"), "2026-01-01T05:30:00Z")
        };
        let once = "cron 2026-01-01T05:00:00Z: `0 * * * *` in UTC, due at 2026-01-01T05:00:00Z, with 4 that were missed";
        assert_eq!(missed(None), once);
        assert_eq!(missed(Some(Missed::Once)), once);
        assert_eq!(missed(Some(Missed::Skip)), "remember 2026-01-01T05:00:00Z");
    }

    #[test]
    fn a_clock_that_was_years_ahead_is_forgiven() {
        assert_eq!(
            look(&Trigger::default(), Some("2036-01-01T00:00:00Z"), "2026-01-01T00:30:00Z"),
            "remember 2026-01-01T00:30:00Z"
        );
    }
}

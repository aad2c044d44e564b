//! Either event, as it is shown: what carries it need not know which it is.

use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::Value;

use crate::{Event, Metric, RunEnded};

/// Something that people are told.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// A run ended.
    Run(Box<RunEnded>),
    /// Something happened to a release.
    Release(Box<Event>),
}

impl<'de> Deserialize<'de> for Notice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let read = if value["event"] == "run-ended" {
            RunEnded::deserialize(value).map(|run| Self::Run(Box::new(run)))
        } else {
            Event::deserialize(value).map(|event| Self::Release(Box::new(event)))
        };
        read.map_err(D::Error::custom)
    }
}

impl Notice {
    /// What happened, in one line.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Run(run) => run.title(),
            Self::Release(event) => event.title(),
        }
    }

    /// Whether somebody has to do something.
    #[must_use]
    pub const fn asks(&self) -> bool {
        match self {
            Self::Run(_) => false,
            Self::Release(event) => event.asks(),
        }
    }

    /// The metrics, one line each.
    #[must_use]
    pub fn metrics(&self) -> Vec<String> {
        match self {
            Self::Run(run) => run.metrics(),
            Self::Release(event) => event.metrics.iter().map(Metric::line).collect(),
        }
    }

    /// The facts by name, in the order in which a person asks.
    #[must_use]
    pub fn facts(&self) -> Vec<(String, String)> {
        match self {
            Self::Run(run) => run.facts(),
            Self::Release(event) => event.facts(),
        }
    }

    /// The page of the build.
    #[must_use]
    pub fn build_uri(&self) -> Option<&str> {
        match self {
            Self::Run(run) => run.run.origin.build_uri.as_deref(),
            Self::Release(event) => event.build_uri.as_deref(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_run_says_how_it_ended_and_what_was_measured() {
        let notice: Notice = serde_json::from_str(include_str!("../tests/run-event.json")).unwrap();
        assert_eq!(notice.title(), "diabetes: diabetes@2 is registered");
        assert_eq!(notice.metrics(), ["mse 3295.74 (production 3298.91)"]);
        let facts = notice.facts();
        let of = |name: &str| facts.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        assert_eq!(of("Outcome"), Some("promoted"));
        assert_eq!(of("Stages"), Some("train passed, evaluate passed, register passed"));
        assert_eq!(of("Started by"), Some("eve"));
        assert!(!notice.asks());
    }

    #[test]
    fn each_end_has_its_title() {
        let of = |outcome: &str| {
            let mut event: Value = serde_json::from_str(include_str!("../tests/run-event.json")).unwrap();
            event["run"]["registered"] = Value::Null;
            event["run"]["outcome"] = outcome.into();
            Notice::deserialize(event).unwrap().title()
        };
        assert_eq!(of("kept"), "diabetes: the model in production stays");
        assert_eq!(of("blocked"), "diabetes: a run was blocked");
        assert_eq!(of("error"), "diabetes: a run failed");
        assert_eq!(of("succeeded"), "diabetes: a run succeeded");
    }

    #[test]
    fn an_event_of_a_release_stays_what_it_was() {
        let notice: Notice = serde_json::from_str(include_str!("../tests/event.json")).unwrap();
        assert!(notice.asks() && notice.metrics() == ["mse 3295.74 (now 3298.91, -3.1685)"]);
        assert!(serde_json::from_str::<Notice>(r#"{"event":"nothing"}"#).is_err());
    }
}

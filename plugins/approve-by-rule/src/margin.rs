//! So much better in one metric.

use serde::Deserialize;
use sprag_notice::{Event, short};
use sprag_sdk::Failure;
use sprag_sdk::stage::approve::Ruling;

/// How much better a metric must be.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub(crate) struct Margin {
    /// The metric.
    metric: String,
    /// The least difference, in the metric's own unit.
    at_least: f64,
    /// Which way is better.
    #[serde(default)]
    better: Better,
}

/// Which way is better.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub(crate) enum Better {
    /// Less is better: an error, a loss.
    #[default]
    Lower,
    /// More is better: a score.
    Higher,
}

impl Margin {
    /// Holds the event's metric to the margin. A figure that is not finite is no better.
    pub(crate) fn judge(&self, event: &Event) -> Result<Ruling, Failure> {
        let Some(metric) = event.metrics.iter().find(|metric| metric.name == self.metric) else {
            let known: Vec<_> = event.metrics.iter().map(|metric| format!("`{}`", metric.name)).collect();
            let message = format!("expected a metric of the evaluation ({}), found `{}`", known.join(", "), self.metric);
            return Err(Failure::BadParams(message));
        };
        let production = match (metric.production, &event.replaces) {
            (Some(production), _) => production,
            (None, None) => return Ok(Ruling::Approve(format!("{} has nothing to beat", self.metric))),
            // A figure that is not known is not beaten.
            (None, Some(there)) => {
                let (name, version) = (&self.metric, &event.version);
                let reason = format!(
                    "{name} of {there} is not known on the rows of {version}: run the evaluation of {version} against it"
                );
                return Ok(Ruling::Wait(reason));
            }
        };
        let gain = match self.better {
            Better::Lower => production - metric.candidate,
            Better::Higher => metric.candidate - production,
        };
        let reason = format!("{} is better by {}, at least {} is asked", self.metric, short(gain), short(self.at_least));
        Ok(if gain >= self.at_least { Ruling::Approve(reason) } else { Ruling::Reject(reason) })
    }
}

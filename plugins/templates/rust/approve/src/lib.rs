//! Approves a release whose metric is so much better than that of what it replaces.

use serde::Deserialize;
use sprag_sdk::stage::approve::Ruling;
use sprag_sdk::{Approver, Failure, Session};

/// The rule. `params.schema.json` says the same to sprag.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// The metric, of which less is better.
    metric: String,
    /// The least difference, in the metric's own unit.
    at_least: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            metric: "mse".to_owned(),
            at_least: 0.0,
        }
    }
}

/// What the rule reads of a request: `sprag schema release-event` prints the schema of the whole.
#[derive(Debug, Deserialize)]
pub struct Request {
    metrics: Vec<Metric>,
}

/// A metric of the evaluation.
#[derive(Debug, Deserialize)]
struct Metric {
    name: String,
    candidate: f64,
    production: Option<f64>,
}

/// The plugin.
pub struct Approve;

impl Approver for Approve {
    type Params = Params;
    type Request = Request;

    fn approve(session: &Session, params: Params, request: Request) -> Result<Ruling, Failure> {
        let ruling = rule(&params, &request)?;
        sprag_sdk::info!(session, "{ruling:?}");
        Ok(ruling)
    }
}

/// Applies the rule. A first release has nothing to beat.
fn rule(params: &Params, request: &Request) -> Result<Ruling, Failure> {
    let name = &params.metric;
    let metric = request.metrics.iter().find(|metric| metric.name == *name);
    let metric = metric
        .ok_or_else(|| Failure::bad_params(format!("expected the metric `{name}`, found none")))?;
    let Some(production) = metric.production else {
        return Ok(Ruling::Approve(format!("{name} has nothing to beat")));
    };
    let gain = production - metric.candidate;
    let reason = format!(
        "{name} is better by {gain}, at least {} is asked",
        params.at_least
    );
    Ok(if gain >= params.at_least {
        Ruling::Approve(reason)
    } else {
        Ruling::Reject(reason)
    })
}

sprag_sdk::approver!(Approve);

#[cfg(test)]
mod tests {
    use super::*;

    fn ruled(at_least: f64, production: Option<f64>) -> Ruling {
        let metric = Metric {
            name: "mse".to_owned(),
            candidate: 2.0,
            production,
        };
        rule(
            &Params {
                at_least,
                ..Params::default()
            },
            &Request {
                metrics: vec![metric],
            },
        )
        .unwrap()
    }

    #[test]
    fn the_difference_decides() {
        assert!(
            matches!(ruled(1.0, Some(3.5)), Ruling::Approve(reason) if reason.contains("better by 1.5"))
        );
        assert!(matches!(ruled(2.0, Some(3.5)), Ruling::Reject(_)));
        assert!(matches!(ruled(2.0, None), Ruling::Approve(_)));
    }

    #[test]
    fn a_metric_that_is_not_there_decides_nothing() {
        assert!(rule(&Params::default(), &Request { metrics: vec![] }).is_err());
    }
}

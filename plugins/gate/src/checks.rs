//! The conditions beside the deciding metric's improvement.

use crate::{Check, Evidence, GateError, Metric, Otherwise, Rule, decide::comparison, figure};

/// The metric of this name.
pub(crate) fn look_up<'a>(name: &str, evidence: &'a Evidence) -> Result<&'a Metric, GateError> {
    evidence.metrics.iter().find(|metric| metric.name == name).ok_or_else(|| {
        let known: Vec<_> = evidence.metrics.iter().map(|metric| format!("`{}`", metric.name)).collect();
        GateError::UnknownMetric { name: name.to_owned(), known: known.join(", ") }
    })
}

/// The candidate's value.
pub(crate) fn candidate(metric: &Metric) -> Result<f64, GateError> {
    finite(metric.name, metric.candidate, "the candidate")
}

/// The value of the model in production.
pub(crate) fn production(metric: &Metric, name: &str) -> Result<f64, GateError> {
    finite(metric.name, metric.production, &format!("production `{name}`"))
}

fn finite(name: &str, value: Option<f64>, who: &str) -> Result<f64, GateError> {
    let (name, who) = (name.to_owned(), who.to_owned());
    match value {
        None => Err(GateError::Undefined { name, who }),
        Some(value) if value.is_finite() => Ok(value),
        Some(value) => Err(GateError::NotFinite { name, who, value }),
    }
}

/// What the candidate must reach by itself.
pub(crate) fn bounds(rule: &Rule, evidence: &Evidence) -> Result<Vec<Check>, GateError> {
    let mut checks = Vec::new();
    for bound in &rule.bounds {
        let metric = look_up(&bound.metric, evidence)?;
        let value = candidate(metric)?;
        if bound.at_least.is_none() && bound.at_most.is_none() {
            return Err(GateError::BadRule(format!(
                "bound on `{}`: expected `at_least` or `at_most`, found neither",
                bound.metric
            )));
        }
        let sides = [
            bound.at_least.map(|limit| (value >= limit, "at least", limit)),
            bound.at_most.map(|limit| (value <= limit, "at most", limit)),
        ];
        for (passed, side, limit) in sides.into_iter().flatten() {
            let verb = if passed { "is" } else { "must be" };
            checks.push(Check {
                code: "bound",
                subject: metric.name.to_owned(),
                passed,
                otherwise: Otherwise::Blocked,
                message: format!("{} {} {verb} {side} {}", metric.name, figure(value, 6), figure(limit, 6)),
            });
        }
    }
    Ok(checks)
}

/// The metrics that must not get worse.
pub(crate) fn guards(rule: &Rule, evidence: &Evidence, name: &str) -> Result<Vec<Check>, GateError> {
    let mut checks = Vec::new();
    for guard in &rule.guards {
        let metric = look_up(&guard.metric, evidence)?;
        let (candidate, production) = (candidate(metric)?, production(metric, name)?);
        let (loss, allowed) = (-metric.direction.improvement(candidate, production), guard.must_not_worsen_by.at(production));
        let message = comparison(metric, candidate, production, name) + &excess(loss, allowed);
        let subject = metric.name.to_owned();
        checks.push(Check { code: "guard", subject, passed: loss <= allowed, otherwise: guard.otherwise, message });
    }
    Ok(checks)
}

/// The end of a sentence about a value that is worse by more than is allowed.
fn excess(loss: f64, allowed: f64) -> String {
    if loss > allowed { format!(", and the rule allows {}", figure(allowed, 3)) } else { String::new() }
}

/// Whether the whole interval lies on the better side, where the rule demands it.
pub(crate) fn significance(rule: &Rule, deciding: &Metric, evidence: &Evidence) -> Result<Option<Check>, GateError> {
    if !rule.bootstrap.require_significant {
        return Ok(None);
    }
    let Some(interval) = evidence.interval else {
        return Err(GateError::BadRule(
            "`require_significant` needs `resamples` above 0 and a hold-out that defines the metric".to_owned(),
        ));
    };
    let gain = deciding.direction.improvement(interval.low, 0.0).min(deciding.direction.improvement(interval.high, 0.0));
    let (passed, percent) = (gain > 0.0, figure(interval.confidence * 100.0, 4));
    let side = if passed { "lies on the better side" } else { "does not lie on the better side of 0" };
    let (low, high) = (figure(interval.low, 3), figure(interval.high, 3));
    Ok(Some(Check {
        code: "significance",
        subject: deciding.name.to_owned(),
        passed,
        otherwise: Otherwise::Keep,
        message: format!("the {percent} % interval of the difference in {} ({low} to {high}) {side}", deciding.name),
    }))
}

/// The slices on which the candidate must not be worse.
pub(crate) fn slices(rule: &Rule, deciding: &Metric, evidence: &Evidence, name: &str) -> Result<Vec<Check>, GateError> {
    let mut checks = Vec::new();
    for guard in &rule.slices {
        for slice in evidence.slices.iter().filter(|slice| slice.column == guard.column && slice.rows >= guard.min_rows) {
            let of_slice = Metric { candidate: slice.candidate, production: slice.production, ..deciding.clone() };
            if of_slice.candidate.is_none() && of_slice.production.is_none() {
                continue;
            }
            let (candidate, production) = (candidate(&of_slice)?, production(&of_slice, name)?);
            let (loss, allowed) =
                (-deciding.direction.improvement(candidate, production), guard.must_not_worsen_by.at(production));
            let value = slice.value.as_ref().map_or_else(|| "no value".to_owned(), |value| format!("`{value}`"));
            let found = comparison(&of_slice, candidate, production, name);
            let message =
                format!("on the {} rows with {value} in column `{}`, {found}", slice.rows, slice.column) + &excess(loss, allowed);
            let subject = slice.column.clone();
            checks.push(Check { code: "slice", subject, passed: loss <= allowed, otherwise: guard.otherwise, message });
        }
    }
    Ok(checks)
}

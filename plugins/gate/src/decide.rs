//! From evidence to a verdict.

use serde::Serialize;

use crate::{
    Evidence, FirstModel, GateError, Metric, Otherwise, Rule,
    checks::{self, look_up},
    figure,
};

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The candidate has earned production.
    Promote,
    /// It is sound but not better: production stays.
    Keep,
    /// It breaks a rule that stops the run.
    Blocked,
}

/// A decision and what led to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// What was decided.
    pub outcome: Outcome,
    /// Why, as one sentence with the figures.
    pub reason: String,
    /// Every condition that was looked at, in the order of the rule.
    pub checks: Vec<Check>,
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// Its kind: `bound`, `guard`, `slice`, `improvement` or `significance`.
    pub code: &'static str,
    /// What it is about: a metric or a column.
    pub subject: String,
    /// Whether it holds.
    pub passed: bool,
    /// What happens when it does not.
    pub otherwise: Otherwise,
    /// What was found, as one sentence.
    pub message: String,
}

/// Decides, by `rule.metric` or, where the rule names none, by `default_metric`.
///
/// A broken bound blocks. Then, against production, the deciding metric must be better by strictly more than the margin, every guard and slice must hold, and
/// the interval must lie on the better side where the rule demands it.
///
/// # Errors
///
/// When the rule names what was not measured, or a metric that it needs is NaN or infinite. There is no verdict then: nothing is promoted.
pub fn decide(rule: &Rule, default_metric: &str, evidence: &Evidence) -> Result<Verdict, GateError> {
    let deciding = look_up(rule.metric.as_deref().unwrap_or(default_metric), evidence)?;
    let candidate = checks::candidate(deciding)?;
    let mut checks = checks::bounds(rule, evidence)?;
    if let Some(name) = &evidence.production {
        let production = checks::production(deciding, name)?;
        checks.push(improvement(rule, deciding, candidate, production, name));
        checks.extend(checks::significance(rule, deciding, evidence)?);
        checks.extend(checks::guards(rule, evidence, name)?);
        checks.extend(checks::slices(rule, deciding, evidence, name)?);
    }
    let (outcome, reason) = match (worst(&checks), &evidence.production) {
        (Some((outcome, messages)), _) => (outcome, messages),
        (None, Some(name)) => {
            let production = checks::production(deciding, name)?;
            let reason = comparison(deciding, candidate, production, name) + &interval_text(evidence) + &holds(&checks);
            (Outcome::Promote, reason)
        }
        (None, None) => first(rule, deciding, candidate, &checks),
    };
    Ok(Verdict { outcome, reason, checks })
}

/// The gravest outcome of the checks that do not hold, and their messages.
fn worst(checks: &[Check]) -> Option<(Outcome, String)> {
    let failed = |otherwise| checks.iter().filter(move |check| !check.passed && check.otherwise == otherwise);
    for (otherwise, outcome) in [(Otherwise::Blocked, Outcome::Blocked), (Otherwise::Keep, Outcome::Keep)] {
        let messages: Vec<_> = failed(otherwise).map(|check| check.message.as_str()).collect();
        if !messages.is_empty() {
            return Some((outcome, messages.join("; ")));
        }
    }
    None
}

fn first(rule: &Rule, deciding: &Metric, candidate: f64, checks: &[Check]) -> (Outcome, String) {
    let found = format!("{} is {}", deciding.name, figure(candidate, 6));
    match rule.first_model {
        FirstModel::Keep => {
            (Outcome::Keep, format!("no model is in production yet, and the rule leaves the first to a person; {found}"))
        }
        FirstModel::RequireBounds if rule.bounds.is_empty() => {
            (Outcome::Blocked, format!("no model is in production yet, and the rule has no bound for the first; {found}"))
        }
        FirstModel::RequireBounds | FirstModel::Promote => {
            (Outcome::Promote, format!("the first model, since none is in production yet; {found}{}", holds(checks)))
        }
    }
}

/// The other conditions, where there are some, for the end of a sentence that promotes.
fn holds(checks: &[Check]) -> String {
    match checks.iter().filter(|check| matches!(check.code, "bound" | "guard" | "slice")).count() {
        0 => String::new(),
        1 => "; the other condition holds".to_owned(),
        count => format!("; all {count} other conditions hold"),
    }
}

fn interval_text(evidence: &Evidence) -> String {
    evidence.interval.map_or_else(String::new, |interval| {
        let percent = figure(interval.confidence * 100.0, 4);
        format!("; {percent} % interval of the difference {} to {}", figure(interval.low, 3), figure(interval.high, 3))
    })
}

fn improvement(rule: &Rule, deciding: &Metric, candidate: f64, production: f64, name: &str) -> Check {
    let (gain, demanded) = (deciding.direction.improvement(candidate, production), rule.min_improvement.at(production));
    let comparison = comparison(deciding, candidate, production, name);
    let message = if gain > 0.0 && gain <= demanded {
        format!("{comparison}, which is not more than the {} that the rule demands", figure(demanded, 3))
    } else if gain == 0.0 {
        format!("{comparison}, and equal is not better")
    } else {
        comparison
    };
    Check {
        code: "improvement",
        subject: deciding.name.to_owned(),
        passed: gain > demanded.max(0.0),
        otherwise: Otherwise::Keep,
        message,
    }
}

/// Both values and their difference.
pub(crate) fn comparison(metric: &Metric, candidate: f64, production: f64, name: &str) -> String {
    let (better, worse) = metric.direction.words();
    let gain = metric.direction.improvement(candidate, production);
    if gain == 0.0 {
        return format!("{} {} equals that of production `{name}`", metric.name, figure(candidate, 6));
    }
    let word = if gain > 0.0 { better } else { worse };
    let share = gain.abs() / production.abs() * 100.0;
    let share = if share.is_finite() { format!(" ({} %)", figure(share, 2)) } else { String::new() };
    let (difference, candidate, production) = (figure(gain.abs(), 3), figure(candidate, 6), figure(production, 6));
    format!("{} {candidate} is {difference}{share} {word} than that of production `{name}` ({production})", metric.name)
}

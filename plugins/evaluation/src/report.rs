//! What an evaluation leaves behind: metrics, findings, the decision, and all of it as `evaluation.json`.

use serde::Serialize;
use sprag_gate::{Check, Evidence, GateError, Otherwise, Outcome, Rule, Verdict, decide};
use sprag_sdk::{Decision, Failure, Measurement, Session, Severity, measurement, write_artifact};

/// The artifact `evaluation.json`.
#[derive(Serialize)]
struct Report<'a, D> {
    format: &'static str,
    #[serde(flatten)]
    verdict: &'a Verdict,
    rule: &'a Rule,
    #[serde(flatten)]
    evidence: &'a Evidence,
    details: &'a D,
}

/// Decides, and records what was measured and decided. `details` is the plugin's own part of `evaluation.json`.
///
/// # Errors
///
/// [`Failure::BadParams`] where the rule is at fault, [`Failure::BadInput`] where a metric that it needs cannot be judged. Such a run never promotes.
pub fn conclude(
    session: &Session,
    rule: &Rule,
    default_metric: &str,
    evidence: &Evidence,
    details: &impl Serialize,
) -> Result<Decision, Failure> {
    session.measure(&measurements(evidence));
    let verdict = decide(rule, default_metric, evidence).map_err(refused)?;
    for check in verdict.checks.iter().filter(|check| !check.passed) {
        let (severity, code) = grade(check);
        session.find(severity, code, &check.message, Some(&check.subject));
    }
    let report = Report { format: "sprag-evaluation/1", verdict: &verdict, rule, evidence, details };
    let json = serde_json::to_vec_pretty(&report).map_err(|error| Failure::internal(format!("evaluation.json: {error}")))?;
    write_artifact("evaluation.json", "application/json", &json)?;
    let outcome = match verdict.outcome {
        Outcome::Promote => sprag_sdk::Outcome::Promote,
        Outcome::Keep => sprag_sdk::Outcome::Keep,
        Outcome::Blocked => sprag_sdk::Outcome::Blocked,
    };
    Ok(Decision { outcome, reason: verdict.reason })
}

fn refused(error: GateError) -> Failure {
    let message = error.to_string();
    if error.blames_the_rule() { Failure::BadParams(message) } else { Failure::BadInput(message) }
}

/// All that is finite: the host takes nothing else, and the gate says what the rest means.
fn measurements(evidence: &Evidence) -> Vec<Measurement> {
    let metrics = evidence.metrics.iter().flat_map(|metric| {
        [("candidate", metric.candidate), ("production", metric.production)]
            .into_iter()
            .filter_map(|(split, value)| value.map(|value| measurement(metric.name, value, split)))
    });
    metrics.filter(|measurement| measurement.value.is_finite()).collect()
}

fn grade(check: &Check) -> (Severity, &'static str) {
    let code = match check.code {
        "bound" => "bound-broken",
        "guard" => "guard-broken",
        "slice" => "slice-worse",
        "significance" => "not-significant",
        _ => "not-better",
    };
    let severity = match check.otherwise {
        Otherwise::Blocked => Severity::Error,
        Otherwise::Keep if check.code == "improvement" => Severity::Note,
        Otherwise::Keep => Severity::Warning,
    };
    (severity, code)
}

//! What a client is told when a scorer fails. What went wrong inside a model is the log's; the client gets the request's id to ask with.

use sprag_runtime::{ScoringFailure, StageFailure};
use sprag_scoring::Problem;

/// The problem that a failure is to the client, and what the log says of it.
pub(crate) fn problem(failure: &ScoringFailure, request: &str) -> (Problem, String) {
    let problem = match &failure.failure {
        StageFailure::Plugin { kind: "bad input", message } => Problem::new(
            422,
            "refused-by-model",
            format!("expected rows that the model takes, found that it refuses them: {message}"),
        ),
        StageFailure::Limit(hit) if hit.key == "time" => {
            Problem::new(504, "timeout", format!("expected the model's answer within {}, found none", hit.limit))
        }
        _ => {
            let message = format!(
                "expected the model's answer, found that it failed; the service's log says why under the request `{request}`"
            );
            Problem::new(500, "model-failed", message)
        }
    };
    let mut reason = failure.failure.to_string();
    if let StageFailure::Trap { frames, .. } = &failure.failure
        && !frames.is_empty()
    {
        reason.push_str(" at ");
        reason.push_str(&frames.join(" < "));
    }
    let words = failure.last_words.trim();
    if !words.is_empty() {
        reason.push_str("; its last words: ");
        reason.push_str(words);
    }
    (problem, reason)
}

/// Whether a scorer was lost by it.
pub(crate) fn is_scorer_lost(failure: &StageFailure) -> bool {
    !matches!(failure, StageFailure::Plugin { .. })
}

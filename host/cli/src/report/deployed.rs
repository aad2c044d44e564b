//! A service as its deploy adapter sees it, for a person.

use sprag_runtime::{DeployState, Phase};

use crate::console::{BAD, DIM, GOOD, WARN};

/// How it stands, on a line.
pub(crate) fn state(state: &DeployState) -> String {
    let style = match state.phase {
        Phase::Absent => DIM,
        Phase::Progressing => WARN,
        Phase::Ready => GOOD,
        Phase::Failed => BAD,
    };
    let at = state.endpoint.as_ref().map(|endpoint| format!(" at {endpoint}")).unwrap_or_default();
    let shares: Vec<_> = state.releases.iter().map(|release| format!("{} {} %", release.package, release.percent)).collect();
    let shares = if shares.is_empty() { String::new() } else { format!("  {DIM}{}{DIM:#}", shares.join(", ")) };
    let message = if state.phase == Phase::Ready { String::new() } else { format!(": {}", state.message) };
    format!("{style}{}{style:#}{at}{message}{shares}", state.phase.name())
}

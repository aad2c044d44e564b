//! What an environment's adapter sees there now.

use sprag_core::plan::PlannedEnvironment;
use sprag_runtime::{DeployState, DeployTask, Deployed, StageFailure};

use crate::Actor;

/// Asks the deploy adapter of an environment how the service of `model` stands there. Changes nothing.
///
/// # Errors
/// The adapter failed, or gave no state.
pub async fn look(actor: &impl Actor, environment: &PlannedEnvironment, model: &str) -> Result<DeployState, StageFailure> {
    match actor.deploy(environment, model, &DeployTask::Status).await.result? {
        Deployed::State(state) => Ok(state),
        Deployed::Changes(_) => {
            Err(StageFailure::Contract("expected a state from the adapter, found a list of changes".to_owned()))
        }
    }
}

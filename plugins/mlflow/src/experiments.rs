//! Experiments.

use serde::Deserialize;
use serde_json::json;
use sprag_sdk::http::Client;

use crate::{MlflowError, Server};

#[derive(Deserialize)]
struct Found {
    experiment: Experiment,
}

#[derive(Deserialize)]
struct Experiment {
    experiment_id: String,
}

impl<C: Client> Server<'_, C> {
    /// The id of the experiment of this name, which is made where there is none.
    ///
    /// # Errors
    ///
    /// The server refuses, as for an experiment that was deleted.
    pub fn experiment(&self, name: &str) -> Result<String, MlflowError> {
        if let Some(id) = self.experiment_by_name(name)? {
            return Ok(id);
        }
        let made =
            self.post::<Experiment>(&format!("the experiment `{name}`"), "mlflow/experiments/create", &json!({ "name": name }));
        match made {
            Ok(experiment) => Ok(experiment.experiment_id),
            // Somebody else made it meanwhile.
            Err(MlflowError::Refused { code, what, message }) if code == "RESOURCE_ALREADY_EXISTS" => {
                self.experiment_by_name(name)?.ok_or(MlflowError::Refused { code, what, message })
            }
            Err(other) => Err(other),
        }
    }

    fn experiment_by_name(&self, name: &str) -> Result<Option<String>, MlflowError> {
        let found = self.get::<Found>("the experiment", "mlflow/experiments/get-by-name", &[("experiment_name", name)]);
        match found {
            Ok(found) => Ok(Some(found.experiment.experiment_id)),
            Err(MlflowError::Refused { code, .. }) if code == "RESOURCE_DOES_NOT_EXIST" => Ok(None),
            Err(other) => Err(other),
        }
    }
}

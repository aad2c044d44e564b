//! The model of this package: its scorer with the state loaded, and what its card says of it.

use serde_json::Value;
use sprag_scoring::{Api, ModelInfo, Problem};

use crate::bindings::sprag::packaged::{embedded, model_state};
use crate::bindings::sprag::stage::score;
use crate::bindings::sprag::stage::types::Failure;
use crate::convert;

/// A model that is ready to score.
pub(crate) struct Loaded {
    pub(crate) api: Api,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) digest: String,
    model: score::Model,
}

impl Loaded {
    /// Loads the model. The package was made of a model that its own trainer's scorer loads, so that a failure here is a fault.
    pub(crate) fn load() -> Result<Self, String> {
        let card: Value = serde_json::from_slice(&embedded::card()).map_err(|error| format!("the package's card: {error}"))?;
        let text = |key: &str| card[key].as_str().map(str::to_owned).ok_or_else(|| format!("the package's card has no `{key}`"));
        let (name, digest, version) = (text("name")?, text("digest")?, card["version"].to_string());
        let model = score::Model::load(&model_state::open()).map_err(|failure| message(&failure).to_owned())?;
        let fields = |fields: Vec<_>| fields.into_iter().map(convert::field).collect();
        let api = Api::new(ModelInfo {
            name: name.clone(),
            version: version.clone(),
            digest: digest.clone(),
            inputs: fields(model.inputs()),
            outputs: fields(model.outputs()),
        });
        Ok(Self { api, name, version, digest, model })
    }

    /// Scores rows, and holds what comes to what the model says that it gives.
    pub(crate) fn predict(
        &self,
        rows: u32,
        inputs: Vec<sprag_scoring::Column>,
        request: &str,
    ) -> Result<Vec<sprag_scoring::Column>, Problem> {
        let failed = |reason: &str| {
            // What runs the component keeps what it writes there.
            eprintln!("request {request}: the model failed: {reason}");
            let message = format!(
                "expected the model's answer, found that it failed; the service's log says why under the request `{request}`"
            );
            Problem::new(500, "model-failed", message)
        };
        let outputs = self.model.predict(rows, &convert::to_scorer(inputs)).map_err(|failure| match failure {
            Failure::BadInput(message) => Problem::new(
                422,
                "refused-by-model",
                format!("expected rows that the model takes, found that it refuses them: {message}"),
            ),
            other => failed(message(&other)),
        })?;
        let expected = &self.api.model().outputs;
        if outputs.len() != expected.len() {
            return Err(failed(&format!("expected {} output columns, found {}", expected.len(), outputs.len())));
        }
        for (column, output) in outputs.iter().zip(expected) {
            convert::check(column, rows, output).map_err(|reason| failed(&reason))?;
        }
        Ok(convert::to_wire(outputs))
    }
}

/// The words of a failure.
fn message(failure: &Failure) -> &str {
    match failure {
        Failure::BadInput(message)
        | Failure::BadParams(message)
        | Failure::Unsupported(message)
        | Failure::Retry(message)
        | Failure::Internal(message) => message,
        Failure::Cancelled => "it was cancelled",
    }
}

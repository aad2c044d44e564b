//! Brings a model that is registered in MLflow into a granted folder of this machine, for `train-onnx` to take as a candidate: it then goes through the same checks,
//! the same evaluation and the same approvals as a model that was trained here.
//!
//! Only models in ONNX can come: another flavor is Python's own, and nothing here runs a pickle. Beside the model lies a card that says where it came from, so that the
//! same version is not brought twice.

mod mlmodel;

use serde::{Deserialize, Serialize};
use sprag_mlflow::{Access, ModelVersion, Place, Server};
use sprag_sdk::folders::{self, Entry, FolderError};
use sprag_sdk::http::{Client, Network};
use sprag_sdk::{Action, Change, Failure, Provisioner, Session};

use crate::mlmodel::Description;

/// The value of [`Card::format`].
const FORMAT: &str = "sprag-imported-model/1";

/// The parameters.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub struct Params {
    /// The tracking server, such as `https://mlflow.example.com`: the stage must be granted its origin.
    url: String,
    /// The secret with a bearer token.
    #[serde(default)]
    token: Option<String>,
    /// The secret with a whole `authorization` header, such as `Basic bWw6c2VjcmV0`.
    #[serde(default)]
    authorization: Option<String>,
    /// The registered model.
    model: String,
    /// The alias whose version is brought. Either this or `version`.
    #[serde(default)]
    alias: Option<String>,
    /// The version that is brought.
    #[serde(default)]
    version: Option<u64>,
    /// The folder, as the stage's grants name it under `folders`.
    folder: String,
    /// The file in it. Beside it comes a card of the same name that ends in `.json`.
    #[serde(default = "usual_file")]
    file: String,
}

fn usual_file() -> String {
    "model.onnx".to_owned()
}

/// What lies beside the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Card {
    format: String,
    /// The server.
    from: String,
    /// The registered model.
    model: String,
    /// Its version.
    version: String,
    /// The run that made it, as MLflow names it.
    run: Option<String>,
    /// The size of the model's file in bytes.
    bytes: u64,
    /// The columns that it takes, in order, where the model says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    columns: Option<Vec<String>>,
}

/// The plugin.
pub struct ImportMlflow;

impl Provisioner for ImportMlflow {
    type Params = Params;

    fn plan(session: &Session, params: Params) -> Result<Vec<Change>, Failure> {
        let network = Network::new();
        let server = Server::new(&network, session, &params.url, &access(&params))?;
        let version = meant(&server, &params)?;
        Ok(vec![change(&params, &version)?])
    }

    fn apply(session: &Session, params: Params) -> Result<Vec<Change>, Failure> {
        let network = Network::new();
        let server = Server::new(&network, session, &params.url, &access(&params))?;
        let version = meant(&server, &params)?;
        let change = change(&params, &version)?;
        if change.action != Action::Keep {
            let (bytes, columns) = fetch(&server, &version)?;
            let card = Card { bytes: bytes.len() as u64, columns, ..card_of(&params, &version) };
            let below = params.file.rsplit_once('/').map_or("", |(folders, _)| folders);
            folders::make(&params.folder, below).map_err(failure)?;
            // The card comes last: a model with its card is whole.
            folders::write(&params.folder, &params.file, &bytes).map_err(failure)?;
            let text = serde_json::to_string_pretty(&card).map_err(|error| Failure::internal(error.to_string()))?;
            folders::write(&params.folder, &card_name(&params), format!("{text}\n").as_bytes()).map_err(failure)?;
            sprag_sdk::info!(session, "`{}` version {} is in `{}`", version.name, version.version, shown(&params));
        }
        Ok(vec![change])
    }
}

fn access(params: &Params) -> Access {
    Access { token: params.token.clone(), authorization: params.authorization.clone() }
}

/// The version that the parameters name.
fn meant<C: Client>(server: &Server<'_, C>, params: &Params) -> Result<ModelVersion, Failure> {
    match (&params.alias, params.version) {
        (Some(alias), None) => Ok(server.version_by_alias(&params.model, alias)?),
        (None, Some(version)) => Ok(server.version(&params.model, &version.to_string())?),
        (Some(_), Some(_)) => Err(Failure::bad_params("expected one of `alias` and `version`, found both")),
        (None, None) => Err(Failure::bad_params("expected one of `alias` and `version`, found none")),
    }
}

/// What is to be done, by the card that lies there.
fn change(params: &Params, version: &ModelVersion) -> Result<Change, Failure> {
    let subject = format!("file {}", shown(params));
    let from = format!("`{}` version {} of {}", version.name, version.version, params.url);
    let is_there = folders::look(&params.folder, &params.file).map_err(failure)? == Some(Entry::File);
    let card = folders::read(&params.folder, &card_name(params)).map_err(failure)?;
    let card: Option<Card> = card.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let wanted = card_of(params, version);
    Ok(match card {
        Some(card) if is_there && wanted.is_of(&card) => Change { action: Action::Keep, subject, detail: format!("is {from}") },
        Some(card) if is_there && card.format == FORMAT => {
            Change { action: Action::Update, subject, detail: format!("{from} in place of version {}", card.version) }
        }
        // What nobody brought here is somebody's own.
        _ if is_there => {
            return Err(Failure::bad_params(format!(
                "expected nothing, or a model that was brought from MLflow, at `{}`, found another file; move it away or name another `file`",
                shown(params)
            )));
        }
        _ => Change { action: Action::Create, subject, detail: from },
    })
}

impl Card {
    /// Whether both say that the model is of the same version.
    fn is_of(&self, other: &Self) -> bool {
        let of =
            |card: &Self| (card.format.clone(), card.from.clone(), card.model.clone(), card.version.clone(), card.run.clone());
        of(self) == of(other)
    }
}

fn card_of(params: &Params, version: &ModelVersion) -> Card {
    Card {
        format: FORMAT.to_owned(),
        from: params.url.trim_end_matches('/').to_owned(),
        model: version.name.clone(),
        version: version.version.clone(),
        run: version.run_id.clone().filter(|run| !run.is_empty()),
        bytes: 0,
        columns: None,
    }
}

/// The model's bytes, and the columns that it takes.
fn fetch<C: Client>(server: &Server<'_, C>, version: &ModelVersion) -> Result<(Vec<u8>, Option<Vec<String>>), Failure> {
    let place = Place::parse(&server.files_of(version)?)?;
    let missing = |name: &str| {
        Failure::bad_input(format!("expected `{}` version {} to have a file `{name}`, found none", version.name, version.version))
    };
    let text = server.file(&place, "MLmodel")?.ok_or_else(|| missing("MLmodel"))?;
    let Description { data, columns } = mlmodel::read(&text).map_err(|message| {
        Failure::unsupported(format!("`{}` version {}: `MLmodel`: {message}", version.name, version.version))
    })?;
    let bytes = server.file(&place, &data)?.ok_or_else(|| missing(&data))?;
    Ok((bytes, columns))
}

fn card_name(params: &Params) -> String {
    format!("{}.json", params.file)
}

fn shown(params: &Params) -> String {
    format!("{}/{}", params.folder, params.file)
}

fn failure(error: FolderError) -> Failure {
    match error {
        FolderError::Denied(message) | FolderError::BadPath(message) => Failure::BadParams(message),
        FolderError::Io(message) => Failure::Internal(message),
    }
}

sprag_sdk::provisioner!(ImportMlflow);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_committed() {
        let derived = schemars::schema_for!(Params).to_value();
        sprag_sdk::testing::check_params_schema(env!("CARGO_MANIFEST_DIR"), <ImportMlflow as sprag_sdk::Plugin>::JSON, &derived);
    }
}

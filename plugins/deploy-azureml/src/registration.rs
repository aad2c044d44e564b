//! The version as a model of the workspace, for those who look there: a card in the workspace's blob store, and a model that points to it.
//!
//! The model itself is in the image. The card says which: it is no second copy that could differ.

use serde_json::{Value, json};
use sprag_azure::{Arm, ArmError, Desired};
use sprag_sdk::Failure;
use sprag_sdk::stage::deploy::{Release, Service};

use crate::body::{self, VERSION};
use crate::params::{Params, Registration};

/// The blob store that every workspace has.
const STORE: &str = "workspaceblobstore";

/// The model of the workspace.
pub(crate) fn model(params: &Params, service: &Service, release: &Release) -> Result<Desired, Failure> {
    let (name, version) = (body::asset_name(&service.model), release.version.to_string());
    let workspace = body::id(params, &[])?;
    let body = json!({
        "properties": {
            "modelType": "custom_model",
            "modelUri": format!("azureml:/{workspace}/datastores/{STORE}/paths/{}", folder(&name, release)),
            "description": format!("version {version} of {}, registered by sprag", service.model),
            "tags": { "sprag-model-digest": release.model_digest, "sprag-package": release.package },
            "properties": { "sprag-version": version },
        },
    });
    let id = body::id(params, &[("models", &name), ("versions", &version)])?;
    Ok(Desired { kind: "model", id, version: VERSION, body, unread: &["properties.modelUri", "properties.tags"] })
}

/// Where the card is in the store.
fn folder(name: &str, release: &Release) -> String {
    format!("sprag/{name}/{}", release.version)
}

/// What the workspace's model is: there, and of which digest.
pub(crate) fn check(desired: &Desired, found: &Value, release: &Release) -> Result<(), Failure> {
    let digest = found.pointer("/properties/tags/sprag-model-digest").and_then(Value::as_str);
    if digest == Some(&*release.model_digest) {
        return Ok(());
    }
    Err(Failure::bad_input(format!(
        "expected the workspace's {} version {} to be the model {}, found {}: the workspace has had another model of that version registered",
        desired.kind,
        desired.name(),
        release.model_digest,
        digest.unwrap_or("one that sprag did not register")
    )))
}

/// Registers the version where it is not there, and gives the model's id.
pub(crate) fn register(
    arm: &Arm<'_>,
    params: &Params,
    registration: &Registration,
    service: &Service,
    release: &Release,
) -> Result<String, Failure> {
    let desired = model(params, service, release)?;
    if let Some(found) = arm.get(&desired.id, VERSION)? {
        check(&desired, &found, release)?;
        return Ok(desired.id);
    }
    let card = json!({
        "model": service.model,
        "version": release.version,
        "model-digest": release.model_digest,
        "package": release.package,
        "image": release.image,
    });
    let name = body::asset_name(&service.model);
    let url = format!("{}/{}/model.json", store(arm, params, registration)?, folder(&name, release));
    arm.put_blob(&url, &registration.secret, "application/json", card.to_string().into_bytes())?;
    arm.put(&desired.id, VERSION, &desired.body, None)?;
    Ok(desired.id)
}

/// The address of the workspace's blob store.
fn store(arm: &Arm<'_>, params: &Params, registration: &Registration) -> Result<String, ArmError> {
    let id = body::id(params, &[("datastores", STORE)])?;
    let store = arm.get(&id, VERSION)?.unwrap_or_default();
    let text = |name: &str| store.pointer(&format!("/properties/{name}")).and_then(Value::as_str);
    let (Some(account), Some(container)) = (text("accountName"), text("containerName")) else {
        let message = format!("expected the blob store `{STORE}` in the workspace `{}`, found none", params.workspace);
        return Err(Failure::bad_params(message).into());
    };
    let suffix = text("endpoint").unwrap_or("core.windows.net");
    let root = registration.endpoint.as_deref().map(|root| root.trim_end_matches('/').to_owned());
    let root = root.unwrap_or_else(|| format!("https://{account}.blob.{suffix}"));
    Ok(format!("{root}/{container}"))
}

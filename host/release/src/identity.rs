//! The digests by which a step knows that its inputs are those that it had before.

use serde_json::{Value, json};
use sprag_core::digest::Digest;
use sprag_core::json::canonical;
use sprag_core::plan::PlannedStage;
use sprag_lifecycle::Project;

use crate::ReleaseError;

/// Everything of a stage that an approver approves: component, parameters, grants, where the granted secrets come from and may go, and the bytes of the files
/// that it is given.
pub(crate) fn stage(project: &Project, stage: &PlannedStage) -> Result<Value, ReleaseError> {
    let mut inputs = serde_json::Map::new();
    for (name, path) in &stage.inputs {
        let path = project.root.join(path);
        let bytes = std::fs::read(&path).map_err(|source| ReleaseError::Input {
            stage: stage.name.clone(),
            path: path.clone(),
            source,
        })?;
        inputs.insert(name.clone(), Digest::of(&bytes).to_string().into());
    }
    Ok(json!({
        "name": stage.name,
        "component": stage.component.digest.to_string(),
        "params": stage.params,
        "grants": stage.grant_lines(),
        "secrets": stage.grants.secrets.iter().map(|name| secret(project, name)).collect::<Vec<_>>(),
        "inputs": inputs,
    }))
}

/// A secret as the project describes it: another source under the same name may be another cluster or another account. Its value is nowhere in it.
pub(crate) fn secret(project: &Project, name: &str) -> Value {
    json!({ "name": name, "from": project.manifest.secrets.get(name) })
}

/// The digest of a value.
pub(crate) fn digest(value: &Value) -> String {
    Digest::of(canonical(value).as_bytes()).to_string()
}

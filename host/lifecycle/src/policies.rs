//! The policies in force, read from where they lie.

use std::path::{Path, PathBuf};

use sprag_core::policy::PolicyFile;
use sprag_schemas::manifest::Manifest;

use crate::RunError;
use crate::project::ProjectError;

/// Reads the policies of the machine and the user, and that of the project, each once.
///
/// # Errors
/// One that is named is not there, or makes no sense. To go on without it would be to allow what it refuses.
pub fn policies(root: &Path, manifest: &Manifest, outer: &[PathBuf]) -> Result<Vec<PolicyFile>, ProjectError> {
    let own = manifest.project.policy.iter().map(|path| root.join(path.strip_prefix("./").unwrap_or(path)));
    read_policies(&outer.iter().cloned().chain(own).collect::<Vec<_>>())
}

/// Reads policies, each once.
///
/// # Errors
/// As for [`policies`].
pub fn read_policies(paths: &[PathBuf]) -> Result<Vec<PolicyFile>, ProjectError> {
    let is_first = |(at, path): &(usize, &PathBuf)| !paths[..*at].contains(path);
    paths.iter().enumerate().filter(is_first).map(|(_, path)| read(path.clone())).collect()
}

fn read(path: PathBuf) -> Result<PolicyFile, ProjectError> {
    let text = std::fs::read_to_string(&path).map_err(|source| ProjectError::Read { path: path.clone(), source })?;
    Ok(PolicyFile::parse(&path.display().to_string(), &text)?)
}

/// Refuses a scorer that a policy revoked.
///
/// # Errors
/// One did.
pub fn refuse_revoked(policies: &[PolicyFile], scorer: &str) -> Result<(), RunError> {
    let Ok(digest) = scorer.parse() else { return Ok(()) };
    let Some((policy, line)) = sprag_core::policy::revoked(policies, &digest) else { return Ok(()) };
    let policy = line.map_or_else(|| policy.path.clone(), |line| format!("{}:{line}", policy.path));
    Err(RunError::Revoked { scorer: scorer.to_owned(), policy })
}

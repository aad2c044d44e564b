//! The rule of an environment, read from the project and its file of approvers.

use std::path::Path;

use sprag_core::approval::{Policy, Signers};
use sprag_schemas::environments::Approval;
use sprag_schemas::release::ReleaseRecord;

use crate::ReleaseError;

/// The rule by which people approve a release into an environment; none where nobody is asked. A rollback in an emergency has a rule of its own.
///
/// # Errors
/// The file of approvers cannot be read or is wrong, or nobody can meet the rule.
pub fn load_policy(
    root: &Path,
    environment: &str,
    rule: Option<&Approval>,
    release: &ReleaseRecord,
) -> Result<Option<Policy>, ReleaseError> {
    let Some(rule) = rule else { return Ok(None) };
    let emergency = rule.emergency.as_ref().filter(|_| release.emergency.is_some());
    let (required, approvers, author_may_approve) = match emergency {
        Some(rule) if rule.required == 0 => return Ok(None),
        Some(emergency) => {
            (emergency.required, emergency.approvers.as_ref().unwrap_or(&rule.approvers), emergency.author_may_approve)
        }
        None => (rule.required, &rule.approvers, rule.author_may_approve),
    };
    let path = root.join(approvers);
    let text = std::fs::read_to_string(&path).map_err(|source| ReleaseError::ReadApprovers {
        environment: environment.to_owned(),
        path: path.clone(),
        source,
    })?;
    let signers = Signers::parse(&text).map_err(|source| ReleaseError::Approvers { path: path.clone(), source })?;
    let policy = Policy { required, signers, author_may_approve };
    policy.check().map_err(|source| ReleaseError::Policy { environment: environment.to_owned(), path, source })?;
    Ok(Some(policy))
}

//! What the commands about registries share.

use sprag_lifecycle::with_causes;
use sprag_package::registry::{Reference, Registry, Transport};
use sprag_plugins::PluginError;
use sprag_schemas::exit_code;

use crate::error::CommandError;

/// A reference that a person typed, with or without the scheme that a project file wants.
pub(crate) fn reference(text: &str) -> Result<Reference, CommandError> {
    text.strip_prefix("oci://").unwrap_or(text).parse().map_err(|error| CommandError::from(PluginError::Reference(error)))
}

/// The repository that a reference names.
pub(super) fn open(reference: &Reference, insecure: bool) -> Result<Registry, CommandError> {
    let transport = if insecure { Transport::Plain } else { Transport::for_host(&reference.host) };
    Ok(Registry::new(reference, transport)?)
}

impl From<PluginError> for CommandError {
    fn from(error: PluginError) -> Self {
        let code = if error.is_usage() { exit_code::BAD_PROJECT } else { exit_code::INTERNAL };
        Self { code, message: with_causes(&error), hints: error.hint().into_iter().collect() }
    }
}

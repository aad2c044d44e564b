//! What a project is read with: the policies of the machine and the user, and where plugins of registries are.

use std::path::PathBuf;

use sprag_plugins::Plugins;

/// Where the policy of the machine lies, which its users cannot change.
const SYSTEM: &str = "/etc/sprag/policy.toml";

/// The policies in force beside the project's own: the machine's, the user's, and those that `SPRAG_POLICY` names. One that is named must be there.
pub(super) fn policies() -> Vec<PathBuf> {
    let user = super::keys::own().map(|key| key.with_file_name("policy.toml"));
    let usual = [Some(PathBuf::from(SYSTEM)), user].into_iter().flatten().filter(|path| {
        // One that cannot be looked at is not one that is not there: to read it says why.
        path.try_exists().unwrap_or(true)
    });
    let named = std::env::var_os("SPRAG_POLICY").unwrap_or_default();
    usual.chain(std::env::split_paths(&named).filter(|path| !path.as_os_str().is_empty())).collect()
}

/// Where plugins of registries are found: the user's cache lies beside that of compiled code, and all projects share it.
pub(super) fn plugins() -> Plugins {
    Plugins::new(super::run::code_dir().map(|code| code.with_file_name("plugins")))
}

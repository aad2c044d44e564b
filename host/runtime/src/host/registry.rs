//! `sprag:stage/registry`

use crate::bindings::sprag::stage::registry::{Host, RegistryError};
use crate::state::StageState;

/// What an entry of the alias log costs beside its text, in bytes.
const ENTRY: usize = 100;

impl Host for StageState {
    fn add_version(&mut self, tags: Vec<(String, String)>) -> wasmtime::Result<Result<u64, RegistryError>> {
        self.charge(tags.iter().map(|(name, value)| (name.len() + value.len()) as u64).sum())?;
        Ok(self.registry.add_version(tags))
    }

    fn set_alias(&mut self, alias: String, version: u64, reason: String) -> wasmtime::Result<Result<(), RegistryError>> {
        self.charge((alias.len() + reason.len() + ENTRY) as u64)?;
        Ok(self.registry.set_alias(alias, version, reason))
    }

    fn get_alias(&mut self, alias: String) -> wasmtime::Result<Result<Option<u64>, RegistryError>> {
        Ok(Ok(self.registry.alias(&alias)))
    }
}

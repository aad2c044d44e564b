//! `sprag:stage/registry`

use crate::bindings::sprag::stage::registry::{Host, RegistryError};
use crate::state::StageState;

impl Host for StageState {
    fn add_version(&mut self, tags: Vec<(String, String)>) -> wasmtime::Result<Result<u64, RegistryError>> {
        Ok(self.registry.add_version(tags))
    }

    fn set_alias(&mut self, alias: String, version: u64, reason: String) -> wasmtime::Result<Result<(), RegistryError>> {
        Ok(self.registry.set_alias(alias, version, reason))
    }

    fn get_alias(&mut self, alias: String) -> wasmtime::Result<Result<Option<u64>, RegistryError>> {
        Ok(Ok(self.registry.alias(&alias)))
    }
}

//! `sprag:run/secrets`

use wasmtime::component::Resource;

use crate::bindings::sprag::run::secrets::{Host, HostSecret, SecretError};
use crate::outside::{self, SecretHandle};
use crate::state::StageState;

impl Host for StageState {
    fn get(&mut self, name: String) -> wasmtime::Result<Result<Resource<SecretHandle>, SecretError>> {
        let Some(outbound) = &self.call.outbound else {
            return Ok(Err(SecretError::Denied(format!(
                "asked for the secret `{name}`, which no grant of this stage allows; add `secrets = [\"{name}\"]` to its grants in sprag.toml"
            ))));
        };
        match outbound.secret(&name) {
            Ok(secret) => {
                self.session.0.know_placeholder(&secret);
                self.push(secret).map(Ok)
            }
            Err(outside::SecretError::Denied(message)) => Ok(Err(SecretError::Denied(message))),
            Err(outside::SecretError::Missing(message)) => Ok(Err(SecretError::Missing(message))),
        }
    }
}

impl HostSecret for StageState {
    fn name(&mut self, secret: Resource<SecretHandle>) -> wasmtime::Result<String> {
        Ok(self.handles.get(&secret)?.name.clone())
    }

    fn placeholder(&mut self, secret: Resource<SecretHandle>) -> wasmtime::Result<String> {
        Ok(self.handles.get(&secret)?.placeholder.clone())
    }

    fn endpoint(&mut self, secret: Resource<SecretHandle>) -> wasmtime::Result<Option<String>> {
        Ok(self.handles.get(&secret)?.endpoint.clone())
    }

    fn drop(&mut self, secret: Resource<SecretHandle>) -> wasmtime::Result<()> {
        self.handles.delete(secret)?;
        Ok(())
    }
}

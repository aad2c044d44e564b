//! `sprag:run/services`

use std::sync::Arc;

use crate::bindings::sprag::run::services as wit;
use crate::outside::{self, ServiceCondition, ServiceError, Services};
use crate::state::StageState;

impl wit::Host for StageState {
    async fn start(&mut self, service: wit::Service) -> wasmtime::Result<Result<wit::ServiceStatus, wit::ServiceError>> {
        let wit::Service { name, shares, port, keys } = service;
        let shares = shares.into_iter().map(|share| outside::ServiceShare { package: share.package, percent: share.percent });
        let service = outside::Service { name, shares: shares.collect(), port, keys };
        let started = match self.services() {
            Ok(services) => services.start(service).await,
            Err(denied) => Err(denied),
        };
        Ok(started.map(status_to_wit).map_err(error_to_wit))
    }

    async fn stop(&mut self, name: String) -> wasmtime::Result<Result<bool, wit::ServiceError>> {
        let stopped = match self.services() {
            Ok(services) => services.stop(name).await,
            Err(denied) => Err(denied),
        };
        Ok(stopped.map_err(error_to_wit))
    }

    async fn status(&mut self, name: String) -> wasmtime::Result<Result<Option<wit::ServiceStatus>, wit::ServiceError>> {
        let found = match self.services() {
            Ok(services) => services.status(name).await,
            Err(denied) => Err(denied),
        };
        Ok(found.map(|status| status.map(status_to_wit)).map_err(error_to_wit))
    }

    async fn list(&mut self) -> wasmtime::Result<Result<Vec<wit::ServiceStatus>, wit::ServiceError>> {
        let found = match self.services() {
            Ok(services) => services.list().await,
            Err(denied) => Err(denied),
        };
        Ok(found.map(|all| all.into_iter().map(status_to_wit).collect()).map_err(error_to_wit))
    }
}

impl StageState {
    fn services(&self) -> Result<Arc<dyn Services>, ServiceError> {
        self.call.services.clone().ok_or_else(|| {
            let message = "asked to run a service of this machine, which no grant of this stage allows; add `services = true` to its grants in sprag.toml";
            ServiceError::Denied(message.to_owned())
        })
    }
}

fn status_to_wit(status: outside::ServiceStatus) -> wit::ServiceStatus {
    let outside::ServiceStatus { name, shares, port, url, condition, restarts } = status;
    let shares = shares.into_iter().map(|share| wit::Share { package: share.package, percent: share.percent }).collect();
    let condition = match condition {
        ServiceCondition::Starting => wit::Condition::Starting,
        ServiceCondition::Ready => wit::Condition::Ready,
        ServiceCondition::Restarting => wit::Condition::Restarting,
        ServiceCondition::Lost => wit::Condition::Lost,
    };
    wit::ServiceStatus { name, shares, port, url, condition, restarts }
}

fn error_to_wit(error: ServiceError) -> wit::ServiceError {
    match error {
        ServiceError::Denied(message) => wit::ServiceError::Denied(message),
        ServiceError::BadService(message) => wit::ServiceError::BadService(message),
        ServiceError::NotReady(message) => wit::ServiceError::NotReady(message),
        ServiceError::Io(message) => wit::ServiceError::Io(message),
    }
}

//! The services of this machine, as the plugin asks for them: a seam, so that native tests need no host.

use sprag_sdk::services::{self, Service, ServiceError, ServiceStatus};

/// Who runs services.
pub(crate) trait Machine {
    /// Puts a service in place.
    fn start(&self, service: &Service) -> Result<ServiceStatus, ServiceError>;
    /// Ends one, and says whether there was one.
    fn stop(&self, name: &str) -> Result<bool, ServiceError>;
    /// Looks.
    fn status(&self, name: &str) -> Result<Option<ServiceStatus>, ServiceError>;
}

/// The machine that the host runs on.
pub(crate) struct ThisMachine;

impl Machine for ThisMachine {
    fn start(&self, service: &Service) -> Result<ServiceStatus, ServiceError> {
        services::start(service)
    }

    fn stop(&self, name: &str) -> Result<bool, ServiceError> {
        services::stop(name)
    }

    fn status(&self, name: &str) -> Result<Option<ServiceStatus>, ServiceError> {
        services::status(name)
    }
}

//! Services that a release leaves running on this machine: looked at, asked, and stopped when the test is over.

use std::net::SocketAddr;
use std::ops::Deref;

use serde_json::Value;

use super::Project;

/// A project whose services are stopped when it goes, however the test ends.
pub(crate) struct Serving(Project);

impl Serving {
    /// Looks after the services of a project.
    pub(crate) fn of(project: Project) -> Self {
        Self(project)
    }

    /// The project's services, as the program lists them.
    pub(crate) fn services(&self) -> Vec<Value> {
        self.run(&["services", "--json"]).ok().json()
    }

    /// Where a service answers.
    #[track_caller]
    pub(crate) fn address(&self, service: &str) -> SocketAddr {
        let services = self.services();
        let found = services.iter().find(|known| known["name"] == service);
        let url = found.and_then(|found| found["url"].as_str()).unwrap_or_else(|| panic!("no `{service}` in {services:?}"));
        url.strip_prefix("http://").unwrap().parse().unwrap()
    }
}

impl Deref for Serving {
    type Target = Project;

    fn deref(&self) -> &Project {
        &self.0
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // The program itself may be what failed: nothing here may fail in its turn.
        let listed = self.0.run(&["services", "--json"]);
        let services: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap_or_default();
        for name in services.iter().filter_map(|service| service["name"].as_str()) {
            let _stopped = self.0.run(&["services", "stop", name]);
        }
    }
}

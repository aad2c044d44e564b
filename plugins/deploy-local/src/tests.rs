//! The plugin over a machine in memory.

use std::cell::RefCell;

use super::*;

/// A machine with at most one service.
#[derive(Default)]
struct Memory {
    service: RefCell<Option<ServiceStatus>>,
    refuses: bool,
}

impl Machine for Memory {
    fn start(&self, service: &LocalService) -> Result<ServiceStatus, ServiceError> {
        if self.refuses {
            return Err(ServiceError::NotReady("the service ended".into()));
        }
        let port = if service.port == 0 { 4000 } else { service.port };
        let status = ServiceStatus {
            name: service.name.clone(),
            shares: service.shares.clone(),
            port,
            url: format!("http://127.0.0.1:{port}"),
            condition: Condition::Ready,
            restarts: 0,
        };
        *self.service.borrow_mut() = Some(status.clone());
        Ok(status)
    }

    fn stop(&self, _: &str) -> Result<bool, ServiceError> {
        Ok(self.service.borrow_mut().take().is_some())
    }

    fn status(&self, _: &str) -> Result<Option<ServiceStatus>, ServiceError> {
        Ok(self.service.borrow().clone())
    }
}

fn service() -> Service {
    Service { environment: "staging".into(), model: "diabetes".into(), key: None }
}

fn release(package: &str) -> Release {
    Release { version: 1, model_digest: "sha256:m".into(), package: package.into(), image: None }
}

fn planned(machine: &Memory, params: &Params, package: &str) -> (Action, String) {
    let mut changes = plan(machine, params, &service(), &release(package)).unwrap();
    assert_eq!(changes.len(), 1);
    let change = changes.remove(0);
    assert_eq!(change.subject, "service diabetes-staging");
    (change.action, change.detail)
}

#[test]
fn the_schema_is_committed() {
    let derived = schemars::schema_for!(Params).to_value();
    sprag_sdk::testing::check_params_schema(env!("CARGO_MANIFEST_DIR"), <DeployLocal as sprag_sdk::Plugin>::JSON, &derived);
}

#[test]
fn a_plan_says_what_would_change() {
    let (machine, params) = (Memory::default(), Params::default());
    assert_eq!(planned(&machine, &params, "a"), (Action::Create, "serves a on a free port".into()));
    put(&machine, &params, &service(), vec![whole(&release("a"))]).unwrap();
    assert_eq!(planned(&machine, &params, "a"), (Action::Keep, "serves a".into()));
    assert_eq!(planned(&machine, &params, "b"), (Action::Update, "serves a -> b".into()));
    let moved = Params { port: 5000, name: None };
    assert_eq!(planned(&machine, &moved, "a"), (Action::Update, "port 4000 -> 5000".into()));
}

#[test]
fn what_is_applied_is_what_status_finds() {
    let (machine, params) = (Memory::default(), Params::default());
    assert_eq!(status(&machine, &params, &service()).unwrap().phase, Phase::Absent);
    let applied = put(&machine, &params, &service(), vec![whole(&release("a"))]).unwrap();
    assert_eq!(applied.phase, Phase::Ready);
    assert_eq!(applied.endpoint.as_deref(), Some("http://127.0.0.1:4000"));
    assert_eq!(applied.message, "the service `diabetes-staging` answers at http://127.0.0.1:4000");
    assert_eq!(status(&machine, &params, &service()).unwrap(), applied);
}

#[test]
fn a_package_that_does_not_get_ready_leaves_the_one_before() {
    let (mut machine, params) = (Memory::default(), Params::default());
    put(&machine, &params, &service(), vec![whole(&release("a"))]).unwrap();
    machine.refuses = true;
    let failed = put(&machine, &params, &service(), vec![whole(&release("b"))]).unwrap();
    assert_eq!(failed.phase, Phase::Failed);
    assert_eq!(failed.releases, [Weight { package: "a".into(), percent: 100 }]);
}

#[test]
fn a_lost_supervisor_is_seen() {
    let (machine, params) = (Memory::default(), Params::default());
    put(&machine, &params, &service(), vec![whole(&release("a"))]).unwrap();
    machine.service.borrow_mut().as_mut().unwrap().condition = Condition::Lost;
    assert_eq!(status(&machine, &params, &service()).unwrap().phase, Phase::Failed);
    assert_eq!(planned(&machine, &params, "a"), (Action::Update, "its supervisor is gone -> a new one".into()));
}

//! The stages of a project, as a release asks them: the [`Actor`] in earnest.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use sprag_core::digest::Digest;
use sprag_core::origin::Origin;
use sprag_core::plan::{PlannedEnvironment, PlannedStage};
use sprag_egress::{Network, Settings, Vault};
use sprag_lifecycle::{Cancel, Observer, Project, baseline, stage_call, training_rows, with_causes};
use sprag_package::registry::{Reference, Registry, Transport, push};
use sprag_package::{MakeError, Making, Server, make};
use sprag_runtime::outside::Services;
use sprag_runtime::{
    Change, DeployService, DeployTask, Deployed, Endpoint, Finished, ProvisionTask, Ruling, Runtime, StageCall, StageFailure,
    Verdict,
};
use sprag_schemas::manifest::Kind;
use sprag_schemas::package::Package;
use sprag_schemas::record::{ModelVersion, StageReport};
use sprag_schemas::release::{PackageRecord, ReleaseEvent};
use sprag_store::Store;

use crate::{Actor, examples};

/// The stages of a project, with what they may reach.
pub struct Stages<'a> {
    /// The project.
    pub project: &'a Project,
    /// Its store.
    pub store: Arc<Store>,
    /// The secrets that its stages are granted.
    pub vault: Vault,
    /// The services of this machine, for the stages that may run some.
    pub services: Option<Arc<dyn Services>>,
    /// The program that serves, for the image.
    pub server: PathBuf,
    /// Where compiled code is kept between processes.
    pub code_dir: Option<PathBuf>,
    /// Hears what the stages say.
    pub observer: Observer,
    /// Asks the stages to stop.
    pub cancel: Cancel,
    /// The engine, made when the first stage has work to do.
    pub engine: OnceLock<Runtime>,
}

/// Why a version was not packaged.
#[derive(Debug, thiserror::Error)]
pub enum PackagingError {
    /// What the packager would be handed cannot be had.
    #[error("{0}")]
    Host(String),
    /// The package could not be made.
    #[error(transparent)]
    Make(#[from] MakeError),
}

/// What leaves this machine for the project's registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ToRegistry {
    /// The package.
    Package,
    /// Nothing.
    Nothing,
}

/// A failure on the host's side, as a stage's.
fn host<T>(message: String) -> Finished<T> {
    Finished { report: StageReport::default(), result: Err(StageFailure::Host(message)) }
}

impl Stages<'_> {
    fn runtime(&self) -> Result<&Runtime, String> {
        if let Some(runtime) = self.engine.get() {
            return Ok(runtime);
        }
        let runtime = Runtime::new(self.code_dir.as_deref()).map_err(|error| with_causes(&error))?;
        Ok(self.engine.get_or_init(|| runtime))
    }

    /// The call of a stage, with the network that it is granted.
    fn call(
        &self,
        stage: &PlannedStage,
        extend: impl FnOnce(Settings<'_>) -> Settings<'_>,
    ) -> Result<(&Runtime, StageCall), String> {
        let runtime = self.runtime()?;
        let call = stage_call(self.project, &self.store, runtime, stage, &self.observer, &self.cancel);
        let mut call = call.map_err(|error| with_causes(&error))?;
        if stage.kind.may_use_network() {
            let place = if stage.kind == Kind::Provision { stage.name.clone() } else { format!("environments.{}", stage.name) };
            let settings = extend(Network::of(&stage.name, &place, &stage.grants, &self.vault));
            call.outbound = Some(Arc::new(settings.build().map_err(|error| error.to_string())?));
        }
        if stage.grants.services {
            call.services = self.services.clone();
        }
        Ok((runtime, call))
    }

    /// The profile of the rows that the version was trained on, where they are still what they were.
    async fn profile(&self, version: &ModelVersion) -> Result<Option<Digest>, String> {
        let (root, manifest) = (&self.project.root, &self.project.manifest);
        let Ok(training) = training_rows(root, manifest, &self.store, version) else { return Ok(None) };
        let mut profile = sprag_data::profile(&training).map_err(|error| error.to_string())?;
        // A package is none the worse without it: `sprag drift` says why there is none.
        profile.sketch = baseline(root, manifest, &self.store, self.runtime()?, version).await.ok();
        let text = serde_json::to_vec(&profile).map_err(|error| error.to_string())?;
        self.store.put_bytes(&text).map(Some).map_err(|error| with_causes(&error))
    }

    /// Asks a stage under `[provision]` what it would do, or lets it do it.
    pub async fn provision(&self, stage: &PlannedStage, task: ProvisionTask) -> Finished<Vec<Change>> {
        match self.call(stage, |settings| settings) {
            Ok((runtime, call)) => runtime.provision(&call, task).await,
            Err(message) => host(message),
        }
    }

    /// Makes the package of a version with the project's packager. It deploys, pushes and records nothing.
    ///
    /// # Errors
    /// The project has no packager, a part of the package cannot be had, or the packager failed.
    pub async fn make_package(&self, version: &ModelVersion) -> Result<(Package, StageReport), PackagingError> {
        let stage = self.project.plan.package.as_ref();
        let stage = stage.ok_or_else(|| PackagingError::Host("expected a stage of the kind `package`, found none".to_owned()))?;
        let (runtime, call) = self.call(stage, |settings| settings).map_err(PackagingError::Host)?;
        let (profile, server) = (self.profile(version).await.map_err(PackagingError::Host)?, Server::open(&self.server));
        let making = Making { store: &self.store, runtime, version, profile, server, call };
        Ok(make(making).await?)
    }

    async fn packaged(
        &self,
        version: &ModelVersion,
        send: ToRegistry,
    ) -> Result<(PackageRecord, StageReport), (String, StageReport)> {
        let bare = |message: String| (message, StageReport::default());
        let runtime = self.runtime().map_err(bare)?;
        let (package, report) = self.make_package(version).await.map_err(|error| match error {
            PackagingError::Make(MakeError::Packager { failure, report, .. }) => (failure.to_record().message, *report),
            other => bare(with_causes(&other)),
        })?;
        let with_report = |message: String| (message, report.clone());
        let image = self.image(&package, send).await.map_err(with_report)?;
        let (rows, expected) = examples::make(self.project, &self.store, runtime, version).await.map_err(with_report)?;
        let record = PackageRecord { digest: package.digest, image, rows: rows.to_string(), expected: expected.to_string() };
        Ok((record, report))
    }

    /// The image by digest in the repository that the project names, pushed there or not yet; none where it names none.
    async fn image(&self, package: &Package, send: ToRegistry) -> Result<Option<String>, String> {
        let Some(repository) = &self.project.manifest.release.repository else { return Ok(None) };
        let reference: Reference = repository.parse().map_err(|error| with_causes(&error))?;
        if send == ToRegistry::Nothing {
            return Ok(Some(format!("{}@{}", reference.name(), package.digest)));
        }
        let registry = Registry::new(&reference, Transport::for_host(&reference.host)).map_err(|error| with_causes(&error))?;
        let pushed = push(&self.store, package, &registry, &reference, |_| {}).await.map_err(|error| with_causes(&error))?;
        Ok(Some(pushed.reference))
    }

    async fn package_or_prepare(&self, version: &ModelVersion, send: ToRegistry) -> Finished<PackageRecord> {
        match self.packaged(version, send).await {
            Ok((package, report)) => Finished { report, result: Ok(package) },
            Err((message, report)) => Finished { report, result: Err(StageFailure::Host(message)) },
        }
    }
}

impl Actor for Stages<'_> {
    async fn package(&self, version: &ModelVersion) -> Finished<PackageRecord> {
        self.package_or_prepare(version, ToRegistry::Package).await
    }

    async fn prepare(&self, version: &ModelVersion) -> Finished<PackageRecord> {
        self.package_or_prepare(version, ToRegistry::Nothing).await
    }

    async fn deploy(&self, environment: &PlannedEnvironment, model: &str, task: &DeployTask) -> Finished<Deployed> {
        let (runtime, call) = match self.call(&environment.deploy, |settings| settings) {
            Ok(ready) => ready,
            Err(message) => return host(message),
        };
        let key = self.project.manifest.environments[&environment.name].key.clone();
        let service = DeployService { environment: environment.name.clone(), model: model.to_owned(), key };
        runtime.deploy(&call, &service, task).await
    }

    async fn smoke_test(
        &self,
        stage: &PlannedStage,
        endpoint: &Endpoint,
        version: &ModelVersion,
        package: &PackageRecord,
    ) -> Finished<Verdict> {
        let origin = match origin_of(&endpoint.url) {
            Ok(origin) => origin,
            Err(message) => return host(message),
        };
        let (runtime, call) = match self.call(stage, |settings| settings.reaching(origin, endpoint.key.as_deref())) {
            Ok(ready) => ready,
            Err(message) => return host(message),
        };
        let tables = examples::read(&self.store, &package.rows, &version.model.inputs)
            .and_then(|rows| Ok((rows, examples::read(&self.store, &package.expected, &version.model.outputs)?)));
        match tables {
            Ok((rows, expected)) => runtime.smoke_test(&call, endpoint, &rows, &expected).await,
            Err(message) => host(message),
        }
    }

    async fn notify(&self, stage: &PlannedStage, event: &ReleaseEvent) -> Finished<()> {
        match self.call(stage, |settings| settings) {
            Ok((runtime, call)) => runtime.notify(&call, &json(event)).await,
            Err(message) => host(message),
        }
    }

    async fn approve(&self, stage: &PlannedStage, event: &ReleaseEvent) -> Finished<Ruling> {
        match self.call(stage, |settings| settings) {
            Ok((runtime, call)) => runtime.approve(&call, &json(event)).await,
            Err(message) => host(message),
        }
    }
}

fn json(event: &ReleaseEvent) -> String {
    serde_json::to_string(event).expect("an event is made of structs with text keys, which JSON can hold")
}

/// The origin of a service's root.
fn origin_of(url: &str) -> Result<Origin, String> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    format!("{scheme}://{host}").parse().map_err(|error: sprag_core::origin::OriginError| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::origin_of;

    #[test]
    fn the_origin_of_a_root_is_what_stands_before_its_path() {
        assert_eq!(origin_of("http://127.0.0.1:8080/v1").unwrap().to_string(), "http://127.0.0.1:8080");
        assert_eq!(origin_of("https://a.example.com").unwrap().to_string(), "https://a.example.com");
        assert!(origin_of("nowhere").is_err());
    }
}

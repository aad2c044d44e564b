//! What a release does to the world, as the steps ask for it.

use sprag_core::plan::{PlannedEnvironment, PlannedStage};
use sprag_runtime::{DeployTask, Deployed, Endpoint, Finished, Ruling, Verdict};
use sprag_schemas::record::ModelVersion;
use sprag_schemas::release::{PackageRecord, ReleaseEvent};

/// Does what the steps of a release ask for. Each of these may be asked again at any time, also where an earlier call died half way.
pub trait Actor {
    /// Packages a version, pushes it where the project says so, and makes the rows for smoke tests with the model's own predictions.
    fn package(&self, version: &ModelVersion) -> impl Future<Output = Finished<PackageRecord>>;

    /// Packages a version as [`Self::package`] does, without sending anything anywhere: what would be deployed, by the digest that it would have.
    fn prepare(&self, version: &ModelVersion) -> impl Future<Output = Finished<PackageRecord>>;

    /// Asks the deploy adapter of an environment.
    fn deploy(
        &self,
        environment: &PlannedEnvironment,
        model: &str,
        task: &DeployTask,
    ) -> impl Future<Output = Finished<Deployed>>;

    /// Tries what runs in an environment with rows and expected predictions of the version's package.
    fn smoke_test(
        &self,
        stage: &PlannedStage,
        endpoint: &Endpoint,
        version: &ModelVersion,
        package: &PackageRecord,
    ) -> impl Future<Output = Finished<Verdict>>;

    /// Tells people.
    fn notify(&self, stage: &PlannedStage, event: &ReleaseEvent) -> impl Future<Output = Finished<()>>;

    /// Asks a rule.
    fn approve(&self, stage: &PlannedStage, event: &ReleaseEvent) -> impl Future<Output = Finished<Ruling>>;
}

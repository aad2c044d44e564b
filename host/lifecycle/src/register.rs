//! Entering a version: what the registry keeps of a run, in one transaction.

use std::collections::BTreeMap;

use sprag_core::plan::PlannedStage;
use sprag_runtime::{RegisterEffects, RegistryView};
use sprag_schemas::event::Event;
use sprag_schemas::manifest::Kind;
use sprag_schemas::record::{AliasEntry, Lineage, LogLevel, LogLine, Metric, ModelVersion, Tier, VersionRef};
use sprag_store::{AddVersion, NewAlias, NewVersion};

use crate::RunError;
use crate::baseline::{self, kept_baseline};
use crate::error::with_causes;
use crate::records::plugin_record;
use crate::run::Run;
use crate::time::now;

impl Run<'_> {
    /// The registry as the `register` stage is to see it.
    pub(crate) fn registry_view(&self, name: &str) -> Result<RegistryView, RunError> {
        let versions = self.store.versions(name)?;
        let (candidate, data) = (self.record.candidate.as_ref(), self.record.data.as_ref());
        // The same model of the same rows again is no other version. Where the rows differ, so does the lineage.
        let is_same = |version: &&ModelVersion| {
            let before = &version.lineage.data;
            candidate.is_some_and(|candidate| candidate.digest == version.model.digest)
                && data.is_some_and(|data| {
                    (&data.training_digest, &data.holdout_digest) == (&before.training_digest, &before.holdout_digest)
                })
        };
        Ok(RegistryView {
            newest: versions.last().map_or(0, |version| version.version.version),
            same: versions.iter().rev().find(is_same).map(|version| version.version.version),
            aliases: self.store.aliases_of(name)?,
        })
    }

    /// Points aliases at a version that was registered before, where they do not yet. Each is whole by itself, and another run mends what is missing.
    fn point_again(&mut self, name: &str, effects: &RegisterEffects) -> Result<(), RunError> {
        let by = self.origin().by;
        for (alias, version, reason) in &effects.aliases {
            if self.store.alias(name, alias)? != Some(*version) {
                self.store.set_alias(&AliasEntry {
                    name: name.to_owned(),
                    alias: alias.clone(),
                    version: *version,
                    at: now(),
                    by: by.clone(),
                    reason: reason.clone(),
                    run_id: Some(self.record.id.clone()),
                })?;
            }
        }
        Ok(())
    }

    /// Enters what a `register` stage asked for: version and aliases in one transaction.
    pub(crate) fn enter(&mut self, effects: &RegisterEffects) -> Result<(), RunError> {
        let name = self.project.manifest.model_name().to_owned();
        if let Some(version) = effects.version
            && self.store.version(&name, version)?.is_some()
        {
            self.point_again(&name, effects)?;
            self.record.registered = Some(VersionRef { name, version });
            return Ok(());
        }
        let model = self.record.candidate.clone().expect("a plan has no `register` without a `train` before it");
        if let Some((_, component)) = self.project.trainer() {
            // The scorer goes with the model, so that it can be scored again after the project has moved on.
            self.store.put_bytes(&component.bytes)?;
        }
        let lineage = self.lineage();
        let (at, by) = (now(), lineage.origin.by.clone());
        let aliases = effects.aliases.iter().map(|(alias, version, reason)| NewAlias {
            alias: alias.clone(),
            version: Some(*version),
            at: at.clone(),
            by: by.clone(),
            reason: reason.clone(),
        });
        let new = NewVersion {
            name: name.clone(),
            model,
            created_at: at.clone(),
            lineage,
            tags: effects.tags.clone(),
            metrics: self.version_metrics(),
        };
        let added = self.store.register(new, aliases.collect())?;
        let (AddVersion::Added(version) | AddVersion::AlreadyRegistered(version)) = added;
        self.record.registered = Some(VersionRef { name, version });
        Ok(())
    }

    /// Keeps what the version was trained on, as a sketch, while its data is at hand. A run is not worth less without it: it says so, and goes on.
    pub(crate) async fn keep_baseline(&mut self, stage: &str) {
        if let Err(error) = self.try_keep_baseline().await {
            let message = format!("later rows cannot be held against those of the training: {}", with_causes(error.as_ref()));
            let line = LogLine { level: LogLevel::Warn, message, fields: BTreeMap::new() };
            self.tell(Event::Log { stage: stage.to_owned(), line });
        }
    }

    async fn try_keep_baseline(&mut self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let Some(VersionRef { name, version }) = self.record.registered.clone() else { return Ok(()) };
        let Some(version) = self.store.version(&name, version)? else { return Ok(()) };
        if kept_baseline(&self.store, &version)?.is_some() {
            return Ok(());
        }
        let training = self.tables()?.split.training.clone();
        let (runtime, store) = (self.runtime()?.clone(), self.store.clone());
        baseline::make(&self.project.manifest, &store, &runtime, &version, &training).await?;
        Ok(())
    }

    fn lineage(&mut self) -> Lineage {
        let origin = self.origin();
        let stages = &self.project.plan.stages;
        // From the most to the least reproducible: the worst of them is that of the whole.
        let tier = stages.iter().filter(|stage| stage.kind != Kind::Register).map(PlannedStage::tier).max();
        Lineage {
            run_id: self.record.id.clone(),
            trained_in: self.trained_in.clone(),
            origin,
            data: self.record.data.clone().expect("a run that goes on to register has its data"),
            components: stages.iter().map(|stage| (stage.name.clone(), plugin_record(stage))).collect(),
            params: stages.iter().map(|stage| (stage.name.clone(), stage.params.clone())).collect(),
            tier: tier.unwrap_or(Tier::Hermetic),
            decision: self.decision.clone(),
            processes: self.record.stages.iter().flat_map(|stage| stage.report.processes.clone()).collect(),
        }
    }

    /// The last value of each metric of training and evaluation, by `split.name`.
    fn version_metrics(&self) -> BTreeMap<String, f64> {
        let stages = self.record.stages.iter().filter(|stage| matches!(stage.kind, Kind::Train | Kind::Evaluate));
        let metrics = stages.flat_map(|stage| &stage.report.metrics);
        let name = |metric: &Metric| match &metric.split {
            Some(split) => format!("{split}.{}", metric.name),
            None => metric.name.clone(),
        };
        metrics.map(|metric| (name(metric), metric.value)).collect()
    }
}

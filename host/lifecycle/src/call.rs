//! The call of one stage, made ready for the runtime.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use sprag_core::plan::PlannedStage;
use sprag_runtime::blobs::ReaderHandle;
use sprag_runtime::{Cancel, Runtime, Signal, StageCall};
use sprag_schemas::event::Event;
use sprag_store::Store;

use crate::blobs::{OpenFile, StoreBlobs};
use crate::folders::GrantedFolders;
use crate::{Observer, Project, RunError, keys};

/// The call of a stage, with its component compiled and its inputs opened. It reaches nothing outside but the folders that it is
/// granted: whoever may let it adds the network and the services.
///
/// # Errors
/// An input cannot be opened, or the component cannot be compiled.
pub fn stage_call(
    project: &Project,
    store: &Arc<Store>,
    runtime: &Runtime,
    stage: &PlannedStage,
    observer: &Observer,
    cancel: &Cancel,
) -> Result<StageCall, RunError> {
    let component = &project.components[&stage.name];
    if !runtime.is_compiled(&component.digest) {
        observer(Event::Compiling { plugin: stage.plugin.to_string() });
    }
    let (observer, name) = (observer.clone(), stage.name.clone());
    let mut inputs = BTreeMap::new();
    for (input, path) in &stage.inputs {
        let path = project.root.join(path);
        let opened = std::fs::File::open(&path).and_then(OpenFile::new);
        let failed = |source| crate::ProjectError::Read { path: path.clone(), source };
        let media_type = "application/octet-stream".to_owned();
        inputs.insert(input.clone(), ReaderHandle { bytes: Arc::new(opened.map_err(failed)?), media_type });
    }
    let env = keys::env(stage).into_iter().filter_map(|(name, value)| Some((name, value?)));
    Ok(StageCall {
        component: runtime.load(component.digest, &component.bytes)?,
        params_json: sprag_core::json::canonical(&Value::Object(stage.params.clone())),
        seed: project.manifest.run.seed,
        inputs,
        env: env.collect(),
        clock: stage.clock(),
        limits: stage.limits.clone(),
        blobs: Arc::new(StoreBlobs(store.clone())),
        observer: Arc::new(move |signal| {
            let stage = name.clone();
            observer(match signal {
                Signal::Log(line) => Event::Log { stage, line },
                Signal::Metric(metric) => Event::Metric { stage, metric },
                Signal::Finding(finding) => Event::Finding { stage, finding },
                Signal::Progress { done, total } => Event::Progress { stage, done, total },
            });
        }),
        cancel: cancel.clone(),
        outbound: None,
        folders: Some(Arc::new(GrantedFolders::new(&stage.grants.folders, &project.root))),
        services: None,
        processes: None,
    })
}

//! What a run would do, without doing it: `--dry-run`.

use sprag_core::plan::PlannedStage;
use sprag_schemas::manifest::Kind;
use sprag_store::Store;

use crate::RunError;
use crate::data;
use crate::keys::{self, KeyContext};
use crate::project::Project;
use crate::run::champion;

/// What `--dry-run` shows of a stage.
#[derive(Debug)]
pub struct StagePreview<'a> {
    /// The stage.
    pub stage: &'a PlannedStage,
    /// The run whose work would be taken; none where the stage would do its own.
    pub cached_from: Option<String>,
    /// The earlier stage whose outcome decides, where it does.
    pub depends_on: Option<String>,
}

/// What a run would do, without doing it.
///
/// # Errors
/// The data, an input or the store cannot be read.
pub fn preview(project: &Project) -> Result<Vec<StagePreview<'_>>, RunError> {
    let store = Store::open_existing(&project.store_dir())?;
    let data = data::digests(&project.home, &project.manifest, store.as_ref())?;
    let production = store.as_ref().map(|store| champion(project, store)).transpose()?.flatten();
    let mut context = KeyContext {
        root: &project.root,
        seed: project.manifest.run.seed,
        data: &data,
        locks: &project.locks,
        trainer: project.trainer().map(|(_, component)| component.digest),
        candidate: None,
        production: production.as_ref().and_then(|version| version.model.digest.parse().ok()),
    };
    let mut previews = vec![];
    let mut unknown_after: Option<String> = None;
    for stage in &project.plan.stages {
        let mut preview = StagePreview { stage, cached_from: None, depends_on: None };
        if matches!(stage.kind, Kind::Evaluate | Kind::Register) && unknown_after.is_some() {
            preview.depends_on.clone_from(&unknown_after);
        } else if stage.kind == Kind::Register {
            preview.depends_on = project.plan.stage_of(Kind::Evaluate).map(|stage| stage.name.clone());
        } else {
            let (key, basis) = keys::keys(&context, stage, store.as_ref())?;
            let is_champion = context.candidate.is_some() && context.candidate == context.production;
            let tried = [Some(key), basis.filter(|_| is_champion)];
            for key in tried.into_iter().flatten().filter(|_| stage.is_cacheable()) {
                let Some(entry) = store.as_ref().map(|store| store.cached(&key)).transpose()?.flatten() else { continue };
                context.candidate = entry.report.model.as_ref().and_then(|model| model.digest.parse().ok()).or(context.candidate);
                preview.cached_from = Some(entry.run_id);
                break;
            }
            if preview.cached_from.is_none() && matches!(stage.kind, Kind::Train | Kind::Evaluate) {
                unknown_after = Some(stage.name.clone());
            }
        }
        previews.push(preview);
    }
    Ok(previews)
}

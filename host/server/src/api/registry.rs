//! The registered models, and their releases.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;
use sprag_schemas::record::{AliasEntry, ModelVersion};
use sprag_schemas::release::ReleaseRecord;
use sprag_schemas::server::Role;
use sprag_store::{Store, StoreError};

use super::body::{InPath, Json};
use super::{Shared, blocking};
use crate::auth::Caller;
use crate::problem::Problem;
use crate::site::Site;

/// How many releases are listed.
const MOST_RELEASES: usize = 200;

/// A model with its newest version and where its aliases point.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ModelView {
    /// The name.
    pub name: String,
    /// How many versions there are.
    pub versions: u64,
    /// The version of each alias.
    pub aliases: BTreeMap<String, u64>,
    /// The newest version.
    pub newest: Option<ModelVersion>,
}

/// `GET /api/v1/models`
pub(super) async fn models(State(shared): State<Shared>, caller: Caller) -> Result<Json<Vec<ModelView>>, Problem> {
    caller.need(Role::Viewer)?;
    blocking(move || {
        let mut found = vec![];
        for hosted in &shared.site.hosted {
            for model in hosted.store.models()? {
                found.push(view(&hosted.store, &model.name)?);
            }
        }
        Ok(Json(found))
    })
    .await
}

/// `GET /api/v1/models/{name}`
pub(super) async fn model(
    State(shared): State<Shared>,
    caller: Caller,
    InPath(name): InPath<String>,
) -> Result<Json<ModelView>, Problem> {
    caller.need(Role::Viewer)?;
    blocking(move || view(&*store_of(&shared.site, &name)?, &name).map(Json)).await
}

/// `GET /api/v1/models/{name}/aliases/{alias}`: where it pointed, newest first.
pub(super) async fn alias(
    State(shared): State<Shared>,
    caller: Caller,
    InPath((name, alias)): InPath<(String, String)>,
) -> Result<Json<Vec<AliasEntry>>, Problem> {
    caller.need(Role::Viewer)?;
    blocking(move || Ok(Json(store_of(&shared.site, &name)?.alias_history(&name, &alias)?))).await
}

/// `GET /api/v1/releases`: newest first.
pub(super) async fn releases(State(shared): State<Shared>, caller: Caller) -> Result<Json<Vec<ReleaseRecord>>, Problem> {
    caller.need(Role::Viewer)?;
    blocking(move || {
        let mut found: Vec<ReleaseRecord> = vec![];
        for hosted in &shared.site.hosted {
            found.extend(hosted.store.releases(MOST_RELEASES)?.into_iter().map(|release| release.record));
        }
        found.sort_by(|one, other| other.id.cmp(&one.id));
        found.truncate(MOST_RELEASES);
        Ok(Json(found))
    })
    .await
}

/// `GET /api/v1/releases/{id}`
pub(super) async fn release(
    State(shared): State<Shared>,
    caller: Caller,
    InPath(id): InPath<String>,
) -> Result<Json<ReleaseRecord>, Problem> {
    caller.need(Role::Viewer)?;
    blocking(move || {
        for hosted in &shared.site.hosted {
            match hosted.store.find_release(&id) {
                Ok(release) => return Ok(Json(release.record)),
                Err(StoreError::UnknownRelease { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Problem::not_found(format!("no release is called `{id}`")))
    })
    .await
}

fn store_of(site: &Site, model: &str) -> Result<Arc<Store>, Problem> {
    let mut known = vec![];
    for hosted in &site.hosted {
        let models = hosted.store.models()?;
        if models.iter().any(|found| found.name == model) {
            return Ok(hosted.store.clone());
        }
        known.extend(models.into_iter().map(|found| found.name));
    }
    Err(StoreError::UnknownModel { name: model.to_owned(), known }.into())
}

fn view(store: &Store, name: &str) -> Result<ModelView, Problem> {
    let summary = store.models()?.into_iter().find(|model| model.name == name);
    let summary = summary.ok_or_else(|| StoreError::UnknownModel { name: name.to_owned(), known: vec![] })?;
    let newest = store.version(name, summary.latest)?;
    Ok(ModelView { name: name.to_owned(), versions: summary.versions, aliases: summary.aliases, newest })
}

//! The plugins that the published pipelines run: what each asks for, and what it is granted.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use maud::html;
use sprag_core::plan::PlannedStage;
use sprag_core::portrait::{Portrait, Reach};
use sprag_schemas::server::Role;

use super::{Refused, Visitor};
use crate::api::{Shared, blocking};
use crate::problem::Problem;

/// A component, and the stages that it stands in.
struct Listed {
    name: String,
    version: String,
    summary: String,
    kinds: String,
    /// What it asks for beyond its own computing, in plain words.
    rights: Vec<&'static str>,
    /// The pipeline, the stage, and what is granted there.
    stages: Vec<(String, String, Vec<String>)>,
}

/// `GET /plugins`
pub(super) async fn index(State(shared): State<Shared>, visitor: Visitor) -> Result<Response, Refused> {
    visitor.caller.need(Role::Viewer)?;
    let plugins = blocking(move || {
        let mut plugins: BTreeMap<String, Listed> = BTreeMap::new();
        for (hosted, newest) in shared.site.newest()? {
            let digest = newest.digest.parse().map_err(|_| Problem::not_found("the version has no digest"))?;
            let project = shared.site.ground.open(&hosted.home, &hosted.store, &digest, &[])?;
            for stage in project.plan.all() {
                let listed = plugins.entry(stage.component.digest.to_string()).or_insert_with(|| listed(stage));
                listed.stages.push((newest.pipeline.clone(), stage.name.clone(), stage.grant_lines()));
            }
        }
        Ok(plugins)
    })
    .await?;
    let body = html! {
        h1 { "Plugins" }
        @if plugins.is_empty() { p { "Nothing is published yet: " code { "sprag publish" } " does." } }
        @for (digest, plugin) in &plugins {
            h2 { (plugin.name) " " (plugin.version) }
            p { (plugin.summary) " " span.soft { (plugin.kinds) } }
            p { code { (digest) } }
            @if plugin.rights.is_empty() { p { "It reaches nothing outside of its sandbox." } }
            @else { ul { @for right in &plugin.rights { li { "May " (right) "." } } } }
            div.scroll tabindex="0" { table {
                thead { tr { th scope="col" { "Pipeline" } th scope="col" { "Stage" } th scope="col" { "Granted" } } }
                tbody { @for (pipeline, stage, granted) in &plugin.stages { tr {
                    td { a href={ "/pipelines/" (pipeline) } { (pipeline) } }
                    td { (stage) }
                    td { @if granted.is_empty() { "nothing beyond its kind's handles" } @else { code { (granted.join(", ")) } } }
                } } }
            } }
        }
    };
    Ok(visitor.page("Plugins", "/plugins", &body))
}

fn listed(stage: &PlannedStage) -> Listed {
    let portrait = Portrait::of(&stage.component);
    let kinds: Vec<_> = portrait.kinds.iter().map(|kind| kind.name()).collect();
    let mut rights: Vec<_> =
        portrait.imports.iter().filter(|right| right.reach == Reach::Granted).map(|right| right.meaning).collect();
    rights.dedup();
    Listed {
        name: stage.info.name.clone(),
        version: stage.info.version.clone(),
        summary: stage.info.summary.clone(),
        kinds: kinds.join(", "),
        rights,
        stages: vec![],
    }
}

//! The registry: models, their versions, and where their aliases pointed.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use maud::html;
use sprag_pages::facts;
use sprag_pages::number::short;
use sprag_pages::plot::{Kind, Plot, Series};
use sprag_pages::run::figure;
use sprag_schemas::server::Role;
use sprag_store::StoreError;

use super::{Refused, Visitor};
use crate::api::{InPath, Shared, blocking};

/// How many versions a page shows: the newest.
const LISTED: usize = 100;

/// `GET /models`
pub(super) async fn index(State(shared): State<Shared>, visitor: Visitor) -> Result<Response, Refused> {
    visitor.caller.need(Role::Viewer)?;
    let models = blocking(move || {
        let mut models = vec![];
        for hosted in &shared.site.hosted {
            models.extend(hosted.store.models()?);
        }
        Ok(models)
    })
    .await?;
    let body = html! {
        h1 { "Models" }
        @if models.is_empty() { p { "No model is registered yet: a run with a " code { "register" } " stage does." } }
        @else { div.scroll tabindex="0" { table {
            thead { tr { th scope="col" { "Model" } th.number scope="col" { "Versions" } th scope="col" { "Aliases" } } }
            tbody { @for model in &models { tr {
                td { a href={ "/models/" (sprag_pages::run::encoded(&model.name)) } { (model.name) } }
                td.number { (model.versions) }
                td { @for (alias, version) in &model.aliases { (alias) " → " (version) " " } }
            } } }
        } } }
    };
    Ok(visitor.page("Models", "/models", &body))
}

/// `GET /models/{name}`
pub(super) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    InPath(name): InPath<String>,
) -> Result<Response, Refused> {
    visitor.caller.need(Role::Viewer)?;
    let asked = name.clone();
    let (versions, metrics, history) = blocking(move || {
        for hosted in &shared.site.hosted {
            let Some(model) = hosted.store.models()?.into_iter().find(|model| model.name == asked) else { continue };
            let mut versions = hosted.store.versions(&asked)?;
            versions.drain(..versions.len().saturating_sub(LISTED));
            let mut metrics: BTreeMap<u64, Vec<facts::Compared>> = BTreeMap::new();
            for version in &versions {
                if let Some(run) = hosted.store.run(&version.lineage.run_id)? {
                    metrics.insert(version.version.version, facts::compared(&run));
                }
            }
            let mut history = vec![];
            for alias in model.aliases.keys() {
                history.push((alias.clone(), hosted.store.alias_history(&asked, alias)?));
            }
            return Ok((versions, metrics, history));
        }
        Err(StoreError::UnknownModel { name: asked, known: vec![] }.into())
    })
    .await?;
    let mut series: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for (version, measured) in &metrics {
        for metric in measured {
            series.entry(metric.name.clone()).or_default().push((*version as f64, metric.candidate));
        }
    }
    let names: Vec<_> = series.keys().cloned().collect();
    let body = html! {
        h1 { (name) }
        h2 { "Versions" }
        form method="get" action={ "/models/" (sprag_pages::run::encoded(&name)) "/compare" } {
        div.scroll tabindex="0" { table {
            thead { tr {
                th scope="col" { "Version" } th scope="col" { "Run" } @for metric in &names { th.number scope="col" { (metric) } } th scope="col" { "Digest" }
                th scope="col" { abbr title="first to compare" { "A" } } th scope="col" { abbr title="second to compare" { "B" } }
            } }
            tbody { @for (place, version) in versions.iter().rev().enumerate() { @let number = version.version.version; tr {
                th scope="row" { (number) }
                td { a href={ "/runs/" (version.lineage.run_id) } { (version.lineage.run_id) } }
                @for metric in &names {
                    @let value = metrics.get(&number).and_then(|all| all.iter().find(|found| found.name == *metric));
                    td.number { (value.map(|value| short(value.candidate)).unwrap_or_default()) }
                }
                td { code { (version.model.digest) } }
                td { input type="radio" name="a" value=(number) checked[place == 1] aria-label={ "compare version " (number) " as A" }; }
                td { input type="radio" name="b" value=(number) checked[place == 0] aria-label={ "compare version " (number) " as B" }; }
            } } }
        } }
        @if versions.len() > 1 { button type="submit" { "Compare the two that are chosen" } }
        }
        @if versions.len() > 1 {
            div.plots { @for (metric, points) in series {
                @let plot = Plot { x: "version".to_owned(), y: metric.clone(), series: vec![Series { name: metric.clone(), points }], kind: Kind::Lines };
                (figure(&metric, &plot))
            } }
        }
        @for (alias, entries) in &history {
            h2 { "History of " (alias) }
            div.scroll tabindex="0" { table {
                thead { tr { th scope="col" { "Version" } th scope="col" { "Since" } th scope="col" { "By" } th scope="col" { "Why" } } }
                tbody { @for entry in entries { tr { td { (entry.version) } td { (entry.at) } td { (entry.by) } td { (entry.reason) } } } }
            } }
        }
    };
    Ok(visitor.page(&name, "/models", &body))
}

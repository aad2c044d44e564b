//! Published pipelines: their versions, what starts them, and a form that does.

use std::collections::BTreeMap;

use axum::extract::{Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;
use serde::Deserialize;
use serde_json::{Map, Value};
use sprag_pipelines::{RESERVED, Wish, overrides, trigger};
use sprag_schemas::pipeline::Cause;
use sprag_schemas::server::Role;

use super::runs::requests;
use super::{Refused, Visitor};
use crate::api::{InPath, Shared, blocking};
use crate::problem::Problem;

#[derive(Deserialize)]
pub(super) struct Start {
    #[serde(default)]
    csrf: String,
    /// The page's own number of the form: two clicks on it are one request.
    #[serde(default)]
    key: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    params: String,
}

/// `GET /pipelines`
pub(super) async fn index(State(shared): State<Shared>, visitor: Visitor) -> Result<Response, Refused> {
    visitor.caller.need(Role::Viewer)?;
    let newest = blocking(move || Ok(shared.site.newest()?.into_iter().map(|(_, newest)| newest).collect::<Vec<_>>())).await?;
    let body = html! {
        h1 { "Pipelines" }
        @if newest.is_empty() { p { "Nothing is published yet: " code { "sprag publish" } " does." } }
        @else { div.scroll tabindex="0" { table {
            thead { tr { th scope="col" { "Pipeline" } th scope="col" { "Published" } th scope="col" { "By" } th scope="col" { "Digest" } } }
            tbody { @for each in &newest { tr {
                td { a href={ "/pipelines/" (each.pipeline) } { (each.pipeline) "@" (each.version) } }
                td { (each.published_at) }
                td { (each.by) }
                td { code { (each.digest) } }
            } } }
        } } }
    };
    Ok(visitor.page("Pipelines", "/pipelines", &body))
}

/// `GET /pipelines/{name}`
pub(super) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    InPath(name): InPath<String>,
) -> Result<Response, Refused> {
    visitor.caller.need(Role::Viewer)?;
    let may_start = visitor.caller.need(Role::Runner).is_ok();
    let key = crate::token::random::<12>().map_err(|error| Problem::internal(&error))?;
    let asked = name.clone();
    let (versions, manifest, bundle, waiting) = blocking(move || {
        let (hosted, newest) = shared.site.find(&asked, None)?;
        let manifest = sprag_pipelines::manifest(&hosted.store, &newest)?;
        let digest = newest.digest.parse().map_err(|_| Problem::not_found("the version has no digest"))?;
        let project = shared.site.ground.open(&hosted.home, &hosted.store, &digest, &[])?;
        let waiting: Vec<_> =
            hosted.store.open_requests()?.into_iter().filter(|request| request.pipeline.name == asked).collect();
        Ok((hosted.store.publications(Some(&asked))?, manifest, project, waiting))
    })
    .await?;
    let body = html! {
        h1 { (name) }
        @if let Some(description) = &manifest.project.description { p { (description) } }
        @if may_start {
            form method="post" action={ "/pipelines/" (name) "/start" } {
                input type="hidden" name="csrf" value=(visitor.csrf);
                input type="hidden" name="key" value=(key);
                label for="version" { "Version" }
                select id="version" name="version" { @for each in &versions { option value=(each.version) { (each.version) " of " (each.published_at) } } }
                label for="params" { "Parameters in place of its own, one a line: STAGE.NAME=VALUE" }
                textarea id="params" name="params" spellcheck="false" {}
                button type="submit" { "Start a run" }
            }
        }
        @if !waiting.is_empty() { (requests(&waiting)) }
        h2 { "What it runs, and what that may do" }
        div.scroll tabindex="0" { table {
            thead { tr { th scope="col" { "Stage" } th scope="col" { "Plugin" } th scope="col" { "Granted" } th scope="col" { "Component" } } }
            tbody { @for stage in bundle.plan.all() { tr {
                th scope="row" { (stage.name) }
                td { (stage.plugin) }
                td { @let granted = stage.grant_lines(); @if granted.is_empty() { "nothing beyond its kind's handles" } @else { (granted.join(", ")) } }
                td { code { (stage.component.digest) } }
            } } }
        } }
        @if !manifest.triggers.is_empty() {
            h2 { "What starts it" }
            div.scroll tabindex="0" { table { tbody { @for (name, trigger) in &manifest.triggers { tr {
                th scope="row" { (name) }
                td { code { (serde_json::to_string(trigger).unwrap_or_default()) } }
            } } } } }
        }
        h2 { "Versions" }
        div.scroll tabindex="0" { table {
            thead { tr { th scope="col" { "Version" } th scope="col" { "Published" } th scope="col" { "By" } th scope="col" { "Commit" } th scope="col" { "Digest" } } }
            tbody { @for each in &versions { tr {
                td { (each.version) } td { (each.published_at) } td { (each.by) }
                td { code { (each.git_commit.as_deref().unwrap_or("none")) } } td { code { (each.digest) } }
            } } }
        } }
    };
    Ok(visitor.page(&name, "/pipelines", &body))
}

/// `POST /pipelines/{name}/start`
pub(super) async fn start(
    State(shared): State<Shared>,
    visitor: Visitor,
    InPath(name): InPath<String>,
    Form(form): Form<Start>,
) -> Result<Response, Refused> {
    visitor.own(&form.csrf)?;
    visitor.caller.need(Role::Runner)?;
    let params = params(&form.params)?;
    let version = match form.version.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|_| Problem::bad_request(format!("expected a version, found `{text}`")))?),
    };
    let user = visitor.caller.user;
    let id = blocking(move || {
        let (hosted, publication) = shared.site.find(&name, version)?;
        if !params.is_empty() {
            let digest = publication.digest.parse().map_err(|_| Problem::bad_request("the version has no digest"))?;
            shared.site.ground.open(&hosted.home, &hosted.store, &digest, &overrides(&params))?;
        }
        let idempotency_key =
            (!form.key.is_empty()).then(|| format!("{RESERVED}page:{}", form.key.chars().take(64).collect::<String>()));
        let wish = Wish { params, tags: BTreeMap::new(), idempotency_key };
        let entered = shared.site.request(&hosted, &publication, trigger(Cause::Request, None, &user), wish)?;
        Ok(entered.request().id.clone())
    })
    .await?;
    Ok(Redirect::to(&format!("/runs/{id}")).into_response())
}

/// The lines of the form, as names and values.
fn params(text: &str) -> Result<Map<String, Value>, Problem> {
    let mut found = Map::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let pair = line.split_once('=').filter(|(name, _)| name.contains('.'));
        let (name, value) = pair.ok_or_else(|| Problem::bad_request(format!("expected `STAGE.NAME=VALUE`, found `{line}`")))?;
        let value = serde_json::from_str(value.trim()).unwrap_or_else(|_| Value::String(value.trim().to_owned()));
        found.insert(name.trim().to_owned(), value);
    }
    Ok(found)
}

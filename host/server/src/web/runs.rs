//! Runs: the list, and one.

use axum::extract::{Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use sprag_pages::layout::badge;
use sprag_pages::run::content;
use sprag_schemas::pipeline::RunRequest;
use sprag_schemas::record::RunRecord;
use sprag_schemas::server::Role;

use super::{Refused, Visitor};
use crate::api::{InPath, InQuery, Shared, blocking, find};
use crate::beside::beside;
use crate::problem::Problem;

/// How many runs a page lists.
const LISTED: usize = 50;

#[derive(Deserialize)]
pub(super) struct Before {
    before: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Csrf {
    #[serde(default)]
    csrf: String,
}

/// `GET /`
pub(super) async fn index(
    State(shared): State<Shared>,
    visitor: Visitor,
    InQuery(Before { before }): InQuery<Before>,
) -> Result<Response, Refused> {
    visitor.caller.need(Role::Viewer)?;
    let (runs, waiting) = blocking(move || {
        let mut waiting = vec![];
        if before.is_none() {
            for hosted in &shared.site.hosted {
                waiting.extend(hosted.store.open_requests()?);
            }
        }
        let runs = shared.site.runs(LISTED, before.as_deref(), None, None)?;
        Ok((runs, waiting))
    })
    .await?;
    let body = html! {
        h1 { "Runs" }
        @if !waiting.is_empty() { (requests(&waiting)) }
        @if runs.is_empty() {
            p { "There is no run here. Publish a pipeline and start one: " code { "sprag publish" } ", then " a href="/pipelines" { "Pipelines" } "." }
        } @else {
            form method="get" action="/compare" {
                div.scroll tabindex="0" { (list(&runs)) }
                button type="submit" { "Compare the two that are chosen" }
            }
            @if runs.len() == LISTED && let Some(last) = runs.last() { p { a rel="next" href={ "/?before=" (last.id) } { "Older runs" } } }
        }
    };
    Ok(visitor.page("Runs", "/", &body))
}

/// What waits or is under way.
pub(super) fn requests(waiting: &[RunRequest]) -> Markup {
    html! {
        h2 { "Waiting and under way" }
        div.scroll tabindex="0" { table {
            thead { tr { th scope="col" { "Run" } th scope="col" { "Pipeline" } th scope="col" { "State" } th scope="col" { "Started by" } } }
            tbody { @for request in waiting { tr {
                td { a href={ "/runs/" (request.id) } { (request.id) } }
                td { (request.pipeline.name) "@" (request.pipeline.version) }
                td { (badge(request.state.name())) }
                td { (request.trigger.cause.name()) ": " (request.trigger.by) }
            } } }
        } }
    }
}

fn list(runs: &[RunRecord]) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { "Run" } th scope="col" { "Project" } th scope="col" { "Outcome" } th scope="col" { "Version" } th scope="col" { "Why" }
                th scope="col" { abbr title="first to compare" { "A" } } th scope="col" { abbr title="second to compare" { "B" } }
            } }
            tbody { @for (place, run) in runs.iter().enumerate() { tr {
                td { a href={ "/runs/" (run.id) } { (run.id) } }
                td { (run.project) }
                td { (badge(run.outcome.name())) }
                td { @if let Some(version) = &run.registered { (version) } }
                td { (run.reason.lines().next().unwrap_or_default()) }
                td { input type="radio" name="a" value=(run.id) checked[place == 1] aria-label={ "compare " (run.id) " as A" }; }
                td { input type="radio" name="b" value=(run.id) checked[place == 0] aria-label={ "compare " (run.id) " as B" }; }
            } } }
        }
    }
}

/// `GET /runs/{id}`
pub(super) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    InPath(id): InPath<String>,
) -> Result<Response, Refused> {
    visitor.caller.need(Role::Viewer)?;
    let may_stop = visitor.caller.need(Role::Runner).is_ok();
    let asked = id.clone();
    let (request, run, extra) = blocking(move || {
        let (hosted, found) = find(&shared.site, &asked)?;
        let extra = found.run.as_ref().map(|run| beside(&hosted.store, run)).transpose()?.unwrap_or_default();
        Ok((found.request, found.run, extra))
    })
    .await?;
    let is_open = request.as_ref().is_some_and(|request| !request.state.is_over());
    let extra =
        sprag_pages::run::Beside { artifacts: run.as_ref().map(|run| format!("/api/v1/runs/{}/artifacts", run.id)), ..extra };
    let body = html! {
        @if let Some(request) = request.as_ref().filter(|_| is_open) { (live(request, &visitor, may_stop)) }
        @if let Some(error) = request.as_ref().and_then(|request| request.error.as_ref()) { p.bad { (error) } }
        @match &run {
            Some(run) if !is_open => (content(run, &extra)),
            _ => @if !is_open { h1 { (id) } p { "It ended without a run." } },
        }
    };
    Ok(visitor.page(&format!("Run {id}"), "/", &body))
}

/// A run that is not over.
fn live(request: &RunRequest, visitor: &Visitor, may_stop: bool) -> Markup {
    html! {
        section data-events={ "/api/v1/runs/" (request.id) "/events" } aria-label="As it goes on" {
            h1 { (request.pipeline.name) "@" (request.pipeline.version) " " (badge(request.state.name())) }
            p { "run " (request.id) ", started by " (request.trigger.cause.name()) ": " (request.trigger.by) }
            p role="status" aria-live="polite" { @if request.attempts == 0 { "It waits for its turn." } @else { "It is under way." } }
            pre tabindex="0" aria-label="Log" {}
            noscript { p.soft { "Load the page anew to see how it goes on." } }
            @if may_stop {
                form method="post" action={ "/runs/" (request.id) "/cancel" } {
                    input type="hidden" name="csrf" value=(visitor.csrf);
                    button type="submit" { "Stop it" }
                }
            }
        }
    }
}

/// `POST /runs/{id}/cancel`
pub(super) async fn cancel(
    State(shared): State<Shared>,
    visitor: Visitor,
    InPath(id): InPath<String>,
    Form(form): Form<Csrf>,
) -> Result<Response, Refused> {
    visitor.own(&form.csrf)?;
    visitor.caller.need(Role::Runner)?;
    let place = format!("/runs/{id}");
    let user = visitor.caller.user.clone();
    blocking(move || {
        let found = shared.site.find_request(&id)?;
        let (hosted, request) = found.ok_or_else(|| Problem::not_found(format!("no run is called `{id}`")))?;
        // One that ended meanwhile is what was wished for.
        shared.site.cancel(&hosted, &request, &user)?;
        Ok(())
    })
    .await?;
    Ok(Redirect::to(&place).into_response())
}

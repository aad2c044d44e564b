//! Two side by side: runs, or versions of a model.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use sprag_pages::facts;
use sprag_pages::layout::badge;
use sprag_pages::number::{short, signed};
use sprag_pages::plot::{Kind, Plot, Series};
use sprag_pages::predictions::Predictions;
use sprag_pages::run::{Beside, figure};
use sprag_schemas::record::RunRecord;
use sprag_schemas::server::Role;

use super::{Refused, Visitor};
use crate::api::{InPath, InQuery, Shared, blocking, view};
use crate::beside::beside;
use crate::problem::Problem;

#[derive(Deserialize)]
pub(super) struct Two<T> {
    a: T,
    b: T,
}

/// `GET /compare?a=RUN&b=RUN`
pub(super) async fn runs(
    State(shared): State<Shared>,
    visitor: Visitor,
    InQuery(Two { a, b }): InQuery<Two<String>>,
) -> Result<Response, Refused> {
    visitor.caller.need(Role::Viewer)?;
    let (one, other) = blocking(move || {
        let of = |id: &str| view(&shared.site, id)?.run.ok_or_else(|| Problem::not_found(format!("`{id}` has no run")));
        Ok((of(&a)?, of(&b)?))
    })
    .await?;
    let body = html! { h1 { "Two runs" } (side_by_side([&one.id, &other.id], &one, &other)) };
    Ok(visitor.page("Two runs", "/", &body))
}

/// `GET /models/{name}/compare?a=VERSION&b=VERSION`
pub(super) async fn models(
    State(shared): State<Shared>,
    visitor: Visitor,
    InPath(name): InPath<String>,
    InQuery(Two { a, b }): InQuery<Two<u64>>,
) -> Result<Response, Refused> {
    visitor.caller.need(Role::Viewer)?;
    let asked = name.clone();
    let (one, other) = blocking(move || {
        let of = |number: u64| {
            for hosted in &shared.site.hosted {
                let Some(version) = hosted.store.version(&asked, number)? else { continue };
                let run = hosted.store.run(&version.lineage.run_id)?;
                let run = run.ok_or_else(|| Problem::not_found(format!("the run of {} is gone", version.version)))?;
                let beside = beside(&hosted.store, &run)?;
                return Ok((run, beside));
            }
            Err(Problem::not_found(format!("no version of `{asked}` has the number {number}")))
        };
        Ok((of(a)?, of(b)?))
    })
    .await?;
    let names = [format!("{name}@{a}"), format!("{name}@{b}")];
    let drawn = together(&names, [(&one.0, &one.1), (&other.0, &other.1)]);
    let body = html! {
        h1 { (names[0]) " and " (names[1]) }
        (side_by_side([&names[0], &names[1]], &one.0, &other.0))
        @if let Some(plot) = drawn { h2 { "On the same rows" } div.plots { (figure("Predicted against actual", &plot)) } }
    };
    Ok(visitor.page(&format!("{} and {}", names[0], names[1]), "/models", &body))
}

/// The predictions of two models in one plot, where they were asked for the same rows.
fn together(names: &[String; 2], runs: [(&RunRecord, &Beside); 2]) -> Option<Plot> {
    let holdout = |run: &RunRecord| run.data.as_ref().map(|data| data.holdout_digest.clone());
    let [first, second] = runs;
    holdout(first.0).filter(|digest| Some(digest) == holdout(second.0).as_ref())?;
    let series = runs.iter().zip(names).map(|((_, beside), name)| match &beside.predictions {
        Some(Predictions::Numbers(rows)) => {
            Some(Series { name: name.clone(), points: rows.iter().map(|row| (row.0, row.1)).collect() })
        }
        _ => None,
    });
    let (x, y) = ("actual".to_owned(), "predicted".to_owned());
    Some(Plot { x, y, series: series.collect::<Option<_>>()?, kind: Kind::AgainstEachOther })
}

/// Metrics and all that is not the same, under these names.
fn side_by_side(titles: [&str; 2], one: &RunRecord, other: &RunRecord) -> Markup {
    let of = |run: &RunRecord| facts::compared(run).into_iter().map(|metric| (metric.name, metric.candidate)).collect::<Vec<_>>();
    let (ones, others) = (of(one), of(other));
    let names: Vec<String> = {
        let mut names: Vec<_> = ones.iter().chain(&others).map(|(name, _)| name.clone()).collect();
        let mut seen = BTreeSet::new();
        names.retain(|name| seen.insert(name.clone()));
        names
    };
    let value = |all: &[(String, f64)], name: &str| all.iter().find(|(found, _)| found == name).map(|(_, value)| *value);
    let differences = differences(one, other);
    html! {
        div.scroll tabindex="0" { table {
            thead { tr {
                th scope="col" { "" }
                @for (title, run) in titles.into_iter().zip([one, other]) { th scope="col" { a href={ "/runs/" (run.id) } { (title) } " " (badge(run.outcome.name())) } }
                th.number scope="col" { "Difference" }
            } }
            tbody {
                @for name in &names {
                    @let (a, b) = (value(&ones, name), value(&others, name));
                    tr {
                        th scope="row" { (name) }
                        @for found in [a, b] { td { (found.map_or_else(|| "none".to_owned(), short)) } }
                        td.number { @if let (Some(a), Some(b)) = (a, b) { (signed(b - a)) } }
                    }
                }
                @for (what, a, b) in &differences { tr { th scope="row" { (what) } td { code { (a) } } td { code { (b) } } td {} } }
            }
        } }
        @if names.is_empty() && differences.is_empty() { p { "They differ in nothing that is on record." } }
    }
}

/// What else is not the same: data, components, parameters, grants.
fn differences(one: &RunRecord, other: &RunRecord) -> Vec<(String, String, String)> {
    let facts = |run: &RunRecord| {
        let mut facts = BTreeMap::new();
        if let Some(data) = &run.data {
            facts.insert("data".to_owned(), data.file_digest.clone());
            facts.insert("hold-out".to_owned(), data.holdout_digest.clone());
        }
        facts.insert("commit".to_owned(), run.origin.git_commit.clone().unwrap_or_else(|| "none".to_owned()));
        facts.insert("seed".to_owned(), run.seed.to_string());
        for stage in &run.stages {
            facts.insert(format!("{} component", stage.name), stage.plugin.digest.clone());
            facts.insert(format!("{} grants", stage.name), stage.plugin.grants.join(", "));
            for (name, value) in &stage.params {
                facts.insert(format!("{}.{name}", stage.name), value.to_string());
            }
        }
        facts
    };
    let (a, b) = (facts(one), facts(other));
    let names: BTreeSet<_> = a.keys().chain(b.keys()).cloned().collect();
    let of = |facts: &BTreeMap<String, String>, name: &str| facts.get(name).cloned().unwrap_or_else(|| "none".to_owned());
    names
        .into_iter()
        .map(|name| (of(&a, &name), of(&b, &name), name))
        .filter(|(a, b, _)| a != b)
        .map(|(a, b, name)| (name, a, b))
        .collect()
}

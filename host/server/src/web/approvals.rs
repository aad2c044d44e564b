//! What waits for approvers: what would go, what is there now, everything that differs, and a yes or a no with a reason.

use std::sync::Arc;

use axum::extract::{Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use sprag_core::approval::{Refusal, Standing};
use sprag_lifecycle::{now, with_causes};
use sprag_pages::number::{short, signed};
use sprag_release::{Pending, ReleaseError, Waiting};
use sprag_schemas::approval::Verdict;
use sprag_schemas::release::Purpose;
use sprag_schemas::server::Role;
use sprag_store::{Store, StoreError};

use super::{Refused, Visitor};
use crate::api::{InPath, Shared, blocking};
use crate::problem::Problem;
use crate::site::{Hosted, Site};

#[derive(Deserialize)]
pub(super) struct Word {
    #[serde(default)]
    csrf: String,
    /// The digest of the statement that was read.
    digest: String,
    verdict: Verdict,
    #[serde(default)]
    reason: String,
}

/// `GET /approvals`
pub(super) async fn index(State(shared): State<Shared>, visitor: Visitor) -> Result<Response, Refused> {
    visitor.caller.need(Role::Viewer)?;
    let waiting = blocking(move || {
        let mut all: Vec<Waiting> = vec![];
        for hosted in &shared.site.hosted {
            if hosted.store.open_releases()?.is_empty() {
                continue;
            }
            let project = shared.site.ground.project(&hosted.home)?;
            all.extend(sprag_release::pending(&project, &hosted.store, &now()).map_err(problem)?);
        }
        Ok(all)
    })
    .await?;
    let body = html! {
        h1 { "Approvals" }
        @if waiting.is_empty() { p { "Nothing waits for an approval." } }
        @else { div.scroll tabindex="0" { table {
            thead { tr { th scope="col" { "Release" } th scope="col" { "Version" } th scope="col" { "To" } th scope="col" { "Since" } } }
            tbody { @for one in &waiting { tr {
                td { a href={ "/approvals/" (one.release.id) } { (one.release.id) } }
                td { (one.release.version) }
                @match &one.pending {
                    Ok(pending) => { td { (pending.event.environment) } td { (pending.event.statement.requested_at) } }
                    Err(error) => td.bad colspan="2" { (error) },
                }
            } } }
        } } }
    };
    Ok(visitor.page("Approvals", "/approvals", &body))
}

/// `GET /approvals/{release}`
pub(super) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    InPath(release): InPath<String>,
) -> Result<Response, Refused> {
    visitor.caller.need(Role::Viewer)?;
    let can_sign = visitor.caller.need(Role::Approver).is_ok() && shared.site.ground.key_of(&visitor.caller.user).is_some();
    let (pending, interval) = blocking(move || {
        let (hosted, pending) = pending(&shared.site, &release)?;
        let interval = interval(&hosted.store, &pending)?;
        Ok((pending, interval))
    })
    .await?;
    Ok(visitor.page("Approval", "/approvals", &shown(&pending, interval.as_deref(), &visitor, can_sign)))
}

/// How sure the evaluation was of the difference to what is there now, where that is what the version was held against.
fn interval(store: &Store, pending: &Pending) -> Result<Option<String>, Problem> {
    let (event, Some(there)) = (&pending.event, &pending.event.replaces) else { return Ok(None) };
    let Some(version) = store.version(&event.version.name, event.version.version)? else { return Ok(None) };
    let Some(run) = store.run(&version.lineage.run_id)?.filter(|run| run.production.as_ref() == Some(there)) else {
        return Ok(None);
    };
    let evaluation = crate::beside::evaluation(store, &run);
    let interval = evaluation.as_ref().and_then(|evaluation| evaluation.interval());
    Ok(interval.map(|(metric, words)| format!("Interval of the difference in {metric}: {words}.")))
}

fn shown(pending: &Pending, interval: Option<&str>, visitor: &Visitor, can_sign: bool) -> Markup {
    let event = &pending.event;
    let back = if event.purpose == Purpose::Rollback { "back " } else { "" };
    let there = event.replaces.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string);
    let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    html! {
        h1 { (event.version) " " (back) "to " (event.environment) }
        p { "In place of " strong { (there) } ". " (event.reason) }
        @if let Some(percent) = event.share { p { (percent) " % of the requests, beside what runs there." } }
        @if let Some(decision) = &event.decision { p { strong { "Gate: " } (decision.reason) } }
        @if let Some(reason) = pending.release.emergency.as_ref().or(pending.release.why.as_ref()) { p { strong { "Why: " } (reason) } }
        @if !event.metrics.is_empty() {
            h2 { "Metrics, on the same rows" }
            div.scroll tabindex="0" { table {
                thead { tr { th scope="col" { "Metric" } th.number scope="col" { (event.version) } th.number scope="col" { (there) } th.number scope="col" { "Difference" } } }
                tbody { @for metric in &event.metrics { tr {
                    th scope="row" { (metric.name) }
                    td.number { (short(metric.candidate)) }
                    td.number { (metric.production.map_or_else(|| "none".to_owned(), short)) }
                    td.number { (metric.production.map(|value| signed(metric.candidate - value)).unwrap_or_default()) }
                } } }
            } }
            @if let Some(interval) = interval { p { (interval) } }
        }
        h2 { "What differs from what is there now" }
        @if event.differences.is_empty() { p { "Nothing that is on record." } }
        @else { div.scroll tabindex="0" { table {
            thead { tr { th scope="col" { "What" } th scope="col" { "There now" } th scope="col" { "Would go" } } }
            tbody { @for difference in &event.differences { tr {
                th scope="row" { (difference.what) }
                td { code { (or_none(&difference.before)) } }
                td { code { (or_none(&difference.now)) } }
            } } }
        } } }
        h2 { "What is approved" }
        div.scroll tabindex="0" { table { tbody {
            @for (name, value) in [
                ("Release", event.release.as_str()), ("Package", &event.statement.package), ("Model", &event.statement.model), ("Plan", &event.statement.plan),
                ("Evaluation", &event.statement.evaluation), ("Target", &event.statement.target), ("Statement", &event.digest),
                ("Asked", &event.statement.requested_at), ("Until", &event.statement.expires_at),
            ] { tr { th scope="row" { (name) } td { code { (value) } } } }
            tr { th scope="row" { "Authors" } td { (event.statement.authors.join(", ")) } }
        } } }
        @for given in &pending.given { p { (given.ballot.verdict.past()) " by " strong { (given.ballot.approver) } " at " (given.ballot.at) ": " (given.ballot.reason) } }
        (standing(pending))
        @if !pending.changed.is_empty() {
            p.bad role="alert" { "It changed since it was asked for, and is void; resumed, the release asks anew." }
            ul { @for change in &pending.changed { li { (change) } } }
        } @else if pending.policy.is_some() && can_sign {
            form method="post" action={ "/approvals/" (event.release) } {
                input type="hidden" name="csrf" value=(visitor.csrf);
                input type="hidden" name="digest" value=(event.digest);
                label for="reason" { "Reason" }
                textarea id="reason" name="reason" required maxlength="2000" {}
                button type="submit" name="verdict" value="approve" { "Approve" }
                button type="submit" name="verdict" value="reject" { "Reject" }
            }
        } @else if pending.policy.is_some() {
            p.soft { "This server has no key to sign with for " (visitor.caller.user) ". By your own key: " code { (event.approve_with) } }
        }
    }
}

fn standing(pending: &Pending) -> Markup {
    let who = pending.event.approvers.join(", ");
    html! {
        @match pending.judgement.as_ref().map(|judgement| &judgement.standing) {
            Some(Standing::Waiting { missing }) => p { strong { (missing) " more of " (who) " must approve." } },
            Some(Standing::Approved(by)) => p { "Approved by " (by.join(", ")) "." },
            Some(Standing::Rejected { by, reason }) => p { "Rejected by " (by) ": " (reason) },
            Some(Standing::Expired { at }) => p { "Its time was over at " (at) "; resumed, it asks anew." },
            None => p { "Its rules decide alone." },
        }
    }
}

/// `POST /approvals/{release}`
pub(super) async fn say(
    State(shared): State<Shared>,
    visitor: Visitor,
    InPath(release): InPath<String>,
    Form(word): Form<Word>,
) -> Result<Response, Refused> {
    visitor.own(&word.csrf)?;
    visitor.caller.need(Role::Approver)?;
    let user = visitor.caller.user;
    let place = format!("/approvals/{release}");
    let is_there = blocking(move || said(&shared.site, &release, &user, &word)).await?;
    Ok(Redirect::to(if is_there { &place } else { "/approvals" }).into_response())
}

/// Signs and enters a word; whether the release still waits.
fn said(site: &Site, release: &str, user: &str, word: &Word) -> Result<bool, Problem> {
    let (hosted, mut waiting) = pending(site, release)?;
    waiting.is_what_was_read(&word.digest).map_err(problem)?;
    let key =
        site.ground.key_of(user).ok_or_else(|| Problem::forbidden(format!("the server has no key to sign with for `{user}`")))?;
    let policy = waiting.policy.as_ref().ok_or_else(|| Problem::conflict("it waits for no person: its rules decide alone"))?;
    let Some(name) = policy.signers.name_of(&key.public()).map(str::to_owned) else {
        return Err(Problem::forbidden(format!("the key of `{user}` ({}) is not that of an approver", key.fingerprint())));
    };
    if name != user {
        return Err(Problem::forbidden(format!("the file of approvers lists the key of `{user}` as that of `{name}`")));
    }
    let ballot = waiting.ballot(word.verdict, &name, &word.reason, &now()).map_err(problem)?;
    let approval = sprag_core::approval::sign(&key, ballot).map_err(|error| Problem::internal(&error))?;
    let standing = match waiting.give(&hosted.store, approval, &now()) {
        Ok(standing) => standing,
        // A second click says what the first one said.
        Err(ReleaseError::Refused(refusal)) if matches!(*refusal, Refusal::Twice { .. }) => return Ok(true),
        Err(error) => return Err(problem(error)),
    };
    let details = [
        ("statement", waiting.event.digest.clone()),
        ("version", waiting.event.version.to_string()),
        ("environment", waiting.event.environment.clone()),
        ("reason", word.reason.clone()),
    ];
    site.audit(user, &format!("release.{}", word.verdict.past()), release, &details)?;
    let goes_on = !matches!(standing, Standing::Waiting { .. });
    if goes_on {
        site.ground.resume(&hosted.home, release);
    }
    Ok(!goes_on)
}

/// What a release waits for, and of which project it is.
fn pending(site: &Site, release: &str) -> Result<(Arc<Hosted>, Pending), Problem> {
    for hosted in &site.hosted {
        let found = match hosted.store.find_release(release) {
            Ok(found) => found.record,
            Err(StoreError::UnknownRelease { .. }) => continue,
            Err(error) => return Err(error.into()),
        };
        let project = site.ground.project(&hosted.home)?;
        let pending = Pending::of(&project, &hosted.store, found, &now()).map_err(problem)?;
        return Ok((hosted.clone(), pending));
    }
    Err(Problem::not_found(format!("no release is called `{release}`")))
}

fn problem(error: ReleaseError) -> Problem {
    let (hint, detail) = (error.hint(), with_causes(&error));
    match error {
        ReleaseError::Refused(_)
        | ReleaseError::Stale { .. }
        | ReleaseError::OtherStatement { .. }
        | ReleaseError::NotWaiting { .. } => Problem::conflict(detail).hint(hint),
        error => Problem::internal(&error),
    }
}

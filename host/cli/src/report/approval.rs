//! What waits for an approver: what would go, what is there now, and how the two compare.

use sprag_core::approval::Standing;
use sprag_release::{Pending, ReleaseError};
use sprag_schemas::release::{Purpose, ReleaseRecord};

use super::number::{short, signed};
use crate::console::{BAD, BOLD, DIM, WARN};

/// A release of which nobody can tell what it waits for.
pub(crate) fn broken(release: &ReleaseRecord, error: &ReleaseError) -> Vec<String> {
    let row = |name: &str, text: &str| format!("  {DIM}{name:<11}{DIM:#} {text}");
    let head = format!("{BOLD}{}{BOLD:#} to {BOLD}{}{BOLD:#}", release.version, release.to);
    let end = format!("sprag releases cancel {} --reason \"...\"", release.id);
    vec![head, row("release", &release.id), row("error", &format!("{BAD}{error}{BAD:#}")), row("end it", &end)]
}

/// All that an approver needs.
pub(crate) fn lines(pending: &Pending) -> Vec<String> {
    let Pending { release, event, changed, given, .. } = pending;
    let back = if event.purpose == Purpose::Rollback { "back " } else { "" };
    let mut lines = vec![format!("{BOLD}{}{BOLD:#} {back}to {BOLD}{}{BOLD:#}", event.version, event.environment)];
    let mut row = |name: &str, text: &str| lines.push(format!("  {DIM}{name:<11}{DIM:#} {text}"));
    row("release", &release.id);
    row("replaces", &event.replaces.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string));
    if let Some(percent) = event.share {
        row("share", &format!("{percent} % of the requests, beside it"));
    }
    row("package", &event.statement.package);
    row("statement", &event.digest);
    row("authors", &event.statement.authors.join(", "));
    row("asked", &format!("{}, until {}", event.statement.requested_at, event.statement.expires_at));
    if let Some(decision) = &event.decision {
        row("gate", &decision.reason);
    }
    if let Some(reason) = &release.emergency {
        row("emergency", reason);
    } else if let Some(reason) = &release.why {
        row("why", reason);
    }
    for difference in &event.differences {
        let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        let (before, now) = (or_none(&difference.before), or_none(&difference.now));
        row("differs", &format!("{}: {before} {DIM}->{DIM:#} {now}", difference.what));
    }
    for given in given {
        let ballot = &given.ballot;
        row(ballot.verdict.past(), &format!("by {} at {}: {}", ballot.approver, ballot.at, ballot.reason));
    }
    for (_, refusal) in pending.judgement.iter().flat_map(|judgement| &judgement.refused) {
        row("void", &refusal.to_string());
    }
    let who = event.approvers.join(", ");
    match pending.judgement.as_ref().map(|judgement| &judgement.standing) {
        Some(Standing::Waiting { missing }) => row("needs", &format!("{missing} of {who}")),
        Some(Standing::Approved(_)) => row("go on", &format!("sprag resume {}", release.id)),
        Some(Standing::Rejected { .. }) => row("ends", &format!("sprag resume {}", release.id)),
        Some(Standing::Expired { .. }) => row("expired", &format!("sprag resume {} asks anew", release.id)),
        None => row("waits", &release.reason),
    }
    if changed.is_empty() && pending.policy.is_some() {
        row("approve", &event.approve_with);
    }
    if !changed.is_empty() {
        row("changed", &format!("{WARN}since it was asked for{WARN:#}; `sprag resume {}` asks anew", release.id));
        for change in changed {
            row("", change);
        }
    }
    lines.extend(metrics(pending));
    lines
}

fn metrics(pending: &Pending) -> Vec<String> {
    let event = &pending.event;
    if event.metrics.is_empty() {
        return vec![];
    }
    let there = event.replaces.as_ref().map_or_else(String::new, ToString::to_string);
    let head = format!("  {DIM}{:<20} {:>14} {there:>14} {:>14}{DIM:#}", "", event.version.to_string(), "difference");
    let row = |metric: &sprag_schemas::release::ComparedMetric| {
        let (value, difference) = match metric.production {
            Some(value) => (short(value), signed(metric.candidate - value)),
            None => (String::new(), String::new()),
        };
        format!("  {:<20} {:>14} {value:>14} {difference:>14}", metric.name, short(metric.candidate)).trim_end().to_owned()
    };
    [head.trim_end().to_owned()].into_iter().chain(event.metrics.iter().map(row)).collect()
}

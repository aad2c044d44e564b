//! A change to something outside of sprag, for a person.

use sprag_runtime::{Action, Change};

use crate::console::{BAD, DIM, GOOD, WARN};

/// One change on a line: a sign, what it is, and what differs.
pub(crate) fn line(change: &Change) -> String {
    let (sign, style) = match change.action {
        Action::Create => ('+', GOOD),
        Action::Update => ('~', WARN),
        Action::Delete => ('-', BAD),
        Action::Keep => ('=', DIM),
    };
    format!("  {style}{sign} {}{style:#}  {}", change.subject, change.detail)
}

/// How many of them change something, or would.
pub(crate) fn summary(changes: &[Change], is_plan: bool) -> String {
    let count = changes.iter().filter(|change| change.action != Action::Keep).count();
    match (count, is_plan) {
        (0, _) => "everything is as it should be".to_owned(),
        (1, true) => "1 thing would change".to_owned(),
        (count, true) => format!("{count} things would change"),
        (1, false) => "1 thing changed".to_owned(),
        (count, false) => format!("{count} things changed"),
    }
}

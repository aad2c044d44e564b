//! What an event of a release or of a run says to people, whatever carries it: one title, its facts in the order in which a person asks, its metrics.
//!
//! It deliberately knows no carrier: how a webhook or a mail looks is each plugin's own.

mod event;
mod notice;
mod run;

pub use event::{Difference, Event, Kind, Metric, Version};
pub use notice::Notice;
pub use run::{Run, RunEnded};

/// The longest value that is shown whole: digests are cut to it.
const MOST: usize = 80;

impl Event {
    /// What happened, in one line.
    #[must_use]
    pub fn title(&self) -> String {
        let (version, environment) = (&self.version, &self.environment);
        let is_rollback = self.purpose == "rollback";
        let enter = if is_rollback { "go back to" } else { "enter" };
        let title = match self.event {
            Kind::ApprovalRequested | Kind::ApprovalVoid if !self.has_people() && self.emergency.is_some() => {
                format!("{version} goes back to {environment}, and nobody is asked")
            }
            Kind::ApprovalRequested | Kind::ApprovalVoid if !self.has_people() => {
                format!("{version} asks its rules to {enter} {environment}")
            }
            Kind::ApprovalRequested => format!("{version} waits for an approval to {enter} {environment}"),
            Kind::ApprovalVoid => {
                format!("{version} waits anew for an approval to {enter} {environment}: what was asked for changed")
            }
            Kind::Released if is_rollback => format!("{version} is back in {environment}"),
            Kind::Released => format!("{version} is in {environment}"),
            Kind::RolledBack => format!("{version} failed in {environment}, and what was there before is back"),
            Kind::Blocked => format!("{version} was stopped on its way to {environment}"),
            Kind::Failed => format!("{version} failed in {environment}, and what was there before could not be put back"),
        };
        if self.emergency.is_some() { format!("Emergency: {title}") } else { title }
    }

    /// Whether somebody has to do something.
    #[must_use]
    pub const fn asks(&self) -> bool {
        matches!(self.event, Kind::ApprovalRequested | Kind::ApprovalVoid) && self.has_people()
    }

    /// Whether people are asked, and not rules alone.
    const fn has_people(&self) -> bool {
        self.required > 0 && !self.approvers.is_empty()
    }

    /// The facts by name, in the order in which a person asks.
    #[must_use]
    pub fn facts(&self) -> Vec<(String, String)> {
        let mut facts = vec![];
        let mut add = |name: &str, value: String| {
            if !value.is_empty() {
                facts.push((name.to_owned(), value));
            }
        };
        add("Project", self.project.clone());
        add("Why", self.reason.clone());
        add("Emergency", self.emergency.clone().unwrap_or_default());
        add("Replaces", self.replaces.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string));
        add("Gate", self.decision.as_ref().map(|decision| decision.reason.clone()).unwrap_or_default());
        add("Made by", self.statement.authors.join(", "));
        for difference in &self.differences {
            let side = |value: &Option<String>| value.as_deref().map_or_else(|| "none".to_owned(), cut);
            add(&format!("Differs: {}", difference.what), format!("{} -> {}", side(&difference.before), side(&difference.now)));
        }
        add("Package", self.statement.package.clone());
        add("Statement", self.digest.clone());
        add("Release", self.release.clone());
        if self.asks() {
            add("Who", format!("{} of {}", self.required, self.approvers.join(", ")));
            add("Until", self.statement.expires_at.clone());
            add("Approve with", self.approve_with.clone());
        }
        add("Build", self.build_uri.clone().unwrap_or_default());
        facts
    }
}

impl Metric {
    /// The metric in one line: its value, and that of the model that would be replaced with the difference.
    #[must_use]
    pub fn line(&self) -> String {
        match self.production {
            Some(production) => {
                let difference = self.candidate - production;
                let sign = if difference > 0.0 { "+" } else { "" };
                format!("{} {} (now {}, {sign}{})", self.name, short(self.candidate), short(production), short(difference))
            }
            None => format!("{} {}", self.name, short(self.candidate)),
        }
    }
}

/// A number in few digits.
#[must_use]
pub fn short(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if (1e-3..1e9).contains(&size) {
        let decimals = if size >= 1000.0 {
            2
        } else if size >= 1.0 {
            4
        } else {
            6
        };
        format!("{value:.decimals$}").trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{value:.3e}")
    }
}

/// A value, without its end where it is long.
fn cut(text: &str) -> String {
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn event(kind: &str) -> Event {
        let text = include_str!("../tests/event.json").replace("approval-requested", kind);
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn each_event_has_its_title() {
        assert_eq!(event("approval-requested").title(), "diabetes@2 waits for an approval to enter production");
        assert_eq!(event("released").title(), "diabetes@2 is in production");
        assert_eq!(event("rolled-back").title(), "diabetes@2 failed in production, and what was there before is back");
        assert_eq!(event("failed").title(), "diabetes@2 failed in production, and what was there before could not be put back");
        assert!(!event("blocked").asks() && event("approval-void").asks());
    }

    #[test]
    fn an_emergency_is_in_the_title_and_among_the_facts() {
        let back = |kind: &str, required: u32| {
            let approvers = if required > 0 { event(kind).approvers } else { vec![] };
            let emergency = Some("wrong answers".to_owned());
            Event { purpose: "rollback".to_owned(), emergency, required, approvers, ..event(kind) }
        };
        let asked = back("approval-requested", 1);
        assert_eq!(asked.title(), "Emergency: diabetes@2 waits for an approval to go back to production");
        assert!(asked.facts().contains(&("Emergency".to_owned(), "wrong answers".to_owned())));
        let told = back("approval-requested", 0);
        assert_eq!(told.title(), "Emergency: diabetes@2 goes back to production, and nobody is asked");
        assert_eq!(back("released", 0).title(), "Emergency: diabetes@2 is back in production");
    }

    #[test]
    fn where_no_person_is_asked_nobody_is_told_to_approve() {
        let told = Event { required: 0, approvers: vec![], ..event("approval-requested") };
        assert_eq!(told.title(), "diabetes@2 asks its rules to enter production");
        assert!(!told.asks() && !told.facts().iter().any(|(name, _)| name == "Who" || name == "Approve with"));
    }

    #[test]
    fn the_facts_say_what_would_go_in_place_of_what_and_where_to_approve() {
        let facts = event("approval-requested").facts();
        let of = |name: &str| facts.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        assert_eq!(of("Replaces"), Some("diabetes@1"));
        assert_eq!(of("Differs: train alpha"), Some("0.5 -> 0.4"));
        assert_eq!(of("Who"), Some("1 of ada@example.com, grace@example.com"));
        assert_eq!(of("Approve with"), Some("sprag approve 20261124-100000-k3xq --reason \"...\""));
        assert_eq!(of("Made by"), Some("eve"));
    }

    #[test]
    fn metrics_are_short_and_signed() {
        assert_eq!(event("released").metrics[0].line(), "mse 3295.74 (now 3298.91, -3.1685)");
        let cases = [(0.0, "0"), (0.25, "0.25"), (1e-9, "1.000e-9"), (42.0, "42"), (-3.16854, "-3.1685")];
        for (value, text) in cases {
            assert_eq!(short(value), text);
        }
    }
}

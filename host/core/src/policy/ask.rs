//! What a stage asks for.

use std::fmt;

use sprag_schemas::manifest::Clock;
use sprag_schemas::policy::GrantRule;
use sprag_schemas::quantity::{ByteSize, TimeSpan};

use crate::http_grant::HttpGrant;
use crate::plan::PlannedStage;

/// One thing that a stage asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// To run its plugin.
    Plugin,
    /// An environment variable.
    Env(String),
    /// The machine's clock.
    Clock,
    /// An origin.
    Http(HttpGrant),
    /// A secret.
    Secret(String),
    /// Services of this machine.
    Services,
    /// A folder.
    Folder(String),
    /// A mail server.
    Smtp(String),
    /// Scripts in a Python environment.
    Process(String),
    /// The network, for those scripts.
    ProcessNetwork,
    /// So much memory.
    Memory(ByteSize),
    /// So much time.
    Time(TimeSpan),
}

impl Ask {
    /// Everything that a stage asks for.
    pub fn of(stage: &PlannedStage) -> Vec<Self> {
        let grants = &stage.grants;
        let mut asks = vec![Self::Plugin];
        asks.extend(grants.env.iter().cloned().map(Self::Env));
        if grants.clock == Clock::Real {
            asks.push(Self::Clock);
        }
        // The plan let only good ones through.
        asks.extend(grants.http.iter().filter_map(|text| text.parse().ok()).map(Self::Http));
        asks.extend(grants.secrets.iter().cloned().map(Self::Secret));
        if grants.services {
            asks.push(Self::Services);
        }
        asks.extend(grants.folders.iter().cloned().map(Self::Folder));
        asks.extend(grants.smtp.iter().cloned().map(Self::Smtp));
        asks.extend(grants.processes.iter().cloned().map(Self::Process));
        if grants.process_network {
            asks.push(Self::ProcessNetwork);
        }
        asks.push(Self::Memory(ByteSize(stage.limits.memory)));
        asks.push(Self::Time(TimeSpan(stage.limits.time)));
        asks
    }

    /// The key of `[[grants]]` that is about it; none for the plugin itself.
    pub(super) const fn key(&self) -> Option<&'static str> {
        match self {
            Self::Plugin => None,
            Self::Env(_) => Some("env"),
            Self::Clock => Some("clock"),
            Self::Http(_) => Some("http"),
            Self::Secret(_) => Some("secrets"),
            Self::Services => Some("services"),
            Self::Folder(_) => Some("folders"),
            Self::Smtp(_) => Some("smtp"),
            Self::Process(_) => Some("processes"),
            Self::ProcessNetwork => Some("process-network"),
            Self::Memory(_) => Some("memory"),
            Self::Time(_) => Some("time"),
        }
    }

    /// The keys of the stage in the project file that ask for it.
    pub(super) const fn place(&self) -> &'static [&'static str] {
        match self {
            Self::Plugin => &["plugin"],
            Self::Env(_) => &["grants", "env"],
            Self::Clock => &["grants", "clock"],
            Self::Http(_) => &["grants", "http"],
            Self::Secret(_) => &["grants", "secrets"],
            Self::Services => &["grants", "services"],
            Self::Folder(_) => &["grants", "folders"],
            Self::Smtp(_) => &["grants", "smtp"],
            Self::Process(_) => &["grants", "processes"],
            Self::ProcessNetwork => &["grants", "process-network"],
            Self::Memory(_) => &["limits", "memory"],
            Self::Time(_) => &["limits", "time"],
        }
    }

    /// Whether a rule allows it, and by which item of a list.
    pub(super) fn allowed_by(&self, rule: &GrantRule) -> Option<Option<usize>> {
        let item = |list: &[String], fits: &dyn Fn(&str) -> bool| list.iter().position(|text| fits(text)).map(Some);
        let whole = |is_allowed: bool| is_allowed.then_some(None);
        match self {
            Self::Plugin => None,
            Self::Env(name) => item(&rule.env, &|pattern| fits(pattern, name)),
            Self::Clock => whole(rule.clock == Some(Clock::Real)),
            Self::Http(asked) => item(&rule.http, &|text| text.parse::<HttpGrant>().is_ok_and(|rule| rule.includes(asked))),
            Self::Secret(name) => item(&rule.secrets, &|pattern| fits(pattern, name)),
            Self::Services => whole(rule.services),
            Self::Folder(folder) => item(&rule.folders, &|allowed| is_within(allowed, folder)),
            Self::Smtp(server) => item(&rule.smtp, &|pattern| fits(pattern, server)),
            Self::Process(name) => item(&rule.processes, &|pattern| fits(pattern, name)),
            Self::ProcessNetwork => whole(rule.process_network),
            Self::Memory(asked) => whole(rule.memory.is_some_and(|most| *asked <= most)),
            Self::Time(asked) => whole(rule.time.is_some_and(|most| *asked <= most)),
        }
    }

    /// Whether a rule says anything about it.
    pub(super) fn is_subject_of(&self, rule: &GrantRule) -> bool {
        match self {
            Self::Plugin => false,
            Self::Env(_) => !rule.env.is_empty(),
            Self::Clock => rule.clock.is_some(),
            Self::Http(_) => !rule.http.is_empty(),
            Self::Secret(_) => !rule.secrets.is_empty(),
            Self::Services => rule.services,
            Self::Folder(_) => !rule.folders.is_empty(),
            Self::Smtp(_) => !rule.smtp.is_empty(),
            Self::Process(_) => !rule.processes.is_empty(),
            Self::ProcessNetwork => rule.process_network,
            Self::Memory(_) => rule.memory.is_some(),
            Self::Time(_) => rule.time.is_some(),
        }
    }

    /// A rule that allows just this.
    pub(super) fn rule(&self) -> GrantRule {
        let mut rule = GrantRule::default();
        match self {
            Self::Plugin => {}
            Self::Env(name) => rule.env.push(name.clone()),
            Self::Clock => rule.clock = Some(Clock::Real),
            Self::Http(asked) => rule.http.push(asked.to_string()),
            Self::Secret(name) => rule.secrets.push(name.clone()),
            Self::Services => rule.services = true,
            Self::Folder(folder) => rule.folders.push(folder.clone()),
            Self::Smtp(server) => rule.smtp.push(server.clone()),
            Self::Process(name) => rule.processes.push(name.clone()),
            Self::ProcessNetwork => rule.process_network = true,
            Self::Memory(asked) => rule.memory = Some(*asked),
            Self::Time(asked) => rule.time = Some(*asked),
        }
        rule
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plugin => f.write_str("to run"),
            Self::Env(name) => write!(f, "env={name}"),
            Self::Clock => f.write_str("clock=real"),
            Self::Http(asked) => write!(f, "http={asked}"),
            Self::Secret(name) => write!(f, "secret={name}"),
            Self::Services => f.write_str("services=true"),
            Self::Folder(folder) => write!(f, "folder={folder}"),
            Self::Smtp(server) => write!(f, "smtp={server}"),
            Self::Process(name) => write!(f, "process={name}"),
            Self::ProcessNetwork => f.write_str("process-network=true"),
            Self::Memory(asked) => write!(f, "memory={asked}"),
            Self::Time(asked) => write!(f, "time={asked}"),
        }
    }
}

/// Whether a text fits a pattern: the same, or with any rest where the pattern ends in `*`.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == text, |start| text.starts_with(start))
}

/// Whether a folder is another one or lies below it, by their texts: links are for the host that opens them.
fn is_within(allowed: &str, asked: &str) -> bool {
    let normal = |path: &str| {
        let mut parts: Vec<String> = vec![];
        for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
            let goes_back = part == ".." && parts.last().is_some_and(|last| last != "..");
            if goes_back {
                parts.pop();
            } else {
                parts.push(part.to_owned());
            }
        }
        (path.starts_with('/'), parts)
    };
    let ((allowed_root, allowed), (asked_root, asked)) = (normal(allowed), normal(asked));
    let rest = asked.strip_prefix(allowed.as_slice());
    allowed_root == asked_root && rest.is_some_and(|rest| rest.first().is_none_or(|part| part != ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_covers_what_is_below_it() {
        for (allowed, asked) in [("../w", "../w"), ("../w", "../w/a/./b"), ("./", "a"), ("/srv", "/srv/x/../y"), (".", ".")] {
            assert!(is_within(allowed, asked), "{allowed} {asked}");
        }
        for (allowed, asked) in
            [("../w", "../work"), ("../w", "../w/../x"), ("a", "/a"), (".", ".."), ("..", "../.."), ("/srv", "/srv/../etc")]
        {
            assert!(!is_within(allowed, asked), "{allowed} {asked}");
        }
    }
}

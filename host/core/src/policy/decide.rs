//! The decisions: each thing that a stage asks for against each policy.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sprag_schemas::manifest::Kind;
use sprag_schemas::policy::{GrantRule, PluginRule, Policy, Step};

use super::ask::fits;
use super::{Ask, PolicyFile, Source, verify_plugin};
use crate::digest::Digest;
use crate::entries::Entry;
use crate::plan::{PlannedStage, PluginRef, Problem};

/// What is known of a stage's plugin beside its binary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The registry and repository that are known to have given it: `registry.example.com/team/train-x`.
    pub repository: Option<String>,
    /// The signatures that came with it.
    pub signatures: Vec<String>,
}

/// What one policy says of one thing that a stage asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Decision {
    /// The stage.
    pub stage: String,
    /// Its kind.
    pub kind: Kind,
    /// The plugin as the project names it.
    pub plugin: String,
    /// What is asked: `to run`, `env=SEASON`, `memory=4GiB`.
    pub asked: String,
    /// Whether it is allowed.
    pub is_allowed: bool,
    /// The policy.
    pub policy: String,
    /// The line of the rule that decided; none where no rule is about it.
    pub line: Option<usize>,
    /// What the rule says, or that there is none.
    pub rule: String,
    /// Where it is refused, what to add to the policy so that it is allowed; none where only taking something out of the policy helps.
    pub remedy: Option<String>,
    /// The keys of the stage that ask for it.
    #[serde(skip)]
    place: &'static [&'static str],
}

/// What a rule came to.
struct Found {
    is_allowed: bool,
    line: Option<usize>,
    rule: String,
    can_be_allowed: bool,
}

/// Decides everything that the stages of a project ask for, by every policy.
pub fn decide<'a>(
    policies: &[PolicyFile],
    project: &str,
    stages: impl Iterator<Item = &'a PlannedStage>,
    provenance: &BTreeMap<String, Provenance>,
) -> Vec<Decision> {
    let nothing = Provenance::default();
    let mut decisions = vec![];
    for stage in stages {
        let provenance = provenance.get(&stage.name).unwrap_or(&nothing);
        for policy in policies {
            for ask in Ask::of(stage) {
                let found = match ask {
                    Ask::Plugin => plugin(policy, project, stage, provenance),
                    _ => grant(policy, project, stage, &ask),
                };
                let remedy = (!found.is_allowed && found.can_be_allowed).then(|| remedy(project, stage, &ask));
                decisions.push(Decision {
                    stage: stage.name.clone(),
                    kind: stage.kind,
                    plugin: stage.plugin.to_string(),
                    asked: ask.to_string(),
                    is_allowed: found.is_allowed,
                    policy: policy.path.clone(),
                    line: found.line,
                    rule: found.rule,
                    remedy,
                    place: ask.place(),
                });
            }
        }
    }
    decisions
}

/// The refusals as problems of the project file.
pub fn problems(decisions: &[Decision], entries: &[Entry<'_>]) -> Vec<Problem> {
    let refused = decisions.iter().filter(|decision| !decision.is_allowed);
    let problem = |decision: &Decision| {
        let Decision { stage, plugin, asked, rule, policy, .. } = decision;
        let entry = entries.iter().find(|entry| entry.name == *stage);
        let path: Vec<_> =
            entry.iter().flat_map(|entry| entry.path.iter().copied()).chain(decision.place.iter().copied()).collect();
        let place = decision.line.map_or_else(|| policy.clone(), |line| format!("{policy}:{line}"));
        let message = format!("stage `{stage}`: plugin `{plugin}` asks {}; {place} refuses it: {rule}", asking(asked));
        let hint = decision.remedy.as_ref().map(|remedy| {
            let lines: String = remedy.trim_end().lines().map(|line| format!("\n  {line}")).collect();
            format!("to allow it, whoever keeps `{policy}` adds{lines}")
        });
        Problem { is_refusal: true, ..Problem::new(&path, message, hint) }
    };
    refused.map(problem).collect()
}

fn asking(asked: &str) -> String {
    if asked == "to run" { asked.to_owned() } else { format!("for {asked}") }
}

/// Where a component is revoked by its digest: the policy and the line.
pub fn revoked<'a>(policies: &'a [PolicyFile], digest: &Digest) -> Option<(&'a PolicyFile, Option<usize>)> {
    policies.iter().find_map(|policy| {
        let at =
            policy.policy.revoked.digests.iter().position(|text| text.parse().is_ok_and(|revoked: Digest| revoked == *digest))?;
        Some((policy, policy.line(&[Step::Key("revoked"), Step::Key("digests"), Step::Item(at)])))
    })
}

fn is_for(kinds: Option<&[Kind]>, projects: Option<&[String]>, project: &str, stage: &PlannedStage) -> bool {
    kinds.is_none_or(|kinds| kinds.contains(&stage.kind))
        && projects.is_none_or(|projects| projects.iter().any(|pattern| fits(pattern, project)))
}

fn plugin(file: &PolicyFile, project: &str, stage: &PlannedStage, provenance: &Provenance) -> Found {
    use Step::{Item, Key};
    let Policy { revoked: gone, plugins, .. } = &file.policy;
    let refused = |line, rule: String, can_be_allowed| Found { is_allowed: false, line, rule, can_be_allowed };
    if let Some((_, line)) = revoked(std::slice::from_ref(file), &stage.component.digest) {
        return refused(line, format!("the component {} is revoked", stage.component.digest), false);
    }
    let keys: BTreeSet<_> =
        provenance.signatures.iter().filter_map(|signature| verify_plugin(&stage.component, signature).ok()).collect();
    for (at, text) in gone.signers.iter().enumerate() {
        if keys.contains(file.signers.get(text).unwrap_or(text)) {
            let line = file.line(&[Key("revoked"), Key("signers"), Item(at)]);
            return refused(line, format!("the signer `{text}`, who signed it, is revoked"), false);
        }
    }
    let is_signed_by = |name: &String| file.signers.get(name).is_some_and(|key| keys.contains(key));
    let mut nearest: Option<(bool, Option<usize>, String)> = None;
    for (at, rule) in plugins.iter().enumerate() {
        if !is_for(rule.kinds.as_deref(), rule.projects.as_deref(), project, stage) {
            continue;
        }
        let sources = rule.from.as_deref();
        let covers = |text: &String| text.parse::<Source>().is_ok_and(|source| source.covers(stage, provenance));
        let item = sources.and_then(|sources| sources.iter().position(covers));
        let is_from = sources.is_none() || item.is_some();
        let signer = rule.signed_by.iter().flatten().find(|name| is_signed_by(name));
        let line = |key, item: Option<usize>| {
            file.line(&[Key("plugins"), Item(at), Key(key)].into_iter().chain(item.map(Item)).collect::<Vec<_>>())
        };
        if is_from && (rule.signed_by.is_none() || signer.is_some()) {
            let (line, rule) = match (item.zip(sources), signer) {
                (Some((item, sources)), None) => (line("from", Some(item)), format!("from `{}`", sources[item])),
                (Some((item, sources)), Some(name)) => {
                    (line("from", Some(item)), format!("from `{}`, signed by `{name}`", sources[item]))
                }
                (None, signer) => (line("signed-by", None), format!("signed by `{}`", signer.map_or("", String::as_str))),
            };
            return Found { is_allowed: true, line, rule, can_be_allowed: true };
        }
        // The rule that a plugin misses by its signature alone says more than one that is about others.
        if nearest.as_ref().is_none_or(|(is_from_known, ..)| is_from && !is_from_known) {
            nearest = Some((is_from, line(if is_from { "signed-by" } else { "from" }, None), expected(rule, is_from)));
        }
    }
    let found = account(file, stage, provenance, &keys);
    match nearest {
        Some((_, line, expected)) => refused(line, format!("expected a plugin {expected}, found {found}"), true),
        None => refused(None, format!("no `[[plugins]]` is for `{}` stages of `{project}`", stage.kind), true),
    }
}

fn expected(rule: &PluginRule, is_from: bool) -> String {
    let list = |texts: &[String]| texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(" or ");
    match (&rule.from, &rule.signed_by) {
        (_, Some(signers)) if is_from => format!("signed by {}", list(signers)),
        (Some(from), _) => format!("from {}", list(from)),
        (None, _) => "of another make".to_owned(),
    }
}

/// Where a plugin comes from and who signed it, for a refusal.
fn account(file: &PolicyFile, stage: &PlannedStage, provenance: &Provenance, keys: &BTreeSet<String>) -> String {
    let from = match (&stage.plugin, &provenance.repository) {
        (PluginRef::BuiltIn(_), _) => "a built-in one".to_owned(),
        (PluginRef::Path(_), _) => format!("a file, {}", stage.component.digest),
        (PluginRef::Registry(_), Some(repository)) => format!("one from `oci://{repository}`, {}", stage.component.digest),
        // A lockfile can name any registry; only who pulled it knows.
        (PluginRef::Registry(_), None) => format!("a copy that does not show where it came from, {}", stage.component.digest),
    };
    let name = |key: &String| {
        file.signers.iter().find(|(_, known)| *known == key).map_or_else(|| key.clone(), |(name, _)| format!("`{name}`"))
    };
    match keys.len() {
        0 => format!("{from}, unsigned"),
        _ => format!("{from}, signed by {}", keys.iter().map(name).collect::<Vec<_>>().join(", ")),
    }
}

fn grant(file: &PolicyFile, project: &str, stage: &PlannedStage, ask: &Ask) -> Found {
    use Step::{Item, Key};
    let key = ask.key().expect("the plugin itself is decided elsewhere");
    let line = |at, item: Option<usize>| {
        let steps: Vec<_> = [Key("grants"), Item(at), Key(key)].into_iter().chain(item.map(Item)).collect();
        file.line(&steps)
    };
    let rules = file.policy.grants.iter().enumerate();
    let mine = rules.filter(|(_, rule)| is_for(rule.kinds.as_deref(), rule.projects.as_deref(), project, stage));
    let mut about: Vec<(usize, &GrantRule)> = vec![];
    for (at, rule) in mine.filter(|(_, rule)| ask.is_subject_of(rule)) {
        if let Some(item) = ask.allowed_by(rule) {
            return Found { is_allowed: true, line: line(at, item), rule: says(rule, key), can_be_allowed: true };
        }
        about.push((at, rule));
    }
    if let Some((at, rule)) = about.first() {
        return Found { is_allowed: false, line: line(*at, None), rule: says(rule, key), can_be_allowed: true };
    }
    let defaults = crate::limits::Limits::default();
    let default = match ask {
        Ask::Memory(asked) => Some((
            asked.0 <= defaults.memory,
            format!("no rule names `memory`, so the most is {}", sprag_schemas::quantity::ByteSize(defaults.memory)),
        )),
        Ask::Time(asked) => Some((
            asked.0 <= defaults.time,
            format!("no rule names `time`, so the most is {}", sprag_schemas::quantity::TimeSpan(defaults.time)),
        )),
        _ => None,
    };
    let (is_allowed, rule) =
        default.unwrap_or_else(|| (false, format!("no `[[grants]]` for `{}` stages of `{project}` names `{key}`", stage.kind)));
    Found { is_allowed, line: None, rule, can_be_allowed: true }
}

/// What a rule says under a key, as the file's own type writes it.
fn says(rule: &GrantRule, key: &str) -> String {
    let text = Policy { grants: vec![rule.clone()], ..Policy::default() }.to_text();
    let line = text.lines().find(|line| line.split(" = ").next() == Some(key));
    format!("`{}`", line.unwrap_or(key))
}

/// What to add to a policy so that it allows this, and as little else as can be.
fn remedy(project: &str, stage: &PlannedStage, ask: &Ask) -> String {
    let (kinds, projects) = (Some(vec![stage.kind]), Some(vec![project.to_owned()]));
    let policy = match ask {
        Ask::Plugin => {
            let source = match &stage.plugin {
                PluginRef::BuiltIn(name) => Source::Named(name.clone()),
                _ => Source::Digest(stage.component.digest),
            };
            let rule = PluginRule { kinds, projects, from: Some(vec![source.to_string()]), signed_by: None };
            Policy { plugins: vec![rule], ..Policy::default() }
        }
        _ => Policy { grants: vec![GrantRule { kinds, projects, ..ask.rule() }], ..Policy::default() },
    };
    policy.to_text()
}

//! A project turned into the stages that will run, or into the list of everything that is wrong with it.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};
use sprag_schemas::manifest::{Clock, Grants, Kind, Manifest, Python, PythonTier};
use sprag_schemas::record::Tier;

use crate::component::{Component, PluginInfo};
use crate::contract;
use crate::entries::{Entry, entries};
use crate::limits::Limits;
use crate::params;

mod settings;

/// How a project names a plugin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PluginRef {
    /// A plugin that is built into sprag, by its name.
    BuiltIn(String),
    /// A component file, relative to the project.
    Path(String),
    /// A plugin of an OCI registry: what follows `oci://`.
    Registry(String),
}

impl PluginRef {
    /// Reads a reference: a path begins with `./`, `../` or `/`, one of a registry with `oci://`; anything else names a built-in plugin.
    pub fn parse(text: &str) -> Self {
        if let Some(reference) = text.strip_prefix("oci://") {
            Self::Registry(reference.to_owned())
        } else if ["./", "../", "/"].iter().any(|start| text.starts_with(start)) {
            Self::Path(text.to_owned())
        } else {
            Self::BuiltIn(text.to_owned())
        }
    }
}

impl fmt::Display for PluginRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn(text) | Self::Path(text) => f.pad(text),
            Self::Registry(text) => f.pad(&format!("oci://{text}")),
        }
    }
}

/// The stages of a project, checked and in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The stages of a run, in the order in which they run: from the data to a registered version.
    pub stages: Vec<PlannedStage>,
    /// Who is told how a run ended, by name.
    pub notify: Vec<PlannedStage>,
    /// What `sprag provision` runs, by name.
    pub provision: Vec<PlannedStage>,
    /// The stage that packages a version; none where the project has none.
    pub package: Option<PlannedStage>,
    /// The environments that a release goes through, in order.
    pub environments: Vec<PlannedEnvironment>,
}

/// The stages of one environment.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedEnvironment {
    /// The environment's name.
    pub name: String,
    /// Who is told.
    pub notify: Vec<PlannedStage>,
    /// The rules that must agree.
    pub approve: Vec<PlannedStage>,
    /// What deploys.
    pub deploy: PlannedStage,
    /// What tries the deployed service.
    pub smoke_test: Option<PlannedStage>,
}

/// One stage that will run.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedStage {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// The plugin as the project names it.
    pub plugin: PluginRef,
    /// What the component's binary says about it.
    pub component: Component,
    /// The plugin's account of itself.
    pub info: PluginInfo,
    /// Its parameters, checked against the plugin's schema.
    pub params: Map<String, Value>,
    /// Files of the project that it may read, by the name that it asks for.
    pub inputs: BTreeMap<String, String>,
    /// What it may do beyond its world.
    pub grants: Grants,
    /// The Python environments that it may run scripts in, by name.
    pub environments: BTreeMap<String, Python>,
    /// What it may use.
    pub limits: Limits,
}

impl PlannedEnvironment {
    /// Its stages.
    pub fn stages(&self) -> impl Iterator<Item = &PlannedStage> {
        self.notify.iter().chain(&self.approve).chain([&self.deploy]).chain(&self.smoke_test)
    }
}

impl PlannedStage {
    /// The grants as sorted `name=value`: the form of the lockfile and of the plan that people read.
    pub fn grant_lines(&self) -> Vec<String> {
        let mut lines: Vec<_> = self.grants.env.iter().map(|name| format!("env={name}")).collect();
        if self.grants.clock == Clock::Real {
            lines.push("clock=real".to_owned());
        }
        lines.extend(self.grants.http.iter().map(|origin| format!("http={origin}")));
        lines.extend(self.grants.secrets.iter().map(|name| format!("secret={name}")));
        lines.extend(self.grants.smtp.iter().map(|server| format!("smtp={server}")));
        lines.extend(self.grants.folders.iter().map(|folder| format!("folder={folder}")));
        if self.grants.services {
            lines.push("services=true".to_owned());
        }
        lines.extend(self.grants.processes.iter().map(|name| format!("process={name}")));
        if self.grants.process_network {
            lines.push("process-network=true".to_owned());
        }
        lines.sort();
        lines.dedup();
        lines
    }

    /// The clock that the stage sees. One that may use the network sees the real one: it must be able to wait.
    pub const fn clock(&self) -> Clock {
        if self.kind.may_use_network() { Clock::Real } else { self.grants.clock }
    }

    /// How reproducible it is.
    pub fn tier(&self) -> Tier {
        if self.clock() == Clock::Real || self.kind == Kind::Register || self.grants.process_network {
            Tier::External
        } else if self.environments.values().any(|environment| environment.tier == PythonTier::Supervised) {
            Tier::Supervised
        } else {
            Tier::Hermetic
        }
    }

    /// Whether its work may be taken from the cache: all that it is handed is in its cache key.
    pub fn is_cacheable(&self) -> bool {
        self.tier() != Tier::External
    }
}

/// One thing that is wrong with a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key of the project file that it is about, from the root.
    pub path: Vec<String>,
    /// What was expected and what was found.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Whether a component asks for more than it may have.
    pub is_refusal: bool,
}

/// Two components that give themselves one name and version, of which nobody could say later which it was.
fn of_one_name(manifest: &Manifest, planned: &BTreeMap<String, PlannedStage>) -> Vec<Problem> {
    let mut seen: BTreeMap<(&str, &str), &PlannedStage> = BTreeMap::new();
    let mut problems = vec![];
    for entry in entries(manifest) {
        let Some(stage) = planned.get(&entry.name) else { continue };
        let first = *seen.entry((&stage.info.name, &stage.info.version)).or_insert(stage);
        if first.component.digest != stage.component.digest {
            let path: Vec<_> = entry.path.iter().copied().chain(["plugin"]).collect();
            let message = format!(
                "stage `{}`: plugin `{}`: expected one component of the name `{}` and version {}, found two: {} here, and {} in the stage `{}`",
                stage.name,
                stage.plugin,
                stage.info.name,
                stage.info.version,
                stage.component.digest,
                first.component.digest,
                first.name
            );
            problems.push(Problem::new(
                &path,
                message,
                Some("give one of them another version, or both stages the same component".to_owned()),
            ));
        }
    }
    problems
}

impl Problem {
    pub(crate) fn new(path: &[&str], message: impl Into<String>, hint: Option<String>) -> Self {
        let path = path.iter().map(|key| (*key).to_owned()).collect();
        Self { path, message: message.into(), hint, is_refusal: false }
    }
}

/// The kind of every stage, by its name in the project.
///
/// # Errors
/// A stage whose kind is neither given nor its name, a kind that stands twice where it may stand once, a stage whose forerunner is
/// missing, and names that are none.
pub fn stage_kinds(manifest: &Manifest) -> Result<BTreeMap<&str, Kind>, Vec<Problem>> {
    let mut problems = name_problems(manifest);
    let mut kinds = BTreeMap::new();
    let mut by_kind: BTreeMap<Kind, Vec<&str>> = BTreeMap::new();
    for (name, stage) in &manifest.stages {
        let known = || Kind::OF_STAGES.map(|kind| format!("`{kind}`")).join(", ");
        match stage.kind.or_else(|| Kind::from_name(name)) {
            Some(kind) if Kind::OF_STAGES.contains(&kind) => {
                kinds.insert(name.as_str(), kind);
                by_kind.entry(kind).or_default().push(name);
            }
            Some(kind) => {
                let place = match kind {
                    Kind::Provision => "[provision.NAME]",
                    Kind::Notify => "[run.notify.NAME]` or `[environments.NAME.notify.NAME]",
                    _ => "[environments.NAME]",
                };
                let message = format!("expected a kind that stands under `[stages]` ({}), found `{kind}`", known());
                let hint = Some(format!("a stage of the kind `{kind}` stands under `{place}`"));
                problems.push(Problem::new(&["stages", name], message, hint));
            }
            None => {
                let message = format!("expected `kind`, because `{name}` is not itself a kind; the kinds are {}", known());
                problems.push(Problem::new(&["stages", name], message, None));
            }
        }
    }
    for kind in [Kind::Train, Kind::Evaluate, Kind::Register, Kind::Package] {
        if let Some([first, second, ..]) = by_kind.get(&kind).map(Vec::as_slice) {
            let message = format!("expected one stage of the kind `{kind}`, found `{first}` and `{second}`");
            problems.push(Problem::new(&["stages", second], message, None));
        }
    }
    for (kind, needs) in [(Kind::UnitTest, Kind::Train), (Kind::Evaluate, Kind::Train), (Kind::Register, Kind::Evaluate)] {
        if let (Some(names), None) = (by_kind.get(&kind), by_kind.get(&needs)) {
            let message = format!("expected a stage of the kind `{needs}` before one of the kind `{kind}`, found none");
            problems.push(Problem::new(&["stages", names[0]], message, Some(format!("add `[stages.{needs}]` with a `plugin`"))));
        }
    }
    if manifest.stages.is_empty() {
        problems.push(Problem::new(&["stages"], "expected at least one stage, found none", None));
    }
    if problems.is_empty() { Ok(kinds) } else { Err(problems) }
}

/// Whether a text is a name: lower-case letters, digits and hyphens, beginning with a letter, at most 64 characters.
pub fn is_name(text: &str) -> bool {
    let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.len() <= 64 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(inside)
}

fn name_problems(manifest: &Manifest) -> Vec<Problem> {
    let project = (vec!["project", "name"], manifest.project.name.as_str());
    let model = manifest.model.name.as_deref().map(|name| (vec!["model", "name"], name));
    let champion = manifest.model.champion.as_deref().map(|name| (vec!["model", "champion"], name));
    let stages = manifest.stages.keys().map(|name| (vec!["stages", name.as_str()], name.as_str()));
    let told = manifest.run.notify.keys().map(|name| (vec!["run", "notify", name.as_str()], name.as_str()));
    let provision = manifest.provision.keys().map(|name| (vec!["provision", name.as_str()], name.as_str()));
    let secrets = manifest.secrets.keys().map(|name| (vec!["secrets", name.as_str()], name.as_str()));
    let python = manifest.python.keys().map(|name| (vec!["python", name.as_str()], name.as_str()));
    let environments = manifest.environments.iter().flat_map(|(name, environment)| {
        let notify = environment.notify.keys().map(move |inner| (vec!["environments", name, "notify", inner], inner.as_str()));
        let approve = environment.approve.keys().map(move |inner| (vec!["environments", name, "approve", inner], inner.as_str()));
        std::iter::once((vec!["environments", name.as_str()], name.as_str())).chain(notify).chain(approve)
    });
    std::iter::once(project)
        .chain(model)
        .chain(champion)
        .chain(stages)
        .chain(told)
        .chain(provision)
        .chain(secrets)
        .chain(python)
        .chain(environments)
        .filter(|(_, name)| !is_name(name))
        .map(|(path, name)| {
            let message = format!("expected lower-case letters, digits and hyphens, beginning with a letter, found `{name}`");
            Problem::new(&path, message, None)
        })
        .collect()
}

impl Plan {
    /// Makes the plan of a project from the components that its stages name, by the names of [`entries`].
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the stages: a component that does not fit its stage, parameters that do not fit their
    /// schema, grants that are none.
    pub fn build(manifest: &Manifest, components: &BTreeMap<String, Component>) -> Result<Self, Vec<Problem>> {
        let kinds = stage_kinds(manifest)?;
        let limits = Limits::default().with(&manifest.limits);
        let mut problems = settings::problems(manifest);
        let mut planned = BTreeMap::new();
        for entry in entries(manifest) {
            let component = components.get(&entry.name).expect("the caller gives a component for each stage of the manifest");
            let kind = entry.kind.unwrap_or_else(|| kinds[entry.name.as_str()]);
            match plan_stage(&entry, kind, component, &limits, manifest) {
                Ok(stage) => {
                    planned.insert(entry.name, stage);
                }
                Err(found) => problems.extend(found),
            }
        }
        problems.extend(of_one_name(manifest, &planned));
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut take = |name: String| planned.remove(&name);
        let mut environments = vec![];
        for name in settings::order(manifest) {
            let environment = &manifest.environments[&name];
            let mut all = |key: &str, inner: Vec<&String>| -> Vec<_> {
                inner.into_iter().filter_map(|inner| take(format!("{name}.{key}.{inner}"))).collect()
            };
            let notify = all("notify", environment.notify.keys().collect());
            let approve = all("approve", environment.approve.keys().collect());
            let deploy = take(format!("{name}.deploy")).expect("every environment has one, and all were planned above");
            let smoke_test = take(format!("{name}.smoke-test"));
            environments.push(PlannedEnvironment { name, notify, approve, deploy, smoke_test });
        }
        let of_kind = |kind: Kind| move |stage: &PlannedStage| stage.kind == kind;
        let (provision, rest): (Vec<_>, Vec<_>) = planned.into_values().partition(of_kind(Kind::Provision));
        let (notify, rest): (Vec<_>, Vec<_>) = rest.into_iter().partition(of_kind(Kind::Notify));
        let (mut package, mut stages): (Vec<_>, Vec<_>) = rest.into_iter().partition(of_kind(Kind::Package));
        stages.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        Ok(Self { stages, notify, provision, package: package.pop(), environments })
    }

    /// Every stage, those of runs first, then who is told of them, then packaging, provisioning and the environments.
    pub fn all(&self) -> impl Iterator<Item = &PlannedStage> {
        let environments = self.environments.iter().flat_map(PlannedEnvironment::stages);
        self.stages.iter().chain(&self.notify).chain(&self.package).chain(&self.provision).chain(environments)
    }

    /// The environment of this name.
    pub fn environment(&self, name: &str) -> Option<&PlannedEnvironment> {
        self.environments.iter().find(|environment| environment.name == name)
    }

    /// The one stage of a kind that stands at most once.
    pub fn stage_of(&self, kind: Kind) -> Option<&PlannedStage> {
        self.stages.iter().find(|stage| stage.kind == kind)
    }
}

fn plan_stage(
    entry: &Entry<'_>,
    kind: Kind,
    component: &Component,
    limits: &Limits,
    manifest: &Manifest,
) -> Result<PlannedStage, Vec<Problem>> {
    let Entry { name, stage, .. } = entry;
    let at = |key| entry.path.iter().copied().chain([key]).collect::<Vec<_>>();
    let mut problems: Vec<_> = contract::check(component, kind)
        .err()
        .into_iter()
        .flatten()
        .map(|error| {
            let message = format!("stage `{name}`: plugin `{}`: {error}", stage.plugin);
            let is_refusal = error.is_refusal();
            Problem { is_refusal, ..Problem::new(&at("plugin"), message, Some(error.hint())) }
        })
        .collect();
    problems.extend(settings::grant_problems(entry, kind, component, manifest));
    // The parameters of a plugin that does not fit say nothing.
    let Some(info) = component.plugin.clone().filter(|_| problems.is_empty()) else { return Err(problems) };
    for error in params::check(&info.params_schema, &stage.params).err().into_iter().flatten() {
        let mut path = at("params");
        path.extend(error.path.iter().map(String::as_str));
        let what = if error.path.is_empty() { "params".to_owned() } else { format!("params.{}", error.path.join(".")) };
        let message = format!("stage `{name}`: plugin `{}` {}: `{what}`: {}", info.name, info.version, error.message);
        problems.push(Problem::new(&path, message, None));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(PlannedStage {
        name: name.clone(),
        kind,
        plugin: PluginRef::parse(&stage.plugin),
        component: component.clone(),
        info,
        params: stage.params.clone(),
        inputs: stage.inputs.clone(),
        grants: stage.grants.clone(),
        environments: stage.grants.processes.iter().map(|name| (name.clone(), manifest.python[name].clone())).collect(),
        limits: limits.clone().with(&stage.limits),
    })
}

#[cfg(test)]
mod tests;

//! A project turned into the stages that will run, or into the list of everything that is wrong with it.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};
use sprag_schemas::manifest::{Clock, Grants, Kind, Manifest, Stage};

use crate::component::{Component, PluginInfo};
use crate::contract;
use crate::limits::Limits;
use crate::params;

/// How a project names a plugin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PluginRef {
    /// A plugin that is built into sprag, by its name.
    BuiltIn(String),
    /// A component file, relative to the project.
    Path(String),
}

impl PluginRef {
    /// Reads a reference: a path begins with `./`, `../` or `/`; anything else names a built-in plugin.
    pub fn parse(text: &str) -> Self {
        if ["./", "../", "/"].iter().any(|start| text.starts_with(start)) {
            Self::Path(text.to_owned())
        } else {
            Self::BuiltIn(text.to_owned())
        }
    }
}

impl fmt::Display for PluginRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::BuiltIn(text) | Self::Path(text)) = self;
        f.pad(text)
    }
}

/// The stages of a project, checked and in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The stages in the order in which they run.
    pub stages: Vec<PlannedStage>,
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
    /// What it may use.
    pub limits: Limits,
}

impl PlannedStage {
    /// The grants as sorted `name=value`: the form of the lockfile and of the plan that people read.
    pub fn grant_lines(&self) -> Vec<String> {
        let mut lines: Vec<_> = self.grants.env.iter().map(|name| format!("env={name}")).collect();
        if self.grants.clock == Clock::Real {
            lines.push("clock=real".to_owned());
        }
        lines.sort();
        lines.dedup();
        lines
    }

    /// Whether all that the stage can see is in its cache key.
    pub fn is_hermetic(&self) -> bool {
        self.grants.clock == Clock::Frozen && self.kind != Kind::Register
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

impl Problem {
    fn new(path: &[&str], message: impl Into<String>, hint: Option<String>) -> Self {
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
        let Some(kind) = stage.kind.or_else(|| Kind::from_name(name)) else {
            let known: Vec<_> = Kind::ALL.iter().map(|kind| format!("`{kind}`")).collect();
            let message = format!("expected `kind`, because `{name}` is not itself a kind; the kinds are {}", known.join(", "));
            problems.push(Problem::new(&["stages", name], message, None));
            continue;
        };
        kinds.insert(name.as_str(), kind);
        by_kind.entry(kind).or_default().push(name);
    }
    for kind in [Kind::Train, Kind::Evaluate, Kind::Register] {
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
    std::iter::once(project)
        .chain(model)
        .chain(champion)
        .chain(stages)
        .filter(|(_, name)| !is_name(name))
        .map(|(path, name)| {
            let message = format!("expected lower-case letters, digits and hyphens, beginning with a letter, found `{name}`");
            Problem::new(&path, message, None)
        })
        .collect()
}

impl Plan {
    /// Makes the plan of a project from the components that its stages name.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the stages: a component that does not fit its stage, parameters that do not fit their
    /// schema, grants that are none.
    pub fn build(manifest: &Manifest, components: &BTreeMap<String, Component>) -> Result<Self, Vec<Problem>> {
        let kinds = stage_kinds(manifest)?;
        let limits = Limits::default().with(&manifest.limits);
        let mut problems = vec![];
        let mut stages = vec![];
        for (name, stage) in &manifest.stages {
            let component = components.get(name).expect("the caller gives a component for each stage of the manifest");
            match plan_stage(name, kinds[name.as_str()], stage, component, &limits) {
                Ok(stage) => stages.push(stage),
                Err(found) => problems.extend(found),
            }
        }
        stages.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        if problems.is_empty() { Ok(Self { stages }) } else { Err(problems) }
    }

    /// The one stage of a kind that stands at most once.
    pub fn stage_of(&self, kind: Kind) -> Option<&PlannedStage> {
        self.stages.iter().find(|stage| stage.kind == kind)
    }
}

fn plan_stage(
    name: &str,
    kind: Kind,
    stage: &Stage,
    component: &Component,
    limits: &Limits,
) -> Result<PlannedStage, Vec<Problem>> {
    let mut problems: Vec<_> = contract::check(component, kind)
        .err()
        .into_iter()
        .flatten()
        .map(|error| {
            let message = format!("stage `{name}`: plugin `{}`: {error}", stage.plugin);
            let is_refusal = error.is_refusal();
            Problem { is_refusal, ..Problem::new(&["stages", name, "plugin"], message, Some(error.hint())) }
        })
        .collect();
    for variable in stage.grants.env.iter().filter(|name| name.is_empty() || name.contains(['=', '\0'])) {
        let message = format!("stage `{name}`: expected the name of an environment variable, found `{variable}`");
        problems.push(Problem::new(&["stages", name, "grants", "env"], message, None));
    }
    // The parameters of a plugin that does not fit say nothing.
    let Some(info) = component.plugin.clone().filter(|_| problems.is_empty()) else { return Err(problems) };
    for error in params::check(&info.params_schema, &stage.params).err().into_iter().flatten() {
        let mut path = vec!["stages", name, "params"];
        path.extend(error.path.iter().map(String::as_str));
        let what = if error.path.is_empty() { "params".to_owned() } else { format!("params.{}", error.path.join(".")) };
        let message = format!("stage `{name}`: plugin `{}` {}: `{what}`: {}", info.name, info.version, error.message);
        problems.push(Problem::new(&path, message, None));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(PlannedStage {
        name: name.to_owned(),
        kind,
        plugin: PluginRef::parse(&stage.plugin),
        component: component.clone(),
        info,
        params: stage.params.clone(),
        inputs: stage.inputs.clone(),
        grants: stage.grants.clone(),
        limits: limits.clone().with(&stage.limits),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    fn component(kind: Kind) -> Component {
        Component {
            digest: Digest::of(kind.name().as_bytes()),
            bytes: 0,
            imports: vec!["sprag:run/context@0.1.0".into()],
            exports: contract::exports(kind).iter().map(|name| format!("{name}@0.1.0")).collect(),
            plugin: Some(PluginInfo {
                name: "p".into(),
                version: "1.0.0".into(),
                summary: String::new(),
                params_schema: serde_json::json!({ "type": "object", "additionalProperties": false, "properties": { "alpha": { "type": "number" } } }),
            }),
        }
    }

    fn manifest(stages: &str) -> Manifest {
        Manifest::parse(&format!("[project]\nname = \"p\"\n[data]\npath = \"d.csv\"\ntarget = \"y\"\n{stages}")).unwrap()
    }

    fn plan(stages: &str) -> Result<Vec<String>, Vec<String>> {
        let manifest = manifest(stages);
        let components = manifest.stages.iter().map(|(name, stage)| {
            let kind = stage.kind.or_else(|| Kind::from_name(name)).unwrap_or(Kind::Train);
            (name.clone(), component(kind))
        });
        match Plan::build(&manifest, &components.collect()) {
            Ok(plan) => Ok(plan.stages.into_iter().map(|stage| stage.name).collect()),
            Err(problems) => Err(problems.into_iter().map(|problem| problem.message).collect()),
        }
    }

    #[test]
    fn stages_run_in_the_order_of_the_lifecycle_and_then_by_name() {
        let order = plan(
            "[stages.train]\nplugin = \"t\"\n[stages.b-check]\nkind = \"sanity-check\"\nplugin = \"c\"\n\
             [stages.a-check]\nkind = \"sanity-check\"\nplugin = \"c\"\n[stages.evaluate]\nplugin = \"e\"",
        );
        assert_eq!(order, Ok(["a-check", "b-check", "train", "evaluate"].map(String::from).to_vec()));
    }

    #[test]
    fn wrong_projects_say_what_was_expected() {
        let first = |stages: &str| plan(stages).unwrap_err().remove(0);
        assert_eq!(
            first("[stages.fit]\nplugin = \"t\""),
            "expected `kind`, because `fit` is not itself a kind; the kinds are `sanity-check`, `unit-test`, `train`, `evaluate`, `register`"
        );
        assert_eq!(
            first("[stages.a]\nkind = \"train\"\nplugin = \"t\"\n[stages.b]\nkind = \"train\"\nplugin = \"t\""),
            "expected one stage of the kind `train`, found `a` and `b`"
        );
        assert_eq!(
            first("[stages.register]\nplugin = \"r\""),
            "expected a stage of the kind `evaluate` before one of the kind `register`, found none"
        );
        assert_eq!(
            first("[stages.train]\nplugin = \"t\"\nparams = { alpha = \"high\" }"),
            "stage `train`: plugin `p` 1.0.0: `params.alpha`: \"high\" is not of type \"number\""
        );
        assert_eq!(
            first("[stages.Train]\nkind = \"train\"\nplugin = \"t\""),
            "expected lower-case letters, digits and hyphens, beginning with a letter, found `Train`"
        );
        assert_eq!(first("[stages]"), "expected at least one stage, found none");
    }

    #[test]
    fn references_are_told_apart_by_how_they_begin() {
        assert_eq!(PluginRef::parse("train-ridge"), PluginRef::BuiltIn("train-ridge".into()));
        assert_eq!(PluginRef::parse("./mine.wasm"), PluginRef::Path("./mine.wasm".into()));
    }
}

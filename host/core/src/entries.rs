//! Every place of a project file that names a plugin, with the name under which the lockfile and the records know it.

use sprag_schemas::manifest::{Kind, Manifest, Stage};

/// One stage of the project file, wherever it stands.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// Its name: `train`, `provision.workspace`, `staging.deploy`, `production.notify.webhook`.
    pub name: String,
    /// Its kind, where its place gives it; none under `[stages]`, where its key or name does.
    pub kind: Option<Kind>,
    /// Its keys in the project file, from the root.
    pub path: Vec<&'a str>,
    /// The stage.
    pub stage: &'a Stage,
}

/// All of them: those under `[stages]`, by name, then who is told of runs, then provisioning, then the environments.
pub fn entries(manifest: &Manifest) -> Vec<Entry<'_>> {
    let stages = manifest.stages.iter().map(|(name, stage)| Entry {
        name: name.clone(),
        kind: stage.kind.or_else(|| Kind::from_name(name)),
        path: vec!["stages", name],
        stage,
    });
    let notify = manifest.run.notify.iter().map(|(name, stage)| Entry {
        name: format!("run.notify.{name}"),
        kind: Some(Kind::Notify),
        path: vec!["run", "notify", name],
        stage,
    });
    let provision = manifest.provision.iter().map(|(name, stage)| Entry {
        name: format!("provision.{name}"),
        kind: Some(Kind::Provision),
        path: vec!["provision", name],
        stage,
    });
    let mut all: Vec<_> = stages.chain(notify).chain(provision).collect();
    for (name, environment) in &manifest.environments {
        all.push(of_environment(name, "deploy", None, Kind::Deploy, &environment.deploy));
        let tests = environment.smoke_test.iter();
        all.extend(tests.map(|stage| of_environment(name, "smoke-test", None, Kind::SmokeTest, stage)));
        let notify = environment.notify.iter();
        all.extend(notify.map(|(inner, stage)| of_environment(name, "notify", Some(inner), Kind::Notify, stage)));
        let approve = environment.approve.iter();
        all.extend(approve.map(|(inner, stage)| of_environment(name, "approve", Some(inner), Kind::Approve, stage)));
    }
    all
}

fn of_environment<'a>(
    environment: &'a str,
    key: &'static str,
    inner: Option<&'a str>,
    kind: Kind,
    stage: &'a Stage,
) -> Entry<'a> {
    let name = inner.map_or_else(|| format!("{environment}.{key}"), |inner| format!("{environment}.{key}.{inner}"));
    let path = ["environments", environment, key].into_iter().chain(inner).collect();
    Entry { name, kind: Some(kind), path, stage }
}

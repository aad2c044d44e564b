//! What changed between the lockfile and the project as it stands, as the one-line differences that people review.

use std::collections::BTreeMap;

use sprag_schemas::lockfile::{LockedStage, Lockfile, VERSION};

use crate::contract::is_pure;
use crate::digest::Digest;
use crate::plan::Plan;

/// The lockfile of a plan. `manifests` are those of the plugins that come from a registry, by stage.
pub fn lockfile(plan: &Plan, manifests: &BTreeMap<String, Digest>) -> Lockfile {
    let stages = plan.all().map(|stage| LockedStage {
        name: stage.name.clone(),
        kind: stage.kind.name().to_owned(),
        plugin: stage.plugin.to_string(),
        version: stage.info.version.clone(),
        manifest: manifests.get(&stage.name).map(Digest::to_string),
        digest: stage.component.digest.to_string(),
        imports: stage.component.imports.clone(),
        grants: stage.grant_lines(),
    });
    Lockfile { version: VERSION, stages: stages.collect() }
}

/// How the project differs from its lockfile.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LockDiff {
    /// Differences that give a component one more right: a new import, unless it lets the component only compute faster, or a new grant. Accepted only by `sprag lock`.
    pub widened: Vec<String>,
    /// All other differences: another digest or version, a stage that came or went, a right that went.
    pub changed: Vec<String>,
}

impl LockDiff {
    /// Compares a lockfile with what the project would lock now.
    pub fn between(locked: &Lockfile, now: &Lockfile) -> Self {
        let mut diff = Self::default();
        for stage in &now.stages {
            match locked.stage(&stage.name) {
                Some(before) => diff.compare(before, stage),
                None => diff.changed.push(format!("stage `{}` is new: {} {}", stage.name, stage.plugin, stage.version)),
            }
        }
        for gone in locked.stages.iter().filter(|stage| now.stage(&stage.name).is_none()) {
            diff.changed.push(format!("stage `{}` is gone", gone.name));
        }
        diff
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.widened.is_empty() && self.changed.is_empty()
    }

    fn compare(&mut self, before: &LockedStage, now: &LockedStage) {
        let who = if before.version == now.version && before.plugin == now.plugin {
            format!("stage `{}`: {} {}", now.name, now.plugin, now.version)
        } else {
            format!("stage `{}`: {} {} -> {} {}", now.name, before.plugin, before.version, now.plugin, now.version)
        };
        let RightsDiff { imports: (imports, _), grants: (grants, _) } = RightsDiff::between(before, now);
        if !imports.is_empty() {
            self.widened.push(format!("{who} now asks for {}", imports.join(", ")));
        }
        if !grants.is_empty() {
            self.widened.push(format!("{who} is now granted {}", grants.join(", ")));
        }
        if imports.is_empty() && grants.is_empty() && before != now {
            let fewer = before.imports.len() > now.imports.len() || before.grants.len() > now.grants.len();
            let what = if before.digest == now.digest && !fewer && before.plugin == now.plugin {
                format!("is pinned to {} instead of {}", pin(now), pin(before))
            } else if before.digest == now.digest && !fewer {
                "is the same component".to_owned()
            } else if before.digest == now.digest {
                "asks for or is granted less".to_owned()
            } else {
                format!("has the digest {} instead of {}", now.digest, before.digest)
            };
            self.changed.push(format!("{who} {what}"));
        }
    }
}

/// What one entry of a lockfile may do that another may not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RightsDiff {
    /// The imports that came, but for those that let a component only compute faster, and the imports that went.
    pub imports: (Vec<String>, Vec<String>),
    /// The grants that came, and those that went.
    pub grants: (Vec<String>, Vec<String>),
}

impl RightsDiff {
    /// Compares what a stage was locked with and what it would be locked with.
    pub fn between(before: &LockedStage, now: &LockedStage) -> Self {
        let only = |a: &[String], b: &[String]| {
            let items = a.iter().filter(|item| !b.contains(item) && !is_pure(item));
            items.cloned().collect::<Vec<_>>()
        };
        Self {
            imports: (only(&now.imports, &before.imports), only(&before.imports, &now.imports)),
            grants: (only(&now.grants, &before.grants), only(&before.grants, &now.grants)),
        }
    }

    /// Whether any right came.
    pub fn widens(&self) -> bool {
        !self.imports.0.is_empty() || !self.grants.0.is_empty()
    }
}

/// The manifest that an entry names.
fn pin(stage: &LockedStage) -> &str {
    stage.manifest.as_deref().unwrap_or("no manifest")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(name: &str, version: &str, digest: &str, imports: &[&str], grants: &[&str]) -> LockedStage {
        let own = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
        LockedStage {
            name: name.into(),
            kind: "train".into(),
            plugin: format!("./{name}.wasm"),
            version: version.into(),
            manifest: None,
            digest: digest.into(),
            imports: own(imports),
            grants: own(grants),
        }
    }

    fn diff(before: Vec<LockedStage>, now: Vec<LockedStage>) -> LockDiff {
        let lock = |stages| Lockfile { version: VERSION, stages };
        LockDiff::between(&lock(before), &lock(now))
    }

    #[test]
    fn one_more_right_is_one_line() {
        let diff = diff(
            vec![stage("train", "1.2.0", "a", &["sprag:data/tables@0.1.0"], &[])],
            vec![stage("train", "1.3.0", "b", &["sprag:data/tables@0.1.0", "wasi:http/types@0.2.6"], &[])],
        );
        assert_eq!(diff.widened, ["stage `train`: ./train.wasm 1.2.0 -> ./train.wasm 1.3.0 now asks for wasi:http/types@0.2.6"]);
        assert!(diff.changed.is_empty());
    }

    #[test]
    fn to_compute_faster_is_no_right() {
        let before = stage("train", "1.0.0", "a", &[], &[]);
        let diff = diff(vec![before], vec![stage("train", "1.0.0", "b", &["sprag:linalg/kernels@0.1.0"], &[])]);
        assert_eq!(diff.widened, [""; 0]);
        assert_eq!(diff.changed, ["stage `train`: ./train.wasm 1.0.0 has the digest b instead of a"]);
    }

    #[test]
    fn a_grant_widens_and_a_digest_only_changes() {
        let before = stage("train", "1.0.0", "a", &[], &[]);
        let granted = diff(vec![before.clone()], vec![stage("train", "1.0.0", "a", &[], &["env=A"])]);
        assert_eq!(granted.widened, ["stage `train`: ./train.wasm 1.0.0 is now granted env=A"]);
        let rebuilt = diff(vec![before.clone()], vec![stage("train", "1.0.0", "b", &[], &[])]);
        assert_eq!(rebuilt.changed, ["stage `train`: ./train.wasm 1.0.0 has the digest b instead of a"]);
        assert!(diff(vec![before.clone()], vec![before]).is_empty());
    }

    #[test]
    fn rights_come_and_go() {
        let before = stage("train", "1.0.0", "a", &["a:b/c@1.0.0", "sprag:data/tables@0.1.0"], &["env=A"]);
        let now = stage("train", "1.0.0", "b", &["sprag:data/tables@0.1.0", "sprag:linalg/kernels@0.1.0"], &["env=B"]);
        let diff = RightsDiff::between(&before, &now);
        assert_eq!(diff.imports, (vec![], vec!["a:b/c@1.0.0".to_owned()]));
        assert_eq!(diff.grants, (vec!["env=B".to_owned()], vec!["env=A".to_owned()]));
        assert!(diff.widens() && !RightsDiff::between(&now, &now).widens());
    }

    #[test]
    fn stages_come_and_go() {
        let diff = diff(vec![stage("a", "1.0.0", "a", &[], &[])], vec![stage("b", "1.0.0", "a", &[], &[])]);
        assert_eq!(diff.changed, ["stage `b` is new: ./b.wasm 1.0.0", "stage `a` is gone"]);
    }
}

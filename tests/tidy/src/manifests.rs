//! What every crate's manifest must have.

use std::path::PathBuf;

use toml::{Table, Value};

use crate::repository::{assert_none, files, read};

/// One crate of the workspace, as its manifest says.
pub(crate) struct Crate {
    pub(crate) name: String,
    /// The folder, from the root, such as `host/core`.
    pub(crate) dir: PathBuf,
    pub(crate) manifest: Table,
}

/// Which of a crate's dependencies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Normal,
    Build,
    Dev,
}

impl Section {
    const fn key(self) -> &'static str {
        match self {
            Self::Normal => "dependencies",
            Self::Build => "build-dependencies",
            Self::Dev => "dev-dependencies",
        }
    }
}

impl Crate {
    /// The names of the dependencies of a section, those for one target alone among them.
    pub(crate) fn dependencies(&self, section: Section) -> Vec<String> {
        let of = |table: &Table| table.get(section.key()).and_then(Value::as_table).cloned().unwrap_or_default();
        let targets = self.manifest.get("target").and_then(Value::as_table).into_iter().flatten();
        let for_targets = targets.filter_map(|(_, table)| table.as_table()).flat_map(of);
        let all = of(&self.manifest).into_iter().chain(for_targets);
        all.map(|(name, value)| value.get("package").and_then(Value::as_str).map_or(name, str::to_owned)).collect()
    }

    /// Whether the crate lies in a folder of this name at the top.
    pub(crate) fn is_in(&self, top: &str) -> bool {
        self.dir.starts_with(top)
    }
}

/// Every crate of the workspace.
pub(crate) fn crates() -> Vec<Crate> {
    let manifests = files().into_iter().filter(|path| path.ends_with("Cargo.toml"));
    let parsed = manifests.map(|path| (path.parent().unwrap().to_owned(), read(&path).parse::<Table>().unwrap()));
    let with_name = parsed.filter_map(|(dir, manifest)| {
        let name = manifest.get("package")?.get("name")?.as_str()?.to_owned();
        Some(Crate { name, dir, manifest })
    });
    with_name.collect()
}

#[test]
fn every_crate_says_what_it_is_and_takes_the_workspace_s_lints() {
    let mut problems = vec![];
    for Crate { name, dir, manifest } in crates() {
        let package = &manifest["package"];
        let dir = dir.display();
        if package.get("description").and_then(Value::as_str).is_none_or(str::is_empty) {
            problems.push(format!("{dir}: `{name}` has no `description`"));
        }
        let takes_lints = manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(Value::as_bool);
        if takes_lints != Some(true) {
            problems.push(format!("{dir}: `{name}` has no `[lints] workspace = true`"));
        }
        for key in ["version", "edition", "rust-version", "license", "publish"] {
            if package.get(key).and_then(|value| value.get("workspace")).is_none() {
                problems.push(format!("{dir}: `{name}` has no `{key}.workspace = true`"));
            }
        }
    }
    assert_none("every manifest says what its crate is and takes the rest from the workspace", &problems);
}

#[test]
fn versions_of_dependencies_stand_in_the_workspace_alone() {
    let mut problems = vec![];
    for krate in crates() {
        for section in ["dependencies", "build-dependencies", "dev-dependencies"] {
            for (name, value) in krate.manifest.get(section).and_then(Value::as_table).into_iter().flatten() {
                if value.get("workspace").is_none() && value.get("path").is_none() {
                    problems.push(format!("{}: `{name}` in `[{section}]`", krate.dir.join("Cargo.toml").display()));
                }
            }
        }
    }
    assert_none("a dependency is `NAME.workspace = true`; its version stands in the root's manifest", &problems);
}
